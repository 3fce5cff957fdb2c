public import Vocabulary

/// The durable side of a stage's state, as the overlay reads it: one partition of one stage.
public protocol StateBase: AnyObject {
  /// Calls `body` with the stored value, or nil; the bytes are valid during the call only.
  func withValue<R>(
    _ key: UnsafeRawBufferPointer, _ body: (UnsafeRawBufferPointer?) -> R
  ) -> R

  /// Timers due at or before `limit`, ascending by (due, owner), starting after `cursor`.
  func timers(through limit: Instant, after cursor: Timer?, max: Int) -> [Timer]
}

/// A wake-up of one owner (a household): each owner has at most one.
public struct Timer: Hashable, Comparable, Sendable {
  public let due: Instant
  public let owner: [UInt8]
  public init(due: Instant, owner: [UInt8]) {
    self.due = due
    self.owner = owner
  }
  public static func < (a: Timer, b: Timer) -> Bool {
    a.due != b.due ? a.due < b.due : a.owner.lexicographicallyPrecedes(b.owner)
  }
}

/// The writes of the transaction under way, over the durable state. Dropped on abort; after the
/// Kafka commit its writes go to the store in one local transaction.
public final class StateOverlay {
  /// The new value of a key, nil where it was deleted.
  public private(set) var writes: [[UInt8]: [UInt8]?] = [:]
  /// The owners whose timer changed, nil where it was cleared.
  public private(set) var timerWrites: [[UInt8]: Instant?] = [:]
  private var base: any StateBase

  public init(base: any StateBase) { self.base = base }

  public var isEmpty: Bool { writes.isEmpty && timerWrites.isEmpty }

  /// Calls `body` with the current value of `key`, or nil; the bytes are valid during the call
  /// only.
  public func withValue<R>(_ key: [UInt8], _ body: (UnsafeRawBufferPointer?) -> R) -> R {
    if let written = writes[key] {
      guard let value = written else { return body(nil) }
      return value.withUnsafeBytes(body)
    }
    return key.withUnsafeBytes { base.withValue($0, body) }
  }

  public func put(_ key: [UInt8], _ value: [UInt8]) { writes[key] = .some(value) }
  public func delete(_ key: [UInt8]) { writes[key] = .some(nil) }

  /// Sets the owner's only timer, or clears it.
  public func setTimer(_ owner: [UInt8], _ due: Instant?) { timerWrites[owner] = .some(due) }

  /// The earliest timers due at or before `limit`, ascending by (due, owner).
  public func dueTimers(through limit: Instant, max: Int) -> [Timer] {
    var due: [Timer] = timerWrites.compactMap { owner, instant in
      guard let instant, instant <= limit else { return nil }
      return Timer(due: instant, owner: owner)
    }
    // The base's entries of owners written here are stale; page past them.
    var cursor: Timer?
    var found = 0
    while found < max {
      let page = base.timers(through: limit, after: cursor, max: max)
      for timer in page where timerWrites[timer.owner] == nil {
        due.append(timer)
        found += 1
      }
      guard page.count == max, let last = page.last else { break }
      cursor = last
    }
    due.sort()
    return Array(due.prefix(max))
  }

  /// Forgets all writes: after a commit was applied to the base, or on abort.
  public func reset() {
    writes.removeAll(keepingCapacity: true)
    timerWrites.removeAll(keepingCapacity: true)
  }
}

/// State in memory: `replay`, the simulation and tests.
public final class MemoryState: StateBase {
  private var values: [[UInt8]: [UInt8]] = [:]
  private var timers: SortedTimers = SortedTimers()

  public init() {}

  public func withValue<R>(
    _ key: UnsafeRawBufferPointer, _ body: (UnsafeRawBufferPointer?) -> R
  ) -> R {
    guard let value = values[Array(key)] else { return body(nil) }
    return value.withUnsafeBytes(body)
  }

  public func timers(through limit: Instant, after cursor: Timer?, max: Int) -> [Timer] {
    timers.page(through: limit, after: cursor, max: max)
  }

  /// Applies an overlay's writes.
  public func apply(_ overlay: StateOverlay) {
    for (key, value) in overlay.writes { values[key] = value }
    for (owner, due) in overlay.timerWrites { timers.set(owner, due) }
  }

  /// Every key and value, in key order.
  public var entries: [(key: [UInt8], value: [UInt8])] {
    values.sorted { $0.key.lexicographicallyPrecedes($1.key) }.map { ($0.key, $0.value) }
  }
}

/// Timers sorted by (due, owner), with the owner's present one at hand.
struct SortedTimers {
  private var sorted: [Timer] = []
  private var byOwner: [[UInt8]: Instant] = [:]

  mutating func set(_ owner: [UInt8], _ due: Instant?) {
    if let old = byOwner[owner] {
      if old == due { return }
      let position = lowerBound(Timer(due: old, owner: owner))
      sorted.remove(at: position)
    }
    byOwner[owner] = due
    guard let due else { return }
    let timer = Timer(due: due, owner: owner)
    sorted.insert(timer, at: lowerBound(timer))
  }

  func page(through limit: Instant, after cursor: Timer?, max: Int) -> [Timer] {
    var position = 0
    if let cursor {
      position = lowerBound(cursor)
      if position < sorted.count, sorted[position] == cursor { position += 1 }
    }
    var page: [Timer] = []
    while position < sorted.count, page.count < max, sorted[position].due <= limit {
      page.append(sorted[position])
      position += 1
    }
    return page
  }

  private func lowerBound(_ timer: Timer) -> Int {
    var low = 0
    var high = sorted.count
    while low < high {
      let middle = (low + high) / 2
      if sorted[middle] < timer { low = middle + 1 } else { high = middle }
    }
    return low
  }
}
