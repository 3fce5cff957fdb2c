import CRdKafka
import Glibc
public import Logging

/// A topic opened by a producer; opening once and keeping it saves a look-up for each record.
public final class KafkaTopic {
  public let name: String
  let raw: OpaquePointer
  /// Keeps the client alive until its topics are closed.
  private let client: ClientHandle

  init(
    _ name: String, compression: KafkaConfiguration.Compression?, client: ClientHandle
  ) throws(KafkaFailure) {
    raw = try client.newTopic(name, compression: compression)
    self.name = name
    self.client = client
  }

  deinit { rd_kafka_topic_destroy(raw) }
}

/// A producer, transactional where it has a transactional id, idempotent always. Used from one
/// thread only.
///
/// A transaction: `beginTransaction`, any number of `produce`, `sendOffsets`, `commitTransaction`;
/// or `abortTransaction` at any point after a failure.
public final class KafkaProducer {
  public let transactionalID: String?
  let client: ClientHandle
  private let deliveries = DeliveryTable()
  private var topics: [String: KafkaTopic] = [:]
  private let queueFullTimeout: Duration
  private let transactionTimeout: Duration
  private let scratch: UnsafeMutablePointer<rd_kafka_vu_t>
  private static let scratchSize = 8
  private var sincePoll = 0
  /// Whether records were produced in the present transaction, and whether a call of it failed.
  private var hasProduced = false
  private var hasFailed = false
  /// A non-nil address for values and keys of no bytes, which differ from null.
  private let empty: UnsafeMutableRawPointer

  /// `onStatistics` is called inside `produce`, `poll`, `flush` and `commitTransaction`.
  public init(
    transactionalID: String?, configuration: KafkaConfiguration, logger: Logger,
    onStatistics: (@Sendable (KafkaStatistics) -> Void)? = nil
  ) throws(KafkaConfigurationError) {
    self.transactionalID = transactionalID
    queueFullTimeout = configuration.producer.queueFullTimeout
    transactionTimeout = configuration.producer.transactionTimeout
    let context = ClientContext(
      name: "producer \(transactionalID ?? configuration.clientID)", logger: logger,
      onStatistics: onStatistics)
    client = try ClientHandle(
      kind: RD_KAFKA_PRODUCER, role: .producer(transactionalID: transactionalID),
      configuration: configuration, context: context)
    context.deliveries = deliveries
    scratch = .allocate(capacity: Self.scratchSize)
    scratch.initialize(repeating: rd_kafka_vu_t(), count: Self.scratchSize)
    empty = .allocate(byteCount: 1, alignment: 1)
  }

  deinit {
    scratch.deallocate()
    empty.deallocate()
  }

  // MARK: Producing

  /// Opens a topic, or returns it where it is open. Whether it exists shows when records are sent.
  /// `compression` counts where it is opened for the first time; nil is the configured one.
  public func topic(
    _ name: String, compression: KafkaConfiguration.Compression? = nil
  ) throws(KafkaFailure) -> KafkaTopic {
    if let topic = topics[name] { return topic }
    let topic = try KafkaTopic(name, compression: compression, client: client)
    topics[name] = topic
    return topic
  }

  /// Asks to be told the highest offset delivered to a partition: see `delivered`.
  public func mark(_ partition: KafkaPartition) -> KafkaDeliveryMark { deliveries.mark(partition) }

  /// The highest offset that marked records got since the transaction began (or since
  /// `resetDeliveries`); certain after a commit or flush.
  ///
  /// Nil where none was delivered, or where the broker told no offset because an answer was lost
  /// and the record repeated. A position taken from it may thus be too low, never too high.
  public func delivered(_ mark: KafkaDeliveryMark) -> Int64? { deliveries.offset(mark) }

  /// Puts a record without headers into the queue: the cheapest way. Bytes are copied.
  ///
  /// `value` nil is a tombstone. `partition` nil lets the key choose by murmur2 (at random without
  /// a key). While the queue is full this waits, within `queueFullTimeout`.
  public func produce(
    _ topic: KafkaTopic, partition: Int32? = nil, key: UnsafeRawBufferPointer?,
    value: UnsafeRawBufferPointer?, mark: KafkaDeliveryMark? = nil
  ) throws(KafkaFailure) {
    let opaque = DeliveryTable.opaque(mark)
    let target = partition ?? RD_KAFKA_PARTITION_UA
    let payload = pointer(value)
    let keyPointer = pointer(key)
    var deadline: Deadline?
    while rd_kafka_produce(
      topic.raw, target, RD_KAFKA_MSG_F_COPY, payload, value?.count ?? 0, keyPointer,
      key?.count ?? 0, opaque) != 0
    {
      try waitForRoom(rd_kafka_last_error(), topic, partition, &deadline)
    }
    hasProduced = true
    serveSometimes()
  }

  /// Puts a record with headers, or with a timestamp of its own (milliseconds since the epoch),
  /// into the queue.
  public func produce(
    _ topic: KafkaTopic, partition: Int32? = nil, key: UnsafeRawBufferPointer?,
    value: UnsafeRawBufferPointer?, headers: [KafkaHeader], timestamp: Int64? = nil,
    mark: KafkaDeliveryMark? = nil
  ) throws(KafkaFailure) {
    var deadline: Deadline?
    while true {
      let list = headers.isEmpty ? nil : headerList(headers)
      let count = describe(topic, partition, key, value, list, timestamp, mark)
      guard let error = rd_kafka_produceva(client.rk, scratch, count) else { break }
      // Without success librdkafka leaves the headers to the caller.
      if let list { rd_kafka_headers_destroy(list) }
      let code = rd_kafka_error_code(error)
      rd_kafka_error_destroy(error)
      try waitForRoom(code, topic, partition, &deadline)
    }
    hasProduced = true
    serveSometimes()
  }

  /// Serves delivery reports, errors and statistics; blocks up to `wait` for them.
  public func poll(wait: Duration = .zero) {
    rd_kafka_poll(client.rk, wait.milliseconds)
    sincePoll = 0
  }

  /// Records that are not confirmed yet.
  public var pending: Int { Int(rd_kafka_outq_len(client.rk)) }

  /// Waits until all records are confirmed; throws the first failed delivery since
  /// `resetDeliveries`, or a time-out. For producers without transactions.
  public func flush(limit: Duration) throws(KafkaFailure) {
    try check(rd_kafka_flush(client.rk, limit.milliseconds), "flush")
    try checkDeliveries("deliver records")
  }

  /// Forgets marks' offsets and failed deliveries; `beginTransaction` does so by itself.
  public func resetDeliveries() { deliveries.reset() }

  /// Throws away what is queued and under way.
  public func purge() {
    rd_kafka_purge(client.rk, RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT)
    rd_kafka_poll(client.rk, 0)
  }

  /// Waits until a broker answers, for `limit` at most. Not needed, but `initTransactions` pauses
  /// for half a second (librdkafka 2.0.2) where it finds no connection.
  public func connect(limit: Duration) {
    var answer: UnsafePointer<rd_kafka_metadata>?
    let code = rd_kafka_metadata(client.rk, 0, nil, &answer, limit.milliseconds)
    if code == RD_KAFKA_RESP_ERR_NO_ERROR, let answer { rd_kafka_metadata_destroy(answer) }
  }

  // MARK: Transactions

  /// Finishes or aborts what an earlier producer of this transactional id left open, and fences it.
  /// Once, before the first transaction.
  public func initTransactions(limit: Duration) throws(KafkaFailure) {
    try repeating(limit, "init transactions") { rd_kafka_init_transactions(client.rk, $0) }
  }

  public func beginTransaction() throws(KafkaFailure) {
    try client.checkUsable("begin transaction")
    deliveries.reset()
    hasProduced = false
    hasFailed = false
    try check(error: rd_kafka_begin_transaction(client.rk), "begin transaction")
  }

  /// Makes the group's offsets (of the next records to read) part of the transaction.
  public func sendOffsets(
    _ offsets: [KafkaPartition: Int64], group: KafkaGroupMetadata, limit: Duration
  ) throws(KafkaFailure) {
    guard !offsets.isEmpty else { return }
    let list = PartitionList(offsets: offsets)
    try repeating(limit, "send offsets") {
      rd_kafka_send_offsets_to_transaction(client.rk, list.raw, group.raw, $0)
    }
  }

  /// Delivers what is queued and commits, within `limit` or else the transaction's own time.
  ///
  /// A failure with `outcomeUnknown` may come after the broker has committed; one with
  /// `.abortBatch` asks for `abortTransaction`. After `.retry` the commit goes on: call again.
  public func commitTransaction(limit: Duration? = nil) throws(KafkaFailure) {
    try repeating(limit, "commit transaction", endsTransaction: true) {
      rd_kafka_commit_transaction(client.rk, $0)
    }
  }

  /// Drops the transaction and what is queued for it, within `limit` or else the transaction's own
  /// time.
  ///
  /// librdkafka 2.0.2 asks the coordinator to abort even where the coordinator has not yet accepted
  /// the transaction's first partition (it refuses while the transaction before is being finished),
  /// and takes the answer `INVALID_TXN_STATE` as the end of the client. Delivered records prove
  /// that it has, so a transaction without a failure is sent before it is aborted.
  public func abortTransaction(limit: Duration? = nil) throws(KafkaFailure) {
    if hasProduced, !hasFailed, deliveries.failures == 0 {
      rd_kafka_flush(client.rk, min(limit ?? .seconds(2), .seconds(2)).milliseconds)
    }
    try repeating(limit, "abort transaction") { rd_kafka_abort_transaction(client.rk, $0) }
  }

  // MARK: Helpers

  /// Repeats a call as long as librdkafka says it may be repeated and time is left. All of these
  /// calls can be resumed: librdkafka goes on in the background. Without a limit librdkafka takes
  /// what is left of the transaction's time, which it recommends.
  private func repeating(
    _ limit: Duration?, _ operation: String, endsTransaction: Bool = false,
    _ call: (Int32) -> OpaquePointer?
  ) throws(KafkaFailure) {
    let deadline = Deadline(limit ?? transactionTimeout)
    while true {
      let error = call(limit == nil ? -1 : max(deadline.remaining.milliseconds, 1))
      guard
        let failure = KafkaFailure(
          consuming: error, operation, outcomeUnknown: endsTransaction,
          cause: deliveries.firstFailure)
      else { return }
      guard failure.recovery == .retry, !deadline.hasPassed else {
        hasFailed = true
        throw failure
      }
      // A pause only where the answer came at once, such as "no producer id yet".
      rd_kafka_poll(client.rk, 10)
    }
  }

  private func checkDeliveries(_ operation: String) throws(KafkaFailure) {
    guard deliveries.failures > 0 else { return }
    throw KafkaFailure(
      KafkaErrorCode(deliveries.firstFailure), operation: operation,
      detail: "\(deliveries.failures) record(s) failed")
  }

  /// Decides about a refused record: waits where the queue is full, throws elsewhere.
  private func waitForRoom(
    _ code: rd_kafka_resp_err_t, _ topic: KafkaTopic, _ partition: Int32?,
    _ deadline: inout Deadline?
  ) throws(KafkaFailure) {
    let place = KafkaPartition(topic.name, partition ?? -1)
    guard code == RD_KAFKA_RESP_ERR__QUEUE_FULL else {
      hasFailed = true
      throw client.fatalFailure("produce") ?? KafkaFailure(code, "produce", partition: place)
    }
    let end = deadline ?? Deadline(queueFullTimeout)
    deadline = end
    guard !end.hasPassed else {
      hasFailed = true
      throw KafkaFailure(code, "produce", partition: place)
    }
    poll(wait: .milliseconds(5))
  }

  /// Delivery reports hold their records' memory, so they are served now and then.
  private func serveSometimes() {
    sincePoll += 1
    if sincePoll >= 512 { poll() }
  }

  private func pointer(_ bytes: UnsafeRawBufferPointer?) -> UnsafeMutableRawPointer? {
    guard let bytes else { return nil }
    return UnsafeMutableRawPointer(mutating: bytes.baseAddress) ?? empty
  }

  private func headerList(_ headers: [KafkaHeader]) -> OpaquePointer? {
    let list = rd_kafka_headers_new(headers.count)
    for header in headers {
      guard let value = header.value else {
        rd_kafka_header_add(list, header.name, -1, nil, 0)
        continue
      }
      value.withUnsafeBytes { bytes in
        // Name and value are copied.
        let start = bytes.baseAddress ?? UnsafeRawPointer(empty)
        _ = rd_kafka_header_add(list, header.name, -1, start, bytes.count)
      }
    }
    return list
  }

  /// Writes the arguments of `rd_kafka_produceva` and returns their number.
  private func describe(
    _ topic: KafkaTopic, _ partition: Int32?, _ key: UnsafeRawBufferPointer?,
    _ value: UnsafeRawBufferPointer?, _ headers: OpaquePointer?, _ timestamp: Int64?,
    _ mark: KafkaDeliveryMark?
  ) -> Int {
    var count = 0
    func next(_ type: rd_kafka_vtype_t) -> UnsafeMutablePointer<rd_kafka_vu_t> {
      let place = scratch + count
      place.pointee.vtype = type
      count += 1
      return place
    }
    next(RD_KAFKA_VTYPE_RKT).pointee.u.rkt = topic.raw
    next(RD_KAFKA_VTYPE_PARTITION).pointee.u.i32 = partition ?? RD_KAFKA_PARTITION_UA
    next(RD_KAFKA_VTYPE_MSGFLAGS).pointee.u.i = RD_KAFKA_MSG_F_COPY
    let valuePlace = next(RD_KAFKA_VTYPE_VALUE)
    valuePlace.pointee.u.mem.ptr = pointer(value)
    valuePlace.pointee.u.mem.size = value?.count ?? 0
    if let key {
      let place = next(RD_KAFKA_VTYPE_KEY)
      place.pointee.u.mem.ptr = pointer(key)
      place.pointee.u.mem.size = key.count
    }
    if let timestamp { next(RD_KAFKA_VTYPE_TIMESTAMP).pointee.u.i64 = timestamp }
    if let headers { next(RD_KAFKA_VTYPE_HEADERS).pointee.u.headers = headers }
    if let opaque = DeliveryTable.opaque(mark) {
      next(RD_KAFKA_VTYPE_OPAQUE).pointee.u.ptr = opaque
    }
    return count
  }
}
