import Foundation
import Policy
import Runtime
import Streaming
import Testing
import Vocabulary

@testable import PolicyTools

/// Scenarios written from the contract and the semantics alone, with every output that they expect:
/// `Semantics/*.yaml`, a case for each point in the order of the semantics.
///
/// Events are written as in policy tests. `outputs` has a line for each referral, alert and dead
/// letter in order of publication, with the words that its line must have among others:
///
///     E07 >advisor for:甲 requested P1 r2 due:2026-03-04 at:2026-03-02T13:00 esc1 @S-1
///     - >resource requested [W-1] age:70-79
///     alert F02 firing >subdistrict t:310101
///     dead id /data/person
///
/// `op` is `openedAt`, `on` the events of the evidence, `t` the end of the topic's name, `hh` the household (`prov` where it is a
/// provisional one). A deadline at the end of a day is written as its date. `ignore` leaves out the
/// outputs of a rule, `alert` all alerts, `alert:E07` those of one rule.
@Suite struct SemanticsTests {
  static let files = ["time", "households", "openings", "answers", "visits", "corrections"]

  @Test(arguments: files) func everyCaseGivesExactlyItsOutputs(_ name: String) throws {
    let url = URL(filePath: #filePath).deletingLastPathComponent()
      .appending(path: "Semantics/\(name).yaml")
    let collector = DiagnosticCollector()
    var reader = StoryReader(
      sources: try Scenario.pack.get().sources, collector: collector)
    let stories = reader.read(
      YAMLSource(file: "\(name).yaml", text: try String(contentsOf: url, encoding: .utf8)))
    #expect(collector.sorted.map(\.rendered).joined() == "")
    #expect(!stories.isEmpty)
    for story in stories {
      let told = try story.told()
      let agrees = story.agrees(with: told)
      #expect(
        agrees,
        """
        \(name).yaml:\(story.line) \(story.name)
        want:
        \(story.expected.map { $0.joined(separator: " ") }.joined(separator: "\n"))
        have:
        \(told.map { $0.joined(separator: " ") }.joined(separator: "\n"))
        """)
    }
  }
}

/// One scenario.
private struct Story {
  let name: String
  let line: Int
  let people: [String: String]
  let directory: [String]
  let ignored: Set<String>
  let showsDecisions: Bool
  let events: [TestEvent]
  let until: Instant?
  let expected: [[String]]

  /// What was published, as words.
  func told() throws -> [[String]] {
    let scenario = try Scenario(directory: directory)
    for event in events {
      var json = String(decoding: event.json, as: UTF8.self)
      if let reference = event.referral {
        // What it answers may only open at this instant.
        try scenario.advance(to: event.clock.description)
        json.replace(
          ReferralReference.placeholder,
          with: try #require(referral(reference, scenario.outputs), "\(name): no referral"))
      }
      _ = try scenario.feed(Array(json.utf8), topic: event.topic)
    }
    if let until { try scenario.advance(to: until.description) }
    return scenario.outputs.map(words).filter { !$0.isEmpty && !isIgnored($0) }
  }

  func agrees(with told: [[String]]) -> Bool {
    told.count == expected.count
      && zip(expected, told).allSatisfy { Set($0).isSubset(of: $1) }
  }

  /// The latest open referral that is meant, else the latest one.
  private func referral(_ reference: ReferralReference, _ outputs: [OutputRecord]) -> String? {
    var states: [String: String] = [:]
    var order: [String] = []
    for output in outputs where output.topic.hasPrefix("referrals.") {
      let isResource = output.topic.hasPrefix("referrals.resource")
      guard isResource ? reference.to == "resource" : output.text("to") == reference.to,
        isResource || output.text("rule") == reference.rule
      else { continue }
      let id = output.text("referral")
      if states.updateValue(output.text("state"), forKey: id) == nil { order.append(id) }
    }
    let open = ["requested", "accepted", "in-progress"]
    return order.last { open.contains(states[$0] ?? "") } ?? order.last
  }

  private func isIgnored(_ words: [String]) -> Bool {
    switch words[0] {
    case "dead": false
    case "decision": !showsDecisions
    case "alert":
      ignored.contains("alert") || ignored.contains(words[1])
        || ignored.contains("alert:" + words[1])
    default: ignored.contains(words[0])
    }
  }

  private func words(_ output: OutputRecord) -> [String] {
    let json = output.json
    if output.topic == "deadletters" {
      return [
        "dead", output.header("assist_error_code") ?? "", output.header("assist_error_path") ?? "",
      ]
    }
    let at = "at:" + Story.short(output.header("ce_time") ?? "")
    let end = "t:" + (output.topic.split(separator: ".").last.map(String.init) ?? "")
    let opened = (json["openedAt"] as? String).map { "op:" + Story.short($0) }
    if output.topic == "decisions" {
      return ["decision", output.text("rule"), output.text("decision"), at]
    }
    if output.topic.hasPrefix("alerts.") {
      let audience = (json["audience"] as? [String] ?? []).joined(separator: "+")
      return [
        "alert", output.text("rule"), output.text("state"), ">" + audience,
        output.text("severity"), at, end,
      ] + [opened].compactMap(\.self)
    }
    guard output.topic.hasPrefix("referrals.") else { return [] }
    return referralWords(output, json) + [at, end] + [opened].compactMap(\.self)
  }

  private func referralWords(_ output: OutputRecord, _ json: [String: Any]) -> [String] {
    let subject = json["subject"] as? [String: Any]
    let assignee = json["assignee"] as? [String: Any]
    let home = (json["household"] as? [String: Any])?["id"] as? String
    let evidence = json["evidence"] as? [[String: Any]] ?? []
    let visit = evidence.first { $0["fact"] as? String == "visit" }
    let events = Set(evidence.compactMap { $0["event"] as? String }).sorted()
    let escalation = json["escalation"] as? Int ?? 0
    var words = [
      json["rule"] as? String ?? "-", ">" + (json["to"] as? String ?? "resource"),
      output.text("state"), output.header("urgency") ?? "", "r\(json["revision"] ?? 0)",
    ]
    words += [
      (subject?["name"] as? String).map { "for:" + $0 },
      (json["reason"] as? String).map { "(\($0))" },
      (json["dueAt"] as? String).map { "due:" + Story.short($0) },
      escalation > 0 ? "esc\(escalation)" : nil,
      (assignee?["advisor"] as? String).map { "@" + $0 },
      (json["candidates"] as? [String]).map { "[" + $0.joined(separator: ",") + "]" },
      json["review"] == nil ? nil : "review",
      (visit?["value"] as? String).map { "visit:" + $0 },
      events.isEmpty ? nil : "on:" + events.joined(separator: "+"),
      home.map { $0.hasPrefix("H-") ? "hh:prov" : "hh:" + $0 },
      json["to"] == nil && json["committee"] == nil ? "nocom" : nil,
      (json["ageBand"] as? String).map { "age:" + $0 },
    ].compactMap(\.self)
    words += (json["missing"] as? [String] ?? []).map { "miss:" + $0 }
    return words
  }

  /// A time without its zone and idle seconds; the end of a day as its date.
  private static func short(_ time: String) -> String {
    let text = time.prefix(19)
    if text.hasSuffix("T23:59:59") { return String(text.prefix(10)) }
    return String(text.hasSuffix(":00") ? text.prefix(16) : text)
  }
}

/// Reads `Semantics/*.yaml`: `people`, named compositions as `homes`, and `cases`.
private struct StoryReader {
  let sources: SourceCatalog
  let collector: DiagnosticCollector
  private var homes: [String: PositionedYAML] = [:]

  init(sources: SourceCatalog, collector: DiagnosticCollector) {
    self.sources = sources
    self.collector = collector
  }

  mutating func read(_ source: YAMLSource) -> [Story] {
    guard let file = PositionedYAML.parse(source, into: collector)?.mapping else { return [] }
    _ = file.optionalString("note")
    let people = readPeople(file.optional("people"), [:])
    for (name, home) in file.optional("homes")?.mapping?.entries ?? [] {
      if let name = name.string { homes[name] = home }
    }
    let cases = file.sequence("cases").compactMap { story($0, people) }
    file.finish()
    return cases
  }

  private func readPeople(
    _ yaml: PositionedYAML?, _ known: [String: String]
  ) -> [String: String] {
    var people = known
    for (key, value) in yaml?.mapping?.entries ?? [] {
      let parts = value.string?.split(separator: " ") ?? []
      guard let name = key.string, let birth = parts.first.flatMap({ CivilDate($0) }) else {
        continue
      }
      people[name] = TestReader.number(birth, isMale: parts.count == 1, ordinal: people.count)
    }
    return people
  }

  private func story(_ yaml: PositionedYAML, _ known: [String: String]) -> Story? {
    guard let entry = yaml.mapping else { return nil }
    let people = readPeople(entry.optional("people"), known)
    var builder = EventBuilder(sources: sources, people: people)
    var events: [TestEvent?] = []
    if let home = entry.optionalString("home") {
      events.append(homes[home].flatMap { builder.event($0) })
    }
    events += entry.sequence("events").map { builder.event($0) }
    let named = entry.optional("directory")?.sequence?.compactMap(\.string)
    let story = Story(
      name: entry.string("case") ?? "", line: yaml.line, people: people,
      directory: (named ?? StoryReader.usual).map { StoryReader.offices[$0] ?? $0 },
      ignored: Set(entry.strings("ignore")),
      showsDecisions: entry.optional("decisions")?.boolean ?? false,
      events: events.compactMap(\.self), until: entry.optional("until").flatMap { readTime($0) },
      expected: (entry.optionalString("outputs") ?? "").split(separator: "\n").map {
        $0.split(separator: " ").map(String.init)
      })
    entry.finish()
    return story
  }

  /// Who is there unless a case says otherwise.
  private static let usual = ["C-1", "S-1", "S-2", "D-1", "D-2"]

  private static let offices: [String: String] = {
    var lines: [String: String] = [:]
    for (id, level, area) in [
      ("C-1", "committee", "310101002001"), ("C-2", "committee", "310101002001"),
      ("S-1", "subdistrict", "310101002"), ("S-2", "subdistrict", "310101015"),
      ("D-1", "district", "310101"), ("D-2", "district", "310104"),
    ] {
      lines[id] =
        #"{"advisor":"\#(id)","name":"顾问","level":"\#(level)","covers":["\#(area)"],"capacity":40}"#
    }
    // W-0 has no agreement and shows as W-1.
    for (name, id, rest) in [
      ("W-0", "W-1", ""), ("W-1", "W-1", #","agreement":"Y""#), ("W-2", "W-2", #","agreement":"Y""#),
    ] {
      lines[name] =
        #"{"resource":"\#(id)","name":"社工","kind":"society","category":"service","#
        + #""needs":["elder","care"],"covers":["310101"],"capacity":9,"until":"2029-12-31"\#(rest)}"#
    }
    return lines
  }()
}
