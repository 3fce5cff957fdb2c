import CRdKafka
public import Logging

/// librdkafka's embedded broker, for the demo and for tests: it listens on a loopback port of this
/// process.
///
/// It knows no transaction isolation (open and aborted records are seen), keeps no offsets
/// committed in transactions, fences nobody, compacts nothing, keeps 5 MiB for each partition, and
/// answers no request to create, delete or describe topics: `createTopic` does it in the process.
/// It never proves anything about exactly-once.
public final class MockCluster {
  private let client: ClientHandle
  private let cluster: OpaquePointer

  /// Starts `brokers` of them.
  public init(brokers: Int = 1, logger: Logger) throws(KafkaConfigurationError) {
    let context = ClientContext(name: "mock cluster", logger: logger, onStatistics: nil)
    // The client serves only as the owner.
    client = try ClientHandle(
      kind: RD_KAFKA_PRODUCER, role: .unconnected,
      configuration: KafkaConfiguration(bootstrapServers: []), context: context)
    guard let cluster = rd_kafka_mock_cluster_new(client.rk, Int32(clamping: max(brokers, 1)))
    else { throw .clientRefused(reason: "the mock cluster does not start") }
    self.cluster = cluster
  }

  deinit { rd_kafka_mock_cluster_destroy(cluster) }

  /// The brokers' addresses, `host:port`.
  public var bootstrapServers: [String] {
    guard let text = rd_kafka_mock_cluster_bootstraps(cluster) else { return [] }
    return String(cString: text).split(separator: ",").map(String.init)
  }

  /// A configuration whose clients talk to this cluster.
  public func configuration(clientID: String = "outreachd") -> KafkaConfiguration {
    KafkaConfiguration(bootstrapServers: bootstrapServers, clientID: clientID)
  }

  public func createTopic(_ name: String, partitions: Int) throws(KafkaFailure) {
    try check(
      rd_kafka_mock_topic_create(cluster, name, Int32(clamping: partitions), 1), "create topic")
  }

  /// Makes the next requests of one kind (Kafka's API key) fail with these codes, in order.
  public func failNext(apiKey: Int16, with codes: [KafkaErrorCode]) {
    let raw = codes.compactMap(\.raw)
    rd_kafka_mock_push_request_errors_array(cluster, apiKey, raw.count, raw)
  }

  /// Takes a broker (numbered from 1) down or up.
  public func setBroker(_ broker: Int32, up: Bool) throws(KafkaFailure) {
    try check(
      up
        ? rd_kafka_mock_broker_set_up(cluster, broker)
        : rd_kafka_mock_broker_set_down(cluster, broker), "switch broker")
  }
}
