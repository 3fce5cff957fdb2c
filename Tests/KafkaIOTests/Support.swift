import KafkaIO
import Logging
import Synchronization
import Testing

#if canImport(Glibc)
  import Glibc
#endif

/// Says nothing.
let silent = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

/// A name nobody else uses: several runs may share one broker.
func uniqueName(_ base: String) -> String {
  "\(base)-\(String(UInt64.random(in: .min ... .max), radix: 36))"
}

func bytes(_ text: String) -> [UInt8] { Array(text.utf8) }

func text(_ buffer: UnsafeRawBufferPointer?) -> String? {
  buffer.map { String(decoding: $0, as: UTF8.self) }
}

/// A record copied out of its batch.
struct Copy: Equatable {
  var partition: Int32
  var offset: Int64
  var key: String?
  var value: String?

  init(_ record: KafkaRecord) {
    partition = record.partition
    offset = record.offset
    key = text(record.key)
    value = text(record.value)
  }
}

extension KafkaProducer {
  /// Produces texts.
  func send(
    _ topic: String, partition: Int32? = nil, _ key: String?, _ value: String?,
    mark: KafkaDeliveryMark? = nil
  ) throws {
    let handle = try self.topic(topic)
    let key = key.map(bytes)
    let value = value.map(bytes)
    try withOptionalBytes(key) { key in
      try withOptionalBytes(value) { value in
        try produce(handle, partition: partition, key: key, value: value, mark: mark)
      }
    }
  }
}

func withOptionalBytes<R>(
  _ bytes: [UInt8]?, _ body: (UnsafeRawBufferPointer?) throws -> R
) rethrows -> R {
  guard let bytes else { return try body(nil) }
  return try bytes.withUnsafeBytes { try body($0) }
}

extension KafkaConsumer {
  /// Polls until `count` records came or `limit` passed; fails the test on error events.
  func take(_ count: Int, limit: Duration = .seconds(20)) throws -> [Copy] {
    var copies: [Copy] = []
    let end = ContinuousClock.now + limit
    while copies.count < count, ContinuousClock.now < end {
      let batch = try poll()
      batch.forEach { copies.append(Copy($0)) }
      for case .failure(let failure) in batch.events {
        Issue.record("unexpected \(failure.debugDescription)")
      }
    }
    return copies
  }
}

/// Notes what happens to partitions, in order.
final class Journal: KafkaRebalanceDelegate {
  enum Entry: Equatable {
    case assigned([KafkaPartition])
    case revoked([KafkaPartition])
    case lost([KafkaPartition])
  }
  var entries: [Entry] = []
  var assignments: [KafkaAssignment] = []
  var starts: [KafkaPartition: KafkaStart] = [:]
  /// Runs while the partitions are still owned.
  var onRevoked: ((KafkaConsumer) -> Void)?

  func assigned(
    _ partitions: [KafkaAssignment], to consumer: KafkaConsumer
  ) -> [KafkaPartition: KafkaStart] {
    entries.append(.assigned(partitions.map(\.partition).sorted()))
    assignments += partitions
    return starts
  }

  func revoked(_ partitions: [KafkaPartition], from consumer: KafkaConsumer) {
    entries.append(.revoked(partitions.sorted()))
    onRevoked?(consumer)
  }

  func lost(_ partitions: [KafkaPartition], from consumer: KafkaConsumer) {
    entries.append(.lost(partitions.sorted()))
  }
}

/// Polls until `done`, at most `limit`.
func pollUntil(
  _ consumers: [KafkaConsumer], limit: Duration = .seconds(40), _ done: () -> Bool
) throws -> Bool {
  let end = ContinuousClock.now + limit
  while ContinuousClock.now < end {
    if done() { return true }
    for consumer in consumers { _ = try consumer.poll(wait: .milliseconds(50)) }
  }
  return done()
}
