/// A step of a compiled expression. Immutable after planning and shared between threads.
///
/// `bool` and `int` return nil where there is no such value; the unknown or error is then in
/// `context.takeAbrupt()`. They exist so that the common path moves machine words only.
class Node: @unchecked Sendable {
  // Unchecked: all stored properties of all subclasses are `let`s of sendable values, or refer to
  // such objects that another property keeps.

  func value(_ c: EvaluationContext) -> Value { .noSuchOverload }

  func bool(_ c: EvaluationContext) -> Bool? {
    let result = value(c)
    if case .bool(let value) = result { return value }
    c.failUnless(result)
    return nil
  }

  func int(_ c: EvaluationContext) -> Int64? {
    let result = value(c)
    if case .int(let value) = result { return value }
    c.failUnless(result)
    return nil
  }

  /// The number of elements of a list.
  func size(_ c: EvaluationContext) -> Int64? { c.size(of: value(c)) }

  /// Days since 1970 of a date.
  func day(_ c: EvaluationContext) -> Int32? {
    let result = value(c)
    if case .date(let value) = result { return value.dayNumber }
    c.failUnless(result)
    return nil
  }

  /// The value where it never changes.
  var constant: Value? { nil }
}

extension EvaluationContext {
  /// Notes why a value of the wrong kind is no result.
  @inline(never)
  func failUnless(_ value: Value) { fail(value.isAbrupt ? value : .noSuchOverload) }

  /// The number of elements of a list.
  func size(of value: Value) -> Int64? {
    switch value {
    case .hostList(let list): return Int64(count(list))
    case .list(let list): return Int64(list.count)
    default:
      failUnless(value)
      return nil
    }
  }
}

/// Nodes whose own result is a bool.
class BoolNode: Node, @unchecked Sendable {
  override func value(_ c: EvaluationContext) -> Value {
    if let result = bool(c) { return .bool(result) }
    return c.takeAbrupt()
  }
}

/// Nodes whose own result is an int.
class IntNode: Node, @unchecked Sendable {
  override func value(_ c: EvaluationContext) -> Value {
    if let result = int(c) { return .int(result) }
    return c.takeAbrupt()
  }
}

final class ConstantNode: Node, @unchecked Sendable {
  private let stored: Value
  init(_ value: Value) { stored = value }
  override func value(_ c: EvaluationContext) -> Value { stored }
  override var constant: Value? { stored.isAbrupt ? nil : stored }
}

final class IntConstantNode: IntNode, @unchecked Sendable {
  private let stored: Int64
  init(_ value: Int64) { stored = value }
  override func int(_ c: EvaluationContext) -> Int64? { stored }
  override var constant: Value? { .int(stored) }
}

final class BoolConstantNode: BoolNode, @unchecked Sendable {
  private let stored: Bool
  init(_ value: Bool) { stored = value }
  override func bool(_ c: EvaluationContext) -> Bool? { stored }
  override var constant: Value? { .bool(stored) }
}

final class VariableNode: Node, @unchecked Sendable {
  let slot: Int
  init(_ slot: Int) { self.slot = slot }
  override func value(_ c: EvaluationContext) -> Value { c.variables[slot] }
}

/// A `let`: evaluated when first read.
final class LazyVariableNode: Node, @unchecked Sendable {
  private let slot: Int
  private let definition: Program
  init(_ slot: Int, _ definition: Program) {
    self.slot = slot
    self.definition = definition
  }

  override func bool(_ c: EvaluationContext) -> Bool? {
    if !c.pending[slot], case .bool(let known) = c.variables[slot] { return known }
    return super.bool(c)
  }

  override func int(_ c: EvaluationContext) -> Int64? {
    if !c.pending[slot], case .int(let known) = c.variables[slot] { return known }
    return super.int(c)
  }

  override func value(_ c: EvaluationContext) -> Value {
    if !c.pending[slot] { return c.variables[slot] }
    let result = definition.evaluate(c)
    // A probe runs at another time than now: what depends on it must not stay.
    if !c.state.pointee.isProbing || !definition.dependencies.dependsOnTime {
      c.variables[slot] = result
      c.pending[slot] = false
      c.state.pointee.hasLazyValues = true
    }
    return result
  }
}

final class LocalNode: Node, @unchecked Sendable {
  let slot: Int
  init(_ slot: Int) { self.slot = slot }
  override func value(_ c: EvaluationContext) -> Value { c.state.pointee.frame[slot] }
  override func int(_ c: EvaluationContext) -> Int64? {
    if case .int(let value) = c.state.pointee.frame[slot] { return value }
    return super.int(c)
  }
  override func day(_ c: EvaluationContext) -> Int32? {
    if case .date(let value) = c.state.pointee.frame[slot] { return value.dayNumber }
    return super.day(c)
  }
}

final class TodayNode: Node, @unchecked Sendable {
  override func value(_ c: EvaluationContext) -> Value {
    c.noteToday()
    c.limitValidityToMidnight()
    return .date(c.state.pointee.today)
  }
  override func day(_ c: EvaluationContext) -> Int32? {
    c.noteToday()
    c.limitValidityToMidnight()
    return c.state.pointee.today.dayNumber
  }
}

final class NowNode: Node, @unchecked Sendable {
  override func value(_ c: EvaluationContext) -> Value {
    c.noteNow()
    c.limitValidityToMidnight()
    return .timestamp(Timestamp(c.state.pointee.now))
  }
}

// MARK: Fields of host objects

/// `object.field`. Subclasses know where the object is.
class FieldNode: Node, @unchecked Sendable {
  let field: UInt16
  let typeID: UInt16
  init(_ typeID: UInt16, _ field: UInt16) {
    self.typeID = typeID
    self.field = field
  }

  /// The object, or nil with the reason noted.
  func object(_ c: EvaluationContext) -> ObjectRef? {
    c.fail(.noSuchOverload)
    return nil
  }

  @inline(never)
  final func wrongObject(_ c: EvaluationContext, _ value: Value) {
    c.fail(value.isAbrupt ? value : .error(.noSuchField))
  }

  @inline(__always)
  final func read(_ c: EvaluationContext, _ object: ObjectRef?) -> Value {
    guard let object else { return c.takeAbrupt() }
    return c.read(object, field)
  }

  @inline(__always)
  final func readInt(_ c: EvaluationContext, _ object: ObjectRef?) -> Int64? {
    guard let object else { return nil }
    if let known = c.int(object, field) { return known }
    let result = c.read(object, field)
    if case .int(let value) = result { return value }
    c.failUnless(result)
    return nil
  }

  @inline(__always)
  final func readBool(_ c: EvaluationContext, _ object: ObjectRef?) -> Bool? {
    guard let object else { return nil }
    if let known = c.bool(object, field) { return known }
    let result = c.read(object, field)
    if case .bool(let value) = result { return value }
    c.failUnless(result)
    return nil
  }

  @inline(__always)
  final func readDay(_ c: EvaluationContext, _ object: ObjectRef?) -> Int32? {
    guard let object else { return nil }
    if let known = c.day(object, field) { return known }
    let result = c.read(object, field)
    if case .date(let value) = result { return value.dayNumber }
    c.failUnless(result)
    return nil
  }

  override func value(_ c: EvaluationContext) -> Value { read(c, object(c)) }

  override func size(_ c: EvaluationContext) -> Int64? {
    guard let object = object(c) else { return nil }
    return c.size(object, field).map(Int64.init) ?? c.size(of: c.read(object, field))
  }
}

/// A field of a loop variable.
final class LocalFieldNode: FieldNode, @unchecked Sendable {
  let slot: Int
  init(_ slot: Int, _ typeID: UInt16, _ field: UInt16) {
    self.slot = slot
    super.init(typeID, field)
  }

  @inline(__always)
  private func local(_ c: EvaluationContext) -> ObjectRef? {
    if case .object(let ref) = c.state.pointee.frame[slot], ref.type == typeID { return ref }
    wrongObject(c, c.state.pointee.frame[slot])
    return nil
  }

  override func object(_ c: EvaluationContext) -> ObjectRef? { local(c) }
  override func value(_ c: EvaluationContext) -> Value { read(c, local(c)) }
  override func int(_ c: EvaluationContext) -> Int64? { readInt(c, local(c)) }
  override func bool(_ c: EvaluationContext) -> Bool? { readBool(c, local(c)) }
  override func day(_ c: EvaluationContext) -> Int32? { readDay(c, local(c)) }
}

/// A field of a variable.
final class VariableFieldNode: FieldNode, @unchecked Sendable {
  let slot: Int
  init(_ slot: Int, _ typeID: UInt16, _ field: UInt16) {
    self.slot = slot
    super.init(typeID, field)
  }

  @inline(__always)
  private func variable(_ c: EvaluationContext) -> ObjectRef? {
    if case .object(let ref) = c.variables[slot], ref.type == typeID { return ref }
    wrongObject(c, c.variables[slot])
    return nil
  }

  override func object(_ c: EvaluationContext) -> ObjectRef? { variable(c) }
  override func value(_ c: EvaluationContext) -> Value { read(c, variable(c)) }
  override func int(_ c: EvaluationContext) -> Int64? { readInt(c, variable(c)) }
  override func bool(_ c: EvaluationContext) -> Bool? { readBool(c, variable(c)) }
  override func day(_ c: EvaluationContext) -> Int32? { readDay(c, variable(c)) }
}

/// `variable.field op constant` for ints, in one step: the most frequent comparison of rules.
final class FieldCompareNode: BoolNode, @unchecked Sendable {
  private let op: CompareOperator
  private let slot: Int
  private let isLocal: Bool
  private let field: UInt16
  private let typeID: UInt16
  private let right: Int64
  /// The same comparison in two steps.
  let plain: Node

  /// Nil where the left side is no field of a local or variable.
  init?(_ op: CompareOperator, _ left: Node, _ right: Int64) {
    switch left {
    case let node as LocalFieldNode: (slot, isLocal) = (node.slot, true)
    case let node as VariableFieldNode: (slot, isLocal) = (node.slot, false)
    default: return nil
    }
    guard let node = left as? FieldNode else { return nil }
    self.op = op
    self.right = right
    field = node.field
    typeID = node.typeID
    plain = IntConstantCompareNode(op, left, right)
  }

  override func bool(_ c: EvaluationContext) -> Bool? {
    let base = isLocal ? c.state.pointee.frame : c.variables
    guard case .object(let ref) = base[slot], ref.type == typeID else { return plain.bool(c) }
    if let known = c.int(ref, field) { return op.holds(known, right) }
    let result = c.read(ref, field)
    if case .int(let value) = result { return op.holds(value, right) }
    c.failUnless(result)
    return nil
  }
}

final class ComputedFieldNode: FieldNode, @unchecked Sendable {
  private let operand: Node
  /// The operand may be an optional: the field is taken of what is inside.
  init(_ operand: Node, _ typeID: UInt16, _ field: UInt16) {
    self.operand = operand
    super.init(typeID, field)
  }
  override func object(_ c: EvaluationContext) -> ObjectRef? {
    let value = operand.value(c)
    if case .object(let ref) = value, ref.type == typeID { return ref }
    wrongObject(c, value)
    return nil
  }

  override func int(_ c: EvaluationContext) -> Int64? { readInt(c, object(c)) }
  override func bool(_ c: EvaluationContext) -> Bool? { readBool(c, object(c)) }
  override func day(_ c: EvaluationContext) -> Int32? { readDay(c, object(c)) }

  override func value(_ c: EvaluationContext) -> Value {
    let value = operand.value(c)
    switch value {
    case .object(let ref) where ref.type == typeID: return c.read(ref, field)
    case .optional(let wrapper):
      // A field of an optional is an optional.
      guard let wrapped = wrapper.wrapped else { return value }
      guard case .object(let ref) = wrapped, ref.type == typeID else {
        return .error(.noSuchField)
      }
      let result = c.read(ref, field)
      switch result {
      case .unknown, .error, .optional: return result
      case .null: return .optional(.none)
      default: return .optional(OptionalValue(result))
      }
    default:
      wrongObject(c, value)
      return c.takeAbrupt()
    }
  }
}

/// `has(object.field)`: unknown where the fact is, false where it is null.
final class HasFieldNode: BoolNode, @unchecked Sendable {
  let field: FieldNode
  /// The field is a date, or an int; nil for other types.
  let isOfDays: Bool?
  /// The field is a list of an object that is at hand.
  private let isList: Bool
  init(_ field: FieldNode, _ type: CELType) {
    self.field = field
    if case .list = type { isList = !(field is ComputedFieldNode) } else { isList = false }
    isOfDays = type == .date ? true : type == .int ? false : nil
  }
  override func bool(_ c: EvaluationContext) -> Bool? {
    if isList, let object = field.object(c), c.size(object, field.field) != nil { return true }
    switch field.value(c) {
    case .null: return false
    case .optional(let wrapper): return wrapper.wrapped != nil
    case .unknown(let set):
      c.fail(.unknown(set))
      return nil
    case .error(let error):
      c.fail(.error(error))
      return nil
    default: return true
    }
  }
}

/// `known(x)`: false where the value depends on missing facts, true otherwise.
final class KnownNode: BoolNode, @unchecked Sendable {
  private let operand: Node
  init(_ operand: Node) { self.operand = operand }
  override func bool(_ c: EvaluationContext) -> Bool? {
    switch operand.value(c) {
    case .unknown: return false
    case .error(let error):
      c.fail(.error(error))
      return nil
    default: return true
    }
  }
}

/// `object.?field`: none where the field is null.
final class OptionalFieldNode: Node, @unchecked Sendable {
  private let field: FieldNode
  init(_ field: FieldNode) { self.field = field }
  override func value(_ c: EvaluationContext) -> Value {
    let value = field.value(c)
    switch value {
    // A field of an optional is one already.
    case .unknown, .error, .optional: return value
    case .null: return .optional(.none)
    default: return .optional(OptionalValue(value))
    }
  }
}

/// The only term left of a logical operator: its value, if it is a bool.
final class StrictBoolNode: BoolNode, @unchecked Sendable {
  private let operand: Node
  init(_ operand: Node) { self.operand = operand }
  override func bool(_ c: EvaluationContext) -> Bool? { operand.bool(c) }
}
