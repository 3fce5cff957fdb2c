public import StateStore
public import Streaming

/// What happens to a worker, for the log, the metrics and tests; named noun-verb. Holds no record's
/// content.
public enum WorkerEvent: Equatable, Sendable {
  case partitionsAssigned(Int)
  /// The partitions' states are restored and records can come.
  case partitionsReady(Int, TakeOverTimes)
  case partitionsRevoked(Int, lost: Bool)
  /// A local copy was not trusted and is gone.
  case stateWiped(Channel, partition: Int32, WipeReason)
  /// The changelog was read: `records` of it.
  case stateRestored(Channel, partition: Int32, records: Int)
  /// The group's committed offset is not the one the state says; the state is right.
  case positionCorrected(TopicPartition, committed: Int64?, state: Int64?)
  /// Records were deleted before they were read.
  case recordsLost(TopicPartition, count: Int64)
  /// The worker is the only one and level: records go from stage to stage within the transaction.
  case passageOpened
  /// Levelling took too long; records go through the log for now.
  case passageDelayed
  /// Records were handed on again and again within a transaction: a defect of the stages. They go
  /// through the log from now on.
  case recordsCircled
  case transactionAborted(code: String)
  /// The worker left the group and joins again.
  case workerRejoined(code: String)
  /// A call failed and is made again.
  case callRetried(code: String, attempt: Int)
  /// The worker stops with exit code 70.
  case workerStopped(code: String)
}

/// Where the time went from joining to the first record.
public struct TakeOverTimes: Equatable, Sendable {
  public var join = JoinTimes()
  /// Committed offsets read, stores opened and compared with their changelogs.
  public var stores = Duration.zero
  /// The changelogs' tails read, former owners' transactions waited for.
  public var changelogs = Duration.zero

  public init() {}
}

/// A worker cannot go on; exit code 70.
public struct WorkerStop: Error, Equatable, Sendable, CustomStringConvertible {
  /// Stable name of the cause.
  public let code: String
  public let detail: String
  public init(code: String, detail: String) {
    self.code = code
    self.detail = detail
  }
  public var description: String { "\(code): \(detail)" }
}
