import Expression
import Foundation
import Testing
import Vocabulary

/// Runs the tests of cel-spec, converted to JSON, where their directory is present: the one named
/// by OUTREACH_CEL_CONFORMANCE, else `../shared/cel/conformance` beside the package.
@Suite struct ConformanceTests {
  /// Tests left out, each with its reason. Key: `file/section/name`.
  static let skipped: [String: String] = [:]

  @Test func allFiles() throws {
    let directory = Self.directory
    guard
      let names = try? FileManager.default.contentsOfDirectory(atPath: directory.path)
        .filter({ $0.hasSuffix(".json") }).sorted(), !names.isEmpty
    else {
      print("CEL conformance: no test files found, nothing run")
      return
    }
    var passed = 0
    var failures: [String] = []
    var skippedCount = 0
    for name in names {
      let data = try Data(contentsOf: directory.appendingPathComponent(name))
      let root = try #require(try JSONSerialization.jsonObject(with: data) as? [String: Any])
      let file = String(name.dropLast(5))
      for case let test as [String: Any] in root["tests"] as? [Any] ?? [] {
        let id = "\(file)/\(test["section"] as? String ?? "")/\(test["name"] as? String ?? "")"
        if Self.skipped[id] != nil {
          skippedCount += 1
          continue
        }
        if let problem = ConformanceCase(test).run() {
          failures.append("\(id): \(test["expr"] as? String ?? ""): \(problem)")
        } else {
          passed += 1
        }
      }
    }
    let total = passed + failures.count + skippedCount
    print("CEL conformance: \(passed) passed, \(skippedCount) skipped of \(total)")
    #expect(failures.isEmpty, "\(failures.joined(separator: "\n"))")
    #expect(Double(passed) >= 0.99 * Double(total))
  }

  private static var directory: URL {
    if let path = ProcessInfo.processInfo.environment["OUTREACH_CEL_CONFORMANCE"] {
      return URL(fileURLWithPath: path)
    }
    return URL(fileURLWithPath: #filePath).deletingLastPathComponent()
      .deletingLastPathComponent().deletingLastPathComponent()
      .appendingPathComponent("../shared/cel/conformance").standardized
  }
}

/// One test of the files.
struct ConformanceCase {
  private let test: [String: Any]
  init(_ test: [String: Any]) { self.test = test }

  /// Nil where it passes, else what went wrong.
  func run() -> String? {
    guard let text = test["expr"] as? String, let expect = test["expect"] as? [String: Any] else {
      return "malformed test"
    }
    var environment = TypeEnvironment()
    environment.limits = .lifted
    environment.container = test["container"] as? String ?? ""
    environment.isLenient = test["disable_check"] as? Bool ?? false
    let bindings = test["bindings"] as? [String: Any] ?? [:]
    declare(&environment, bindings)
    let program: Program
    do throws(CompileFailure) {
      program = try environment.compile(text)
    } catch {
      return expectsError(expect) ? nil : "does not compile: \(error.diagnostics)"
    }
    if let wanted = expect["type"] {
      guard let type = ConformanceValues.type(wanted) else { return "unreadable type" }
      if program.type != type { return "type \(program.type), expected \(type)" }
    }
    if test["check_only"] as? Bool == true { return nil }
    let context = EvaluationContext(host: FactHost(), variableCapacity: 64)
    context.begin(today: .earliest, now: .distantPast, budget: 1_000_000)
    for (name, value) in bindings {
      guard let variable = environment.variables[name] else { continue }
      guard let bound = ConformanceValues.value(value) else { return "unreadable binding" }
      context.set(variable: variable.slot, bound)
    }
    let result = program.evaluate(context)
    if expectsError(expect) {
      if case .error = result { return nil }
      return "expected an error, got \(ConformanceValues.describe(result))"
    }
    guard let wanted = expect["value"] else { return nil }
    guard let value = ConformanceValues.value(wanted) else { return "unreadable value" }
    return ConformanceValues.same(result, value)
      ? nil
      : "got \(ConformanceValues.describe(result)), expected \(ConformanceValues.describe(value))"
  }

  private func expectsError(_ expect: [String: Any]) -> Bool {
    expect["error"] != nil || expect["anyError"] != nil
  }

  private func declare(_ environment: inout TypeEnvironment, _ bindings: [String: Any]) {
    for case let entry as [String: Any] in test["typeEnv"] as? [Any] ?? [] {
      guard let name = entry["name"] as? String else { continue }
      if let type = entry["type"].flatMap({ ConformanceValues.type($0) }) {
        environment.declareVariable(name, type)
      }
      for case let overload as [String: Any] in entry["overloads"] as? [Any] ?? [] {
        let parameters = (overload["params"] as? [Any] ?? []).compactMap {
          ConformanceValues.type($0)
        }
        guard let result = overload["result"].flatMap({ ConformanceValues.type($0) }) else {
          continue
        }
        environment.declareFunction(
          name,
          FunctionOverload(
            overload["id"] as? String ?? name, parameters, result,
            isInstance: overload["instance"] as? Bool ?? false
          ) { _, _ in .error(EvaluationError(.host, "declared only")) })
      }
    }
    for name in bindings.keys where environment.variables[name] == nil {
      environment.declareVariable(name, .dyn)
    }
  }
}
