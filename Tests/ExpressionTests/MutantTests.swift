import Expression
import Testing

/// Small changes of expressions, for mutation tests of policies.
@Suite struct MutantTests {
  private func texts(_ text: String) -> [String] {
    TestHost.environment().mutants(of: text).map(\.text)
  }

  @Test func comparisonsAndLiterals() {
    #expect(
      texts("member.age < 16") == [
        "member.age <= 16", "member.age >= 16", "member.age < 15", "member.age < 17",
      ])
    #expect(texts("member.relation == 'x'") == ["member.relation != 'x'"])
  }

  @Test func logicKeepsParentheses() {
    let found = texts("(member.present || !member.present) && member.present")
    #expect(found.contains("((member.present || !member.present)) || (member.present)") == false)
    #expect(found.contains("(((member.present || !member.present)) || (member.present))"))
    #expect(found.contains("true && member.present"))
    #expect(found.contains("(member.present || !member.present) && true"))
    #expect(found.contains("(member.present || (member.present)) && member.present"))
  }

  @Test func loopsAndMembership() {
    let found = texts("household.members.exists(m, m.relation in ['a', 'b'])")
    #expect(
      found == [
        "household.members.all(m, m.relation in ['a', 'b'])",
        "household.members.exists(m, !(m.relation in ['a', 'b']))",
      ])
    #expect(
      texts("size(household.members.filter(m, m.present)) == 0").contains(
        "size(household.members.filter(m, true)) == 0"))
  }

  @Test func conditionsAndArithmetic() {
    let found = texts("(member.present ? 1 : 2) + member.age > 3")
    #expect(found.contains("((1)) + member.age > 3") || found.contains("(1) + member.age > 3"))
    #expect(found.contains("(member.present ? 1 : 2) - member.age > 3"))
  }

  @Test func allCompileAndDiffer() throws {
    let environment = TestHost.environment()
    let text = """
      (member.age >= 60 || !member.present) && household.members.all(m, m.income + 1 < params.line)
        && date('2024-01-31').addDays(3) <= today && (known(member.birth) ? true : false)
      """
    let mutants = environment.mutants(of: text)
    #expect(mutants.count > 15)
    #expect(Set(mutants.map(\.text)).count == mutants.count)
    for mutant in mutants {
      #expect(mutant.text != text)
      #expect(try environment.compile(mutant.text).type == .bool)
    }
    #expect(environment.mutants(of: "member.agee < 3").isEmpty)
  }
}
