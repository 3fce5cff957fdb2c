import Policy

/// The result of a test run, for scripts.
public struct PolicyReport: Sendable {
  public let outcomes: [TestOutcome]
  /// Those of whole clauses tell the coverage.
  public let mutants: [MutantOutcome]

  public init(outcomes: [TestOutcome], mutants: [MutantOutcome]) {
    self.outcomes = outcomes
    self.mutants = mutants
  }

  public var failed: [TestOutcome] { outcomes.filter { !$0.passes } }

  /// Clauses that were looked at.
  public var clauseCount: Int {
    Set(mutants.filter(\.isClause).map { "\($0.mutant.rule.id) \($0.mutant.part)" }).count
  }

  /// Clauses on which no case rests when they hold, or none when they do not.
  public var uncovered: [String] {
    var seen: Set<String> = []
    return mutants.filter { !$0.isKilled && $0.isClause }
      .map { "\($0.mutant.rule.id) \($0.mutant.part) (\($0.mutant.says))" }
      .filter { seen.insert($0).inserted }
  }

  /// Mutants that no case notices.
  public var alive: [MutantOutcome] { mutants.filter { !$0.isKilled } }

  /// Noticed mutants of a hundred; 100 where there are none.
  public var score: Double {
    mutants.isEmpty ? 100 : Double(mutants.count - alive.count) * 100 / Double(mutants.count)
  }

  /// One JSON object.
  public var json: String {
    let failures = failed.map { outcome in
      let differences = outcome.differences.map(quote).joined(separator: ",")
      return "{\"file\":\(quote(outcome.test.file)),\"line\":\(outcome.test.line),"
        + "\"case\":\(quote(outcome.test.name)),\"differences\":[\(differences)]}"
    }
    let survivors = alive.map { outcome in
      let mutant = outcome.mutant
      return "{\"rule\":\(quote(mutant.rule.id)),\"part\":\(quote(mutant.part)),"
        + "\"file\":\(quote(mutant.file)),\"line\":\(mutant.line),"
        + "\"column\":\(mutant.column),\"change\":\(quote(outcome.change))}"
    }
    return "{\"cases\":\(outcomes.count),\"failed\":[\(failures.joined(separator: ","))],"
      + "\"clauses\":\(clauseCount),\"uncovered\":\(uncovered.count),"
      + "\"mutants\":\(mutants.count),\"alive\":[\(survivors.joined(separator: ","))]}"
  }

  private func quote(_ text: String) -> String {
    var out = "\""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\"": out += "\\\""
      case "\\": out += "\\\\"
      case _ where scalar.value < 0x20: out += " "
      default: out.unicodeScalars.append(scalar)
      }
    }
    return out + "\""
  }
}

extension TestCase {
  /// Whether it stands in `tests/<rule>.yaml` or `tests/<rule>-*.yaml`.
  public func belongs(to rule: String) -> Bool { MutationRun.belongs(self, to: rule) }
}
