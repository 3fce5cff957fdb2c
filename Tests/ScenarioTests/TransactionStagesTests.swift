import Policy
import Records
import Situation
import Testing
import Vocabulary

/// Stages of one window transaction on one day are one event to a rule that asks for nothing in
/// which they differ; then a later stage needs no decision.
@Suite struct TransactionStagesTests {
  private static let person = CitizenID(validatedDigits: 31_018_019_500_101_001)

  private static func stage(
    _ id: String, day: Int32 = 20_000, transaction: String = "T-1", code: String = "C-1",
    stage: String = "submitted", persons: [CitizenID] = [person]
  ) -> EventEntry {
    let at = Instant(startOf: CivilDate(dayNumber: day))
    return EventEntry(
      key: EventKey(source: "urn:window", id: id), type: EventTypeID("window.transaction"),
      source: "urn:window", id: id, effective: at, time: at, recorded: at, accepted: at,
      traceparent: nil, persons: persons,
      fields: [
        FactField(FactID("event.transaction"), .string(transaction)),
        FactField(FactID("event.applicant"), .person(person)),
        FactField(FactID("event.line"), .string("mca")),
        FactField(FactID("event.item_code"), .string(code)),
        FactField(FactID("event.stage"), .string(stage)),
      ])
  }

  /// Whether the rule sees the last of two events as a stage that it knows.
  private func isKnown(_ rule: String, _ first: EventEntry, _ second: EventEntry) throws -> Bool {
    let pack = try Scenario.pack.get()
    let reads = try #require(pack.rule(rule)).reads
    let stages = try #require(TransactionStages(of: reads, pack.facts))
    var log = EventLog()
    let isNew = [log.insert(first), log.insert(second)]
    #expect(isNew == [true, true])
    return try log.withView { view in
      stages.hasTwin(of: try #require(view.index(of: second.key)), in: view)
    }
  }

  @Test func aLaterStageIsKnownToTheRuleOnSignals() throws {
    let first = Self.stage("1")
    #expect(try isKnown("E06", first, Self.stage("2", stage: "completed")))
    #expect(try !isKnown("E06", first, Self.stage("2", day: 20_001)))
    #expect(try !isKnown("E06", first, Self.stage("2", transaction: "T-2")))
    #expect(try !isKnown("E06", first, Self.stage("2", code: "C-2")))
    let agent = CitizenID(validatedDigits: 31_018_019_600_101_002)
    #expect(try !isKnown("E06", first, Self.stage("2", persons: [Self.person, agent])))
  }

  @Test func aRuleThatAsksForTheStageTellsThemApart() throws {
    let first = Self.stage("1")
    #expect(try isKnown("A04", first, Self.stage("2")))
    #expect(try !isKnown("A04", first, Self.stage("2", stage: "completed")))
  }
}
