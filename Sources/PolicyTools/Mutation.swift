import Expression
import Policy

/// A change of one clause that tests should notice.
public struct ClauseMutant: Sendable {
  public let rule: String
  public let clause: String
  public let says: String
  /// The clause holds always, or never.
  public let alwaysHolds: Bool
  /// The first case that notices; nil: the mutant survives.
  public let noticedBy: String?

  public var isKilled: Bool { noticedBy != nil }
}

/// Runs the tests of a pack on changed rules. A clause is covered where the tests notice both that
/// it holds always and that it holds never: some case then rests on this clause alone.
public struct MutationRun {
  let runner: TestRunner
  let cases: [TestCase]

  public init(runner: TestRunner, cases: [TestCase]) {
    self.runner = runner
    self.cases = cases
  }

  /// All mutants of the rules whose ids are given (of all rules for nil), in order.
  public func run(rules: Set<String>? = nil) throws -> [ClauseMutant] {
    let environment = TypeEnvironment()
    let yes = try environment.compile("true")
    let no = try environment.compile("false")
    var mutants: [ClauseMutant] = []
    for rule in runner.pack.rules where rules?.contains(rule.id) ?? true {
      let own = cases.filter { MutationRun.belongs($0, to: rule.id) }
      for clause in rule.when + rule.unless {
        for (alwaysHolds, program) in [(true, yes), (false, no)] {
          let pack = runner.pack.replacing(rule.replacingClause(clause.id, by: program))
          let changed = runner.with(pack)
          let noticing = try own.first { !(try changed.run($0).passes) }
          mutants.append(
            ClauseMutant(
              rule: rule.id, clause: clause.id, says: clause.says, alwaysHolds: alwaysHolds,
              noticedBy: noticing?.name))
        }
      }
    }
    return mutants
  }

  /// `tests/A05.yaml` and `tests/A05-more.yaml` are tests of A05.
  static func belongs(_ test: TestCase, to rule: String) -> Bool {
    let name = test.file.split(separator: "/").last ?? ""
    return name == rule + ".yaml" || name.hasPrefix(rule + "-")
  }
}
