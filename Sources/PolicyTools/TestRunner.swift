import Foundation
import Intake
public import Policy
import Runtime
import Stages
import Streaming
public import Vocabulary

/// An output that stands after a test, by its last revision.
public struct ActualOutput: Sendable {
  public let id: String
  /// The rule shown: `need` for disguised referrals, empty on resource topics.
  public let rule: String
  /// The rule that opened it, by the decision log.
  public var deciding: String
  /// Nil for alerts.
  public let to: String?
  /// Nil for referrals.
  public let audience: [String]?
  /// The name of the subject, `household` where there is none; nil where the output shows none.
  public let subject: String?
  public let state: String
  public let urgency: String
  public let due: Instant?
  public let reason: String?
  public let isReview: Bool
  public let revision: Int

  /// A referral that nobody has finished, declined or withdrawn.
  var isOpen: Bool { ["requested", "accepted", "in-progress"].contains(state) }

  /// As a line for people.
  public var line: String {
    var words = [rule == deciding || rule.isEmpty ? deciding : "\(deciding) as \(rule)"]
    if let to { words.append(to) }
    if let audience { words.append("alert[" + audience.joined(separator: " ") + "]") }
    if let subject { words.append("for " + subject) }
    words += [state, urgency]
    if let reason { words.append("(\(reason))") }
    if isReview { words.append("review") }
    if let due { words.append("due " + due.description) }
    return words.joined(separator: " ")
  }
}

/// The outcome of a case.
public struct TestOutcome: Sendable {
  public let test: TestCase
  /// Expected outputs that did not come, outputs that nobody expected, dead letters.
  public let differences: [String]
  public var passes: Bool { differences.isEmpty }
}

/// Runs policy tests on the real stages with a virtual clock.
public struct TestRunner: Sendable {
  public let pack: PolicyPack
  private let directory: Directory

  /// Advisors of every level for the areas that tests use, and a resource of each category.
  static let advisors = [
    #"{"advisor":"C-1","name":"顾问","level":"committee","covers":["310105001001"],"capacity":40}"#,
    #"{"advisor":"S-1","name":"街镇","level":"subdistrict","covers":["310105001"],"capacity":40}"#,
    #"{"advisor":"D-1","name":"区","level":"district","covers":["310105"],"capacity":40}"#,
    #"{"advisor":"S-2","name":"街镇","level":"subdistrict","covers":["310115"],"capacity":40}"#,
    #"{"advisor":"D-2","name":"区","level":"district","covers":["310115"],"capacity":40}"#,
  ]

  public init(pack: PolicyPack) throws {
    self.pack = pack
    var directory = Directory()
    for line in TestRunner.advisors { try directory.add(line: Array(line.utf8)) }
    for category in ["service", "material", "psychological"] {
      let needs = #"["care","elder","child","income","disaster","psychological","other"]"#
      let line =
        #"{"resource":"W-\#(category)","name":"社工","kind":"social-work","#
        + #""category":"\#(category)","needs":\#(needs),"covers":["310105","310115"],"capacity":9,"#
        + #""agreement":"Y-1"}"#
      try directory.add(line: Array(line.utf8))
    }
    self.directory = directory
  }

  private init(pack: PolicyPack, directory: Directory) {
    self.pack = pack
    self.directory = directory
  }

  /// The same runner for another pack.
  public func with(_ pack: PolicyPack) -> TestRunner {
    TestRunner(pack: pack, directory: directory)
  }

  /// Runs one case.
  public func run(_ test: TestCase) throws -> TestOutcome {
    let (outputs, problems, says) = try outputs(of: test)
    var differences = problems
    var open = outputs.filter { !test.ignored.contains($0.deciding) }
    for expected in test.expected {
      for _ in 0..<expected.count {
        if let at = open.firstIndex(where: { matches($0, expected, says) }) {
          open.remove(at: at)
        } else {
          differences.append(
            "line \(expected.line): missing: " + describe(expected) + reason(expected.rule))
        }
      }
    }
    differences += open.map { "not expected: " + $0.line }
    return TestOutcome(test: test, differences: differences)
  }

  /// Why a rule sends nothing at all, if it does not.
  private func reason(_ name: String) -> String {
    guard name != "need", !name.isEmpty else { return "" }
    guard let rule = pack.rule(name) else { return " (the pack has no such rule)" }
    return rule.status == .active ? "" : " (\(name) is '\(rule.status.rawValue)': it sends nothing)"
  }

  /// Whether a case passes; one that cannot run does not.
  func passes(_ test: TestCase) -> Bool { (try? run(test))?.passes ?? false }

  /// The outputs that stand at the end, in order of their first revision, with the clauses that
  /// opened each.
  func outputs(of test: TestCase) throws -> (
    outputs: [ActualOutput], problems: [String], says: [String: [String]]
  ) {
    let stages = StageSet(
      intake: try EventIntake(catalog: pack.sources),
      stages: [
        RegisterStage(), PersonsStage(),
        HouseholdsStage(
          settings: StageSettings(pack: pack, directory: directory, identifiers: .development)),
      ])
    let pipeline = InlinePipeline(stages: stages)
    var collected = Collected()
    var problems: [String] = []
    for (at, event) in test.events.enumerated() {
      if event.referral != nil {
        // What it answers may only open at this instant.
        for output in try pipeline.advance(until: event.clock) { collected.add(output) }
      }
      guard let json = resolved(event, collected.outputs, &problems) else { continue }
      let published = try json.withUnsafeBytes { bytes in
        try pipeline.feed(
          InboundRecord(
            topic: "assist." + event.topic, topicSuffix: event.topic, partition: 0,
            offset: Int64(at), timestamp: 0, key: nil, value: bytes,
            headers: UnsafeBufferPointer(start: nil, count: 0)))
      }
      for output in published { collected.add(output) }
      problems += collected.takeDeadLetters().map { explained($0, event) }
    }
    if let until = test.until {
      for output in try pipeline.advance(until: until) { collected.add(output) }
    }
    return (collected.outputs, problems, collected.says)
  }

  /// Which event was rejected, and what the field would take.
  private func explained(_ letter: DeadLetterNote, _ event: TestEvent) -> String {
    let text = "line \(event.line): dead letter: \(letter.code) \(letter.path)"
    let names = letter.path.split(separator: "/").map(String.init)
    guard names.first == "data", let source = pack.sources.event(event.type),
      case .word(let words)? = EventSource.resolve(
        FieldPath(names: names.dropFirst().filter { Int($0) == nil }), data: source.data,
        element: nil)?.shape
    else { return text }
    return text + " (one of: \(words.joined(separator: " ")))"
  }

  /// The event's bytes with the identifier of the referral that it names; nil, and a problem, where
  /// there is none.
  private func resolved(
    _ event: TestEvent, _ outputs: [ActualOutput], _ problems: inout [String]
  ) -> [UInt8]? {
    guard let reference = event.referral else { return event.json }
    let named = outputs.filter(reference.matches)
    guard let output = named.last(where: \.isOpen) ?? named.last else {
      problems.append(
        "line \(reference.line): no referral of \(reference.rule) to \(reference.to) has been opened")
      return nil
    }
    let text = String(decoding: event.json, as: UTF8.self)
    return Array(text.replacing(ReferralReference.placeholder, with: output.id).utf8)
  }

  private func matches(
    _ actual: ActualOutput, _ expected: ExpectedOutput, _ says: [String: [String]]
  ) -> Bool {
    guard actual.rule == expected.rule || actual.deciding == expected.rule,
      actual.to == expected.to
    else { return false }
    if let audience = expected.audience, audience != actual.audience { return false }
    if let subject = expected.subject, let shown = actual.subject, subject != shown { return false }
    if let state = expected.state, state != actual.state { return false }
    if let urgency = expected.urgency, urgency != actual.urgency { return false }
    if let due = expected.due, due.seconds != actual.due?.seconds { return false }
    if let reason = expected.reason, reason != actual.reason { return false }
    if let review = expected.isReview, review != actual.isReview { return false }
    return expected.says.allSatisfy { (says[actual.id] ?? []).contains($0) }
  }

  private func describe(_ expected: ExpectedOutput) -> String {
    var words = [expected.rule]
    if let to = expected.to { words.append(to) }
    if let audience = expected.audience {
      words.append("alert[" + audience.joined(separator: " ") + "]")
    }
    if let subject = expected.subject { words.append("for " + subject) }
    words += [expected.state, expected.urgency].compactMap(\.self)
    if let reason = expected.reason { words.append("(\(reason))") }
    if expected.isReview == true { words.append("review") }
    if let due = expected.due { words.append("due " + due.description) }
    return words.joined(separator: " ")
  }
}

/// Why an event was rejected.
private struct DeadLetterNote {
  let code: String
  /// JSON pointer.
  let path: String
}

/// Outputs by identifier; a later revision replaces an earlier one.
private struct Collected {
  private var order: [String] = []
  private var latest: [String: ActualOutput] = [:]
  private var deadLetters: [DeadLetterNote] = []
  private(set) var says: [String: [String]] = [:]
  private var rules: [String: String] = [:]

  var outputs: [ActualOutput] {
    order.compactMap { id in
      guard var output = latest[id] else { return nil }
      output.deciding = rules[id] ?? output.rule
      return output
    }
  }

  mutating func takeDeadLetters() -> [DeadLetterNote] {
    defer { deadLetters = [] }
    return deadLetters
  }

  mutating func add(_ output: OutputRecord) {
    if output.topic == "deadletters" {
      let code = output.headers.first { $0.name == "assist_error_code" }
      let path = output.headers.first { $0.name == "assist_error_path" }
      func text(_ header: Header?) -> String {
        header.map { String(decoding: $0.value, as: UTF8.self) } ?? ""
      }
      deadLetters.append(DeadLetterNote(code: text(code), path: text(path)))
      return
    }
    guard let value = output.value,
      let json = try? JSONSerialization.jsonObject(with: Data(value)) as? [String: Any]
    else { return }
    if output.topic == "decisions" {
      decision(json)
    } else if let actual = actual(output.topic, json, output.headers) {
      if latest.updateValue(actual, forKey: actual.id) == nil { order.append(actual.id) }
    }
  }

  private mutating func decision(_ json: [String: Any]) {
    let trace = (json["trace"] ?? json["restricted"]) as? [String: Any]
    let clauses = trace?["clauses"] as? [[String: Any]] ?? []
    let texts = clauses.compactMap { $0["says"] as? String }
    let ids = (json["referrals"] as? [String] ?? []) + (json["alerts"] as? [String] ?? [])
    for id in ids {
      if !texts.isEmpty { says[id] = texts }
      if let rule = trace?["rule"] as? String { rules[id] = rule }
    }
  }

  private func actual(
    _ topic: String, _ json: [String: Any], _ headers: [Header]
  ) -> ActualOutput? {
    func text(_ key: String) -> String? { json[key] as? String }
    let revision = json["revision"] as? Int ?? 0
    if topic.hasPrefix("alerts.") {
      return text("alert").map {
        ActualOutput(
          id: $0, rule: text("rule") ?? "", deciding: "", to: nil,
          audience: json["audience"] as? [String] ?? [], subject: nil, state: text("state") ?? "", urgency: text("severity") ?? "", due: nil,
          reason: nil, isReview: false, revision: revision)
      }
    }
    guard topic.hasPrefix("referrals."), let id = text("referral") else { return nil }
    let isResource = topic.hasPrefix("referrals.resource.")
    let urgency =
      text("urgency") ?? headers.first { $0.name == "urgency" }.map {
        String(decoding: $0.value, as: UTF8.self)
      } ?? ""
    let subject = json["subject"] as? [String: Any]
    return ActualOutput(
      id: id, rule: text("rule") ?? "", deciding: "",
      to: isResource ? "resource" : text("to"), audience: nil,
      subject: isResource ? nil : subject.map { $0["name"] as? String ?? "?" } ?? "household",
      state: text("state") ?? "", urgency: urgency, due: text("dueAt").flatMap { Instant($0) },
      reason: text("reason"), isReview: json["review"] as? Bool ?? false, revision: revision)
  }
}
