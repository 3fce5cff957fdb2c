import Runtime
import Simulation
import Streaming
import Testing

/// What a worker does when policy or directory change: every stored household is visited once, live
/// events first, whatever happens on the way.
@Suite struct SweepTests {
  private func swept(_ harness: Harness, _ world: Int) -> [String] {
    harness.cluster.committedRecords(harness.layout.full("alerts.x")).joined()
      .compactMap { $0.value.map { String(decoding: $0, as: UTF8.self) } }
      .filter { $0.hasSuffix("in world \(world)") }.sorted()
  }

  private func households(_ harness: Harness, _ name: String = "a") -> [String] {
    (0..<harness.layout.partitions).flatMap { partition in
      harness.storages[name]?.entries(.households, partition).map {
        String(decoding: $0.key, as: UTF8.self)
      } ?? []
    }.filter { $0.hasPrefix("h") }.sorted()
  }

  private func isWhole(_ harness: Harness, _ world: Int) -> Bool {
    swept(harness, world) == households(harness).map { "\($0) in world \(world)" }
  }

  private func turn(_ life: Harness.Life, _ times: Int) throws {
    for _ in 0..<times { try life.worker.runOnce() }
  }

  @Test func aNewWorldIsTakenOverBetweenBatchesAndSweptInSlices() throws {
    let harness = Harness()
    harness.configuration.sweepPerIdleTransaction = 2
    harness.feed(60)
    let box = BroadcastBox<Int64>()
    box.publish(1)
    let life = harness.start(source: BroadcastStages(box) { Toy.stages(world: $0) })
    #expect(try harness.drain(life))
    // What is made under a world is in line with it.
    #expect(swept(harness, 1).isEmpty)
    #expect(households(harness).count > 4)
    box.publish(2)
    try turn(life, 1)
    #expect(swept(harness, 2).count <= 2)
    #expect(try harness.drain(life))
    #expect(isWhole(harness, 2))
    box.publish(3)
    #expect(try harness.drain(life))
    #expect(isWhole(harness, 3))
    #expect(isWhole(harness, 2))
  }

  @Test func liveEventsComeFirst() throws {
    let harness = Harness(mode: .wall)
    harness.configuration.sweepPerTransaction = 1
    harness.feed(60)
    let box = BroadcastBox<Int64>()
    box.publish(1)
    let life = harness.start(source: BroadcastStages(box) { Toy.stages(world: $0) })
    #expect(try harness.drain(life))
    let before = revisions(harness)
    let known = households(harness)
    #expect(known.count == 6)
    box.publish(2)
    harness.feed(40, from: 1000)
    // A turn takes a batch of them through all stages, and a household swept.
    try turn(life, 1)
    #expect(revisions(harness) > before + 5)
    #expect(swept(harness, 2).count <= 1)
    #expect(try harness.drain(life))
    #expect(Set(swept(harness, 2)).isSuperset(of: known.map { "\($0) in world 2" }))
    #expect(Set(swept(harness, 2)).count == swept(harness, 2).count)
  }

  private func revisions(_ harness: Harness) -> Int {
    Harness.outTopics.filter { $0.hasPrefix("referrals") }.reduce(0) {
      $0 + harness.cluster.committedRecords(harness.layout.full($1)).joined().count
    }
  }

  @Test func aChangeWhileNobodyRanIsSeenAtTheNextStart() throws {
    let harness = Harness()
    harness.feed(40)
    let first = harness.start(stages: Toy.stages(world: 1))
    #expect(try harness.drain(first))
    first.worker.shutDown()
    let second = harness.start(stages: Toy.stages(world: 2))
    #expect(try harness.drain(second))
    second.worker.shutDown()
    #expect(isWhole(harness, 2))
    // And by an instance that has nothing but the changelog.
    let third = harness.start("b", stages: Toy.stages(world: 3))
    #expect(try harness.drain(third))
    #expect(isWhole(harness, 3))
    third.worker.shutDown()
    let fourth = harness.start("b", client: "b2", stages: Toy.stages(world: 3))
    #expect(try harness.drain(fourth))
    #expect(isWhole(harness, 3))
  }

  /// The process dies once, at each call it makes while it sweeps.
  @Test func aCrashAnywhereVisitsEachHouseholdOnce() throws {
    func prepared() throws -> Harness {
      let harness = Harness()
      harness.configuration.sweepPerIdleTransaction = 2
      harness.feed(20)
      let life = harness.start(stages: Toy.stages(world: 1))
      #expect(try harness.drain(life))
      life.worker.shutDown()
      return harness
    }
    let counting = try prepared()
    let whole = counting.start(stages: Toy.stages(world: 2))
    #expect(try counting.drain(whole))
    #expect(isWhole(counting, 2))
    let steps = whole.faults.reached
    #expect(steps > 30)
    for step in 0..<steps {
      let harness = try prepared()
      let doomed = harness.start(faults: .crash(at: step), stages: Toy.stages(world: 2))
      if try !harness.drain(doomed) {
        let heir = harness.start(stages: Toy.stages(world: 2))
        #expect(try harness.drain(heir))
        heir.worker.shutDown()
      }
      #expect(isWhole(harness, 2), "crash at step \(step): \(swept(harness, 2))")
    }
  }
}
