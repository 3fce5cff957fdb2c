import Foundation
import KafkaIO
import Operations
import Policy

/// The measured parts of `outreachd bench`.
struct Bench {
  let configuration: DaemonConfiguration
  let limit: Int

  /// Of Shanghai, and the one of what has no place.
  static let districts = [
    "000000", "310101", "310104", "310105", "310106", "310107", "310109", "310110", "310112",
    "310113", "310114", "310115", "310116", "310117", "310118", "310120", "310151",
  ]

  /// How often an event is passed on: into Register, Persons and Households, and in from outside.
  static let hops = 4

  /// Checks in a row, a fifth of a second apart, without anything done: then all is done.
  static let quietChecks = 25

  /// What working a number of records cost.
  struct Cost {
    var records: Int
    var cpuSeconds: Double
    var wallSeconds: Double
    var outputs = 0
    var cpuMicroseconds: Double { cpuSeconds * 1e6 / Double(max(records, 1)) }
  }

  func createTopics() throws {
    let catalog: TopicCatalog
    switch TopicFiles.load(configuration.topicsDirectory) {
    case .success(let loaded): catalog = loaded
    case .failure(let problems):
      throw CommandFailure(.configuration, rendered: problems.description)
    }
    let cluster = try Cluster(configuration.kafka, logger: configuration.logging.logger("bench"))
    let comparison = TopicComparison(
      catalog: catalog, prefix: configuration.kafka.prefix, districts: configuration.districts,
      cluster: cluster, maximumRecordBytes: configuration.kafka.maximumRecordBytes)
    if let (name, reason) = try cluster.create(comparison.missing).first {
      throw CommandFailure(.brokerUnavailable, "topic \(name): \(reason)")
    }
  }

  /// Runs the daemon until it has taken in `events` records and nothing is left to do.
  func daemon(_ events: Int) throws -> Cost {
    let daemon = try Daemon(configuration, logger: configuration.logging.logger("bench"))
    let cpu = processCPUSeconds()
    let began = ContinuousClock.now
    try daemon.start()
    var quiet = 0
    var last = 0
    var end = (cpu: cpu, wall: began)
    while quiet < Bench.quietChecks, !daemon.isStopping, began.duration(to: .now) < .seconds(limit) {
      Thread.sleep(forTimeInterval: 0.2)
      let totals = daemon.totals
      // Transaction markers count as lag, so quiet is when no stage has anything to do.
      let isDone = totals.recordsIn >= events && totals.stageRecords == last
      if !isDone { end = (processCPUSeconds(), .now) }
      quiet = isDone ? quiet + 1 : 0
      last = totals.stageRecords
    }
    let totals = daemon.totals
    try daemon.shutDown()
    guard quiet >= Bench.quietChecks else {
      throw CommandFailure(
        .internalError, "\(totals.recordsIn) of \(events) records within \(limit) s")
    }
    let wall = began.duration(to: end.wall) / .seconds(1)
    return Cost(
      records: totals.recordsIn, cpuSeconds: end.cpu - cpu, wallSeconds: wall,
      outputs: totals.outputCount)
  }

  /// Bare passes over as many records of 500 bytes.
  func relay(_ events: Int) throws -> Cost {
    var relay = RelayBenchmark(configuration: configuration.kafka.client())
    relay.records = events
    relay.passes = Bench.hops
    do {
      let result = try relay.run(
        prefix: configuration.kafka.prefix, logger: configuration.logging.logger("bench"))
      return Cost(
        records: events, cpuSeconds: result.passes.reduce(0) { $0 + $1.cpuSeconds },
        wallSeconds: result.passes.reduce(0) { $0 + $1.wallSeconds })
    } catch {
      throw CommandFailure(.brokerUnavailable, "relay: \(error)")
    }
  }
}

/// The figures and their ratio.
struct BenchReport {
  let events: Bench.Cost
  let relay: Bench.Cost

  func text(json: Bool) -> String {
    let ratio = events.cpuMicroseconds / relay.cpuMicroseconds
    guard !json else {
      return JSONText.object([
        ("events", String(events.records)), ("outputs", String(events.outputs)),
        ("cpuMicrosecondsPerEvent", tenths(events.cpuMicroseconds)),
        ("eventsWallSeconds", tenths(events.wallSeconds)),
        ("relayPasses", String(Bench.hops)),
        ("relayCPUMicrosecondsPerRecord", tenths(relay.cpuMicroseconds)),
        ("relayWallSeconds", tenths(relay.wallSeconds)), ("ratio", tenths(ratio)),
        ("ratioToOnePass", tenths(ratio * Double(Bench.hops))),
      ])
    }
    return """
      daemon   \(events.records) events: \(tenths(events.cpuMicroseconds)) µs CPU an event, \
      \(tenths(events.wallSeconds)) s, \(events.outputs) outputs
      relay    \(Bench.hops) bare passes: \(tenths(relay.cpuMicroseconds)) µs CPU a record, \
      \(tenths(relay.wallSeconds)) s
      ratio    \(tenths(ratio)), to one pass \(tenths(ratio * Double(Bench.hops)))
      """
  }

  private func tenths(_ value: Double) -> String {
    let scaled = (value * 10).rounded()
    guard scaled.isFinite, abs(scaled) < 1e15 else { return "0" }
    return "\(Int(scaled) / 10).\(abs(Int(scaled)) % 10)"
  }
}
