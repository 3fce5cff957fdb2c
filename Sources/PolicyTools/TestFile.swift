public import Policy
public import Vocabulary

/// An event of a policy test.
public struct TestEvent: Sendable {
  /// Short name.
  public let type: String
  /// In-topic, after the configured prefix.
  public let topic: String
  /// The structured CloudEvent; where the test names a referral, its `placeholder` stands for the
  /// identifier.
  public let json: [UInt8]
  /// What the event moves the clock to.
  let clock: Instant
  /// The referral of this test that the event is about, if it names one.
  let referral: ReferralReference?
  /// Where it stands in its file.
  let line: Int
}

/// A referral of the test under way, by what it says instead of by its identifier:
/// `referral: {rule: A05, to: advisor, for: child}`. The latest open one counts, else the latest.
struct ReferralReference: Sendable {
  /// Stands in the event until the identifier is known.
  static let placeholder = "@referral"

  let rule: String
  let to: String
  let subject: String?
  let line: Int

  func matches(_ output: ActualOutput) -> Bool {
    (output.deciding == rule || output.rule == rule) && output.to == to
      && (subject == nil || output.subject == nil || output.subject == subject)
  }
}

/// One expected output. Keys that are not given are not compared.
public struct ExpectedOutput: Sendable {
  /// The rule shown; `need` for disguised referrals.
  public let rule: String
  /// A referral's receiver (`advisor subdistrict district resource`), nil for alerts.
  public let to: String?
  /// An alert's audiences, nil for referrals.
  public let audience: [String]?
  /// A person of the test, or `household`.
  public let subject: String?
  /// State of the last revision.
  public let state: String?
  public let urgency: String?
  public let due: Instant?
  public let reason: String?
  public let isReview: Bool?
  /// Sub-district of a referral's household or, for other areas, of its receiver.
  public let count: Int
  /// Texts of clauses that must stand in the decision.
  public let says: [String]
  public let line: Int
}

extension ExpectedOutput {
  /// Neither withdrawn nor resolved.
  var isLive: Bool { state != "withdrawn" && state != "resolved" }
}

extension TestCase {
  /// Whether an output of a rule with a property is expected.
  func expects(_ rule: String, where property: (ExpectedOutput) -> Bool) -> Bool {
    expected.contains { $0.rule == rule && property($0) }
  }
}

/// One case: what happens, and exactly what comes out.
public struct TestCase: Sendable {
  public let name: String
  public let file: String
  public let line: Int
  public let events: [TestEvent]
  /// Timers run on until then.
  public let until: Instant?
  public let expected: [ExpectedOutput]
  /// Rules whose outputs are not looked at, such as the escalation of what nobody takes up here.
  public let ignored: Set<String>
}

/// Reads `tests/*.yaml`:
///
///     people: {father: 1980-01-01, mother: 1982-02-02 f, child: 310101201503030038}
///     given: [events before each case]
///     cases:
///       - case: 母亲被拘留
///         events:
///           - {type: notice.custody, time: 2026-01-06, data: {person: mother, state: detained}}
///         until: 2026-02-01
///         expect:
///           - {rule: A05, for: child, to: advisor, state: requested, urgency: P0}
///           - {rule: A05, audience: [child-desk], state: firing}
///
/// `ignore: [F02]` leaves the outputs of a rule out. A file may also be a single case with `events`
/// and `expect` at its top. People are named; a date of birth makes a number of that date (`f` for
/// a woman). Times without an hour are 09:00. What is left out of `data` is filled in: the event's
/// day as `date` or `asOf`, the name of a member, a sub-district and committee, a transaction
/// number, the advisor `C-1` as `by`. Feedback names its referral as
/// `referral: {rule: A05, to: advisor, for: child}`.
public struct TestReader {
  let sources: SourceCatalog
  let collector: DiagnosticCollector
  private var people: [String: String] = [:]
  private var ignored: Set<String> = []

  public init(sources: SourceCatalog, collector: DiagnosticCollector) {
    self.sources = sources
    self.collector = collector
  }

  /// The cases of all test files of a pack.
  public static func read(_ files: PackFiles, sources: SourceCatalog) -> (
    cases: [TestCase], problems: [PolicyDiagnostic]
  ) {
    let collector = DiagnosticCollector()
    var cases: [TestCase] = []
    for (path, text) in files.files where path.hasPrefix("tests/") {
      var reader = TestReader(sources: sources, collector: collector)
      cases += reader.read(YAMLSource(file: path, text: text))
    }
    return (cases, collector.sorted)
  }

  /// The cases of one file.
  public mutating func read(_ source: YAMLSource) -> [TestCase] {
    guard let file = PositionedYAML.parse(source, into: collector)?.mapping else { return [] }
    _ = file.optionalString("note")
    readPeople(file.optional("people"))
    let given = file.optional("given")
    ignored = Set(file.strings("ignore"))
    var cases: [TestCase] = []
    if let list = file.optional("cases") {
      for yaml in list.sequence ?? [] {
        guard let entry = yaml.mapping else { continue }
        let name = entry.string("case") ?? ""
        cases.append(testCase(name, yaml, entry, given))
      }
    } else {
      let name = file.optionalString("case") ?? source.file
      cases.append(testCase(name, file.owner, file, given, finishes: false))
    }
    file.finish()
    return cases
  }

  private func testCase(
    _ name: String, _ yaml: PositionedYAML, _ entry: YAMLMapping, _ given: PositionedYAML?,
    finishes: Bool = true
  ) -> TestCase {
    var builder = EventBuilder(sources: sources, people: people)
    let before = (given?.sequence ?? []).compactMap { builder.event($0) }
    let events = entry.sequence("events").compactMap { builder.event($0) }
    let until = entry.optional("until").flatMap { readTime($0) }
    let expected = (entry.required("expect")?.sequence ?? []).compactMap {
      expectation($0, builder)
    }
    if finishes { entry.finish() }
    return TestCase(
      name: name, file: yaml.source.file, line: yaml.line, events: before + events, until: until,
      expected: expected, ignored: ignored)
  }

  private mutating func readPeople(_ yaml: PositionedYAML?) {
    for (key, value) in yaml?.mapping?.entries ?? [] {
      guard let name = key.string, let text = value.string else { continue }
      if (try? CitizenID(text)) != nil {
        people[name] = text
        continue
      }
      let parts = text.split(separator: " ")
      guard let birth = parts.first.flatMap({ CivilDate($0) }), parts.count <= 2,
        parts.count == 1 || parts[1] == "f",
        let id = TestReader.number(birth, isMale: parts.count == 1, ordinal: people.count)
      else {
        value.report(
          "bad-person", "'\(text)' is neither a number nor a date of birth",
          hint: "such as 1980-01-01, with ' f' for a woman")
        continue
      }
      people[name] = id
    }
  }

  /// A valid number for a date of birth.
  static func number(_ birth: CivilDate, isMale: Bool, ordinal: Int) -> String? {
    let date = birth.description.replacing("-", with: "")
    let sequence = 100 + ordinal * 2 + (isMale ? 1 : 0)
    guard sequence <= 999, let digits = UInt64("310101" + date + String(sequence)) else {
      return nil
    }
    return CitizenID(validatedDigits: digits).text
  }

  private func expectation(
    _ yaml: PositionedYAML, _ builder: EventBuilder
  ) -> ExpectedOutput? {
    guard let entry = yaml.mapping else { return nil }
    let subject = entry.optional("for")
    if let subject, let name = subject.string { builder.checkPerson(name, at: subject) }
    let receivers = ReferralReceiver.allCases.map(\.rawValue)
    let due = entry.optional("dueAt")
    let result = ExpectedOutput(
      rule: entry.string("rule") ?? "",
      to: entry.optional("to")?.word(receivers, what: "a receiver"),
      audience: entry.optional("audience")?.strings, subject: subject?.string,
      state: entry.optionalString("state"), urgency: entry.optionalString("urgency"),
      due: due.flatMap { readTime($0, endOfDay: true) }, reason: entry.optionalString("reason"),
      isReview: entry.optional("review")?.boolean,
      count: entry.optionalInteger("count", in: 1...100) ?? 1,
      says: entry.optional("says")?.sequenceOrScalar?.compactMap(\.string) ?? [], line: yaml.line)
    entry.finish()
    if (result.to == nil) == (result.audience == nil) {
      yaml.report("missing-key", "either 'to' (a referral) or 'audience' (an alert) is needed")
    }
    return result
  }
}

/// An instant: RFC 3339, or a date or date and time of Shanghai.
func readTime(_ yaml: PositionedYAML, endOfDay: Bool = false) -> Instant? {
  guard let text = yaml.string else { return nil }
  if let date = CivilDate(text) {
    return endOfDay ? Instant(endOf: date) : Instant(startOf: date).adding(seconds: 9 * 3600)
  }
  if let instant = Instant(text) ?? Instant(text + ":00+08:00") ?? Instant(text + "+08:00") {
    return instant
  }
  yaml.report("bad-time", "'\(text)' is not a time", hint: "such as 2026-01-06T09:30")
  return nil
}
