internal import Streaming
internal import Vocabulary

/// Records that go from stage to stage within a transaction, where `Passage` allows it.
///
/// A worker to which the last partitions are assigned levels: until all of its marks are read it
/// processes nothing but what lies before them, and reads the rest again afterwards. What it
/// processes goes on through the log, with new marks behind; as a record passes through few stages,
/// this ends after a few transactions.
extension Worker {
  /// How often records may be handed on in a row. No event goes so far; what goes round in circles
  /// must not keep a transaction from its end.
  private static var longestWay: Int { 64 }
  /// Frames of so many bytes are handed on while they are near at hand.
  private static var nearBytes: Int { 256 << 10 }
  /// Frames of so many bytes are sent before the end of the transaction.
  private static var framedLimit: Int { 32 << 20 }
  /// Marks that cannot be read for so long, since somebody's transaction is undecided, must not
  /// hold everything up.
  private static var levellingSeconds: Int64 { 2 }
  /// When levelling is tried again.
  private static var retrySeconds: Int64 { 15 }

  // MARK: Levelling

  var isLevelling: Bool { passage == .levelling }

  var owesMarks: Bool { isLevelling && allOwned.contains { $0.mark == .due } }

  /// Partitions were assigned: what their former owners sent may lie in the log.
  func beginLevelling() {
    let all = Channel.allCases.count * Int(configuration.layout.partitions)
    guard allOwned.count == all else { return stayWithTheLog(until: .distantFuture) }
    passage = .levelling
    committedPassage = .levelling
    levellingDue = clock.now.adding(seconds: Worker.levellingSeconds)
    for partition in allOwned {
      partition.mark = .due
      partition.committedMark = .due
    }
  }

  /// Everything goes through the log, at least until `instant`.
  func stayWithTheLog(until instant: Instant) {
    passage = .log
    committedPassage = .log
    levellingDue = instant
  }

  /// Gives levelling up where it takes too long, or begins it again. Called between transactions.
  func watchLevelling() {
    guard passage != .direct, clock.now >= levellingDue else { return }
    if isLevelling {
      emit(.passageDelayed)
      stayWithTheLog(until: clock.now.adding(seconds: Worker.retrySeconds))
    } else {
      beginLevelling()
    }
  }

  /// Whether a record has to wait until the worker is level, or waits already; it is read again.
  func holdsBack(_ record: LogRecord) -> Bool {
    guard isHoldingBack || !heldBack.isEmpty else { return false }
    let place = TopicPartition(subscription[record.topic], record.partition)
    if heldBack[place] != nil { return true }
    let liesBeforeMark = internalPartition(record).map { $0.mark != .read } ?? false
    guard isHoldingBack, !liesBeforeMark else { return false }
    heldBack[place] = record.offset
    return true
  }

  /// Goes back to the records that were held back, once the worker is level.
  func returnToHeldBack() throws(WorkerFailure) {
    guard !isLevelling, !heldBack.isEmpty else { return }
    let offsets = heldBack
    heldBack.removeAll()
    try attempt { () throws(LogFailure) in try log.seek(offsets) }
  }

  /// A message with a key is a mark; the last one of the worker's own opens the way.
  func noteMark(_ key: UnsafeRawBufferPointer, _ partition: Owned) {
    guard isLevelling, let number = Mark.number(key), partition.mark == .sent(number) else {
      return
    }
    partition.mark = .read
    if allOwned.allSatisfy({ $0.mark == .read }) { passage = .direct }
  }

  /// Sends the marks that are due. The number is drawn, so that no former life of a worker has sent
  /// the same.
  func sendMarks() throws(LogFailure) {
    guard isLevelling else { return }
    for partition in allOwned where partition.mark == .due {
      let number = UInt64.random(in: .min ... .max)
      try output.sendMark(number, partition.run.channel, partition.run.partition, to: log)
      partition.mark = .sent(number)
    }
  }

  // MARK: Handing on

  /// Hands on, or sends, where much waits. Answers how many records were processed.
  func handOnIfMuch() throws(WorkerFailure) -> Int {
    if passage == .direct {
      return output.framedBytes >= Worker.nearBytes ? try handOn() : 0
    }
    if output.framedBytes >= Worker.framedLimit { try sendFrames() }
    return 0
  }

  /// Takes the records that wait to their stages, and what follows from them. Answers how many.
  @discardableResult
  func handOn() throws(WorkerFailure) -> Int {
    guard passage == .direct else { return 0 }
    var processed = 0
    var rounds = 0
    while output.framedBytes > 0 {
      guard rounds < Worker.longestWay else {
        passage = .log
        levellingDue = .distantFuture
        emit(.recordsCircled)
        break
      }
      for partition in allOwned where hasFrames(partition) {
        processed += try handOn(to: partition)
      }
      rounds += 1
    }
    return processed
  }

  private func hasFrames(_ partition: Owned) -> Bool {
    output.hasFrames(partition.run.channel, partition.run.partition)
  }

  private func handOn(to partition: Owned) throws(WorkerFailure) -> Int {
    let writer = output.takeFrames(partition.run.channel, partition.run.partition)
    defer { output.giveBack(writer) }
    var processed = 0
    try writer.flush { (bytes) throws(WorkerFailure) in
      processed += try process(frame: bytes, partition, offset: nil)
    }
    return processed
  }

  /// Sends the frames that wait; marks have to lie behind them.
  func sendFrames() throws(WorkerFailure) {
    if isLevelling {
      for partition in allOwned where hasFrames(partition) { partition.mark = .due }
    }
    do throws(LogFailure) {
      try output.sendFrames(to: log)
    } catch {
      throw .log(error)
    }
  }
}
