import Runtime
import Simulation
import Streaming
import Testing
import Vocabulary

@Suite struct ClockTests {
  private func wall() -> Harness {
    let harness = Harness(mode: .wall)
    harness.configuration.timersPerTransaction = 4
    return harness
  }

  private func alerts(_ harness: Harness) -> Int {
    harness.cluster.committedRecords(harness.layout.full("alerts.x")).joined().count
  }

  @Test func timersWaitForTheWallClock() throws {
    let harness = wall()
    harness.feed(20)
    let life = harness.start()
    _ = try harness.drain(life)
    #expect(alerts(harness) == 0)
    harness.clock.now = Toy.start.adding(seconds: 100_000)
    _ = try harness.drain(life)
    #expect(harness.outcome().outputs["alerts.x"] == (try expectedAlerts(harness)))
  }

  /// Each timer acts at its own instant, however late it fires.
  private func expectedAlerts(_ harness: Harness) throws -> [String] {
    let reference = Harness()
    reference.feed(20)
    reference.feedEnd()
    let life = reference.start()
    _ = try reference.drain(life)
    let all = reference.outcome().outputs["alerts.x"] ?? []
    return all.filter { !$0.hasPrefix("h99") }
  }

  /// Many timers are due at once: a live event does not wait for all of them.
  @Test func liveEventsDoNotWaitForABacklogOfTimers() throws {
    let harness = wall()
    let topic = harness.layout.full(Harness.inTopics[0])
    for index in 0..<80 {
      harness.cluster.append(
        topic, key: Array("k\(index)".utf8),
        value: Toy.event(index, person: index, household: index, seconds: 0))
    }
    let life = harness.start()
    _ = try harness.drain(life)
    harness.clock.now = Toy.start.adding(seconds: 100_000)
    harness.cluster.append(
      topic, key: Array("live".utf8), value: Toy.event(1000, person: 5, household: 5, seconds: 1))
    let referrals = harness.layout.full("referrals.advisor.5")
    let before = harness.cluster.committedRecords(referrals).joined().count
    var turns = 0
    while harness.cluster.committedRecords(referrals).joined().count == before, turns < 50 {
      try life.worker.runOnce()
      turns += 1
    }
    #expect(alerts(harness) > 0)
    #expect(alerts(harness) < 240)
    _ = try harness.drain(life)
    #expect(alerts(harness) == 240)
  }

  /// What a partition has seen as now is never undone, whatever the machine's clock says.
  @Test func theClockDoesNotGoBack() throws {
    let harness = wall()
    harness.clock.now = Toy.start.adding(seconds: 5000)
    harness.feed(10)
    let stages = Toy.stages()
    let life = harness.start(stages: stages)
    _ = try harness.drain(life)
    life.faults.kill()
    harness.clock.now = Toy.start
    harness.feed(10, from: 10)
    let heir = harness.start()
    _ = try harness.drain(heir)
    for channel in Channel.allCases {
      for partition in 0..<harness.layout.partitions {
        guard let meta = harness.storages["a"]?.meta(channel, partition) else { continue }
        #expect(meta.clock >= Toy.start.adding(seconds: 5000))
      }
    }
  }

  @Test func statisticsCountCommittedWorkOnly() throws {
    let harness = Harness()
    harness.feed(30)
    var calls = 0
    let faults = Faults { step, moment, _ in
      guard step == .commit, moment == .before else { return nil }
      calls += 1
      return calls % 3 == 0 ? .fail(.abort) : nil
    }
    let box = StatisticsBox()
    let log = SimulatedLog(
      harness.cluster, client: "a", group: Harness.group, topics: harness.layout.subscription,
      faults: faults)
    let worker = Worker(
      configuration: harness.configuration, log: log, opener: SimulatedDisk(SimulatedStorage()),
      source: FixedStages(Toy.stages()), clock: harness.clock, statistics: box,
      pause: { _ in })
    _ = try harness.drain(Harness.Life("a", faults, worker))
    let statistics = box.snapshot
    let inRecords = Harness.inTopics.reduce(0) {
      $0 + harness.cluster.committedRecords(harness.layout.full($1)).joined().count
    }
    #expect(statistics.recordsIn.values.reduce(0, +) == inRecords)
    let dead = harness.cluster.committedRecords(harness.layout.full("deadletters")).joined().count
    #expect(statistics.deadLetters == dead)
    #expect(statistics.aborts > 0 && statistics.commits > 0)
    #expect(statistics.partitions == 13)
  }

  /// After a restart the first work is committed, and told, before what waits is worked off.
  @Test func theFirstTransactionIsSmall() throws {
    let harness = Harness()
    harness.feed(60)
    harness.configuration.firstTransactionRecords = 2
    let box = StatisticsBox()
    var counts: [Int: Int] = [:]
    let faults = Faults { step, moment, _ in
      guard step == .begin, moment == .before else { return nil }
      let statistics = box.snapshot
      counts[statistics.commits] = statistics.recordsIn.values.reduce(0, +)
      return nil
    }
    let log = SimulatedLog(
      harness.cluster, client: "a", group: Harness.group, topics: harness.layout.subscription,
      faults: faults)
    let worker = Worker(
      configuration: harness.configuration, log: log, opener: SimulatedDisk(SimulatedStorage()),
      source: FixedStages(Toy.stages()), clock: harness.clock, statistics: box,
      pause: { _ in })
    _ = try harness.drain(Harness.Life("a", faults, worker))
    // Transactions before it took nothing: they levelled.
    let first = try #require(counts.values.filter { $0 > 0 }.min())
    #expect(first <= 2)
    #expect(box.snapshot.recordsIn.values.reduce(0, +) >= 60)
  }

  /// An intake for which each record takes a second.
  private final class SlowIntake: IntakeStage {
    private let clock: ManualClock
    private let toy = ToyIntake()
    init(_ clock: ManualClock) { self.clock = clock }

    func process(
      _ record: InboundRecord, now: Instant, wall: Instant?, outbox: inout Outbox
    ) -> Instant {
      clock.now = clock.now.adding(seconds: 1)
      return toy.process(record, now: now, wall: wall, outbox: &outbox)
    }
  }

  /// Slow work must not make a transaction outlast its timeout.
  @Test func aTransactionThatTakesLongIsEnded() throws {
    let harness = Harness()
    harness.feed(60)
    harness.configuration.firstTransactionRecords = 1000
    harness.configuration.transactionMilliseconds = 3000
    let box = StatisticsBox()
    var last = 0
    var most = 0
    let faults = Faults { step, moment, _ in
      guard step == .begin, moment == .before else { return nil }
      let count = box.snapshot.recordsIn.values.reduce(0, +)
      most = max(most, count - last)
      last = count
      return nil
    }
    let log = SimulatedLog(
      harness.cluster, client: "a", group: Harness.group, topics: harness.layout.subscription,
      faults: faults)
    let stages = StageSet(
      intake: SlowIntake(harness.clock), stages: [ToyRegister(), ToyPersons(), ToyHouseholds()])
    let worker = Worker(
      configuration: harness.configuration, log: log, opener: SimulatedDisk(SimulatedStorage()),
      source: FixedStages(stages), clock: harness.clock, statistics: box, pause: { _ in })
    let drained = try harness.drain(Harness.Life("a", faults, worker))
    #expect(drained)
    #expect(most == 3)
    #expect(box.snapshot.recordsIn.values.reduce(0, +) >= 60)
  }
}
