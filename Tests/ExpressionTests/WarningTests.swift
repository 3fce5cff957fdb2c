import Expression
import Testing

/// What compiles but is hardly meant.
@Suite struct WarningTests {
  private func warnings(_ text: String) -> [String] {
    TestHost.environment().warnings(of: text).map { "\($0.column) \($0.code.rawValue)" }
  }

  @Test(arguments: [
    ("member.age >= 18 && member.age < 16", ["21 cel/never"]),
    ("member.age >= 18 && member.age < 60", []),
    (
      "member.age > 17 && member.age == 18 && member.age < 20",
      ["1 cel/redundant", "40 cel/redundant"]
    ),
    ("member.age >= 18 && member.age >= 20", ["1 cel/redundant"]),
    ("member.age >= 18 || member.age < 20", ["21 cel/always"]),
    ("member.age >= 18 || member.age < 18", ["21 cel/always"]),
    ("member.age < 18 || member.age >= 60", []),
    ("member.relation == 'a' && member.relation == 'b'", ["27 cel/never"]),
    ("member.relation in ['a', 'b'] && member.relation == 'c'", ["34 cel/never"]),
    ("member.relation in ['a', 'b'] && member.relation != 'b'", []),
    ("member.relation == 'a' && member.relation != 'b'", ["27 cel/redundant"]),
    ("member.relation != 'a' || member.relation != 'b'", ["27 cel/always"]),
    ("member.present && !member.present", ["19 cel/never"]),
    ("member.present || !member.present", ["19 cel/always"]),
    ("member.present && member.present", ["19 cel/redundant"]),
    ("member.age == member.age", ["1 cel/always"]),
    ("member.age < member.age", ["1 cel/never"]),
    ("size(household.members) >= 0", ["1 cel/always"]),
    ("size(household.members) < 0", ["1 cel/never"]),
    ("size(household.members) == 0", []),
    ("household.members.exists(m, member.present)", ["26 cel/unused-variable"]),
    ("household.members.map(m, m.age).sum() > 3", []),
    ("household.members.exists(m, m.age > 60) && household.members.exists(m, m.age < 10)", []),
    ("10 < member.age && 10 > member.age", ["20 cel/never"]),
    ("member.agee > 1", []),
  ])
  func finds(_ text: String, _ expected: [String]) {
    #expect(warnings(text) == expected)
  }

  @Test func programsKnowTheirWarnings() throws {
    let program = try TestHost.environment().compile("member.age > 3 && member.age < 2")
    #expect(program.warnings.map(\.code) == [.never])
  }

  @Test(arguments: [
    ("member.age >= 18", "member.age < 16", true, false),
    ("member.age >= 18", "member.age >= 20", false, true),
    ("member.age >= 20", "member.age >= 18", false, false),
    ("member.age >= 18 && member.present", "member.age < 16 && member.income > 0", true, false),
    ("member.age >= 18 && member.present", "member.age >= 20", false, false),
    ("member.age >= 18 || member.present", "member.age < 16", false, false),
    ("member.relation == 'a'", "member.relation in ['b', 'c']", true, false),
    ("member.present", "member.present", false, true),
    ("member.age > 3 && member.age < 2", "member.present", false, false),
  ])
  func pairsOfConditions(first: String, second: String, excludes: Bool, implies: Bool) throws {
    let environment = TestHost.environment()
    let pair = ConditionPair(
      try environment.compile(first), try environment.compile(second))
    #expect(pair.excludeEachOther == excludes)
    #expect(pair.secondImpliesFirst == implies)
  }
}
