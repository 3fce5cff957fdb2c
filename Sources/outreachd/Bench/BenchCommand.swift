import ArgumentParser
import City
import Expression
import Foundation
import KafkaIO
import Operations
import Policy
import Vocabulary

/// `outreachd bench`: what an event costs, beside what Kafka's client alone costs.
struct BenchCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "bench",
    abstract: "CPU of the whole way of an event, beside bare relay passes.",
    discussion: """
      Sends a simulated city to fresh topics of a broker and lets the daemon take in its initial \
      load. Then sends ten days of events, starts the daemon again in this process, on the state \
      it has, and takes its CPU time until everything is worked and committed, exactly once. Then \
      relays the same number of records through librdkafka alone (consume, produce, \
      commit in transactions), as often as an event is passed on (4 hops), in the same process. \
      The only worker sends it through the log once, so the ratio to one pass is printed as well.

      With --expressions only the speed of rule expressions is measured, with --rules that of \
      deciding the pack's rules on a household in memory and of loading the pack; neither needs a \
      broker.

      Otherwise needs a real broker: --brokers or OUTREACH_TEST_BROKERS. The topics it makes \
      stay, named after --prefix.

      EXAMPLES
        outreachd bench --expressions
        outreachd bench --rules
        outreachd bench --brokers localhost:9092
        OUTREACH_TEST_BROKERS=localhost:9092 outreachd bench --people 50000 --events 50000 --json
      """)

  @Option(help: "Kafka brokers, host:port[,host:port].")
  var brokers: String?
  @Option(help: "Residents of the city.")
  var people = 200_000
  @Option(help: "Events of ten days, after the initial load.")
  var events = 100_000
  @Option(help: "The policy pack.")
  var policy = "config/policy"
  @Option(help: "The declarations of topics.")
  var topics = "topics"
  @Option(help: "Prefix of the topics; a fresh one where absent.")
  var prefix: String?
  @Option(help: "Stop after so many seconds.")
  var limit = 900
  @Flag(help: "Measure rule expressions only.")
  var expressions = false
  @Flag(help: "Measure deciding the rules on a household, and loading the pack, only.")
  var rules = false
  @Flag(help: "Measure the stages only, in memory.")
  var stages = false
  @Flag(help: "One JSON object on standard output.")
  var json = false

  func run() throws {
    if expressions {
      print(try expressionReport())
      return
    }
    if rules {
      print(try ruleReport())
      return
    }
    if stages {
      print(try stageReport())
      return
    }
    guard let servers = brokers ?? ProcessInfo.processInfo.environment["OUTREACH_TEST_BROKERS"]
    else { throw CommandFailure(.usage, "--brokers or OUTREACH_TEST_BROKERS is needed") }
    let name = prefix ?? "bench-\(UInt32.random(in: 0...UInt32.max))"
    let state = FileManager.default.temporaryDirectory.appending(path: name)
    defer { try? FileManager.default.removeItem(at: state) }
    let bench = Bench(
      configuration: configuration(servers, name, state.path), limit: limit)
    try bench.createTopics()
    let load = CityStream(cityOptions()).loadRecords
    let now = Instant(seconds: Int64(time(nil))).description
    try sendCity(servers, name, "load", load + events, until: now)
    _ = try bench.daemon(load)
    try sendCity(servers, name, "days", load + events, until: now)
    let daemon = try bench.daemon(events)
    let floor = try bench.relay(events)
    print(BenchReport(events: daemon, relay: floor).text(json: json))
  }

  /// Nanoseconds of CPU of each expression, the fastest of several rounds, beside its goal.
  private func expressionReport() throws -> String {
    let measured = try ExpressionBenchmark.run(clock: CPUClock.nanoseconds)
    if json {
      let values = measured.map { ($0.name, ($0.nanoseconds * 10).rounded() / 10) }
      let object = ["nanoseconds": Dictionary(values) { first, _ in first }]
      let options: JSONSerialization.WritingOptions = [.sortedKeys]
      let data = try JSONSerialization.data(withJSONObject: object, options: options)
      return String(decoding: data, as: UTF8.self)
    }
    let lines = measured.map { entry in
      let goal = entry.goal.map { String(format: " (goal %.0f)", $0) } ?? ""
      return String(format: "%8.0f ns  ", entry.nanoseconds) + entry.name + goal
    }
    return lines.joined(separator: "\n")
  }

  /// Microseconds of CPU for deciding a household, milliseconds for loading the pack.
  private func ruleReport() throws -> String {
    let result = try RuleBench(policy: policy).run()
    if json {
      return String(
        format: "{\"allRules\":%.0f,\"changedFact\":%.0f,\"load\":%.0f,\"unit\":\"ns\"}",
        result.all, result.changed, result.load)
    }
    return [
      String(
        format: "%8.2f µs  all %d rules on a household of four (goal 10)", result.all / 1000,
        result.rules),
      String(
        format: "%8.2f µs  one changed fact, the %d rules that read it", result.changed / 1000,
        result.touched),
      String(format: "%8.2f ms  load and compile the pack (goal 50)", result.load / 1e6),
    ].joined(separator: "\n")
  }

  /// Microseconds of CPU an event of the stages, the initial load apart.
  private func stageReport() throws -> String {
    var options = cityOptions()
    options.events = CityStream(options).loadRecords + events
    let cost = try StageBenchmark(pack: try Loading.pack(policy), options: options).run()
    return [("initial load", cost.load), ("days", cost.days)].map { name, part in
      String(
        format: "%@: %d records, %.1f µs CPU a record, %d outputs", name, part.records,
        part.microseconds, part.outputs)
    }.joined(separator: "\n")
  }

  private func configuration(
    _ servers: String, _ name: String, _ state: String
  ) -> DaemonConfiguration {
    var configuration = DaemonConfiguration()
    configuration.kafka.brokers = servers.split(separator: ",").map(String.init)
    configuration.kafka.prefix = name
    configuration.kafka.group = name
    configuration.kafka.instance = name
    configuration.policyDirectory = policy
    configuration.topicsDirectory = topics
    configuration.stateDirectory = state
    configuration.districts = Bench.districts
    configuration.logging.level = .error
    return configuration
  }

  private func cityOptions() -> CityOptions {
    var options = CityOptions()
    options.people = people
    options.days = 10
    options.seed = 1
    return options
  }

  /// Sends one part of the city; `records` counts both parts.
  private func sendCity(
    _ servers: String, _ name: String, _ part: String, _ records: Int, until end: String
  ) throws {
    let simulate = try SimulateCommand.parse([
      "--people", String(people), "--days", "10", "--events", String(records), "--seed", "1",
      "--end", end, "--only", part, "--binary", "--brokers", servers, "--prefix", name,
    ])
    try simulate.run()
  }
}
