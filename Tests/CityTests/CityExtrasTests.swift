import City
import Foundation
import Testing
import Vocabulary

@Suite struct CityExtrasTests {
  @Test func eachDefectMakesTheRecordUnusableInItsWay() throws {
    var options = CityOptions()
    options.people = 800
    options.days = 3
    options.bad = 0.5
    options.oversized = true
    var seen = Set<Defect>()
    for event in CityStream(options).events where event.defect != .none {
      seen.insert(event.defect)
      let parsed = Parsed(event)
      let time = parsed.flatMap { Instant($0.text("time")) } ?? .distantPast
      switch event.defect {
      case .none: break
      case .brokenJSON: #expect(parsed == nil)
      case .nullValue: #expect(event.value == nil)
      case .missingAttribute: #expect(parsed?.attributes["source"] == nil)
      case .missingField: #expect(parsed?.data["applicant"] == nil)
      case .wrongCheck, .fifteenDigits:
        let applicant = try #require(parsed?.data["applicant"] as? [String: Any])
        let id = try #require(applicant["id"] as? String)
        let reason: CitizenID.Rejection =
          event.defect == .fifteenDigits ? .fifteenDigits : .malformed
        #expect(throws: reason) { try CitizenID(id) }
      case .impossibleDate: #expect(CivilDate(parsed?.field("date") ?? "2025-01-01") == nil)
      case .unknownType:
        let names = CityEventType.allCases.map { "cn.gov.sh.assist." + $0.name }
        #expect(!names.contains(parsed?.text("type") ?? names[0]))
      case .unknownEnum: #expect(parsed?.field("stage") == "postponed")
      case .malformedMoney: #expect(Fen(yuan: parsed?.field("selfPaid") ?? "1") == nil)
      case .timeInFuture: #expect(time > event.instant.adding(days: 2))
      case .unknownReferral: #expect(event.topic == .referralFeedback)
      case .oversized: #expect((event.value?.count ?? 0) > 2_000_000)
      }
    }
    #expect(seen.count == Defect.allCases.count - 1)
  }

  @Test func linesLeaveOutWhatIsNoLine() {
    var options = CityOptions()
    options.people = 500
    options.days = 2
    options.bad = 0.3
    let stream = CityStream(options, lines: true)
    var text = ByteText()
    var buffer = EventBuffer()
    #expect(!stream.appendLines(to: &text, upTo: .max, &buffer))
    let lines = text.array.split(separator: 0x0A)
    #expect(lines.count == stream.counts.records)
    #expect(stream.counts.count(.nullValue) == 0)
    #expect(stream.counts.badRecords > 10)
  }

  @Test func directoryCoversEveryCommitteeInUseAtSomeLevel() throws {
    var options = CityOptions()
    options.people = 5000
    let entries = cityDirectory(options)
    var covers = Set<String>()
    var agreements = 0
    for entry in entries {
      let object = try JSONSerialization.jsonObject(with: Data(entry.value.utf8))
      let value = try #require(object as? [String: Any])
      covers.formUnion(try #require(value["covers"] as? [String]))
      if value["agreement"] != nil { agreements += 1 }
      let id = value["advisor"] ?? value["resource"]
      #expect(id as? String == entry.key)
    }
    #expect((30...79).contains(agreements))
    #expect(Set(entries.map(\.key)).count == entries.count)
    for event in CityStream(options).events where event.type == .composition {
      let committee = try #require(Parsed(event)).field("committee")
      #expect(covers.contains(String(committee.prefix(9))))
      #expect(covers.contains(String(committee.prefix(6))))
    }
  }

  @Test func feedbackFollowsFromTheReferral() throws {
    let writer = FeedbackWriter(seed: 4)
    let opened = Instant(seconds: 1_800_000_000)
    var types = Set<CityEventType>()
    for number in 0..<300 {
      let receiver: FeedbackReceiver = number % 2 == 0 ? .advisor("ADV-1") : .resource("RES-1")
      let events = writer.answers(
        to: "R-\(number)", by: receiver, openedAt: opened, colleague: "ADV-2")
      let again = writer.answers(
        to: "R-\(number)", by: receiver, openedAt: opened, colleague: "ADV-2")
      #expect(events.map(\.value) == again.map(\.value))
      var clock = opened
      for event in events {
        let parsed = try #require(Parsed(event))
        #expect(parsed.field("referral") == "R-\(number)")
        #expect(parsed.field("by") == receiver.idText)
        #expect(event.instant >= clock)
        clock = event.instant
        types.insert(event.type)
      }
    }
    #expect(types == [.accepted, .started, .visited, .completed, .declined, .reassigned])
  }
}

extension FeedbackReceiver {
  fileprivate var idText: String {
    switch self {
    case .advisor(let id), .resource(let id): id
    }
  }
}
