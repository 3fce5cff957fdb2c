import Records
import Streaming
import Testing
import Vocabulary

@testable import Stages

/// A household's referrals keep what is seldom asked for as bytes.
@Suite struct ReferralDetailsTests {
  private static let at = Instant(microseconds: 1_772_000_000_000_000)

  private static func household() -> HouseholdState {
    let evidence = Evidence(fact: "event.date", value: "2026-03-02", event: nil, source: "s", at: at)
    let details = ReferralDetails(
      assignee: Assignment.unassigned.advisor, assigneeLevel: "district", category: "policy",
      programmes: ["dibao"], needs: [], task: "请五个工作日内联系", evidence: [evidence],
      history: [HistoryItem(at: at, what: "requested", by: "urn:example:outreach")],
      candidates: ["r-1"], contactThrough: "a-1", review: true, missing: ["person.income"],
      formerly: ["R-OLD/2"])
    let referral = Referral(
      id: "R-1", revision: 1, state: .requested, reason: nil, bundle: "B-1", receiver: .advisor,
      entry: 0, area: "310180001001", urgency: .p2, openedAt: at, dueAt: at, claimFrom: at,
      escalation: 2, overdueAt: nil, details: KeptDetails(details))
    var household = HouseholdState(key: HouseholdKey(registry: "HH-1"))
    household.openings = [
      Opening(
        rule: "B01", subject: nil, ordinal: 1, phase: .open, since: at, ceased: false,
        openedAt: at, openedBy: at, triggers: [], review: true, referrals: [referral], alerts: [])
    ]
    return household
  }

  private static func read(_ bytes: [UInt8]) throws -> HouseholdState {
    try bytes.withUnsafeBytes { try HouseholdState(key: HouseholdKey(registry: "HH-1"), $0) }
  }

  @Test func detailsComeBackAsTheyWere() throws {
    let household = ReferralDetailsTests.household()
    let copy = try ReferralDetailsTests.read(household.encoded())
    #expect(copy.encoded() == household.encoded())
    let referral = copy.openings[0].referrals[0]
    #expect(referral.isUnassigned && referral.lastChange == ReferralDetailsTests.at)
    #expect(referral.task == "请五个工作日内联系" && referral.formerly == ["R-OLD/2"])
    #expect(copy == household)
    #expect(copy.encoded() == household.encoded())
  }

  @Test func whatIsChangedIsWrittenAnew() throws {
    let household = ReferralDetailsTests.household()
    var copy = try ReferralDetailsTests.read(household.encoded())
    let later = ReferralDetailsTests.at.adding(days: 1)
    copy.openings[0].referrals[0].assignee = "a-2"
    copy.openings[0].referrals[0].history.append(HistoryItem(at: later, what: "accepted", by: "a-2"))
    #expect(copy != household)
    let again = try ReferralDetailsTests.read(copy.encoded())
    #expect(again == copy)
    #expect(!again.openings[0].referrals[0].isUnassigned)
    #expect(again.openings[0].referrals[0].lastChange == later)
    #expect(household.openings[0].referrals[0].history.count == 1)
  }

  /// Damaged details are found when the household is loaded, not when somebody asks for them.
  @Test func damagedDetailsAreNotTaken() {
    let bytes = ReferralDetailsTests.household().encoded()
    for length in 0..<bytes.count {
      #expect(throws: DecodingFailure.self) {
        try ReferralDetailsTests.read(Array(bytes[..<length]))
      }
    }
  }
}
