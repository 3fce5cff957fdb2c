import Expression
import Testing
import Vocabulary

/// Conditions that are decided for many elements at once mean the same as one by one.
@Suite struct ColumnTests {
  private static func host(_ count: Int = 70) -> TestHost {
    let host = TestHost()
    host.people = (0..<count).map { at in
      TestHost.Person(
        age: Int64(at), income: Int64(at % 7),
        birth: CivilDate("2000-01-01")?.adding(days: at * 30))
    }
    return host
  }

  private static func evaluate(
    _ text: String, _ host: TestHost, budget: Int = 100_000
  ) throws -> (value: String, budget: Int) {
    let environment = TestHost.environment()
    let context = host.context(environment, budget: budget)
    let value = show(try environment.compile(text).evaluate(context))
    return (value, context.budget)
  }

  /// Expects with columns what comes out without.
  private func expectSame(_ text: String, _ host: TestHost, budget: Int = 100_000) throws {
    host.hasColumns = false
    let single = try Self.evaluate(text, host, budget: budget)
    host.hasColumns = true
    #expect(try Self.evaluate(text, host, budget: budget) == single)
  }

  private static let texts = [
    "household.members.filter(m, m.age > 65).map(m, m.age)",
    "household.members.filter(m, 5 >= m.age).map(m, m.age)",
    "household.members.filter(m, m.age == member.age || m.age == member.age + 1).map(m, m.age)",
    "household.members.filter(m, m.age > 60 && m.income < 2 && m.age != 69).map(m, m.age)",
    "household.members.filter(m, m.age >= 0 || m.age > 5 / 0).map(m, m.age)",
    "household.members.filter(m, m.age < 0 && m.age > 5 / 0).map(m, m.age)",
    "household.members.filter(m, m.age > 3 && m.age > member.income).map(m, m.age)",
    "household.members.filter(m, m.birth < date('2000-03-01')).map(m, m.age)",
    "household.members.filter(m, m.birth > today.addYears(-21)).map(m, m.age)",
    "household.members.filter(m, has(m.birth) && m.age < 2).map(m, m.age)",
    "size(household.members.filter(m, m.age > 62 || m.income == 3))",
    "household.members.map(m, m.income).sum()",
    "household.members.filter(m, m.income > 4).map(m, m.income).sum()",
    "[1, 2].map(x, household.members.filter(m, m.age < x).size())",
    "[1, 2, 3].filter(x, x > member.age + 1 && x > 5 / 0)",
    "[1, 2, 3].filter(x, x > member.age + 1 && x < 3)",
  ]

  @Test(arguments: texts)
  func same(_ text: String) throws { try expectSame(text, Self.host()) }

  /// Somebody of whom something is missing, or a sum that is too large, is found one by one.
  @Test(arguments: texts)
  func missing(_ text: String) throws {
    let host = Self.host()
    host.people[3].age = nil
    host.people[66].income = nil
    host.people[5].birth = nil
    try expectSame(text, host)
  }

  @Test func overflow() throws {
    let host = Self.host(3)
    for at in host.people.indices { host.people[at].income = .max }
    try expectSame("household.members.map(m, m.income).sum()", host)
  }

  @Test(arguments: texts)
  func budgets(_ text: String) throws {
    let host = Self.host()
    for budget in stride(from: 0, to: 150, by: 7) { try expectSame(text, host, budget: budget) }
  }

  @Test(arguments: [
    ("size(household.members.filter(m, m.age > 62 || m.income == 3))", 1),
    ("household.members.map(m, m.income).sum()", 1),
    ("size(household.members.filter(m, m.age < 10 && m.income == member.income))", 2),
  ])
  func reads(_ text: String, _ reads: Int) throws {
    let host = Self.host()
    host.hasColumns = true
    _ = try Self.evaluate(text, host)
    #expect(host.reads == reads, "\(text)")
  }
}
