import Foundation
import Policy
import Situation
import Stages
import Streaming
import Testing

/// A new policy is taken into use while referrals are open: situation rules are decided again, what
/// happened is not (contract, section 5).
@Suite struct PolicyChangeTests {
  @Test func aSituationOfAFormerPolicyIsLetGo() throws {
    let schema = SituationSchema(pack: try Scenario.pack.get())
    weak var former: Situation?
    do {
      let situation = Situation(schema: schema)
      former = situation
      #expect(former != nil)
      withExtendedLifetime(situation) {}
    }
    #expect(former == nil)
  }

  /// A household on dibao whose only adult capable of work is jobless: B03 holds.
  private func jobless() throws -> Scenario {
    let scenario = try Scenario()
    let father = FamilyTests.valid(FamilyTests.father)
    try scenario.event(
      "household.composition", "2026-01-02T09:00:00+08:00",
      FamilyTests.composition(members: [(FamilyTests.father, "02"), (FamilyTests.child, "20")]))
    try scenario.event(
      "assistance.decision", "2026-01-03T09:00:00+08:00",
      #"{"household":"HH-1","applicant":"\#(father)","programme":"dibao","state":"granted","date":"2026-01-03"}"#)
    try scenario.event(
      "notice.employment", "2026-01-04T09:00:00+08:00",
      #"{"person":"\#(father)","state":"lost","date":"2026-01-04"}"#)
    return scenario
  }

  private func lines(_ outputs: [OutputRecord], _ rule: String) -> [String] {
    outputs.lines.filter { $0.hasPrefix(rule) || $0.hasPrefix("alert " + rule) }
  }

  private func withdrawn(_ outputs: [OutputRecord], _ rule: String) -> Bool {
    outputs.contains { output in
      output.topic == "decisions" && output.text("decision") == "withdrawn"
        && output.text("rule") == rule && output.text("reason") == "policy-changed"
    }
  }

  @Test func aConditionThatNoLongerHoldsWithdraws() throws {
    let scenario = try jobless()
    #expect(lines(scenario.outputs, "B03").contains("B03 subdistrict requested/1 P2"))
    let pack = try Scenario.pack(changing: [
      ("rules/B03.yaml", "p.name == 'dibao'", "p.name == 'tekun'")
    ])
    let published = try scenario.change(policy: pack)
    #expect(lines(published, "B03").contains("B03 subdistrict withdrawn (policy-changed)/2 P2"))
    #expect(withdrawn(published, "B03"))
    #expect(published.first?.text("policy") == pack.digest)
    // And back: it opens anew.
    let again = try scenario.change(policy: try Scenario.pack.get())
    #expect(lines(again, "B03").contains("B03 subdistrict requested/1 P2"))
  }

  @Test func theSamePolicyChangesNothing() throws {
    let scenario = try jobless()
    #expect(try scenario.change(policy: try Scenario.pack.get()).isEmpty)
    // Another digest, the same rules: only differences are published.
    let pack = try Scenario.pack(changing: [("rules/A01.yaml", "version: 1", "version: 2")])
    #expect(try scenario.change(policy: pack).isEmpty)
  }

  @Test func aRetiredRuleTakesBackWhatItOpened() throws {
    let scenario = try jobless()
    let pack = try Scenario.pack(changing: [
      ("rules/B03.yaml", "status: active", "status: retired")
    ])
    let published = try scenario.change(policy: pack)
    #expect(lines(published, "B03").contains("B03 subdistrict withdrawn (policy-changed)/2 P2"))
    #expect(withdrawn(published, "B03"))
  }

  @Test func ofARuleThatIsGoneNothingIsTold() throws {
    let scenario = try jobless()
    let pack = try Scenario.pack(without: ["rules/B03.yaml", "tests/B03.yaml"])
    let published = try scenario.change(policy: pack)
    #expect(published.lines.contains("need subdistrict withdrawn (policy-changed)/2 P2"))
    #expect(!published.lines.contains { $0.contains("B03") })
    // Its deadlines are gone with it.
    let later = try scenario.advance(to: "2026-06-01T00:00:00+08:00")
    #expect(!later.contains { $0.text("rule") == "B03" })
  }

  @Test func shadowTakesBackAndActiveOpens() throws {
    let scenario = try jobless()
    let shadow = try Scenario.pack(changing: [
      ("rules/B03.yaml", "status: active", "status: shadow")
    ])
    let published = try scenario.change(policy: shadow)
    #expect(lines(published, "B03").contains("B03 subdistrict withdrawn (policy-changed)/2 P2"))
    // In shadow it is counted.
    #expect(published.contains { $0.topic == "decisions" && $0.text("decision") == "shadow" })
    let live = try scenario.change(policy: try Scenario.pack.get())
    #expect(lines(live, "B03").contains("B03 subdistrict requested/1 P2"))
  }

  @Test func eventRulesAreNotDecidedAgain() throws {
    let scenario = try Scenario(directory: DirectoryChangeTests.directory)
    try ResourceTests.settle(scenario, 1...1)
    let strict = try Scenario.pack(changing: [
      ("rules/E01.yaml", "event.state == 'rejected'", "event.state == 'suspended'")
    ])
    try scenario.change(policy: strict)
    #expect(try ResourceTests.reject(scenario, 1).lines.isEmpty)
    // Under the new policy the rejection would count, but it has happened before.
    #expect(try scenario.change(policy: try Scenario.pack.get()).isEmpty)
    let again = try ResourceTests.reject(scenario, 1, on: "2026-01-09")
    #expect(again.lines.contains { $0.hasPrefix("E01 advisor requested/1") })
  }

  @Test func parametersAndCalendarTakeEffect() throws {
    // The line of k-anonymity falls to five: the committee may be named.
    let scenario = try DirectoryChangeTests.opened()
    try ResourceTests.settle(scenario, 3...6, asOf: "2026-01-06")
    #expect(scenario.outputs.shared.last?.json["committee"] == nil)
    let pack = try Scenario.pack(changing: [
      ("params/engine.yaml", "value: 20, cite", "value: 5, cite")
    ])
    let published = try scenario.change(policy: pack)
    #expect(published.lines == ["- resource requested/2 P2"])
    #expect(published.shared.first?.text("committee") == "310101002001")
  }

  @Test func aNewCalendarMovesClaimTimesAndKeepsDueDates() throws {
    let scenario = try Scenario(directory: DirectoryChangeTests.directory)
    try ResourceTests.settle(scenario, 1...1)
    // A Monday; P2 is to be claimed by the end of the next working day.
    let opened = try #require(
      try ResourceTests.reject(scenario, 1, on: "2026-01-05").first { $0.text("to") == "advisor" })
    let pack = try Scenario.pack(changing: [
      ("calendar/2026.yaml", "holidays:", "holidays:\n  - {from: 2026-01-06, to: 2026-01-06, name: 测试}")
    ])
    #expect(try scenario.change(policy: pack).isEmpty)
    #expect(try scenario.advance(to: "2026-01-07T12:00:00+08:00").lines.filter { $0.hasPrefix("E01") }.isEmpty)
    let escalated = try scenario.advance(to: "2026-01-07T23:59:59+08:00")
    let referral = try #require(escalated.first { $0.text("rule") == "E01" })
    #expect(referral.text("dueAt") == opened.text("dueAt"))
  }
}
