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

  /// Reads from where the store stands to the end and answers where it stands then. `progress`
  /// hears how many records each chunk had.
  mutating func run(
    _ log: some TransactionalLog, _ changelog: TopicPartition, now: Instant,
    progress: (Int) -> Void
  ) throws(LogFailure) -> StateMeta {
    let start = meta.changelogNext
    let end = try log.restore(changelog, from: start) { (record) throws(LogFailure) in
      try take(record)
      pending += 1
      if pending >= chunk {
        try write(through: record.offset + 1, now: now)
        progress(pending)
        pending = 0
      }
    }
    if pending > 0 || end != start { try write(through: end, now: now) }
    progress(pending)
    pending = 0
    return meta
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

  private mutating func write(through offset: Int64, now: Instant) throws(LogFailure) {
    meta.changelogNext = offset
    meta.savedAt = now
    do throws(StateFailure) {
      try state.apply(overlay, meta: meta)
    } catch {
      // A damaged store is wiped by the caller's next life; anything else ends the daemon.
      throw LogFailure(.fatal, code: error.code.rawValue, detail: error.detail)
    }
    overlay.reset()
  }
}
