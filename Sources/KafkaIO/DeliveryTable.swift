import CRdKafka

/// A place whose highest delivered offset is wanted, such as a partition of a changelog.
public struct KafkaDeliveryMark: Hashable, Sendable {
  let index: Int
}

/// Collects delivery reports of one producer: of marked records the highest offset, of the others
/// failures only.
final class DeliveryTable {
  /// Offsets of the present transaction, by mark; -1 before the first delivery.
  private var highest: [Int64] = []
  private(set) var partitions: [KafkaPartition] = []
  private var indexOf: [KafkaPartition: Int] = [:]
  /// The first failed delivery since the last reset, and how many there were.
  private(set) var firstFailure = RD_KAFKA_RESP_ERR_NO_ERROR
  private(set) var failures = 0

  func mark(_ partition: KafkaPartition) -> KafkaDeliveryMark {
    if let index = indexOf[partition] { return KafkaDeliveryMark(index: index) }
    let index = highest.count
    highest.append(-1)
    partitions.append(partition)
    indexOf[partition] = index
    return KafkaDeliveryMark(index: index)
  }

  /// The opaque pointer of a marked record: the index plus one, so that nil means no mark.
  static func opaque(_ mark: KafkaDeliveryMark?) -> UnsafeMutableRawPointer? {
    mark.flatMap { UnsafeMutableRawPointer(bitPattern: $0.index + 1) }
  }

  func report(_ message: rd_kafka_message_t) {
    if message.err != RD_KAFKA_RESP_ERR_NO_ERROR {
      failures += 1
      if firstFailure == RD_KAFKA_RESP_ERR_NO_ERROR { firstFailure = message.err }
      return
    }
    guard let opaque = message._private else { return }
    let index = Int(bitPattern: opaque) - 1
    // After a lost answer and an idempotent repeat the broker does not tell the offset.
    guard highest.indices.contains(index), message.offset >= 0 else { return }
    if message.offset > highest[index] { highest[index] = message.offset }
  }

  func offset(_ mark: KafkaDeliveryMark) -> Int64? {
    guard highest.indices.contains(mark.index), highest[mark.index] >= 0 else { return nil }
    return highest[mark.index]
  }

  func reset() {
    for index in highest.indices { highest[index] = -1 }
    firstFailure = RD_KAFKA_RESP_ERR_NO_ERROR
    failures = 0
  }
}
