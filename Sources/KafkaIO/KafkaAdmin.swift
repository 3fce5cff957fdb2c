import CRdKafka
import Glibc
public import Logging

/// A topic to be made.
public struct KafkaTopicSpecification: Equatable, Sendable {
  public var name: String
  public var partitions: Int
  /// Copies of each record; nil takes the cluster's default.
  public var replication: Int?
  /// Settings of the topic, such as `cleanup.policy`.
  public var configs: [String: String]

  public init(
    _ name: String, partitions: Int, replication: Int? = nil, configs: [String: String] = [:]
  ) {
    self.name = name
    self.partitions = partitions
    self.replication = replication
    self.configs = configs
  }
}

/// A topic that exists.
public struct KafkaTopicDescription: Equatable, Sendable {
  public let name: String
  public let partitions: Int

  public init(name: String, partitions: Int) {
    self.name = name
    self.partitions = partitions
  }
}

/// A setting of a topic.
public struct KafkaTopicSetting: Equatable, Sendable {
  /// Nil for a secret.
  public let value: String?
  /// True where nobody set it for this topic or cluster.
  public let isDefault: Bool

  public init(value: String?, isDefault: Bool) {
    self.value = value
    self.isDefault = isDefault
  }
}

/// Makes, lists, describes and deletes topics. Every call is bounded by its `limit`. Used from one
/// thread only.
public final class KafkaAdmin {
  /// What became of one topic.
  public enum Outcome: Equatable, Sendable {
    case done
    /// Creating: it was there before, whatever its settings. Deleting: it was not there.
    case alreadySo
    case failed(KafkaFailure)
  }

  private let client: ClientHandle

  public init(
    configuration: KafkaConfiguration, logger: Logger
  ) throws(KafkaConfigurationError) {
    let context = ClientContext(name: "admin", logger: logger, onStatistics: nil)
    client = try ClientHandle(
      kind: RD_KAFKA_CONSUMER, role: .admin, configuration: configuration, context: context)
  }

  /// Makes topics, and waits until they take records; each has an outcome of its own.
  public func createTopics(
    _ topics: [KafkaTopicSpecification], limit: Duration
  ) throws(KafkaFailure) -> [String: Outcome] {
    guard !topics.isEmpty else { return [:] }
    var raw: [OpaquePointer?] = []
    defer { for topic in raw { rd_kafka_NewTopic_destroy(topic) } }
    for topic in topics { raw.append(try newTopic(topic)) }
    let request = AdminRequest(client, RD_KAFKA_ADMIN_OP_CREATETOPICS, limit)
    rd_kafka_CreateTopics(client.rk, &raw, raw.count, request.options, request.queue)
    let event = try request.result("create topics", limit)
    defer { rd_kafka_event_destroy(event) }
    var count = 0
    let results = rd_kafka_CreateTopics_result_topics(
      rd_kafka_event_CreateTopics_result(event), &count)
    let made = outcomes(
      results, count, "create topic", alreadySo: RD_KAFKA_RESP_ERR_TOPIC_ALREADY_EXISTS)
    awaitLeaders(of: topics.filter { made[$0.name] == .done }, Deadline(limit))
    return made
  }

  /// Waits until the leaders of new partitions answer.
  ///
  /// Before that a leader refuses records. What an idempotent producer sends again then comes
  /// behind records that it sent meanwhile, and a partition that knew no producer yet takes it for
  /// repeated: the first records of a partition would be lost, though reported as delivered.
  private func awaitLeaders(of topics: [KafkaTopicSpecification], _ deadline: Deadline) {
    let partitions = topics.flatMap { topic in
      (0..<max(0, topic.partitions)).map { KafkaPartition(topic.name, Int32($0)) }
    }
    while !deadline.hasPassed {
      let limit = min(deadline.remaining, .seconds(1))
      if (try? client.watermarks(partitions, limit: limit)) != nil { return }
      usleep(20_000)
    }
  }

  /// Deletes topics with all their records; each has an outcome of its own.
  public func deleteTopics(
    _ names: [String], limit: Duration
  ) throws(KafkaFailure) -> [String: Outcome] {
    guard !names.isEmpty else { return [:] }
    var raw: [OpaquePointer?] = names.map { rd_kafka_DeleteTopic_new($0) }
    defer { for topic in raw { rd_kafka_DeleteTopic_destroy(topic) } }
    let request = AdminRequest(client, RD_KAFKA_ADMIN_OP_DELETETOPICS, limit)
    rd_kafka_DeleteTopics(client.rk, &raw, raw.count, request.options, request.queue)
    let event = try request.result("delete topics", limit)
    defer { rd_kafka_event_destroy(event) }
    var count = 0
    let results = rd_kafka_DeleteTopics_result_topics(
      rd_kafka_event_DeleteTopics_result(event), &count)
    return outcomes(
      results, count, "delete topic", alreadySo: RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART)
  }

  /// Deletes the records before these offsets, as retention does.
  public func deleteRecords(
    before offsets: [KafkaPartition: Int64], limit: Duration
  ) throws(KafkaFailure) {
    guard !offsets.isEmpty else { return }
    let list = PartitionList(offsets: offsets)
    var raw: OpaquePointer? = rd_kafka_DeleteRecords_new(list.raw)
    defer { rd_kafka_DeleteRecords_destroy(raw) }
    let request = AdminRequest(client, RD_KAFKA_ADMIN_OP_DELETERECORDS, limit)
    rd_kafka_DeleteRecords(client.rk, &raw, 1, request.options, request.queue)
    let event = try request.result("delete records", limit)
    defer { rd_kafka_event_destroy(event) }
    let result = rd_kafka_event_DeleteRecords_result(event)
    guard let answer = rd_kafka_DeleteRecords_result_offsets(result) else { return }
    for entry in PartitionList.entries(UnsafeMutablePointer(mutating: answer)) {
      try check(entry.error, "delete records", partition: entry.partition)
    }
  }

  /// All topics this client may see, by name. Internal ones of Kafka begin with two underscores.
  public func topics(limit: Duration) throws(KafkaFailure) -> [String: KafkaTopicDescription] {
    try client.topics(limit: limit)
  }

  /// Waits until all topics are there and all their partitions have leaders, for new topics reach
  /// the brokers one by one. Throws a time-out otherwise.
  public func waitForTopics(_ names: [String], limit: Duration) throws(KafkaFailure) {
    let deadline = Deadline(limit)
    while true {
      let known = try topics(limit: max(deadline.remaining, .milliseconds(10)))
      let missing = names.filter { known[$0] == nil }
      if missing.isEmpty { return }
      if deadline.hasPassed {
        throw KafkaFailure(
          .timedOut, operation: "wait for topics", detail: missing.joined(separator: ", "))
      }
      rd_kafka_poll(client.rk, 20)
    }
  }

  /// The settings of a topic, by name.
  public func settings(
    ofTopic name: String, limit: Duration
  ) throws(KafkaFailure) -> [String: KafkaTopicSetting] {
    var resource = rd_kafka_ConfigResource_new(RD_KAFKA_RESOURCE_TOPIC, name)
    defer { rd_kafka_ConfigResource_destroy(resource) }
    let request = AdminRequest(client, RD_KAFKA_ADMIN_OP_DESCRIBECONFIGS, limit)
    rd_kafka_DescribeConfigs(client.rk, &resource, 1, request.options, request.queue)
    let event = try request.result("describe topic", limit)
    defer { rd_kafka_event_destroy(event) }
    var count = 0
    let resources = rd_kafka_DescribeConfigs_result_resources(
      rd_kafka_event_DescribeConfigs_result(event), &count)
    guard count == 1, let described = resources?[0] else {
      throw KafkaFailure(RD_KAFKA_RESP_ERR_UNKNOWN, "describe topic")
    }
    try check(rd_kafka_ConfigResource_error(described), "describe topic")
    var entries = 0
    let list = rd_kafka_ConfigResource_configs(described, &entries)
    var settings: [String: KafkaTopicSetting] = [:]
    for index in 0..<entries {
      guard let entry = list?[index], let name = rd_kafka_ConfigEntry_name(entry) else { continue }
      settings[String(cString: name)] = KafkaTopicSetting(
        value: rd_kafka_ConfigEntry_value(entry).map { String(cString: $0) },
        isDefault: rd_kafka_ConfigEntry_is_default(entry) != 0)
    }
    return settings
  }

  /// First offset and real end of a partition, open transactions included.
  public func watermarks(
    _ partition: KafkaPartition, limit: Duration
  ) throws(KafkaFailure) -> KafkaWatermarks {
    try client.watermarks(partition, limit: limit)
  }

  /// First offsets and real ends of many partitions, open transactions included.
  public func watermarks(
    _ partitions: [KafkaPartition], limit: Duration
  ) throws(KafkaFailure) -> [KafkaPartition: KafkaWatermarks] {
    try client.watermarks(partitions, limit: limit)
  }

  // MARK: Helpers

  private func newTopic(_ topic: KafkaTopicSpecification) throws(KafkaFailure) -> OpaquePointer {
    var text = [CChar](repeating: 0, count: 256)
    guard
      let raw = rd_kafka_NewTopic_new(
        topic.name, Int32(clamping: topic.partitions), Int32(clamping: topic.replication ?? -1),
        &text, text.count)
    else {
      throw KafkaFailure(
        KafkaErrorCode(RD_KAFKA_RESP_ERR__INVALID_ARG), operation: "create topic",
        detail: String(cBuffer: text))
    }
    for (name, value) in topic.configs {
      let code = rd_kafka_NewTopic_set_config(raw, name, value)
      guard code == RD_KAFKA_RESP_ERR_NO_ERROR else {
        rd_kafka_NewTopic_destroy(raw)
        throw KafkaFailure(code, "create topic")
      }
    }
    return raw
  }

  private func outcomes(
    _ results: UnsafeMutablePointer<OpaquePointer?>?, _ count: Int, _ operation: String,
    alreadySo: rd_kafka_resp_err_t
  ) -> [String: Outcome] {
    var outcomes: [String: Outcome] = [:]
    for index in 0..<count {
      guard let result = results?[index] else { continue }
      let name = String(cString: rd_kafka_topic_result_name(result))
      let code = rd_kafka_topic_result_error(result)
      outcomes[name] =
        switch code {
        case RD_KAFKA_RESP_ERR_NO_ERROR: .done
        case alreadySo: .alreadySo
        default:
          .failed(
            KafkaFailure(
              KafkaErrorCode(code), operation: operation,
              detail: rd_kafka_topic_result_error_string(result).map { String(cString: $0) } ?? ""))
        }
    }
    return outcomes
  }
}

/// One administrative request: options, and the queue its answer comes to.
private final class AdminRequest {
  let options: OpaquePointer?
  let queue: OpaquePointer?

  init(_ client: ClientHandle, _ kind: rd_kafka_admin_op_t, _ limit: Duration) {
    options = rd_kafka_AdminOptions_new(client.rk, kind)
    queue = rd_kafka_queue_new(client.rk)
    rd_kafka_AdminOptions_set_request_timeout(options, limit.milliseconds, nil, 0)
    // Fails where it makes no sense for the kind of request, which does not matter.
    rd_kafka_AdminOptions_set_operation_timeout(options, limit.milliseconds, nil, 0)
  }

  deinit {
    rd_kafka_AdminOptions_destroy(options)
    rd_kafka_queue_destroy(queue)
  }

  /// Waits for the answer; the caller destroys it.
  func result(_ operation: String, _ limit: Duration) throws(KafkaFailure) -> OpaquePointer {
    guard let event = rd_kafka_queue_poll(queue, limit.milliseconds) else {
      throw KafkaFailure(.timedOut, operation: operation)
    }
    let code = rd_kafka_event_error(event)
    guard code == RD_KAFKA_RESP_ERR_NO_ERROR else {
      let text = rd_kafka_event_error_string(event).map { String(cString: $0) } ?? ""
      rd_kafka_event_destroy(event)
      throw KafkaFailure(KafkaErrorCode(code), operation: operation, detail: text)
    }
    return event
  }
}

extension ClientHandle {
  /// All topics whose partitions all have leaders.
  func topics(limit: Duration) throws(KafkaFailure) -> [String: KafkaTopicDescription] {
    var answer: UnsafePointer<rd_kafka_metadata>?
    try check(rd_kafka_metadata(rk, 1, nil, &answer, limit.milliseconds), "list topics")
    guard let answer else { return [:] }
    defer { rd_kafka_metadata_destroy(answer) }
    var topics: [String: KafkaTopicDescription] = [:]
    for index in 0..<Int(answer.pointee.topic_cnt) {
      let topic = answer.pointee.topics[index]
      let count = Int(topic.partition_cnt)
      guard topic.err == RD_KAFKA_RESP_ERR_NO_ERROR, count > 0 else { continue }
      guard (0..<count).allSatisfy({ topic.partitions[$0].leader >= 0 }) else { continue }
      let name = String(cString: topic.topic)
      topics[name] = KafkaTopicDescription(name: name, partitions: count)
    }
    return topics
  }
}
