import City
import Foundation
import Intake
import Runtime
import Simulation
@testable import Stages
import StateStore
import Streaming
import Testing
import Vocabulary

/// A small city's events, and the real stages with the default pack and the city's directory.
struct SmallCity {
  let events: [CityEvent]
  private let settings: StageSettings
  /// The topics its outputs can go to, after the prefix.
  let outTopics: [String]

  /// Every kind of life story about once, and more bad records than in life.
  ///
  /// - Parameter crowded: ten times as many events as in life, most of them at windows.
  init(seed: UInt64, crowded: Bool = false) throws {
    var options = CityOptions()
    options.people = 600
    options.days = 3
    options.seed = seed
    options.bad = 0.03
    if crowded { options.events = CityStream(options).loadRecords + 3000 }
    // A record without a value is no line of `replay`.
    events = Array(CityStream(options, lines: true).events)
    var directory = Directory()
    var districts: Set<String> = ["000000"]
    for entry in cityDirectory(options) {
      try directory.add(line: Array(entry.value.utf8))
      let value = try #require(
        JSONSerialization.jsonObject(with: Data(entry.value.utf8)) as? [String: Any])
      let covers = try #require(value["covers"] as? [String])
      districts.formUnion(covers.map { String($0.prefix(6)) })
    }
    settings = StageSettings(
      pack: try Scenario.pack.get(), directory: directory, identifiers: .development)
    outTopics =
      ["deadletters", "decisions", "alerts.restricted"]
      + districts.flatMap { ["referrals.advisor.\($0)", "referrals.resource.\($0)", "alerts.\($0)"] }
  }

  func stages(takesShortCuts: Bool = true) throws -> StageSet {
    let households = HouseholdsStage(settings: settings, takesShortCuts: takesShortCuts)
    return StageSet(
      intake: try EventIntake(catalog: settings.pack.sources),
      stages: [RegisterStage(), PersonsStage(), households])
  }

  /// The events through the pipeline of `replay`, then time up to `end`. Answers the outputs, what
  /// is kept of households, and the clock after each event.
  func replay(until end: Instant, takesShortCuts: Bool = true) throws -> (
    outputs: [OutputRecord], kept: [SettledHousehold], clocks: [Instant]
  ) {
    let pipeline = InlinePipeline(stages: try stages(takesShortCuts: takesShortCuts))
    var outputs: [OutputRecord] = []
    var clocks: [Instant] = []
    var offsets: [CityTopic: Int64] = [:]
    for event in events {
      let offset = offsets[event.topic, default: 0]
      offsets[event.topic] = offset + 1
      outputs += try feed(event, offset, to: pipeline)
      clocks.append(pipeline.now)
    }
    outputs += try pipeline.advance(until: end)
    return (outputs, try pipeline.entries(.households).compactMap(SettledHousehold.init), clocks)
  }

  private func feed(
    _ event: CityEvent, _ offset: Int64, to pipeline: InlinePipeline
  ) throws -> [OutputRecord] {
    let content = try #require(event.headers.first { $0.name == "content-type" }).value
    return try Array("content-type".utf8).withUnsafeBytes { name in
      try content.withUnsafeBytes { content in
        try (event.value ?? []).withUnsafeBytes { value in
          try event.key.withUnsafeBytes { key in
            try [BorrowedHeader(name: name, value: content)].withUnsafeBufferPointer { headers in
              try pipeline.feed(
                InboundRecord(
                  topic: "assist." + event.topic.suffix, topicSuffix: event.topic.suffix,
                  partition: 0, offset: offset, timestamp: 0, key: key, value: value,
                  headers: headers))
            }
          }
        }
      }
    }
  }
}

/// Daemons with the stages of a city on a simulated log, on a wall clock that the test moves.
final class CityDaemons {
  private static let group = "outreachd"
  let city: SmallCity
  let cluster = SimulatedCluster()
  private let clock = SetClock()
  private let layout: TopicLayout
  private var storages: [String: SimulatedStorage] = [:]

  private final class SetClock: WallClock { var now = Instant.distantPast }

  /// One life of a daemon.
  struct Life {
    let name: String
    let faults: Faults
    let worker: Worker<SimulatedLog, SimulatedDisk>
  }

  /// `partitions` of each internal topic; in- and out-topics have one each.
  init(_ city: SmallCity, partitions: Int32) {
    self.city = city
    let inTopics = Set(city.events.map(\.topic.suffix)).sorted()
    layout = TopicLayout(prefix: "assist", inTopics: inTopics, partitions: partitions)
    for topic in inTopics + city.outTopics { cluster.createTopic(layout.full(topic), partitions: 1) }
    for channel in Channel.allCases {
      cluster.createTopic(layout.full(channel.inputTopic), partitions: partitions)
      cluster.createTopic(layout.full(channel.changelogTopic), partitions: partitions)
    }
  }

  func start(_ name: String, faults: Faults = Faults(), seed: UInt64 = 0) throws -> Life {
    let storage = storages[name] ?? SimulatedStorage()
    storages[name] = storage
    let log = SimulatedLog(
      cluster, client: name, group: CityDaemons.group, topics: layout.subscription, faults: faults,
      seed: seed)
    let worker = Worker(
      configuration: WorkerConfiguration(layout: layout), log: log,
      opener: SimulatedDisk(storage, faults: faults), source: FixedStages(try city.stages()),
      clock: clock, pause: { [cluster] _ in cluster.tick() })
    return Life(name: name, faults: faults, worker: worker)
  }

  func append(_ event: CityEvent) {
    cluster.append(
      layout.full(event.topic.suffix), key: event.key, value: event.value,
      headers: event.headers.map { Header($0.name, $0.value) })
  }

  /// Records that wait, and transactions that are not decided.
  var backlog: Int { cluster.outstanding(group: CityDaemons.group, topics: layout.subscription) }

  /// Works until nothing is left to read and no timer is due.
  func drain(_ life: Life) throws {
    for _ in 0..<20_000 {
      let worked = try life.worker.runOnce()
      if !worked, life.worker.ownedPartitions == Int(layout.partitions) * Channel.allCases.count,
        backlog == 0
      {
        return
      }
    }
    Issue.record("not drained")
  }

  /// Moves the clock to `instant`, with a stop at each timer on the way.
  func pass(to instant: Instant, _ life: Life) throws {
    while let due = nextTimer(life), due <= instant {
      clock.now = max(clock.now, due)
      try drain(life)
    }
    clock.now = max(clock.now, instant)
  }

  /// Moves the clock without any daemon at work.
  func set(clock instant: Instant) { clock.now = instant }

  private func nextTimer(_ life: Life) -> Instant? {
    Channel.allCases.flatMap { channel in
      (0..<layout.partitions).compactMap {
        storages[life.name]?.timers(channel, $0).first?.due
      }
    }.min()
  }

  /// What readers of an output topic see.
  func published(_ topic: String) -> [OutputRecord] {
    cluster.committedRecords(layout.full(topic)).joined().map {
      OutputRecord(topic: topic, key: $0.key, value: $0.value, headers: $0.headers)
    }
  }

  /// What the daemon that has every partition keeps of households.
  func kept(_ life: Life) throws -> [SettledHousehold] {
    try (0..<layout.partitions).flatMap { partition in
      try (storages[life.name]?.entries(.households, partition) ?? []).compactMap(
        SettledHousehold.init)
    }
  }
}
