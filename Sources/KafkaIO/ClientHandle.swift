import CRdKafka
import Logging

/// What the global C callbacks reach through librdkafka's opaque pointer.
///
/// `logger` and `name` are immutable and may be used on librdkafka's threads (log callback). The
/// rest is touched only in callbacks that librdkafka serves inside our own calls, so on the thread
/// that owns the client.
final class ClientContext {
  let name: String
  let logger: Logger
  let onStatistics: (@Sendable (KafkaStatistics) -> Void)?
  /// Receives rebalances; set by a consumer.
  weak var consumer: KafkaConsumer?
  /// Receives delivery reports; set by a producer.
  var deliveries: DeliveryTable?
  /// Set as soon as librdkafka reports that the client is unusable.
  var hasFatalError = false

  init(
    name: String, logger: Logger, onStatistics: (@Sendable (KafkaStatistics) -> Void)?
  ) {
    self.name = name
    self.logger = logger
    self.onStatistics = onStatistics
  }

  static func from(_ opaque: UnsafeMutableRawPointer?) -> ClientContext? {
    opaque.map { Unmanaged<ClientContext>.fromOpaque($0).takeUnretainedValue() }
  }
}

/// Owner of one `rd_kafka_t`. Destroyed when the last user, be it a batch of records, lets go.
final class ClientHandle {
  let rk: OpaquePointer
  let context: ClientContext
  private let retained: Unmanaged<ClientContext>
  /// False makes the destruction skip the clean leave of a consumer group.
  var leavesGroup = true

  init(
    kind: rd_kafka_type_t, role: ConfigurationBuilder.Role, configuration: KafkaConfiguration,
    context: ClientContext
  ) throws(KafkaConfigurationError) {
    let conf = try ConfigurationBuilder.build(configuration, role: role)
    self.context = context
    retained = Unmanaged.passRetained(context)
    rd_kafka_conf_set_opaque(conf, retained.toOpaque())
    rd_kafka_conf_set_log_cb(conf, logCallback)
    rd_kafka_conf_set_error_cb(conf, errorCallback)
    if context.onStatistics != nil { rd_kafka_conf_set_stats_cb(conf, statisticsCallback) }
    switch role {
    case .consumer(let group, _):
      if group != nil { rd_kafka_conf_set_rebalance_cb(conf, rebalanceCallback) }
    case .producer: rd_kafka_conf_set_dr_msg_cb(conf, deliveryCallback)
    case .admin, .unconnected: break
    }
    var text = [CChar](repeating: 0, count: 512)
    guard let rk = rd_kafka_new(kind, conf, &text, text.count) else {
      rd_kafka_conf_destroy(conf)
      retained.release()
      throw .clientRefused(reason: String(cBuffer: text))
    }
    self.rk = rk
  }

  /// Destroys the client on a thread of its own and waits for that at most `destructionLimit`:
  /// librdkafka 2.0.2 never returns where a partition was deleted on the broker while records of it
  /// were fetched. Such a client is left behind.
  deinit {
    let destruction = Destruction(
      rk: rk, flags: leavesGroup ? 0 : RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE, context: retained)
    if !destruction.run(limit: ClientHandle.destructionLimit) {
      context.logger.warning(
        "a client does not end and is left behind", metadata: ["client": "\(context.name)"])
    }
  }

  private static let destructionLimit: Duration = .seconds(5)

  /// Throws the error that made this client unusable, if one was reported.
  func checkUsable(_ operation: String) throws(KafkaFailure) {
    guard context.hasFatalError, let failure = fatalFailure(operation) else { return }
    throw failure
  }

  /// Asks librdkafka for the error that made this client unusable.
  func fatalFailure(_ operation: String) -> KafkaFailure? {
    var text = [CChar](repeating: 0, count: 512)
    let code = rd_kafka_fatal_error(rk, &text, text.count)
    guard code != RD_KAFKA_RESP_ERR_NO_ERROR else { return nil }
    return KafkaFailure(
      KafkaErrorCode(code), operation: operation, isFatal: true, detail: String(cBuffer: text))
  }

  /// The handle of a topic; the caller destroys it. `compression` nil is the client's.
  func newTopic(
    _ name: String, compression: KafkaConfiguration.Compression? = nil
  ) throws(KafkaFailure) -> OpaquePointer {
    var settings: OpaquePointer?
    if let compression {
      // A copy, because settings given here replace the client's instead of adding to them.
      settings = rd_kafka_default_topic_conf_dup(rk)
      rd_kafka_topic_conf_set(settings, "compression.codec", compression.rawValue, nil, 0)
    }
    guard let topic = rd_kafka_topic_new(rk, name, settings) else {
      if let settings { rd_kafka_topic_conf_destroy(settings) }
      throw KafkaFailure(rd_kafka_last_error(), "open topic")
    }
    return topic
  }

  /// First and end offsets as the broker tells them now.
  ///
  /// The end is the last stable offset where this client reads committed records only, and the
  /// real end of the log elsewhere.
  func watermarks(
    _ partition: KafkaPartition, limit: Duration
  ) throws(KafkaFailure) -> KafkaWatermarks {
    var low: Int64 = 0
    var high: Int64 = 0
    try check(
      rd_kafka_query_watermark_offsets(
        rk, partition.topic, partition.partition, &low, &high, limit.milliseconds),
      "query watermarks", partition: partition)
    return KafkaWatermarks(low: low, high: high)
  }

  /// As above, of many partitions with two requests to each leader: one by one, each question
  /// would wait behind the fetch that the connection has under way.
  func watermarks(
    _ partitions: [KafkaPartition], limit: Duration
  ) throws(KafkaFailure) -> [KafkaPartition: KafkaWatermarks] {
    guard !partitions.isEmpty else { return [:] }
    let deadline = Deadline(limit)
    let lows = try offsets(partitions, Int64(RD_KAFKA_OFFSET_BEGINNING), deadline)
    let highs = try offsets(partitions, Int64(RD_KAFKA_OFFSET_END), deadline)
    return lows.reduce(into: [:]) { marks, low in
      marks[low.key] = KafkaWatermarks(low: low.value, high: highs[low.key] ?? low.value)
    }
  }

  /// What the leaders answer for a logical offset. In requests for offsets it takes a timestamp's
  /// place, so librdkafka's look-up by timestamps passes it on.
  private func offsets(
    _ partitions: [KafkaPartition], _ logical: Int64, _ deadline: Deadline
  ) throws(KafkaFailure) -> [KafkaPartition: Int64] {
    let list = PartitionList(partitions)
    list.setOffsets(logical)
    try check(
      rd_kafka_offsets_for_times(rk, list.raw, max(deadline.remaining.milliseconds, 1)),
      "query watermarks")
    try list.checkEntries("query watermarks")
    var answer: [KafkaPartition: Int64] = [:]
    for entry in list.entries {
      // What the broker did not answer still holds the question.
      guard entry.offset >= 0 else {
        throw KafkaFailure(
          .timedOut, operation: "query watermarks", partition: entry.partition)
      }
      answer[entry.partition] = entry.offset
    }
    return answer
  }

  /// First offset and real end as of the last fetch; nil before one.
  func fetchedWatermarks(_ partition: KafkaPartition) -> KafkaWatermarks? {
    var low: Int64 = 0
    var high: Int64 = 0
    let code = rd_kafka_get_watermark_offsets(
      rk, partition.topic, partition.partition, &low, &high)
    guard code == RD_KAFKA_RESP_ERR_NO_ERROR, high >= 0 else { return nil }
    return KafkaWatermarks(low: max(low, 0), high: high)
  }
}

// The callbacks are global functions: a closure literal could inherit an actor's isolation and
// would then trap on librdkafka's threads.

private func logCallback(
  _ rk: OpaquePointer?, _ level: Int32, _ facility: UnsafePointer<CChar>?,
  _ text: UnsafePointer<CChar>?
) {
  guard let rk, let context = ClientContext.from(rd_kafka_opaque(rk)), let text else { return }
  let severity: Logger.Level =
    switch level {
    case ...2: .critical
    case 3: .error
    case 4: .warning
    case 5: .notice
    case 6: .info
    default: .debug
    }
  context.logger.log(
    level: severity, "\(String(cString: text))",
    metadata: [
      "client": "\(context.name)",
      "facility": "\(facility.map { String(cString: $0) } ?? "")",
    ])
}

private func errorCallback(
  _ rk: OpaquePointer?, _ code: Int32, _ text: UnsafePointer<CChar>?,
  _ opaque: UnsafeMutableRawPointer?
) {
  guard let context = ClientContext.from(opaque) else { return }
  let error = KafkaErrorCode(rawValue: code)
  let isFatal = error == KafkaErrorCode(RD_KAFKA_RESP_ERR__FATAL)
  if isFatal { context.hasFatalError = true }
  context.logger.log(
    level: isFatal ? .error : .warning, "\(text.map { String(cString: $0) } ?? "")",
    metadata: ["client": "\(context.name)", "code": "\(error.name)"])
}

private func statisticsCallback(
  _ rk: OpaquePointer?, _ json: UnsafeMutablePointer<CChar>?, _ length: Int,
  _ opaque: UnsafeMutableRawPointer?
) -> Int32 {
  guard let context = ClientContext.from(opaque), let json else { return 0 }
  let bytes = UnsafeRawBufferPointer(start: json, count: length)
  if let statistics = KafkaStatistics(json: bytes) {
    context.onStatistics?(statistics)
  } else {
    context.logger.warning("statistics are not readable", metadata: ["client": "\(context.name)"])
  }
  return 0  // librdkafka frees the text
}

private func rebalanceCallback(
  _ rk: OpaquePointer?, _ code: rd_kafka_resp_err_t,
  _ partitions: UnsafeMutablePointer<rd_kafka_topic_partition_list_t>?,
  _ opaque: UnsafeMutableRawPointer?
) {
  guard let rk else { return }
  guard let consumer = ClientContext.from(opaque)?.consumer else {
    // The consumer object is gone and librdkafka is closing: it still waits for an answer.
    rd_kafka_assign(rk, nil)
    return
  }
  consumer.rebalance(code, partitions)
}

private func deliveryCallback(
  _ rk: OpaquePointer?, _ message: UnsafePointer<rd_kafka_message_t>?,
  _ opaque: UnsafeMutableRawPointer?
) {
  guard let message, let opaque else { return }
  // The common case first: delivered, and nobody asked for its offset.
  if message.pointee._private == nil, message.pointee.err == RD_KAFKA_RESP_ERR_NO_ERROR { return }
  Unmanaged<ClientContext>.fromOpaque(opaque)._withUnsafeGuaranteedRef {
    $0.deliveries?.report(message.pointee)
  }
}
