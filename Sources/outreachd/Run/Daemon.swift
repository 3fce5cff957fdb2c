import Foundation
import KafkaIO
import Logging
import Operations
import Policy
import Runtime
import StateStore

/// The daemon put together: what `run` starts, and what `demo` starts beside its own broker.
///
/// Starting order: topics, state directory, directory reader, workers. The workers wait for the
/// first directory. Stopping is the same list backwards.
final class Daemon {
  let configuration: DaemonConfiguration
  private let inputs: StageInputs
  private let logger: Logger
  private let stop = StopSignal()
  private let box = BroadcastBox<StageInputs>()
  /// The declarations of the topics, to create a new district's; nil where they cannot be read.
  private let catalog: TopicCatalog?
  private let times = StartTimes()
  private var follower: DirectoryFollower?
  private var workers: [WorkerThread] = []

  /// How long stopping waits for a worker: the batch under way, and leaving the group.
  private static let patience = 30.0

  /// Loads policy and key.
  init(_ configuration: DaemonConfiguration, logger: Logger) throws(CommandFailure) {
    self.configuration = configuration
    self.logger = logger
    let key = try Loading.identifierKey(configuration.identifierKey)
    let pack = try times.measure("policy") { () throws(CommandFailure) in
      try Loading.pack(configuration.policyDirectory)
    }
    inputs = StageInputs(
      pack: pack, identifiers: key, maximumEventBytes: configuration.limits.eventBytes)
    catalog = Daemon.catalog(configuration.topicsDirectory, logger)
    logger.info(
      "policy loaded",
      metadata: ["policy": "\(pack.name) \(pack.version)", "rules": "\(pack.rules.count)"])
  }

  /// Rules of the policy: id and title.
  var ruleTitles: [String: String] {
    Dictionary(inputs.pack.rules.map { ($0.id, $0.title) }, uniquingKeysWith: { a, _ in a })
  }

  /// Connects, takes the state directory and starts the threads.
  func start() throws(CommandFailure) {
    let cluster = try times.measure("topics") { () throws(CommandFailure) in
      try Cluster(configuration.kafka, logger: logger)
    }
    let topics = ClusterTopics(
      prefix: configuration.kafka.prefix, known: cluster.partitions)
    let problems = topics.problems
    guard problems.isEmpty else {
      let lines = problems.map { "outreachd: \($0)\n" }.joined()
      throw CommandFailure(
        .configuration,
        rendered: lines + "outreachd: 'outreachd topics apply --config FILE' creates topics\n")
    }
    let state: StateDirectory
    do throws(StateFailure) {
      state = try StateDirectory(root: configuration.stateDirectory)
    } catch {
      throw CommandFailure(error, directory: configuration.stateDirectory)
    }
    let follower = DirectoryFollower(
      configuration: configuration.kafka.client(), prefix: configuration.kafka.prefix,
      inputs: inputs, box: box, logger: logger, stop: stop, times: times)
    follower.start()
    self.follower = follower
    for number in 0..<configuration.workers.count {
      let worker = WorkerThread(
        number: number, plan: plan(worker: number, topics.layout, state), box: box, stop: stop,
        logger: logger)
      worker.start()
      workers.append(worker)
    }
  }

  /// The sums of all workers now.
  var totals: WorkerTotals { WorkerTotals(workers.map(\.statistics.snapshot)) }

  /// Whether a thread has failed or the end was asked for.
  var isStopping: Bool { stop.isRaised }

  /// Ends the threads; throws the first failure of any.
  func shutDown() throws(CommandFailure) {
    stop.set()
    var allLeft = true
    for worker in workers.reversed() where !worker.join(seconds: Daemon.patience) {
      allLeft = false
    }
    follower?.join()
    for problem in workers.compactMap(\.problem) { throw problem }
    if let problem = follower?.problem { throw problem }
    guard allLeft else {
      throw CommandFailure(.internalError, "a worker did not end within \(Int(Daemon.patience)) s")
    }
  }

  private func plan(
    worker: Int, _ layout: TopicLayout, _ state: StateDirectory
  ) -> WorkerThread.Plan {
    let kafka = configuration.kafka
    var settings = WorkerConfiguration(layout: layout)
    settings.clockMode = configuration.clock == .event ? .event : .wall
    settings.pollRecords = configuration.workers.pollRecords
    settings.transactionRecords = configuration.workers.transactionRecords
    settings.timersPerTransaction = configuration.workers.transactionTimers
    settings.pollMilliseconds = Int(Units.milliseconds(configuration.workers.pollWait))
    settings.longestCopySeconds = Units.milliseconds(configuration.limits.copyAge) / 1000
    settings.lostInRecords = Daemon.policy(configuration.limits.lostInRecords)
    settings.lostInternalRecords = Daemon.policy(configuration.limits.lostInternalRecords)
    var log = KafkaLog.Settings(
      group: kafka.group, transactionalID: kafka.transactionalID(worker: worker))
    log.changelogCompression = kafka.changelogCompression
    log.missingTopic = { [catalog, prefix = kafka.prefix] name in
      catalog?.output(name, prefix: prefix)?.specification
    }
    return WorkerThread.Plan(
      configuration: settings, kafka: kafka.client(worker: worker), log: log,
      state: state, start: times)
  }

  private static func catalog(_ directory: String, _ logger: Logger) -> TopicCatalog? {
    switch TopicFiles.load(directory) {
    case .success(let catalog): return catalog
    case .failure:
      logger.warning(
        "topics are not declared: the broker decides about missing ones",
        metadata: ["directory": "\(directory)"])
      return nil
    }
  }

  private static func policy(_ loss: DaemonConfiguration.Loss) -> LossPolicy {
    loss == .stop ? .stop : .goOn
  }
}
