/// State in memory: `replay`, the simulation and tests.
public final class MemoryState: StateBase {
  private var values: [[UInt8]: [UInt8]] = [:]
  private var dueByOwner: [[UInt8]: Timer] = [:]
  private var sorted = SortedTimers()

  public init() {}

  public func withValue<R>(_ key: [UInt8], _ body: (UnsafeRawBufferPointer?) -> R) -> R {
    guard let value = values[key] else { return body(nil) }
    return value.withUnsafeBytes(body)
  }

  public func keys(prefix: UInt8, after cursor: [UInt8]?, max: Int) -> [[UInt8]] {
    let later = values.keys.filter { key in
      key.first == prefix && cursor.map { $0.lexicographicallyPrecedes(key) } ?? true
    }
    return Array(later.sorted { $0.lexicographicallyPrecedes($1) }.prefix(max))
  }

  public func timers(after cursor: Timer?, max: Int) -> [Timer] {
    sorted.page(after: cursor, max: max)
  }

  /// Applies an overlay's writes.
  public func apply(_ overlay: StateOverlay) {
    for (key, value) in overlay.writes { values[key] = value }
    for (owner, due) in overlay.timerWrites {
      if let old = dueByOwner[owner] { sorted.remove(old) }
      let timer = due.map { Timer(due: $0, owner: owner) }
      dueByOwner[owner] = timer
      if let timer { sorted.insert(timer) }
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
    values.sorted { $0.key.lexicographicallyPrecedes($1.key) }.map { ($0.key, $0.value) }
  }

  /// The number of keys.
  public var count: Int { values.count }
}
