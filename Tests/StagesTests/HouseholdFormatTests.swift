import Records
import Streaming
import Testing
import Vocabulary

@testable import Stages

/// What former versions wrote of a household is still read.
@Suite struct HouseholdFormatTests {
  private static func household(held: UInt64) -> HouseholdState {
    var household = HouseholdState(key: HouseholdKey(registry: "HH-1"))
    household.decisionCount = 3
    household.answers.replace(
      policy: 9,
      [(EventKey(source: "s", id: "e-1"), EventAnswers.Said(gated: 5, quiet: 2, held: held))])
    return household
  }

  private static func read(_ bytes: [UInt8]) throws -> HouseholdState {
    try bytes.withUnsafeBytes { try HouseholdState(key: HouseholdKey(registry: "HH-1"), $0) }
  }

  @Test func whatHeldComesBack() throws {
    let household = HouseholdFormatTests.household(held: 1 << 40)
    #expect(try HouseholdFormatTests.read(household.encoded()) == household)
  }

  @Test func answersThatDoNotTellWhatHeldAreRead() throws {
    let none = HouseholdFormatTests.household(held: 0)
    var bytes = none.encoded()
    let other = HouseholdFormatTests.household(held: 1).encoded()
    let held = try #require(bytes.indices.first { bytes[$0] != other[$0] })
    bytes.remove(at: held)
    bytes[0] = HouseholdState.formerFormats.withBrief
    #expect(try HouseholdFormatTests.read(bytes) == none)
    // A brief of another format is not relied on: the next message is a visit.
    #expect(bytes.withUnsafeBytes { HouseholdBrief($0) } == nil)
  }
}
