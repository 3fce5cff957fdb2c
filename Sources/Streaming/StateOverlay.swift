public import Vocabulary

/// The durable side of a stage's state, as the overlay reads it: one partition of one stage.
public protocol StateBase: AnyObject {
  /// Calls `body` with the stored value, or nil; the bytes are valid during the call only.
  func withValue<R, Failure: Error>(
    _ key: UnsafeRawBufferPointer, _ body: (UnsafeRawBufferPointer?) throws(Failure) -> R
  ) throws(Failure) -> R

  /// Up to `max` keys that begin with `prefix`, ascending, starting after `cursor`.
  func keys(prefix: UInt8, after cursor: [UInt8]?, max: Int) -> [[UInt8]]

  /// Up to `max` timers, ascending by (due, owner), starting after `cursor`.
  func timers(after cursor: Timer?, max: Int) -> [Timer]
}

extension StateBase {
  public func withValue<R, Failure: Error>(
    _ key: [UInt8], _ body: (UnsafeRawBufferPointer?) throws(Failure) -> R
  ) throws(Failure) -> R {
    try key.span.withUnsafeBytes { (key) throws(Failure) in try withValue(key, body) }
  }
}

/// A wake-up of one owner (a household): each owner has at most one.
public struct Timer: Hashable, Comparable, Sendable {
  public let due: Instant
  /// The key of the stored value that implies the timer.
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
  /// The longest key, in bytes, that a store can hold. Of a longer one the first bytes and a hash
  /// stand for the whole, here and everywhere below, so that a long text from outside can never
  /// stop the daemon. The owner that a timer is fired for is then the shortened key, which stands
  /// for itself.
  public static let keyLimit = 480

  /// The new value of a key, nil where it was deleted; in the order in which keys were written. The
  /// bytes are valid until `reset`.
  public let writes = KeyedValues<UnsafeRawBufferPointer?>()
  /// The owners whose timer changed, nil where it was cleared.
  public let timerWrites = KeyedValues<Instant?>()
  /// Where the written values lie.
  private let values = ByteSlab()

  private let base: any StateBase
  private var written = SortedTimers()
  /// A window on the base's timers in order; entries before `pageIndex` are stale (their owner is
  /// written here) and stay so until `reset`.
  private var page: [Timer] = []
  private var pageIndex = 0
  private var pageLoaded = false
  private static let pageSize = 32

  public init(base: any StateBase) { self.base = base }

  public var isEmpty: Bool { writes.isEmpty && timerWrites.isEmpty }

  /// Calls `body` with the current value of `key`, or nil; the bytes are valid during the call
  /// only.
  public func withValue<R, Failure: Error>(
    _ key: UnsafeRawBufferPointer, _ body: (UnsafeRawBufferPointer?) throws(Failure) -> R
  ) throws(Failure) -> R {
    try StateOverlay.withBounded(key) { (key) throws(Failure) in
      guard let written = writes[key] else { return try base.withValue(key, body) }
      return try body(written)
    }
  }

  /// As above.
  public func withValue<R, Failure: Error>(
    _ key: [UInt8], _ body: (UnsafeRawBufferPointer?) throws(Failure) -> R
  ) throws(Failure) -> R {
    try key.span.withUnsafeBytes { (key) throws(Failure) in try withValue(key, body) }
  }

  /// Up to `max` keys that begin with `prefix`, ascending, starting after `cursor`; of the durable
  /// state only, without what the transaction under way adds.
  public func committedKeys(prefix: UInt8, after cursor: [UInt8]?, max: Int) -> [[UInt8]] {
    base.keys(prefix: prefix, after: cursor, max: max)
  }

  /// Sets a value. A key is not empty.
  public func put(_ key: [UInt8], _ value: [UInt8]) {
    let kept = value.span.withUnsafeBytes { values.copy($0) }
    key.span.withUnsafeBytes { set($0, kept) }
  }

  /// Sets the value of a key to what `body` writes, mostly no more than `capacity` bytes; answers
  /// it, valid until `reset`. `body` must not set values.
  @discardableResult
  public func put(
    _ key: UnsafeRawBufferPointer, reserving capacity: Int, _ body: (inout ByteWriter) -> Void
  ) -> UnsafeRawBufferPointer {
    let kept = values.write(reserving: capacity, body)
    set(key, kept)
    return kept
  }

  public func delete(_ key: [UInt8]) { key.span.withUnsafeBytes { set($0, nil) } }

  private func set(_ key: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer?) {
    StateOverlay.withBounded(key) { writes.set($0, value) }
  }

  /// Sets the owner's only timer, or clears it. The owner is the key of the value that implies the
  /// timer (`Stage.timer(key:value:)`), so that a restore finds the same one.
  public func setTimer(_ owner: [UInt8], _ due: Instant?) {
    let owner = StateOverlay.bounded(owner)
    if let old = timerWrites[owner], let old {
      if old == due { return }
      written.remove(Timer(due: old, owner: owner))
    }
    timerWrites.set(owner, due)
    if let due { written.insert(Timer(due: due, owner: owner)) }
  }

  /// The earliest timer of all by (due, owner), nil where there is none due at or before `limit`.
  /// Cheap to ask before each record.
  public func nextTimer(through limit: Instant) -> Timer? {
    guard mayBeDue(by: limit) else { return nil }
    let stored = nextStored()
    let candidate: Timer
    switch (written.first, stored) {
    case (let a?, let b?): candidate = min(a, b)
    case (let a?, nil): candidate = a
    case (nil, let b?): candidate = b
    case (nil, nil): return nil
    }
    return candidate.due <= limit ? candidate : nil
  }

  /// Forgets all writes: after a commit was applied to the base, or on abort.
  public func reset() {
    writes.removeAll()
    timerWrites.removeAll()
    values.removeAll()
    written.removeAll()
    page.removeAll(keepingCapacity: true)
    pageIndex = 0
    pageLoaded = false
  }

  /// Calls `body` with the key itself, or with what stands for one that is too long.
  private static func withBounded<R, Failure: Error>(
    _ key: UnsafeRawBufferPointer, _ body: (UnsafeRawBufferPointer) throws(Failure) -> R
  ) throws(Failure) -> R {
    guard key.count > keyLimit else { return try body(key) }
    let short = bounded(Array(key))
    return try short.span.withUnsafeBytes { (key) throws(Failure) in try body(key) }
  }

  /// The key itself, or what stands for one that is too long.
  static func bounded(_ key: [UInt8]) -> [UInt8] {
    guard key.count > keyLimit else { return key }
    // FNV-1a over the bytes forwards and backwards.
    var forwards: UInt64 = 0xCBF2_9CE4_8422_2325
    var backwards = forwards
    for byte in key { forwards = (forwards ^ UInt64(byte)) &* 0x0000_0100_0000_01B3 }
    for byte in key.reversed() { backwards = (backwards ^ UInt64(byte)) &* 0x0000_0100_0000_01B3 }
    return [UInt8](reserving: keyLimit) { writer in
      writer.raw(key.prefix(keyLimit - 16))
      writer.u64(forwards)
      writer.u64(backwards)
    }
  }

  /// Whether there is a timer due at or before `limit`, a stale one too.
  private func mayBeDue(by limit: Instant) -> Bool {
    if let first = written.firstDue, first <= limit { return true }
    loadPage()
    return pageIndex < page.count
      ? page[pageIndex].due <= limit : page.count == StateOverlay.pageSize
  }

  private func loadPage() {
    guard !pageLoaded else { return }
    page = base.timers(after: page.last, max: StateOverlay.pageSize)
    pageIndex = 0
    pageLoaded = true
  }

  /// The base's earliest timer whose owner is not written here.
  private func nextStored() -> Timer? {
    while true {
      loadPage()
      while pageIndex < page.count {
        if timerWrites[page[pageIndex].owner] == nil { return page[pageIndex] }
        pageIndex += 1
      }
      guard page.count == StateOverlay.pageSize else { return nil }
      pageLoaded = false
    }
  }
}
