import Streaming
import Testing

/// What ends because nobody is there any more (semantics 19, 20, 21).
@Suite struct EndOfLifeTests {
  private func died(_ scenario: Scenario, _ id: String, _ date: String) throws -> [OutputRecord] {
    try scenario.event(
      "notice.death", date + "T11:00:00+08:00", #"{"person":"\#(id)","date":"\#(date)"}"#,
      id: "death-" + id)
  }

  @Test func aDeathEndsTheReferralsOfTheSubjectHoweverOldTheirCause() throws {
    let scenario = try Scenario()
    let father = FamilyTests.valid(FamilyTests.father)
    try scenario.event("household.composition", "2026-01-02T09:00:00+08:00", FamilyTests.family)
    let opened = try scenario.event(
      "notice.disability", "2026-01-05T10:00:00+08:00",
      #"{"person":"\#(father)","state":"issued","date":"2026-01-05","category":4,"grade":1}"#)
    #expect(opened.lines.contains("C04 advisor requested/1 P2"))
    // More than ninety days later the event is not decided again, but its subject dies.
    try scenario.advance(to: "2026-06-01T00:00:00+08:00")
    let ended = try died(scenario, father, "2026-06-01")
    let withdrawn = ended.first { $0.text("rule") == "C04" && $0.topic.hasPrefix("referrals") }
    #expect(withdrawn?.text("state") == "withdrawn")
    #expect(withdrawn?.text("reason") == "deceased")
    // Nothing opens again for the dead.
    let later = try scenario.event(
      "notice.disability", "2026-06-02T10:00:00+08:00",
      #"{"person":"\#(father)","state":"changed","date":"2026-05-20","category":4,"grade":1}"#)
    #expect(!later.lines.contains { $0.hasPrefix("C04") })
  }

  @Test func visitsEndWithTheLastMember() throws {
    let scenario = try Scenario(directory: [DirectoryChangeTests.advisor("C-1")])
    try ResourceTests.settle(scenario, 1...1)
    for (state, date) in [("granted", "2026-01-05"), ("exited", "2026-02-02")] {
      try scenario.event(
        "assistance.decision", date + "T10:00:00+08:00",
        #"{"household":"HH-1","applicant":"\#(ResourceTests.person(1))","programme":"dibao","#
          + #""state":"\#(state)","date":"\#(date)","reason":"other"}"#)
    }
    #expect(scenario.outputs.lines.contains("E02 advisor requested/1 P3"))
    let ended = try died(scenario, ResourceTests.person(1), "2026-02-10")
    #expect(ended.lines.contains { $0.hasPrefix("E02 advisor withdrawn") })
    let later = try scenario.advance(to: "2027-02-10T00:00:00+08:00")
    #expect(!later.lines.contains { $0.hasPrefix("E02") || $0.hasPrefix("E03") })
  }

  @Test func theOperatorIsToldWhenEverybodyDeclined() throws {
    let scenario = try Scenario(directory: [DirectoryChangeTests.advisor("C-1")])
    try ResourceTests.settle(scenario, 1...1)
    let opened = try #require(
      try ResourceTests.reject(scenario, 1).first { $0.text("to") == "advisor" })
    let declined = try ResourceTests.answer(
      scenario, opened, "declined", by: "C-1", on: "2026-01-05")
    #expect(declined.contains { $0.text("rule") == "F02" && ($0.json["audience"] as? [String]) == ["operator"] })
  }

  @Test func anEscalatedReferralThatIsDeclinedDoesNotGoBackDown() throws {
    let scenario = try Scenario(directory: DirectoryChangeTests.directory)
    try ResourceTests.settle(scenario, 1...1)
    let opened = try #require(
      try ResourceTests.reject(scenario, 1).first { $0.text("to") == "advisor" })
    // P2 unclaimed for a working day: the sub-district has it.
    try scenario.advance(to: "2026-01-06T23:59:59+08:00")
    let declined = try ResourceTests.answer(
      scenario, opened, "declined", by: "S-1", on: "2026-01-07")
    let assignee = declined.first?.json["assignee"] as? [String: Any]
    #expect(assignee?["advisor"] as? String == "D-1")
    #expect(declined.first?.json["escalation"] as? Int == 2)
  }

  /// The ladder follows what is known: a death that was reported in error ends nothing.
  @Test func visitsGoOnWhenTheDeathIsRetracted() throws {
    let scenario = try Scenario(directory: [DirectoryChangeTests.advisor("C-1")])
    try ResourceTests.settle(scenario, 1...1)
    for (state, date) in [("granted", "2026-01-05"), ("exited", "2026-02-02")] {
      try scenario.event(
        "assistance.decision", date + "T10:00:00+08:00",
        #"{"household":"HH-1","applicant":"\#(ResourceTests.person(1))","programme":"dibao","#
          + #""state":"\#(state)","date":"\#(date)","reason":"other"}"#)
    }
    _ = try died(scenario, ResourceTests.person(1), "2026-02-10")
    let again = try scenario.event(
      "notice.retracted", "2026-02-12T10:00:00+08:00",
      #"{"retracts":"death-\#(ResourceTests.person(1))","reason":"error"}"#)
    #expect(again.lines.contains("E02 advisor requested/1 P3"))
  }
}
