import Logging
import Runtime

/// The sums of all workers, and the line that tells what changed since the one before.
struct StatisticsLine {
  private var last = WorkerTotals()

  /// Writes the line. `seconds` is the time since the one before.
  mutating func write(_ totals: WorkerTotals, seconds: Double, _ logger: Logger) {
    let rate = { (now: Int, then: Int) in String(Int(Double(now - then) / max(seconds, 0.001))) }
    logger.info(
      "progress",
      metadata: [
        "in": "\(totals.recordsIn)", "inPerSecond": "\(rate(totals.recordsIn, last.recordsIn))",
        "stages": "\(totals.stageRecords)", "timers": "\(totals.timers)",
        "referrals": "\(totals.outputs["referrals"] ?? 0)",
        "alerts": "\(totals.outputs["alerts"] ?? 0)",
        "decisions": "\(totals.outputs["decisions"] ?? 0)",
        "deadletters": "\(totals.outputs["deadletters"] ?? 0)", "lag": "\(totals.lag)",
        "commits": "\(totals.commits)", "aborts": "\(totals.aborts)",
        "commitMilliseconds": "\(totals.meanCommitMilliseconds(since: last))",
        "partitions": "\(totals.partitions)", "restored": "\(totals.restored)",
        "clock": "\(totals.clock)",
      ])
    last = totals
  }
}

/// Counters of all workers together.
struct WorkerTotals {
  var recordsIn = 0
  var stageRecords = 0
  var timers = 0
  var outputs: [String: Int] = [:]
  var commits = 0
  var commitNanoseconds = 0
  var aborts = 0
  var restored = 0
  var partitions = 0
  var lag: Int64 = 0
  var clock = "-"

  init() {}

  init(_ all: [WorkerStatistics]) {
    for one in all {
      recordsIn += one.recordsIn.values.reduce(0, +)
      stageRecords += one.stageRecords.values.reduce(0, +)
      timers += one.timersFired
      outputs.merge(one.outputs, uniquingKeysWith: +)
      commits += one.commits
      commitNanoseconds += one.commitNanoseconds
      aborts += one.aborts
      restored += one.restoredRecords
      partitions += one.partitions
      lag += one.lag
    }
    if let latest = all.map(\.clock).max(), latest > .distantPast { clock = latest.description }
  }

  /// Records of outputs of all kinds.
  var outputCount: Int { outputs.values.reduce(0, +) }

  func meanCommitMilliseconds(since last: WorkerTotals) -> String {
    let count = commits - last.commits
    guard count > 0 else { return "-" }
    let tenths = (commitNanoseconds - last.commitNanoseconds) / count / 100_000
    return "\(tenths / 10).\(tenths % 10)"
  }
}
