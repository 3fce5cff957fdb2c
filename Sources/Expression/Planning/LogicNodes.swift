/// `a && b` and `a || b`: decided as soon as one term has the decisive value, whatever the other is.
/// Chains nest to the right.
final class ChainNode: BoolNode, @unchecked Sendable {
  let left: Node
  let right: Node
  /// False for `&&`, true for `||`.
  let decisive: Bool
  init(_ left: Node, _ right: Node, decisive: Bool) {
    self.left = left
    self.right = right
    self.decisive = decisive
  }
  override func bool(_ c: EvaluationContext) -> Bool? {
    guard let value = left.bool(c) else { return absorb(c, right, decisive: decisive) }
    return value == decisive ? decisive : right.bool(c)
  }
}

/// Looks whether the right term decides in spite of a left unknown or error; else keeps that.
@inline(never)
private func absorb(_ c: EvaluationContext, _ right: Node, decisive: Bool) -> Bool? {
  let abrupt = c.takeAbrupt()
  if let value = right.bool(c) {
    if value == decisive { return decisive }
    c.fail(abrupt)
  } else {
    c.fail(.merge(abrupt, c.takeAbrupt()))
  }
  return nil
}

final class NotNode: BoolNode, @unchecked Sendable {
  private let operand: Node
  init(_ operand: Node) { self.operand = operand }
  override func bool(_ c: EvaluationContext) -> Bool? {
    guard let value = operand.bool(c) else { return nil }
    return !value
  }
}

final class ConditionalNode: Node, @unchecked Sendable {
  private let condition: Node
  private let yes: Node
  private let no: Node
  init(_ condition: Node, _ yes: Node, _ no: Node) {
    self.condition = condition
    self.yes = yes
    self.no = no
  }
  override func value(_ c: EvaluationContext) -> Value {
    guard let test = condition.bool(c) else { return c.takeAbrupt() }
    return test ? yes.value(c) : no.value(c)
  }
  override func bool(_ c: EvaluationContext) -> Bool? {
    guard let test = condition.bool(c) else { return nil }
    return test ? yes.bool(c) : no.bool(c)
  }
  override func int(_ c: EvaluationContext) -> Int64? {
    guard let test = condition.bool(c) else { return nil }
    return test ? yes.int(c) : no.int(c)
  }
  override func day(_ c: EvaluationContext) -> Int32? {
    guard let test = condition.bool(c) else { return nil }
    return test ? yes.day(c) : no.day(c)
  }
}

enum CompareOperator: Sendable {
  case less, lessOrEqual, greater, greaterOrEqual, equal, notEqual

  init?(_ name: String) {
    switch name {
    case "_<_": self = .less
    case "_<=_": self = .lessOrEqual
    case "_>_": self = .greater
    case "_>=_": self = .greaterOrEqual
    case "_==_": self = .equal
    case "_!=_": self = .notEqual
    default: return nil
    }
  }

  var flipped: CompareOperator {
    switch self {
    case .less: .greater
    case .lessOrEqual: .greaterOrEqual
    case .greater: .less
    case .greaterOrEqual: .lessOrEqual
    case .equal, .notEqual: self
    }
  }

  @inline(__always)
  func holds<T: Comparable>(_ a: T, _ b: T) -> Bool {
    switch self {
    case .less: a < b
    case .lessOrEqual: a <= b
    case .greater: a > b
    case .greaterOrEqual: a >= b
    case .equal: a == b
    case .notEqual: a != b
    }
  }

  func holds(_ order: Numbers.Order) -> Bool {
    switch self {
    case .less: order == .less
    case .lessOrEqual: order == .less || order == .equal
    case .greater: order == .greater
    case .greaterOrEqual: order == .greater || order == .equal
    case .equal: order == .equal
    case .notEqual: order != .equal
    }
  }
}

/// The common part of comparisons of two operands.
class ComparisonNode: BoolNode, @unchecked Sendable {
  final let op: CompareOperator
  final let left: Node
  final let right: Node
  init(_ op: CompareOperator, _ left: Node, _ right: Node) {
    self.op = op
    self.left = left
    self.right = right
  }
}

final class IntCompareNode: ComparisonNode, @unchecked Sendable {
  override func bool(_ c: EvaluationContext) -> Bool? {
    guard let a = left.int(c) else { return bothAbrupt(c) }
    guard let b = right.int(c) else { return nil }
    return op.holds(a, b)
  }
  @inline(never)
  private func bothAbrupt(_ c: EvaluationContext) -> Bool? {
    let abrupt = c.takeAbrupt()
    c.fail(right.int(c) == nil ? .merge(abrupt, c.takeAbrupt()) : abrupt)
    return nil
  }
}

/// Comparison of an int with a constant.
final class IntConstantCompareNode: BoolNode, @unchecked Sendable {
  let op: CompareOperator
  let left: Node
  let right: Int64
  init(_ op: CompareOperator, _ left: Node, _ right: Int64) {
    self.op = op
    self.left = left
    self.right = right
  }
  override func bool(_ c: EvaluationContext) -> Bool? {
    guard let a = left.int(c) else { return nil }
    return op.holds(a, right)
  }
}

final class DateCompareNode: ComparisonNode, @unchecked Sendable {
  override func bool(_ c: EvaluationContext) -> Bool? {
    guard let a = left.day(c) else {
      let abrupt = c.takeAbrupt()
      c.fail(right.day(c) == nil ? .merge(abrupt, c.takeAbrupt()) : abrupt)
      return nil
    }
    guard let b = right.day(c) else { return nil }
    return op.holds(a, b)
  }
}

/// `text == 'constant'` and `!=`.
final class TextConstantEqualsNode: BoolNode, @unchecked Sendable {
  private let left: Node
  private let right: Text
  private let negated: Bool
  init(_ left: Node, _ right: Text, negated: Bool) {
    self.left = left
    self.right = right
    self.negated = negated
  }
  override func bool(_ c: EvaluationContext) -> Bool? {
    switch left.value(c) {
    case .string(let text): return (text == right) != negated
    case .null: return negated
    case let other:
      if other.isAbrupt {
        c.fail(other)
        return nil
      }
      return negated
    }
  }
}

/// `==` and `!=` of any values.
final class EqualsNode: BoolNode, @unchecked Sendable {
  private let left: Node
  private let right: Node
  private let negated: Bool
  init(_ left: Node, _ right: Node, negated: Bool) {
    self.left = left
    self.right = right
    self.negated = negated
  }
  override func bool(_ c: EvaluationContext) -> Bool? {
    let a = left.value(c)
    let b = right.value(c)
    if a.isAbrupt || b.isAbrupt {
      c.fail(strictFailure(a, b))
      return nil
    }
    let result = c.equals(a, b)
    if case .bool(let equal) = result { return equal != negated }
    c.fail(result)
    return nil
  }
}

/// `<`, `<=`, `>`, `>=` of any values.
final class CompareNode: ComparisonNode, @unchecked Sendable {
  override func bool(_ c: EvaluationContext) -> Bool? {
    let a = left.value(c)
    let b = right.value(c)
    if a.isAbrupt || b.isAbrupt {
      c.fail(strictFailure(a, b))
      return nil
    }
    guard let order = Numbers.relation(a, b) else {
      c.fail(.noSuchOverload)
      return nil
    }
    return op.holds(order)
  }
}

/// The failure of a strict operation with at least one abrupt argument.
@inline(never)
func strictFailure(_ a: Value, _ b: Value) -> Value {
  if a.isAbrupt { return b.isAbrupt ? .merge(a, b) : a }
  return b
}
