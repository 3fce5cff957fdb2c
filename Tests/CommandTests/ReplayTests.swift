import Foundation
import Testing

@Suite struct ReplayTests {
  private static func replay(_ arguments: [String] = [], input: String? = nil) throws
    -> Program.Result
  {
    let events = try String(
      contentsOf: Program.fixtures.appendingPathComponent("events.ndjson"), encoding: .utf8)
    return try Program.run(
      [
        "replay", "--policy", Program.policy, "--directory",
        Program.fixtures.appendingPathComponent("directory.ndjson").path,
      ] + arguments, input: input ?? events)
  }

  private static func objects(_ output: String) throws -> [[String: Any]] {
    try output.split(separator: "\n").map {
      try JSONSerialization.jsonObject(with: Data($0.utf8)) as? [String: Any] ?? [:]
    }
  }

  /// What an output decides, without texts and digests that change with the pack.
  private static func outline(_ object: [String: Any]) -> String {
    let headers = object["headers"] as? [String: String] ?? [:]
    let event = object["event"] as? [String: Any] ?? [:]
    let data = event["data"] as? [String: Any] ?? [:]
    func text(_ name: String) -> String? {
      (data[name] as? String) ?? (data[name] as? Int).map(String.init)
    }
    let fields =
      [object["topic"] as? String, headers["ce_time"], headers["assist_error_code"]]
      + [headers["assist_error_path"]]
      + ["rule", "revision", "state", "reason", "urgency", "severity", "dueAt", "decision"]
      .map(text)
    return fields.compactMap { $0 }.filter { !$0.isEmpty }.joined(separator: " ")
  }

  /// `RECORD_GOLDEN=1 swift test --filter ReplayTests` writes the file anew.
  @Test func golden() throws {
    let result = try ReplayTests.replay(["--until", "2026-03-10"])
    #expect(result.status == 0, "\(result.errors)")
    #expect(result.errors.isEmpty)
    let lines = try ReplayTests.objects(result.output).map(ReplayTests.outline)
    let file = Program.fixtures.appendingPathComponent("outputs.txt")
    if ProcessInfo.processInfo.environment["RECORD_GOLDEN"] != nil {
      try Data((lines.joined(separator: "\n") + "\n").utf8).write(to: file)
    }
    let golden = try String(contentsOf: file, encoding: .utf8)
    #expect(lines == golden.split(separator: "\n").map(String.init))
  }

  @Test func theSameInputGivesTheSameBytes() throws {
    let first = try ReplayTests.replay(["--until", "2026-03-10"])
    let second = try ReplayTests.replay(["--until", "2026-03-10"])
    #expect(first.output == second.output)
    #expect(!first.output.isEmpty)
  }

  @Test func linesHaveTheFormOfTheContract() throws {
    let result = try ReplayTests.replay()
    for line in result.output.split(separator: "\n") {
      #expect(line.hasPrefix("{\"topic\":\"assist."))
    }
    let objects = try ReplayTests.objects(result.output)
    for object in objects {
      #expect(Set(object.keys) == ["topic", "key", "headers", "event"])
    }
    let letter = objects.first { $0["topic"] as? String == "assist.deadletters" }
    let bytes = (letter?["event"] as? [String: Any])?["bytes"] as? String
    let original = bytes.flatMap { Data(base64Encoded: $0) }
    #expect(original.map { String(decoding: $0, as: UTF8.self) }?.contains("bad-1") == true)
    let referral = objects.first {
      ($0["topic"] as? String)?.hasPrefix("assist.referrals.advisor.310101") == true
    }
    let event = referral?["event"] as? [String: Any]
    #expect(event?["specversion"] as? String == "1.0")
    #expect(event?["type"] as? String == "cn.gov.sh.assist.referral")
    let key = referral?["key"] as? String
    #expect(event?["id"] as? String == key.map { $0 + "/1" })
  }

  /// Input that is nothing at all: one dead letter a line, exit code 0.
  @Test func anythingIsADeadLetter() throws {
    let input = "x\n\n[]\n{}\n\"\"\n{\"type\":7}\n\u{0}\u{1}\n{\"a\":[{\"type\":\"b\"}]}"
    let result = try ReplayTests.replay(input: input)
    #expect(result.status == 0)
    let objects = try ReplayTests.objects(result.output)
    #expect(objects.count == 7)
    #expect(objects.allSatisfy { $0["topic"] as? String == "assist.deadletters" })
    let offsets = objects.compactMap {
      ($0["headers"] as? [String: String])?["assist_original_offset"]
    }
    #expect(offsets == (0..<7).map(String.init))
  }

  @Test func aRecordOfTwoMegabytesIsADeadLetter() throws {
    let text = String(repeating: "长", count: 700_000)
    let input = "{\"id\":\"\(text)\",\"type\":\"cn.gov.sh.assist.notice.death\"}\r\n{}\n"
    let objects = try ReplayTests.objects(try ReplayTests.replay(input: input).output)
    #expect(objects.count == 2)
    let headers = objects.first?["headers"] as? [String: String]
    #expect(headers?["assist_error_code"] == "envelope")
    #expect(headers?["assist_original_topic"] == "assist.department.notices")
    let bytes = (objects.first?["event"] as? [String: Any])?["bytes"] as? String
    #expect(bytes.flatMap { Data(base64Encoded: $0) }?.count == input.utf8.count - 5)
  }

  @Test func timersRunOnToUntil() throws {
    let short = try ReplayTests.replay()
    let long = try ReplayTests.replay(["--until", "2026-03-10"])
    #expect(long.output.hasPrefix(short.output) || long.output.count > short.output.count)
    let times = try ReplayTests.objects(long.output).compactMap {
      ($0["headers"] as? [String: String])?["ce_time"]
    }
    #expect(times == times.sorted())
  }

  @Test func keysGiveOtherIdentifiers() throws {
    let path = try Program.configuration("a key of at least sixteen bytes\n")
    defer { try? FileManager.default.removeItem(atPath: path) }
    let other = try ReplayTests.objects(try ReplayTests.replay(["--key-file", path]).output)
    let usual = try ReplayTests.objects(try ReplayTests.replay().output)
    func referral(_ objects: [[String: Any]]) -> String? {
      objects.first { ($0["topic"] as? String)?.contains(".referrals.") == true }?["key"] as? String
    }
    #expect(referral(other) != nil)
    #expect(referral(other) != referral(usual))
  }
}
