public import Vocabulary

/// A stage of the topology that keeps state: a pure, synchronous function of state, record and time
/// to new state and outputs. No I/O, clock, randomness or suspension inside.
///
/// A stage object holds only immutable configuration and scratch buffers; everything that must
/// survive lives in the `StateOverlay`. One object serves one worker thread and all its partitions.
public protocol Stage: AnyObject {
  /// The channel whose records it processes; also names its store and its changelog.
  var channel: Channel { get }

  /// Processes one record. Throws only where state or record cannot be decoded.
  func process(
    _ payload: UnsafeRawBufferPointer, now: Instant, state: StateOverlay, outbox: inout Outbox
  ) throws(DecodingFailure)

  /// The timer of `owner` was due at `due` and is cleared; the stage may set it anew. `due` is the
  /// instant the stage acts at, also where the clock is past it.
  func fire(
    owner: [UInt8], due: Instant, state: StateOverlay, outbox: inout Outbox
  ) throws(DecodingFailure)

  /// Whether stored values depend on the stage's configuration, so that `sweep` has a meaning.
  var isSwept: Bool { get }

  /// Brings up to `limit` stored values in line with the stage's configuration, where that is
  /// another than they were made under. Called between records until it answers that it is done,
  /// and again after a change of configuration, a restart and an aborted transaction; how far it
  /// came is for the stage to keep in its state.
  func sweep(
    _ limit: Int, now: Instant, state: StateOverlay, outbox: inout Outbox
  ) throws(DecodingFailure) -> SweepProgress

  /// The timer that a stored value implies for the owner `key`, so that the timer index can be
  /// rebuilt on restore: the same that the stage set when it wrote the value.
  func timer(key: UnsafeRawBufferPointer, value: UnsafeRawBufferPointer) -> Instant?
}

/// How far a sweep came in one go.
public struct SweepProgress: Equatable, Sendable {
  /// The values looked at.
  public var visited: Int
  /// Nothing is left to do until the configuration changes.
  public var isDone: Bool

  public init(visited: Int, isDone: Bool) {
    self.visited = visited
    self.isDone = isDone
  }
}

extension Stage {
  public var isSwept: Bool { false }

  public func sweep(
    _ limit: Int, now: Instant, state: StateOverlay, outbox: inout Outbox
  ) throws(DecodingFailure) -> SweepProgress { SweepProgress(visited: 0, isDone: true) }

  public func fire(
    owner: [UInt8], due: Instant, state: StateOverlay, outbox: inout Outbox
  ) throws(DecodingFailure) {}

  public func timer(key: UnsafeRawBufferPointer, value: UnsafeRawBufferPointer) -> Instant? { nil }
}

/// A header as it lies in a received record.
public struct BorrowedHeader {
  public let name: UnsafeRawBufferPointer
  public let value: UnsafeRawBufferPointer
  public init(name: UnsafeRawBufferPointer, value: UnsafeRawBufferPointer) {
    self.name = name
    self.value = value
  }
}

/// A record of an in-topic, borrowed for the length of the call.
public struct InboundRecord {
  /// Full name, with the configured prefix.
  public let topic: String
  /// The name after the prefix and its dot.
  public let topicSuffix: String
  public let partition: Int32
  public let offset: Int64
  /// Kafka's record timestamp in milliseconds since the epoch.
  public let timestamp: Int64
  public let key: UnsafeRawBufferPointer?
  public let value: UnsafeRawBufferPointer?
  public let headers: UnsafeBufferPointer<BorrowedHeader>

  public init(
    topic: String, topicSuffix: String, partition: Int32, offset: Int64, timestamp: Int64,
    key: UnsafeRawBufferPointer?, value: UnsafeRawBufferPointer?,
    headers: UnsafeBufferPointer<BorrowedHeader>
  ) {
    self.topic = topic
    self.topicSuffix = topicSuffix
    self.partition = partition
    self.offset = offset
    self.timestamp = timestamp
    self.key = key
    self.value = value
    self.headers = headers
  }
}

/// The stateless first stage: bytes of an in-topic to records for Register, or a dead letter.
public protocol IntakeStage: AnyObject {
  /// Decodes one record at clock `now`. Returns the new clock: max(now, `recordedtime`, else
  /// `time`) for a decoded event, `now` for a dead letter.
  ///
  /// `wall` is the wall clock that bounds times in the future, nil on a virtual clock.
  func process(
    _ record: InboundRecord, now: Instant, wall: Instant?, outbox: inout Outbox
  ) -> Instant
}
