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

/// A record for another stage.
public struct InternalRecord: Equatable, Sendable {
  public var channel: Channel
  /// `Partitioner.murmur2` of its key, which decides the partition.
  public var keyHash: UInt32
  public var payload: [UInt8]
}

/// What a stage has decided to send; the runtime sends it inside the transaction, in order.
public struct Outbox: Sendable {
  public private(set) var internalRecords: [InternalRecord] = []
  public private(set) var outputs: [OutputRecord] = []

  public init() {}

  public mutating func send(
    _ channel: Channel, key: UnsafeRawBufferPointer, payload: [UInt8]
  ) {
    internalRecords.append(
      InternalRecord(channel: channel, keyHash: Partitioner.murmur2(key), payload: payload))
  }

  public mutating func send(_ channel: Channel, key: [UInt8], payload: [UInt8]) {
    key.span.withUnsafeBytes { send(channel, key: $0, payload: payload) }
  }

  public mutating func publish(_ record: OutputRecord) { outputs.append(record) }

  /// Empties the box and keeps its capacity.
  public mutating func removeAll() {
    internalRecords.removeAll(keepingCapacity: true)
    outputs.removeAll(keepingCapacity: true)
  }
}
