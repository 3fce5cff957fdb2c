public import Streaming

/// What the worker does about a failure of the log.
public enum Recovery: String, Sendable {
  /// The same call may be made again.
  case retry
  /// The transaction is lost: abort it, drop the overlays, go back to the committed positions.
  case abort
  /// Another producer has taken this one's place, or the outcome of a commit is unknown: leave the
  /// group, take a new producer, join again and read the changelogs' tails.
  case fenced
  /// The local state cannot be used: wipe it and read the changelog.
  case restore
  /// Nothing the worker can do: stop with exit code 70.
  case fatal
}

/// A failure of the log, named by what the worker does about it.
public struct LogFailure: Error, Equatable, Sendable, CustomStringConvertible {
  public let recovery: Recovery
  /// Stable name of the cause, such as `producer-fenced`.
  public let code: String
  /// For operators; holds no record's content.
  public let detail: String

  public init(_ recovery: Recovery, code: String, detail: String = "") {
    self.recovery = recovery
    self.code = code
    self.detail = detail
  }

  public var description: String { detail.isEmpty ? code : "\(code): \(detail)" }
}

/// A partition of a topic, by its full name.
public struct TopicPartition: Hashable, Sendable, Comparable, CustomStringConvertible {
  public let topic: String
  public let partition: Int32
  public init(_ topic: String, _ partition: Int32) {
    self.topic = topic
    self.partition = partition
  }
  public var description: String { "\(topic)-\(partition)" }
  public static func < (a: TopicPartition, b: TopicPartition) -> Bool {
    a.topic != b.topic ? a.topic < b.topic : a.partition < b.partition
  }
}

/// A polled record, borrowed: valid until the next `poll`.
public struct LogRecord {
  /// The index of its topic in the worker's list of subscribed topics.
  public let topic: Int
  public let partition: Int32
  public let offset: Int64
  /// Milliseconds since the epoch.
  public let timestamp: Int64
  public let key: UnsafeRawBufferPointer?
  public let value: UnsafeRawBufferPointer?

  public init(
    topic: Int, partition: Int32, offset: Int64, timestamp: Int64,
    key: UnsafeRawBufferPointer?, value: UnsafeRawBufferPointer?
  ) {
    self.topic = topic
    self.partition = partition
    self.offset = offset
    self.timestamp = timestamp
    self.key = key
    self.value = value
  }
}

/// The records of one poll.
public protocol RecordBatch {
  var count: Int { get }
  func record(at index: Int) -> LogRecord
  /// Calls `body` with the record's headers, valid during the call.
  func withHeaders<R>(
    at index: Int, _ body: (UnsafeBufferPointer<BorrowedHeader>) -> R
  ) -> R
}

/// Hears of changes of the assignment, on the worker's thread, inside `poll`.
public protocol AssignmentHandler: AnyObject {
  /// Called before the first record of the partitions is delivered. Answers where to start the
  /// partitions for which the committed offset is not the truth.
  func assigned(_ partitions: [TopicPartition]) throws(LogFailure) -> [TopicPartition: Int64]

  /// Called before the partitions may go to another member. `lost`: they may have gone already.
  func revoked(_ partitions: [TopicPartition], lost: Bool)
}

/// The log as one worker uses it: one consumer in the group, one transactional producer. All calls
/// come from the worker's thread and may block.
public protocol TransactionalLog: AnyObject {
  associatedtype Batch: RecordBatch

  // MARK: Consuming

  /// Waits up to `milliseconds` for records and returns up to `max` of them. Assignment changes are
  /// told to `handler` before the call returns; records of revoked partitions are not returned.
  /// The batch before is no longer valid.
  func poll(
    max: Int, milliseconds: Int, handler: some AssignmentHandler
  ) throws(LogFailure) -> Batch

  /// Goes on reading the partitions from these offsets, dropping what was fetched.
  func seek(_ positions: [TopicPartition: Int64]) throws(LogFailure)

  /// The group's committed offsets, waiting for transactions that hold offsets of these partitions
  /// to be decided; nothing for a partition without one.
  func committed(
    _ partitions: [TopicPartition]
  ) throws(LogFailure) -> [TopicPartition: Int64]

  /// The partitions' first offsets and the offsets after their last records, undecided ones too.
  func bounds(_ partitions: [TopicPartition]) throws(LogFailure) -> [TopicPartition: LogBounds]

  /// Reads committed records of changelog partitions from these offsets up to their ends as of the
  /// call, waiting for the transactions of former owners before those ends to be decided. `body`
  /// hears the index in `starts`; of each partition the records come in order. Answers the offsets
  /// to go on from, in the order of `starts`.
  func restore(
    _ starts: [(partition: TopicPartition, offset: Int64)],
    _ body: (Int, ChangelogRecord) throws(LogFailure) -> Void
  ) throws(LogFailure) -> [Int64]

  /// For each of these positions, where no record handed out lies behind it, the offset behind the
  /// transaction markers that follow it, as far as they were read.
  func reached(_ positions: [TopicPartition: Int64]) -> [TopicPartition: Int64]

  /// The number of records after `position` that the broker is known to have; nil where unknown.
  func lag(_ partition: TopicPartition, position: Int64) -> Int64?

  // MARK: Producing

  func begin() throws(LogFailure)

  /// Queues a record in the transaction. `partition` nil: by the key, as `Partitioner` does.
  func produce(
    topic: String, partition: Int32?, key: UnsafeRawBufferPointer?,
    value: UnsafeRawBufferPointer?, headers: [Header]
  ) throws(LogFailure)

  /// Adds the offsets to go on from to the transaction, under this member's generation.
  func sendOffsets(_ offsets: [TopicPartition: Int64]) throws(LogFailure)

  /// Sends everything queued and commits. After `retry` it may be called again.
  func commit() throws(LogFailure)

  /// Drops everything since `begin`. Without an open transaction it does nothing.
  func abort() throws(LogFailure)

  /// The offset after the last record of the changelog's partition that this producer knows to be
  /// in the log; nil where it knows none.
  func producedThrough(_ partition: TopicPartition) -> Int64?

  // MARK: Life

  /// Joins as `rejoin` does where that was not done yet. `poll` does so too; who cannot poll yet
  /// saves the time.
  func join() throws(LogFailure)

  /// How long the latest joining took.
  var joinTimes: JoinTimes { get }

  /// Leaves the group, takes a new producer (which decides an open transaction of the old one) and
  /// joins again. Partitions are told anew by `poll`.
  func rejoin() throws(LogFailure)

  /// Leaves the group and closes.
  func close()
}

/// What a partition holds.
public struct LogBounds: Equatable, Sendable {
  /// The first offset.
  public let start: Int64
  /// The offset after the last record.
  public let end: Int64

  public init(start: Int64, end: Int64) {
    self.start = start
    self.end = end
  }
}

/// How long the parts of joining took, which go on side by side.
public struct JoinTimes: Equatable, Sendable {
  /// A producer id, with the predecessor's open transaction aborted.
  public var transactions = Duration.zero
  /// From joining the group to the first partitions told.
  public var group = Duration.zero

  public init() {}
}

/// A record of a changelog, borrowed for the length of the call.
public struct ChangelogRecord {
  public let offset: Int64
  public let key: UnsafeRawBufferPointer
  /// Nil is a tombstone.
  public let value: UnsafeRawBufferPointer?
  public init(offset: Int64, key: UnsafeRawBufferPointer, value: UnsafeRawBufferPointer?) {
    self.offset = offset
    self.key = key
    self.value = value
  }
}
