@testable import Intake
import Policy
import Testing

@Suite struct SourceLoaderTests {
  private func codes(
    _ event: String, facts: [String: FactSignature.Kind]? = nil
  ) -> [String] {
    let text = "events:\n  notice.x:\n" + event.split(separator: "\n").map { "    " + $0 + "\n" }
      .joined()
    let collector = DiagnosticCollector()
    _ = SourceLoader(facts: facts).load(
      [YAMLSource(file: "sources/x.yaml", text: text)], into: collector)
    for diagnostic in collector.diagnostics {
      #expect(diagnostic.file == "sources/x.yaml")
      #expect(diagnostic.line > 0)
    }
    return collector.sorted.map(\.code)
  }

  static let good = """
    topic: department.notices
    data:
      person: citizen
      state: {type: word, words: [on, off]}
      date: {type: date, future: {state: [off]}}
      list?: {type: list, of: citizen, max: 2, unique: true}
      nested?: {type: object, fields: {amount: money}}
    effective: date
    facts: {state: state}
    about:
      - person: person
        facts:
          custody: {from: state, map: {off: {value: nothing}}}
    """

  @Test func aGoodEventHasNoProblems() {
    #expect(codes(Self.good) == [])
    #expect(codes(Self.good, facts: ["event.state": .text, "person.custody": .text]) == [])
  }

  @Test(arguments: [
    ("topic: department.notices", "topik: department.notices", ["missing-key", "unknown-key"]),
    ("person: citizen", "person: citizn", ["unknown-word"]),
    ("person: citizen", "per-son: citizen", ["bad-field-name"]),
    ("words: [on, off]", "words: [on, on]", ["bad-words"]),
    ("words: [on, off]", "word: [on, off]", ["missing-key"]),
    ("future: {state: [off]}", "future: {state: [of]}", ["unknown-word"]),
    ("future: {state: [off]}", "future: {stat: [off]}", ["unknown-field"]),
    ("future: {state: [off]}", "future: maybe", ["wrong-type"]),
    ("max: 2", "max: 2, min: 3", ["empty-range"]),
    ("max: 2", "max: 100000", ["out-of-range"]),
    ("effective: date", "effective: dat", ["unknown-field"]),
    ("effective: date", "effective: state", ["wrong-type"]),
    ("- person: person", "- person: state", ["wrong-type"]),
    ("- person: person", "- persons: person", ["missing-key", "unknown-key"]),
    ("- person: person", "- person: .x", ["unknown-field"]),
    ("{off: {value: nothing}}", "{of: {value: nothing}}", ["unknown-word"]),
    ("{off: {value: nothing}}", "{off: drop}", ["unknown-word"]),
    ("from: state, map", "from: date, map", ["wrong-type"]),
    ("from: state, map", "from: state, when: {state: [x]}, map", ["unknown-word"]),
    ("from: state, map", "from: state, when: {date: [x]}, map", ["bad-condition"]),
    ("{state: state}", "{state: nested}", ["wrong-type"]),
    ("{state: state}", "{state: nested.amout}", ["unknown-field"]),
  ])
  func problemsHaveCodes(_ replaced: String, _ by: String, expected: [String]) {
    let found = Set(codes(Self.good.replacing(replaced, with: by)))
    #expect(found.isSuperset(of: expected), "\(found)")
  }

  @Test func factsMustBeDeclaredWithTheirKind() {
    #expect(codes(Self.good, facts: ["event.state": .text]) == ["unknown-fact"])
    #expect(
      codes(Self.good, facts: ["event.state": .int, "person.custody": .text]) == ["wrong-type"])
    #expect(
      codes(Self.good, facts: ["event.state": .text, "person.custody": .bool]) == ["wrong-type"])
  }

  @Test func namesAreUniqueOverAllFiles() {
    let text = "events:\n  notice.x:\n" + Self.good.split(separator: "\n").map { "    \($0)\n" }
      .joined()
    let collector = DiagnosticCollector()
    let catalog = SourceLoader(facts: nil).load(
      [YAMLSource(file: "a.yaml", text: text), YAMLSource(file: "b.yaml", text: text)],
      into: collector)
    #expect(catalog.names == ["notice.x"])
    #expect(collector.diagnostics.map(\.code) == ["duplicate-event"])
    #expect(collector.diagnostics.first?.file == "b.yaml")
  }

  @Test func aPackAddsATypeWithoutCode() throws {
    let text = """
      events:
        notice.scholarship notice.loan:
          topic: department.notices
          data:
            person: citizen
            month: month
            helper?: {type: object, fields: {id: citizen, role: {type: word, words: [a, b]}}}
          effective: month
          facts: {month: month}
          about:
            - person: person
              when: {helper: absent}
            - person: helper.id
              when: {helper.role: [b]}
              facts: {help: {value: true}}
      """
    let collector = DiagnosticCollector()
    let catalog = SourceLoader(facts: nil).load(
      [YAMLSource(file: "x.yaml", text: text)], into: collector)
    #expect(collector.diagnostics.isEmpty)
    let intake = try EventIntake(catalog: catalog)
    func targets(_ helper: String) throws -> [Int] {
      let json = structured(
        "notice.loan", "{\"person\":\"\(Someone.adult)\",\"month\":\"2024-01\"\(helper)}")
      let event = try intake.feed(Sent("department.notices", json: json)).event
      return try #require(event).targets.map(\.fields.count)
    }
    #expect(try targets("") == [0])
    #expect(try targets(",\"helper\":{\"id\":\"\(Someone.elder)\",\"role\":\"a\"}") == [])
    #expect(try targets(",\"helper\":{\"id\":\"\(Someone.elder)\",\"role\":\"b\"}") == [1])
  }

  @Test func theDefaultPackDeclaresEveryTypeOfTheContract() throws {
    let names = Set(try defaultCatalog().names)
    for sample in Sample.all { #expect(names.contains(sample.type)) }
    #expect(names.count == 31)
  }
}
