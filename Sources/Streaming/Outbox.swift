/// The internal repartition topics, and the stage that reads each.
public enum Channel: UInt8, CaseIterable, Sendable {
  /// Keyed by event key, referral id or address; read by Register.
  case events = 0
  /// Keyed by citizen ID; read by Persons.
  case persons = 1
  /// Keyed by household key; read by Households.
  case households = 2

  /// The topic's name after `<prefix>.internal.`.
  public var topicSuffix: String {
    switch self {
    case .events: "events"
    case .persons: "persons"
    case .households: "households"
    }
  }

  /// The name of the topic it is read from, after the configured prefix and its dot.
  public var inputTopic: String { "internal.\(topicSuffix)" }

  /// The name of the compacted topic of its stage's state, after the configured prefix and its dot.
  public var changelogTopic: String { "internal.changelog.\(topicSuffix)" }
}

/// A header of a Kafka record.
public struct Header: Equatable, Sendable {
  public var name: String
  public var value: [UInt8]
  public init(_ name: String, _ value: [UInt8]) {
    self.name = name
    self.value = value
  }
  public init(_ name: String, _ value: String) {
    self.init(name, Array(value.utf8))
  }
}

/// A record for an output topic.
public struct OutputRecord: Equatable, Sendable {
  /// The topic's name after the configured prefix and its dot, such as
  /// `referrals.advisor.310101`.
  public var topic: String
  public var key: [UInt8]?
  /// Nil is a tombstone.
  public var value: [UInt8]?
  public var headers: [Header]

  public init(topic: String, key: [UInt8]?, value: [UInt8]?, headers: [Header]) {
    self.topic = topic
    self.key = key
    self.value = value
    self.headers = headers
  }
}

/// A record for another stage, copied out of an outbox.
public struct InternalRecord: Equatable, Sendable {
  public var channel: Channel
  /// `Partitioner.murmur2` of its key, which decides the partition.
  public var keyHash: UInt32
  public var payload: [UInt8]
}

/// What a stage has decided to send; the runtime sends it inside the transaction, in order.
///
/// A copy lays its payloads into the same memory: one box is used at a time.
public struct Outbox {
  private struct Entry {
    var channel: Channel
    var keyHash: UInt32
    var payload: UnsafeRawBufferPointer
  }

  private var entries: [Entry] = []
  /// Where the payloads lie, from the first one on.
  private var payloads: ByteSlab?
  public private(set) var outputs: [OutputRecord] = []

  public init() {}

  /// Sends what `body` writes, mostly no more than `capacity` bytes.
  public mutating func send(
    _ channel: Channel, key: UnsafeRawBufferPointer, reserving capacity: Int,
    _ body: (inout ByteWriter) -> Void
  ) {
    let slab = payloads ?? ByteSlab()
    payloads = slab
    let payload = slab.write(reserving: capacity, body)
    entries.append(
      Entry(channel: channel, keyHash: Partitioner.murmur2(key), payload: payload))
  }

  public mutating func send(
    _ channel: Channel, key: UnsafeRawBufferPointer, payload: UnsafeRawBufferPointer
  ) {
    send(channel, key: key, reserving: payload.count) { $0.raw(payload) }
  }

  public mutating func send(_ channel: Channel, key: [UInt8], payload: [UInt8]) {
    key.span.withUnsafeBytes { key in
      payload.span.withUnsafeBytes { send(channel, key: key, payload: $0) }
    }
  }

  /// Calls `body` with each internal record in order: its channel, the `Partitioner.murmur2` of its
  /// key, and its payload, valid until the box is emptied.
  public func eachInternal<Failure: Error>(
    _ body: (Channel, UInt32, UnsafeRawBufferPointer) throws(Failure) -> Void
  ) throws(Failure) {
    for entry in entries { try body(entry.channel, entry.keyHash, entry.payload) }
  }

  /// The internal records, copied.
  public var internalRecords: [InternalRecord] {
    entries.map {
      InternalRecord(channel: $0.channel, keyHash: $0.keyHash, payload: Array($0.payload))
    }
  }

  public mutating func publish(_ record: OutputRecord) { outputs.append(record) }

  /// Empties the box and keeps its capacity.
  public mutating func removeAll() {
    entries.removeAll(keepingCapacity: true)
    payloads?.removeAll()
    outputs.removeAll(keepingCapacity: true)
  }
}
