import Foundation
import Policy
import PolicyTools
import Testing

/// The policy tests of the default pack.
@Suite struct PackTests {
  static let directory = URL(filePath: #filePath).deletingLastPathComponent()
    .deletingLastPathComponent().deletingLastPathComponent().appending(path: "config/policy")

  struct Loaded: Sendable {
    let files: PackFiles
    let runner: TestRunner
    let cases: [TestCase]
    let problems: [PolicyDiagnostic]
  }

  static let loaded = Result { () -> Loaded in
    let files = try PackFiles.read(directory: directory).get()
    let pack = try PolicyPack.load(files) { "\($0.count)" }.get()
    let (cases, problems) = TestReader.read(files, sources: pack.sources)
    return Loaded(files: files, runner: try TestRunner(pack: pack), cases: cases, problems: problems)
  }

  @Test func theTestsAreReadable() throws {
    let loaded = try PackTests.loaded.get()
    #expect(loaded.problems.map(\.rendered).joined() == "")
    #expect(!loaded.cases.isEmpty)
  }

  @Test func everyCasePasses() throws {
    let loaded = try PackTests.loaded.get()
    for test in loaded.cases {
      let outcome = try loaded.runner.run(test)
      #expect(
        outcome.passes,
        "\(test.file):\(test.line) \(test.name)\n\(outcome.differences.joined(separator: "\n"))")
    }
  }

  /// At least 95 of 100 changes of conditions are noticed by the rule's own tests.
  @Test func theTestsNoticeChangedConditions() throws {
    let loaded = try PackTests.loaded.get()
    let mutants = PolicyPack.mutants(of: loaded.files, expressions: true)
    let outcomes = MutationRun(runner: loaded.runner, cases: loaded.cases).run(mutants)
    let report = PolicyReport(outcomes: [], mutants: outcomes)
    let alive = report.alive.map(\.line)
    print("changes of conditions: \(mutants.count), alive: \(alive.count)")
    #expect(report.uncovered == [])
    #expect(report.score >= 95, "\(alive.joined(separator: "\n"))")
  }
}
