import CRdKafka
import Glibc

/// What one poll brought: records, lent by librdkafka without a copy, and events.
///
/// Bytes of records are valid until `release()`, until the batch is dropped, or until the next poll
/// of the client that made it, whatever comes first. Used on the client's thread only.
public final class KafkaBatch {
  /// Ends of partitions and errors, in order of arrival.
  public internal(set) var events: [KafkaEvent] = []
  /// How many records there are.
  public private(set) var count = 0

  typealias Message = UnsafeMutablePointer<rd_kafka_message_t>
  private let client: ClientHandle
  private var messages: UnsafeMutablePointer<Message?>
  private var slots: UnsafeMutablePointer<Int32>
  private var capacity: Int

  init(client: ClientHandle, capacity: Int) {
    self.client = client
    self.capacity = max(capacity, 1)
    messages = .allocate(capacity: self.capacity)
    slots = .allocate(capacity: self.capacity)
  }

  deinit {
    release()
    messages.deallocate()
    slots.deallocate()
  }

  public var isEmpty: Bool { count == 0 && events.isEmpty }

  /// The record at `index`, 0 to `count` - 1; indices outside are a programming error.
  public subscript(index: Int) -> KafkaRecord {
    precondition(index >= 0 && index < count, "record index out of range")
    // A slot below `count` always holds a message: `append` is the only writer.
    return KafkaRecord(message: messages[index].unsafelyUnwrapped, slot: Int(slots[index]))
  }

  /// Calls `body` with every record in order.
  public func forEach<E>(_ body: (KafkaRecord) throws(E) -> Void) throws(E) {
    for index in 0..<count { try body(self[index]) }
  }

  /// Gives all records back to librdkafka. Their bytes must not be used any more.
  public func release() {
    for index in 0..<count { rd_kafka_message_destroy(messages[index]) }
    count = 0
    events.removeAll(keepingCapacity: true)
  }

  /// Empties the batch and makes room.
  func reset(capacity wanted: Int) {
    release()
    guard wanted > capacity else { return }
    messages.deallocate()
    slots.deallocate()
    capacity = wanted
    messages = .allocate(capacity: wanted)
    slots = .allocate(capacity: wanted)
  }

  /// Room for librdkafka to write more messages to; `commit` then sorts them in.
  var free: UnsafeMutableBufferPointer<Message?> {
    UnsafeMutableBufferPointer(start: messages + count, count: capacity - count)
  }

  /// Takes over a message that is already in, or before, its place in the array.
  func append(_ message: Message, slot: Int32) {
    messages[count] = message
    slots[count] = slot
    count += 1
  }

  /// Drops the records from `first` on that `isStale` names by slot.
  func drop(from first: Int, where isStale: (Int32) -> Bool) -> Int {
    var kept = first
    for index in first..<count {
      if isStale(slots[index]) {
        rd_kafka_message_destroy(messages[index])
      } else {
        messages[kept] = messages[index]
        slots[kept] = slots[index]
        kept += 1
      }
    }
    defer { count = kept }
    return count - kept
  }
}

/// Something other than a record that a poll brings.
public enum KafkaEvent: Equatable, Sendable {
  /// Everything up to `offset` (exclusive) was read. Only where `reportsEndOfPartition` is on.
  /// For committed records this is the last stable offset.
  case endOfPartition(KafkaPartition, offset: Int64)
  /// A partition, or the client where the failure names none, has a problem.
  case failure(KafkaFailure)
}

/// A record, lent by its batch. Copy what must outlive it.
public struct KafkaRecord {
  let message: UnsafeMutablePointer<rd_kafka_message_t>
  /// A small number that stands for topic and partition as long as the client lives; ask the
  /// client for `partition(ofSlot:)`. An index is cheaper than hashing names.
  public let slot: Int

  public var partition: Int32 { message.pointee.partition }
  public var offset: Int64 { message.pointee.offset }
  /// A new String; on the hot path use `slot`.
  public var topic: String { String(cString: rd_kafka_topic_name(message.pointee.rkt)) }

  /// Milliseconds since the epoch, -1 where the record has none.
  public var timestamp: Int64 { rd_kafka_message_timestamp(message, nil) }

  /// Nil for a null key, which differs from an empty one.
  public var key: UnsafeRawBufferPointer? {
    message.pointee.key.map { UnsafeRawBufferPointer(start: $0, count: message.pointee.key_len) }
  }

  /// Nil for a null value: a tombstone in a compacted topic.
  public var value: UnsafeRawBufferPointer? {
    message.pointee.payload.map { UnsafeRawBufferPointer(start: $0, count: message.pointee.len) }
  }

  /// The headers, read only when asked for.
  public var headers: KafkaHeaders { KafkaHeaders(message: message) }

  /// The value of the last header of that name; nil where there is none or its value is null.
  public func header(_ name: String) -> UnsafeRawBufferPointer? {
    var list: OpaquePointer?
    guard rd_kafka_message_headers(message, &list) == RD_KAFKA_RESP_ERR_NO_ERROR else {
      return nil
    }
    var value: UnsafeRawPointer?
    var size = 0
    guard rd_kafka_header_get_last(list, name, &value, &size) == RD_KAFKA_RESP_ERR_NO_ERROR else {
      return nil
    }
    return value.map { UnsafeRawBufferPointer(start: $0, count: size) }
  }
}

/// The headers of a record in their order; names may repeat.
public struct KafkaHeaders: Sequence, IteratorProtocol {
  private var list: OpaquePointer?
  private var index = 0

  init(message: UnsafeMutablePointer<rd_kafka_message_t>) {
    var list: OpaquePointer?
    let code = rd_kafka_message_headers(message, &list)
    self.list = code == RD_KAFKA_RESP_ERR_NO_ERROR ? list : nil
  }

  /// How many headers the record has.
  public var count: Int { list.map { rd_kafka_header_cnt($0) } ?? 0 }

  /// The next header: name as UTF-8 as the sender wrote it, and value, nil for null.
  public mutating func next() -> (name: UnsafeRawBufferPointer, value: UnsafeRawBufferPointer?)? {
    guard let list else { return nil }
    var name: UnsafePointer<CChar>?
    var value: UnsafeRawPointer?
    var size = 0
    let code = rd_kafka_header_get_all(list, index, &name, &value, &size)
    guard code == RD_KAFKA_RESP_ERR_NO_ERROR, let name else { return nil }
    index += 1
    return (
      UnsafeRawBufferPointer(start: name, count: strlen(name)),
      value.map { UnsafeRawBufferPointer(start: $0, count: size) }
    )
  }
}
