import Expression
import Testing
import Vocabulary

/// Missing facts: what they make unknown, and what they do not.
@Suite struct UnknownTests {
  /// The first person's income is missing, the second's age; the third is known.
  static func host() -> TestHost {
    let host = TestHost()
    host.people = [
      TestHost.Person(age: 40, income: nil, name: "张三"),
      TestHost.Person(age: nil, income: 100, name: "李四"),
      TestHost.Person(age: 70, income: 50_000, name: "王五"),
    ]
    return host
  }

  @Test(arguments: [
    ("member.income", "unknown[2.0.1]"),
    ("member.income + 1", "unknown[2.0.1]"),
    ("member.income < 5 && false", "false"),
    ("false && member.income < 5", "false"),
    ("member.income < 5 && true", "unknown[2.0.1]"),
    ("member.income < 5 || true", "true"),
    ("member.income < 5 || false", "unknown[2.0.1]"),
    ("!(member.income < 5)", "unknown[2.0.1]"),
    ("member.income < 5 || household.exited", "unknown[1.0.1 2.0.1]"),
    ("member.income + household.members[1].age", "unknown[2.0.1 2.1.0]"),
    ("member.income < 5 ? 1 : 2", "unknown[2.0.1]"),
    ("true ? 1 : member.income", "1"),
    ("household.members.exists(m, m.age > 60)", "true"),
    ("household.members.exists(m, m.age > 90)", "unknown[2.1.0]"),
    ("household.members.all(m, m.age > 30)", "unknown[2.1.0]"),
    ("household.members.all(m, m.age > 50)", "false"),
    ("household.members.exists_one(m, m.age > 60)", "unknown[2.1.0]"),
    ("household.members.exists(m, m.age > 90 && m.income > 0)", "unknown[2.1.0]"),
    ("household.members.exists(m, m.age > 90 || m.income > 90000)", "unknown[2.0.1 2.1.0]"),
    ("size(household.members.filter(m, m.income > 0))", "unknown[2.0.1]"),
    ("household.members.map(m, m.age).sum()", "unknown[2.1.0]"),
    ("household.members.map(m, m.age)", "unknown[2.1.0]"),
    ("[member.income, 1]", "unknown[2.0.1]"),
    ("{'a': member.income}", "unknown[2.0.1]"),
    ("has(member.income)", "unknown[2.0.1]"),
    ("has(member.birth)", "false"),
    ("known(member.income)", "false"),
    ("known(member.age)", "true"),
    ("known(member.income) ? member.income : 0", "0"),
    ("member.income in [1, 2]", "unknown[2.0.1]"),
    ("cel.bind(x, member.income, x > 1 || true)", "true"),
    // An error beside an unknown: the error may be gone once the fact is there.
    ("member.income < 5 && 1 / 0 > 1", "unknown[2.0.1]"),
    ("1 / 0 > 1 && member.income < 5", "unknown[2.0.1]"),
    ("1 / 0 > 1 && false", "false"),
    ("1 / 0 > 1 || true", "true"),
    ("1 / 0 > 1 || false", "cel/divide-by-zero"),
    ("string(member.income)", "unknown[2.0.1]"),
    ("member.name.matches('张') && member.income > 0", "unknown[2.0.1]"),
    ("optional.of(member.income)", "unknown[2.0.1]"),
    ("member.?income.orValue(3)", "unknown[2.0.1]"),
    ("member.?birth.orValue(date('2000-01-01'))", "2000-01-01"),
  ])
  func propagation(_ text: String, _ expected: String) throws {
    #expect(show(try Self.host().evaluate(text)) == expected)
  }

  @Test func decisionsNameTheFacts() throws {
    let environment = TestHost.environment()
    let host = Self.host()
    let program = try environment.compile("member.income < params.line", expecting: .bool)
    guard case .unknown(let set) = program.decide(host.context(environment)) else {
      Issue.record("not unknown")
      return
    }
    #expect(set.facts == [FactRef(object: TestHost.person(0), field: 1)])
    host.people[0].income = 1
    guard case .holds = program.decide(host.context(environment)) else {
      Issue.record("does not hold")
      return
    }
  }

  @Test func readsNothingThatIsNotNeeded() throws {
    let environment = TestHost.environment()
    let host = Self.host()
    let program = try environment.compile(
      "member.age > 50 && household.members.exists(m, m.present)")
    _ = program.decide(host.context(environment))
    #expect(host.reads == 1)
  }

  @Test func tracesTheFieldsRead() throws {
    let environment = TestHost.environment()
    let host = Self.host()
    let context = host.context(environment, tracing: true)
    let program = try environment.compile("member.age > 50 || member.present || member.income > 1")
    _ = program.decide(context)
    #expect(context.trace.map(\.field) == [0, 2])
    _ = program.decide(context)
    #expect(context.trace.count == 2)
  }

  @Test func lazyVariablesAreEvaluatedOnceAndOnlyWhenRead() throws {
    var environment = TestHost.environment()
    let carers = try environment.compile("household.members.filter(m, m.present && m.income > 0)")
    environment.declareVariable("carers", carers.type, definition: carers)
    let unused = try environment.compile("true || size(carers) == 0")
    let used = try environment.compile("size(carers) + size(carers)")
    #expect(used.dependencies.fields.map(\.field).sorted() == ["income", "members", "present"])
    #expect(used.dependencies.variables == ["carers", "household"])
    let host = Self.host()
    host.people[0].income = 1
    host.people[1].income = 1
    let context = host.context(environment)
    _ = unused.evaluate(context)
    #expect(host.reads == 0)
    #expect(used.evaluate(context).intValue == 6)
    let reads = host.reads
    #expect(used.evaluate(context).intValue == 6)
    #expect(host.reads == reads)
    context.forgetLazyVariables()
    _ = used.evaluate(context)
    #expect(host.reads > reads)
  }

  @Test(arguments: [
    ("household.members.first().name.orValue('')", "张三"),
    ("household.members.first().?name.orValue('')", "张三"),
    ("household.members.first().value().name", "张三"),
    ("household.members.filter(m, false).first().name.orValue('x')", "x"),
    ("has(household.members.first().birth)", "false"),
    ("has(household.members.first().name)", "true"),
    ("has(household.members.filter(m, false).first().name)", "false"),
    ("cel.bind(p, household.members.last(), p.income.orValue(0))", "50000"),
    ("household.members.first().income.orValue(0)", "unknown[2.0.1]"),
    ("household.members[?7].name.orValue('none')", "none"),
    ("household.members.first().optMap(p, p.age).orValue(0)", "40"),
    ("household.members.sortBy(m, m.name)[0].name", "张三"),
    ("household.members[1] == household.members[1]", "true"),
    ("household.members[0] in household.members", "true"),
    ("household.members.filter(m, m != member).map(m, m.name)", "[李四, 王五]"),
    ("household.members.map(m, m.name).exists(n, n == '王五')", "true"),
    ("household.members.slice(1, 2)[0].name", "李四"),
  ])
  func objectsInOptionalsAndLists(_ text: String, _ expected: String) throws {
    #expect(show(try Self.host().evaluate(text)) == expected)
  }

  @Test func objectsHideTheirFieldsFromDynamicAccess() throws {
    #expect(show(try Self.host().evaluate("dyn(member).income")) == "cel/no-such-field")
    #expect(show(try Self.host().evaluate("[member, 1][0].income")) == "cel/no-such-field")
  }
}
