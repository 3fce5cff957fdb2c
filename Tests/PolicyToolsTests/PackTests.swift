import Foundation
import Policy
import PolicyTools
import Testing

/// The policy tests of the default pack.
@Suite struct PackTests {
  static let directory = URL(filePath: #filePath).deletingLastPathComponent()
    .deletingLastPathComponent().deletingLastPathComponent().appending(path: "config/policy")

  struct Loaded: Sendable {
    let runner: TestRunner
    let cases: [TestCase]
    let problems: [PolicyDiagnostic]
  }

  static let loaded = Result { () -> Loaded in
    let files = try PackFiles.read(directory: directory).get()
    let pack = try PolicyPack.load(files) { "\($0.count)" }.get()
    let (cases, problems) = TestReader.read(files, sources: pack.sources)
    return Loaded(runner: try TestRunner(pack: pack), cases: cases, problems: problems)
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

  /// At least 95 of 100 changed clauses are noticed.
  @Test func theTestsNoticeChangedClauses() throws {
    let loaded = try PackTests.loaded.get()
    let mutants = try MutationRun(runner: loaded.runner, cases: loaded.cases).run()
    let survivors = mutants.filter { !$0.isKilled }
      .map { "\($0.rule) \($0.clause) always \($0.alwaysHolds)" }
    print("clauses: \(mutants.count / 2), mutants: \(mutants.count), alive: \(survivors)")
    #expect(survivors.count * 100 <= mutants.count * 5, "\(survivors.joined(separator: "\n"))")
  }
}
