import Expression
import Testing
import Vocabulary

/// How expressions are understood: the annotated tree as text.
@Suite struct CheckerTests {
  private func annotated(_ text: String) -> String {
    TestHost.environment().check(text).tree.description
  }

  @Test(arguments: [
    (
      "member.age < 16",
      "_<_(member~Person^variable.age~int^0, 16~int)~bool^less_int_int"
    ),
    (
      "household.members.exists(m, m.present)",
      """
      household~Household^variable.members~list(Person)^0.exists(m, m~Person.present~bool^2)~bool
      """
    ),
    ("[1, 2u]", "[1~int, 2u~uint]~list(dyn)"),
    ("[1, null]", "[1~int, null~null]~list(dyn)"),
    ("[today, null]", "[today~date^time, null~null]~list(date)"),
    ("{'a': [1]}", "{'a'~string: [1~int]~list(int)}~map(string, list(int))"),
    ("{'a': 1}.a", "{'a'~string: 1~int}~map(string, int).a~int"),
    ("{'a': 1}.?a", "{'a'~string: 1~int}~map(string, int).?a~optional(int)"),
    ("[]", "[]~list(dyn)"),
    ("[].map(x, x + 1)", "[]~list(int).map(x, _+_(x~int, 1~int)~int^add_int)~list(int)"),
    ("optional.none()", "optional.none()~optional(dyn)^optional_none"),
    (
      "true ? [] : [1]", "_?_:_(true~bool, []~list(int), [1~int]~list(int))~list(int)"
    ),
    ("type(1)", "type(1~int)~type(int)^type"),
    ("size('a')", "size('a'~string)~int^size_string"),
    ("'a'.size()", "'a'~string.size()~int^string_size"),
    ("dyn(1) + 1", "_+_(dyn(1~int)~dyn^to_dyn, 1~int)~int^add_int"),
    ("dyn(1) == 'a'", "_==_(dyn(1~int)~dyn^to_dyn, 'a'~string)~bool^equals"),
    (
      "today - member.birth",
      "_-_(today~date^time, member~Person^variable.birth~date^4)~int^subtract_date"
    ),
    ("cel.bind(x, 1, x)", "cel.bind(x, 1~int, x~int)~int"),
    ("[3, 1].sortBy(x, -x)[0]", "int"),
    ("math.greatest(1, 2.0)", "math.greatest(1~int, 2.0~double)~dyn^math.greatest"),
    ("math.greatest([1, 2])", "math.greatest([1~int, 2~int]~list(int))~int^math.greatest"),
    ("[1].first().optMap(x, x * 2)", "optional(int)"),
    ("int", "int~type(int)^type"),
  ])
  func types(_ text: String, _ expected: String) {
    let found = annotated(text)
    #expect(expected.contains("~") ? found == expected : found.contains("~\(expected)"), "\(found)")
  }

  @Test(arguments: [
    "int", "list(string)", "map(string, list(int))", "optional(date)", "nullable(int)", "Person",
    "list(Person)", "dyn", "type(int)",
  ])
  func typeNamesReadBack(_ text: String) {
    #expect(CELType(text, objects: ["Person"])?.description == text)
  }

  @Test(arguments: ["", "lst(int)", "list(int", "list(int))", "map(int)", "Other", "list()"])
  func otherTypeNamesDoNot(_ text: String) {
    #expect(CELType(text, objects: ["Person"]) == nil)
  }

  @Test func functionsOfTheHost() throws {
    var environment = TestHost.environment()
    environment.declareFunction(
      "double",
      FunctionOverload("double_date", [.date], .int, isInstance: true, cost: 7) { context, values in
        guard let date = values[0].dateValue else { return .null }
        return .int(Int64(date.day * 2) + (context.today == date ? 1 : 0))
      })
    let program = try environment.compile("today.double() + int(double('1.5')) > 0")
    #expect(program.type == .bool)
    let own = try environment.compile("date('2026-05-20').double()")
    #expect(own.evaluate(TestHost().context(environment)).intValue == 41)
    #expect(own.cost >= 7)
    #expect(throws: CompileFailure.self) { try environment.compile("1.double()") }
  }

  @Test func programsAreSharedBetweenThreads() async throws {
    let environment = TestHost.environment()
    let program = try environment.compile(
      "household.members.exists(m, m.age >= 60 && m.name.matches('^王')) && 'x' + 'y' == 'xy'")
    let wrong = await withTaskGroup(of: Int.self) { group in
      for _ in 0..<4 {
        group.addTask {
          let host = UnknownTests.host()
          let context = host.context(environment)
          var wrong = 0
          for _ in 0..<2000 {
            context.begin(today: context.today, now: context.now)
            if case .holds = program.decide(context) { continue }
            wrong += 1
          }
          return wrong
        }
      }
      return await group.reduce(0, +)
    }
    #expect(wrong == 0)
  }
}
