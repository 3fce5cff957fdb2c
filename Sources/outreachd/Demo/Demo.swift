import City
import Foundation
import KafkaIO
import Logging
import Operations
import Vocabulary

/// One run of the demo: a broker, a city that sends to it, the daemon, and a reader of what comes
/// out.
final class Demo {
  struct Options: Sendable {
    var seconds: Int
    var people: Int
    var rate: Int
    var seed: UInt64
    var policyDirectory: String
    /// Civil days that pass in the given seconds.
    var days: Int { max(3, min(60, seconds / 2)) }
  }

  private static let prefix = "assist"
  /// After the city has ended, what is under way may still come out for so long.
  private static let drainSeconds = 3.0

  private let options: Options
  private let view: any DemoView
  private let logger: Logger
  private let cluster: MockCluster
  private let stateDirectory: String
  private let daemon: Daemon
  private var tally: DemoTally

  init(options: Options, view: any DemoView, logger: Logger) throws {
    self.options = options
    self.view = view
    self.logger = logger
    cluster = try MockCluster(logger: logger)
    stateDirectory = NSTemporaryDirectory() + "outreachd-demo-\(getpid())"
    var configuration = DaemonConfiguration()
    configuration.kafka.brokers = cluster.bootstrapServers
    configuration.kafka.prefix = Demo.prefix
    configuration.kafka.instance = "demo"
    configuration.kafka.staticMembership = false
    configuration.kafka.compression = .none
    configuration.policyDirectory = options.policyDirectory
    configuration.stateDirectory = stateDirectory
    // The city's days pass in seconds: the events move the clock.
    configuration.clock = .event
    configuration.workers.pollWait = .milliseconds(20)
    daemon = try Daemon(configuration, logger: logger)
    tally = DemoTally(ruleTitles: daemon.ruleTitles)
  }

  func run() throws {
    defer { try? FileManager.default.removeItem(atPath: stateDirectory) }
    let kafka = daemon.configuration.kafka
    let city = DemoCity(options, prefix: Demo.prefix)
    try city.createTopics(cluster)
    let outputs = try OutputFollower(
      kafka.client(), topics: city.outputTopics.map { "\(Demo.prefix).\($0)" }, logger: logger)
    let player = CityPlayer(city, kafka: kafka.client(), logger: logger)
    view.begin(
      DemoStart(
        brokers: kafka.brokers.joined(separator: ","), people: options.people,
        seconds: options.seconds, exampleTopic: "\(Demo.prefix).\(city.outputTopics[0])"))
    player.start()
    try daemon.start()
    let began = DemoClock.now
    try follow(outputs, player, until: began + Double(options.seconds))
    player.stop()
    tally.finish(
      seconds: DemoClock.now - began, sent: player.sent, feedback: player.feedbackSent)
    try daemon.shutDown()
    view.end(tally)
    if let problem = player.problem { throw CommandFailure(.internalError, "city: \(problem)") }
  }

  /// Shows what comes out, and answers referrals as advisors and resources would.
  private func follow(
    _ outputs: OutputFollower, _ player: CityPlayer, until end: Double
  ) throws {
    var shown = 0.0
    var isEnding = false
    var limit = end
    while DemoClock.now < limit, !daemon.isStopping {
      for output in try outputs.poll(milliseconds: 20) {
        let item = tally.take(output, sentAt: player.sendTime(of: output.trace))
        if let item { view.show(item) }
        if let referral = output.answerable { player.answer(referral) }
      }
      let now = DemoClock.now
      if now - shown >= view.interval {
        shown = now
        tally.measure(daemon.totals, sent: player.sent, at: now)
        let left = max(0, Int((end - now).rounded(.up)))
        view.progress(tally, secondsLeft: left, city: player.cityTime)
      }
      if Signals.wait(milliseconds: 0) != nil { return }
      if now >= end, !isEnding {
        isEnding = true
        player.stop()
        limit = now + Demo.drainSeconds
      }
      if isEnding, outputs.quietSeconds > 0.7 { return }
    }
  }
}

/// Seconds of a clock that never goes back.
enum DemoClock {
  static var now: Double { ProcessInfo.processInfo.systemUptime }
}
