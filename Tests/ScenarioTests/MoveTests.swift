import Foundation
import Stages
import Streaming
import Testing

/// Referrals that move: to another district, and from a provisional household to a real one
/// (semantics 9 and 31).
@Suite struct MoveTests {
  static let directory = [
    DirectoryChangeTests.advisor("C-1"),
    DirectoryChangeTests.advisor("D-1", "district", covers: "310101"),
    DirectoryChangeTests.advisor("C-4", covers: "310104003001"),
    DirectoryChangeTests.advisor("D-4", "district", covers: "310104"),
    #"{"advisor":"X-1","name":"跨区","level":"committee","covers":["310101002009","310104003001"],"capacity":40}"#,
  ]
  static let person = ResourceTests.person(1)

  private func composition(_ scenario: Scenario, _ committee: String, _ date: String) throws
    -> [OutputRecord]
  {
    try scenario.event(
      "household.composition", date + "T09:00:00+08:00",
      #"{"household":"HH-1","subdistrict":"\#(committee.prefix(9))","committee":"\#(committee)","#
        + #""address":"测试路2号","asOf":"\#(date)","#
        + #""members":[{"id":"\#(Self.person)","relation":"02","name":"测试"}]}"#)
  }

  private func decision(_ scenario: Scenario, _ state: String, _ date: String) throws
    -> [OutputRecord]
  {
    try scenario.event(
      "assistance.decision", date + "T10:00:00+08:00",
      #"{"household":"HH-1","applicant":"\#(Self.person)","programme":"dibao","#
        + #""state":"\#(state)","date":"\#(date)","reason":"other"}"#)
  }

  private func assignee(_ output: OutputRecord) -> String? {
    (output.json["assignee"] as? [String: Any])?["advisor"] as? String
  }

  private func household(_ output: OutputRecord) -> [String: Any] {
    output.json["household"] as? [String: Any] ?? [:]
  }

  private func visits(_ outputs: [OutputRecord]) -> [OutputRecord] {
    outputs.filter { $0.text("rule") == "E02" && $0.topic.hasPrefix("referrals") }
  }

  // MARK: Another district

  @Test func anAcceptedReferralKeepsItsStateAndHistory() throws {
    let scenario = try Scenario(directory: Self.directory)
    _ = try composition(scenario, "310101002001", "2026-01-02")
    let opened = try #require(try decision(scenario, "rejected", "2026-01-05").first {
      $0.text("to") == "advisor"
    })
    try ResourceTests.answer(scenario, opened, "accepted", by: "C-1", on: "2026-01-05")
    let published = try composition(scenario, "310104003001", "2026-01-06")
      .filter { $0.text("rule") == "E01" }
    #expect(published.map(\.topic) == ["referrals.advisor.310101", "referrals.advisor.310104"])
    let ended = try #require(published.first)
    let moved = try #require(published.last)
    #expect(ended.text("state") == "withdrawn" && ended.text("reason") == "superseded")
    // The former district is not told where the household lives now.
    #expect(household(ended)["district"] as? String == "310101")
    #expect(household(ended)["address"] == nil)
    #expect(household(moved)["district"] as? String == "310104")
    #expect(moved.text("referral") != opened.text("referral"))
    #expect(moved.text("state") == "accepted")
    #expect(moved.text("openedAt") == opened.text("openedAt"))
    #expect(moved.text("dueAt") == opened.text("dueAt"))
    #expect(moved.json["escalation"] as? Int == 0)
    #expect(["C-4", "X-1"].contains(assignee(moved)))
    let history = (moved.json["history"] as? [[String: Any]])?.compactMap { $0["what"] as? String }
    #expect(history?.prefix(2) == ["requested", "accepted"])
    // Feedback to the old identifier reaches the new one.
    let done = try ResourceTests.answer(scenario, opened, "completed", by: "C-4", on: "2026-01-07")
    #expect(done.first?.text("referral") == moved.text("referral"))
    #expect(done.first?.text("state") == "completed")
  }

  @Test func anAdvisorOfBothPlacesStays() throws {
    let scenario = try Scenario(directory: Self.directory)
    _ = try composition(scenario, "310101002009", "2026-01-02")
    let opened = try #require(try decision(scenario, "rejected", "2026-01-05").first {
      $0.text("to") == "advisor"
    })
    #expect(assignee(opened) == "X-1")
    let published = try composition(scenario, "310104003001", "2026-01-06")
    #expect(published.filter { $0.text("rule") == "E01" }.last.flatMap(assignee) == "X-1")
  }

  @Test func theClaimTimeStartsAnew() throws {
    let scenario = try Scenario(directory: Self.directory)
    _ = try composition(scenario, "310101002001", "2026-01-02")
    _ = try decision(scenario, "rejected", "2026-01-05")
    // P2: by the end of the next working day after the move.
    _ = try composition(scenario, "310104003001", "2026-01-06")
    #expect(try scenario.advance(to: "2026-01-07T23:59:58+08:00").lines.isEmpty)
    let escalated = try scenario.advance(to: "2026-01-07T23:59:59+08:00")
    #expect(escalated.contains {
      $0.text("rule") == "E01" && $0.topic == "referrals.advisor.310104"
        && $0.json["escalation"] as? Int == 2
    })
  }

  @Test func aVisitPlanMovesAlong() throws {
    let scenario = try Scenario(directory: Self.directory)
    _ = try composition(scenario, "310101002001", "2026-01-02")
    _ = try decision(scenario, "granted", "2026-01-05")
    let first = try #require(visits(try decision(scenario, "exited", "2026-02-02")).first)
    #expect(first.text("dueAt") == "2026-03-02T23:59:59+08:00")
    let moved = try #require(visits(try composition(scenario, "310104003001", "2026-02-10")).last)
    #expect(moved.topic == "referrals.advisor.310104")
    #expect(moved.text("dueAt") == first.text("dueAt"))
    #expect((moved.json["evidence"] as? [[String: Any]])?.contains {
      $0["fact"] as? String == "visit" && $0["value"] as? String == "1"
    } == true)
    // The visit is made under the old identifier; the next one opens three months later, here.
    let made = try ResourceTests.answer(scenario, first, "visited", by: "C-4", on: "2026-02-20")
    #expect(visits(made).last?.text("referral") == moved.text("referral"))
    #expect(visits(made).last?.text("state") == "completed")
    let next = visits(try scenario.advance(to: "2026-05-21T00:00:00+08:00"))
    #expect(next.map(\.topic) == ["referrals.advisor.310104"])
    #expect(next.first?.text("dueAt") == "2026-08-20T23:59:59+08:00")
    // Back in aid: the plan ends in the new district too.
    let ended = visits(try decision(scenario, "granted", "2026-05-25"))
    #expect(ended.map { $0.text("reason") } == ["no-longer-holds"])
  }

  @Test func twoMovesKeepTheFirstIdentifierInReach() throws {
    let scenario = try Scenario(directory: Self.directory)
    _ = try composition(scenario, "310101002001", "2026-01-02")
    let opened = try #require(try decision(scenario, "rejected", "2026-01-05").first {
      $0.text("to") == "advisor"
    })
    _ = try composition(scenario, "310104003001", "2026-01-06")
    let back = try composition(scenario, "310101002001", "2026-01-07")
      .filter { $0.text("rule") == "E01" }
    // Back where it began it goes on under its own identifier, one revision after the last.
    let home = try #require(back.last)
    #expect(home.text("referral") == opened.text("referral"))
    let revisions = scenario.outputs.filter { $0.text("referral") == opened.text("referral") }
      .compactMap { $0.json["revision"] as? Int }
    #expect(revisions == Array(1...revisions.count))
    let done = try ResourceTests.answer(scenario, opened, "completed", by: "C-1", on: "2026-01-08")
    #expect(done.first?.text("state") == "completed")
  }

  // MARK: A provisional household

  @Test func aProvisionalHouseholdHandsOver() throws {
    let scenario = try Scenario(directory: Self.directory)
    let call = try scenario.event(
      "report.hotline", "2026-01-05T10:00:00+08:00",
      #"{"about":{"id":"\#(Self.person)"},"difficulties":["income"],"date":"2026-01-05","#
        + #""topic":"求助","channel":"hotline"}"#)
    let opened = try #require(call.first { $0.text("rule") == "E07" && $0.text("to") == "advisor" })
    #expect(opened.topic == "referrals.advisor.000000")
    try ResourceTests.answer(scenario, opened, "accepted", by: "unassigned", on: "2026-01-05")
    let published = try composition(scenario, "310101002001", "2026-01-06")
      .filter { $0.text("rule") == "E07" && $0.text("to") == "advisor" }
    #expect(published.map(\.topic) == ["referrals.advisor.000000", "referrals.advisor.310101"])
    let moved = try #require(published.last)
    #expect(published.first?.text("reason") == "superseded")
    #expect(moved.text("state") == "accepted")
    #expect(moved.text("openedAt") == opened.text("openedAt"))
    #expect(moved.text("dueAt") == opened.text("dueAt"))
    #expect(assignee(moved) == "C-1")
    let done = try ResourceTests.answer(scenario, opened, "completed", by: "C-1", on: "2026-01-07")
    #expect(done.first?.text("referral") == moved.text("referral"))
    #expect(done.first?.text("state") == "completed")
  }

  @Test func aHandedOverReferralStaysWithTheResourceThatTookIt() throws {
    let scenario = try Scenario(
      directory: Self.directory + [ResourceTests.resource("W-1", needs: #""disaster""#)])
    try scenario.event(
      "window.transaction", "2026-01-04T10:00:00+08:00",
      #"{"transactionId":"t-1","centre":"310101002","line":"mca","item":"其他","stage":"submitted","#
        + #""applicant":{"id":"\#(Self.person)"}}"#)
    let shared = try scenario.event(
      "notice.emergency", "2026-01-05T10:00:00+08:00",
      #"{"kind":"fire","date":"2026-01-05","persons":["\#(Self.person)"]}"#).shared
    let opened = try #require(shared.first)
    try ResourceTests.answer(scenario, opened, "accepted", by: "W-1", on: "2026-01-05")
    let published = try composition(scenario, "310101002001", "2026-01-05").shared
    let moved = try #require(published.last)
    #expect(published.first?.text("reason") == "superseded")
    #expect(moved.text("referral") != opened.text("referral"))
    #expect(moved.text("state") == "accepted")
    #expect(moved.candidates == ["W-1"])
    #expect(moved.text("dueAt") == opened.text("dueAt"))
    let done = try ResourceTests.answer(scenario, opened, "completed", by: "W-1", on: "2026-01-06")
    #expect(done.shared.first?.text("referral") == moved.text("referral"))
  }
}
