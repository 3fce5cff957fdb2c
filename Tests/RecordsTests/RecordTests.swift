import Records
import Streaming
import Testing
import Vocabulary

@Suite struct RecordTests {
  static let alpha = CitizenID(validatedDigits: 31_010_119_500_101_001)

  static func entry(
    _ id: String, day: Int32, fields: [FactField] = [], persons: [CitizenID] = []
  ) -> EventEntry {
    let at = Instant(startOf: CivilDate(dayNumber: day))
    return EventEntry(
      key: EventKey(source: "s", id: id), type: EventTypeID("notice.custody"), source: "s",
      id: id, effective: at, time: at, recorded: at, accepted: at, traceparent: nil,
      persons: persons, fields: fields)
  }

  @Test func eventKeysAreStable() {
    // Computed once and fixed: stored state depends on it.
    let key = EventKey(source: "urn:window:310101", id: "t-1")
    #expect(key == EventKey(source: "urn:window:310101", id: "t-1"))
    #expect(key != EventKey(source: "urn:window:310101t", id: "-1"))
    #expect(key.bytes.count == 16)
  }

  @Test func logReadsInPlaceWhatWasWritten() throws {
    var log = EventLog()
    let custody = FactID("person.custody")
    let amount = FactID("event.amount")
    let values: [FactValue] = [
      .none, .bool(true), .int(-7), .money(Fen(151_000)), .date(CivilDate(dayNumber: 20_000)),
      .instant(Instant(microseconds: 5)), .string("服刑"), .person(RecordTests.alpha),
      .persons([RecordTests.alpha]), .strings(["a", "b"]),
    ]
    for (day, value) in values.enumerated() {
      let fields = [FactField(custody, value), FactField(amount, .int(Int64(day)))]
      let isNew = log.insert(RecordTests.entry("e\(day)", day: Int32(day), fields: fields))
      #expect(isNew)
    }
    let isNew = log.insert(RecordTests.entry("e3", day: 3))
    #expect(!isNew)
    try log.bytes.withUnsafeBytes { bytes in
      let view = try EventLogView(bytes)
      #expect(view.eventCount == values.count)
      for (day, value) in values.enumerated() {
        let at = Instant(startOf: CivilDate(dayNumber: Int32(day)))
        #expect(try view.latest(custody, at: at)?.value() == value)
      }
      #expect(view.latest(custody, at: .distantPast) == nil)
      #expect(view.fields(of: FactID("person.other")).isEmpty)
      #expect(EventLog(view) == log)
    }
  }

  @Test func effectiveOrderIsIndependentOfArrival() throws {
    let entries = (0..<6).map { RecordTests.entry("e\($0)", day: Int32($0 / 2)) }
    var forward = EventLog()
    var backward = EventLog()
    for entry in entries { _ = forward.insert(entry) }
    for entry in entries.reversed() { _ = backward.insert(entry) }
    #expect(forward == backward)
    #expect(try forward.entries().map(\.id) == ["e0", "e1", "e2", "e3", "e4", "e5"])
  }

  @Test func pruningKeepsTheLastWordAndTheOneBefore() throws {
    let fact = FactID("person.custody")
    var log = EventLog()
    for day in 0..<5 {
      _ = log.insert(
        RecordTests.entry("e\(day)", day: Int32(day), fields: [FactField(fact, .int(Int64(day)))]))
    }
    log.prune(before: Instant(startOf: CivilDate(dayNumber: 100)))
    #expect(try log.entries().map(\.id) == ["e3", "e4"])
  }

  @Test func homesFollowTheLatestClaim() throws {
    let first = HouseholdKey(registry: "A")
    let second = HouseholdKey(registry: "B")
    func claim(_ day: Int32, _ named: Bool, rank: UInt8 = 0) -> HomeClaim {
      let at = Instant(startOf: CivilDate(dayNumber: day))
      return HomeClaim(
        asOf: at, time: at, recorded: at, source: "s", id: "c\(day)", named: named, rank: rank)
    }
    var record = PersonRecord(id: RecordTests.alpha)
    record.interests = [
      HouseholdInterest(household: first, sequence: 2, claims: [claim(1, true), claim(5, false)]),
      HouseholdInterest(household: second, sequence: 1, claims: [claim(3, true)]),
    ]
    record.settleHomes()
    func home(_ day: Int32) -> HouseholdKey? {
      record.home(at: Instant(startOf: CivilDate(dayNumber: day)))
    }
    #expect(home(0) == nil && home(1) == first && home(3) == second && home(9) == second)
    record.interests[1].claims = []
    record.settleHomes()
    #expect(home(4) == first && home(5) == nil)
    let copy = try record.encoded().withUnsafeBytes { try PersonRecord(try PersonView($0)) }
    #expect(copy == record)
  }

  @Test func truncatedRecordsAreErrors() {
    var record = PersonRecord(id: RecordTests.alpha)
    _ = record.log.insert(
      RecordTests.entry("e", day: 1, fields: [FactField(FactID("person.name"), .string("测试"))]))
    let bytes = record.encoded()
    for length in 0..<bytes.count {
      bytes[..<length].withUnsafeBytes { cut in
        // Never a trap: an error, or a record whose texts are cut to nothing.
        if let view = try? PersonView(cut) { _ = try? PersonRecord(view) }
      }
    }
    #expect(throws: DecodingFailure.self) {
      try bytes[..<10].withUnsafeBytes { _ = try PersonView($0) }
    }
  }
}

@Suite struct MatchTests {
  private let request = MatchRequest(
    referral: "R-1", household: HouseholdKey(registry: "HH-1"), committee: "310101002001",
    smallest: 20,
    candidates: [
      MatchRequest.Candidate(resource: "W-1", fit: 3, capacity: 1),
      MatchRequest.Candidate(resource: "W-2", fit: 1, capacity: 9),
      MatchRequest.Candidate(resource: "W-3", fit: 1, capacity: 2),
      MatchRequest.Candidate(resource: "W-4", fit: 1, capacity: 2),
    ])

  @Test func messagesReadAsTheyWereWritten() throws {
    let household = HouseholdKey(registry: "HH-1")
    let register: [RegisterMessage] = [
      .resident(committee: "310101002001", joins: true),
      .watch(committee: "310101002001", household: household, smallest: 20, believes: true),
      .unwatch(committee: "310101002001", household: household), .match(request),
      .place(request, committeeIsLarge: true), .placed(referral: "R-1", from: "W-1", to: ""),
    ]
    for message in register {
      let read = try message.encoded().withUnsafeBytes { try RegisterMessage($0) }
      #expect(read == message)
    }
    let answers: [HouseholdMessage] = [
      .matched(referral: "R-1", candidates: ["W-1", "W-2"], committeeIsLarge: true),
      .committeeSize(committee: "310101002001", isLarge: false),
    ]
    for message in answers {
      let read = try message.encoded(for: household).withUnsafeBytes {
        try HouseholdMessage.decode($0)
      }
      #expect(read.household == household)
      #expect(read.message == message)
    }
  }

  @Test func fitThenFreeCapacityThenIdentifierDecide() {
    #expect(request.ranked { _ in 0 } == ["W-1", "W-2", "W-3", "W-4"])
    #expect(request.ranked { $0 == "W-2" ? 8 : 0 } == ["W-1", "W-3", "W-4", "W-2"])
  }

  @Test func theFullAreLeftOutWhileAnyoneIsFree() {
    #expect(request.ranked { $0 == "W-1" ? 1 : 0 } == ["W-2", "W-3", "W-4"])
    #expect(request.ranked { _ in 9 } == ["W-1", "W-2", "W-3", "W-4"])
  }
}
