/// Some elements of a list that a loop runs over: at most `width` from a place on.
struct ColumnRows {
  static let width = 64
  let start: Int
  /// All of them, by bit.
  let all: UInt64

  init(from start: Int, of count: Int) {
    self.start = start
    let rest = count &- start
    all = rest >= ColumnRows.width ? .max : (1 &<< UInt64(rest)) &- 1
  }
}

/// An int or the day of a date that every element has, as far as it is known when it is planned.
struct Column: Equatable, Sendable {
  private enum Source: Equatable, Sendable {
    /// The element itself.
    case element
    case field(UInt16)
  }
  private let source: Source
  private let isOfDays: Bool

  /// What a node reads of the loop variable in a slot; nil where that is something else.
  init?(_ node: Node, of slot: Int, isOfDays: Bool) {
    switch node {
    case let node as LocalNode where node.slot == slot: source = .element
    case let node as LocalFieldNode where node.slot == slot: source = .field(node.field)
    default: return nil
    }
    self.isOfDays = isOfDays
  }

  /// Reads it of some rows; false where one of them has none.
  @inline(__always)
  func read(
    _ c: EvaluationContext, _ range: Value, _ rows: ColumnRows, _ asked: UInt64,
    into numbers: UnsafeMutablePointer<Int64>
  ) -> Bool {
    switch source {
    case .field(let field):
      guard case .hostList(let list) = range else { return false }
      return c.numbers(
        of: list, from: rows.start, rows: asked, field: field, isOfDays: isOfDays, into: numbers)
    case .element:
      guard case .list(let list) = range else { return false }
      return read(list, rows.start, asked, into: numbers)
    }
  }

  private func read(
    _ list: ListValue, _ start: Int, _ asked: UInt64, into numbers: UnsafeMutablePointer<Int64>
  ) -> Bool {
    for row in Bits(asked) {
      switch list.elements[start &+ row] {
      case .int(let value) where !isOfDays: numbers[row] = value
      case .date(let value) where isOfDays: numbers[row] = Int64(value.dayNumber)
      default: return false
      }
    }
    return true
  }
}

/// The places of the bits that are set, from the lowest on.
struct Bits: Sequence, IteratorProtocol {
  private var left: UInt64
  init(_ bits: UInt64) { left = bits }
  @inline(__always)
  mutating func next() -> Int? {
    if left == 0 { return nil }
    defer { left &= left &- 1 }
    return left.trailingZeroBitCount
  }
}
