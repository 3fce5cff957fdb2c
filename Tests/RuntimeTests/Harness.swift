import Foundation
import Runtime
import Simulation
import StateStore
import Streaming
import Testing
import Vocabulary

/// A clock that a test moves.
final class ManualClock: WallClock {
  var now: Instant
  init(_ now: Instant) { self.now = now }
}

/// A simulated cluster, and daemons of the toy topology on it that live and die.
final class Harness {
  static let group = "outreachd"
  static let inTopics = ["window.transactions", "field.reports"]
  static let outTopics =
    ["deadletters", "alerts.x"] + (0..<10).map { "referrals.advisor.\($0)" }

  let cluster = SimulatedCluster()
  let clock: ManualClock
  var configuration: WorkerConfiguration
  var layout: TopicLayout { configuration.layout }
  /// The disk of each daemon by name.
  var storages: [String: SimulatedStorage] = [:]
  /// What happened, in order.
  var events: [WorkerEvent] = []

  init(partitions: Int32 = 3, mode: ClockMode = .event) {
    let layout = TopicLayout(prefix: "assist", inTopics: Harness.inTopics, partitions: partitions)
    configuration = WorkerConfiguration(layout: layout)
    configuration.clockMode = mode
    configuration.retries = 3
    clock = ManualClock(Toy.start)
    for topic in Harness.inTopics + Harness.outTopics {
      cluster.createTopic(layout.full(topic), partitions: 2)
    }
    for channel in Channel.allCases {
      cluster.createTopic(layout.full(channel.inputTopic), partitions: partitions)
      cluster.createTopic(layout.full(channel.changelogTopic), partitions: partitions)
    }
  }

  /// One life of a daemon.
  final class Life {
    let name: String
    let faults: Faults
    let worker: Worker<SimulatedLog, SimulatedDisk>
    init(_ name: String, _ faults: Faults, _ worker: Worker<SimulatedLog, SimulatedDisk>) {
      self.name = name
      self.faults = faults
      self.worker = worker
    }
  }

  /// Starts a daemon on its own disk. `client` names its producer and its place in the group.
  func start(
    _ name: String = "a", client: String? = nil, faults: Faults = Faults(), seed: UInt64 = 0,
    stages: StageSet = Toy.stages(), source: (any StageSource)? = nil
  ) -> Life {
    let storage = storages[name] ?? SimulatedStorage()
    storages[name] = storage
    let log = SimulatedLog(
      cluster, client: client ?? name, group: Harness.group, topics: layout.subscription,
      faults: faults, seed: seed)
    let worker = Worker(
      configuration: configuration, log: log, opener: SimulatedDisk(storage, faults: faults),
      source: source ?? FixedStages(stages), clock: clock,
      observer: { [unowned self] in events.append($0) },
      pause: { [unowned self] _ in cluster.tick() })
    return Life(name, faults, worker)
  }

  /// A mixed workload: events, duplicates and records that are dead letters.
  func feed(_ count: Int, seed: UInt64 = 1, from first: Int = 0) {
    for index in first..<(first + count) {
      // Each event is drawn by itself, so that it does not matter in how many parts they come.
      var generator = SeededGenerator(seed: seed &* 1_000_003 &+ UInt64(index))
      let topic = layout.full(Harness.inTopics[index % 2])
      if generator.oneIn(10) {
        cluster.append(topic, partition: 0, key: nil, value: Array("broken \(index)".utf8))
        continue
      }
      let person = Int.random(in: 0..<12, using: &generator)
      let value = Toy.event(index, person: person, household: person / 2, seconds: index)
      let copies = generator.oneIn(6) ? 2 : 1
      for _ in 0..<copies {
        cluster.append(
          topic, partition: Int32(index % 2), key: Array("k\(index)".utf8), value: value)
      }
    }
  }

  /// The event that makes all timers due.
  func feedEnd() {
    cluster.append(
      layout.full(Harness.inTopics[0]), key: Array("end".utf8),
      value: Toy.event(1_000_000, person: 99, household: 99, seconds: 100_000))
  }

  /// Whether there is nothing left to read.
  var isDrained: Bool {
    cluster.outstanding(group: Harness.group, topics: layout.subscription) == 0
  }

  /// Turns one daemon until there is nothing left to do. Answers false where it died, or where the
  /// turns were not enough and that is no surprise.
  func drain(_ life: Life, turns: Int = 3000, mustEnd: Bool = true) throws -> Bool {
    var quiet = 0
    for _ in 0..<turns {
      do {
        let worked = try life.worker.runOnce()
        let isComplete = life.worker.ownedPartitions == Int(layout.partitions) * 3 && isDrained
        quiet = worked || !isComplete ? 0 : quiet + 1
      } catch {
        if life.faults.isDead { return false }
        throw error
      }
      if quiet > 4 { return true }
    }
    if mustEnd { Issue.record("not drained after \(turns) turns: \(events.suffix(12))") }
    return mustEnd
  }

  /// What readers see and what the stages know.
  struct Outcome: Equatable {
    var outputs: [String: [String]] = [:]
    var state: [String: [String]] = [:]
    var timers: [String: [Streaming.Timer]] = [:]

    /// What is here and not there, and the other way round.
    func differences(from other: Outcome) -> [String] {
      func compare(_ a: [String: [String]], _ b: [String: [String]]) -> [String] {
        Set(a.keys).union(b.keys).sorted().flatMap { key in
          (a[key] ?? []).difference(from: b[key] ?? []).map { change in
            switch change {
            case .insert(_, let line, _): "+ \(key) \(line)"
            case .remove(_, let line, _): "- \(key) \(line)"
            }
          }
        }
      }
      let times = { (outcome: Outcome) in
        outcome.timers.mapValues { $0.map { "\($0.due) \($0.owner)" } }
      }
      return compare(outputs, other.outputs) + compare(state, other.state)
        + compare(times(self), times(other))
    }
  }

  /// The committed values of an output topic.
  func published(_ topic: String) -> [String] {
    cluster.committedRecords(layout.full(topic)).joined().map { text($0.value) }
  }

  /// The committed outputs, sorted, and the state on the disk of the daemon that holds everything.
  func outcome(_ name: String = "a") -> Outcome {
    var outcome = Outcome()
    for topic in Harness.outTopics {
      let records = cluster.committedRecords(layout.full(topic)).joined()
      outcome.outputs[topic] = records.map {
        "\(text($0.key)): \(text($0.value))"
      }.sorted()
    }
    for channel in Channel.allCases {
      for partition in 0..<layout.partitions {
        let place = "\(channel)-\(partition)"
        outcome.state[place] = storages[name]?.entries(channel, partition).map {
          "\(text($0.key)): \($0.value)"
        }
        outcome.timers[place] = storages[name]?.timers(channel, partition)
      }
    }
    return outcome
  }

  /// The state as the committed changelogs alone have it.
  func changelogState() -> [String: [String]] {
    var result: [String: [String]] = [:]
    for channel in Channel.allCases {
      for partition in 0..<layout.partitions {
        let topic = layout.full(channel.changelogTopic)
        var state: [[UInt8]: [UInt8]] = [:]
        for record in cluster.committedRecords(topic)[Int(partition)] {
          guard let key = record.key, key.first == 1 else { continue }
          state[Array(key.dropFirst())] = record.value
        }
        result["\(channel)-\(partition)"] =
          state.sorted { $0.key.lexicographicallyPrecedes($1.key) }.map {
            "\(text($0.key)): \($0.value)"
          }
      }
    }
    return result
  }

  private func text(_ bytes: [UInt8]?) -> String {
    bytes.map { String(decoding: $0, as: UTF8.self) } ?? "null"
  }
}

/// Batches of ten seeds: so many, or as `OUTREACH_SIMULATION_SEEDS` says for a long run.
func seedBatches(_ count: Int) -> Range<Int> {
  let seeds = ProcessInfo.processInfo.environment["OUTREACH_SIMULATION_SEEDS"].flatMap(Int.init)
  return 0..<max(1, seeds.map { $0 / 10 } ?? count)
}

/// The outcome of a run in which nothing goes wrong.
func reference(events: Int, seed: UInt64 = 1, partitions: Int32 = 3) throws -> Harness.Outcome {
  let harness = Harness(partitions: partitions)
  harness.feed(events, seed: seed)
  harness.feedEnd()
  let life = harness.start()
  _ = try harness.drain(life)
  life.worker.shutDown()
  return harness.outcome()
}
