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

  /// A household as the format before wrote it, of what `encoded` writes now.
  private static func withoutShort(_ household: HouseholdState) -> [UInt8] {
    let short = HouseholdBrief.size - 16..<HouseholdBrief.size - 8
    let links = [UInt8](reserving: 64) { $0.list(household.links) { $0.link($1) } }
    var bytes = household.encoded()
    // The people came behind the compositions, of which there are none.
    bytes.removeSubrange(HouseholdBrief.size..<HouseholdBrief.size + links.count)
    bytes.insert(contentsOf: links, at: HouseholdBrief.size + 1)
    bytes.removeSubrange(short)
    bytes[0] = HouseholdState.formerFormats.withHeld
    return bytes
  }

  @Test func aBriefThatDoesNotTellWhatIsShortIsRead() throws {
    var household = HouseholdFormatTests.household(held: 1)
    household.outlook.unable = 6
    household.outlook.standing = 7
    household.links = [
      PersonLink(
        person: CitizenID(validatedDigits: 31_018_019_500_101_001), sequence: 2, claims: .none,
        acknowledged: 2, handedOver: 1)
    ]
    let bytes = HouseholdFormatTests.withoutShort(household)
    #expect(try HouseholdFormatTests.read(bytes) == household)
    #expect(bytes.withUnsafeBytes { HouseholdBrief($0) } == nil)
    household.outlook.short = 5
    let now = household.encoded()
    #expect(try HouseholdFormatTests.read(now) == household)
    #expect(try now.withUnsafeBytes { try HouseholdState.people(in: $0) } == household.people)
  }

  @Test func answersThatDoNotTellWhatHeldAreRead() throws {
    let none = HouseholdFormatTests.household(held: 0)
    var bytes = HouseholdFormatTests.withoutShort(none)
    let other = HouseholdFormatTests.withoutShort(HouseholdFormatTests.household(held: 1))
    let held = try #require(bytes.indices.first { bytes[$0] != other[$0] })
    bytes.remove(at: held)
    bytes[0] = HouseholdState.formerFormats.withBrief
    #expect(try HouseholdFormatTests.read(bytes) == none)
    // A brief of another format is not relied on: the next message is a visit.
    #expect(bytes.withUnsafeBytes { HouseholdBrief($0) } == nil)
  }
}
