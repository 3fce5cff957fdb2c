import Foundation
import Histories
import Streaming
import Testing

/// Rules that look towards a date (A12, A13, B02, D01, D02, E04): which referrals are open in the
/// end does not depend on the clock at which the facts arrived (semantics 4, 26, 28).
@Suite struct DateRuleTests {
  typealias Random = SplitMix

  struct Fact {
    var type: String
    var time: String
    var data: String
    var id: String
  }

  /// A household of a father, a son who turns 16 and an old woman who turns 70, around these days.
  static let people = [
    "31018019800101001", "31018020100508003", "31018019560520004",
  ].map { FamilyTests.valid($0 + "0") }

  static func day(_ offset: Int) -> String {
    let start = Date(timeIntervalSince1970: 1_767_225_600)  // 2026-01-01
    let date = start.addingTimeInterval(Double(offset) * 86_400)
    return date.formatted(.iso8601.year().month().day())
  }

  static func history(_ random: inout Random) -> [Fact] {
    var facts: [Fact] = []
    func add(_ type: String, _ offset: Int, _ data: (String) -> String) {
      facts.append(
        Fact(
          type: type, time: day(offset) + "T09:00:00+08:00", data: data(day(offset)),
          id: "e\(facts.count)"))
    }
    for _ in 0...random.below(2) {
      let relations = ["02", "20", "52"]
      let members = people.indices.filter { _ in random.below(4) > 0 }.map {
        #"{"id":"\#(people[$0])","relation":"\#(relations[$0])","name":"测\#($0)","hukou":"310101"}"#
      }
      add("household.composition", random.below(160)) {
        #"{"household":"HH-1","subdistrict":"310101002","committee":"310101002001","asOf":"\#($0)","#
          + #""members":[\#(members.joined(separator: ","))]}"#
      }
    }
    for _ in 0..<(2 + random.below(5)) {
      let person = random.pick(people)
      let until = day(100 + random.below(160))
      switch random.below(5) {
      case 0:
        add("notice.employment", random.below(200)) {
          #"{"person":"\#(person)","state":"benefit-started","date":"\#($0)","benefitUntil":"\#(until)"}"#
        }
      case 1:
        let state = random.pick(["employed", "lost"])
        add("notice.employment", random.below(200)) {
          #"{"person":"\#(person)","state":"\#(state)","date":"\#($0)"}"#
        }
      case 2:
        let state = random.pick(["granted", "granted", "exited"])
        let programme = random.pick(["dibao", "rigid-expense"])
        add("assistance.decision", random.below(200)) {
          #"{"household":"HH-1","applicant":"\#(person)","programme":"\#(programme)","#
            + #""state":"\#(state)","date":"\#($0)","until":"\#(until)"}"#
        }
      case 3:
        add("notice.custody", random.below(200)) {
          #"{"person":"\#(person)","state":"imprisoned","date":"\#($0)","expectedRelease":"\#(until)"}"#
        }
      default:
        add("notice.drug-treatment", random.below(200)) {
          #"{"person":"\#(person)","state":"compulsory","date":"\#($0)","expectedEnd":"\#(until)"}"#
        }
      }
    }
    return facts
  }

  /// Feeds facts in the given order, each when the clock is at least at `clocks`, and answers which
  /// referrals of the rules are open in the end.
  static func open(_ facts: [Fact], clocks: [Int]) throws -> Set<String> {
    let scenario = try Scenario()
    for (fact, clock) in zip(facts, clocks) {
      let reached = max(fact.time, day(clock) + "T10:00:00+08:00")
      try scenario.event(
        fact.type, fact.time, fact.data, id: fact.id,
        extra: #","recordedtime":"\#(reached)""#)
    }
    try scenario.advance(to: day(205) + "T12:00:00+08:00")
    let dated = ["B02", "D01", "D02", "E04"]
    var latest: [String: String?] = [:]
    for output in scenario.outputs where output.topic.hasPrefix("referrals.advisor") {
      let referral = output.text("referral")
      // Disguised referrals do not name their rule: the task of A12 and A13 speaks of a day.
      let isAhead = output.text("task").contains("到期日前")
      let rule = isAhead ? "ahead" : output.text("rule")
      guard isAhead || dated.contains(rule) else { continue }
      let subject = (output.json["subject"] as? [String: Any])?["name"] as? String ?? "-"
      latest[referral] =
        output.text("state") == "requested" ? "\(rule) \(subject) \(output.text("to"))" : nil
    }
    return Set(latest.values.compactMap { $0 })
  }

  @Test func theClockAtArrivalDoesNotMatter() throws {
    let seeds = UInt64(ProcessInfo.processInfo.environment["OUTREACH_ORDER_SEEDS"] ?? "") ?? 60
    var opened: [String: Int] = [:]
    for seed in 1...seeds {
      var random = Random(seed: seed)
      let facts = DateRuleTests.history(&random).sorted { $0.time < $1.time }
      let straight = try DateRuleTests.open(facts, clocks: facts.map { _ in 0 })
      for name in straight { opened[String(name.prefix(3)), default: 0] += 1 }
      let shuffled = facts.shuffled(using: &random)
      let late = try DateRuleTests.open(
        shuffled, clocks: shuffled.map { _ in random.below(200) }.sorted())
      #expect(
        straight == late,
        "seed \(seed): straight \(straight.sorted()), late \(late.sorted()); \(facts.map { "\($0.time.prefix(10)) \($0.type) \($0.data)" })"
      )
    }
    #expect(opened.keys.sorted() == ["B02", "D01", "D02", "E04", "ahe"])
  }
}
