import Streaming
import Testing

/// What the sender of a notice is called must not tell what the notice was about.
@Suite struct OriginTests {
  private static let sender = "urn:example:ankang"

  /// The texts of everything published to those who may not know of custody or treatment.
  private func told(_ outputs: [OutputRecord]) -> [String] {
    outputs.filter { $0.topic != "alerts.restricted" && $0.topic != "decisions" }
      .map { String(decoding: $0.value ?? [], as: UTF8.self) }
  }

  private static let notices = [
    ("notice.drug-treatment", #""state":"compulsory","date":"2026-01-06""#),
    ("notice.custody", #""state":"detained","date":"2026-01-06""#),
  ]

  @Test(arguments: notices)
  func aChildLeftAloneIsReferredWithoutASender(type: String, rest: String) throws {
    let scenario = try Scenario()
    let members = [(FamilyTests.mother, "02"), (FamilyTests.child, "20")]
    try scenario.event(
      "household.composition", "2026-01-02T09:00:00+08:00",
      FamilyTests.composition(members: members))
    let mother = FamilyTests.valid(FamilyTests.mother)
    let published = try scenario.event(
      type, "2026-01-06T09:00:00+08:00", #"{"person":"\#(mother)",\#(rest)}"#, id: "n-1",
      source: Self.sender)
    let referral = try #require(
      published.first { $0.text("rule") == "A05" && $0.topic.hasPrefix("referrals") })
    let evidence = try #require(referral.json["evidence"] as? [[String: Any]])
    #expect(evidence.count == 2)
    for item in evidence {
      #expect(item["value"] != nil && item["at"] != nil)
      #expect(item["event"] == nil && item["source"] == nil)
    }
    // Those who may know are told whose notice it was.
    let alert = try #require(published.first { $0.topic == "alerts.restricted" })
    let known = try #require(alert.json["evidence"] as? [[String: Any]])
    #expect(known.allSatisfy { $0["event"] as? String == "n-1" })
    let withdrawn = try scenario.event(
      "notice.retracted", "2026-01-07T09:00:00+08:00", #"{"retracts":"n-1","reason":"误报"}"#,
      source: Self.sender)
    #expect(withdrawn.lines.contains { $0.hasPrefix("A05 advisor withdrawn") })
    for text in told(published + withdrawn) {
      #expect(!text.contains("n-1") && !text.contains(Self.sender))
    }
  }

  /// A retracted notice of custody is corrected without its sender, also where no alert was
  /// restricted.
  @Test func aCorrectionDoesNotNameASenderEither() throws {
    let scenario = try Scenario()
    let members = [(FamilyTests.father, "02"), (FamilyTests.mother, "10")]
    try scenario.event(
      "household.composition", "2026-01-02T09:00:00+08:00",
      FamilyTests.composition(members: members))
    let father = FamilyTests.valid(FamilyTests.father)
    try scenario.event(
      "assistance.decision", "2026-01-03T09:00:00+08:00",
      #"{"household":"HH-1","applicant":"\#(father)","programme":"dibao","state":"granted","#
        + #""date":"2026-01-03"}"#)
    try scenario.event(
      "notice.custody", "2026-01-06T09:00:00+08:00",
      #"{"person":"\#(father)","state":"imprisoned","date":"2026-01-06"}"#, id: "n-1",
      source: Self.sender)
    let corrected = try scenario.event(
      "notice.retracted", "2026-01-07T09:00:00+08:00", #"{"retracts":"n-1","reason":"误报"}"#,
      id: "n-2", source: Self.sender)
    let alerts = corrected.filter { $0.text("rule") == "F03" }
    #expect(!alerts.isEmpty)
    for text in told(alerts) {
      #expect(!text.contains("n-2") && !text.contains(Self.sender))
    }
  }
}
