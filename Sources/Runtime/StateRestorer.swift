internal import StateStore
internal import Streaming
internal import Vocabulary

/// Reads a changelog into a store, in chunks, deriving the timers from the values.
struct StateRestorer<State: PartitionState> {
  private let state: State
  private let stage: any Stage
  private let chunk: Int
  private let overlay: StateOverlay
  private var meta: StateMeta
  /// Whether the store or an earlier chunk may hold a timer that a record clears.
  private var mayHoldTimers: Bool
  private var pending = 0

  init(state: State, stage: any Stage, chunk: Int) {
    self.state = state
    self.stage = stage
    self.chunk = chunk
    overlay = StateOverlay(base: state)
    meta = state.meta ?? StateMeta()
    mayHoldTimers = !state.timers(after: nil, max: 1).isEmpty
  }

  /// Where to read from.
  var start: Int64 { meta.changelogNext }

  /// Takes the next record; answers how many were written where a chunk is full.
  mutating func add(_ record: ChangelogRecord, now: Instant) throws(LogFailure) -> Int {
    try take(record)
    pending += 1
    guard pending >= chunk else { return 0 }
    return try write(through: record.offset + 1, now: now)
  }

  /// Writes the rest; answers where the store stands then, and how many were written.
  mutating func finish(
    at end: Int64, now: Instant
  ) throws(LogFailure) -> (meta: StateMeta, written: Int) {
    let written = pending > 0 || end != meta.changelogNext ? try write(through: end, now: now) : 0
    return (meta, written)
  }

  private mutating func take(_ record: ChangelogRecord) throws(LogFailure) {
    switch ChangelogKey.meaning(of: record.key) {
    case .meta:
      guard let value = record.value else { return }
      do throws(DecodingFailure) {
        try meta.adopt(changelogValue: value)
      } catch {
        throw LogFailure(.fatal, code: "changelog-version", detail: error.description)
      }
    case .state(let key):
      let due = timer(key, record.value)
      if let value = record.value { overlay.put(key, Array(value)) } else { overlay.delete(key) }
      if due != nil || mayHoldTimers { overlay.setTimer(key, due) }
      if due != nil { mayHoldTimers = true }
    case nil:
      throw LogFailure(.fatal, code: "changelog-version", detail: "unknown kind of record")
    }
  }

  private func timer(_ key: [UInt8], _ value: UnsafeRawBufferPointer?) -> Instant? {
    guard let value else { return nil }
    return key.withUnsafeBytes { stage.timer(key: $0, value: value) }
  }

  private mutating func write(through offset: Int64, now: Instant) throws(LogFailure) -> Int {
    meta.changelogNext = offset
    meta.savedAt = now
    do throws(StateFailure) {
      try state.apply(overlay, meta: meta)
    } catch {
      // A damaged store is wiped by the caller's next life; anything else ends the daemon.
      throw LogFailure(.fatal, code: error.code.rawValue, detail: error.detail)
    }
    overlay.reset()
    defer { pending = 0 }
    return pending
  }
}
