import Testing
import Vocabulary

@testable import Policy

@Suite struct LoaderTests {
  @Test func theSmallPackLoads() {
    #expect(SmallPack().problems == "")
  }

  @Test func typeErrorsAreShownInTheExpression() {
    let pack = SmallPack().replacing(
      "member.age >= params.adult,", by: "membr.age >= params.adlt,", in: "rules/X01.yaml")
    #expect(
      pack.problems == """
        rules/X01.yaml:13:23: error[cel/undeclared]: 'membr' is not declared
         13 |   - {id: adult, that: membr.age >= params.adlt, says: 成年}
            |                       ^^^^^
           = hint: did you mean 'member'?
        rules/X01.yaml:13:43: error[cel/undeclared-field]: params has no field 'adlt'
         13 |   - {id: adult, that: membr.age >= params.adlt, says: 成年}
            |                                           ^^^^
           = hint: did you mean 'adult'?

        """)
  }

  @Test(arguments: [
    // text, replacement, file, problems
    ("version: 2", "version: two", "rules/X01.yaml", ["rules/X01.yaml:2 wrong-type"]),
    ("rule: X01", "rule: X02", "rules/X01.yaml", ["rules/X01.yaml:1 rule-file-name"]),
    (
      "events: [notice.death]", "events: [notice.deth]", "rules/X01.yaml",
      ["rules/X01.yaml:10 unknown-event"]
    ),
    ("due: 3wd", "due: 3 days", "rules/X01.yaml", ["rules/X01.yaml:16 bad-term"]),
    ("due: 3wd", "due: params.adult", "rules/X01.yaml", ["rules/X01.yaml:16 wrong-type"]),
    ("due: 3wd", "due: params.adlt", "rules/X01.yaml", ["rules/X01.yaml:16 unknown-parameter"]),
    ("to: advisor", "to: advisors", "rules/X01.yaml", ["rules/X01.yaml:16 unknown-word"]),
    ("scope: member", "scop: member", "rules/X01.yaml", [
      "rules/X01.yaml:1 missing-key", "rules/X01.yaml:9 unknown-key",
      "rules/X01.yaml:13 cel/undeclared", "rules/X01.yaml:16 cel/undeclared",
      "rules/X01.yaml:16 cel/undeclared",
    ]),
    ("{id: alone", "{id: adult", "rules/X01.yaml", ["rules/X01.yaml:14 duplicate-clause"]),
    (
      "let: {others:", "let: {member:", "rules/X01.yaml",
      ["rules/X01.yaml:11 duplicate-name", "rules/X01.yaml:14 cel/undeclared"]
    ),
    ("evidence: [member.age]", "evidence: [member.age + 1]", "rules/X01.yaml",
      ["rules/X01.yaml:16 unnamed-evidence"]),
    ("size(others) == 0", "size(others)", "rules/X01.yaml", ["rules/X01.yaml:14 cel/result-type"]),
    ("scope: member", "scope: member\nsubject: event.date", "rules/X01.yaml",
      ["rules/X01.yaml:10 wrong-type"]),
    ("dedup:", "hold: 3d\ndedup:", "rules/X01.yaml", ["rules/X01.yaml:17 contradictory-keys"]),
    ("dedup:", "closes: [X99]\ndedup:", "rules/X01.yaml", ["rules/X01.yaml:17 unknown-rule"]),
    ("default: false", "default: maybe", "facts.yaml", [
      "facts.yaml:13 wrong-type", "facts.yaml:18 cel/undeclared-field",
      "facts.yaml:21 cel/undeclared-field",
      "sources/all.yaml:6 unknown-fact",
    ]),
    ("!member.dead && !member.away", "!member.dead && member.at_home", "facts.yaml",
      ["facts.yaml:21 fact-cycle"]),
    ("keep: 13mo", "keep: 99y", "facts.yaml", ["facts.yaml:15 out-of-range"]),
    ("events: [notice.death], keep", "events: [notice.birth], keep", "facts.yaml",
      ["facts.yaml:15 unknown-event"]),
    ("derive: 1.5 * line", "derive: 1.5 * lin", "params/main.yaml",
      ["params/main.yaml:11 bad-formula"]),
    ("derive: 1.5 * line", "derive: 1.5 * third", "params/main.yaml", []),
    ("(line + 100) / 3", "(edge + third) / 3", "params/main.yaml",
      ["params/main.yaml:12 parameter-cycle"]),
    ("value: 1595.50", "value: 15950", "params/main.yaml",
      ["params/main.yaml:10 out-of-bounds"]),
    ("value: 1595.50", "value: 1.5e3", "params/main.yaml", ["params/main.yaml:10 bad-money"]),
    ("2024-07-01", "2023-07-01", "params/main.yaml", ["params/main.yaml:10 values-out-of-order"]),
    ("2024-09-29", "2024-09-30", "calendar/2024.yaml", ["calendar/2024.yaml:4 not-a-weekend"]),
    ("derive: 1.5 * line", "derive: 1.5 * line / (line - line)", "params/main.yaml",
      ["params/main.yaml:11 bad-formula"]),
    ("derive: 1.5 * line", "derive: 99999999999 * line * 99999999999", "params/main.yaml",
      ["params/main.yaml:11 bad-formula"]),
    ("derive: 1.5 * line}", "derive: 1.5 * line, bounds: {max: 2300}}", "params/main.yaml",
      ["params/main.yaml:11 out-of-bounds"]),
    ("min: 100, max: 9000", "min: 9000, max: 100", "params/main.yaml",
      ["params/main.yaml:7 bad-bounds"]),
    ("title: 测试", "title: \"\"", "rules/X01.yaml", ["rules/X01.yaml:3 missing-value"]),
    ("cite: 条例", "cite: ''", "rules/X01.yaml", ["rules/X01.yaml:8 missing-value"]),
    ("says: 无人", "says: ''", "rules/X01.yaml", ["rules/X01.yaml:14 missing-value"]),
    ("topic: department.notices", "topic: department.notice", "sources/all.yaml",
      ["sources/all.yaml:3 unknown-word", "sources/all.yaml:8 unknown-word"]),
    ("weight: 90", "weight: 190", "services.yaml", ["services.yaml:2 out-of-range"]),
    ("operator: {title: 运行, clearance: none}", "operator: {title: 运行, clearance: [x]}",
      "audiences.yaml", ["audiences.yaml:8 unknown-word"]),
  ])
  func eachMistakeHasItsCode(
    text: String, other: String, file: String, expected: [String]
  ) {
    #expect(SmallPack().replacing(text, by: other, in: file).codes == expected)
  }

  @Test func filesThatBelongNowhereAreRejected() {
    #expect(SmallPack().adding("fact.yaml", "a: 1\n").codes == ["fact.yaml:0 unknown-file"])
    var without = SmallPack()
    without.files["services.yaml"] = nil
    #expect(without.codes == ["services.yaml:0 missing-file"])
  }

  /// Without the facts or the audiences every rule would be a problem: one is told.
  @Test(arguments: ["facts.yaml", "audiences.yaml"])
  func aMissingBaseIsOneProblem(file: String) {
    var without = SmallPack()
    without.files[file] = nil
    #expect(without.codes == ["\(file):0 missing-file"])
    #expect(SmallPack().adding(file, "").codes == ["\(file):0 yaml-empty"])
    #expect(SmallPack().adding(file, "[]\n").codes == ["\(file):1 wrong-type"])
    #expect(SmallPack().adding(file, "a: 1\na: 2\n").codes == ["\(file):1 duplicate-key"])
    // What stands for itself is told as well.
    #expect(
      without.adding("rules/X02.yaml", "a: [\n").codes.sorted()
        == ["\(file):0 missing-file", "rules/X02.yaml:2 yaml-syntax"])
  }

  @Test func severalOverlaysOfOneDistrictCountTogether() throws {
    func overlay(_ rest: String) -> String { "district: \"310115\"\nname: 浦东\n" + rest }
    let line = overlay("params: {line: [{from: 2024-01-01, value: 1600, cite: 区文件}]}\n")
    let status = overlay("rules: {X01: {base: 2, status: shadow, cite: 区文件}}\n")
    let pack = SmallPack().adding("districts/310115/a.yaml", status)
      .adding("districts/310115/b.yaml", line)
    let loaded = try pack.load().get()
    let index = try #require(loaded.parameters.index(of: "line"))
    let values = loaded.parameters.resolve(
      on: try #require(CivilDate("2024-02-01")), district: "310115", subdistrict: "310115001"
    ).values
    #expect(values[index]?.text == "1600")
    #expect(
      pack.adding("districts/310115/c.yaml", line).codes
        == ["districts/310115/c.yaml:3 duplicate-parameter"])
    #expect(
      pack.adding("districts/310115/c.yaml", status).codes
        == ["districts/310115/c.yaml:3 duplicate-overlay"])
  }

  /// Of a very long line the part around the problem is shown.
  @Test func longLinesAreCut() {
    let long = String(repeating: "true && ", count: 100) + "membr.age > 3" + String(repeating: " && true", count: 100)
    let problems = SmallPack().replacing(
      "member.age >= params.adult,", by: "\(long),", in: "rules/X01.yaml"
    ).problems
    let lines = problems.split(separator: "\n").map(String.init)
    #expect(lines.count == 4)
    #expect(lines[0] == "rules/X01.yaml:13:823: error[cel/undeclared]: 'membr' is not declared")
    #expect(lines[1].contains("…") && lines[1].unicodeScalars.count < 260)
    let caret = lines[2].firstIndex(of: "^").map { lines[2].distance(from: lines[2].startIndex, to: $0) }
    let at = lines[1].range(of: "membr").map {
      lines[1].distance(from: lines[1].startIndex, to: $0.lowerBound)
    }
    #expect(caret == at)
  }

  @Test func aRuleKnowsWhatItReads() throws {
    let pack = try SmallPack().load().get()
    let rule = try #require(pack.rule("X01"))
    func slot(_ object: ObjectKind, _ name: String) throws -> FactSlot {
      FactSlot(object, try #require(pack.facts.slot(of: object, named: name)))
    }
    // Through the let, its derived fact and the derived fact that one reads.
    #expect(
      rule.reads.facts == [
        try slot(.household, "members"), try slot(.person, "at_home"), try slot(.person, "dead"),
        try slot(.person, "away"), try slot(.person, "treatment"), try slot(.person, "age"),
      ])
    #expect(rule.reads.parameters == [try #require(pack.parameters.index(of: "adult"))])
    #expect(rule.reads.dependsOnTime)
    #expect(rule.lets.map(\.slot) == [VariableSlot.firstLet])
    #expect(rule.eventTypes == ["notice.death"])
    #expect(rule.referrals[0].evidence[0].name == "年龄")
    #expect(rule.referrals[0].evidence[0].fact == (try slot(.person, "age")))
  }

  @Test func theDigestChangesWithEachFileButNotWithTests() throws {
    let base = PackFiles([("a.yaml", "1"), ("b.yaml", "2")]).canonicalBytes
    #expect(PackFiles([("b.yaml", "2"), ("a.yaml", "1")]).canonicalBytes == base)
    #expect(PackFiles([("a.yaml", "1"), ("b.yaml", "3")]).canonicalBytes != base)
    #expect(PackFiles([("a.yaml", "1"), ("c.yaml", "2")]).canonicalBytes != base)
    #expect(
      PackFiles([("a.yaml", "1"), ("b.yaml", "2"), ("tests/x.yaml", "")]).canonicalBytes == base)
  }

  /// First law: whatever the text, loading ends with a pack or with problems.
  @Test func mutatedPacksNeverCrash() {
    var fuzz = Fuzzing(rounds: 150, seed: 0x1234_5678_9ABC_DEF1)
    let small = SmallPack()
    let names = small.files.keys.sorted()
    let words = [
      "params.", "member", "[", "]", "{", "}", ":", "-", "\n", "\n  ", "1", "9999999999999999999",
      "derive: ", "null", "''", "\"", "${", "household.members", "P9", "2024-02-30", "/ 0", "|",
    ]
    while fuzz.goesOn() {
      var pack = small
      for _ in 0...fuzz.next(3) {
        let name = names[fuzz.next(names.count)]
        var scalars = Array((pack.files[name] ?? "").unicodeScalars)
        let at = fuzz.next(scalars.count)
        if fuzz.next(2) == 0 {
          scalars.removeSubrange(at..<min(scalars.count, at + 1 + fuzz.next(6)))
        } else {
          scalars.insert(contentsOf: Array(words[fuzz.next(words.count)].unicodeScalars), at: at)
        }
        pack.files[name] = String(String.UnicodeScalarView(scalars))
      }
      let start = ContinuousClock.now
      if case .failure(let problems) = pack.load() {
        #expect(problems.diagnostics.contains { $0.severity == .error })
      }
      #expect(ContinuousClock.now - start < .seconds(10))
    }
  }
}
