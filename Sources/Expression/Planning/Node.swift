/// A step of a compiled expression. Immutable after planning and shared between threads.
///
/// `bool` and `int` return nil where there is no such value; the unknown or error is then in
/// `context.takeAbrupt()`. They exist so that the common path moves machine words only.
class Node: @unchecked Sendable {
  // Unchecked: all stored properties of all subclasses are `let`s of sendable values.

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
  override func value(_ c: EvaluationContext) -> Value {
    if !c.pending[slot] { return c.variables[slot] }
    let result = definition.evaluate(c)
    // A probe runs at another time than now: its result must not stay.
    if !c.state.pointee.isProbing {
      c.variables[slot] = result
      c.pending[slot] = false
    }
    return result
  }
}

final class LocalNode: Node, @unchecked Sendable {
  let slot: Int
  init(_ slot: Int) { self.slot = slot }
  override func value(_ c: EvaluationContext) -> Value { c.state.pointee.frame[slot] }
}

final class TodayNode: Node, @unchecked Sendable {
  override func value(_ c: EvaluationContext) -> Value {
    c.limitValidityToMidnight()
    return .date(c.state.pointee.today)
  }
  override func day(_ c: EvaluationContext) -> Int32? {
    c.limitValidityToMidnight()
    return c.state.pointee.today.dayNumber
  }
}

final class NowNode: Node, @unchecked Sendable {
  override func value(_ c: EvaluationContext) -> Value {
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

  /// The value of the object expression.
  func object(_ c: EvaluationContext) -> Value { .noSuchOverload }

  @inline(never)
  final func wrongObject(_ value: Value) -> Value {
    if value.isAbrupt { return value }
    return .error(.noSuchField)
  }

  @inline(__always)
  final func read(_ c: EvaluationContext, _ value: Value) -> Value {
    if case .object(let ref) = value, ref.type == typeID { return c.read(ref, field) }
    return wrongObject(value)
  }

  @inline(__always)
  final func readInt(_ c: EvaluationContext, _ value: Value) -> Int64? {
    let result = read(c, value)
    if case .int(let value) = result { return value }
    c.failUnless(result)
    return nil
  }

  @inline(__always)
  final func readBool(_ c: EvaluationContext, _ value: Value) -> Bool? {
    let result = read(c, value)
    if case .bool(let value) = result { return value }
    c.failUnless(result)
    return nil
  }

  override func value(_ c: EvaluationContext) -> Value { read(c, object(c)) }
}

final class LocalFieldNode: FieldNode, @unchecked Sendable {
  private let slot: Int
  init(_ slot: Int, _ typeID: UInt16, _ field: UInt16) {
    self.slot = slot
    super.init(typeID, field)
  }
  override func object(_ c: EvaluationContext) -> Value { c.state.pointee.frame[slot] }
  override func value(_ c: EvaluationContext) -> Value { read(c, c.state.pointee.frame[slot]) }
  override func int(_ c: EvaluationContext) -> Int64? {
    readInt(c, c.state.pointee.frame[slot])
  }
  override func bool(_ c: EvaluationContext) -> Bool? {
    readBool(c, c.state.pointee.frame[slot])
  }
}

final class VariableFieldNode: FieldNode, @unchecked Sendable {
  private let slot: Int
  init(_ slot: Int, _ typeID: UInt16, _ field: UInt16) {
    self.slot = slot
    super.init(typeID, field)
  }
  override func object(_ c: EvaluationContext) -> Value { c.variables[slot] }
  override func value(_ c: EvaluationContext) -> Value { read(c, c.variables[slot]) }
  override func int(_ c: EvaluationContext) -> Int64? { readInt(c, c.variables[slot]) }
  override func bool(_ c: EvaluationContext) -> Bool? { readBool(c, c.variables[slot]) }
}

final class ComputedFieldNode: FieldNode, @unchecked Sendable {
  private let operand: Node
  /// The operand may be an optional: the field is taken of what is inside.
  init(_ operand: Node, _ typeID: UInt16, _ field: UInt16) {
    self.operand = operand
    super.init(typeID, field)
  }
  override func object(_ c: EvaluationContext) -> Value { operand.value(c) }
}

/// `has(object.field)`: unknown where the fact is, false where it is null.
final class HasFieldNode: BoolNode, @unchecked Sendable {
  private let field: FieldNode
  init(_ field: FieldNode) { self.field = field }
  override func bool(_ c: EvaluationContext) -> Bool? {
    switch field.value(c) {
    case .null: return false
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
    case .unknown, .error: return value
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
