import CRdKafka
import Glibc
public import Logging

/// The least that moving a record from one topic to another exactly once costs: librdkafka alone,
/// consuming in batches and producing in transactions, without anything of this program around it.
///
/// Its CPU time for each record and pass is the floor that the daemon's own cost is compared with,
/// measured in the same run on the same machine.
public struct RelayBenchmark: Sendable {
  public var configuration: KafkaConfiguration
  public var records = 200_000
  public var recordBytes = 500
  /// Relays from topic to topic, one after the other.
  public var passes = 3
  public var partitions = 8
  /// The length of one transaction.
  public var transaction: Duration = .milliseconds(100)
  /// The longest a pass may take.
  public var passLimit: Duration = .seconds(120)

  public init(configuration: KafkaConfiguration) { self.configuration = configuration }

  public struct Pass: Equatable, Sendable {
    public let records: Int
    public let transactions: Int
    public let wallSeconds: Double
    /// User and system time of this whole process, librdkafka's threads included.
    public let cpuSeconds: Double
    public var cpuMicrosecondsPerRecord: Double {
      records > 0 ? cpuSeconds * 1_000_000 / Double(records) : 0
    }
  }

  public struct Result: Equatable, Sendable {
    public let passes: [Pass]
    /// The median over the passes, in microseconds.
    public var cpuMicrosecondsPerRecordAndPass: Double {
      let sorted = passes.map(\.cpuMicrosecondsPerRecord).sorted()
      return sorted.isEmpty ? 0 : sorted[sorted.count / 2]
    }
  }

  /// Why a run ended early.
  public enum Problem: Error, CustomStringConvertible {
    case configuration(KafkaConfigurationError)
    case kafka(KafkaFailure)
    /// A pass did not see all records in time.
    case incomplete(pass: Int, records: Int)

    public var description: String {
      switch self {
      case .configuration(let error): "\(error)"
      case .kafka(let failure): "\(failure)"
      case .incomplete(let pass, let records): "pass \(pass) saw only \(records) records in time"
      }
    }
  }

  /// Makes topics named after `prefix`, fills the first, relays, and deletes them.
  ///
  /// `progress` hears of each pass as it ends.
  public func run(
    prefix: String, logger: Logger, progress: (Pass) -> Void = { _ in }
  ) throws(Problem) -> Result {
    do {
      let admin = try KafkaAdmin(configuration: configuration, logger: logger)
      let topics = (0...max(passes, 1)).map { "\(prefix).relay.\($0)" }
      _ = try admin.createTopics(
        topics.map { KafkaTopicSpecification($0, partitions: partitions, replication: 1) },
        limit: .seconds(30))
      defer { _ = try? admin.deleteTopics(topics, limit: .seconds(30)) }
      try admin.waitForTopics(topics, limit: .seconds(30))
      try fill(topics[0], logger)
      var done: [Pass] = []
      for index in 0..<max(passes, 1) {
        let pass = try relay(index, from: topics[index], to: topics[index + 1], prefix)
        progress(pass)
        done.append(pass)
      }
      return Result(passes: done)
    } catch let problem as Problem {
      throw problem
    } catch let error as KafkaConfigurationError {
      throw .configuration(error)
    } catch let failure as KafkaFailure {
      throw .kafka(failure)
    } catch {
      throw .kafka(KafkaFailure(KafkaErrorCode(RD_KAFKA_RESP_ERR__FAIL), operation: "relay"))
    }
  }

  private func fill(_ name: String, _ logger: Logger) throws {
    let producer = try KafkaProducer(
      transactionalID: nil, configuration: configuration, logger: logger)
    let topic = try producer.topic(name)
    // Bytes that compress about as well as text would.
    let value = (0..<recordBytes).map { UInt8(truncatingIfNeeded: 0x20 &+ ($0 &* 7) % 0x5f) }
    for index in 0..<records {
      try withUnsafeBytes(of: UInt64(index).bigEndian) { key in
        try value.withUnsafeBytes { bytes in
          try producer.produce(
            topic, partition: Int32(index % partitions), key: key, value: bytes)
        }
      }
    }
    try producer.flush(limit: passLimit)
  }

  /// One pass, with clients of its own.
  private func relay(
    _ index: Int, from source: String, to target: String, _ prefix: String
  ) throws -> Pass {
    // With less prefetched, librdkafka's fetching would pause and the floor would be too high.
    var settings = configuration.consumer
    settings.prefetchRecords = 100_000
    settings.prefetchBytes = 64 << 20
    let consumer = try bareClient(
      RD_KAFKA_CONSUMER, .consumer(group: "\(prefix).relay", settings))
    defer { rd_kafka_destroy(consumer) }
    let producer = try bareClient(
      RD_KAFKA_PRODUCER, .producer(transactionalID: "\(prefix).relay.\(index)"))
    defer { rd_kafka_destroy(producer) }
    let list = PartitionList(
      offsets: Dictionary(
        uniqueKeysWithValues: (0..<Int32(partitions)).map { (KafkaPartition(source, $0), 0) }))
    rd_kafka_poll_set_consumer(consumer)
    try check(error: rd_kafka_init_transactions(producer, 30_000), "init transactions")
    guard let topic = rd_kafka_topic_new(producer, target, nil),
      let queue = rd_kafka_queue_get_consumer(consumer)
    else { throw KafkaFailure(rd_kafka_last_error(), "relay") }
    defer {
      rd_kafka_topic_destroy(topic)
      rd_kafka_queue_destroy(queue)
      rd_kafka_consumer_close(consumer)
    }
    let started = ContinuousClock.now
    let cpu = processCPUSeconds()
    try check(rd_kafka_assign(consumer, list.raw), "assign")
    let (count, transactions) = try move(
      consumer, queue, producer, topic, until: Deadline(passLimit))
    guard count >= records else { throw Problem.incomplete(pass: index + 1, records: count) }
    let wall = ContinuousClock.now - started
    return Pass(
      records: count, transactions: transactions,
      wallSeconds: Double(wall.milliseconds) / 1000, cpuSeconds: processCPUSeconds() - cpu)
  }

  /// The loop itself: take a batch, produce each record, and commit in time.
  private func move(
    _ consumer: OpaquePointer, _ queue: OpaquePointer, _ producer: OpaquePointer,
    _ topic: OpaquePointer, until deadline: Deadline
  ) throws -> (records: Int, transactions: Int) {
    let size = 5_000
    let batch = UnsafeMutablePointer<UnsafeMutablePointer<rd_kafka_message_t>?>
      .allocate(capacity: size)
    defer { batch.deallocate() }
    var count = 0
    var transactions = 0
    while count < records, !deadline.hasPassed {
      try check(error: rd_kafka_begin_transaction(producer), "begin transaction")
      let end = Deadline(transaction)
      while count < records, !end.hasPassed {
        let taken = rd_kafka_consume_batch_queue(
          queue, min(end.remaining.milliseconds, 20), batch, size)
        for index in 0..<max(taken, 0) {
          guard let message = batch[index] else { continue }
          defer { rd_kafka_message_destroy(message) }
          guard message.pointee.err == RD_KAFKA_RESP_ERR_NO_ERROR else { continue }
          while rd_kafka_produce(
            topic, message.pointee.partition, RD_KAFKA_MSG_F_COPY, message.pointee.payload,
            message.pointee.len, message.pointee.key, message.pointee.key_len, nil) != 0
          {
            let code = rd_kafka_last_error()
            guard code == RD_KAFKA_RESP_ERR__QUEUE_FULL else { throw KafkaFailure(code, "relay") }
            rd_kafka_poll(producer, 5)
          }
          count += 1
        }
      }
      try commit(consumer, producer)
      transactions += 1
    }
    return (count, transactions)
  }

  private func commit(_ consumer: OpaquePointer, _ producer: OpaquePointer) throws {
    var assigned: UnsafeMutablePointer<rd_kafka_topic_partition_list_t>?
    try check(rd_kafka_assignment(consumer, &assigned), "query assignment")
    guard let assigned else { return }
    let positions = PartitionList(owning: assigned)
    try check(rd_kafka_position(consumer, positions.raw), "query position")
    let metadata = rd_kafka_consumer_group_metadata(consumer)
    defer { rd_kafka_consumer_group_metadata_destroy(metadata) }
    try check(
      error: rd_kafka_send_offsets_to_transaction(producer, positions.raw, metadata, 30_000),
      "send offsets")
    try check(error: rd_kafka_commit_transaction(producer, -1), "commit transaction")
  }

  /// A client without any callback.
  private func bareClient(
    _ kind: rd_kafka_type_t, _ role: ConfigurationBuilder.Role
  ) throws(KafkaConfigurationError) -> OpaquePointer {
    let conf = try ConfigurationBuilder.build(configuration, role: role)
    var text = [CChar](repeating: 0, count: 512)
    guard let rk = rd_kafka_new(kind, conf, &text, text.count) else {
      rd_kafka_conf_destroy(conf)
      throw .clientRefused(reason: String(cBuffer: text))
    }
    return rk
  }
}

/// User and system time of this process so far, in seconds.
public func processCPUSeconds() -> Double {
  var usage = rusage()
  guard getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage) == 0 else { return 0 }
  func seconds(_ time: timeval) -> Double { Double(time.tv_sec) + Double(time.tv_usec) / 1e6 }
  return seconds(usage.ru_utime) + seconds(usage.ru_stime)
}
