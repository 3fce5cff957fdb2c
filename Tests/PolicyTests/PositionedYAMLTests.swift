import Testing

@testable import Policy

/// Reads a small rule-like text and returns the rendered problems.
private func problems(_ text: String) -> String {
  let collector = DiagnosticCollector()
  if let root = PositionedYAML.parse(
    YAMLSource(file: "rules/X01.yaml", text: text), into: collector),
    let mapping = root.mapping
  {
    _ = mapping.string("rule")
    _ = mapping.integer("version", in: 1...99)
    _ = mapping.boolean("restricted", default: false)
    _ = mapping.optional("scope")?.word(["household", "member"], what: "a scope")
    for element in mapping.sequence("events") { _ = element.string }
    mapping.finish()
  }
  return collector.sorted.map(\.rendered).joined()
}

@Suite struct PositionedYAMLTests {
  @Test func aGoodTextHasNoProblems() {
    #expect(problems("rule: A05\nversion: 3\nrestricted: true\nscope: member\n") == "")
  }

  @Test func everyProblemOfATextIsReportedAtItsPlace() {
    let text = """
      rule: A05
      verison: 3
      restricted: yes
      scope: membr   # 成员
      events: notice.death
      """
    #expect(
      problems(text) == """
        rules/X01.yaml:1:1: error[missing-key]: 'version' is missing
         1 | rule: A05
           | ^
        rules/X01.yaml:2:1: error[unknown-key]: unknown key 'verison'
         2 | verison: 3
           | ^^^^^^^
           = hint: did you mean 'version'?
        rules/X01.yaml:3:13: error[wrong-type]: expected true or false, found 'yes'
         3 | restricted: yes
           |             ^^^
        rules/X01.yaml:4:8: error[unknown-word]: 'membr' is not a scope
         4 | scope: membr   # 成员
           |        ^^^^^
           = hint: did you mean 'member'?
        rules/X01.yaml:5:9: error[wrong-type]: expected a list, found 'notice.death'
         5 | events: notice.death
           |         ^^^^^^^^^^^^

        """)
  }

  @Test func duplicateKeysAreRejected() {
    #expect(
      problems("rule: A05\nversion: 1\nrule: A06\n") == """
        rules/X01.yaml:1:1: error[duplicate-key]: key 'rule' occurs twice in one mapping
         1 | rule: A05
           | ^^^^
           = hint: remove one of them

        """)
  }

  @Test(arguments: [
    ("a: &x 1\nb: *x\n", "yaml-alias"), ("", "yaml-empty"), ("a: [1\n", "yaml-syntax"),
    (String(repeating: "[", count: 300), "yaml-too-deep"),
    (String(repeating: "- ", count: 300), "yaml-too-deep"),
    ("--- 1\n--- 2\n", "yaml-syntax"), ("a: \u{7}\n", "yaml-syntax"),
  ])
  func unreadableTextsHaveTheirCode(text: String, code: String) {
    let collector = DiagnosticCollector()
    #expect(
      PositionedYAML.parse(YAMLSource(file: "f.yaml", text: text), into: collector) == nil)
    #expect(collector.diagnostics.map(\.code) == [code])
  }

  @Test(arguments: [
    ("a: member.age < 3", 7, 1, 11), ("a: 'x == ''y'' && z'", 12, 1, 19),
    (#"a: "x == \"y\" && z""#, 12, 1, 19), ("a: |\n  x\n    && zz\n", 7, 3, 8),
    ("家: 甲乙丙", 2, 1, 6),
  ])
  func offsetsInScalarsMapToTheFile(text: String, offset: Int, line: Int, column: Int) throws {
    let collector = DiagnosticCollector()
    let root = try #require(
      PositionedYAML.parse(YAMLSource(file: "f.yaml", text: text), into: collector))
    let value = try #require(root.mapping?.entries.first?.value)
    let place = value.position(ofCodePoint: offset)
    #expect(place.line == line)
    #expect(place.column == column)
  }

  @Test func caretsStandUnderWideCharacters() {
    let diagnostic = PolicyDiagnostic(
      code: "x", file: "f", line: 1, column: 3, length: 2, message: "m", sourceLine: "家 人x")
    #expect(diagnostic.rendered == "f:1:3: error[x]: m\n 1 | 家 人x\n   |    ^^^\n")
  }

  @Test func jsonHasFixedKeys() {
    let diagnostic = PolicyDiagnostic(
      code: "x", severity: .warning, file: "f", line: 1, column: 2, message: "a \"b\"", hint: "h")
    #expect(
      diagnostic.json
        == #"{"code":"x","severity":"warning","file":"f","line":1,"column":2,"length":1,"#
        + #""message":"a \"b\"","hint":"h"}"#)
  }

  @Test(arguments: [
    ("verison", "version"), ("statsu", "status"), ("evnts", "events"), ("zzz", nil), ("rule", nil),
  ])
  func suggestionsAreNear(name: String, expected: String?) {
    #expect(
      Suggestion.nearest(to: name, among: ["version", "status", "events", "rule"]) == expected)
  }

  /// First law of the reader: whatever the bytes, it ends with a value or with problems.
  @Test func mutatedTextsNeverCrash() {
    var fuzz = Fuzzing(rounds: 3000, seed: 0x9E37_79B9_7F4A_7C15)
    let seed = Array(
      "rule: A05\nversion: 3\nwhen:\n  - {id: a, that: 'x < 3', says: 家}\nlet: {a: [1, \"b\"]}\n"
        .utf8)
    let alphabet = Array("[]{}:,-?|>&*!%@`\"'#\n\t \\x0~=家".utf8)
    while fuzz.goesOn() {
      var bytes = seed
      for _ in 0...fuzz.next(6) {
        let at = fuzz.next(bytes.count)
        switch fuzz.next(3) {
        case 0: bytes[at] = alphabet[fuzz.next(alphabet.count)]
        case 1: bytes.insert(alphabet[fuzz.next(alphabet.count)], at: at)
        default: bytes.remove(at: at)
        }
      }
      let collector = DiagnosticCollector()
      let source = YAMLSource(file: "f.yaml", text: String(decoding: bytes, as: UTF8.self))
      guard let root = PositionedYAML.parse(source, into: collector) else {
        #expect(!collector.diagnostics.isEmpty)
        continue
      }
      walk(root)
      for diagnostic in collector.sorted { #expect(!diagnostic.rendered.isEmpty) }
    }
  }

  private func walk(_ value: PositionedYAML) {
    if let mapping = value.isMapping ? value.mapping : nil {
      for entry in mapping.entries { walk(entry.value) }
      mapping.finish()
    } else if let elements = value.isSequence ? value.sequence : nil {
      for element in elements { walk(element) }
    } else {
      _ = value.integer(in: 0...1)
      _ = value.position(ofCodePoint: 3)
      value.report("x", "y", offset: 2, length: 5)
    }
  }
}
