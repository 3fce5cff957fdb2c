import Records
import Streaming
import Testing
import Vocabulary

@testable import Stages

/// A rule about the people whom an event names is not asked of those of whom what it needs was never
/// stated; when it is stated, the event is decided.
@Suite struct NeededOfSubjectTests {
  private static let father = FamilyTests.valid("310180198001010018")
  private static let mother = FamilyTests.valid("310180198205050026")
  private static let grandfather = FamilyTests.valid("310180195006060018")

  private static func death(_ person: String, on day: String, arriving arrival: String) -> (
    type: String, time: String, data: String, extra: String
  ) {
    (
      "notice.death", "\(day)T10:00:00+08:00", #"{"person":"\#(person)","date":"\#(day)"}"#,
      #","recordedtime":"\#(arrival)T10:00:00+08:00""#
    )
  }

  @Test func aTransactionOfTheLivingIsNoVisitUntilTheyAreKnownToBeDead() throws {
    let pack = try Scenario.pack.get()
    let rulebook = Rulebook(pack: pack)
    let rule = try #require(rulebook.eventRule("A04"))
    #expect(rulebook.needingOfOwn & rule.mask != 0)
    let scenario = try Scenario()
    try scenario.event(
      "household.composition", "2026-01-05T09:00:00+08:00",
      FamilyTests.composition(
        asOf: "2026-01-05",
        members: [(Self.father, "02"), (Self.mother, "10"), (Self.grandfather, "50")]))
    let first = Self.death(Self.grandfather, on: "2026-01-06", arriving: "2026-01-06")
    try scenario.event(first.type, first.time, first.data, extra: first.extra)
    let key = HouseholdState.stateKey(HouseholdKey(registry: "HH-1"))
    func kept() -> [UInt8]? {
      scenario.pipeline.entries(.households).first { $0.key == key }?.value
    }
    let before = kept()
    try scenario.event(
      "window.transaction", "2026-01-07T10:00:00+08:00",
      #"{"transactionId":"t-1","centre":"310101002","line":"ps","item":"其他","#
        + #""stage":"submitted","applicant":{"id":"\#(Self.mother)"}}"#)
    #expect(kept() == before)
    let late = Self.death(Self.mother, on: "2026-01-06", arriving: "2026-01-08")
    let outputs = try scenario.event(late.type, late.time, late.data, extra: late.extra)
    #expect(outputs.contains { $0.topic.hasPrefix("referrals.") && $0.text("rule") == "A04" })
  }
}
