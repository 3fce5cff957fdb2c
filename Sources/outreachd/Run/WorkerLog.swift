import Logging
import Runtime
import StateStore
import Streaming

/// Worker events as log lines: names, counts and places, never content.
enum WorkerLog {
  static func write(_ event: WorkerEvent, _ logger: Logger, _ start: StartTimes) {
    switch event {
    case .partitionsAssigned(let count):
      logger.info("partitions assigned", metadata: ["count": "\(count)"])
    case .partitionsReady(let count, let times):
      var metadata: Logger.Metadata = [
        "count": "\(count)", "millisecondsSinceStart": "\(ProcessAge.milliseconds)",
        "transactions": "\(times.join.transactions.wholeMilliseconds)",
        "group": "\(times.join.group.wholeMilliseconds)",
        "stores": "\(times.stores.wholeMilliseconds)",
        "changelogs": "\(times.changelogs.wholeMilliseconds)",
      ]
      for part in start.parts { metadata[part.name] = "\(part.milliseconds)" }
      logger.info("partitions ready", metadata: metadata)
    case .partitionsRevoked(let count, let lost):
      logger.info("partitions revoked", metadata: ["count": "\(count)", "lost": "\(lost)"])
    case .stateWiped(let channel, let partition, let reason):
      logger.warning(
        "state wiped",
        metadata: ["state": "\(channel.topicSuffix)/\(partition)", "reason": "\(reason.rawValue)"])
    case .stateRestored(let channel, let partition, let records):
      let level: Logger.Level = records > 0 ? .info : .debug
      logger.log(
        level: level, "state restored",
        metadata: ["state": "\(channel.topicSuffix)/\(partition)", "records": "\(records)"])
    case .positionCorrected(let partition, let committed, let state):
      logger.notice(
        "position corrected",
        metadata: [
          "partition": "\(partition)", "committed": "\(committed.map(String.init) ?? "none")",
          "state": "\(state.map(String.init) ?? "none")",
        ])
    case .recordsLost(let partition, let count):
      logger.error("records lost", metadata: ["partition": "\(partition)", "count": "\(count)"])
    case .passageOpened: logger.info("direct passage opened")
    case .passageDelayed: logger.notice("direct passage delayed")
    case .recordsCircled: logger.error("records circle")
    case .transactionAborted(let code):
      logger.warning("transaction aborted", metadata: ["code": "\(code)"])
    case .workerRejoined(let code):
      logger.warning("worker rejoined", metadata: ["code": "\(code)"])
    case .callRetried(let code, let attempt):
      logger.info("call retried", metadata: ["code": "\(code)", "attempt": "\(attempt)"])
    case .workerStopped(let code):
      logger.critical("worker stopped", metadata: ["code": "\(code)"])
    }
  }
}
