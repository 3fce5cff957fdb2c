import Foundation
import Policy
import PolicyTools
import Testing

/// What lint promises: one small mistake each in the default pack, and the finding as it is shown.
@Suite struct LintTests {
  /// The findings on the default pack after some replacements in its files.
  private func findings(_ changes: [(file: String, text: String, other: String)]) throws -> String {
    var files = Dictionary(
      try PackTests.loaded.get().files.files.map { ($0.path, $0.text) },
      uniquingKeysWith: { first, _ in first })
    for (file, text, other) in changes {
      let old = files[file] ?? ""
      #expect(text.isEmpty || old.contains(text), "\(file) does not contain \(text)")
      files[file] = text.isEmpty ? other : old.replacing(text, with: other)
    }
    let pack = PackFiles(files.map { ($0.key, $0.value) }.sorted { $0.0 < $1.0 })
    let loaded = try PolicyPack.load(pack, digest: { "\($0.count)" }).get()
    let (cases, problems) = TestReader.read(pack, sources: loaded.sources)
    #expect(problems == [])
    return PolicyLint.run(loaded, cases: cases).map(\.rendered).joined()
  }

  @Test func rulesThatCanNeverFire() throws {
    #expect(
      try findings([
        ("rules/C03.yaml", "size(household.members) > 0", "size(household.members) < 0")
      ]).hasPrefix(
        "rules/C03.yaml:16: warning[cel/never]: C03, 'struck', column 1: a size is never negative\n"
      ))
    #expect(
      try findings([
        (
          "rules/A07.yaml", "when:\n",
          "when:\n  - {id: grown, that: member.age >= 30, says: x}\n"
            + "  - {id: young, that: member.age < 18, says: x}\n"
        )
      ]).contains(
        "rules/A07.yaml:15: warning[never-fires]: A07 can never fire: 'young' cannot hold where "
          + "'grown' does\n"))
    #expect(
      try findings([
        (
          "rules/E01.yaml", "event.reason == 'fraud'", "event.state == 'rejected'"
        )
      ]).contains(
        "warning[never-fires]: E01 demands 'rejected' and excludes the same as 'fraud'\n"))
  }

  /// A misspelt word compiles, and its comparison never holds.
  @Test(arguments: [
    (
      "rules/A09.yaml", "member.custody == 'imprisoned'", "member.custody == 'imprisond'",
      "rules/A09.yaml:15: warning[impossible-word]: A09, 'imprisoned', column 19: "
        + "member.custody is never 'imprisond'\n   = hint: did you mean 'imprisoned'?\n"
    ),
    (
      "rules/A18.yaml", "event.state == 'moved'", "event.state == 'gone'",
      "rules/A18.yaml:15: warning[impossible-word]: A18, 'moved', column 16: event.state is never "
        + "'gone'\n   = hint: one of: found missing moved permit-issued permit-lapsed\n"
    ),
    (
      "rules/A06.yaml", "opens_when: \"!(", "opens_when: \"member.permit != 'isued' && !(",
      "warning[impossible-word]: A06, 'opens_when': member.permit is never 'isued'\n"
    ),
    (
      "rules/D03.yaml", "event.type in ['notice.death', 'notice.divorce']",
      "event.type in ['notice.birth', 'notice.divorce']",
      "warning[impossible-word]: D03, 'left', column 16: event.type is never 'notice.birth'\n"
    ),
    (
      "facts.yaml", "member.treatment == 'compulsory'\n", "member.treatment == 'compulsary'\n",
      "facts.yaml: warning[impossible-word]: 'person.away': member.treatment is never 'compulsary'\n"
    ),
    (
      "assessment/city.yaml", "'housing' in household.needs", "'house' in household.needs",
      "assessment/: warning[impossible-word]: indicator 'housing': 'house' never stands in "
        + "household.needs\n"
    ),
  ])
  func wordsThatNothingEverSays(
    _ file: String, _ text: String, _ other: String, _ finding: String
  ) throws {
    #expect(try findings([(file, text, other)]).contains(finding))
  }

  @Test func tablesThatOverlapOrHaveGaps() throws {
    #expect(
      try findings([
        (
          "assessment/city.yaml", "household.medical_cost >= 5000000",
          "household.medical_cost >= 1000000"
        )
      ]) == """
        assessment/: warning[overlapping-bands]: indicator 'expense': \
        '近十二个月医疗自付二万元以上' can never be reached after '近十二个月医疗自付五万元以上'

        """)
    #expect(
      try findings([
        ("districts/310101/overlay.yaml", "weights: {housing: 12", "weights: {housing: 13")
      ]) == """
        districts/310101/: warning[weight-above-cap]: indicator 'housing' weighs 13, but 'housing' \
        gives at most 12

        """)
    #expect(
      try findings([("assessment/city.yaml", "title: 特别突出, from: 70", "title: 特别突出, from: 700")])
        .hasPrefix("assessment/: warning[unreachable-level]: level 'severe' begins at 700, above"))
    #expect(
      try findings([
        ("calendar/2030.yaml", "", "year: 2030\ncite: 通知\nholidays: []\nworkdays: []\n")
      ]) == """
        calendar/: warning[calendar-gap]: no calendar between 2026 and 2030
           = hint: add calendar/2027.yaml

        """)
    #expect(
      try findings([
        (
          "params/thresholds.yaml", "[{from: 2000-01-01, value: 3, cite: 民发〔2022〕83号二（一）}]",
          "[{from: 2024-01-01, value: 3, cite: 民发〔2022〕83号二（一）}]"
        )
      ]).contains(
        "warning[parameter-gap]: 'newcomer_months' has no value before 2024-01-01, but B06 reads it "
          + "from 2023-04-01 on\n"))
  }

  @Test func whatNobodyReads() throws {
    #expect(
      try findings([
        (
          "params/thresholds.yaml", "  city_code:\n",
          "  spare:\n    title: 备用\n    type: int\n"
            + "    values: [{from: 2000-01-01, value: 1, cite: 某文件}]\n  city_code:\n"
        ),
        ("facts.yaml", "  away:\n", "  spare: {type: bool, title: 备用, derive: member.dead}\n  away:\n"),
      ]) == """
        facts.yaml: warning[unused-fact]: no rule reads 'person.spare'
        params/thresholds.yaml:4: warning[unused-parameter]: no rule reads the parameter 'spare'

        """)
  }

  @Test func citationsThatAreMissing() throws {
    #expect(
      try findings([
        (
          "rules/C03.yaml", #"basis:"#, #"basis: []"# + "\nnote: |-\n  x"
        )
      ]).contains("warning[missing-citation]: C03 cites no law or document\n"))
  }
}
