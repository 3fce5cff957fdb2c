import City
import Runtime
import Simulation
import Stages
import Streaming
import Testing
import Vocabulary

/// `run` and `replay` agree (semantics 26): the worker on the simulated log, on a wall clock that
/// shows what the clock of `replay` shows, against the pipeline of `replay` on the same events.
@Suite struct AgreementTests {
  private static let end = Instant("2026-02-15T00:00:00+08:00")

  /// With one event in flight at a time they agree to the byte, in the order of each topic.
  @Test func oneEventAtATimeAgreesToTheByte() throws {
    let end = try #require(AgreementTests.end)
    let city = try SmallCity(seed: 11)
    let replay = try city.replay(until: end)
    let daemons = CityDaemons(city, partitions: 1)
    let life = try daemons.start("a")
    for (event, clock) in zip(city.events, replay.clocks) {
      try daemons.pass(to: clock, life)
      try daemons.drain(life)
      daemons.append(event)
      try daemons.drain(life)
    }
    try daemons.pass(to: end, life)
    try daemons.drain(life)
    let expected = Dictionary(grouping: replay.outputs, by: \.topic)
    #expect(Set(expected.keys).isSubset(of: city.outTopics))
    for topic in city.outTopics {
      let outputs = daemons.published(topic).map(AgreementTests.withoutArrival)
      let isSame = outputs == (expected[topic] ?? []).map(AgreementTests.withoutArrival)
      #expect(isSame, "\(topic)")
    }
    let counts = expected.mapValues(\.count)
    #expect(counts.filter { $0.key.hasPrefix("referrals.") }.values.reduce(0, +) > 100)
    #expect(counts["decisions", default: 0] > 0 && counts["deadletters", default: 0] > 0)
  }
  /// The instant at which a dead letter reached the log is a wall-clock time: the lines of `replay`
  /// never did.
  private static func withoutArrival(_ record: OutputRecord) -> OutputRecord {
    var record = record
    record.headers.removeAll { $0.name == "assist_original_timestamp" }
    return record
  }

  /// A backlog on several partitions, with a crash and a rebalance under way, ends with the same
  /// open referrals, and nothing is said twice.
  @Test(arguments: [11, 13] as [UInt64])
  func aBacklogEndsWithTheSameOpenReferrals(seed: UInt64) throws {
    let end = try #require(AgreementTests.end)
    let city = try SmallCity(seed: seed)
    let replay = try city.replay(until: end)
    let daemons = CityDaemons(city, partitions: 3)
    daemons.set(clock: try #require(replay.clocks.last))
    city.events.forEach(daemons.append)
    let life = try throughCrashAndRebalance(daemons)
    try daemons.drain(life)
    try daemons.pass(to: end, life)
    try daemons.drain(life)
    let kept = try daemons.kept(life)
    let mine = open(kept)
    let theirs = open(replay.kept)
    #expect(mine == theirs)
    #expect(mine.count > 50)
    var records: [String: [OutputRecord]] = [:]
    var lastStates: [String: String] = [:]
    for record in city.outTopics.flatMap(daemons.published) where record.topic != "deadletters" {
      let identifierAndRevision = try #require(record.header("ce_id"))
      #expect(records[identifierAndRevision]?.contains(record) != true)
      records[identifierAndRevision, default: []].append(record)
      if record.topic.hasPrefix("referrals.") {
        lastStates[record.text("referral")] = record.text("state")
      }
    }
    let publishedOpen = lastStates.filter {
      ["requested", "accepted", "in-progress"].contains($0.value)
    }
    #expect(Set(publishedOpen.keys) == Set(kept.flatMap { $0.tasks.map(\.referral) }))
    #expect(records.filter { $0.value.count > 1 }.keys.sorted() == [])
  }

  private func throughCrashAndRebalance(_ daemons: CityDaemons) throws -> CityDaemons.Life {
    let doomed = try daemons.start("a", faults: .crash(at: 1000), seed: 1)
    for _ in 0..<1000 where !doomed.faults.isDead { _ = try? doomed.worker.runOnce() }
    #expect(doomed.faults.isDead && daemons.backlog > 0)
    let heir = try daemons.start("a", seed: 2)
    for _ in 0..<2 { try heir.worker.runOnce() }
    let second = try daemons.start("b", seed: 3)
    for _ in 0..<100
    where heir.worker.ownedPartitions == 0 || second.worker.ownedPartitions == 0 {
      try heir.worker.runOnce()
      try second.worker.runOnce()
    }
    #expect(heir.worker.ownedPartitions > 0 && second.worker.ownedPartitions > 0)
    #expect(daemons.backlog > 0)
    for _ in 0..<3 {
      try heir.worker.runOnce()
      try second.worker.runOnce()
    }
    second.worker.shutDown()
    return heir
  }

  private func open(_ households: [SettledHousehold]) -> Set<String> {
    Set(
      households.flatMap { household in
        household.tasks.map {
          "\(household.household) \($0.rule) \($0.subject?.text ?? "-") \($0.receiver)"
        }
      })
  }
}
