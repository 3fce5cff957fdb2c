import ArgumentParser
import Foundation
import Operations
import Policy
import PolicyTools
import Synchronization
import Vocabulary

/// `outreachd policy`: write and test policy packs.
struct PolicyCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "policy",
    abstract: "Check, test and explain policy packs.",
    discussion: """
      EXAMPLES
        outreachd policy lint config/policy
        outreachd policy test config/policy --coverage
        outreachd policy explain A05 --date 2026-03-01 --place 310101
      """,
    subcommands: [PolicyLintCommand.self, PolicyTestCommand.self, PolicyExplainCommand.self])
}

/// A pack and its tests as commands read them.
struct PackOnDisk {
  let files: PackFiles
  let pack: PolicyPack
  let cases: [TestCase]
  /// Problems of the test files.
  let problems: [PolicyDiagnostic]

  /// The complaint about a rule that the pack does not have.
  func noRule(_ name: String) -> CommandFailure { PackOnDisk.noRule(name, in: pack) }

  static func noRule(_ name: String, in pack: PolicyPack) -> CommandFailure {
    let hint = Suggestion.nearest(to: name, among: pack.rules.map(\.id))
      .map { "; did you mean \($0)?" } ?? ""
    return CommandFailure(.findings, "the pack has no rule \(name)\(hint)")
  }

  /// What does not load is told with exit code 1: that is what these commands are asked about.
  static func load(_ directory: String) -> Result<PackOnDisk, PolicyProblems> {
    PackFiles.read(directory: URL(fileURLWithPath: directory, isDirectory: true)).flatMap {
      files in
      PolicyPack.load(files, digest: Loading.hexDigest).map { pack in
        let (cases, problems) = TestReader.read(files, sources: pack.sources)
        return PackOnDisk(files: files, pack: pack, cases: cases, problems: problems)
      }
    }
  }
}

/// Prints diagnostics as text or as a JSON list.
private func show(_ diagnostics: [PolicyDiagnostic], json: Bool) {
  if json {
    print("[" + diagnostics.map(\.json).joined(separator: ",\n ") + "]")
  } else {
    for diagnostic in diagnostics { print(diagnostic.rendered, terminator: "") }
  }
}

/// `outreachd policy lint DIR`
struct PolicyLintCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "lint",
    abstract: "Load a pack and report all that is wrong or doubtful with it.",
    discussion: """
      Errors (the pack does not load) and warnings (rules that can never fire, unused facts and \
      parameters, missing tests and citations ...) come in one run. Exit 0 without findings, else 1.

      EXAMPLES
        outreachd policy lint config/policy
        outreachd policy lint config/policy --json
      """)

  @Argument(help: "Directory of the pack.")
  var directory = "config/policy"

  @Flag(help: "A JSON list on standard output.")
  var json = false

  @Flag(help: "Lint again whenever a file changes; ends with Ctrl-C.")
  var watch = false

  func run() throws {
    if watch { PackWatch(directory).run { _ = lint() } }
    guard lint() else { throw ExitCode(ExitStatus.findings.rawValue) }
  }

  /// True without findings.
  private func lint() -> Bool {
    switch PackOnDisk.load(directory) {
    case .failure(let problems):
      show(problems.diagnostics, json: json)
      return false
    case .success(let loaded):
      let findings = (PolicyLint.run(loaded.pack, cases: loaded.cases) + loaded.problems).sorted()
      show(findings, json: json)
      if !json, findings.isEmpty {
        print("\(loaded.pack.rules.count) rules, \(loaded.cases.count) tests: nothing to report")
      }
      return findings.isEmpty
    }
  }
}

/// `outreachd policy test DIR`
struct PolicyTestCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "test",
    abstract: "Run the tests of a pack on the real stages and a virtual clock.",
    discussion: """
      A case passes where exactly the expected referrals and alerts stand at its end. A clause is \
      covered where a case rests on it when it holds, and one when it does not.

      --mutate changes the conditions of each rule in small ways (whole conditions, comparisons, \
      && and ||, numbers by one, negations, exists and all ...) and runs the rule's own tests, \
      those in tests/RULE.yaml and tests/RULE-*.yaml, on each: a change that none notices is \
      listed with its place.

      Exit 0 where all pass and enough changes are noticed, else 1.

      EXAMPLES
        outreachd policy test config/policy --coverage
        outreachd policy test config/policy --rule A05 --mutate --min 100
      """)

  @Argument(help: "Directory of the pack.")
  var directory = "config/policy"

  @Option(help: "Only the tests of this rule.")
  var rule: String?

  @Flag(help: "Also tell which clauses no test rests on.")
  var coverage = false

  @Flag(help: "Also change the conditions, and tell which changes no test notices.")
  var mutate = false

  @Option(help: "With --mutate: how many of a hundred changes must be noticed.")
  var min = 95

  @Flag(help: "One JSON object on standard output.")
  var json = false

  @Flag(help: "Test again whenever a file changes; ends with Ctrl-C.")
  var watch = false

  func validate() throws {
    guard (0...100).contains(min) else { throw ValidationError("--min is 0 to 100") }
  }

  func run() throws {
    if watch { PackWatch(directory).run { _ = try? test() } }
    guard try test() else { throw ExitCode(ExitStatus.findings.rawValue) }
  }

  private func test() throws -> Bool {
    let loaded: PackOnDisk
    switch PackOnDisk.load(directory) {
    case .failure(let problems):
      show(problems.diagnostics, json: json)
      return false
    case .success(let pack): loaded = pack
    }
    guard loaded.problems.isEmpty else {
      show(loaded.problems, json: json)
      return false
    }
    if let rule, loaded.pack.rule(rule) == nil { throw loaded.noRule(rule) }
    let runner = try TestRunner(pack: loaded.pack)
    let cases = loaded.cases.filter { test in
      rule.map { test.belongs(to: $0) } ?? true
    }
    let outcomes = try cases.map(runner.run)
    let passes = outcomes.allSatisfy(\.passes)
    var mutants: [MutantOutcome] = []
    // On failing tests every change would seem to be noticed.
    if passes, coverage || mutate { mutants = changed(loaded, runner, cases) }
    let report = PolicyReport(outcomes: outcomes, mutants: mutants)
    if json { print(report.json) } else { tell(report) }
    return passes && (!mutate || report.score >= Double(min))
  }

  private func changed(
    _ loaded: PackOnDisk, _ runner: TestRunner, _ cases: [TestCase]
  ) -> [MutantOutcome] {
    let mutants = PolicyPack.mutants(
      of: loaded.files, rules: rule.map { [$0] }, expressions: mutate)
    let line = Mutex(ProgressLine(besideOutput: false))
    let outcomes = MutationRun(runner: runner, cases: cases).run(mutants) { done in
      line.withLock { $0.show { _ in "changes tried: \(done) of \(mutants.count)" } }
    }
    line.withLock {
      $0.finish("changes tried in \(String(format: "%.1f", $0.elapsed)) s")
    }
    return outcomes
  }

  private func tell(_ report: PolicyReport) {
    for outcome in report.failed {
      print("\(outcome.test.file):\(outcome.test.line): \(outcome.test.name)")
      for difference in outcome.differences { print("    \(difference)") }
    }
    print("\(report.outcomes.count) cases, \(report.failed.count) failed")
    guard report.failed.isEmpty else { return }
    if coverage {
      let open = report.uncovered
      print("clauses: \(report.clauseCount), covered: \(report.clauseCount - open.count)")
      for clause in open { print("    not covered: \(clause)") }
    }
    if mutate {
      let noticed = report.mutants.count - report.alive.count
      let score = String(format: "%.1f", report.score)
      print(
        "changes: \(report.mutants.count), noticed: \(noticed) (\(score) of 100, at least \(min))")
      for outcome in report.alive { print("    not noticed: \(outcome.line)") }
    }
  }
}

/// `outreachd policy explain RULE`
struct PolicyExplainCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "explain",
    abstract: "Show a rule in Chinese, with what it reads and the parameters in force.",
    discussion: """
      EXAMPLES
        outreachd policy explain A05
        outreachd policy explain E02 --policy config/policy --date 2026-03-01 --place 310101002
      """)

  @Argument(help: "Id of the rule, such as A05.")
  var rule: String

  @Option(help: "Directory of the pack.")
  var policy = "config/policy"

  @Option(help: "Day for the parameters, YYYY-MM-DD; today where not given.")
  var date: String?

  @Option(help: "Code of a district (6 digits) or sub-district (9) for the parameters.")
  var place = ""

  @Flag(help: "One JSON object on standard output.")
  var json = false

  func run() throws {
    let pack = try Loading.pack(policy)
    guard let found = pack.rule(rule) else {
      throw PackOnDisk.noRule(rule, in: pack)
    }
    let day = try parsedDate()
    let isCode = place.utf8.allSatisfy { (0x30...0x39).contains($0) }
    guard place.isEmpty || (isCode && [6, 9].contains(place.utf8.count)) else {
      throw CommandFailure(.usage, "--place is a code of 6 or 9 digits")
    }
    let explanation = RuleExplanation(
      pack: pack, rule: found, date: day, district: String(place.prefix(6)),
      subdistrict: place.utf8.count == 9 ? place : "")
    print(json ? explanation.json + "\n" : explanation.text, terminator: "")
  }

  private func parsedDate() throws -> CivilDate {
    guard let date else {
      return Instant(seconds: Int64(Date().timeIntervalSince1970)).date
    }
    guard let day = CivilDate(date) else {
      throw CommandFailure(.usage, "--date is written as 2026-01-31")
    }
    return day
  }
}
