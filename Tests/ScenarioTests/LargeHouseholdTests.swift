import Streaming
import Testing
import Vocabulary

/// A household has more people than a set of bits holds: those beyond it count like the others.
@Suite struct LargeHouseholdTests {
  /// Old people who turn 70 on 20 January 2026, in the order of the registry.
  private static func elder(_ index: Int) -> String {
    FamilyTests.valid("31018019560120" + String(1000 + index).dropFirst() + "0")
  }

  @Test func thoseBeyondTheSixtyFourthLiveDieAndGrowOldLikeTheOthers() throws {
    let scenario = try Scenario()
    let people = (0..<80).map(Self.elder)
    try scenario.event(
      "household.composition", "2025-06-01T09:00:00+08:00",
      FamilyTests.composition(asOf: "2025-06-01", members: people.map { ($0, "50") }))
    for dead in [people[3], people[70]] {
      try scenario.event(
        "notice.death", "2025-07-01T09:00:00+08:00",
        #"{"person":"\#(dead)","date":"2025-07-01"}"#)
    }
    // One leaves, who then is nobody of this household.
    try scenario.event(
      "household.composition", "2025-08-01T09:00:00+08:00",
      FamilyTests.composition(
        asOf: "2025-08-01",
        members: people.filter { $0 != people[75] }.map { ($0, "50") }))
    try scenario.event(
      "assistance.decision", "2025-09-01T09:00:00+08:00",
      #"{"household":"HH-1","applicant":"\#(people[0])","programme":"dibao","#
        + #""state":"granted","date":"2025-09-01"}"#)
    scenario.forgetOutputs()
    try scenario.advance(to: "2026-01-10T09:00:00+08:00")
    let asked = scenario.outputs.filter { output in
      output.topic.hasPrefix("referrals.advisor") && output.text("rule") == "D02"
    }
    let subjects = Set(
      asked.compactMap { ($0.json["subject"] as? [String: Any])?["id"] as? String })
    let gone = [3, 70, 75].map { people[$0] }
    #expect(subjects == Set(people).subtracting(gone))
  }
}
