import Vocabulary

/// State in memory: `replay`, the simulation and tests.
public final class MemoryState: StateBase {
  /// Nil where a value was deleted.
  private let values = KeyedValues<[UInt8]?>()
  private let dueByOwner = KeyedValues<Instant?>()
  private var sorted = SortedTimers()

  public init() {}

  public func withValue<R, Failure: Error>(
    _ key: UnsafeRawBufferPointer, _ body: (UnsafeRawBufferPointer?) throws(Failure) -> R
  ) throws(Failure) -> R {
    guard let value = values[key], let value else { return try body(nil) }
    return try value.span.withUnsafeBytes { (bytes) throws(Failure) in try body(bytes) }
  }

  public func keys(prefix: UInt8, after cursor: [UInt8]?, max: Int) -> [[UInt8]] {
    let later = present.map(\.key).filter { key in
      key.first == prefix && cursor.map { $0.lexicographicallyPrecedes(key) } ?? true
    }
    return Array(later.sorted { $0.lexicographicallyPrecedes($1) }.prefix(max))
  }

  public func timers(after cursor: Timer?, max: Int) -> [Timer] {
    sorted.page(after: cursor, max: max)
  }

  /// Applies an overlay's writes.
  public func apply(_ overlay: StateOverlay) {
    for (key, value) in overlay.writes { values.set(key, value.map { Array($0) }) }
    for (key, due) in overlay.timerWrites {
      let owner = Array(key)
      if let old = dueByOwner[owner], let old { sorted.remove(Timer(due: old, owner: owner)) }
      dueByOwner.set(owner, due)
      if let due { sorted.insert(Timer(due: due, owner: owner)) }
    }
  }

  /// Forgets everything.
  public func removeAll() {
    values.removeAll()
    dueByOwner.removeAll()
    sorted.removeAll()
  }

  /// Every key and value, in key order.
  public var entries: [(key: [UInt8], value: [UInt8])] {
    present.sorted { $0.key.lexicographicallyPrecedes($1.key) }
  }

  /// The number of keys.
  public var count: Int { present.count }

  private var present: [(key: [UInt8], value: [UInt8])] {
    values.compactMap { key, value in value.map { (Array(key), $0) } }
  }
}
