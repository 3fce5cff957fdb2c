import Foundation
import Streaming
import Testing

/// What readers can tell from outputs beside their texts: whose notice it was, where somebody lives
/// now, which topic an alert is on (semantics 15, 25 and 33).
@Suite struct ConfidentialTests {
  static let carer = FamilyTests.valid("310180198001010014")
  static let elder = FamilyTests.valid("310180194003030038")
  static let child = FamilyTests.valid("310180201503030038")

  /// A carer with a child, or with an elder who depends on help.
  private func household(
    _ scenario: Scenario, withChild: Bool = false, committee: String = "310101002001",
    asOf: String = "2026-01-01"
  ) throws -> [OutputRecord] {
    let members =
      #"[{"id":"\#(Self.carer)","relation":"02","name":"测试"},"#
      + (withChild
        ? #"{"id":"\#(Self.child)","relation":"20","name":"测试"}]"#
        : #"{"id":"\#(Self.elder)","relation":"50","name":"测试","selfCare":"none"}]"#)
    return try scenario.event(
      "household.composition", asOf + "T09:00:00+08:00",
      #"{"household":"HH-1","subdistrict":"\#(committee.prefix(9))","committee":"\#(committee)","#
        + #""address":"测试路1号","asOf":"\#(asOf)","members":\#(members)}"#, source: "urn:registry")
  }

  /// The carer goes: the same in all but the notice.
  private func carerGoes(
    _ type: String, _ state: String, withChild: Bool = false
  ) throws -> [OutputRecord] {
    let scenario = try Scenario()
    _ = try household(scenario, withChild: withChild)
    return try scenario.event(
      type, "2026-01-05T09:00:00+08:00",
      #"{"person":"\#(Self.carer)","state":"\#(state)","date":"2026-01-05"}"#, id: "the-notice",
      source: "urn:the-office")
  }

  static let causes = [
    ("notice.drug-treatment", "compulsory"), ("notice.custody", "detained"),
    ("notice.illness", "hospitalised"), ("notice.residence", "missing"),
  ]

  @Test(arguments: causes)
  func advisorsDoNotLearnWhoseNoticeItWas(_ type: String, _ state: String) throws {
    let published = try [true, false].flatMap { try carerGoes(type, state, withChild: $0) }
      .filter { $0.topic.hasPrefix("referrals.advisor") }
    #expect(Set(published.map { $0.text("rule") }).isSuperset(of: ["A05", "C06"]))
    for output in published where ["A05", "C06", "need"].contains(output.text("rule")) {
      let text = String(decoding: output.value ?? [], as: UTF8.self)
      #expect(!text.contains("the-notice") && !text.contains("the-office"), "\(text)")
    }
  }

  /// Whatever the cause, an advisor's evidence looks the same.
  @Test(arguments: ["A05", "C06"])
  func theEvidenceOfAllCausesIsAlike(_ rule: String) throws {
    let evidence = try Self.causes.map { type, state in
      let output = try #require(
        try carerGoes(type, state, withChild: rule == "A05").first {
          $0.text("rule") == rule && $0.topic.hasPrefix("referrals.advisor")
        })
      return try JSONSerialization.data(
        withJSONObject: output.json["evidence"] ?? [], options: .sortedKeys)
    }
    #expect(Set(evidence).count == 1)
  }

  @Test func alertsThatRestOnDrugTreatmentAreRestricted() throws {
    let drug = try carerGoes("notice.drug-treatment", "compulsory").lines
    #expect(drug.contains("alert C06 firing restricted"))
    #expect(!drug.contains { $0.hasPrefix("alert") && !$0.hasSuffix("restricted") })
    let illness = try carerGoes("notice.illness", "hospitalised").lines
    #expect(illness.contains("alert C06 firing 310101"))
  }

  @Test func headersDoNotTellWhereAHouseholdWent() throws {
    let scenario = try Scenario(directory: MoveTests.directory)
    _ = try household(scenario)
    try scenario.event(
      "notice.illness", "2026-01-05T09:00:00+08:00",
      #"{"person":"\#(Self.carer)","state":"hospitalised","date":"2026-01-05"}"#)
    var published = try household(scenario, committee: "310104003001", asOf: "2026-01-06")
    published += try scenario.event(
      "notice.illness", "2026-01-07T09:00:00+08:00",
      #"{"person":"\#(Self.carer)","state":"discharged","date":"2026-01-07"}"#)
    let former = published.filter { $0.topic.hasSuffix(".310101") }
    #expect(former.contains { $0.topic.hasPrefix("referrals.advisor") })
    #expect(former.contains { $0.topic.hasPrefix("alerts") })
    for output in former {
      #expect(output.header("subdistrict")?.hasPrefix("310104") != true, "\(output.topic)")
      #expect(output.header("committee")?.hasPrefix("310104") != true, "\(output.topic)")
      let text = String(decoding: output.value ?? [], as: UTF8.self)
      #expect(!text.contains("310104"), "\(text)")
    }
  }

  /// A household as a whole has no age, and what is not known is not written as an empty text.
  @Test func valuesHaveNoEmptyFields() throws {
    let published = try carerGoes("notice.illness", "hospitalised")
    let resource = try #require(published.first { $0.topic.hasPrefix("referrals.resource") })
    #expect(resource.json["ageBand"] == nil)
    let scenario = try Scenario()
    let unknown = try scenario.event(
      "report.hotline", "2026-01-05T09:00:00+08:00",
      #"{"about":{"id":"\#(Self.elder)"},"difficulties":["income"],"date":"2026-01-05"}"#)
    let referral = try #require(unknown.first { $0.topic == "referrals.advisor.000000" })
    let place = try #require(referral.json["household"] as? [String: Any])
    #expect(Set(place.keys) == ["id", "district"])
  }

  /// Decisions carry the headers that every output has, and the trace of their event.
  @Test func decisionsHaveTheHeadersOfOutputs() throws {
    let scenario = try Scenario()
    _ = try household(scenario)
    let trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    let published = try scenario.event(
      "notice.illness", "2026-01-05T09:00:00+08:00",
      #"{"person":"\#(Self.carer)","state":"hospitalised","date":"2026-01-05"}"#,
      extra: #","traceparent":"\#(trace)""#)
    let decisions = published.filter { $0.topic == "decisions" }
    #expect(!decisions.isEmpty)
    for decision in decisions {
      #expect(decision.header("urgency") == "P0")
      #expect(decision.header("subdistrict") == "310101002")
      #expect(decision.header("committee") == "310101002001")
      #expect(decision.header("traceparent") == trace)
    }
  }
}
