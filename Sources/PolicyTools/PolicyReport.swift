import Policy

/// The result of a test run, for scripts.
public struct PolicyReport: Sendable {
  let outcomes: [TestOutcome]
  let mutants: [ClauseMutant]

  public init(outcomes: [TestOutcome], mutants: [ClauseMutant]) {
    self.outcomes = outcomes
    self.mutants = mutants
  }

  /// Clauses that were looked at.
  public var clauseCount: Int { Set(mutants.map { "\($0.rule) \($0.clause)" }).count }

  /// Clauses on which no case rests when they hold, or none when they do not.
  public var open: [String] {
    var seen: Set<String> = []
    return mutants.filter { !$0.isKilled }.map { "\($0.rule) \($0.clause) (\($0.says))" }
      .filter { seen.insert($0).inserted }
  }

  /// One JSON object.
  public var json: String {
    let failures = outcomes.filter { !$0.passes }.map { outcome in
      let differences = outcome.differences.map(quote).joined(separator: ",")
      return "{\"file\":\(quote(outcome.test.file)),\"line\":\(outcome.test.line),"
        + "\"case\":\(quote(outcome.test.name)),\"differences\":[\(differences)]}"
    }
    let alive = mutants.filter { !$0.isKilled }.map { mutant in
      "{\"rule\":\(quote(mutant.rule)),\"clause\":\(quote(mutant.clause)),"
        + "\"alwaysHolds\":\(mutant.alwaysHolds)}"
    }
    return "{\"cases\":\(outcomes.count),\"failed\":[\(failures.joined(separator: ","))],"
      + "\"clauses\":\(clauseCount),\"uncovered\":\(open.count),"
      + "\"mutants\":\(mutants.count),\"alive\":[\(alive.joined(separator: ","))]}"
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
