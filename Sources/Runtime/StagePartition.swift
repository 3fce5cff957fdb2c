internal import Streaming
internal import Vocabulary

/// One stage over the state of one partition: the code that `Worker` and `InlinePipeline` share.
/// It keeps the partition's clock and the overlay of the transaction under way.
final class StagePartition {
  let partition: Int32
  /// Replaced between two batches when policy or directory changes.
  var stage: any Stage { didSet { isInLine = false } }
  /// Whether the stored values are known to be in line with the stage's configuration.
  private var isInLine = false
  /// Whether a sweep over the stored values is due or under way.
  var needsSweep: Bool { stage.isSwept && !isInLine }
  let overlay: StateOverlay
  /// The greatest `now` of the partition, this transaction included.
  private(set) var clock: Instant
  /// Whether the transaction under way has anything to commit for this partition.
  private(set) var isTouched = false
  private var committedClock: Instant
  /// How often in a row the same timer fired: a stage that sets it for the instant it fired at
  /// would never end.
  private var lastFired: Timer?
  private var repeats = 0
  private static let repeatLimit = 100

  init(stage: any Stage, partition: Int32, base: any StateBase, clock: Instant) {
    self.stage = stage
    self.partition = partition
    self.overlay = StateOverlay(base: base)
    self.clock = clock
    self.committedClock = clock
  }

  var channel: Channel { stage.channel }

  /// Moves the clock to `instant` if that is later, and answers `now`.
  func advance(to instant: Instant) -> Instant {
    if instant > clock { clock = instant }
    return clock
  }

  /// Where the partition stands in its input has changed.
  func touch() { isTouched = true }

  /// Processes one record at the partition's clock.
  func process(
    _ payload: UnsafeRawBufferPointer, outbox: inout Outbox
  ) throws(DecodingFailure) {
    isTouched = true
    try stage.process(payload, now: clock, state: overlay, outbox: &outbox)
  }

  /// The earliest timer due by `now`, nil where there is none.
  func nextTimer(through now: Instant) -> Timer? { overlay.nextTimer(through: now) }

  /// Fires a timer at its own instant. It is cleared first, so a stage that does not set it anew
  /// is not asked again.
  func fire(_ timer: Timer, outbox: inout Outbox) throws(DecodingFailure) {
    isTouched = true
    repeats = timer == lastFired ? repeats + 1 : 0
    lastFired = timer
    guard repeats < StagePartition.repeatLimit else { throw DecodingFailure("a resting timer") }
    overlay.setTimer(timer.owner, nil)
    try stage.fire(owner: timer.owner, due: timer.due, state: overlay, outbox: &outbox)
  }

  /// Takes a slice of the sweep that a change of policy or directory asks for; answers how many
  /// values were looked at.
  func sweep(_ limit: Int, outbox: inout Outbox) throws(DecodingFailure) -> Int {
    guard needsSweep else { return 0 }
    let progress = try stage.sweep(limit, now: clock, state: overlay, outbox: &outbox)
    isInLine = progress.isDone
    if !overlay.isEmpty { isTouched = true }
    return progress.visited
  }

  /// The transaction is committed and its writes are in the base.
  func finish() {
    assert(timersAgree(), "a stage sets timers that its values do not imply")
    committedClock = clock
    overlay.reset()
    isTouched = false
  }

  /// The transaction is aborted.
  func drop() {
    clock = committedClock
    overlay.reset()
    isTouched = false
    isInLine = false
  }

  /// The base was restored from the changelog and stands at `clock`.
  func restart(clock: Instant) {
    self.clock = clock
    committedClock = clock
    overlay.reset()
    isTouched = false
    isInLine = false
  }

  /// Whether each written value implies the timer that was set for it; a restore derives them so.
  private func timersAgree() -> Bool {
    overlay.timerWrites.allSatisfy { owner, due in
      guard let write = overlay.writes[owner] else { return true }
      guard let value = write else { return due == nil }
      return stage.timer(key: owner, value: value) == due
    }
  }
}
