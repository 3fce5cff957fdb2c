import Expression
import Testing

/// Texts of problems, as a policy writer sees them.
@Suite struct DiagnosticTests {
  private func problems(_ text: String, expecting type: CELType? = nil) -> String {
    let environment = TestHost.environment()
    do throws(CompileFailure) {
      _ = try environment.compile(text, expecting: type)
      return ""
    } catch {
      return error.description
    }
  }

  private func expect(_ text: String, _ wanted: String, expecting type: CELType? = nil) {
    let found = problems(text, expecting: type)
    #expect(found == wanted, "\(found)")
  }

  @Test func names() {
    expect(
      "member.agee < 16",
      """
      1:8: cel/undeclared-field: Person has no field 'agee' (did you mean 'age'?)
        | member.agee < 16
        |        ^^^^
      """)
    expect(
      "membr.age < 16",
      """
      1:1: cel/undeclared: 'membr' is not declared (did you mean 'member'?)
        | membr.age < 16
        | ^^^^^
      """)
    expect(
      "member.name.startWith('张')",
      """
      1:13: cel/undeclared-function: there is no function 'startWith' (did you mean 'startsWith'?)
        | member.name.startWith('张')
        |             ^^^^^^^^^
      """)
    expect(
      "True",
      """
      1:1: cel/undeclared: 'True' is not declared (write true)
        | True
        | ^^^^
      """)
  }

  @Test func allProblemsInOneRun() {
    expect(
      "member.agee < 16 &&\n  membr.age == 'x' ||\n  1 + 'a' > 2",
      """
      1:8: cel/undeclared-field: Person has no field 'agee' (did you mean 'age'?)
        | member.agee < 16 &&
        |        ^^^^
      2:3: cel/undeclared: 'membr' is not declared (did you mean 'member'?)
        |   membr.age == 'x' ||
        |   ^^^^^
      3:5: cel/no-overload: '+' does not take int and string (convert with string(x))
        |   1 + 'a' > 2
        |     ^
      """)
  }

  @Test func syntaxAndTypesTogether() {
    expect(
      "size([1, , 2]) > membr",
      """
      1:10: cel/syntax: expected an expression, but found ','
        | size([1, , 2]) > membr
        |          ^
      1:18: cel/undeclared: 'membr' is not declared (did you mean 'member'?)
        | size([1, , 2]) > membr
        |                  ^^^^^
      """)
  }

  @Test func types() {
    expect(
      "member.age = 3",
      """
      1:12: cel/token: the character '=' has no meaning here (write `==` to compare)
        | member.age = 3
        |            ^
      """)
    expect(
      "member.age == '3'",
      """
      1:12: cel/no-overload: '==' does not take int and string
        | member.age == '3'
        |            ^^
      """)
    expect(
      "member.age && true",
      """
      1:1: cel/type: an operand of '&&' must be bool, not int (compare it, as in x > 0)
        | member.age && true
        | ^^^^^^^^^^
      """)
    expect(
      "member.birth + 3 > today",
      """
      1:14: cel/no-overload: '+' does not take date and int (use d.addDays(n))
        | member.birth + 3 > today
        |              ^
      """)
    expect(
      "member.age.size() > 1",
      """
      1:12: cel/no-overload: 'size' does not take (int) \
      (it takes string.size() or bytes.size() or list(A).size())
        | member.age.size() > 1
        |            ^^^^
      """)
    expect(
      "member.age",
      """
      1:1: cel/result-type: this place takes bool, but the expression is int
        | member.age
        | ^^^^^^^^^^
      """, expecting: .bool)
    expect(
      "true ? 1 : 'a'",
      """
      1:6: cel/type: the two results of '?:' differ: int and string \
      (wrap one in dyn(...) if that is meant)
        | true ? 1 : 'a'
        |      ^
      """)
    expect(
      "member.age.x",
      """
      1:12: cel/type: int has no fields, so '.x' means nothing
        | member.age.x
        |            ^
      """)
    expect(
      "member.exists(m, true)",
      """
      1:1: cel/type: only a list or a map can be looped over, not Person
        | member.exists(m, true)
        | ^^^^^^
      """)
  }

  @Test func literalsAndConstants() {
    expect(
      "'abc",
      """
      1:1: cel/token: the string literal does not end
        | 'abc
        | ^^^^
      """)
    expect(
      "9223372036854775808",
      """
      1:1: cel/literal: the number is outside the range of int
        | 9223372036854775808
        | ^^^^^^^^^^^^^^^^^^^
      """)
    expect(
      "'\\q'",
      """
      1:2: cel/literal: unknown escape '\\q' (write `\\\\` for a backslash, or a raw string r'...')
        | '\\q'
        |  ^^
      """)
    expect(
      "member.name.matches('(张')",
      """
      1:21: cel/regex: the regular expression does not compile: missing ')'
        | member.name.matches('(张')
        |                     ^^^^^
      """)
    expect(
      "today > date('2024-02-30')",
      """
      1:14: cel/constant: '2024-02-30' is no date (as in date('2024-01-31'))
        | today > date('2024-02-30')
        |              ^^^^^^^^^^^^
      """)
    expect(
      "today.minus('90 days') > member.birth",
      """
      1:13: cel/constant: '90 days' is no term (a term is a number and a unit: 30m 4h 7d 3wd 6mo 1y)
        | today.minus('90 days') > member.birth
        |             ^^^^^^^^^
      """)
    expect(
      "member.age > 3 and true",
      """
      1:16: cel/syntax: expected an operator or the end, but found 'and' (write `&&` for and)
        | member.age > 3 and true
        |                ^^^
      """)
    expect(
      "member.name == “张”",
      """
      1:16: cel/token: the character '“' has no meaning here \
      (use the ASCII character, not the full-width one)
        | member.name == “张”
        |                ^
      1:17: cel/token: the character '张' has no meaning here
        | member.name == “张”
        |                 ^^
      1:18: cel/token: the character '”' has no meaning here \
      (use the ASCII character, not the full-width one)
        | member.name == “张”
        |                   ^
      1:19: cel/syntax: expected an expression, but the expression ends
        | member.name == “张”
        |                    ^
      """)
  }

  @Test func formatsAndNameSpaces() {
    expect(
      "'%d 元'.format([member.name])",
      """
      1:16: cel/constant: '%d' does not take string (use %s for text)
        | '%d 元'.format([member.name])
        |                 ^^^^^^^^^^^
      """)
    expect(
      "'%s %s'.format([member.name])",
      """
      1:16: cel/constant: formatting clauses: 2, values: 1
        | '%s %s'.format([member.name])
        |                ^^^^^^^^^^^^^
      """)
    expect(
      "'5%'.format([])",
      """
      1:1: cel/constant: '%' is no formatting clause (write %% for a percent sign)
        | '5%'.format([])
        | ^^^^
      """)
    expect(
      "math.abss(1) + lists.rang(2)[0]",
      """
      1:6: cel/undeclared-function: there is no function 'math.abss' (did you mean 'math.abs'?)
        | math.abss(1) + lists.rang(2)[0]
        |      ^^^^
      1:22: cel/undeclared-function: there is no function 'lists.rang' \
      (did you mean 'lists.range'?)
        | math.abss(1) + lists.rang(2)[0]
        |                      ^^^^
      """)
  }

  @Test func macros() {
    expect(
      "household.members.exists(m.x, true)",
      """
      1:26: cel/macro: expected a simple variable name (as in list.exists(x, x > 1))
        | household.members.exists(m.x, true)
        |                          ^^^
      """)
    expect(
      "has(member)",
      """
      1:5: cel/macro: has() takes a field, as in has(a.b)
        | has(member)
        |     ^^^^^^
      """)
  }

  @Test func limits() {
    let deep = String(repeating: "(", count: 70) + "1" + String(repeating: ")", count: 70)
    #expect(problems(deep).hasPrefix("1:65: cel/too-deep"))
    let chain = (0..<70).map { _ in "1" }.joined(separator: "+")
    #expect(problems(chain).contains("cel/too-deep"))
    let flat = (0..<300).map { "member.age == \($0)" }.joined(separator: " || ")
    #expect(problems(flat).hasPrefix("1:1: cel/too-long"))
    let wide = (0..<150).map { "member.age == \($0)" }.joined(separator: " || ")
    #expect(problems(wide).isEmpty)
    let nested = "[1].exists(a, [1].exists(b, [1].exists(c, a == b && b == c)))"
    #expect(problems(nested).hasPrefix("1:5: cel/comprehension-nesting"))
    #expect(problems("[1].filter(a, a > 0).map(b, b).exists(c, c > 0)").isEmpty)
    var environment = TestHost.environment()
    environment.limits.cost = 20
    let (tree, found) = environment.check("household.members.exists(m, m.age > 3)")
    #expect(found.isEmpty)
    #expect(tree.type == .bool)
    do throws(CompileFailure) {
      _ = try environment.compile("household.members.exists(m, m.age > 3)")
      Issue.record("the cost limit is not kept")
    } catch {
      #expect(error.diagnostics.map(\.code) == [.cost])
    }
  }

  @Test func dependenciesAndCost() throws {
    let program = try TestHost.environment().compile(
      "household.members.exists(m, m.age >= 60 && m.income < params.line)")
    #expect(
      program.dependencies.fields.map { "\($0.object).\($0.field)" }.sorted()
        == ["Household.members", "Params.line", "Person.age", "Person.income"])
    #expect(program.dependencies.variables == ["household", "params"])
    #expect(program.cost == 122)
    #expect(program.type == .bool)
  }
}
