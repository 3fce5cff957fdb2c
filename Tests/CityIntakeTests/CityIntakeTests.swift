import City
import Foundation
import Intake
import Policy
import Streaming
import Testing
import Vocabulary

/// The city's records against the real Intake and the sources of the default pack: what the city
/// calls usable is accepted, and each defect gets its dead letter code.
@Suite struct CityIntakeTests {
  private let catalog: SourceCatalog

  init() throws {
    let folder = URL(fileURLWithPath: #filePath)
      .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
      .appendingPathComponent("config/policy/sources")
    let names = try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted()
    let files = try names.filter { $0.hasSuffix(".yaml") }.map { name in
      YAMLSource(
        file: "sources/" + name,
        text: try String(contentsOf: folder.appendingPathComponent(name), encoding: .utf8))
    }
    let collector = DiagnosticCollector()
    catalog = SourceLoader(facts: nil).load(files, into: collector)
    try #require(collector.diagnostics.isEmpty)
  }

  @Test(arguments: [ContentMode.structured, .binary])
  func whatTheCityCallsUsableIsAccepted(_ mode: ContentMode) throws {
    var options = CityOptions()
    options.people = 6000
    options.days = 20
    options.storyRate = 150
    options.bad = 0.05
    options.corrections = 0.03
    options.retractions = 0.03
    options.oversized = true
    let intake = try EventIntake(catalog: catalog)
    let stream = CityStream(options, mode: mode)
    var accepted = 0
    var defects = Set<Defect>()
    var buffer = EventBuffer()
    while stream.next(into: &buffer) {
      let code = feed(buffer, to: intake)
      // That a referral is unknown shows behind Intake; the size limit is the reader's.
      let expected = buffer.defect == .unknownReferral ? nil : buffer.defect.code
      if buffer.defect == .oversized {
        #expect(code == "envelope")
      } else {
        #expect(code == expected, "\(buffer.type) \(buffer.defect)")
      }
      defects.insert(buffer.defect)
      if code == nil { accepted += 1 }
    }
    #expect(accepted > 6000)
    #expect(defects == Set(Defect.allCases))
  }

  @Test func feedbackIsAccepted() throws {
    let writer = FeedbackWriter(seed: 1)
    let intake = try EventIntake(catalog: catalog)
    for number in 0..<200 {
      let receiver: FeedbackReceiver = number % 2 == 0 ? .advisor("ADV-1") : .resource("RES-1")
      let referral = "R-abcdefghijklmnopqrstuvwxyz"
      let events = writer.answers(
        to: referral, by: receiver, openedAt: Instant(seconds: Int64(1_780_000_000 + number * 999)),
        colleague: "ADV-2")
      for event in events {
        let value = try #require(event.value)
        let code = value.withUnsafeBytes { bytes in
          process(
            intake, topic: event.topic.suffix, key: nil, value: bytes,
            headers: [("content-type", "application/cloudevents+json")])
        }
        #expect(code == nil, "\(event.type)")
      }
    }
  }

  /// The dead letter code, nil where the record is accepted.
  private func feed(_ buffer: borrowing EventBuffer, to intake: EventIntake) -> String? {
    var headers: [(String, String)] = []
    buffer.forEachHeader {
      headers.append((String(describing: $0), String(decoding: $1, as: UTF8.self)))
    }
    let topic = buffer.topic.suffix
    let hasValue = buffer.hasValue
    return buffer.key.withBytes { key in
      buffer.value.withBytes { value in
        process(intake, topic: topic, key: key, value: hasValue ? value : nil, headers: headers)
      }
    }
  }

  private func process(
    _ intake: EventIntake, topic: String, key: UnsafeRawBufferPointer?,
    value: UnsafeRawBufferPointer?, headers: [(String, String)]
  ) -> String? {
    var bytes: [UInt8] = []
    var places: [(Range<Int>, Range<Int>)] = []
    for (name, text) in headers {
      let start = bytes.count
      bytes += Array(name.utf8)
      let middle = bytes.count
      bytes += Array(text.utf8)
      places.append((start..<middle, middle..<bytes.count))
    }
    bytes.append(0)
    var outbox = Outbox()
    bytes.withUnsafeBytes { memory in
      let borrowed = places.map {
        BorrowedHeader(
          name: UnsafeRawBufferPointer(rebasing: memory[$0.0]),
          value: UnsafeRawBufferPointer(rebasing: memory[$0.1]))
      }
      borrowed.withUnsafeBufferPointer { headers in
        let record = InboundRecord(
          topic: "assist." + topic, topicSuffix: topic, partition: 0, offset: 0, timestamp: 0,
          key: key, value: value, headers: headers)
        _ = intake.process(record, now: Instant(seconds: 0), wall: nil, outbox: &outbox)
      }
    }
    let code = outbox.outputs.first?.headers.first { $0.name == "assist_error_code" }
    return code.map { String(decoding: $0.value, as: UTF8.self) }
  }
}
