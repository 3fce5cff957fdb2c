import Foundation
import KafkaIO
import Logging
import Runtime
import Stages
import Synchronization

/// Reads the compacted topics of advisors and resources on a thread of its own, and hands each new
/// directory to the workers. The first one when the topics' present ends are reached.
final class DirectoryFollower: Sendable {
  private let configuration: KafkaConfiguration
  private let prefix: String
  private let inputs: StageInputs
  private let box: BroadcastBox<StageInputs>
  private let logger: Logger
  private let stop: StopSignal
  private let times: StartTimes
  private let failure = Mutex<CommandFailure?>(nil)
  private let done = DispatchSemaphore(value: 0)

  /// `inputs` is published with the directory put in.
  init(
    configuration: KafkaConfiguration, prefix: String, inputs: StageInputs,
    box: BroadcastBox<StageInputs>, logger: Logger, stop: StopSignal, times: StartTimes
  ) {
    self.configuration = configuration
    self.prefix = prefix
    self.inputs = inputs
    self.box = box
    self.logger = logger
    self.stop = stop
    self.times = times
  }

  /// Why the reading ended before it was asked to.
  var problem: CommandFailure? { failure.withLock { $0 } }

  func start() {
    let thread = Thread { [self] in
      run()
      done.signal()
    }
    thread.name = "directory"
    thread.start()
  }

  /// Waits for the thread, which looks at the stop signal several times a second.
  func join() { _ = done.wait(timeout: .now() + 5) }

  private func run() {
    while !stop.isRaised {
      do {
        try follow()
      } catch let problem as KafkaFailure where problem.recovery != .fatal {
        logger.warning("directory interrupted", metadata: ["reason": "\(problem)"])
        Thread.sleep(forTimeInterval: 0.5)
      } catch let problem as KafkaFailure {
        return end(CommandFailure(.internalError, "directory: \(problem)"))
      } catch let problem as KafkaConfigurationError {
        return end(CommandFailure(problem))
      } catch {
        return end(CommandFailure(.internalError, "directory: \(error)"))
      }
    }
  }

  private func end(_ problem: CommandFailure) {
    failure.withLock { $0 = problem }
    stop.set()
  }

  private func follow() throws {
    let begun = ContinuousClock.now
    var directory = Directory()
    let positions = try load(&directory)
    guard !stop.isRaised else { return }
    publish(directory)
    times.note("directory", since: begun)
    logger.info(
      "directory loaded",
      metadata: [
        "advisors": "\(directory.advisors.count)", "resources": "\(directory.resources.count)",
      ])
    let reader = try reader(fetchWait: .milliseconds(500))
    for (partition, offset) in positions { try reader.start(partition, at: .offset(offset)) }
    while !stop.isRaised {
      let batch = try reader.poll(wait: .milliseconds(200), linger: .milliseconds(50))
      for case .failure(let failure) in batch.events where failure.recovery != .retry {
        throw failure
      }
      guard batch.count > 0 else { continue }
      take(batch, reader, &directory)
      publish(directory)
    }
  }

  /// Reads the topics to their present ends; answers where to go on. The end of a quiet topic is
  /// known one fetch later, and a start waits for it.
  private func load(_ directory: inout Directory) throws -> [KafkaPartition: Int64] {
    let reader = try reader(fetchWait: .milliseconds(10))
    var starts: [KafkaPartition: KafkaStart] = [:]
    for topic in ClusterTopics.directory {
      for partition in try reader.partitions(of: "\(prefix).\(topic)") {
        starts[partition] = .earliest
      }
    }
    let reading = try reader.readToEnd(starts, stallLimit: .seconds(30))
    while !stop.isRaised, let batch = try reading.next() { take(batch, reader, &directory) }
    return reading.positions
  }

  private func reader(fetchWait: Duration) throws -> KafkaReader {
    var reading = configuration
    reading.clientID += "-directory"
    reading.consumer.fetchWait = fetchWait
    return try KafkaReader(configuration: reading, logger: logger)
  }

  private func publish(_ directory: Directory) {
    var inputs = inputs
    inputs.directory = directory
    box.publish(inputs)
  }

  /// A value that cannot be used is reported and counts as a removal.
  private func take(_ batch: KafkaBatch, _ reader: KafkaReader, _ directory: inout Directory) {
    batch.forEach { record in
      guard let partition = reader.partition(ofSlot: record.slot), let key = record.key else {
        return
      }
      let id = String(decoding: key, as: UTF8.self)
      let value = record.value.map { Array($0) }
      do {
        if partition.topic == "\(prefix).\(ClusterTopics.advisors)" {
          try directory.setAdvisor(id, value)
        } else {
          try directory.setResource(id, value)
        }
      } catch {
        logger.warning(
          "directory value rejected",
          metadata: ["at": "\(partition)", "offset": "\(record.offset)"])
      }
    }
  }
}
