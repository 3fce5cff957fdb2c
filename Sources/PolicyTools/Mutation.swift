import Dispatch
public import Policy
import Synchronization

/// What the tests said to a changed rule.
public struct MutantOutcome: Sendable {
  public let mutant: RuleMutant
  /// The first case that notices; nil: the mutant survives.
  public let noticedBy: String?

  public var isKilled: Bool { noticedBy != nil }

  /// `rules/A05.yaml:21:40: A05 child (未满16周岁且在家): '<' → '<='`
  public var line: String {
    let says = mutant.says.isEmpty ? "" : " (\(mutant.says))"
    return "\(mutant.file):\(mutant.line):\(mutant.column): "
      + "\(mutant.rule.id) \(mutant.part)\(says): \(change)"
  }

  /// What was changed, on one line.
  var change: String {
    switch mutant.change {
    case .clause(true): "always holds"
    case .clause(false): "never holds"
    case .expression(_, let text): text.replacing("\n", with: " ")
    }
  }

  var isClause: Bool {
    if case .clause = mutant.change { true } else { false }
  }
}

/// Runs the tests of a pack on changed rules. A clause is covered where the tests notice both that
/// it holds always and that it holds never: some case then rests on this clause alone.
///
/// A rule's mutants are shown only the tests in files named after it: what it takes to notice them
/// elsewhere would not help whoever changes the rule.
public struct MutationRun: Sendable {
  let runner: TestRunner
  let cases: [TestCase]

  public init(runner: TestRunner, cases: [TestCase]) {
    self.runner = runner
    self.cases = cases
  }

  /// The outcomes in the order of the mutants; on all cores.
  ///
  /// - Parameter progress: called now and then with how many are done, on any thread but one call
  ///   at a time.
  public func run(
    _ mutants: [RuleMutant], progress: @Sendable (Int) -> Void = { _ in }
  ) -> [MutantOutcome] {
    let own = Dictionary(
      Set(mutants.map(\.rule.id)).map { id in
        (id, cases.filter { MutationRun.belongs($0, to: id) })
      }, uniquingKeysWith: { first, _ in first })
    let results = Mutex<(done: Int, noticedBy: [Int: String])>((0, [:]))
    DispatchQueue.concurrentPerform(iterations: mutants.count) { at in
      let rule = mutants[at].rule
      let changed = runner.with(runner.pack.replacing(rule))
      let noticing = own[rule.id]?.first { !changed.passes($0) }
      results.withLock { results in
        results.done += 1
        results.noticedBy[at] = noticing?.name
        progress(results.done)
      }
    }
    let noticedBy = results.withLock { $0.noticedBy }
    return mutants.enumerated().map { MutantOutcome(mutant: $1, noticedBy: noticedBy[$0]) }
  }

  /// `tests/A05.yaml` and `tests/A05-more.yaml` are tests of A05.
  static func belongs(_ test: TestCase, to rule: String) -> Bool {
    let name = test.file.split(separator: "/").last ?? ""
    return name == rule + ".yaml" || name.hasPrefix(rule + "-")
  }
}
