import Streaming
import Testing

/// Families in the default pack: who is referred when what happens.
@Suite struct FamilyTests {
  static let father = "310101198001010014"
  static let mother = "310101198202020027"
  static let child = "310101201503030038"

  static func composition(
    _ household: String = "HH-1", asOf: String = "2026-01-01", members: [(String, String)]
  ) -> String {
    let list = members.map { #"{"id":"\#(valid($0.0))","relation":"\#($0.1)","name":"测试"}"# }
    return #"{"household":"\#(household)","subdistrict":"310101002","committee":"310101002001","#
      + #""address":"测试路1号","hukouSubdistrict":"310101002","asOf":"\#(asOf)","#
      + #""members":[\#(list.joined(separator: ","))]}"#
  }

  /// The number with its right check character.
  static func valid(_ id: String) -> String {
    let weights = [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2]
    let digits = id.prefix(17).compactMap(\.wholeNumberValue)
    let sum = zip(digits, weights).reduce(0) { $0 + $1.0 * $1.1 }
    return id.prefix(17) + String(Array("10X98765432")[sum % 11])
  }

  static let family = composition(members: [(father, "02"), (mother, "10"), (child, "20")])

  @Test func aNewFamilyIsNoNews() throws {
    let scenario = try Scenario()
    try scenario.event("household.composition", "2026-01-02T09:00:00+08:00", FamilyTests.family)
    #expect(scenario.outputs.lines == [])
  }

  @Test func aChildIsLeftWithoutCarer() throws {
    let scenario = try Scenario()
    try scenario.event("household.composition", "2026-01-02T09:00:00+08:00", FamilyTests.family)
    try scenario.event(
      "notice.death", "2026-01-05T09:00:00+08:00",
      #"{"person":"\#(FamilyTests.valid(FamilyTests.father))","date":"2026-01-04"}"#)
    let before = scenario.outputs.lines
    #expect(!before.contains { $0.hasPrefix("A05") })
    let published = try scenario.event(
      "notice.custody", "2026-01-06T09:00:00+08:00",
      #"{"person":"\#(FamilyTests.valid(FamilyTests.mother))","state":"detained","date":"2026-01-06"}"#)
    #expect(published.lines.contains("A05 advisor requested/1 P0"))
    #expect(published.lines.contains("alert A05 firing restricted"))
    let referral = try #require(published.first { $0.text("rule") == "A05" && $0.topic.hasPrefix("referrals") })
    #expect(referral.topic == "referrals.advisor.310101")
    #expect(referral.text("dueAt") == "2026-01-06T09:30:00+08:00")
    let subject = try #require(referral.json["subject"] as? [String: Any])
    #expect(subject["id"] == nil && subject["age"] as? Int == 10)
  }

  @Test func aRetractedNoticeIsUndone() throws {
    let scenario = try Scenario()
    try scenario.event("household.composition", "2026-01-02T09:00:00+08:00", FamilyTests.family)
    try scenario.event(
      "notice.death", "2026-01-05T09:00:00+08:00",
      #"{"person":"\#(FamilyTests.valid(FamilyTests.father))","date":"2026-01-04"}"#)
    try scenario.event(
      "notice.custody", "2026-01-06T09:00:00+08:00",
      #"{"person":"\#(FamilyTests.valid(FamilyTests.mother))","state":"detained","date":"2026-01-06"}"#,
      id: "wrong")
    let published = try scenario.event(
      "notice.retracted", "2026-01-06T10:00:00+08:00", #"{"retracts":"wrong","reason":"error"}"#)
    #expect(published.lines.contains { $0.hasPrefix("A05 advisor withdrawn (retracted)") })
    #expect(published.lines.contains { $0.hasPrefix("alert F03 firing") })
    #expect(published.lines.contains("alert A05 resolved restricted"))
  }

  @Test func duplicatesChangeNothing() throws {
    let scenario = try Scenario()
    try scenario.event("household.composition", "2026-01-02T09:00:00+08:00", FamilyTests.family)
    let data = #"{"person":"\#(FamilyTests.valid(FamilyTests.father))","date":"2026-01-04"}"#
    try scenario.event("notice.death", "2026-01-05T09:00:00+08:00", data, id: "d")
    #expect(try scenario.event("notice.death", "2026-01-05T09:00:00+08:00", data, id: "d").isEmpty)
  }

  @Test func rejectedFeedbackMayComeAgain() throws {
    let scenario = try Scenario()
    func feedback() throws -> [String] {
      try scenario.event(
        "referral.accepted", "2026-01-05T09:00:00+08:00",
        #"{"referral":"R-UNKNOWN","by":"C-1","date":"2026-01-05"}"#, id: "f-1"
      ).lines
    }
    // A dead letter was never accepted: requeued, it is judged again, not dropped as known.
    #expect(try feedback() == ["deadletter unknown-referral"])
    #expect(try feedback() == ["deadletter unknown-referral"])
  }
}
