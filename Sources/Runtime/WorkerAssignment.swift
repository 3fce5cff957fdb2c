internal import StateStore
internal import Streaming
internal import Vocabulary

/// Step 2 of the worker's loop: taking partitions over and giving them up.
extension Worker {
  /// Opens the stores of new partitions, brings them up to the end of their changelogs and answers
  /// where to read every new partition from.
  public func assigned(
    _ partitions: [TopicPartition]
  ) throws(LogFailure) -> [TopicPartition: Int64] {
    emit(.partitionsAssigned(partitions.count))
    do throws(WorkerFailure) {
      return try takeOver(partitions)
    } catch {
      // Half an assignment is none: stop, or join again and start over.
      switch error {
      case .log(let cause) where cause.recovery == .fatal: throw cause
      case .log(let cause): throw LogFailure(.fenced, code: cause.code, detail: cause.detail)
      case .undecodable(_, _, _, let cause):
        throw LogFailure(.fatal, code: error.code, detail: cause.description)
      case .state(_, _, let cause):
        throw LogFailure(.fatal, code: error.code, detail: cause.detail)
      case .stop(let stop): throw LogFailure(.fatal, code: stop.code, detail: stop.detail)
      }
    }
  }

  /// Closes the stores of partitions that go. Nothing is in flight, since `poll` is called between
  /// two transactions. The stores are not flushed: their marker stays, and a reboot before the next
  /// clean shutdown costs a restore.
  public func revoked(_ partitions: [TopicPartition], lost: Bool) {
    emit(.partitionsRevoked(partitions.count, lost: lost))
    stayWithTheLog(until: .distantFuture)
    for partition in partitions {
      positions.disown(partition)
      heldBack[partition] = nil
      guard let channel = configuration.layout.channel(ofInput: partition.topic) else { continue }
      owned(channel, partition.partition)?.state.close(flush: false)
      own(nil, channel, partition.partition)
    }
  }

  func owned(_ channel: Channel, _ partition: Int32) -> Owned? {
    let row = owned[Int(channel.rawValue)]
    guard partition >= 0, Int(partition) < row.count else { return nil }
    return row[Int(partition)]
  }

  /// Closes all stores and forgets all partitions.
  func closeStates(flush: Bool) {
    stayWithTheLog(until: .distantFuture)
    for partition in allOwned { partition.state.close(flush: flush) }
    owned = owned.map { $0.map { _ in nil } }
    positions.disownAll()
  }

  /// Wipes the partition's store and reads its changelog.
  func reload(_ partition: Owned, wipe reason: WipeReason) throws(WorkerFailure) {
    partition.run.drop()
    try wipe(partition.state, partition.run.channel, partition.run.partition, reason)
    try restore([partition])
  }

  private func own(_ partition: Owned?, _ channel: Channel, _ index: Int32) {
    guard index >= 0, Int(index) < owned[Int(channel.rawValue)].count else { return }
    owned[Int(channel.rawValue)][Int(index)] = partition
  }

  private func takeOver(
    _ partitions: [TopicPartition]
  ) throws(WorkerFailure) -> [TopicPartition: Int64] {
    // First the offsets: the answer waits for a former owner's transaction to be decided, so the
    // changelog's end as read after it holds all that belongs to those offsets.
    let watch = ContinuousClock()
    let begun = watch.now
    var times = TakeOverTimes()
    times.join = log.joinTimes
    let committed = try attempt { () throws(LogFailure) in try log.committed(partitions) }
    var wanted = committed
    let opened = try openAll(partitions)
    let restoring = watch.now
    times.stores = restoring - begun
    try restore(opened)
    times.changelogs = watch.now - restoring
    for partition in opened {
      wanted[partition.input] = try statePosition(
        partition, committed: committed[partition.input])
    }
    var starts: [TopicPartition: Int64] = [:]
    let bounds = try self.bounds(partitions)
    for partition in partitions {
      let start = try checkedStart(partition, wanted: wanted[partition], bounds[partition])
      // Nothing committed and nothing asked for: the first record will tell the group.
      let isInGroup = committed[partition] == start || wanted[partition] == nil
      positions.own(partition, from: start, isInGroup: isInGroup)
      starts[partition] = start
    }
    if !partitions.isEmpty { beginLevelling() }
    publishStatistics()
    recordBudget = min(configuration.firstTransactionRecords, configuration.transactionRecords)
    emit(.partitionsReady(partitions.count, times))
    return starts
  }

  private func bounds(
    _ partitions: [TopicPartition]
  ) throws(WorkerFailure) -> [TopicPartition: LogBounds] {
    try attempt { () throws(LogFailure) in try log.bounds(partitions) }
  }

  /// Opens the stores of those partitions that are a stage's.
  private func openAll(
    _ partitions: [TopicPartition]
  ) throws(WorkerFailure) -> [Owned] {
    var changelogs: [TopicPartition: TopicPartition] = [:]
    for input in partitions {
      guard let channel = configuration.layout.channel(ofInput: input.topic) else { continue }
      changelogs[input] = configuration.layout.changelog(channel, input.partition)
    }
    let bounds = try bounds(changelogs.values.sorted())
    var opened: [Owned] = []
    for input in changelogs.keys.sorted() {
      guard let channel = configuration.layout.channel(ofInput: input.topic) else { continue }
      let held = changelogs[input].flatMap { bounds[$0] }
      opened.append(try open(channel, input, changelog: held))
    }
    return opened
  }

  /// Opens a stage's partition and wipes it where it is not to be trusted.
  private func open(
    _ channel: Channel, _ input: TopicPartition, changelog: LogBounds?
  ) throws(WorkerFailure) -> Owned {
    guard let stage = stages?.stage(channel), input.partition < configuration.layout.partitions
    else {
      let detail = "\(input) is more than the configured number of partitions"
      throw .stop(WorkerStop(code: "partition-count", detail: detail))
    }
    let state = try openState(channel, input.partition)
    let run = StagePartition(
      stage: stage, partition: input.partition, base: state, clock: .distantPast)
    let partition = Owned(
      run: run, input: input,
      changelog: configuration.layout.changelog(channel, input.partition), state: state)
    // From here on the store is closed with all others where something fails.
    own(partition, channel, input.partition)
    try distrust(state, channel, input.partition, changelog)
    return partition
  }

  /// The offset of its input that a restored state asks for.
  private func statePosition(
    _ partition: Owned, committed: Int64?
  ) throws(WorkerFailure) -> Int64? {
    let position = partition.meta.inputNext
    if position == committed { return position }
    if position == nil {
      let detail = "\(partition.input) was read to \(committed ?? 0), but its changelog is empty"
      throw .stop(WorkerStop(code: "changelog-lost", detail: detail))
    }
    emit(.positionCorrected(partition.input, committed: committed, state: position))
    return position
  }

  private func openState(
    _ channel: Channel, _ partition: Int32
  ) throws(WorkerFailure) -> Opener.State {
    let opened = try attempt { () throws(LogFailure) -> Result<Opened, StateFailure> in
      do throws(StateFailure) {
        return .success(try opener.open(channel, partition: partition))
      } catch {
        // Another worker of this process lost the partition and has yet to hear of it.
        guard error.code == .busy else { return .failure(error) }
        throw LogFailure(.retry, code: error.code.rawValue, detail: error.detail)
      }
    }
    switch opened {
    case .success(let (state, wiped)):
      if let wiped { emit(.stateWiped(channel, partition: partition, wiped)) }
      return state
    case .failure(let failure):
      throw .state(channel, partition: partition, failure)
    }
  }

  private typealias Opened = (state: Opener.State, wiped: WipeReason?)

  /// Wipes a copy that does not go with the changelog.
  private func distrust(
    _ state: Opener.State, _ channel: Channel, _ partition: Int32, _ bounds: LogBounds?
  ) throws(WorkerFailure) {
    guard let meta = state.meta else { return }
    guard let bounds else {
      throw .log(LogFailure(.fenced, code: "bounds-unknown", detail: channel.changelogTopic))
    }
    let expiry = meta.savedAt.adding(seconds: configuration.longestCopySeconds)
    if meta.changelogNext > bounds.end {
      try wipe(state, channel, partition, .aheadOfChangelog)
    } else if meta.changelogNext < bounds.start {
      try wipe(state, channel, partition, .behindChangelog)
    } else if expiry < clock.now {
      try wipe(state, channel, partition, .tooOld)
    }
  }

  private func wipe(
    _ state: Opener.State, _ channel: Channel, _ partition: Int32, _ reason: WipeReason
  ) throws(WorkerFailure) {
    emit(.stateWiped(channel, partition: partition, reason))
    do throws(StateFailure) {
      try state.wipe()
    } catch {
      throw .state(channel, partition: partition, error)
    }
  }

  /// Brings stores up to the end of their changelogs, all at once.
  private func restore(_ partitions: [Owned]) throws(WorkerFailure) {
    guard !partitions.isEmpty else { return }
    statistics.isRestoring = true
    publishStatistics()
    defer { statistics.isRestoring = false }
    var totals = Array(repeating: 0, count: partitions.count)
    let metas = try attempt { () throws(LogFailure) in
      try readChangelogs(partitions) { index, written in
        totals[index] += written
        statistics.restoredRecords += written
        if written > 0 { publishStatistics() }
      }
    }
    for (index, partition) in partitions.enumerated() {
      partition.meta = metas[index]
      partition.run.restart(clock: metas[index].clock)
      intakeClock = max(intakeClock, metas[index].clock)
      committedIntakeClock = max(committedIntakeClock, metas[index].clock)
      emit(
        .stateRestored(
          partition.run.channel, partition: partition.run.partition, records: totals[index]))
    }
  }

  /// One pass over the changelogs from where the stores stand; `progress` hears how many records
  /// were written to which store.
  private func readChangelogs(
    _ partitions: [Owned], progress: (Int, Int) -> Void
  ) throws(LogFailure) -> [StateMeta] {
    let now = clock.now
    let chunk = max(configuration.restoreChunk / partitions.count, 1000)
    var restorers = partitions.map {
      StateRestorer(state: $0.state, stage: $0.run.stage, chunk: chunk)
    }
    let starts = zip(partitions, restorers).map { ($0.changelog, $1.start) }
    let ends = try log.restore(starts) { (index, record) throws(LogFailure) in
      progress(index, try restorers[index].add(record, now: now))
    }
    var metas: [StateMeta] = []
    for (index, end) in ends.enumerated() {
      let (meta, written) = try restorers[index].finish(at: end, now: now)
      progress(index, written)
      metas.append(meta)
    }
    return metas
  }

  /// The wanted offset if the log still has it, else where to go on, as the loss policy says.
  private func checkedStart(
    _ partition: TopicPartition, wanted: Int64?, _ bounds: LogBounds?
  ) throws(WorkerFailure) -> Int64 {
    guard let bounds else {
      throw .log(LogFailure(.fenced, code: "bounds-unknown", detail: "\(partition)"))
    }
    guard let wanted else { return bounds.start }
    if wanted > bounds.end {
      // The topic was created anew.
      emit(.positionCorrected(partition, committed: wanted, state: nil))
      return bounds.start
    }
    guard wanted < bounds.start else { return wanted }
    let lost = bounds.start - wanted
    let isInternal = configuration.layout.channel(ofInput: partition.topic) != nil
    // What the daemon sends ends with a transaction's marker: alone at the end, it is all that was
    // deleted.
    if isInternal, lost == 1, bounds.start == bounds.end { return bounds.start }
    emit(.recordsLost(partition, count: lost))
    let policy =
      isInternal ? configuration.lostInternalRecords : configuration.lostInRecords
    guard policy == .goOn else {
      let detail = "\(lost) records of \(partition) were deleted before they were read"
      throw .stop(WorkerStop(code: "records-lost", detail: detail))
    }
    return bounds.start
  }
}
