import Expression
import Testing

/// Ints of facts are reckoned with without values: with the bounds, errors and unknowns of the
/// language.
@Suite struct IntArithmeticTests {
  private static func host() -> TestHost {
    let host = TestHost()
    host.people = [
      TestHost.Person(age: 7, income: nil), TestHost.Person(age: -7, income: .min),
    ]
    return host
  }

  @Test(arguments: [
    ("member.age / 2", "3"), ("household.members[1].age / 2", "-3"), ("-member.age", "-7"),
    ("--member.age", "7"), ("member.age / 0", "cel/divide-by-zero"),
    ("member.age / (member.age - 7)", "cel/divide-by-zero"),
    ("-household.members[1].income", "cel/overflow"),
    ("household.members[1].income / -1", "cel/overflow"),
    ("household.members[1].income / 1", "-9223372036854775808"),
    ("member.income / 0", "unknown[2.0.1]"), ("0 / member.income", "unknown[2.0.1]"),
    ("-member.income", "unknown[2.0.1]"),
    ("(member.age / 0) / member.income", "unknown[2.0.1]"),
    ("member.income / (member.age / 0)", "unknown[2.0.1]"),
    ("member.income / household.members[1].age < 3 || true", "true"),
    ("member.age / 0 > 1 || true", "true"),
  ])
  func reckons(_ text: String, _ expected: String) throws {
    #expect(show(try Self.host().evaluate(text)) == expected, "\(text)")
  }
}
