import Foundation
import Intake
import KafkaIO
import Logging
import Operations
import Runtime
import StateStore
import Streaming
import Synchronization

/// One worker on a thread of its own.
final class WorkerThread: Sendable {
  /// What the thread makes its worker from; the clients are made on the thread, which owns them.
  struct Plan: Sendable {
    var configuration: WorkerConfiguration
    var kafka: KafkaConfiguration
    var log: KafkaLog.Settings
    var state: StateDirectory
    /// For the log: what the workers waited for.
    var start: StartTimes
  }

  let statistics = StatisticsBox()
  private let number: Int
  private let plan: Plan
  private let box: BroadcastBox<StageInputs>
  private let stop: StopSignal
  private let logger: Logger
  private let failure = Mutex<CommandFailure?>(nil)
  private let done = DispatchSemaphore(value: 0)

  /// `stop` ends all workers; one that fails raises it.
  init(
    number: Int, plan: Plan, box: BroadcastBox<StageInputs>, stop: StopSignal, logger: Logger
  ) {
    self.number = number
    self.plan = plan
    self.box = box
    self.stop = stop
    var logger = logger
    logger[metadataKey: "worker"] = "\(number)"
    self.logger = logger
  }

  /// Why the worker ended, nil where it was asked to.
  var problem: CommandFailure? { failure.withLock { $0 } }

  func start() {
    let thread = Thread { [self] in
      work()
      done.signal()
    }
    thread.name = "worker-\(number)"
    // Expressions nest; their depth is bounded at load time for this much.
    thread.stackSize = 8 << 20
    thread.start()
  }

  /// Waits until the worker has left the group and closed its stores. False where it did not in
  /// time.
  func join(seconds: Double) -> Bool { done.wait(timeout: .now() + seconds) == .success }

  private func work() {
    do {
      let log = try KafkaLog(
        layout: plan.configuration.layout, settings: plan.log, configuration: plan.kafka,
        logger: logger)
      let stages = BroadcastStages(box) { [logger] inputs in
        do throws(IntakeFailure) {
          return try inputs.makeStages()
        } catch {
          // For want of memory only: nothing can go on.
          logger.critical("stages cannot be made", metadata: ["reason": "\(error)"])
          exit(ExitStatus.internalError.rawValue)
        }
      }
      let worker = Worker(
        configuration: plan.configuration, log: log, opener: plan.state, source: stages,
        statistics: statistics, stop: stop, observer: { [logger, plan] in WorkerLog.write($0, logger, plan.start) })
      try worker.run()
    } catch let problem as WorkerStop {
      end(CommandFailure(.internalError, "worker \(number) stopped: \(problem)"))
    } catch let problem as KafkaConfigurationError {
      end(CommandFailure(problem))
    } catch {
      end(CommandFailure(.internalError, "worker \(number): \(error)"))
    }
  }

  private func end(_ problem: CommandFailure) {
    failure.withLock { $0 = problem }
    stop.set()
  }
}
