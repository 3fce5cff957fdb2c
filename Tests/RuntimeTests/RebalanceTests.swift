import Runtime
import Simulation
import StateStore
import Streaming
import Testing
import Vocabulary

@Suite struct RebalanceTests {
  /// Daemons come, leave, hang and die in any order; at the end one is left.
  @Test(arguments: seedBatches(15))
  func manyDaemons(batch: Int) throws {
    let expected = try reference(events: 60)
    for seed in (batch * 10)..<(batch * 10 + 10) {
      let harness = Harness()
      var generator = SeededGenerator(seed: UInt64(seed) &+ 99)
      var lives: [Harness.Life] = []
      harness.feed(30)
      for turn in 0..<300 {
        if turn == 100 { harness.feed(30, from: 30) }
        if lives.count < 3, lives.isEmpty || generator.oneIn(15) {
          lives.append(start(harness, lives, &generator))
        }
        guard let index = lives.indices.randomElement(using: &generator) else { continue }
        try turnOnce(harness, &lives, index, &generator)
      }
      try finish(harness, lives)
      #expect(harness.outcome().differences(from: expected) == [], "seed \(seed)")
    }
  }

  /// The same of stages that number what they send: the last daemon hands on directly only what
  /// comes after all that was sent before.
  @Test(arguments: seedBatches(20))
  func nothingIsOvertaken(batch: Int) throws {
    for seed in (batch * 10)..<(batch * 10 + 10) {
      let harness = Harness(partitions: 4)
      var generator = SeededGenerator(seed: UInt64(seed) &+ 7_000)
      var lives: [Harness.Life] = []
      var fed = 0
      for _ in 0..<300 {
        if fed < 200, generator.oneIn(2) {
          for _ in 0..<3 {
            harness.cluster.append(
              harness.layout.full(Harness.inTopics[fed % 2]), key: Array("k\(fed)".utf8),
              value: Array("e\(fed)".utf8))
            fed += 1
          }
        }
        if lives.count < 3, lives.isEmpty || generator.oneIn(15) {
          lives.append(start(harness, lives, &generator, Sequence.stages()))
        }
        guard let index = lives.indices.randomElement(using: &generator) else { continue }
        try turnOnce(harness, &lives, index, &generator)
      }
      for life in lives { life.worker.shutDown() }
      let last = harness.start("a", seed: 7, stages: Sequence.stages())
      #expect(try harness.drain(last))
      #expect(harness.published("deadletters") == [], "seed \(seed)")
      #expect(harness.published("referrals.advisor.0").count == fed, "seed \(seed)")
    }
  }

  @Test func partitionsMoveWithoutLossWhenADaemonLeaves() throws {
    let expected = try reference(events: 40)
    let harness = Harness()
    harness.feed(40)
    let a = harness.start("a")
    for _ in 0..<4 { try a.worker.runOnce() }
    let b = harness.start("b")
    for _ in 0..<20 {
      try a.worker.runOnce()
      try b.worker.runOnce()
    }
    #expect(a.worker.ownedPartitions > 0 && b.worker.ownedPartitions > 0)
    #expect(a.worker.ownedPartitions + b.worker.ownedPartitions == 9)
    #expect(harness.events.contains { if case .partitionsRevoked = $0 { true } else { false } })
    b.worker.shutDown()
    harness.feedEnd()
    let drained = try harness.drain(a)
    #expect(drained)
    #expect(harness.outcome().differences(from: expected) == [])
  }

  /// A former owner's copy is used again: only the tail of the changelog is read.
  @Test func aFormerOwnerReadsOnlyTheTail() throws {
    let harness = Harness()
    harness.feed(60)
    let first = harness.start()
    _ = try harness.drain(first)
    first.faults.kill()
    let mark = harness.events.count
    harness.feed(5, from: 60)
    let second = harness.start()
    _ = try harness.drain(second)
    let restored = harness.events[mark...].reduce(0) {
      if case .stateRestored(_, _, let records) = $1 { $0 + records } else { $0 }
    }
    // A position may lag by a batch where an acknowledgement was missing, not by the whole.
    #expect(restored < 60)
    #expect(!harness.events.contains { if case .stateWiped = $0 { true } else { false } })
  }

  private func start(
    _ harness: Harness, _ lives: [Harness.Life], _ generator: inout SeededGenerator,
    _ stages: StageSet = Toy.stages()
  ) -> Harness.Life {
    let free = ["a", "b", "c"].filter { name in !lives.contains { $0.name == name } }
    let name = free.randomElement(using: &generator) ?? "a"
    var faults = SeededGenerator(seed: generator.next())
    let stalls = generator.oneIn(2)
    let script: (Step, Moment, Int) -> Fault? = { step, moment, _ in
      if stalls, faults.oneIn(150) { return .stall }
      guard step == .commit, moment == .before, faults.oneIn(4) else { return nil }
      return .delayMarkers(
        Int.random(in: 1...200, using: &faults), offsetsFirst: faults.oneIn(2))
    }
    return harness.start(name, faults: Faults(script), seed: generator.next(), stages: stages)
  }

  private func turnOnce(
    _ harness: Harness, _ lives: inout [Harness.Life], _ index: Int,
    _ generator: inout SeededGenerator
  ) throws {
    if generator.oneIn(40) {
      lives.remove(at: index).worker.shutDown()
    } else if generator.oneIn(40) {
      lives.remove(at: index).faults.kill()
    } else {
      try lives[index].worker.runOnce()
    }
  }

  /// Ends all daemons but `a`, and lets that one finish.
  private func finish(_ harness: Harness, _ lives: [Harness.Life]) throws {
    for life in lives { life.worker.shutDown() }
    harness.feedEnd()
    let last = harness.start("a", seed: 7)
    let drained = try harness.drain(last)
    #expect(drained)
  }
}
