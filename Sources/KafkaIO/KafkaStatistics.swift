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
  /// Offsets between the next record this consumer hands out and the end of the log, for each
  /// partition where both are known. Transaction markers count, so a partition that is read to its
  /// end may show a few.
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
        // -1 is librdkafka's place for records without a partition yet.
        guard let number = Int32(number), number >= 0, let lag = partition.lag else { continue }
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
      struct Partition: Decodable {
        var app_offset: Int64?
        var next_offset: Int64?
        var hi_offset: Int64?

        /// librdkafka's own `consumer_lag` needs offsets committed by the consumer itself.
        var lag: Int64? {
          guard let end = hi_offset, end >= 0 else { return nil }
          let known = [app_offset, next_offset].compactMap { $0 }.first { $0 >= 0 }
          return known.map { max(0, end - $0) }
        }
      }
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
