internal import Streaming
internal import Vocabulary

/// Steps 4 and 5 of the worker's loop: time, timers, records.
extension Worker {
  /// Reads the wall clock once for the transaction.
  func startClock() {
    let now = clock.now
    let limit = configuration.transactionMilliseconds * 1000
    fullAt = Instant(microseconds: now.microseconds + limit)
    guard configuration.clockMode == .wall else {
      timerBudget = .max
      return
    }
    wall = now
    timerBudget = configuration.timersPerTransaction
    if wall > intakeClock { intakeClock = wall }
  }

  /// How far timers may fire without a record: to the wall clock; on the clock of events only when
  /// nothing is on its way, since a record under way can be older than the newest event.
  private func timerLimit(isIdle: Bool) -> Instant? {
    switch configuration.clockMode {
    case .wall: clock.now
    case .event:
      isIdle ? allOwned.reduce(intakeClock) { max($0, $1.run.clock) } : nil
    }
  }

  func timersAreDue(isIdle: Bool) -> Bool {
    guard let limit = timerLimit(isIdle: isIdle) else { return false }
    return allOwned.contains { $0.run.nextTimer(through: limit) != nil }
  }

  /// Whether stored values may have to be brought in line with a new policy or directory.
  var sweepIsDue: Bool { allOwned.contains { $0.run.needsSweep } }

  /// Takes a slice of the sweeps that are due.
  func sweep(isIdle: Bool) throws(WorkerFailure) {
    var left =
      isIdle ? configuration.sweepPerIdleTransaction : configuration.sweepPerTransaction
    for partition in allOwned where partition.run.needsSweep {
      guard left > 0 else { return }
      if configuration.clockMode == .wall { _ = partition.run.advance(to: wall) }
      let visited = try decoding((partition.run.channel, partition.run.partition, nil)) {
        () throws(DecodingFailure) in
        try partition.run.sweep(left, outbox: &outbox)
      }
      left -= visited
      statistics.householdsSwept += visited
      try dispatch(at: partition.run.clock)
    }
  }

  /// The time to wait for records: no longer than until the next timer.
  func pollMilliseconds() -> Int {
    if isLevelling { return owesMarks ? 0 : configuration.pollMilliseconds }
    if sweepIsDue { return 0 }
    guard configuration.clockMode == .wall else { return configuration.pollMilliseconds }
    let now = clock.now
    var wait = Int64(configuration.pollMilliseconds)
    for partition in allOwned {
      guard let next = partition.run.nextTimer(through: now.adding(seconds: 3600)) else { continue }
      wait = min(wait, (next.due.microseconds - now.microseconds) / 1000 + 1)
    }
    return Int(max(wait, 0))
  }

  /// Fires the timers due without a record, over all partitions in (due, owner) order.
  func fireTimers(isIdle: Bool) throws(WorkerFailure) {
    guard let limit = timerLimit(isIdle: isIdle) else { return }
    while timerBudget > 0 {
      var first: (timer: Timer, partition: Owned)?
      for partition in allOwned {
        guard let timer = partition.run.nextTimer(through: limit) else { continue }
        if let best = first?.timer, best < timer { continue }
        first = (timer, partition)
      }
      guard let first else { return }
      _ = first.partition.run.advance(to: limit)
      try fire(first.timer, first.partition)
      _ = try handOnIfMuch()
    }
  }

  /// On the clock of events, a backlog read topic by topic would move the clock past the events of
  /// the topics that come later. So a batch's records are taken in the order of their timestamps,
  /// those of one partition in their own order.
  func sortByArrival(_ batch: Log.Batch) {
    arrivalOrder.removeAll(keepingCapacity: true)
    guard configuration.clockMode == .event, batch.count > 1 else { return }
    var latest: [SIMD2<Int>: Int64] = [:]
    var keyed: [(timestamp: Int64, index: Int)] = []
    keyed.reserveCapacity(batch.count)
    for index in 0..<batch.count {
      let record = batch.record(at: index)
      let place = SIMD2(record.topic, Int(record.partition))
      let timestamp = max(record.timestamp, latest[place] ?? .min)
      latest[place] = timestamp
      keyed.append((timestamp, index))
    }
    keyed.sort { ($0.timestamp, $0.index) < ($1.timestamp, $1.index) }
    arrivalOrder += keyed.lazy.map(\.index)
  }

  /// Processes messages until the batch or the transaction's share of it is done.
  func consume(_ batch: Log.Batch, _ cursor: inout Int) throws(WorkerFailure) {
    var processed = 0
    while cursor < batch.count, processed < recordBudget, processed == 0 || clock.now < fullAt {
      let index = arrivalOrder.isEmpty ? cursor : arrivalOrder[cursor]
      let record = batch.record(at: index)
      // A record from before the position was fetched before a seek; one of a partition that is
      // not owned was fetched before a revocation.
      if let next = positions.next(topic: record.topic, partition: record.partition),
        record.offset >= next, !holdsBack(record)
      {
        if record.topic < inTopicCount {
          try takeIn(record, batch, index)
          processed += 1
        } else {
          processed += try takeFrame(record)
        }
        positions.advance(
          topic: record.topic, partition: record.partition, past: record.offset)
        processed += try handOnIfMuch()
      }
      cursor += 1
    }
  }

  /// A record of an in-topic: to a record for Register, or a dead letter.
  private func takeIn(
    _ record: LogRecord, _ batch: Log.Batch, _ index: Int
  ) throws(WorkerFailure) {
    guard let intake = stages?.intake else { return }
    let suffix = configuration.layout.inTopics[record.topic]
    let wall: Instant? = configuration.clockMode == .wall ? self.wall : nil
    let now = intakeClock
    let clock = batch.withHeaders(at: index) { headers in
      let inbound = InboundRecord(
        topic: subscription[record.topic], topicSuffix: suffix, partition: record.partition,
        offset: record.offset, timestamp: record.timestamp, key: record.key, value: record.value,
        headers: headers)
      return intake.process(inbound, now: now, wall: wall, outbox: &outbox)
    }
    if clock > intakeClock { intakeClock = clock }
    statistics.recordsIn[suffix, default: 0] += 1
    try dispatch(at: intakeClock)
  }

  /// The owned partition of a channel that a record is for.
  func internalPartition(_ record: LogRecord) -> Owned? {
    guard record.topic >= inTopicCount,
      let channel = Channel(rawValue: UInt8(clamping: record.topic - inTopicCount))
    else { return nil }
    return owned(channel, record.partition)
  }

  /// A frame from the log, or a mark. Answers how many records were processed.
  private func takeFrame(_ record: LogRecord) throws(WorkerFailure) -> Int {
    guard let partition = internalPartition(record) else { return 0 }
    if let key = record.key { noteMark(key, partition) }
    let empty = UnsafeRawBufferPointer(start: nil, count: 0)
    return try process(frame: record.value ?? empty, partition, offset: record.offset)
  }

  /// A frame's records through their stage, the timers due by each one's clock first. Answers how
  /// many.
  func process(
    frame bytes: UnsafeRawBufferPointer, _ partition: Owned, offset: Int64?
  ) throws(WorkerFailure) -> Int {
    let at = (partition.run.channel, partition.run.partition, offset)
    var processed = 0
    var frame = try decoding(at) { () throws(DecodingFailure) in try FrameReader(bytes) }
    while let payload = try decoding(at, { () throws(DecodingFailure) in try frame.next() }) {
      let now = partition.run.advance(to: max(frame.clock, wall))
      while timerBudget > 0, let timer = partition.run.nextTimer(through: now) {
        try fire(timer, partition)
      }
      try decoding(at) { () throws(DecodingFailure) in
        try partition.run.process(payload, outbox: &outbox)
      }
      try dispatch(at: partition.run.clock)
      processed += 1
    }
    statistics.stageRecords[partition.run.channel.topicSuffix, default: 0] += processed
    return processed
  }

  /// Names the place of what does not decode.
  private func decoding<R>(
    _ at: (channel: Channel, partition: Int32, offset: Int64?),
    _ body: () throws(DecodingFailure) -> R
  ) throws(WorkerFailure) -> R {
    do throws(DecodingFailure) {
      return try body()
    } catch {
      throw .undecodable(at.channel, partition: at.partition, offset: at.offset, error)
    }
  }

  private func fire(_ timer: Timer, _ partition: Owned) throws(WorkerFailure) {
    timerBudget -= 1
    statistics.timersFired += 1
    try decoding((partition.run.channel, partition.run.partition, nil)) {
      () throws(DecodingFailure) in
      try partition.run.fire(timer, outbox: &outbox)
    }
    try dispatch(at: timer.due)
  }

  private func dispatch(at clock: Instant) throws(WorkerFailure) {
    do throws(LogFailure) {
      try output.dispatch(&outbox, clock: clock, to: log)
    } catch {
      throw .log(error)
    }
  }
}
