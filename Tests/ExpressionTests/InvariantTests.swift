import Expression
import Testing
import Vocabulary

/// What is the same in all rounds of a loop is evaluated in the first round that needs it, and
/// means the same as if it were evaluated in each.
@Suite struct InvariantTests {
  private static func host() -> TestHost {
    let host = TestHost()
    host.people = [
      TestHost.Person(age: 40, income: 1), TestHost.Person(age: 12, income: 2),
      TestHost.Person(age: 70, income: 3),
    ]
    return host
  }

  /// (expression, value, reads): one read for the list, one for each person's fact that is needed.
  @Test(arguments: [
    // Read once, not in each round.
    ("household.members.exists(m, m.age > params.line + 1)", "false", 5),
    ("household.members.map(m, m.age + household.members[0].age).sum()", "242", 6),
    // Not read where no round needs it.
    ("household.members.exists(m, m.age > 200 && m.age > params.line + 1)", "false", 4),
    ("[].all(m, params.line + 1 > 0)", "true", 0),
    // An inner loop keeps anew what an outer round gives it.
    ("[1, 2].map(x, household.members.filter(m, m.age > 20 * x + 1).size())", "[2, 1]", 8),
    ("[1, 2].all(x, [3, 4].all(y, x + params.line > y - 9))", "true", 2),
    ("[1, 2].all(x, [3, 4].all(y, params.line + 1 > x * y))", "true", 1),
    // The same name is another variable inside.
    ("[1, 2].map(x, [x + 1].map(x, x * 2).sum()).sum()", "10", 0),
    ("[1, 2].map(x, cel.bind(y, x * 10, [7].map(z, y + z).sum())).sum()", "44", 0),
    // What is kept in one run of a loop is not used in the next.
    ("[[1], [2]].map(l, l.map(x, l[0] + x)).size()", "2", 0),
    ("[1, 2].map(x, [5, 6].map(y, x * 100 + y))", "[[105, 106], [205, 206]]", 0),
  ])
  func kept(_ text: String, _ value: String, _ reads: Int) throws {
    let host = Self.host()
    let environment = TestHost.environment()
    let program = try environment.compile(text)
    #expect(show(program.evaluate(host.context(environment))) == value, "\(text)")
    #expect(host.reads == reads, "\(text)")
  }

  @Test(arguments: [
    ("[1, 2].exists(x, x > 1 || params.line / 0 > 1)", "true"),
    ("[1, 2].all(x, x > 1 || params.line / 0 > 1)", "cel/divide-by-zero"),
    ("[1, 2].all(x, x > 5 && params.line / 0 > 1)", "false"),
  ])
  func failures(_ text: String, _ value: String) throws {
    #expect(show(try Self.host().evaluate(text)) == value, "\(text)")
  }

  @Test func unknownsAreKeptToo() throws {
    let host = Self.host()
    host.people[0].income = nil
    let text = "household.members.all(m, m.age > household.members[0].income * 2)"
    #expect(show(try host.evaluate(text)) == "unknown[2.0.1]")
  }
}
