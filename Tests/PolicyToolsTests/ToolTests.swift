import Foundation
import Policy
import PolicyTools
import Testing
import Vocabulary

/// The tools themselves, on the default pack.
@Suite struct ToolTests {
  private func read(_ text: String) throws -> (cases: [TestCase], problems: String) {
    let loaded = try PackTests.loaded.get()
    let collector = DiagnosticCollector()
    var reader = TestReader(sources: loaded.runner.pack.sources, collector: collector)
    let cases = reader.read(YAMLSource(file: "tests/T.yaml", text: text))
    return (cases, collector.sorted.map(\.rendered).joined())
  }

  @Test func mistakesInATestFileAreShown() throws {
    let (_, problems) = try read(
      """
      people: {父: 1980-13-01}
      given:
        - {type: notice.deth, time: 2026-01-01, data: {}}
      cases:
        - case: 一
          events: [{type: notice.death, time: 2026-01-01, data: {persn: 父}}]
          expect: [{rule: A01, for: 母, to: advisors}]

      """)
    #expect(
      problems == """
        tests/T.yaml:1:13: error[bad-person]: '1980-13-01' is neither a number nor a date of \
        birth
         1 | people: {父: 1980-13-01}
           |              ^^^^^^^^^^
           = hint: such as 1980-01-01, with ' f' for a woman
        tests/T.yaml:3:12: error[unknown-word]: 'notice.deth' is not an event type
         3 |   - {type: notice.deth, time: 2026-01-01, data: {}}
           |            ^^^^^^^^^^^
           = hint: did you mean 'notice.death'?
        tests/T.yaml:6:60: error[unknown-key]: the event has no field 'persn'
         6 |     events: [{type: notice.death, time: 2026-01-01, data: {persn: 父}}]
           |                                                            ^^^^^
           = hint: did you mean 'person'?
        tests/T.yaml:7:14: error[missing-key]: either 'to' (a referral) or 'audience' (an alert) is \
        needed
         7 |     expect: [{rule: A01, for: 母, to: advisors}]
           |              ^
        tests/T.yaml:7:31: error[unknown-person]: the test has no person '母'
         7 |     expect: [{rule: A01, for: 母, to: advisors}]
           |                               ^^
        tests/T.yaml:7:38: error[unknown-word]: 'advisors' is not a receiver
         7 |     expect: [{rule: A01, for: 母, to: advisors}]
           |                                       ^^^^^^^^
           = hint: did you mean 'advisor'?

        """)
  }

  private static let story = """
    people: {父: 1980-01-01, 孩: 2015-03-03}
    given:
      - type: household.composition
        time: 2026-01-05
        data: {household: H1, members: [{id: 父, relation: "02"}, {id: 孩, relation: "20"}]}
    events:
      - {type: notice.custody, time: 2026-03-02, data: {person: 父, state: detained}}

    """

  @Test func exactlyTheExpectedOutputsPass() throws {
    let (cases, problems) = try read(
      ToolTests.story + """
        expect:
          - {rule: A05, for: 孩, to: advisor, urgency: P0, dueAt: "2026-03-02T09:30", says: 家中无成年照护人}
          - {rule: A05, audience: [child-desk, subdistrict, police], state: firing}

        """)
    #expect(problems == "")
    let outcome = try PackTests.loaded.get().runner.run(try #require(cases.first))
    #expect(outcome.differences == [])
  }

  @Test func aMissingAndAnUnexpectedOutputFail() throws {
    let (cases, _) = try read(
      ToolTests.story + """
        expect:
          - {rule: A05, for: 孩, to: advisor, urgency: P1}
          - {rule: A05, audience: [child-desk, subdistrict, police], state: firing}

        """)
    let outcome = try PackTests.loaded.get().runner.run(try #require(cases.first))
    #expect(
      outcome.differences == [
        "line 9: missing: A05 advisor for 孩 P1",
        "not expected: A05 advisor for 孩 requested P0 due 2026-03-02T09:30:00+08:00",
      ])
  }

  @Test func aDeadLetterFails() throws {
    let (cases, _) = try read(
      """
      people: {父: 1980-01-01}
      events: [{type: notice.custody, time: 2026-03-02, data: {person: 父, state: arrested}}]
      expect: []

      """)
    let outcome = try PackTests.loaded.get().runner.run(try #require(cases.first))
    #expect(outcome.differences == [
        "line 2: dead letter: enum /data/state "
          + "(one of: detained imprisoned community-correction released)"
      ])
  }

  @Test func lintFindsNothingInTheDefaultPack() throws {
    let loaded = try PackTests.loaded.get()
    #expect(PolicyLint.run(loaded.runner.pack, cases: loaded.cases) == [])
  }

  @Test func lintMissesTests() throws {
    let loaded = try PackTests.loaded.get()
    let cases = loaded.cases.filter { !$0.belongs(to: "C03") }
    #expect(
      PolicyLint.run(loaded.runner.pack, cases: cases).map(\.message) == ["C03 has no test"])
  }

  @Test func anExplanationNamesConditionsAndParameters() throws {
    let pack = try PackTests.loaded.get().runner.pack
    let text = RuleExplanation(
      pack: pack, rule: try #require(pack.rule("D03")),
      date: try #require(CivilDate("2026-03-01")), district: "310115", subdistrict: ""
    ).text
    for part in [
      "D03 老人失去同住人（第1版，启用，自2023-04-01起）", "家中只剩一人 [alone]",
      "转介社区救助顾问：P1，开出后2个工作日内，2小时内接单", "3个工作日内答复",
      "elder_alone_age = 65周岁（310115规定，区级示例文件，待核定）", "person.custody [justice]",
      "因故不在家 person.away（推算）",
    ] {
      #expect(text.contains(part), "\(part)")
    }
  }

  /// Values of `let`, days that deadlines count from, and the document of the area whose value
  /// it is.
  @Test(arguments: [
    (
      "D02", "",
      [
        "  coming = [60, 65, 70, 80, 90].filter(a, a == member.age || a == member.age + 1)",
        "P4，coming[0] 当日截止",
      ]
    ),
    ("A13", "", ["，在 ends 之前7个工作日起，至其后30天", "P2，ends 之后3个工作日内"]),
    ("C02", "310101", [
      "medical_share = 25%（310101规定", "dibao_line = 1595元/人·月（本市2024年城乡低保标准，待核定）",
      "满足 household.monitored 的由顾问核实",
    ]),
    ("E02", "", ["首次回访 1个月"]),
  ])
  func explanationsTellWhatDecides(_ rule: String, _ place: String, _ parts: [String]) throws {
    let pack = try PackTests.loaded.get().runner.pack
    let explanation = RuleExplanation(
      pack: pack, rule: try #require(pack.rule(rule)),
      date: try #require(CivilDate("2026-03-01")), district: place, subdistrict: "")
    for part in parts { #expect(explanation.text.contains(part), "\(part)") }
    let json = try #require(
      try JSONSerialization.jsonObject(with: Data(explanation.json.utf8)) as? [String: Any])
    #expect(json["rule"] as? String == rule)
    #expect((json["when"] as? [Any])?.isEmpty == false)
    let names = (json["parameters"] as? [[String: Any]])?.compactMap { $0["name"] as? String }
    #expect(names?.isEmpty == (rule == "E02" || rule == "A13"))
  }

  /// A rule that asks for another rule's referrals would tell by its name what that one hides.
  @Test func aDisguisedRuleIsANeedForOtherRulesToo() throws {
    let rule = """
      rule: X99
      version: 1
      title: 探知
      status: active
      owner: 处室
      effective: {from: 2023-01-01}
      serves: {groups: ["1.1"], clauses: ["3.4"]}
      basis: [{cite: 条例}]
      scope: household
      when: [{id: asked, that: "household.referrals.exists(r, r.rule == 'A09' && r.open)", says: 有}]
      refer: [{to: advisor, urgency: P2, due: 3wd, category: service, task: 上门}]

      """
    let story = """
      people: {父: 1980-01-01, 母: 1982-01-01 f}
      given:
        - type: household.composition
          time: 2026-01-05
          data: {household: H1, members: [{id: 父, relation: "02"}, {id: 母, relation: "10"}]}
      events:
        - type: assistance.decision
          time: 2026-01-06
          data: {household: H1, applicant: 父, programme: dibao, state: granted}
        - {type: notice.custody, time: 2026-03-02, data: {person: 父, state: imprisoned, termMonths: 9}}
      expect:
        - {rule: A09, for: 父, to: subdistrict}
        - {rule: A09, for: 父, to: advisor}

      """
    func differences(_ rule: String, _ story: String) throws -> [String] {
      let files = try PackTests.loaded.get().files
      let pack = try PolicyPack.load(
        PackFiles(files.files + [("rules/X99.yaml", rule)]), digest: { "\($0.count)" }).get()
      let (cases, problems) = try read(story)
      #expect(problems == "")
      return try TestRunner(pack: pack).run(try #require(cases.first)).differences
    }
    #expect(try differences(rule, story) == [])
    #expect(
      try differences(
        rule.replacing("'A09'", with: "'need'"),
        story + "  - {rule: X99, for: household, to: advisor}\n") == [])
  }

  @Test func lintAsksForEachKindOfTest() throws {
    let loaded = try PackTests.loaded.get()
    func messages(_ isKept: (TestCase) -> Bool) -> [String] {
      PolicyLint.run(loaded.runner.pack, cases: loaded.cases.filter(isKept)).map(\.message)
    }
    #expect(
      messages { !$0.belongs(to: "C03") || $0.expected.isEmpty }
        == ["no case of C03 expects it to open"])
    #expect(
      messages { !$0.belongs(to: "C03") || !$0.expected.isEmpty }
        == ["no case of C03 expects it to stay closed"])
    #expect(
      messages { !$0.belongs(to: "B04") || !$0.expected.contains { $0.isReview == true } }
        == [
          "no case of B04 expects a review, though it reads event.good_reason, event.suitable"
        ])
  }
}
