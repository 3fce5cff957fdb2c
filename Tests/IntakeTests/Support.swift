import Foundation
@testable import Intake
import Policy
import Records
import Streaming
import Testing
import Vocabulary

/// The root of the repository.
let repository = URL(fileURLWithPath: #filePath)
  .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

/// The sources of the default pack, read once.
func defaultCatalog() throws -> SourceCatalog { try catalogOnce.get() }

private let catalogOnce = Result { try loadCatalog() }

private func loadCatalog() throws -> SourceCatalog {
  let folder = repository.appendingPathComponent("config/policy/sources")
  let names = try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted()
  let files = try names.filter { $0.hasSuffix(".yaml") }.map { name in
    YAMLSource(
      file: "sources/" + name,
      text: try String(contentsOf: folder.appendingPathComponent(name), encoding: .utf8))
  }
  let collector = DiagnosticCollector()
  let catalog = SourceLoader(facts: nil).load(files, into: collector)
  try #require(collector.diagnostics.isEmpty, "\(collector.diagnostics.map(\.rendered))")
  return catalog
}

/// What became of one record.
enum Outcome {
  case accepted(EventMessage, clock: Instant)
  case rejected(code: String, path: String, record: OutputRecord)

  var code: String? {
    if case .rejected(let code, _, _) = self { return code }
    return nil
  }
  var path: String? {
    if case .rejected(_, let path, _) = self { return path }
    return nil
  }
  var event: EventMessage? {
    if case .accepted(let event, _) = self { return event }
    return nil
  }
}

/// A record as a producer sends it.
struct Sent {
  var topic: String
  var key: [UInt8]?
  var value: [UInt8]?
  var headers: [(String, String)] = []

  init(_ topic: String, json: String) {
    self.topic = topic
    value = Array(json.utf8)
  }

  init(_ topic: String, value: [UInt8]?, headers: [(String, String)] = []) {
    self.topic = topic
    self.value = value
    self.headers = headers
  }
}

let noon = Instant("2024-03-05T12:00:00+08:00") ?? .distantPast

extension EventIntake {
  /// Sends one record; requires exactly one of message and dead letter.
  func feed(_ sent: Sent, now: Instant = noon, wall: Instant? = nil) throws -> Outcome {
    var outbox = Outbox()
    var clock = now
    withBorrowed(sent) { clock = process($0, now: now, wall: wall, outbox: &outbox) }
    try #require(outbox.internalRecords.count + outbox.outputs.count == 1)
    if let record = outbox.internalRecords.first {
      try #require(record.channel == .events)
      let message = try record.payload.withUnsafeBytes { try RegisterMessage($0) }
      // The encoder writes by hand what the codec of Records would.
      #expect(message.encoded() == record.payload)
      #expect(message.partitionKey.withUnsafeBytes { Partitioner.murmur2($0) } == record.keyHash)
      guard case .event(let event) = message else { throw Unexpected() }
      return .accepted(event, clock: clock)
    }
    #expect(clock == now)
    let record = try #require(outbox.outputs.first)
    #expect(record.topic == "deadletters")
    #expect(record.value == sent.value)
    #expect(record.key == sent.key)
    return .rejected(
      code: try #require(record.header("assist_error_code")),
      path: try #require(record.header("assist_error_path")), record: record)
  }

  private func withBorrowed(_ sent: Sent, _ body: (InboundRecord) -> Void) {
    // One block of memory for all header bytes, so that they stay put during the call.
    var bytes: [UInt8] = []
    var places: [(Range<Int>, Range<Int>)] = []
    for (name, value) in sent.headers {
      let start = bytes.count
      bytes += Array(name.utf8)
      let middle = bytes.count
      bytes += Array(value.utf8)
      places.append((start..<middle, middle..<bytes.count))
    }
    bytes.append(0)
    bytes.withUnsafeBytes { memory in
      let headers = places.map {
        BorrowedHeader(
          name: UnsafeRawBufferPointer(rebasing: memory[$0.0]),
          value: UnsafeRawBufferPointer(rebasing: memory[$0.1]))
      }
      headers.withUnsafeBufferPointer { headers in
        func call(_ key: UnsafeRawBufferPointer?, _ value: UnsafeRawBufferPointer?) {
          body(
            InboundRecord(
              topic: "assist." + sent.topic, topicSuffix: sent.topic, partition: 3, offset: 42,
              timestamp: 1_709_600_000_000, key: key, value: value, headers: headers))
        }
        withOptionalBytes(sent.key) { key in
          withOptionalBytes(sent.value) { value in call(key, value) }
        }
      }
    }
  }
}

func withOptionalBytes(_ bytes: [UInt8]?, _ body: (UnsafeRawBufferPointer?) -> Void) {
  guard let bytes else { return body(nil) }
  bytes.withUnsafeBytes { body($0) }
}

struct Unexpected: Error {}

extension OutputRecord {
  func header(_ name: String) -> String? {
    headers.first { $0.name == name }.map { String(decoding: $0.value, as: UTF8.self) }
  }
}

/// A structured event; `attributes` are added or replace the usual ones, nil removes one.
func structured(
  _ type: String, _ data: String, attributes: [String: String?] = [:]
) -> String {
  var all: [String: String?] = [
    "specversion": "1.0", "id": "e-1", "source": "/test/source",
    "type": "cn.gov.sh.assist." + type, "time": "2024-03-05T10:00:00+08:00",
  ]
  for (name, value) in attributes { all[name] = .some(value) }
  let parts = all.sorted { $0.key < $1.key }.compactMap { name, value in
    value.map { "\"\(name)\":\"\($0)\"" }
  }
  return "{" + parts.joined(separator: ",") + ",\"data\":" + data + "}"
}

/// Valid citizen IDs of made-up people.
enum Someone {
  static let adult = "310101190001010011"
  static let spouse = "310108190003150020"
  static let elder = "310230190012310033"
  static let child = Someone.make(310101, 2015, 6, 1, 1)
  static let other = Someone.make(310104, 1990, 2, 28, 2)

  static func make(_ region: Int, _ year: Int, _ month: Int, _ day: Int, _ sequence: Int) -> String
  {
    func pad(_ value: Int, _ width: Int) -> String {
      String(repeating: "0", count: width - String(value).count) + String(value)
    }
    let text = "\(region)" + pad(year, 4) + pad(month, 2) + pad(day, 2) + pad(sequence, 3)
    return CitizenID(validatedDigits: UInt64(text) ?? 0).text
  }
}

/// Deterministic random numbers (SplitMix64).
struct SeededGenerator: RandomNumberGenerator {
  var state: UInt64
  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = state
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }
}
