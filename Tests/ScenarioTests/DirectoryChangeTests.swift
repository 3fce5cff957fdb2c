import Foundation
import Stages
import Streaming
import Testing

/// Advisors and resources come, change and go while referrals are open (semantics 16, 17, 19).
@Suite struct DirectoryChangeTests {
  static func advisor(
    _ id: String, _ level: String = "committee", covers: String = "310101002001"
  ) -> String {
    #"{"advisor":"\#(id)","name":"\#(id)","level":"\#(level)","covers":["\#(covers)"],"capacity":40}"#
  }

  static let directory = [
    advisor("C-1"), advisor("S-1", "subdistrict", covers: "310101002"),
    advisor("D-1", "district", covers: "310101"), ResourceTests.resource("W-1"),
    ResourceTests.resource("W-2", needs: ""),
  ]

  /// A household whose application was rejected: E01 at the advisor and at resources.
  static func opened(_ directory: [String] = directory) throws -> Scenario {
    let scenario = try Scenario(directory: directory)
    try ResourceTests.settle(scenario, 1...2)
    try ResourceTests.reject(scenario, 1)
    return scenario
  }

  private func assignee(_ output: OutputRecord) -> String {
    (output.json["assignee"] as? [String: Any])?["advisor"] as? String ?? ""
  }

  @Test func theNextInLineGetsWhatARemovedAdvisorHadInOneRevision() throws {
    let scenario = try Self.opened()
    let published = try scenario.changeDirectory([Self.advisor("C-2")], removed: ["C-1"])
    #expect(published.lines == [
      "E01 advisor requested/2 P2", "- resource requested/2 P2",
    ])
    #expect(assignee(try #require(published.first)) == "C-2")
    #expect(published.shared.first?.text("contactThrough") == "C-2")
    // Nothing is left to do.
    #expect(try scenario.changeDirectory().isEmpty)
  }

  @Test func withNobodyAtTheLevelTheNextLevelGetsIt() throws {
    let scenario = try Self.opened()
    let published = try scenario.changeDirectory(removed: ["C-1"])
    let referral = try #require(published.first { $0.text("to") == "advisor" })
    #expect(assignee(referral) == "S-1")
    #expect(referral.json["escalation"] as? Int == 1)
    let last = try scenario.changeDirectory(removed: ["S-1", "D-1"])
    let unassigned = try #require(last.first { $0.text("to") == "advisor" })
    #expect(assignee(unassigned) == "unassigned")
    #expect(last.contains { $0.text("rule") == "F02" && ($0.json["audience"] as? [String]) == ["operator"] })
  }

  @Test func whatARemovedAdvisorHadAcceptedHasToBeClaimedAnew() throws {
    let scenario = try Self.opened()
    let referral = try #require(scenario.outputs.first { $0.text("to") == "advisor" })
    try ResourceTests.answer(scenario, referral, "accepted", by: "C-1", on: "2026-01-05")
    let published = try scenario.changeDirectory([Self.advisor("C-2")], removed: ["C-1"])
    #expect(published.lines.first == "E01 advisor requested/3 P2")
    // The claim time runs from now: P2 has one working day.
    let later = try scenario.advance(to: "2026-01-06T23:59:59+08:00")
    #expect(later.lines.contains("E01 advisor requested/4 P2"))
  }

  @Test func newAdvisorsAndAbsencesMoveNothing() throws {
    let scenario = try Self.opened()
    let absent = Self.advisor("C-1").dropLast() + #","absentFrom":"2026-01-01"}"#
    #expect(try scenario.changeDirectory([Self.advisor("C-2"), String(absent)]).isEmpty)
    // But who is absent gets nothing new.
    let next = try ResourceTests.reject(scenario, 2)
    #expect(next.contains { $0.text("to") == "advisor" && assignee($0) == "C-2" })
  }

  @Test func anAdvisorWhoReturnsBeforeAnyoneLookedKeepsEverything() throws {
    let scenario = try Self.opened()
    #expect(try scenario.changeDirectory([Self.advisor("C-1")]).isEmpty)
  }

  @Test func closedReferralsStayWithTheirAdvisor() throws {
    let scenario = try Self.opened()
    for output in scenario.outputs where output.topic.hasPrefix("referrals") {
      let by = output.candidates.first ?? "C-1"
      try ResourceTests.answer(scenario, output, "completed", by: by, on: "2026-01-05")
    }
    #expect(try scenario.changeDirectory(removed: ["C-1", "W-1"]).isEmpty)
  }

  @Test func aRemovedResourceIsNoCandidateAnyMore() throws {
    let scenario = try Self.opened()
    let published = try scenario.changeDirectory(removed: ["W-1"])
    #expect(published.lines == ["- resource requested/2 P2"])
    #expect(published.shared.first?.candidates == ["W-2"])
    let last = try scenario.changeDirectory(removed: ["W-2"])
    #expect(last.lines.contains("- resource declined/3 P2"))
    #expect(last.lines.contains("F01 advisor requested/1 P3"))
  }

  @Test func oneRevisionTellsAllThatChanged() throws {
    let scenario = try Self.opened()
    let published = try scenario.changeDirectory(
      [Self.advisor("C-2")], removed: ["C-1", "W-1"])
    #expect(published.shared.count == 1)
    #expect(published.shared.first?.text("contactThrough") == "C-2")
    #expect(published.shared.first?.candidates == ["W-2"])
  }
}
