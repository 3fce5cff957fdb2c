import CRdKafka
public import Logging

/// Told about partitions on the polling thread, inside `poll` or `close`. Kafka waits for the
/// return before a partition moves on.
///
/// Return within the session time: heartbeats go on meanwhile, but the rest of the group waits.
/// The methods may use the consumer's queries and a producer, but must not poll or close.
public protocol KafkaRebalanceDelegate: AnyObject {
  /// Partitions were given to this consumer. Returns where to start those that shall not start at
  /// the group's committed offset.
  func assigned(
    _ partitions: [KafkaAssignment], to consumer: KafkaConsumer
  ) -> [KafkaPartition: KafkaStart]

  /// Partitions are about to be taken back: this consumer still owns them. Finish or abort here.
  ///
  /// Who aborts here has to drop the batch that the same `poll` returns, and to rewind: with a
  /// cooperative assignor it may hold records of partitions that stay.
  func revoked(_ partitions: [KafkaPartition], from consumer: KafkaConsumer)

  /// Partitions are gone already and may belong to another: nothing can be committed any more.
  func lost(_ partitions: [KafkaPartition], from consumer: KafkaConsumer)
}

/// A partition given to this consumer, and what the group committed for it.
public struct KafkaAssignment: Equatable, Sendable {
  public enum Committed: Equatable, Sendable {
    /// The next record to process.
    case offset(Int64)
    /// The group never committed the partition, or the offset has expired.
    case none
    /// The query failed; librdkafka looks the offset up by itself.
    case unknown(KafkaFailure)
  }
  public let partition: KafkaPartition
  public let committed: Committed

  public init(partition: KafkaPartition, committed: Committed) {
    self.partition = partition
    self.committed = committed
  }
}

/// Identity of a consumer within its group, which a transaction needs to commit offsets.
public final class KafkaGroupMetadata {
  let raw: OpaquePointer
  init(owning raw: OpaquePointer) { self.raw = raw }
  deinit { rd_kafka_consumer_group_metadata_destroy(raw) }

  /// The group's generation, -1 outside a group; nil where this librdkafka writes another form.
  ///
  /// librdkafka 2.0.2 has no accessor, only the serialized form: "CGMDv2:" and the number.
  var generation: Int32? {
    var bytes: UnsafeMutableRawPointer?
    var size = 0
    if let error = rd_kafka_consumer_group_metadata_write(raw, &bytes, &size) {
      rd_kafka_error_destroy(error)
      return nil
    }
    guard let bytes else { return nil }
    defer { rd_kafka_mem_free(nil, bytes) }
    let content = UnsafeRawBufferPointer(start: bytes, count: size)
    let magic = "CGMDv2:".utf8
    guard size >= magic.count + 4, content.prefix(magic.count).elementsEqual(magic) else {
      return nil
    }
    return content.loadUnaligned(fromByteOffset: magic.count, as: Int32.self)
  }
}

/// A member of a consumer group. Used from one thread only: it is not Sendable, and every method
/// has to be called on the thread that polls.
///
/// Backpressure is not polling. Pausing partitions is deliberately not offered: librdkafka then
/// throws away what it fetched ahead.
public final class KafkaConsumer {
  /// Told about partitions; without one they are taken as given, from the committed offsets.
  public weak var delegate: (any KafkaRebalanceDelegate)?
  public let group: String

  private var client: ClientHandle?
  private var poller: RecordPoller?
  private let queryLimit: Duration
  private let reset: KafkaConfiguration.OffsetReset
  private let logger: Logger
  private var isSubscribed = false
  /// Where partitions began when they were assigned.
  private var starts: [KafkaPartition: KafkaStart] = [:]

  /// `onStatistics` is called inside `poll`.
  public init(
    group: String, configuration: KafkaConfiguration, logger: Logger,
    onStatistics: (@Sendable (KafkaStatistics) -> Void)? = nil
  ) throws(KafkaConfigurationError) {
    self.group = group
    self.logger = logger
    queryLimit = configuration.requestTimeout
    reset = configuration.consumer.offsetReset
    let context = ClientContext(
      name: "consumer \(group)", logger: logger, onStatistics: onStatistics)
    let client = try ClientHandle(
      kind: RD_KAFKA_CONSUMER, role: .consumer(group: group, configuration.consumer),
      configuration: configuration, context: context)
    // Logs, errors and statistics then arrive with the records, on the polling thread.
    rd_kafka_poll_set_consumer(client.rk)
    guard let queue = rd_kafka_queue_get_consumer(client.rk) else {
      throw .clientRefused(reason: "no queue for the group")
    }
    self.client = client
    let poller = RecordPoller(
      client: client, queue: queue, settings: configuration.consumer)
    self.poller = poller
    context.consumer = self
    poller.refetch = { [weak self] slots in self?.refetch(slots) ?? [] }
  }

  deinit { close() }

  // MARK: Reading

  /// Joins the group for these topics. Partitions arrive inside a later `poll`.
  public func subscribe(_ topics: [String]) throws(KafkaFailure) {
    let list = PartitionList(topics.map { KafkaPartition($0, -1) })
    try check(rd_kafka_subscribe(try usable("subscribe").rk, list.raw), "subscribe")
    isSubscribed = true
  }

  /// Reads exactly these partitions, outside the group's distribution, replacing those before.
  public func assign(_ starts: [KafkaPartition: KafkaStart]) throws(KafkaFailure) {
    let client = try usable("assign")
    let list = PartitionList(offsets: starts.mapValues(\.rawOffset))
    try check(rd_kafka_assign(client.rk, list.raw), "assign")
    for partition in poller?.owned ?? [] { poller?.disown(partition) }
    for (partition, start) in starts { poller?.own(partition, from: start.firstOffset) }
  }

  /// Returns what is there at once, or else waits up to `wait` for a first record or event. Then
  /// gathers up to `maxRecords` records, for at most `linger` more. May be empty.
  ///
  /// Rebalances, logs and statistics are served inside. Throws only what concerns the whole client.
  public func poll(
    maxRecords: Int = 5000, wait: Duration = .milliseconds(100), linger: Duration = .zero
  ) throws(KafkaFailure) -> KafkaBatch {
    _ = try usable("consume")
    guard let poller else { throw KafkaFailure(RD_KAFKA_RESP_ERR__STATE, "consume") }
    return try poller.poll(
      maxRecords: maxRecords, wait: wait, linger: linger, operation: "consume")
  }

  /// The partition behind a record's `slot`.
  public func partition(ofSlot slot: Int) -> KafkaPartition? {
    guard let entries = poller?.table.entries, entries.indices.contains(slot) else { return nil }
    return entries[slot].partition
  }

  /// The partitions this consumer owns now.
  public var assignment: [KafkaPartition] { poller?.owned.sorted() ?? [] }

  // MARK: Positions

  /// Where reading goes on: behind the last record handed out and transaction markers after it, or
  /// at the start where nothing was handed out yet. Missing where even the start is unknown, and
  /// for partitions this consumer does not own. Right for committing only where everything handed
  /// out was processed.
  public func positions(
    of partitions: [KafkaPartition]
  ) throws(KafkaFailure) -> [KafkaPartition: Int64] {
    let rk = try usable("query position").rk
    guard let table = poller?.table else { return [:] }
    let list = PartitionList(partitions)
    try check(rd_kafka_position(rk, list.raw), "query position")
    let theirs = Self.offsets(list)
    var positions: [KafkaPartition: Int64] = [:]
    for partition in partitions {
      guard let slot = table.existingSlot(of: partition), table[slot].isOwned,
        let next = table[slot].next
      else { continue }
      // librdkafka knows about markers, but after a seek it tells the old position until a record
      // was handed out.
      positions[partition] = table[slot].hasDelivered ? max(next, theirs[partition] ?? 0) : next
    }
    return positions
  }

  /// The group's committed offsets; partitions without one are missing. Offsets that belong to an
  /// open transaction are waited for, within the request time limit.
  public func committed(
    _ partitions: [KafkaPartition]
  ) throws(KafkaFailure) -> [KafkaPartition: Int64] {
    let list = PartitionList(partitions)
    let rk = try usable("query committed offsets").rk
    try check(
      rd_kafka_committed(rk, list.raw, queryLimit.milliseconds), "query committed offsets")
    try list.checkEntries("query committed offsets")
    return Self.offsets(list)
  }

  /// First and end offsets of a partition as the broker tells them now. With `.readCommitted` the
  /// end is the last stable offset: what lies behind it belongs to open transactions. For the real
  /// end ask `KafkaAdmin`.
  public func watermarks(_ partition: KafkaPartition) throws(KafkaFailure) -> KafkaWatermarks {
    try usable("query watermarks").watermarks(partition, limit: queryLimit)
  }

  /// First and end offsets as of the last fetch, without asking the broker; nil before one. The end
  /// is the log's real end, open transactions included. Good for measuring lag.
  public func fetchedWatermarks(_ partition: KafkaPartition) -> KafkaWatermarks? {
    guard let client else { return nil }
    return client.fetchedWatermarks(partition)
  }

  /// Offsets from `position`, behind the last record processed, to the log's end as of the last
  /// fetch; nil before one. Nothing is asked of the broker.
  ///
  /// Transaction markers and aborted records count only until they are passed, so a partition that
  /// was read to its end has none. Right after a seek it may be too low.
  public func lag(_ partition: KafkaPartition, behind position: Int64) -> Int64? {
    guard let client, let end = client.fetchedWatermarks(partition)?.high else { return nil }
    let reached = passMarkers([partition: position], afterSeek: true)
    return max(0, end - (reached[partition] ?? position))
  }

  /// For each position, behind the last record processed, the offset behind the transaction markers
  /// and aborted records that follow, as far as they were read. A position stays where a record
  /// handed out lies behind it. Nothing is asked of the broker.
  public func reached(_ positions: [KafkaPartition: Int64]) -> [KafkaPartition: Int64] {
    passMarkers(positions, afterSeek: false)
  }

  /// - Parameter afterSeek: also where nothing was handed out since a seek, when librdkafka still
  ///   tells the position before it.
  private func passMarkers(
    _ positions: [KafkaPartition: Int64], afterSeek: Bool
  ) -> [KafkaPartition: Int64] {
    guard let client, let table = poller?.table else { return positions }
    let list = PartitionList(Array(positions.keys))
    rd_kafka_position(client.rk, list.raw)
    var reached = positions
    for entry in list.entries {
      guard let position = positions[entry.partition], entry.offset > position,
        let slot = table.existingSlot(of: entry.partition),
        afterSeek || table[slot].hasDelivered,
        // Else librdkafka's position is ahead of the caller's.
        let next = table[slot].next, next <= position
      else { continue }
      reached[entry.partition] = entry.offset
    }
    return reached
  }

  /// Goes on reading at these offsets. Records fetched before are dropped.
  public func seek(_ offsets: [KafkaPartition: Int64]) throws(KafkaFailure) {
    let client = try usable("seek")
    guard !offsets.isEmpty else { return }
    let list = PartitionList(offsets: offsets)
    try check(
      error: rd_kafka_seek_partitions(client.rk, list.raw, queryLimit.milliseconds), "seek")
    try list.checkEntries("seek")
    for (partition, offset) in offsets {
      poller?.own(partition, from: offset >= 0 ? offset : nil)
    }
  }

  /// Reads everything that is not committed again: after an aborted transaction.
  public func rewindToCommitted() throws(KafkaFailure) {
    let partitions = assignment
    let offsets = try committed(partitions)
    let fallback = resetOffset
    try seek(
      Dictionary(
        partitions.map { ($0, offsets[$0] ?? fallback) }, uniquingKeysWith: { first, _ in first }))
  }

  /// Commits offsets (of the next records to read) outside a transaction, and waits for it: for
  /// tools and brokers without transactions.
  public func commit(_ offsets: [KafkaPartition: Int64]) throws(KafkaFailure) {
    let list = PartitionList(offsets: offsets)
    try check(rd_kafka_commit(try usable("commit offsets").rk, list.raw, 0), "commit offsets")
    try list.checkEntries("commit offsets")
  }

  /// This member's identity of the present generation; take it anew for every transaction.
  ///
  /// A subscribed consumer that is not a member now, because it lost its place and the poll that
  /// tells so is still to come, gets a failure: brokers accept offsets without a generation from
  /// anybody, so the commit would not be fenced.
  public func groupMetadata() throws(KafkaFailure) -> KafkaGroupMetadata {
    let client = try usable("read group metadata")
    guard let raw = rd_kafka_consumer_group_metadata(client.rk) else {
      throw KafkaFailure(RD_KAFKA_RESP_ERR__UNKNOWN_GROUP, "read group metadata")
    }
    let metadata = KafkaGroupMetadata(owning: raw)
    if isSubscribed, !isMember(metadata, client) {
      throw KafkaFailure(RD_KAFKA_RESP_ERR_UNKNOWN_MEMBER_ID, "read group metadata")
    }
    return metadata
  }

  private func isMember(_ metadata: KafkaGroupMetadata, _ client: ClientHandle) -> Bool {
    if let generation = metadata.generation { return generation >= 0 }
    guard let id = rd_kafka_memberid(client.rk) else { return false }
    defer { rd_kafka_mem_free(client.rk, id) }
    return id.pointee != 0
  }

  /// Gives back all partitions (the delegate is told) and leaves the group, so that others take
  /// over at once. A member with an `instanceID` stays known to the group for its session time.
  ///
  /// `leavingGroup: false` vanishes like a killed process. Closing twice does nothing.
  public func close(leavingGroup: Bool = true) {
    guard let client else { return }
    poller?.releaseBatch()
    if leavingGroup {
      let code = rd_kafka_consumer_close(client.rk)
      if code != RD_KAFKA_RESP_ERR_NO_ERROR {
        logger.warning("\(KafkaFailure(code, "leave group"))")
      }
    } else {
      client.leavesGroup = false
    }
    client.context.consumer = nil
    poller = nil
    self.client = nil
  }

  // MARK: Rebalance

  /// Serves librdkafka's rebalance: delegate first, then the acknowledgement.
  func rebalance(
    _ code: rd_kafka_resp_err_t,
    _ list: UnsafeMutablePointer<rd_kafka_topic_partition_list_t>?
  ) {
    guard let client else { return }
    let isCooperative =
      rd_kafka_rebalance_protocol(client.rk).map { String(cString: $0) } == "COOPERATIVE"
    let partitions = PartitionList.entries(list).map(\.partition)
    switch code {
    case RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS:
      let starts = chooseStarts(partitions)
      for (partition, start) in starts {
        rd_kafka_topic_partition_list_set_offset(
          list, partition.topic, partition.partition, start.rawOffset)
      }
      if isCooperative {
        report(rd_kafka_incremental_assign(client.rk, list), "take partitions")
      } else {
        report(rd_kafka_assign(client.rk, list), "take partitions")
      }
      for partition in partitions {
        self.starts[partition] = starts[partition]
        poller?.own(partition, from: starts[partition]?.firstOffset)
      }
    case RD_KAFKA_RESP_ERR__REVOKE_PARTITIONS:
      if rd_kafka_assignment_lost(client.rk) != 0 {
        delegate?.lost(partitions, from: self)
      } else {
        delegate?.revoked(partitions, from: self)
      }
      if isCooperative {
        report(rd_kafka_incremental_unassign(client.rk, list), "give partitions back")
      } else {
        report(rd_kafka_assign(client.rk, nil), "give partitions back")
      }
      for partition in partitions { poller?.disown(partition) }
    default:
      logger.warning("\(KafkaFailure(code, "rebalance"))")
      rd_kafka_assign(client.rk, nil)
    }
  }

  /// Where to start each partition. The committed offsets are looked up here, so that the delegate
  /// sees them and every start is known; after a failed look-up librdkafka repeats it by itself.
  private func chooseStarts(_ partitions: [KafkaPartition]) -> [KafkaPartition: KafkaStart] {
    guard !partitions.isEmpty else { return [:] }
    var starts: [KafkaPartition: KafkaStart] = [:]
    let assignments: [KafkaAssignment]
    do throws(KafkaFailure) {
      let offsets = try committed(partitions)
      for (partition, offset) in offsets { starts[partition] = .offset(offset) }
      assignments = partitions.map {
        KafkaAssignment(partition: $0, committed: offsets[$0].map { .offset($0) } ?? .none)
      }
    } catch {
      logger.warning("\(error)")
      assignments = partitions.map { KafkaAssignment(partition: $0, committed: .unknown(error)) }
    }
    let wanted = delegate?.assigned(assignments, to: self) ?? [:]
    for (partition, start) in wanted where partitions.contains(partition) {
      starts[partition] = start
    }
    return starts
  }

  private func report(_ error: OpaquePointer?, _ operation: String) {
    if let failure = KafkaFailure(consuming: error, operation) { logger.error("\(failure)") }
  }

  private func report(_ code: rd_kafka_resp_err_t, _ operation: String) {
    guard code != RD_KAFKA_RESP_ERR_NO_ERROR else { return }
    logger.error("\(KafkaFailure(code, operation))")
  }

  /// Reads partitions again from their start after the poller dropped records of theirs.
  private func refetch(_ slots: Set<Int32>) -> [KafkaEvent] {
    guard let poller else { return [] }
    var offsets: [KafkaPartition: Int64] = [:]
    for slot in slots {
      let partition = poller.table[slot].partition
      let start = starts[partition]
      offsets[partition] = start == nil || start == .committed ? resetOffset : start?.rawOffset
    }
    do throws(KafkaFailure) {
      try seek(offsets)
      return []
    } catch {
      return [.failure(error)]
    }
  }

  // MARK: Helpers

  /// Where reading starts without a committed offset; for `.fail` librdkafka reports it.
  private var resetOffset: Int64 {
    switch reset {
    case .earliest: Int64(RD_KAFKA_OFFSET_BEGINNING)
    case .latest: Int64(RD_KAFKA_OFFSET_END)
    case .fail: Int64(RD_KAFKA_OFFSET_INVALID)
    }
  }

  private func usable(_ operation: String) throws(KafkaFailure) -> ClientHandle {
    guard let client else { throw KafkaFailure(RD_KAFKA_RESP_ERR__STATE, operation) }
    try client.checkUsable(operation)
    return client
  }

  /// The known offsets of a list; negative ones stand for "none".
  private static func offsets(_ list: PartitionList) -> [KafkaPartition: Int64] {
    var offsets: [KafkaPartition: Int64] = [:]
    for entry in list.entries where entry.offset >= 0 { offsets[entry.partition] = entry.offset }
    return offsets
  }
}
