import Foundation
import Stages
import Streaming
import Testing

/// Referrals to social resources: who is asked, what a resource takes on, and what is told of where
/// a household lives (semantics 16, 17, 25, 33).
@Suite struct ResourceTests {
  static let advisor =
    #"{"advisor":"C-1","name":"顾问甲","level":"committee","covers":["310101002001"],"capacity":40}"#

  static func resource(
    _ id: String, needs: String = #""income""#, covers: String = "310101", capacity: Int = 9,
    until: String? = nil, agreement: Bool = true
  ) -> String {
    #"{"resource":"\#(id)","name":"\#(id)","kind":"fund","category":"material","needs":[\#(needs)],"#
      + #""covers":["\#(covers)"],"capacity":\#(capacity)"#
      + (until.map { #","until":"\#($0)""# } ?? "") + (agreement ? #","agreement":"Y-1""# : "") + "}"
  }

  static func person(_ number: Int) -> String {
    FamilyTests.valid("31018019800101" + String(1000 + number).suffix(3) + "0")
  }

  /// Makes households `HH-first` to `HH-last` of one person each known.
  static func settle(
    _ scenario: Scenario, _ numbers: ClosedRange<Int>, committee: String = "310101002001",
    asOf: String = "2026-01-01"
  ) throws {
    for number in numbers {
      try scenario.event(
        "household.composition", asOf + "T09:00:00+08:00",
        #"{"household":"HH-\#(number)","subdistrict":"\#(committee.prefix(9))","#
          + #""committee":"\#(committee)","asOf":"\#(asOf)","#
          + #""members":[{"id":"\#(person(number))","relation":"02","name":"测试"}]}"#)
    }
  }

  /// An application is rejected: E01 goes to the advisor and to a resource.
  @discardableResult
  static func reject(
    _ scenario: Scenario, _ number: Int, on date: String = "2026-01-05"
  ) throws -> [OutputRecord] {
    try scenario.event(
      "assistance.decision", date + "T10:00:00+08:00",
      #"{"household":"HH-\#(number)","applicant":"\#(person(number))","programme":"dibao","#
        + #""state":"rejected","date":"\#(date)","reason":"other"}"#)
  }

  @discardableResult
  static func answer(
    _ scenario: Scenario, _ referral: OutputRecord, _ kind: String, by: String, on date: String,
    extra: String = ""
  ) throws -> [OutputRecord] {
    try scenario.event(
      "referral." + kind, date + "T11:00:00+08:00",
      #"{"referral":"\#(referral.text("referral"))","by":"\#(by)","date":"\#(date)"\#(extra)}"#)
  }

  // MARK: Where the household lives

  @Test func aSmallCommitteeIsNotNamed() throws {
    let scenario = try Scenario(directory: [Self.advisor, Self.resource("W-1")])
    try Self.settle(scenario, 1...19)
    let opened = try #require(try Self.reject(scenario, 1).shared.first)
    #expect(opened.json["committee"] == nil)
    #expect(opened.header("committee") == nil)
    #expect(opened.text("subdistrict") == "310101002")
  }

  @Test func aLargeCommitteeIsNamedFromTheFirstRevisionOn() throws {
    let scenario = try Scenario(directory: [Self.advisor, Self.resource("W-1")])
    try Self.settle(scenario, 1...20)
    let shared = try Self.reject(scenario, 1).shared
    #expect(shared.count == 1)
    let opened = try #require(shared.first)
    #expect(opened.text("committee") == "310101002001")
    #expect(opened.header("committee") == "310101002001")
    #expect(opened.json["revision"] as? Int == 1)
  }

  @Test func anOpenReferralFollowsTheSizeOfTheCommittee() throws {
    let scenario = try Scenario(directory: [Self.advisor, Self.resource("W-1")])
    try Self.settle(scenario, 1...19)
    try Self.reject(scenario, 1)
    scenario.forgetOutputs()
    try Self.settle(scenario, 20...20, asOf: "2026-01-06")
    let grown = try #require(scenario.outputs.shared.first)
    #expect(scenario.outputs.shared.count == 1)
    #expect(grown.text("committee") == "310101002001")
    #expect(grown.json["revision"] as? Int == 2)
    // Another household more changes nothing for it.
    scenario.forgetOutputs()
    try Self.settle(scenario, 21...21, asOf: "2026-01-06")
    #expect(scenario.outputs.isEmpty)
    // Two move away: below the number again.
    try Self.settle(scenario, 20...21, committee: "310101002009", asOf: "2026-01-07")
    let shrunk = try #require(scenario.outputs.shared.last)
    #expect(scenario.outputs.shared.count == 1)
    #expect(shrunk.json["committee"] == nil)
    #expect(shrunk.header("committee") == nil)
    #expect(shrunk.json["revision"] as? Int == 3)
  }

  @Test func whoHasNothingSharedAnyMoreIsNotToldOfTheCommittee() throws {
    let scenario = try Scenario(directory: [Self.advisor, Self.resource("W-1")])
    try Self.settle(scenario, 1...19)
    let opened = try #require(try Self.reject(scenario, 1).shared.first)
    try Self.answer(scenario, opened, "completed", by: "W-1", on: "2026-01-06")
    scenario.forgetOutputs()
    try Self.settle(scenario, 20...20, asOf: "2026-01-07")
    #expect(scenario.outputs.shared.isEmpty)
  }

  @Test func aRetractedCompositionNoLongerCounts() throws {
    let scenario = try Scenario(directory: [Self.advisor, Self.resource("W-1")])
    try Self.settle(scenario, 1...19)
    try scenario.event(
      "household.composition", "2026-01-02T09:00:00+08:00",
      FamilyTests.composition("HH-20", members: [(FamilyTests.father, "02")]), id: "c-20")
    try scenario.event(
      "notice.retracted", "2026-01-03T09:00:00+08:00", #"{"retracts":"c-20","reason":"error"}"#)
    let opened = try #require(try Self.reject(scenario, 1).shared.first)
    #expect(opened.json["committee"] == nil)
  }

  // MARK: Who is asked

  @Test func whatAResourceHasTakenOnCounts() throws {
    let scenario = try Scenario(directory: [
      Self.advisor, Self.resource("W-1", capacity: 1),
      Self.resource("W-2", needs: "", capacity: 5),
    ])
    try Self.settle(scenario, 1...4)
    let first = try #require(try Self.reject(scenario, 1).shared.first)
    #expect(first.candidates == ["W-1", "W-2"])
    let second = try #require(try Self.reject(scenario, 2).shared.first)
    #expect(second.candidates == ["W-2"])
    // W-1 passes the first on, and has room again.
    try Self.answer(scenario, first, "declined", by: "W-1", on: "2026-01-06")
    let third = try #require(try Self.reject(scenario, 3, on: "2026-01-06").shared.first)
    #expect(third.candidates == ["W-1", "W-2"])
    // A completed referral frees its place.
    try Self.answer(scenario, third, "accepted", by: "W-1", on: "2026-01-06")
    try Self.answer(scenario, third, "completed", by: "W-1", on: "2026-01-07")
    let fourth = try #require(try Self.reject(scenario, 4, on: "2026-01-07").shared.first)
    #expect(fourth.candidates == ["W-1", "W-2"])
  }

  @Test func whereNobodyHasRoomAllAreListed() throws {
    let scenario = try Scenario(directory: [Self.advisor, Self.resource("W-1", capacity: 1)])
    try Self.settle(scenario, 1...2)
    try Self.reject(scenario, 1)
    // Whether there is a referral must not depend on who came first (semantics 26).
    let second = try #require(try Self.reject(scenario, 2).shared.first)
    #expect(second.candidates == ["W-1"])
  }

  @Test func aWithdrawnReferralFreesItsPlace() throws {
    let scenario = try Scenario(directory: [
      Self.advisor, Self.resource("W-1", capacity: 1), Self.resource("W-2", needs: ""),
    ])
    try Self.settle(scenario, 1...2)
    try scenario.event(
      "assistance.decision", "2026-01-05T10:00:00+08:00",
      #"{"household":"HH-1","applicant":"\#(Self.person(1))","programme":"dibao","#
        + #""state":"rejected","date":"2026-01-05","reason":"other"}"#, id: "d-1")
    try scenario.event(
      "notice.retracted", "2026-01-05T12:00:00+08:00", #"{"retracts":"d-1","reason":"error"}"#,
      topic: "assistance.decisions")
    #expect(scenario.outputs.shared.last?.text("reason") == "retracted")
    let second = try #require(try Self.reject(scenario, 2).shared.first)
    #expect(second.candidates == ["W-1", "W-2"])
  }

  @Test func categoryNeedsAreaValidityAndAgreementDecide() throws {
    let scenario = try Scenario(directory: [
      Self.advisor, Self.resource("W-fits"),
      Self.resource("W-today", until: "2026-01-05"),
      Self.resource("W-over", until: "2026-01-04"),
      Self.resource("W-elsewhere", covers: "310104"),
      Self.resource("W-near", covers: "310101002"),
      Self.resource("W-other", needs: #""education""#),
      Self.resource("W-open", agreement: false),
      Self.resource("W-none", capacity: 0),
      #"{"resource":"W-service","name":"x","kind":"fund","category":"service","needs":["income"],"covers":["310101"],"capacity":9,"agreement":"Y"}"#,
    ])
    try Self.settle(scenario, 1...1)
    let opened = try #require(try Self.reject(scenario, 1).shared.first)
    #expect(opened.candidates == ["W-fits", "W-near", "W-today"])
  }

  @Test func nothingLeavesWithoutACandidate() throws {
    let scenario = try Scenario(directory: [Self.advisor, Self.resource("W-1", agreement: false)])
    try Self.settle(scenario, 1...1)
    let published = try Self.reject(scenario, 1)
    #expect(published.shared.isEmpty)
    #expect(published.lines.contains("E01 advisor requested/1 P2"))
  }

  // MARK: Answers

  @Test func theNextCandidateFollowsADecline() throws {
    let scenario = try Scenario(directory: [
      Self.advisor, Self.resource("W-1"), Self.resource("W-2", needs: ""),
    ])
    try Self.settle(scenario, 1...1)
    let opened = try #require(try Self.reject(scenario, 1).shared.first)
    let passed = try Self.answer(scenario, opened, "declined", by: "W-1", on: "2026-01-06")
    #expect(passed.shared.map(\.candidates) == [["W-2"]])
    #expect(passed.shared.first?.text("state") == "requested")
    #expect(!passed.lines.contains { $0.hasPrefix("F01") })
    let ended = try Self.answer(scenario, opened, "declined", by: "W-2", on: "2026-01-06")
    #expect(ended.shared.first?.text("state") == "declined")
    #expect(ended.lines.contains("F01 advisor requested/1 P3"))
  }

  @Test func silenceOpensANewMatchAfterThreeWorkingDays() throws {
    let scenario = try Scenario(directory: [Self.advisor, Self.resource("W-1")])
    try Self.settle(scenario, 1...1)
    try Self.reject(scenario, 1)
    #expect(try !scenario.advance(to: "2026-01-08T23:59:00+08:00").lines.contains { $0.hasPrefix("F01") })
    #expect(try scenario.advance(to: "2026-01-09T00:00:00+08:00").lines.contains("F01 advisor requested/1 P3"))
  }

  @Test func whoFollowsADeclineHasThreeWorkingDaysToo() throws {
    let scenario = try Scenario(directory: [
      Self.advisor, Self.resource("W-1"), Self.resource("W-2", needs: ""),
    ])
    try Self.settle(scenario, 1...1)
    let opened = try #require(try Self.reject(scenario, 1).shared.first)
    try Self.answer(scenario, opened, "declined", by: "W-1", on: "2026-01-07")
    // A weekend lies between.
    let quiet = try scenario.advance(to: "2026-01-12T23:59:58+08:00")
    #expect(!quiet.lines.contains { $0.hasPrefix("F01") })
    let silent = try scenario.advance(to: "2026-01-12T23:59:59+08:00")
    #expect(silent.lines.contains("F01 advisor requested/1 P3"))
  }

  @Test func aReferralCanBePassedToAnotherCandidateOnly() throws {
    let scenario = try Scenario(directory: [
      Self.advisor, Self.resource("W-1"), Self.resource("W-2", needs: ""),
    ])
    try Self.settle(scenario, 1...1)
    let opened = try #require(try Self.reject(scenario, 1).shared.first)
    let passed = try Self.answer(
      scenario, opened, "reassigned", by: "C-1", on: "2026-01-06", extra: #","to":"W-2""#)
    #expect(passed.shared.first?.candidates == ["W-2", "W-1"])
    let refused = try Self.answer(
      scenario, opened, "reassigned", by: "C-1", on: "2026-01-06", extra: #","to":"W-9""#)
    #expect(refused.shared.isEmpty)
    #expect(refused.contains { $0.text("decision") == "feedback-impossible" })
  }

  @Test func consentOpensWhatCouldNotBeSharedAndItsWithdrawalTakesItBack() throws {
    let scenario = try Scenario(directory: [Self.advisor, Self.resource("W-1", agreement: false)])
    try Self.settle(scenario, 1...1)
    let advisor = try #require(try Self.reject(scenario, 1).first { $0.text("to") == "advisor" })
    let agreed = try Self.answer(
      scenario, advisor, "visited", by: "C-1", on: "2026-01-06", extra: #","consent":true"#)
    let shared = try #require(agreed.shared.first)
    #expect(shared.candidates == ["W-1"])
    #expect(shared.json["revision"] as? Int == 1)
    let refused = try Self.answer(
      scenario, advisor, "visited", by: "C-1", on: "2026-01-07", extra: #","consent":false"#)
    #expect(refused.shared.first?.text("reason") == "consent-withdrawn")
    #expect(refused.lines.contains("F01 advisor requested/1 P3"))
    #expect(try Self.reject(scenario, 1, on: "2026-03-20").shared.isEmpty)
  }

  @Test func consentAddsCandidatesToAnOpenReferral() throws {
    let scenario = try Scenario(directory: [
      Self.advisor, Self.resource("W-1"), Self.resource("W-2", agreement: false),
    ])
    try Self.settle(scenario, 1...1)
    let opened = try #require(try Self.reject(scenario, 1).shared.first)
    #expect(opened.candidates == ["W-1"])
    let agreed = try Self.answer(
      scenario, opened, "accepted", by: "W-1", on: "2026-01-06", extra: #","consent":true"#)
    #expect(agreed.shared.last?.candidates == ["W-1", "W-2"])
    #expect(agreed.shared.last?.text("state") == "accepted")
  }

  // MARK: A new district

  @Test func aReferralMovesWithTheHousehold() throws {
    let scenario = try Scenario(directory: [
      Self.advisor, Self.resource("W-1", capacity: 1), Self.resource("W-5", covers: "310104"),
    ])
    try Self.settle(scenario, 1...2)
    let opened = try #require(try Self.reject(scenario, 1).shared.first)
    scenario.forgetOutputs()
    try Self.settle(scenario, 1...1, committee: "310104003001", asOf: "2026-01-06")
    let shared = scenario.outputs.shared
    #expect(shared.map(\.topic) == ["referrals.resource.310101", "referrals.resource.310104"])
    #expect(shared.first?.text("reason") == "superseded")
    let moved = try #require(shared.last)
    #expect(moved.candidates == ["W-5"])
    #expect(moved.text("dueAt") == opened.text("dueAt"))
    // Feedback to the old identifier reaches the new one, and the old place is free.
    let answered = try Self.answer(scenario, opened, "accepted", by: "W-5", on: "2026-01-07")
    #expect(answered.shared.first?.text("referral") == moved.text("referral"))
    #expect(answered.shared.first?.text("state") == "accepted")
    #expect(try Self.reject(scenario, 2).shared.first?.candidates == ["W-1"])
  }

  // MARK: Order

  @Test func theOrderOfArrivalDoesNotDecideWhoIsReferred() throws {
    func open(_ numbers: [Int]) throws -> Set<String> {
      let scenario = try Scenario(directory: [Self.advisor, Self.resource("W-1", capacity: 1)])
      for number in numbers { try Self.settle(scenario, number...number) }
      for number in numbers { try Self.reject(scenario, number) }
      return Set(scenario.outputs.shared.map { $0.text("referral") })
    }
    #expect(try open([1, 2, 3]) == open([3, 1, 2]))
  }
}

extension OutputRecord {
  var candidates: [String] { json["candidates"] as? [String] ?? [] }
}

extension [OutputRecord] {
  /// Referrals to resources.
  var shared: [OutputRecord] { filter { $0.topic.hasPrefix("referrals.resource") } }
}
