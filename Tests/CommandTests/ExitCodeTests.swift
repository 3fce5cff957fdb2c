import Foundation
import Testing

/// A configuration for a broker that does not exist.
private func unreachable() -> String {
  """
  kafka:
    brokers: ["127.0.0.1:9"]
    request_timeout: 1s
  topics: {directory: "\(Program.repository.path)/topics"}
  policy: {directory: "\(Program.policy)"}
  state: {directory: state}
  identifiers: {development_key: true}
  logging: {level: critical}
  """
}

@Suite struct ExitCodeTests {
  @Test(arguments: [[], ["run"], ["replay"], ["check"], ["state", "verify"], ["topics", "plan"]])
  func helpIsAnswered(_ command: [String]) throws {
    let result = try Program.run(command + ["--help"])
    #expect(result.status == 0)
    #expect(result.output.contains("USAGE: outreachd"))
    #expect(result.errors.isEmpty)
  }

  @Test(arguments: [
    [], ["run"], ["demo"], ["check"], ["replay"], ["simulate"], ["bench"], ["policy"],
    ["policy", "lint"], ["policy", "test"], ["policy", "explain"], ["topics"], ["topics", "plan"],
    ["topics", "apply"], ["state"], ["state", "export"], ["state", "verify"], ["state", "stats"],
  ])
  func helpHasExamples(_ command: [String]) throws {
    let help = try Program.run(command + ["--help"]).output
    #expect(help.contains("EXAMPLES"))
    #expect(help.contains("outreachd " + (command.first ?? "")))
  }

  /// What cannot be written is an error, not silence.
  @Test(arguments: [
    ["replay", "--policy", Program.policy], ["policy", "explain", "A05", "--policy", Program.policy],
    ["simulate", "--people", "100", "--days", "1"],
  ])
  func aFullDiskIsToldOf(_ arguments: [String]) throws {
    let result = try Program.run(arguments, input: "{}\n", output: "/dev/full")
    #expect(result.status == 70)
    #expect(result.errors.contains("No space left on device"))
  }

  @Test func version() throws {
    let result = try Program.run(["--version"])
    #expect(result.status == 0)
    #expect(result.output.hasPrefix("outreachd "))
  }

  @Test(arguments: [
    ["no-such-command"], ["replay"], ["run"], ["demo", "--seconds", "0"],
    ["replay", "--policy", "x", "--until", "tomorrow"],
    ["state", "stats", "--config", "x", "--stage", "y"],
  ])
  func usage(_ arguments: [String]) throws {
    let result = try Program.run(arguments)
    #expect(result.status == 2, "\(result.errors)")
    #expect(!result.errors.isEmpty)
    #expect(result.output.isEmpty)
  }

  @Test func configurationErrors() throws {
    let path = try Program.configuration("kafka: {brokers: [\"a:1\"], prefx: x}\n")
    defer { try? FileManager.default.removeItem(atPath: path) }
    let result = try Program.run(["run", "--config", path])
    #expect(result.status == 78)
    #expect(result.errors.contains(":1:27: error[unknown-key]: unknown key 'prefx'"))
    #expect(result.errors.contains("did you mean 'prefix'?"))
    let missing = try Program.run(["run", "--config", path + ".no"])
    #expect(missing.status == 78)
    let policy = try Program.run(["replay", "--policy", "/no/such/pack"])
    #expect(policy.status == 78)
    #expect(policy.errors.contains("pack-not-found"))
    let key = try Program.run(["replay", "--policy", Program.policy, "--key-file", "/no/such/key"])
    #expect(key.status == 78)
  }

  @Test func noBroker() throws {
    let path = try Program.configuration(unreachable())
    defer { try? FileManager.default.removeItem(atPath: path) }
    #expect(try Program.run(["run", "--config", path]).status == 69)
    #expect(try Program.run(["topics", "plan", "--config", path]).status == 69)
  }

  @Test func checkReportsAndNeverFailsOtherwise() throws {
    let path = try Program.configuration(unreachable())
    defer { try? FileManager.default.removeItem(atPath: path) }
    let offline = try Program.run(["check", "--config", path, "--offline"])
    #expect(offline.status == 0, "\(offline.output)")
    #expect(offline.output.contains("warning[development-key]"))
    let online = try Program.run(["check", "--config", path, "--json"])
    #expect(online.status == 1)
    let object =
      try JSONSerialization.jsonObject(with: Data(online.output.utf8)) as? [String: Any]
    #expect(object?["ok"] as? Bool == false)
    let codes = (object?["findings"] as? [[String: Any]] ?? []).compactMap { $0["code"] as? String }
    #expect(codes.contains("unreachable"))
    let broken = try Program.run(["check", "--config", path + ".no"])
    #expect(broken.status == 1)
  }

  @Test func stateWithoutDirectory() throws {
    let path = try Program.configuration(unreachable())
    defer { try? FileManager.default.removeItem(atPath: path) }
    #expect(try Program.run(["state", "stats", "--config", path]).status == 78)
  }
}
