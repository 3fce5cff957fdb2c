/// `size(range.filter(x, condition))` without making the list.
final class FilteredCountNode: LoopNode, @unchecked Sendable {
  private let condition: Node
  private let columns: ColumnCondition
  private let hasColumns: Bool
  init(_ list: CollectNode, condition: Node) {
    self.condition = condition
    columns = list.columns
    hasColumns = list.hasColumns
    super.init(
      list.range, slot: list.slot, keySlot: list.keySlot, invariants: list.invariants)
  }

  override func value(_ c: EvaluationContext) -> Value {
    if let result = int(c) { return .int(result) }
    return c.takeAbrupt()
  }

  override func int(_ c: EvaluationContext) -> Int64? {
    let range = self.range.value(c)
    if hasColumns, let count = counted(c, range) { return count }
    var found: Int64 = 0
    let abrupt = forEach(c, in: range, where: condition) {
      found &+= 1
      return .done
    }
    guard let abrupt else { return found }
    c.fail(abrupt)
    return nil
  }

  /// The number found many at once; nil where the elements have to be gone through.
  private func counted(_ c: EvaluationContext, _ range: Value) -> Int64? {
    guard let count = count(c, range) else { return nil }
    begin(c)
    var found: Int64 = 0
    let isDone = eachPassing(columns, c, range, count) { _, passing in
      found &+= Int64(passing.nonzeroBitCount)
      return true
    }
    return isDone && c.spend(count) ? found : nil
  }
}

/// `range.map(x, [condition,] body).sum()` of ints without making the list.
final class IntSumNode: LoopNode, @unchecked Sendable {
  private let condition: Node?
  private let body: Node
  /// What is added up, where it can be read as a column of what the test passes.
  private let terms: Column?
  private let test: ColumnCondition
  init(_ list: CollectNode) {
    condition = list.condition
    body = list.body
    terms = list.hasColumns ? Column(body, of: list.slot, isOfDays: false) : nil
    test = list.columns
    super.init(
      list.range, slot: list.slot, keySlot: list.keySlot, invariants: list.invariants)
  }

  override func value(_ c: EvaluationContext) -> Value {
    if let result = int(c) { return .int(result) }
    return c.takeAbrupt()
  }

  override func int(_ c: EvaluationContext) -> Int64? {
    let range = self.range.value(c)
    if let terms, let sum = summed(c, range, terms) { return sum }
    var total: Int64 = 0
    var hasOverflown = false
    let abrupt = forEach(c, in: range, where: condition) {
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

  /// The sum of a column; nil where the elements have to be gone through.
  private func summed(
    _ c: EvaluationContext, _ range: Value, _ column: Column
  ) -> Int64? {
    guard let count = count(c, range) else { return nil }
    begin(c)
    var total: Int64 = 0
    let isDone = eachPassing(test, c, range, count) { rows, passing in
      withUnsafeTemporaryAllocation(of: Int64.self, capacity: ColumnRows.width) { buffer in
        guard let numbers = buffer.baseAddress, column.read(c, range, rows, passing, into: numbers)
        else { return false }
        for row in Bits(passing) {
          let (sum, hasOverflown) = total.addingReportingOverflow(numbers[row])
          if hasOverflown { return false }
          total = sum
        }
        return true
      }
    }
    return isDone && c.spend(count) ? total : nil
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
