/// `size(range.filter(x, condition))` without making the list.
final class FilteredCountNode: LoopNode, @unchecked Sendable {
  private let condition: Node
  init(_ list: CollectNode, condition: Node) {
    self.condition = condition
    super.init(
      list.range, slot: list.slot, keySlot: list.keySlot, invariants: list.invariants)
  }

  override func value(_ c: EvaluationContext) -> Value {
    if let result = int(c) { return .int(result) }
    return c.takeAbrupt()
  }

  override func int(_ c: EvaluationContext) -> Int64? {
    var found: Int64 = 0
    let abrupt = forEach(c, where: condition) {
      found &+= 1
      return .done
    }
    guard let abrupt else { return found }
    c.fail(abrupt)
    return nil
  }
}

/// `range.map(x, [condition,] body).sum()` of ints without making the list.
final class IntSumNode: LoopNode, @unchecked Sendable {
  private let condition: Node?
  private let body: Node
  init(_ list: CollectNode, body: Node) {
    condition = list.condition
    self.body = body
    super.init(
      list.range, slot: list.slot, keySlot: list.keySlot, invariants: list.invariants)
  }

  override func value(_ c: EvaluationContext) -> Value {
    if let result = int(c) { return .int(result) }
    return c.takeAbrupt()
  }

  override func int(_ c: EvaluationContext) -> Int64? {
    var total: Int64 = 0
    var hasOverflown = false
    let abrupt = forEach(c, where: condition) {
      guard let term = body.int(c) else { return .failed(c.takeAbrupt()) }
      let (sum, overflow) = total.addingReportingOverflow(term)
      total = sum
      hasOverflown = hasOverflown || overflow
      return .done
    }
    if abrupt == nil, !hasOverflown { return total }
    c.fail(abrupt ?? .error(.overflow))
    return nil
  }
}

/// `optional.or(other)` and `optional.orValue(other)`: the other is evaluated only when needed.
final class OptionalOrNode: Node, @unchecked Sendable {
  private let left: Node
  private let right: Node
  /// The result is the value inside.
  private let unwraps: Bool
  init(_ left: Node, _ right: Node, unwraps: Bool) {
    self.left = left
    self.right = right
    self.unwraps = unwraps
  }
  override func value(_ c: EvaluationContext) -> Value {
    let value = left.value(c)
    guard case .optional(let optional) = value else {
      return value.isAbrupt ? value : .noSuchOverload
    }
    if let wrapped = optional.wrapped { return unwraps ? wrapped : value }
    let other = right.value(c)
    if unwraps || other.isAbrupt { return other }
    if case .optional = other { return other }
    return .noSuchOverload
  }
}
