/// A condition of a loop that compares ints or dates of its elements with what is the same in all
/// rounds. It is decided for many elements at once: the one side is read as a column, the other one
/// is worked out once.
class ColumnCondition: @unchecked Sendable {
  // Unchecked: all stored properties of all subclasses are `let`s of sendable values.

  /// The rows for which it holds, of those that are asked: all of them, where a loop has no
  /// condition. Nil where that has to be found out round by round, since something has no such
  /// value.
  func holds(
    _ c: EvaluationContext, _ range: Value, _ rows: ColumnRows, _ asked: UInt64
  ) -> UInt64? { asked }

  /// Reads a column and lets the rows be found by their numbers; nil where it cannot be read.
  @inline(__always)
  final func withNumbers(
    _ c: EvaluationContext, _ column: Column, _ range: Value, _ rows: ColumnRows,
    _ asked: UInt64, _ find: (UnsafePointer<Int64>) -> UInt64?
  ) -> UInt64? {
    withUnsafeTemporaryAllocation(of: Int64.self, capacity: ColumnRows.width) { buffer in
      guard let numbers = buffer.baseAddress, column.read(c, range, rows, asked, into: numbers)
      else { return nil }
      return find(UnsafePointer(numbers))
    }
  }

  /// The rows whose number passes.
  @inline(__always)
  final func passing(
    _ numbers: UnsafePointer<Int64>, _ asked: UInt64, _ passes: (Int64) -> Bool
  ) -> UInt64 {
    var held: UInt64 = 0
    var left = asked
    while left != 0 {
      let row = left.trailingZeroBitCount
      left &= left &- 1
      if passes(numbers[row]) { held |= 1 &<< UInt64(row) }
    }
    return held
  }

  /// The rows whose number compares so with another one.
  final func passing(
    _ numbers: UnsafePointer<Int64>, _ asked: UInt64, _ op: CompareOperator, _ other: Int64
  ) -> UInt64 {
    switch op {
    case .less: passing(numbers, asked) { $0 < other }
    case .lessOrEqual: passing(numbers, asked) { $0 <= other }
    case .greater: passing(numbers, asked) { $0 > other }
    case .greaterOrEqual: passing(numbers, asked) { $0 >= other }
    case .equal: passing(numbers, asked) { $0 == other }
    case .notEqual: passing(numbers, asked) { $0 != other }
    }
  }

  /// The condition as one on columns of the loop variable in a slot; nil where it is none.
  static func make(_ node: Node, of slot: Int) -> ColumnCondition? {
    switch node {
    case let node as ChainNode:
      guard let left = make(node.left, of: slot), let right = make(node.right, of: slot) else {
        return nil
      }
      if let left = left as? ColumnCompare, let right = right as? ColumnCompare,
        left.column == right.column
      {
        return ColumnComparePair(left, right, decisive: node.decisive)
      }
      return ColumnChain(left, right, decisive: node.decisive)
    case let node as FieldCompareNode: return make(node.plain, of: slot)
    case let node as IntConstantCompareNode:
      return ColumnCompare(
        node.op, node.left, IntConstantNode(node.right), of: slot, isOfDays: false)
    case let node as IntCompareNode:
      return ColumnCompare(node.op, node.left, node.right, of: slot, isOfDays: false)
    case let node as DateCompareNode:
      return ColumnCompare(node.op, node.left, node.right, of: slot, isOfDays: true)
    case let node as TimeCompareNode: return ColumnTimeCompare(node, of: slot)
    case let node as HasFieldNode: return ColumnPresence(node, of: slot)
    default: return nil
    }
  }
}

/// `a && b` and `a || b`: the right term is asked about the rows that the left one leaves open.
private class ColumnTerms<Term: ColumnCondition>: ColumnCondition, @unchecked Sendable {
  final let left: Term
  final let right: Term
  private let decisive: Bool

  init(_ left: Term, _ right: Term, decisive: Bool) {
    self.left = left
    self.right = right
    self.decisive = decisive
  }

  /// The rows for which both terms together hold, by those of the left one.
  @inline(__always)
  final func joined(
    _ asked: UInt64, _ first: UInt64, _ rest: (_ open: UInt64) -> UInt64?
  ) -> UInt64? {
    let open = decisive ? asked & ~first : first
    if open == 0 { return first }
    guard let second = rest(open) else { return nil }
    return decisive ? first | second : second
  }
}

/// Any two terms.
private final class ColumnChain: ColumnTerms<ColumnCondition>, @unchecked Sendable {
  override func holds(
    _ c: EvaluationContext, _ range: Value, _ rows: ColumnRows, _ asked: UInt64
  ) -> UInt64? {
    guard let first = left.holds(c, range, rows, asked) else { return nil }
    return joined(asked, first) { right.holds(c, range, rows, $0) }
  }
}

/// Two comparisons of one column, which is read once.
private final class ColumnComparePair: ColumnTerms<ColumnCompare>, @unchecked Sendable {
  override func holds(
    _ c: EvaluationContext, _ range: Value, _ rows: ColumnRows, _ asked: UInt64
  ) -> UInt64? {
    guard let number = left.number(c) else { return nil }
    return withNumbers(c, left.column, range, rows, asked) { numbers in
      joined(asked, passing(numbers, asked, left.op, number)) { open in
        right.number(c).map { passing(numbers, open, right.op, $0) }
      }
    }
  }
}

/// `element.field op other`.
private final class ColumnCompare: ColumnCondition, @unchecked Sendable {
  let op: CompareOperator
  let column: Column
  private let other: Node
  private let isOfDays: Bool

  init?(_ op: CompareOperator, _ left: Node, _ right: Node, of slot: Int, isOfDays: Bool) {
    self.isOfDays = isOfDays
    if let column = Column(left, of: slot, isOfDays: isOfDays), right.isTheSame(besides: slot) {
      (self.op, self.column, other) = (op, column, right)
    } else if let column = Column(right, of: slot, isOfDays: isOfDays),
      left.isTheSame(besides: slot)
    {
      (self.op, self.column, other) = (op.flipped, column, left)
    } else {
      return nil
    }
  }

  override func holds(
    _ c: EvaluationContext, _ range: Value, _ rows: ColumnRows, _ asked: UInt64
  ) -> UInt64? {
    guard let number = number(c) else { return nil }
    return withNumbers(c, column, range, rows, asked) { passing($0, asked, op, number) }
  }

  /// What the column is compared with.
  @inline(__always)
  func number(_ c: EvaluationContext) -> Int64? {
    isOfDays ? other.day(c).map(Int64.init) : other.int(c)
  }
}

/// A date of the elements compared with one that moves with time.
private final class ColumnTimeCompare: ColumnCondition, @unchecked Sendable {
  private let comparison: TimeCompareNode
  private let column: Column

  init?(_ comparison: TimeCompareNode, of slot: Int) {
    guard comparison.isOfDates, comparison.movesTheSame, comparison.shape.isIncreasing,
      let column = Column(comparison.fixed, of: slot, isOfDays: true)
    else { return nil }
    self.comparison = comparison
    self.column = column
  }

  override func holds(
    _ c: EvaluationContext, _ range: Value, _ rows: ColumnRows, _ asked: UInt64
  ) -> UInt64? {
    guard let day = comparison.movingDay(c) else { return nil }
    let moving = Int64(day)
    // The next that is reached ends the validity before those that lie further ahead.
    var next = Int64.max
    var isReached = false
    let op = comparison.op.flipped
    let held = withNumbers(c, column, range, rows, asked) { numbers in
      for row in Bits(asked) {
        let fixed = numbers[row]
        if fixed > moving { next = min(next, fixed) } else if fixed == moving { isReached = true }
      }
      return passing(numbers, asked, op, moving)
    }
    guard held != nil else { return nil }
    if isReached { comparison.limitValidity(c, day, day) }
    if next < .max { comparison.limitValidity(c, day, Int32(truncatingIfNeeded: next)) }
    return held
  }
}

/// `has(element.field)`, where all have it.
private final class ColumnPresence: ColumnCondition, @unchecked Sendable {
  private let column: Column

  init?(_ node: HasFieldNode, of slot: Int) {
    guard let isOfDays = node.isOfDays,
      let column = Column(node.field, of: slot, isOfDays: isOfDays)
    else { return nil }
    self.column = column
  }

  override func holds(
    _ c: EvaluationContext, _ range: Value, _ rows: ColumnRows, _ asked: UInt64
  ) -> UInt64? {
    withNumbers(c, column, range, rows, asked) { _ in asked }
  }
}

extension Node {
  /// Whether the value is the same in all rounds of the loop whose variable is in a slot, as far as
  /// that can be seen from the node alone.
  fileprivate func isTheSame(besides slot: Int) -> Bool {
    switch self {
    case let node as LocalNode: node.slot != slot
    case let node as LocalFieldNode: node.slot != slot
    case is LoopInvariantNode, is VariableNode, is VariableFieldNode: true
    default: constant != nil
    }
  }
}

extension LoopNode {
  /// Goes through the rounds that pass a condition, many at once; false where the loop has to be
  /// run round by round. Nothing was done then but to work out what all rounds share.
  @inline(__always)
  final func eachPassing(
    _ test: ColumnCondition, _ c: EvaluationContext, _ range: Value, _ count: Int,
    _ body: (ColumnRows, UInt64) -> Bool
  ) -> Bool {
    // What is traced is read one by one, and a probe keeps nothing.
    guard c.state.pointee.budget >= count, !c.isTracing, !c.state.pointee.isProbing else {
      return false
    }
    var start = 0
    while start < count {
      let rows = ColumnRows(from: start, of: count)
      guard let held = test.holds(c, range, rows, rows.all),
        held == 0 || body(rows, held)
      else { return false }
      start &+= ColumnRows.width
    }
    return true
  }
}
