@testable import Intake
import Policy
import Records
import Streaming
import Testing
import Vocabulary

/// Damaged events: no crash, and always exactly one of message and dead letter (`feed` requires
/// it). Bounded and seeded, so that a failure repeats.
@Suite struct FuzzTests {
  private static func damage(_ bytes: inout [UInt8], _ random: inout SeededGenerator) {
    guard !bytes.isEmpty else { return }
    let at = Int.random(in: 0..<bytes.count, using: &random)
    switch Int.random(in: 0..<7, using: &random) {
    case 0: bytes[at] = UInt8.random(in: 0...255, using: &random)
    case 1: bytes.remove(at: at)
    case 2: bytes.insert(UInt8.random(in: 0...255, using: &random), at: at)
    case 3: bytes.removeSubrange(at...)
    case 4:
      let end = min(bytes.count, at + Int.random(in: 1...40, using: &random))
      bytes.insert(contentsOf: bytes[at..<end], at: at)
    case 5: bytes[at] ^= 1 << UInt8.random(in: 0...7, using: &random)
    default:
      let end = min(bytes.count, at + Int.random(in: 1...20, using: &random))
      bytes.removeSubrange(at..<end)
    }
  }

  @Test(arguments: [1, 2, 3, 4] as [UInt64])
  func damagedBytes(seed: UInt64) throws {
    let intake = try EventIntake(catalog: defaultCatalog())
    var random = SeededGenerator(state: seed)
    var accepted = 0
    for round in 0..<2500 {
      let sample = Sample.all[round % Sample.all.count]
      var sent = Sent(sample.topic, json: structured(sample.type, sample.data))
      var bytes = sent.value ?? []
      for _ in 0..<Int.random(in: 1...3, using: &random) { Self.damage(&bytes, &random) }
      sent.value = bytes
      if try intake.feed(sent).event != nil { accepted += 1 }
    }
    #expect(accepted > 20 && accepted < 2400)
    #expect(Int(intake.acceptedCount) == accepted)
    #expect(intake.rejectedCounts.values.reduce(0, +) == 2500 - UInt64(accepted))
  }

  /// Values that are well-formed JSON in the wrong place.
  private static let strangers = [
    "null", "true", "-1", "1e9", "99999999999999999999", "\"\"", "\"x\"", "[]", "{}", "[[]]",
    "[null]", "{\"id\":1}", "\"2024-02-30\"", "\"9999-12-31\"", "\"310101190001010011\"",
    "\"\\u0000\"", "\"\\ud83d\\ude00\"",
  ]

  @Test func strangersInEveryField() throws {
    let intake = try EventIntake(catalog: defaultCatalog())
    var codes: Set<String> = []
    for sample in Sample.all {
      let text = structured(sample.type, sample.data)
      for stranger in Self.strangers {
        for place in valuePlaces(text) {
          let changed = String(text[..<place.lowerBound]) + stranger + text[place.upperBound...]
          let outcome = try intake.feed(Sent(sample.topic, json: changed))
          if let code = outcome.code { codes.insert(code) }
          #expect(outcome.code != "json", "\(changed)")
        }
      }
    }
    #expect(
      codes.isSuperset(of: ["envelope", "schema", "type", "enum", "id", "date", "money"]))
  }

  /// The ranges of scalar values behind a colon.
  private func valuePlaces(_ text: String) -> [Range<String.Index>] {
    var places: [Range<String.Index>] = []
    var at = text.startIndex
    while let colon = text[at...].range(of: "\":") {
      let start = colon.upperBound
      var end = start
      if text[start] == "\"" {
        end = text.index(after: start)
        while end < text.endIndex, text[end] != "\"" {
          end = text.index(end, offsetBy: text[end] == "\\" ? 2 : 1)
        }
        end = text.index(after: end)
      } else {
        while end < text.endIndex, !",}]".contains(text[end]) { end = text.index(after: end) }
      }
      if text[start] != "[", text[start] != "{" { places.append(start..<end) }
      at = start
    }
    return places
  }

  @Test func damagedHeaders() throws {
    let intake = try EventIntake(catalog: defaultCatalog())
    var random = SeededGenerator(state: 9)
    let sample = Sample.window[1]
    for _ in 0..<2000 {
      var sent = Sent(sample.topic, value: Array(sample.data.utf8))
      sent.headers = [
        ("content-type", "application/json"), ("ce_specversion", "1.0"), ("ce_id", "e-1"),
        ("ce_source", "/s"), ("ce_type", "cn.gov.sh.assist.window.transaction"),
        ("ce_time", "2024-03-05T10:00:00+08:00"), ("ce_recordedtime", "2024-03-05T10:00:01Z"),
      ].map { name, value in
        var name = Array(name.utf8)
        var value = Array(value.utf8)
        if Bool.random(using: &random) {
          Self.damage(&name, &random)
        } else if Bool.random(using: &random) {
          Self.damage(&value, &random)
        }
        return (String(decoding: name, as: UTF8.self), String(decoding: value, as: UTF8.self))
      }
      _ = try intake.feed(sent)
    }
  }
}
