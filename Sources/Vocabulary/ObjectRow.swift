/// Objects that are asked one after another, again and again. To do so by their places counts no
/// references: whoever asks keeps the row meanwhile.
public struct ObjectRow<Element: AnyObject>: RandomAccessCollection {
  /// How many there are.
  public let count: Int
  @usableFromInline let first: UnsafePointer<Unmanaged<Element>>
  private let keeper: Keeper

  /// Keeps the row and what it refers to.
  private final class Keeper {
    let objects: [Element]
    let row: UnsafeMutablePointer<Unmanaged<Element>>

    init(_ objects: [Element]) {
      self.objects = objects
      row = .allocate(capacity: Swift.max(1, objects.count))
      for (at, object) in objects.enumerated() {
        (row + at).initialize(to: .passUnretained(object))
      }
    }

    deinit { row.deallocate() }
  }

  /// The objects in their order.
  public init(_ objects: [Element]) {
    keeper = Keeper(objects)
    first = UnsafePointer(keeper.row)
    count = objects.count
  }

  /// The first place.
  public var startIndex: Int { 0 }
  /// Behind the last place.
  public var endIndex: Int { count }
  /// The object at a place in `0..<count`, counted.
  public subscript(position: Int) -> Element { keeper.objects[position] }

  /// Asks the object at a place in `0..<count`.
  @inlinable @inline(__always)
  public func at<R>(_ place: Int, _ ask: (Element) -> R) -> R {
    first[place]._withUnsafeGuaranteedRef(ask)
  }

  /// Asks the objects at some of the first 64 places, by bit.
  @inlinable @inline(__always)
  public func each(_ bits: UInt64, _ ask: (Element) -> Void) {
    var left = count < 64 ? bits & (1 << UInt64(count) &- 1) : bits
    while left != 0 {
      at(left.trailingZeroBitCount, ask)
      left &= left &- 1
    }
  }
}

// The row is written in `init` only.
extension ObjectRow: @unchecked Sendable where Element: Sendable {}
