internal import Streaming
internal import Synchronization
public import Vocabulary

/// Counters of one worker since its start, as of the end of a batch.
public struct WorkerStatistics: Equatable, Sendable {
  /// Records of in-topics, by the topic's name after the prefix.
  public var recordsIn: [String: Int] = [:]
  /// Records the stages processed, by channel: `events`, `persons`, `households`.
  public var stageRecords: [String: Int] = [:]
  public var timersFired = 0
  /// Households that sweeps after a change of policy or directory looked at.
  public var householdsSwept = 0
  /// Records of output topics by kind: `referrals`, `alerts`, `decisions`, `deadletters`.
  public var outputs: [String: Int] = [:]
  public var frames = 0
  public var changelogRecords = 0
  public var commits = 0
  /// Nanoseconds within the commits of the log, in all and the longest.
  public var commitNanoseconds = 0
  public var longestCommitNanoseconds = 0
  public var aborts = 0
  public var rejoins = 0
  /// Changelog records read.
  public var restoredRecords = 0
  /// Whether a changelog is being read.
  public var isRestoring = false
  /// Input partitions owned, internal ones and in-topics.
  public var partitions = 0
  /// Records known to wait in the input partitions owned.
  public var lag: Int64 = 0
  /// The greatest `now` so far.
  public var clock: Instant = .distantPast

  public init() {}

  /// Records sent to `deadletters`.
  public var deadLetters: Int { outputs["deadletters"] ?? 0 }

  mutating func count(_ sent: OutputCounts) {
    frames += sent.frames
    changelogRecords += sent.changelogRecords
    for (kind, count) in sent.outputs { outputs[kind, default: 0] += count }
  }

  mutating func count(commitNanoseconds elapsed: Int) {
    commits += 1
    commitNanoseconds += elapsed
    longestCommitNanoseconds = max(longestCommitNanoseconds, elapsed)
  }
}

/// The statistics of a worker, readable from any thread.
public final class StatisticsBox: Sendable {
  private let content = Mutex(WorkerStatistics())
  public init() {}

  public var snapshot: WorkerStatistics { content.withLock { $0 } }

  func publish(_ statistics: WorkerStatistics) { content.withLock { $0 = statistics } }
}

/// Asks a worker's loop to end after the batch under way. Readable from any thread.
public final class StopSignal: Sendable {
  private let isSet = Atomic(false)
  public init() {}

  public func set() { isSet.store(true, ordering: .releasing) }
  public var isRaised: Bool { isSet.load(ordering: .acquiring) }
}
