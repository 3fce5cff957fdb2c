import City
import Foundation
import Testing
import Vocabulary

/// One record, parsed again from its bytes.
struct Parsed {
  let event: CityEvent
  let attributes: [String: Any]
  let data: [String: Any]

  /// nil for what is not JSON.
  init?(_ event: CityEvent) {
    guard let value = event.value,
      let object = try? JSONSerialization.jsonObject(with: Data(value)) as? [String: Any],
      let data = object["data"] as? [String: Any]
    else { return nil }
    self.event = event
    attributes = object
    self.data = data
  }

  func text(_ name: String) -> String { attributes[name] as? String ?? "" }
  func field(_ name: String) -> String { data[name] as? String ?? "" }
  var identity: String { text("source") + " " + text("id") }
}

/// A small city with a share of everything.
private func options(_ people: Int = 4000, days: Int = 12, seed: UInt64 = 7) -> CityOptions {
  var options = CityOptions()
  options.people = people
  options.days = days
  options.seed = seed
  options.bad = 0.02
  options.corrections = 0.02
  options.retractions = 0.02
  return options
}

private func digest(_ options: CityOptions, _ mode: ContentMode) -> UInt64 {
  let stream = CityStream(options, mode: mode)
  var buffer = EventBuffer()
  var hash: UInt64 = 14_695_981_039_346_656_037
  while stream.next(into: &buffer) {
    for byte in buffer.key.array + buffer.value.array {
      hash = (hash ^ UInt64(byte)) &* 1_099_511_628_211
    }
  }
  return hash
}

@Suite struct CityStreamTests {
  @Test func equalOptionsGiveEqualBytes() {
    let first = options(600, days: 4)
    #expect(digest(first, .structured) == digest(first, .structured))
    #expect(digest(first, .binary) == digest(first, .binary))
    #expect(digest(first, .structured) != digest(options(600, days: 4, seed: 8), .structured))
  }

  @Test func everyRecordWithoutDefectIsACloudEvent() throws {
    var checked = 0
    for event in CityStream(options()).events where event.defect == .none {
      let parsed = try #require(Parsed(event))
      #expect(parsed.text("specversion") == "1.0")
      #expect(!parsed.text("id").isEmpty && !parsed.text("source").isEmpty)
      #expect(parsed.text("type") == "cn.gov.sh.assist." + event.type.name)
      let time = try #require(Instant(parsed.text("time")))
      let recorded = try #require(Instant(parsed.text("recordedtime")))
      #expect(time <= recorded)
      #expect(recorded <= event.instant)
      checked += 1
    }
    #expect(checked > 3000)
  }

  @Test func recordsArriveInOrderAndBeforeTheEnd() throws {
    var late = options(800, days: 5)
    let end = try #require(Instant("2026-11-23T11:20:00+08:00"))
    late.ending(at: end)
    #expect(late.start == CivilDate("2026-11-19"))
    var latest = Instant.distantPast
    for event in CityStream(late).events {
      #expect(event.instant >= latest)
      latest = event.instant
    }
    #expect(latest < end)
    #expect(latest > end.adding(seconds: -6 * 3600))
  }

  @Test func citizenIDsAreValidAndUnique() throws {
    var seen = Set<CitizenID>()
    var named = 0
    for event in CityStream(options()).events
    where event.type == .composition && event.note != .duplicate && event.instant.date.year == 2025
    {
      let parsed = try #require(Parsed(event))
      for member in try #require(parsed.data["members"] as? [[String: Any]]) {
        let text = try #require(member["id"] as? String)
        let id = try CitizenID(text)
        // Never assigned: no id can be a real person's.
        #expect((310_160...310_199).contains(id.region))
        #expect(id.birthDate.description <= parsed.field("asOf"))
        seen.insert(id)
        named += 1
      }
    }
    #expect(named == 4000)
    #expect(seen.count == named)
  }

  @Test func allTypesOccurInASmallCityOfAFewDays() {
    let stream = CityStream(options(4000, days: 12))
    var buffer = EventBuffer()
    while stream.next(into: &buffer) {}
    let feedback: Set<CityEventType> = [
      .accepted, .started, .visited, .completed, .declined, .reassigned,
    ]
    for type in CityEventType.allCases where !feedback.contains(type) {
      #expect(stream.counts.count(type) > 0, "\(type.name)")
    }
    #expect(stream.counts.duplicates > 0)
    #expect(stream.counts.corrections > 0)
    #expect(stream.counts.retractions > 0)
    #expect(stream.counts.late > 0)
    #expect(stream.counts.outOfOrder > 0)
    #expect(stream.counts.clashes > 0)
  }

  @Test func restrictedKindsCanBeLeftOut() {
    var quiet = options(3000, days: 8)
    quiet.restricted = 0
    let stream = CityStream(quiet)
    for event in stream.events where event.instant >= Instant(startOf: quiet.start) {
      let restricted: [CityEventType] = [.custody, .drugTreatment, .finding, .guardianStatus]
      #expect(!restricted.contains(event.type) || event.note == .duplicate)
    }
  }

  @Test func aFixedNumberOfRecordsIsKept() {
    for wanted in [100, 2500, 9000] {
      var fixed = options(900, days: 3)
      fixed.events = wanted
      #expect(CityStream(fixed).events.reduce(0) { count, _ in count + 1 } == wanted)
    }
  }

  @Test func duplicatesRepeatTheSameBytes() {
    var first: [String: [UInt8]] = [:]
    var repeated = 0
    for event in CityStream(options()).events where event.defect == .none {
      guard let parsed = Parsed(event), let value = event.value else { continue }
      if let earlier = first[parsed.identity] {
        #expect(earlier == value)
        #expect(event.note == .duplicate)
        repeated += 1
      }
      first[parsed.identity] = value
    }
    #expect(repeated > 5)
  }

  @Test func correctionsAndRetractionsNameEventsOfTheirSource() throws {
    var identities = Set<String>()
    var named: [String] = []
    for event in CityStream(options()).events where event.defect == .none {
      let parsed = try #require(Parsed(event))
      identities.insert(parsed.identity)
      if let earlier = parsed.attributes["supersedes"] as? String {
        named.append(parsed.text("source") + " " + earlier)
      }
      if event.type == .retracted {
        named.append(parsed.text("source") + " " + parsed.field("retracts"))
      }
    }
    #expect(named.count > 20)
    #expect(named.allSatisfy { identities.contains($0) })
  }

  @Test func binaryModeCarriesTheSameAttributesAsHeaders() throws {
    let small = options(300, days: 2)
    let structured = CityStream(small).events
    let binary = CityStream(small, mode: .binary).events
    for (one, other) in zip(structured, binary) where one.defect == .none {
      let parsed = try #require(Parsed(one))
      let headers = Dictionary(uniqueKeysWithValues: other.headers.map { ($0.name, $0.value) })
      for (name, value) in parsed.attributes where name != "data" && name != "datacontenttype" {
        #expect(headers["ce_" + name] == Array("\(value)".utf8), "\(name)")
      }
      #expect(headers["content-type"] == Array("application/json".utf8))
      let value = try #require(other.value)
      let data = try JSONSerialization.jsonObject(with: Data(value)) as? NSDictionary
      #expect(data == parsed.data as NSDictionary)
    }
  }
}
