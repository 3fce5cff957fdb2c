import Policy
import Records
import Streaming
import Testing
import Vocabulary

@testable import Stages

/// A rule that goes through a list of events is not decided again for an event that it cannot see
/// there, nor as long as fewer are on file than it asks for.
@Suite struct ListConditionTests {
  private static let father = FamilyTests.valid("310180198001010018")
  private static let mother = FamilyTests.valid("310180198202020026")
  /// Weights 60, 55 and 0.
  private static let unemployed = #""line":"hrss","item":"失业登记""#
  private static let benefit = #""line":"hrss","item":"失业保险金申领""#
  private static let other = #""line":"ps","item":"其他""#

  private static func family() throws -> Scenario {
    let scenario = try Scenario()
    try scenario.event(
      "household.composition", "2026-01-05T09:00:00+08:00",
      FamilyTests.composition(asOf: "2026-01-05", members: [(father, "02"), (mother, "10")]))
    return scenario
  }

  @discardableResult
  private static func transaction(
    _ scenario: Scenario, _ item: String, by applicant: String, on day: String,
    arriving arrival: String? = nil, transaction: String = ""
  ) throws -> [OutputRecord] {
    let time = "\(day)T10:00:00+08:00"
    let recorded = arrival.map { #","recordedtime":"\#($0)T10:00:00+08:00""# } ?? ""
    return try scenario.event(
      "window.transaction", time,
      #"{"transactionId":"t\#(transaction.isEmpty ? day + applicant : transaction)","#
        + #""centre":"310101002",\#(item),"stage":"submitted","applicant":{"id":"\#(applicant)"}}"#,
      extra: recorded)
  }

  /// What is kept of the household itself.
  private static func kept(_ scenario: Scenario) throws -> [UInt8] {
    let key = HouseholdState.stateKey(HouseholdKey(registry: "HH-1"))
    return try #require(scenario.pipeline.entries(.households).first { $0.key == key }).value
  }

  /// What the rule on signals opened.
  private static func opened(_ outputs: [OutputRecord]) -> [OutputRecord] {
    outputs.filter { $0.topic.hasPrefix("referrals.") && $0.text("rule") == "E06" }
  }

  @Test func theRuleOnSignalsAsksForTwoOfNinetyInAll() throws {
    let pack = try Scenario.pack.get()
    let rulebook = Rulebook(pack: pack)
    #expect(rulebook.counting.map(\.rule.id) == ["E06"])
    let lists = try #require(rulebook.eventRule("E06")).lists
    // The least of all districts.
    #expect(lists.thresholds.map(\.least) == [SIMD4(90, 2, 0, 0)])
    let transactions = FactID(rawValue: EventTypeID("window.transaction").rawValue)
    #expect(lists.changes.touches(rulebook.mask([transactions])))
  }

  @Test func aFirstSignalIsNoVisit() throws {
    let scenario = try Self.family()
    let before = try Self.kept(scenario)
    try Self.transaction(scenario, Self.unemployed, by: Self.father, on: "2026-01-10")
    #expect(try Self.kept(scenario) == before)
    // A later stage is no second one, on whatever day.
    try Self.transaction(
      scenario, Self.unemployed, by: Self.father, on: "2026-01-12",
      transaction: "2026-01-10" + Self.father)
    #expect(try Self.kept(scenario) == before)
  }

  @Test func theSignalsOfAnotherMemberCount() throws {
    let scenario = try Self.family()
    try Self.transaction(scenario, Self.unemployed, by: Self.father, on: "2026-02-10")
    let outputs = try Self.transaction(scenario, Self.benefit, by: Self.mother, on: "2026-02-20")
    #expect(Self.opened(outputs).count == 1)
  }

  @Test func anEventThatPassedIsDecidedWhenAnEarlierOneComesLate() throws {
    let scenario = try Self.family()
    try Self.transaction(scenario, Self.unemployed, by: Self.father, on: "2026-02-20")
    let outputs = try Self.transaction(
      scenario, Self.benefit, by: Self.mother, on: "2026-02-10", arriving: "2026-02-21")
    #expect(Self.opened(outputs).count == 1)
  }

  @Test func whatHasNoWeightIsNoVisitWhileTheReferralIsOpen() throws {
    let scenario = try Self.family()
    try Self.transaction(scenario, Self.unemployed, by: Self.father, on: "2026-02-10")
    try Self.transaction(scenario, Self.benefit, by: Self.mother, on: "2026-02-20")
    let before = try Self.kept(scenario)
    let outputs = try Self.transaction(
      scenario, Self.other, by: Self.mother, on: "2026-02-20", transaction: "other")
    #expect(outputs.isEmpty)
    #expect(try Self.kept(scenario) == before)
    let more = try Self.transaction(
      scenario, Self.unemployed, by: Self.mother, on: "2026-02-20", transaction: "more")
    #expect(Self.opened(more).count == 1)
  }
}
