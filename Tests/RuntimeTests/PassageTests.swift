import Runtime
import Simulation
import StateStore
import Streaming
import Testing
import Vocabulary

/// Records that a worker hands on to its own partitions within a transaction.
@Suite struct PassageTests {
  private func framesInTheLog(_ harness: Harness) -> Int {
    Channel.allCases.reduce(0) { count, channel in
      let records = harness.cluster.committedRecords(harness.layout.full(channel.inputTopic))
      return count + records.joined().count { $0.key == nil }
    }
  }

  @Test func aDaemonThatOwnsEverythingSendsNoFrames() throws {
    let harness = Harness()
    let life = harness.start()
    // Assigned, marks sent, marks read.
    for _ in 0..<20 { try life.worker.runOnce() }
    harness.feed(40)
    harness.feedEnd()
    #expect(try harness.drain(life))
    #expect(framesInTheLog(harness) == 0)
    #expect(harness.outcome() == (try reference(events: 40)))
  }

  /// The first output comes with the transaction that reads the event.
  @Test func anEventGoesThroughAllStagesInOneTransaction() throws {
    let harness = Harness()
    let life = harness.start()
    for _ in 0..<20 { try life.worker.runOnce() }
    harness.feedEnd()
    var turns = 0
    while harness.published("referrals.advisor.9").isEmpty, turns < 5 {
      try life.worker.runOnce()
      turns += 1
    }
    #expect(turns == 1)
  }

  /// Where others own partitions too, everything goes through the log; with the last one's
  /// partitions the way within the transaction opens.
  @Test func theLastDaemonHandsOnDirectly() throws {
    let harness = Harness()
    let a = harness.start("a")
    let b = harness.start("b")
    func turn(_ count: Int) throws {
      for _ in 0..<count { for life in [a, b] { try life.worker.runOnce() } }
    }
    try turn(20)
    harness.feed(20)
    try turn(30)
    #expect(framesInTheLog(harness) > 0)
    #expect(!harness.events.contains(.passageOpened))
    b.worker.shutDown()
    for _ in 0..<20 { try a.worker.runOnce() }
    #expect(harness.events.contains(.passageOpened))
    let before = framesInTheLog(harness)
    harness.feed(20, from: 20)
    harness.feedEnd()
    #expect(try harness.drain(a))
    #expect(framesInTheLog(harness) == before)
    #expect(harness.outcome().differences(from: try reference(events: 40)) == [])
  }

  /// Two daemons without any fault: what a household hears of by way of a person, it hears of at
  /// first hand before.
  @Test(arguments: seedBatches(10))
  func causesComeBeforeTheirEffects(batch: Int) throws {
    for seed in (batch * 10)..<(batch * 10 + 10) {
      let harness = Harness(partitions: 4)
      var generator = SeededGenerator(seed: UInt64(seed) &+ 77)
      let lives = ["a", "b"].map {
        harness.start($0, seed: generator.next(), stages: Diamond.stages())
      }
      for _ in 0..<30 { for life in lives { try life.worker.runOnce() } }
      for index in 0..<150 {
        harness.cluster.append(
          harness.layout.full(Harness.inTopics[index % 2]), key: Array("k\(index)".utf8),
          value: Array("e\(index)".utf8))
        try lives.randomElement(using: &generator)?.worker.runOnce()
      }
      for _ in 0..<150 { for life in lives { try life.worker.runOnce() } }
      #expect(harness.published("deadletters") == [], "seed \(seed)")
      #expect(harness.published("referrals.advisor.0").count == 150, "seed \(seed)")
    }
  }

  /// What goes round in circles goes through the log at some point, so that others have their turn.
  @Test func circlesDoNotHoldATransactionUp() throws {
    let harness = Harness()
    let stages = StageSet(
      intake: ToyIntake(), stages: [ToyRegister(), Carousel(.persons), Carousel(.households)])
    let life = harness.start(stages: stages)
    for _ in 0..<20 { try life.worker.runOnce() }
    harness.feed(1)
    for _ in 0..<20 { try life.worker.runOnce() }
    #expect(framesInTheLog(harness) > 1)
    harness.cluster.append(
      harness.layout.full(Harness.inTopics[0]), partition: 0, key: nil, value: Array("x".utf8))
    for _ in 0..<20 { try life.worker.runOnce() }
    #expect(harness.published("deadletters").contains("x"))
  }

  /// A daemon loses its place in the group while it fires timers and has read nothing: it must not
  /// commit what the new owner does as well.
  @Test(arguments: [Step.begin, .produce, .sendOffsets, .commit])
  func whoLostItsPartitionsFiresNoTimers(step: Step) throws {
    let expected = try reference(events: 20)
    let harness = Harness()
    harness.feed(20)
    harness.feedEnd()
    var heir: Harness.Life?
    let faults = Faults { reached, moment, _ in
      guard reached == step, moment == .before, heir == nil, harness.isDrained,
        !harness.published("referrals.advisor.9").isEmpty
      else { return nil }
      harness.cluster.expireSession(of: "old", group: Harness.group)
      let life = harness.start("a")
      heir = life
      for _ in 0..<30 { _ = try? life.worker.runOnce() }
      return nil
    }
    let old = harness.start("old", faults: faults)
    for _ in 0..<100 where heir == nil { try old.worker.runOnce() }
    old.worker.shutDown()
    #expect(try harness.drain(try #require(heir)))
    #expect(harness.outcome().differences(from: expected) == [])
  }

  /// Somebody's undecided transaction lies before a mark: meanwhile work goes on through the log.
  @Test func levellingDoesNotWaitForever() throws {
    let harness = Harness()
    harness.cluster.transactionTimeout = 1_000_000
    let input = harness.layout.input(.persons, 1)
    let other = SimulatedLog(
      harness.cluster, client: "other", group: "others", topics: [], seed: 1)
    try other.begin()
    for _ in 0..<20 {
      try other.produce(topic: input.topic, partition: 1, key: nil, value: nil, headers: [])
    }
    harness.feed(20)
    harness.feedEnd()
    let life = harness.start()
    for _ in 0..<30 { try life.worker.runOnce() }
    #expect(framesInTheLog(harness) == 0)
    harness.clock.now = harness.clock.now.adding(seconds: 3)
    for _ in 0..<30 { try life.worker.runOnce() }
    #expect(harness.events.contains(.passageDelayed))
    #expect(framesInTheLog(harness) > 0)
    try other.abort()
    harness.clock.now = harness.clock.now.adding(seconds: 16)
    #expect(try harness.drain(life))
    #expect(harness.events.contains(.passageOpened))
    #expect(harness.outcome().differences(from: try reference(events: 20)) == [])
  }

  // MARK: Quiet partitions

  /// Retention takes everything of the internal topics, markers too.
  private func expire(_ harness: Harness) {
    for channel in Channel.allCases {
      for partition in 0..<harness.layout.partitions {
        let input = harness.layout.input(channel, partition)
        harness.cluster.trim(input, before: harness.cluster.bounds(input)?.end ?? 0)
      }
    }
  }

  /// A daemon has worked and stopped, its partitions have expired since, and there is new work.
  private func afterAQuietWeek() throws -> Harness {
    let harness = Harness()
    harness.feed(10)
    let first = harness.start()
    #expect(try harness.drain(first))
    first.worker.shutDown()
    expire(harness)
    harness.feed(10, from: 10)
    harness.feedEnd()
    return harness
  }

  private func finish(_ harness: Harness) throws {
    let last = harness.start()
    #expect(try harness.drain(last))
    #expect(!harness.events.contains { if case .recordsLost = $0 { true } else { false } })
    #expect(harness.outcome() == (try reference(events: 20)))
  }

  @Test func retentionTakesTheLastMarker() throws { try finish(try afterAQuietWeek()) }

  /// The next life corrects its positions and dies before it has read its marks.
  @Test func aCrashAfterRetentionTookTheLastMarker() throws {
    let harness = try afterAQuietWeek()
    let second = harness.start()
    let input = harness.layout.input(.events, 0)
    var isMarked = false
    for _ in 0..<20 where !isMarked {
      try second.worker.runOnce()
      isMarked = harness.cluster.bounds(input).map { $0.end > $0.start } ?? false
    }
    #expect(isMarked)
    second.faults.kill()
    try finish(harness)
  }

  /// While a daemon works, its positions in quiet partitions do not trail the markers.
  @Test func positionsPassMarkers() throws {
    let harness = Harness()
    let life = harness.start()
    for _ in 0..<20 { try life.worker.runOnce() }
    harness.feed(10)
    for _ in 0..<20 { try life.worker.runOnce() }
    let offsets = harness.cluster.committedOffsets(group: Harness.group)
    for channel in Channel.allCases {
      for partition in 0..<harness.layout.partitions {
        let input = harness.layout.input(channel, partition)
        #expect(offsets[input] == harness.cluster.bounds(input)?.end)
      }
    }
  }
}

/// Sends everything to the other of two channels.
private final class Carousel: Stage {
  let channel: Channel
  init(_ channel: Channel) { self.channel = channel }

  func process(
    _ payload: UnsafeRawBufferPointer, now: Instant, state: StateOverlay, outbox: inout Outbox
  ) throws(DecodingFailure) {
    let other: Channel = channel == .persons ? .households : .persons
    outbox.send(other, key: Array("k".utf8), payload: Array(payload))
  }
}
