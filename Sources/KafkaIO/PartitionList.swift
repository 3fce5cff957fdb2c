import CRdKafka

/// Owner of librdkafka's list of partitions with offsets.
final class PartitionList {
  let raw: UnsafeMutablePointer<rd_kafka_topic_partition_list_t>

  init(capacity: Int = 8) {
    raw = rd_kafka_topic_partition_list_new(Int32(clamping: max(capacity, 1)))
  }

  /// Takes over a list that librdkafka made.
  init(owning raw: UnsafeMutablePointer<rd_kafka_topic_partition_list_t>) { self.raw = raw }

  convenience init(_ partitions: some Collection<KafkaPartition>) {
    self.init(capacity: partitions.count)
    for partition in partitions { add(partition, nil) }
  }

  convenience init(offsets: [KafkaPartition: Int64]) {
    self.init(capacity: offsets.count)
    for (partition, offset) in offsets { add(partition, offset) }
  }

  deinit { rd_kafka_topic_partition_list_destroy(raw) }

  func add(_ partition: KafkaPartition, _ offset: Int64?) {
    let entry = rd_kafka_topic_partition_list_add(raw, partition.topic, partition.partition)
    if let offset { entry?.pointee.offset = offset }
  }

  /// Gives all entries this offset.
  func setOffsets(_ offset: Int64) {
    for index in 0..<Int(raw.pointee.cnt) { raw.pointee.elems[index].offset = offset }
  }

  struct Entry {
    let partition: KafkaPartition
    let offset: Int64
    let error: rd_kafka_resp_err_t
  }

  var entries: [Entry] { PartitionList.entries(raw) }

  static func entries(
    _ list: UnsafeMutablePointer<rd_kafka_topic_partition_list_t>?
  ) -> [Entry] {
    guard let list else { return [] }
    return (0..<Int(list.pointee.cnt)).map { index in
      let entry = list.pointee.elems[index]
      return Entry(
        partition: KafkaPartition(String(cString: entry.topic), entry.partition),
        offset: entry.offset, error: entry.err)
    }
  }

  /// Throws the first error that one of the partitions carries.
  func checkEntries(_ operation: String) throws(KafkaFailure) {
    for entry in entries { try check(entry.error, operation, partition: entry.partition) }
  }
}
