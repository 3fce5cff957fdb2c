internal import StateStore
internal import Streaming

/// Limits and choices of a worker.
public struct WorkerConfiguration: Sendable {
  public var layout: TopicLayout
  public var clockMode = ClockMode.wall
  /// The most messages of one poll. Fewer and larger transactions write a key that changes often
  /// once, and the pages of a store.
  public var pollRecords = 8_000
  /// A transaction takes no further message once it has processed this many records, so that the
  /// frames of a backlog do not make it outlast its timeout.
  public var transactionRecords = 20_000
  /// The same once it has been open for so long: work that is slow, on a machine that is busy, must
  /// not make it outlast its timeout either.
  public var transactionMilliseconds: Int64 = 2_000
  /// The same for the first transaction after partitions were taken over. Each commit then makes
  /// the share four times as large, so that a restart shows its first work before it has worked off
  /// what waits.
  public var firstTransactionRecords = 200
  /// The most timers of one transaction on the wall clock: thousands due at one instant must not
  /// hold live events up.
  public var timersPerTransaction = 256
  /// The most households of one transaction that a sweep visits after a change of policy or
  /// directory, while records wait: live events come first.
  public var sweepPerTransaction = 32
  /// The same while nothing else is to do.
  public var sweepPerIdleTransaction = 512
  /// The longest wait for records.
  public var pollMilliseconds = 100
  /// How often a failed call is made again before the transaction is given up.
  public var retries = 8
  /// The first pause before a call is made again; it doubles up to a second.
  public var retryMilliseconds = 20
  /// A local copy older than this is not trusted, because the changelog may have dropped
  /// tombstones since: below the topics' `delete.retention.ms` (a day by default).
  public var longestCopySeconds: Int64 = 12 * 3600
  /// A restore holds this many records in memory, over all partitions restored at once.
  public var restoreChunk = 100_000
  /// What to do when internal records were deleted before they were read.
  public var lostInternalRecords = LossPolicy.stop
  /// What to do when records of an in-topic were deleted before they were read.
  public var lostInRecords = LossPolicy.goOn

  public init(layout: TopicLayout) { self.layout = layout }
}

/// What to do about records that retention deleted before they were read.
public enum LossPolicy: String, Sendable {
  /// Report how many, and go on with the first that is left.
  case goOn = "go-on"
  /// Stop with exit code 70.
  case stop
}

/// Why a turn of the worker's loop did not end well.
enum WorkerFailure: Error {
  case log(LogFailure)
  /// A record or a value of this stage's partition does not decode; `offset` is nil for a timer.
  case undecodable(Channel, partition: Int32, offset: Int64?, DecodingFailure)
  /// The local store of this stage's partition failed.
  case state(Channel, partition: Int32, StateFailure)
  case stop(WorkerStop)

  /// Stable name of the cause.
  var code: String {
    switch self {
    case .log(let failure): failure.code
    case .undecodable: "undecodable"
    case .state(_, _, let failure): failure.code.rawValue
    case .stop(let stop): stop.code
    }
  }
}
