internal import Foundation
public import StateStore
internal import Streaming
internal import Vocabulary

/// One thread's share of the daemon: some input partitions, their state, one consumer, one
/// transactional producer. Not thread-safe; everything runs on the thread that calls it.
///
/// One turn (`runOnce`):
/// 1. Take over a new policy or directory, so that a batch sees one of each.
/// 2. Poll. Inside, revoked partitions' stores are closed before the partitions may go, and new
///    ones' stores are opened and brought up to the end of their changelogs.
/// 3. Begin a transaction.
/// 4. Fire due timers, each at its own instant, up to a bound.
/// 5. Process the polled records until the batch or the transaction's share of it is done:
///    in-topics through intake, frames through their stage, the timers due before a record first.
///    Outputs are gathered, internal records are packed into frames, which the only worker takes to
///    their stages at once (`Passage`). Then a slice of the sweep that a new policy or directory
///    asks for.
/// 6. Send the outputs, the frames that are left and the changelogs: the overlays' writes, then
///    where the state stands.
/// 7. Add the consumed offsets and those of changed partitions, under this member's generation.
/// 8. Commit.
/// 9. Write the overlays to the local stores with their changelog positions; go on at 3 with the
///    rest of the batch.
///
/// The store is thus never ahead of the log. A crash between 8 and 9 leaves it one batch behind,
/// which step 2 of the next life reads from the changelog. Whatever fails before 8 drops the
/// overlays and goes back to the committed positions (`recover`).
public final class Worker<Log: TransactionalLog, Opener: StateOpener>: AssignmentHandler {
  let configuration: WorkerConfiguration
  let log: Log
  let opener: Opener
  let clock: any WallClock
  private let source: any StageSource
  private let statisticsBox: StatisticsBox
  private let stop: StopSignal
  private let observer: (WorkerEvent) -> Void
  private let pause: (Int) -> Void

  /// A partition of a stage, with its store.
  final class Owned {
    let run: StagePartition
    /// What it reads, and where its changes go.
    let input: TopicPartition
    let changelog: TopicPartition
    let state: Opener.State
    /// Where the store stands.
    var meta = StateMeta()
    /// The worker's mark in its log, with the transaction under way.
    var mark = Mark.due
    /// To go back to where the transaction is aborted.
    var committedMark = Mark.due
    init(
      run: StagePartition, input: TopicPartition, changelog: TopicPartition, state: Opener.State
    ) {
      self.run = run
      self.input = input
      self.changelog = changelog
      self.state = state
    }
  }

  /// By channel and partition.
  var owned: [[Owned?]] {
    didSet { allOwned = owned.flatMap { $0.compactMap { $0 } } }
  }
  private(set) var allOwned: [Owned] = []
  var positions: Positions
  var stages: StageSet?
  var statistics = WorkerStatistics()
  var outbox = Outbox()
  var output: TransactionOutput
  let inTopicCount: Int
  let subscription: [String]
  /// The greatest clock of a decoded event of an in-topic, with the transaction under way.
  var intakeClock = Instant.distantPast
  var committedIntakeClock = Instant.distantPast
  /// The wall clock at the start of the transaction under way.
  var wall = Instant.distantPast
  var timerBudget = 0
  /// When the transaction under way takes no further message.
  var fullAt = Instant.distantFuture
  /// How many records a transaction may take now.
  var recordBudget: Int
  /// On the clock of events: the batch's records in the order in which they reached the log.
  var arrivalOrder: [Int] = []
  /// How records get from stage to stage, with the transaction under way.
  var passage = Passage.log
  /// To go back to where the transaction is aborted.
  var committedPassage = Passage.log
  /// When levelling is given up, or begins again.
  var levellingDue = Instant.distantFuture
  /// The batch was polled while the worker levels: what lies behind its marks is not processed.
  private(set) var isHoldingBack = false
  /// Where to read again what was held back.
  var heldBack: [TopicPartition: Int64] = [:]
  private var transactionOpen = false
  /// To go back to where a transaction is aborted: only committed work counts.
  private var statisticsAtBegin = WorkerStatistics()
  /// Where a record did not decode before its partition was restored; a second time stops.
  var suspects: Set<Suspect> = []
  private var lagMeasuredAt = Instant.distantPast
  /// Turns in a row that failed: the pause before the next grows with it.
  private var failures = 0

  struct Suspect: Hashable {
    let channel: Channel
    let partition: Int32
    let offset: Int64?
  }

  /// `pause` sleeps for milliseconds on the worker's thread; `observer` is called on it.
  public init(
    configuration: WorkerConfiguration, log: Log, opener: Opener, source: any StageSource,
    clock: any WallClock = SystemClock(), statistics: StatisticsBox = StatisticsBox(),
    stop: StopSignal = StopSignal(), observer: @escaping (WorkerEvent) -> Void = { _ in },
    pause: @escaping (Int) -> Void = sleepThread
  ) {
    self.configuration = configuration
    self.log = log
    self.opener = opener
    self.source = source
    self.clock = clock
    self.statisticsBox = statistics
    self.stop = stop
    self.observer = observer
    self.pause = pause
    let layout = configuration.layout
    subscription = layout.subscription
    inTopicCount = layout.inTopics.count
    positions = Positions(topics: subscription)
    recordBudget = configuration.transactionRecords
    output = TransactionOutput(layout: layout)
    let row: [Owned?] = Array(repeating: nil, count: Int(layout.partitions))
    owned = Array(repeating: row, count: Channel.allCases.count)
  }

  /// Works until the stop signal, then leaves the group and closes the stores. Throws where the
  /// daemon has to end with exit code 70.
  public func run() throws(WorkerStop) { try runUntilStopped() }

  func runUntilStopped() throws(WorkerStop) {
    defer { shutDown() }
    while !stop.isRaised { try runOnce() }
  }

  /// One turn of the loop, as numbered above. Answers whether there was anything to do.
  @discardableResult
  public func runOnce() throws(WorkerStop) -> Bool {
    refreshStages()
    guard stages != nil else {
      // Kafka's part of the start goes on beside the reading of the directory. What fails here
      // fails again in the first poll, which knows what to do.
      try? log.join()
      pause(configuration.retryMilliseconds)
      return false
    }
    do throws(WorkerFailure) {
      watchLevelling()
      passMarkers()
      let batch = try poll()
      isHoldingBack = isLevelling
      sortByArrival(batch)
      var cursor = 0
      var worked = false
      while cursor < batch.count || (!worked && hasWork(isIdle: batch.count == 0)) {
        try transact(batch, &cursor)
        publishStatistics()
        worked = true
        // The rest is not committed, so the next life reads it.
        if stop.isRaised { break }
      }
      try returnToHeldBack()
      publishStatistics()
      failures = 0
      return worked
    } catch {
      try recover(error)
      publishStatistics()
      // A cause that stays must not spin.
      if failures > 0 { pause(min(configuration.retryMilliseconds << min(failures, 6), 1000)) }
      failures += 1
      return true
    }
  }

  /// Leaves the group, so that others can take over, and closes the stores.
  public func shutDown() {
    if transactionOpen { try? log.abort() }
    log.close()
    closeStates(flush: true)
  }

  /// The stage partitions whose stores are open and restored.
  public var ownedPartitions: Int { allOwned.count }

  // MARK: Steps

  private func refreshStages() {
    guard let fresh = source.refresh() else { return }
    stages = fresh
    for partition in allOwned {
      if let stage = fresh.stage(partition.run.channel) { partition.run.stage = stage }
    }
  }

  /// Whether a transaction is due without a record.
  private func hasWork(isIdle: Bool) -> Bool {
    if isLevelling { return owesMarks || positions.hasCorrections }
    return positions.hasCorrections || timersAreDue(isIdle: isIdle) || sweepIsDue
  }

  /// Everything handed out is processed, so that positions may pass the transaction markers behind:
  /// retention would find them trailing otherwise, and what it deletes counts as lost.
  private func passMarkers() {
    guard heldBack.isEmpty else { return }
    positions.pass(log.reached)
  }

  private func poll() throws(WorkerFailure) -> Log.Batch {
    let wait = pollMilliseconds()
    return try attempt { () throws(LogFailure) in
      try log.poll(max: configuration.pollRecords, milliseconds: wait, handler: self)
    }
  }

  /// One transaction over the batch from `cursor` on, which is moved past what was processed.
  private func transact(
    _ batch: Log.Batch, _ cursor: inout Int
  ) throws(WorkerFailure) {
    statisticsAtBegin = statistics
    transactionOpen = true
    try attempt { () throws(LogFailure) in try log.begin() }
    startClock()
    if !isHoldingBack { try fireTimers(isIdle: batch.count == 0) }
    try consume(batch, &cursor)
    if !isHoldingBack { try sweep(isIdle: batch.count == 0) }
    try handOn()
    for partition in allOwned {
      if let failure = partition.state.failure { throw stateFailure(partition, failure) }
    }
    let offsets = offsetsToCommit()
    let touched = try send(offsets)
    if !offsets.isEmpty {
      try attempt { () throws(LogFailure) in try log.sendOffsets(offsets) }
    }
    try commit()
    try apply(touched)
  }

  /// The positions that moved, and those of all partitions with changes: only offsets tell the
  /// group which generation's member commits, so that one that lost a partition cannot change its
  /// state.
  private func offsetsToCommit() -> [TopicPartition: Int64] {
    var offsets = positions.moved
    for partition in allOwned {
      // State and group name the same position.
      if offsets[partition.input] != nil { partition.run.touch() }
      if partition.run.isTouched {
        offsets[partition.input] = positions.next(of: partition.input)
      }
    }
    return offsets
  }

  /// Sends outputs, frames and changelogs; answers the partitions with changes and where each will
  /// stand.
  private func send(
    _ offsets: [TopicPartition: Int64]
  ) throws(WorkerFailure) -> [(Owned, StateMeta)] {
    var touched: [(Owned, StateMeta)] = []
    do throws(LogFailure) {
      for partition in allOwned where partition.run.isTouched {
        try output.beginChangelog(
          partition.run.overlay, channel: partition.run.channel,
          partition: partition.run.partition, to: log)
      }
      try output.sendOutputs(to: log)
    } catch {
      throw .log(error)
    }
    try sendFrames()
    do throws(LogFailure) {
      try sendMarks()
      for partition in allOwned where partition.run.isTouched {
        var meta = partition.meta
        meta.clock = partition.run.clock
        meta.sequence += 1
        meta.inputNext = offsets[partition.input] ?? meta.inputNext
        try output.endChangelog(
          partition.run.overlay, meta: meta, channel: partition.run.channel,
          partition: partition.run.partition, to: log)
        touched.append((partition, meta))
      }
    } catch {
      throw .log(error)
    }
    return touched
  }

  private func commit() throws(WorkerFailure) {
    let start = DispatchTime.now().uptimeNanoseconds
    do throws(WorkerFailure) {
      try attempt { () throws(LogFailure) in try log.commit() }
    } catch {
      // Tried again and again without an answer: the outcome is known only to the log.
      guard case .log(let failure) = error, failure.recovery == .retry else { throw error }
      throw .log(LogFailure(.fenced, code: "commit-outcome-unknown", detail: failure.description))
    }
    transactionOpen = false
    positions.commit()
    for partition in allOwned { partition.committedMark = partition.mark }
    if passage != committedPassage, passage == .direct { emit(.passageOpened) }
    committedPassage = passage
    if !isHoldingBack { recordBudget = min(recordBudget * 4, configuration.transactionRecords) }
    committedIntakeClock = intakeClock
    suspects.removeAll()
    statistics.count(output.takeCounts())
    statistics.count(commitNanoseconds: Int(DispatchTime.now().uptimeNanoseconds - start))
  }

  /// Writes the committed overlays to the stores. What cannot be written is restored, since the
  /// log has it.
  private func apply(_ touched: [(Owned, StateMeta)]) throws(WorkerFailure) {
    let savedAt = clock.now
    for (partition, meta) in touched {
      var meta = meta
      meta.changelogNext = log.producedThrough(partition.changelog) ?? meta.changelogNext
      meta.savedAt = savedAt
      do throws(StateFailure) {
        try partition.state.apply(partition.run.overlay, meta: meta)
        partition.meta = meta
        partition.run.finish()
      } catch {
        guard error.isMendedByRestore else { throw stateFailure(partition, error) }
        try mend(partition)
      }
    }
  }

  /// Restores a store that could not take a committed batch. If that fails, the worker joins again:
  /// the stores are then behind the positions, and only opening them anew reads what they miss.
  private func mend(_ partition: Owned) throws(WorkerFailure) {
    do throws(WorkerFailure) {
      try reload(partition, wipe: .corrupt)
    } catch {
      guard case .log(let cause) = error, cause.recovery != .fatal else { throw error }
      throw .log(LogFailure(.fenced, code: cause.code, detail: cause.detail))
    }
  }

  // MARK: Recovery

  /// Does what a failure's kind asks for; throws where the worker has to end.
  private func recover(_ failure: WorkerFailure) throws(WorkerStop) {
    do throws(WorkerFailure) {
      switch failure {
      case .log(let cause): try recover(cause)
      case .undecodable(let channel, let partition, let offset, let cause):
        try abortTransaction(failure.code)
        let suspect = Suspect(channel: channel, partition: partition, offset: offset)
        guard suspects.insert(suspect).inserted else {
          let place = offset.map { "at \($0)" } ?? "at a timer or a record handed on"
          let detail = "\(channel.topicSuffix)-\(partition) \(place): \(cause)"
          throw .stop(WorkerStop(code: failure.code, detail: detail))
        }
        if let partition = owned(channel, partition) { try reload(partition, wipe: .undecodable) }
      case .state(let channel, let partition, let cause):
        try abortTransaction(failure.code)
        guard cause.isMendedByRestore else {
          throw .stop(WorkerStop(code: failure.code, detail: cause.detail))
        }
        if let partition = owned(channel, partition) { try reload(partition, wipe: .corrupt) }
      case .stop(let stop): throw .stop(stop)
      }
    } catch {
      try recoverAgain(error)
    }
  }

  private func recover(_ cause: LogFailure) throws(WorkerFailure) {
    switch cause.recovery {
    case .retry, .abort: try abortTransaction(cause.code)
    case .fenced: try rejoin(cause.code)
    case .restore:
      try abortTransaction(cause.code)
      for partition in allOwned { try reload(partition, wipe: .behindChangelog) }
    case .fatal: throw .stop(WorkerStop(code: cause.code, detail: cause.detail))
    }
  }

  /// The recovery itself failed: start over from what the log says, or end.
  private func recoverAgain(_ failure: WorkerFailure) throws(WorkerStop) {
    do throws(WorkerFailure) {
      switch failure {
      case .log(let cause) where cause.recovery != .fatal: try rejoin(cause.code)
      case .log(let cause): throw .stop(WorkerStop(code: cause.code, detail: cause.detail))
      case .state(_, _, let cause):
        throw .stop(WorkerStop(code: failure.code, detail: cause.detail))
      case .undecodable(_, _, _, let cause):
        throw .stop(WorkerStop(code: failure.code, detail: cause.description))
      case .stop: throw failure
      }
    } catch {
      let stop: WorkerStop
      switch error {
      case .stop(let cause): stop = cause
      default: stop = WorkerStop(code: error.code, detail: "while recovering")
      }
      emit(.workerStopped(code: stop.code))
      throw stop
    }
  }

  /// Drops the overlays, aborts, and goes back to the committed positions.
  private func abortTransaction(_ code: String) throws(WorkerFailure) {
    drop()
    if transactionOpen {
      emit(.transactionAborted(code: code))
      statistics.aborts += 1
      try attempt { () throws(LogFailure) in try log.abort() }
      transactionOpen = false
    }
    // Also where no transaction was open: what was polled is not processed.
    let committed = positions.committed
    try attempt { () throws(LogFailure) in try log.seek(committed) }
  }

  /// Leaves the group and joins again. The stores stay as they are: one batch behind at most.
  /// Tries until it succeeds or the worker is asked to stop, because a broker may be away for long.
  private func rejoin(_ code: String) throws(WorkerFailure) {
    drop()
    transactionOpen = false
    closeStates(flush: false)
    emit(.workerRejoined(code: code))
    statistics.rejoins += 1
    while true {
      do throws(WorkerFailure) {
        return try attempt { () throws(LogFailure) in try log.rejoin() }
      } catch {
        guard case .log(let failure) = error, failure.recovery != .fatal else { throw error }
        // Asked to end while the log is away: the loop sees it.
        if stop.isRaised { return }
      }
    }
  }

  private func drop() {
    for partition in allOwned {
      partition.run.drop()
      partition.mark = partition.committedMark
    }
    passage = committedPassage
    positions.drop()
    heldBack.removeAll()
    output.drop()
    outbox.removeAll()
    intakeClock = committedIntakeClock
    if transactionOpen { statistics = statisticsAtBegin }
  }

  /// Makes a call again while it asks for it, with growing pauses.
  func attempt<R>(_ call: () throws(LogFailure) -> R) throws(WorkerFailure) -> R {
    var tries = 0
    while true {
      do throws(LogFailure) {
        return try call()
      } catch {
        guard error.recovery == .retry, tries < configuration.retries, !stop.isRaised else {
          throw .log(error)
        }
        tries += 1
        emit(.callRetried(code: error.code, attempt: tries))
        pause(min(configuration.retryMilliseconds << min(tries, 6), 1000))
      }
    }
  }

  func stateFailure(_ partition: Owned, _ failure: StateFailure) -> WorkerFailure {
    .state(partition.run.channel, partition: partition.run.partition, failure)
  }

  // MARK: Observation

  func emit(_ event: WorkerEvent) { observer(event) }

  func publishStatistics() {
    statistics.clock = allOwned.reduce(intakeClock) { max($0, $1.run.clock) }
    statistics.partitions = positions.count
    let now = clock.now
    if now > lagMeasuredAt.adding(seconds: 1) || now < lagMeasuredAt {
      lagMeasuredAt = now
      let committed = positions.committed
      statistics.lag = committed.reduce(0) { $0 + (log.lag($1.key, position: $1.value) ?? 0) }
    }
    statisticsBox.publish(statistics)
  }
}
