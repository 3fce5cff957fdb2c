internal import Foundation
public import KafkaIO
public import Logging
public import StateStore
internal import Streaming
internal import Synchronization

/// A worker on Kafka and local files, on a thread of its own.
///
/// The thread ends when `stop` is raised or the worker cannot go on; a stop by failure raises
/// `stop` too, so that the other workers of the daemon leave the group in order.
public final class KafkaWorker: Sendable {
  /// What a worker is made of. `source` is called on the worker's thread, since stages belong to
  /// one thread.
  public struct Parts: Sendable {
    public var configuration: WorkerConfiguration
    public var settings: KafkaLog.Settings
    public var kafka: KafkaConfiguration
    /// Shared by the workers of a daemon.
    public var directory: StateDirectory
    public var source: @Sendable () -> any StageSource
    public var logger: Logger
    /// Hears of the worker's events on its thread, after they were logged.
    public var observer: @Sendable (WorkerEvent) -> Void = { _ in }

    public init(
      configuration: WorkerConfiguration, settings: KafkaLog.Settings, kafka: KafkaConfiguration,
      directory: StateDirectory, source: @escaping @Sendable () -> any StageSource, logger: Logger
    ) {
      self.configuration = configuration
      self.settings = settings
      self.kafka = kafka
      self.directory = directory
      self.source = source
      self.logger = logger
    }
  }

  public let statistics = StatisticsBox()
  private let stop: StopSignal
  private let ended = DispatchSemaphore(value: 0)
  private let outcome = Mutex<WorkerStop?>(nil)
  private static let stackBytes = 8 << 20

  /// Starts the thread.
  public init(_ parts: Parts, name: String, stop: StopSignal) {
    self.stop = stop
    let thread = Thread { [self] in
      do throws(WorkerStop) {
        try KafkaWorker.run(parts, statistics: statistics, stop: stop)
      } catch {
        outcome.withLock { $0 = error }
        parts.logger.critical("worker stopped", metadata: ["cause": "\(error)"])
        stop.set()
      }
      ended.signal()
    }
    thread.name = name
    thread.stackSize = KafkaWorker.stackBytes
    thread.start()
  }

  /// Waits for the thread to end; answers why, where it was a failure. To be called once.
  public func join() -> WorkerStop? {
    ended.wait()
    return outcome.withLock { $0 }
  }

  /// The whole life of a worker, on the calling thread.
  public static func run(
    _ parts: Parts, statistics: StatisticsBox, stop: StopSignal
  ) throws(WorkerStop) {
    let log: KafkaLog
    do throws(KafkaConfigurationError) {
      log = try KafkaLog(
        layout: parts.configuration.layout, settings: parts.settings, configuration: parts.kafka,
        logger: parts.logger)
    } catch {
      throw WorkerStop(code: "kafka-configuration", detail: error.description)
    }
    let worker = Worker(
      configuration: parts.configuration, log: log, opener: parts.directory,
      source: parts.source(), statistics: statistics, stop: stop,
      observer: { event in
        event.log(to: parts.logger)
        parts.observer(event)
      })
    try worker.run()
  }
}

extension WorkerEvent {
  /// One line for each event, with its particulars as metadata.
  func log(to logger: Logger) {
    switch self {
    case .partitionsAssigned(let count):
      logger.info("partitions assigned", metadata: ["count": "\(count)"])
    case .partitionsRevoked(let count, let lost):
      logger.info("partitions revoked", metadata: ["count": "\(count)", "lost": "\(lost)"])
    case .stateWiped(let channel, let partition, let reason):
      logger.warning(
        "state wiped",
        metadata: [
          "state": "\(channel.topicSuffix)-\(partition)", "reason": "\(reason.rawValue)",
        ])
    case .stateRestored(let channel, let partition, let records):
      // On most restarts there is nothing to read.
      logger.log(
        level: records > 0 ? .info : .debug, "state restored",
        metadata: ["state": "\(channel.topicSuffix)-\(partition)", "records": "\(records)"])
    case .positionCorrected(let partition, let committed, let state):
      logger.warning(
        "position corrected",
        metadata: [
          "partition": "\(partition)", "committed": "\(committed.map(String.init) ?? "none")",
          "state": "\(state.map(String.init) ?? "none")",
        ])
    case .recordsLost(let partition, let count):
      logger.error(
        "records lost", metadata: ["partition": "\(partition)", "count": "\(count)"])
    case .transactionAborted(let code):
      logger.warning("transaction aborted", metadata: ["code": "\(code)"])
    case .workerRejoined(let code):
      logger.warning("worker rejoins", metadata: ["code": "\(code)"])
    case .callRetried(let code, let attempt):
      logger.debug("call retried", metadata: ["code": "\(code)", "attempt": "\(attempt)"])
    case .workerStopped(let code):
      logger.critical("worker stops", metadata: ["code": "\(code)"])
    }
  }
}
