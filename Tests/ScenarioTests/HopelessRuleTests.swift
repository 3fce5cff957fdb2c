import Streaming
import Testing

/// A rule that fails for every event, since nobody has stated what it needs, is not decided: what it
/// said before must not outlast that.
@Suite struct HopelessRuleTests {
  private static let father = FamilyTests.valid("310180198001010018")
  private static let mother = FamilyTests.valid("310180198205050026")

  private static func family() throws -> Scenario {
    let scenario = try Scenario()
    try scenario.event(
      "household.composition", "2026-01-02T09:00:00+08:00",
      FamilyTests.composition(asOf: "2026-01-02", members: [(father, "02"), (mother, "10")]))
    return scenario
  }

  private static func grant(
    _ scenario: Scenario, _ id: String, on day: String, until: String? = nil, arriving: String
  ) throws {
    let end = until.map { #","until":"\#($0)""# } ?? ""
    try scenario.event(
      "assistance.decision", "\(day)T09:00:00+08:00",
      #"{"household":"HH-1","applicant":"\#(father)","programme":"dibao","state":"granted","#
        + #""date":"\#(day)"\#(end)}"#,
      id: id, extra: #","recordedtime":"\#(arriving)T09:00:00+08:00""#)
  }

  private static func visit(_ scenario: Scenario, on day: String, arriving: String) throws {
    try scenario.event(
      "report.visit", "\(day)T10:00:00+08:00",
      #"{"about":{"household":"HH-1"},"difficulties":["elder","education"],"date":"\#(day)"}"#,
      extra: #","recordedtime":"\#(arriving)T10:00:00+08:00""#)
  }

  private static func asked(_ scenario: Scenario) -> [String] {
    scenario.outputs.filter {
      $0.topic.hasPrefix("referrals.advisor") && $0.text("rule") == "E05"
    }.map { $0.text("state") }
  }

  /// On the day of the visit there was aid, now there is none; then it turns out that there was none
  /// either, and later there is some.
  @Test func whatHeldByADecisionThatIsTakenBackIsAskedAgain() throws {
    let scenario = try Self.family()
    try Self.grant(
      scenario, "grant", on: "2026-01-05", until: "2026-02-05", arriving: "2026-01-05")
    try Self.visit(scenario, on: "2026-02-01", arriving: "2026-02-10")
    #expect(Self.asked(scenario).isEmpty)
    try scenario.event(
      "notice.retracted", "2026-02-11T09:00:00+08:00", #"{"retracts":"grant","reason":"误报"}"#)
    try Self.grant(scenario, "again", on: "2026-02-08", arriving: "2026-02-12")
    #expect(Self.asked(scenario).isEmpty)
    // What happens while there is aid counts.
    try Self.visit(scenario, on: "2026-02-13", arriving: "2026-02-13")
    #expect(Self.asked(scenario) == ["requested"])
  }

  @Test func whatIsOpenIsTakenBackWithTheOnlyDecision() throws {
    let scenario = try Self.family()
    try Self.grant(scenario, "grant", on: "2026-01-05", arriving: "2026-01-05")
    try Self.visit(scenario, on: "2026-02-01", arriving: "2026-02-01")
    #expect(Self.asked(scenario) == ["requested"])
    try scenario.event(
      "notice.retracted", "2026-02-11T09:00:00+08:00", #"{"retracts":"grant","reason":"误报"}"#)
    let asked = Self.asked(scenario)
    #expect(asked.last == "withdrawn")
    try Self.visit(scenario, on: "2026-02-13", arriving: "2026-02-13")
    #expect(Self.asked(scenario) == asked)
  }
}
