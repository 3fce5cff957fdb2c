import Foundation
import Intake
import Policy
import Stages
import Streaming
import Testing
import Vocabulary

/// A worker fires a bounded number of timers in a transaction, so a record can come to a household
/// whose own wake-up is due and has not come yet.
@Suite struct LateTimerTests {
  /// The stages without any timer.
  private final class Timerless {
    private let intake: EventIntake
    private let stages: [any Stage]
    private let states: [StateOverlay]

    init() throws {
      let pack = try Scenario.pack.get()
      intake = try EventIntake(catalog: pack.sources)
      let settings = StageSettings(
        pack: pack, directory: Directory(), identifiers: .development)
      stages = [RegisterStage(), PersonsStage(), HouseholdsStage(settings: settings)]
      states = stages.map { _ in StateOverlay(base: MemoryState()) }
    }

    func feed(_ json: String, topic: String, now: Instant) throws -> [OutputRecord] {
      var queue = Outbox()
      let bytes = Array(json.utf8)
      bytes.withUnsafeBytes { value in
        _ = intake.process(
          InboundRecord(
            topic: "assist." + topic, topicSuffix: topic, partition: 0, offset: 0, timestamp: 0,
            key: nil, value: value, headers: UnsafeBufferPointer(start: nil, count: 0)),
          now: now, wall: nil, outbox: &queue)
      }
      var outputs = queue.outputs
      var waiting = queue.internalRecords[...]
      while let record = waiting.popFirst() {
        let index = Int(record.channel.rawValue)
        var next = Outbox()
        try record.payload.withUnsafeBytes {
          try stages[index].process($0, now: now, state: states[index], outbox: &next)
        }
        outputs += next.outputs
        waiting.append(contentsOf: next.internalRecords)
      }
      return outputs
    }
  }

  private func event(_ id: String, _ type: String, _ time: String, _ data: String) -> String {
    #"{"specversion":"1.0","id":"\#(id)","source":"urn:test","time":"\#(time)T08:00:00+08:00","#
      + #""type":"cn.gov.sh.assist.\#(type)","data":\#(data)}"#
  }

  @Test func aRecordThatOvertakesAWakeUpDecidesForIt() throws {
    let stages = try Timerless()
    func at(_ day: String) throws -> Instant { try #require(Instant(day + "T09:00:00+08:00")) }
    let father = FamilyTests.valid(FamilyTests.father)
    let mother = FamilyTests.valid(FamilyTests.mother)
    _ = try stages.feed(
      event("1", "household.composition", "2026-01-05", FamilyTests.family),
      topic: "household.registry", now: at("2026-01-05"))
    let early = try stages.feed(
      event(
        "2", "notice.employment", "2026-01-06",
        #"{"person":"\#(father)","state":"benefit-started","date":"2026-01-06","#
          + #""benefitUntil":"2026-06-30"}"#),
      topic: "department.notices", now: at("2026-01-06"))
    #expect(!early.lines.contains { $0.hasPrefix("B02") })
    // The wake-up of 31 May is due; what comes first is a notice that B02 does not read.
    let late = try stages.feed(
      event(
        "3", "notice.income", "2026-06-10",
        #"{"person":"\#(mother)","month":"2026-05","amount":"3000"}"#),
      topic: "department.notices", now: at("2026-06-10"))
    #expect(late.lines.contains { $0.hasPrefix("B02 advisor requested") })
  }

  /// What was due comes first, each at its own instant and in order, then the record.
  @Test func overtakenDeadlinesActAtTheirOwnInstants() throws {
    let stages = try Timerless()
    func at(_ time: String) throws -> Instant { try #require(Instant(time + ":00+08:00")) }
    let father = FamilyTests.valid(FamilyTests.father)
    _ = try stages.feed(
      event("1", "household.composition", "2026-01-02", FamilyTests.family),
      topic: "household.registry", now: at("2026-01-02T08:00"))
    let opened = try stages.feed(
      event(
        "2", "assistance.decision", "2026-01-05",
        #"{"household":"HH-1","applicant":"\#(father)","programme":"dibao","state":"rejected","#
          + #""date":"2026-01-05","reason":"other"}"#),
      topic: "assistance.decisions", now: at("2026-01-05T08:00"))
    let referral = try #require(opened.first { $0.text("rule") == "E01" })
    let late = try stages.feed(
      event(
        "3", "referral.completed", "2026-01-20",
        #"{"referral":"\#(referral.text("referral"))","by":"C-1","date":"2026-01-20"}"#),
      topic: "referral.feedback", now: at("2026-01-20T08:00"))
    let revised = late.filter { $0.text("rule") == "E01" }
    let alerts = late.filter { $0.text("rule") == "F02" }
    let times = (alerts + revised).compactMap { $0.header("ce_time") }
    // Nobody covers the area: the operator is told again after each claim time (a working day),
    // and the referral has nothing new to say.
    #expect(times.first == "2026-01-06T23:59:59+08:00")
    #expect(times.last == "2026-01-20T08:00:00+08:00")
    #expect(times == times.sorted())
    #expect(alerts.count == 10)
    #expect(revised.compactMap { $0.json["revision"] as? Int } == [2])
    #expect(late.last { $0.text("rule") == "E01" }?.text("state") == "completed")
  }
}
