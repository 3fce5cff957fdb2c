import Records
import Streaming
import Testing
import Vocabulary

@testable import Stages

/// Identifiers are made from ordinals: what was handed over never lends its own to another opening.
@Suite struct OrdinalTests {
  private static func opening(_ rule: String, _ ordinal: UInt32) -> Opening {
    let at = Instant(microseconds: 1)
    return Opening(
      rule: rule, subject: nil, ordinal: ordinal, phase: .closed, since: at, ceased: false,
      openedAt: at, openedBy: at, triggers: [], review: false, referrals: [], alerts: [])
  }

  @Test func aSpentOrdinalIsNotGivenAgain() throws {
    var household = HouseholdState(key: HouseholdKey(registry: "HH-1"))
    household.openings = [OrdinalTests.opening("B01", 1), OrdinalTests.opening("B01", 2)]
    household.spend(household.openings[1])
    household.openings.removeAll()
    #expect(household.nextOrdinal("B01", nil) == 3)
    #expect(household.nextOrdinal("B02", nil) == 1)
    let copy = try household.encoded().withUnsafeBytes {
      try HouseholdState(key: household.key, $0)
    }
    #expect(copy.nextOrdinal("B01", nil) == 3)
  }

  @Test func allAreSpentWhereAllIsHandedOver() {
    var household = HouseholdState(key: HouseholdKey(registry: "HH-1"))
    household.openings = [OrdinalTests.opening("B01", 4), OrdinalTests.opening("C01", 1)]
    household.retireOpenings()
    #expect(household.openings.isEmpty)
    #expect(household.nextOrdinal("B01", nil) == 5 && household.nextOrdinal("C01", nil) == 2)
    #expect(household.emptied().nextOrdinal("B01", nil) == 5)
  }
}
