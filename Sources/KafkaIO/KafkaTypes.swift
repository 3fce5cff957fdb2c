import CRdKafka

/// One partition of one topic.
public struct KafkaPartition: Hashable, Comparable, Sendable, CustomStringConvertible {
  public let topic: String
  /// 0 or more.
  public let partition: Int32

  public init(_ topic: String, _ partition: Int32) {
    self.topic = topic
    self.partition = partition
  }

  public static func < (a: KafkaPartition, b: KafkaPartition) -> Bool {
    a.topic != b.topic ? a.topic < b.topic : a.partition < b.partition
  }

  public var description: String { "\(topic)[\(partition)]" }
}

/// Where reading of a partition begins.
public enum KafkaStart: Hashable, Sendable {
  /// The group's committed offset; without one the configured `offsetReset` decides.
  case committed
  /// The record with this offset, or the next one there is.
  case offset(Int64)
  /// The oldest record kept.
  case earliest
  /// Records written from now on.
  case latest

  /// librdkafka's offset, which encodes the named starts as negative numbers.
  var rawOffset: Int64 {
    switch self {
    case .committed: Int64(RD_KAFKA_OFFSET_STORED)
    case .offset(let offset): max(offset, 0)
    case .earliest: Int64(RD_KAFKA_OFFSET_BEGINNING)
    case .latest: Int64(RD_KAFKA_OFFSET_END)
    }
  }
}

extension KafkaStart {
  /// The lowest offset that may come, where it is known beforehand.
  var firstOffset: Int64? {
    if case .offset(let offset) = self { max(offset, 0) } else { nil }
  }
}

/// A header of a record to be produced. A nil value is Kafka's null, which differs from empty.
public struct KafkaHeader: Equatable, Sendable {
  public var name: String
  public var value: [UInt8]?

  public init(_ name: String, _ value: [UInt8]?) {
    self.name = name
    self.value = value
  }
}

/// The first offset kept of a partition and the one after its last record.
public struct KafkaWatermarks: Equatable, Sendable {
  public let low: Int64
  /// Exclusive. What "last" means depends on who was asked: see the method that returned this.
  public let high: Int64

  public init(low: Int64, high: Int64) {
    self.low = low
    self.high = high
  }
}

/// The partition that Java's default partitioner and librdkafka's `murmur2_random` choose for a
/// key. Zero where `partitions` is not positive. Kafka clients spread records without a key at
/// random, so this function asks for one.
public func murmur2Partition(key: UnsafeRawBufferPointer, partitions: Int32) -> Int32 {
  guard partitions > 0 else { return 0 }
  return Int32(murmur2(key) & 0x7fff_ffff) % partitions
}

/// MurmurHash2 with the seed of Kafka's Java client.
func murmur2(_ data: UnsafeRawBufferPointer) -> UInt32 {
  let m: UInt32 = 0x5bd1_e995
  var h: UInt32 = 0x9747_b28c ^ UInt32(truncatingIfNeeded: data.count)
  var i = 0
  while i + 4 <= data.count {
    var k = UInt32(littleEndian: data.loadUnaligned(fromByteOffset: i, as: UInt32.self))
    k = k &* m
    k ^= k >> 24
    k = k &* m
    h = h &* m
    h ^= k
    i += 4
  }
  let rest = data.count - i
  if rest >= 3 { h ^= UInt32(data[i + 2]) << 16 }
  if rest >= 2 { h ^= UInt32(data[i + 1]) << 8 }
  if rest >= 1 {
    h ^= UInt32(data[i])
    h = h &* m
  }
  h ^= h >> 13
  h = h &* m
  h ^= h >> 15
  return h
}

extension Duration {
  /// Whole milliseconds for librdkafka, rounded up, in 0...Int32.max.
  var milliseconds: Int32 {
    let (seconds, attoseconds) = components
    guard seconds >= 0, attoseconds >= 0 else { return 0 }
    guard seconds < 2_000_000 else { return Int32.max }
    let perMillisecond: Int64 = 1_000_000_000_000_000
    return Int32(seconds) * 1000 + Int32((attoseconds + perMillisecond - 1) / perMillisecond)
  }
}

/// A point in time by which something has to be done.
struct Deadline {
  private let end: ContinuousClock.Instant

  init(_ limit: Duration) { end = ContinuousClock.now + limit }

  /// What is left, never negative.
  var remaining: Duration { max(.zero, end - ContinuousClock.now) }
  var hasPassed: Bool { ContinuousClock.now >= end }
}
