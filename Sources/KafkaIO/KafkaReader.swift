import CRdKafka
public import Logging

/// Reads partitions without a group: broadcasts such as directories, and changelogs on restore.
/// Used from one thread only.
///
/// Follow a compacted topic: `start` all its `partitions` at `.earliest` and `poll`; a null value
/// is a tombstone. To know when the present end is reached, begin with `readToEnd`, and `start` at
/// its `positions`.
public final class KafkaReader {
  private let client: ClientHandle
  private let poller: RecordPoller
  private let queue: OpaquePointer
  private let queryLimit: Duration
  private var topics: [KafkaPartition: OpaquePointer] = [:]

  /// `configuration.consumer` counts except for what belongs to groups; positions that do not exist
  /// are always reported, never replaced silently. A short `fetchWait` (10 ms) makes the end of a
  /// quiet partition known sooner, at the price of more requests.
  public init(
    configuration: KafkaConfiguration, logger: Logger,
    onStatistics: (@Sendable (KafkaStatistics) -> Void)? = nil
  ) throws(KafkaConfigurationError) {
    var settings = configuration.consumer
    settings.reportsEndOfPartition = true
    settings.offsetReset = .fail
    queryLimit = configuration.requestTimeout
    let context = ClientContext(name: "reader", logger: logger, onStatistics: onStatistics)
    client = try ClientHandle(
      kind: RD_KAFKA_CONSUMER, role: .consumer(group: nil, settings),
      configuration: configuration, context: context)
    guard let queue = rd_kafka_queue_new(client.rk) else {
      throw .clientRefused(reason: "no queue")
    }
    self.queue = queue
    poller = RecordPoller(client: client, queue: queue, settings: settings)
  }

  deinit {
    poller.releaseBatch()
    stopAll()
  }

  /// All partitions of a topic.
  public func partitions(of topic: String) throws(KafkaFailure) -> [KafkaPartition] {
    guard let description = try client.topics(limit: queryLimit)[topic] else {
      throw KafkaFailure(
        .unknownTopicOrPartition, operation: "list partitions",
        partition: KafkaPartition(topic, -1))
    }
    return (0..<Int32(description.partitions)).map { KafkaPartition(topic, $0) }
  }

  /// First and end offsets as the broker tells them now; with `.readCommitted` the end is the last
  /// stable offset.
  public func watermarks(_ partition: KafkaPartition) throws(KafkaFailure) -> KafkaWatermarks {
    try client.watermarks(partition, limit: queryLimit)
  }

  /// The partitions being read.
  public var reading: [KafkaPartition] { topics.keys.sorted() }

  /// Begins to read a partition; one that is being read starts over. There is no group, so
  /// `.committed` is not allowed.
  public func start(_ partition: KafkaPartition, at start: KafkaStart) throws(KafkaFailure) {
    guard start != .committed else {
      throw KafkaFailure(RD_KAFKA_RESP_ERR__INVALID_ARG, "start reading", partition: partition)
    }
    stop(partition)
    let topic = try client.newTopic(partition.topic)
    let code = rd_kafka_consume_start_queue(
      topic, partition.partition, start.rawOffset, queue)
    guard code == 0 else {
      let failure = KafkaFailure(rd_kafka_last_error(), "start reading", partition: partition)
      rd_kafka_topic_destroy(topic)
      throw failure
    }
    topics[partition] = topic
    poller.own(partition, from: start.firstOffset)
  }

  /// Ends the reading of a partition and drops what was fetched of it.
  public func stop(_ partition: KafkaPartition) {
    guard let topic = topics.removeValue(forKey: partition) else { return }
    rd_kafka_consume_stop(topic, partition.partition)
    rd_kafka_topic_destroy(topic)
    poller.disown(partition)
  }

  public func stopAll() {
    for partition in reading { stop(partition) }
  }

  /// As `KafkaConsumer.poll`. Ends of partitions come as events.
  public func poll(
    maxRecords: Int = 5000, wait: Duration = .milliseconds(100), linger: Duration = .zero
  ) throws(KafkaFailure) -> KafkaBatch {
    rd_kafka_poll(client.rk, 0)
    return try poller.poll(maxRecords: maxRecords, wait: wait, linger: linger, operation: "read")
  }

  /// The partition behind a record's `slot`.
  public func partition(ofSlot slot: Int) -> KafkaPartition? {
    poller.table.entries.indices.contains(slot) ? poller.table.entries[slot].partition : nil
  }

  /// The end of the log as of the last fetch, open transactions included; nil before one.
  func fetchedEnd(_ partition: KafkaPartition) -> Int64? {
    client.fetchedWatermarks(partition)?.high
  }

  // MARK: Reading to the end

  /// Begins to read partitions up to the ends they have now; call `next` until it returns nil.
  ///
  /// With `.readCommitted` records of other producers' transactions that are open below that end
  /// are waited for. `stallLimit` bounds the time without any progress. The partitions are
  /// stopped as they end. Partitions that were being read before go on beside it.
  public func readToEnd(
    _ starts: [KafkaPartition: KafkaStart], stallLimit: Duration
  ) throws(KafkaFailure) -> KafkaReadToEnd {
    let reading = KafkaReadToEnd(self, stallLimit: stallLimit)
    // All at once and before the first fetch, which would hold the questions up.
    let marks = try client.watermarks(Array(starts.keys), limit: queryLimit)
    for (partition, start) in starts.sorted(by: { $0.key < $1.key }) {
      try reading.begin(partition, start, marks[partition])
    }
    return reading
  }

  /// Reads one partition to its present end, handing over batches, and returns the offset to go on
  /// from. For a changelog.
  public func readToEnd(
    _ partition: KafkaPartition, from offset: Int64, stallLimit: Duration,
    progress: (KafkaReadProgress) -> Void = { _ in },
    _ body: (KafkaBatch) throws(KafkaFailure) -> Void
  ) throws(KafkaFailure) -> Int64 {
    let reading = try readToEnd([partition: .offset(offset)], stallLimit: stallLimit)
    while let batch = try reading.next() {
      if batch.count > 0 { try body(batch) }
      progress(reading.progress)
    }
    return reading.positions[partition] ?? offset
  }
}

/// How far reading to the end has come.
public struct KafkaReadProgress: Equatable, Sendable {
  /// Records handed over so far.
  public var records: Int64 = 0
  /// Offsets still to go, over all partitions whose end is known. More than the records to come:
  /// markers, aborted and compacted records have offsets too.
  public var remainingOffsets: Int64 = 0
  /// Partitions not yet read to their end.
  public var openPartitions = 0

  public init(records: Int64 = 0, remainingOffsets: Int64 = 0, openPartitions: Int = 0) {
    self.records = records
    self.remainingOffsets = remainingOffsets
    self.openPartitions = openPartitions
  }
}

/// A read up to the ends that partitions had when it began: pulled batch by batch.
public final class KafkaReadToEnd {
  private struct Goal {
    /// The end to reach; nil until the broker told it.
    var end: Int64?
    /// Everything below was handed over.
    var position: Int64
    /// The last stable offset where the reader waits for a transaction of others.
    var waitsAt: Int64?
    var isDone = false
  }

  /// Where each finished partition goes on: behind its last record and marker read.
  public private(set) var positions: [KafkaPartition: Int64] = [:]
  private var goals: [KafkaPartition: Goal] = [:]
  private var records: Int64 = 0
  private let reader: KafkaReader
  private let stallLimit: Duration
  private var stall: Deadline

  init(_ reader: KafkaReader, stallLimit: Duration) {
    self.reader = reader
    self.stallLimit = stallLimit
    stall = Deadline(stallLimit)
  }

  /// Checks the start against what the partition holds, then starts reading.
  ///
  /// `.earliest` is replaced by the first offset: librdkafka 2.0.2 would ask for it itself, and
  /// where it does not yet know the leader it waits half a second before it does.
  func begin(
    _ partition: KafkaPartition, _ start: KafkaStart, _ marks: KafkaWatermarks?
  ) throws(KafkaFailure) {
    let low = marks?.low ?? 0
    if case .offset(let offset) = start {
      guard offset >= low else {
        throw KafkaFailure(.offsetOutOfRange, operation: "read to end", partition: partition)
      }
    }
    try reader.start(partition, at: start == .earliest ? .offset(low) : start)
    goals[partition] = Goal(end: nil, position: start.firstOffset ?? low)
  }

  public var progress: KafkaReadProgress {
    var progress = KafkaReadProgress(records: records)
    for goal in goals.values where !goal.isDone {
      progress.openPartitions += 1
      if let end = goal.end { progress.remainingOffsets += max(0, end - goal.position) }
    }
    return progress
  }

  /// The next batch, which may be empty; nil once all ends are reached. Records behind the ends,
  /// and those of partitions read beside this, may be among them.
  public func next() throws(KafkaFailure) -> KafkaBatch? {
    guard goals.values.contains(where: { !$0.isDone }) else { return nil }
    let batch = try reader.poll(wait: min(.milliseconds(100), stallLimit))
    var advanced = false
    var last: [Int: Int64] = [:]
    batch.forEach { record in last[record.slot] = record.offset }
    for (slot, offset) in last {
      guard let partition = reader.partition(ofSlot: slot) else { continue }
      advance(partition, to: offset + 1)
      advanced = true
    }
    for event in batch.events where try handle(event) { advanced = true }
    records += Int64(batch.count)
    if advanced {
      stall = Deadline(stallLimit)
    } else if stall.hasPassed {
      throw stalled()
    }
    return batch
  }

  /// Takes an event in; true where it is progress.
  private func handle(_ event: KafkaEvent) throws(KafkaFailure) -> Bool {
    switch event {
    case .endOfPartition(let partition, let offset):
      guard let goal = goals[partition], !goal.isDone else { return false }
      let moved = offset > goal.position || goal.end == nil
      advance(partition, to: offset)
      goals[partition]?.waitsAt = offset
      return moved
    case .failure(let failure):
      if failure.code == .noOffsetToResetTo, let partition = failure.partition {
        throw KafkaFailure(.logTruncated, operation: "read to end", partition: partition)
      }
      guard failure.recovery == .retry else { throw failure }
      return false
    }
  }

  private func advance(_ partition: KafkaPartition, to position: Int64) {
    guard var goal = goals[partition], !goal.isDone else { return }
    // The first fetch came after the start, so its end of the log is late enough.
    if goal.end == nil { goal.end = reader.fetchedEnd(partition) }
    goal.position = max(goal.position, position)
    goal.waitsAt = nil
    if let end = goal.end, goal.position >= end {
      goal.isDone = true
      positions[partition] = goal.position
      reader.stop(partition)
    }
    goals[partition] = goal
  }

  private func stalled() -> KafkaFailure {
    let open = goals.filter { !$0.value.isDone }.min { $0.key < $1.key }
    let waits = open?.value.waitsAt != nil
    return KafkaFailure(
      waits ? .openTransaction : .readTooSlow, operation: "read to end", partition: open?.key)
  }
}
