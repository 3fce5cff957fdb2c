import Expression
import Testing
import Vocabulary

/// Texts with expressions.
@Suite struct TemplateTests {
  private func render(_ text: String, unknown: String? = nil) throws -> String {
    let environment = TestHost.environment()
    let template = try environment.compileTemplate(text)
    switch template.render(UnknownTests.host().context(environment), unknown: unknown.map { text in { _ in text } }) {
    case .text(let text): return text
    case .unknown(let set): return show(.unknown(set))
    case .failed(let error): return error.code.rawValue
    }
  }

  @Test(arguments: [
    ("plain", "plain"), ("", ""), ("${member.name}，${member.age}岁", "张三，40岁"),
    ("低保标准 ${yuan(params.line)} 元", "低保标准 1510 元"),
    ("$${member.name} $5 $ {", "${member.name} $5 $ {"), ("${'}'}${{'a': '}'}['a']}", "}}"),
    ("${today}", "2026-05-20"), ("${now}", "2026-05-20T10:00:00+08:00"),
    ("${member.age > 18}", "true"), ("${1 / 0}", "cel/divide-by-zero"),
    ("${member.income} ${household.exited}", "unknown[1.0.1 2.0.1]"),
    ("${household.members.map(m, m.name).join('、')}", "张三、李四、王五"),
  ])
  func renders(_ text: String, _ expected: String) throws {
    #expect(try render(text) == expected)
  }

  @Test func anUnknownPartIsAskedForItsTextByWhatIsMissing() throws {
    let environment = TestHost.environment()
    let template = try environment.compileTemplate("${member.income}/${member.name}")
    let context = UnknownTests.host().context(environment)
    guard case .text(let text) = template.render(context, unknown: { "\($0.facts.count)?" }) else {
      Issue.record("no text")
      return
    }
    #expect(text == "1?/张三")
  }

  @Test func unknownPartsMayHaveAText() throws {
    #expect(try render("收入${member.income}，${member.name}", unknown: "不明") == "收入不明，张三")
  }

  @Test(arguments: [
    ("${member.agee}", "1:10: cel/undeclared-field"),
    ("a\n张${member.nam}", "2:11: cel/undeclared-field"),
    ("${member", "1:1: cel/template"), ("${member}", "1:3: cel/template"),
    ("${household.members}", "1:3: cel/template"), ("x${}", "1:4: cel/syntax"),
    ("${1 +}${membr}", "1:6: cel/syntax"),
  ])
  func problems(_ text: String, _ expected: String) {
    do throws(CompileFailure) {
      _ = try TestHost.environment().compileTemplate(text)
      Issue.record("\(text) should not compile")
    } catch {
      #expect(error.diagnostics.first?.description.hasPrefix(expected) == true, "\(error)")
    }
  }

  @Test func dependenciesAreThoseOfAllParts() throws {
    let template = try TestHost.environment().compileTemplate("${member.name} ${member.age}")
    #expect(template.dependencies.fields.map(\.field).sorted() == ["age", "name"])
    #expect(template.constant == nil)
    #expect(try TestHost.environment().compileTemplate("a$${b").constant == "a${b")
  }
}
