import FoundationEssentials

/// The few numbers of librdkafka's statistics that operators look at.
public struct KafkaStatistics: Equatable, Sendable {
  /// The client's own name, such as `outreachd#consumer-1`.
  public var client = ""
  /// Records that wait in the producer's queue or are under way, and their bytes.
  public var queuedRecords: Int64 = 0
  public var queuedBytes: Int64 = 0
  /// Since the client was made: records and bytes sent and received.
  public var sentRecords: Int64 = 0
  public var receivedRecords: Int64 = 0
  public var sentBytes: Int64 = 0
  public var receivedBytes: Int64 = 0
  /// Brokers with an open connection.
  public var brokersUp = 0
  /// The slowest connected broker's mean round trip of the last interval, in microseconds.
  public var roundTripMicroseconds: Int64 = 0
  /// How often the group's partitions were given out anew.
  public var rebalances: Int64 = 0
  /// Records this consumer is behind, for each partition where it is known.
  public var lag: [KafkaPartition: Int64] = [:]

  /// Records behind, summed.
  public var totalLag: Int64 { lag.values.reduce(0) { $0 &+ $1 } }

  public init() {}

  /// Reads librdkafka's JSON; nil where it has another form.
  init?(json: UnsafeRawBufferPointer) {
    guard let report = try? JSONDecoder().decode(Report.self, from: Data(json)) else { return nil }
    client = report.name
    queuedRecords = report.msg_cnt ?? 0
    queuedBytes = report.msg_size ?? 0
    sentRecords = report.txmsgs ?? 0
    receivedRecords = report.rxmsgs ?? 0
    sentBytes = report.tx_bytes ?? 0
    receivedBytes = report.rx_bytes ?? 0
    rebalances = report.cgrp?.rebalance_cnt ?? 0
    for broker in (report.brokers ?? [:]).values where broker.state == "UP" {
      brokersUp += 1
      roundTripMicroseconds = max(roundTripMicroseconds, broker.rtt?.avg ?? 0)
    }
    for (topic, content) in report.topics ?? [:] {
      for (number, partition) in content.partitions ?? [:] {
        // -1 is librdkafka's place for records without a partition yet, and a lag not yet known.
        guard let number = Int32(number), number >= 0, let lag = partition.consumer_lag, lag >= 0
        else { continue }
        self.lag[KafkaPartition(topic, number)] = lag
      }
    }
  }

  /// Names as librdkafka writes them.
  private struct Report: Decodable {
    struct Broker: Decodable {
      struct Window: Decodable { var avg: Int64? }
      var state: String?
      var rtt: Window?
    }
    struct Topic: Decodable {
      struct Partition: Decodable { var consumer_lag: Int64? }
      var partitions: [String: Partition]?
    }
    struct Group: Decodable { var rebalance_cnt: Int64? }
    var name: String
    var msg_cnt: Int64?
    var msg_size: Int64?
    var txmsgs: Int64?
    var rxmsgs: Int64?
    var tx_bytes: Int64?
    var rx_bytes: Int64?
    var brokers: [String: Broker]?
    var topics: [String: Topic]?
    var cgrp: Group?
  }
}
