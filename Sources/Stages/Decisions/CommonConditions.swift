import Policy

/// The first conditions of a rule that say the same of every subject: once one fails, the others
/// need not be asked about anybody else.
struct CommonConditions: Sendable {
  private let count: Int

  init(of rule: CompiledRule) {
    count =
      rule.scope == .member ? rule.when.prefix { !$0.mentions("member", in: rule) }.count : 0
  }

  /// Whether an answer is that one of them fails.
  func fail(by answer: Answer) -> Bool {
    if case .fails(.condition(let at)) = answer { at < count } else { false }
  }
}

extension CompiledClause {
  /// Whether the condition names a variable, also through the rule's own names for values.
  func mentions(_ variable: String, in rule: CompiledRule) -> Bool {
    variables(in: rule).contains(variable)
  }

  /// The variables that the condition names, also through the rule's own names for values, and
  /// these.
  func variables(in rule: CompiledRule) -> Set<String> {
    var seen: Set<String> = []
    var left = Array(program.dependencies.variables)
    while let name = left.popLast() {
      guard seen.insert(name).inserted else { continue }
      if let named = rule.lets.first(where: { $0.name == name }) {
        left += named.program.dependencies.variables
      }
    }
    return seen
  }
}
