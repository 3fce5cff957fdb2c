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

  /// Whichever field was found before, the same one is found next.
  @Test func aFieldIsFoundFromAnyHint() throws {
    let facts = (0..<7).map { FactID("event.f\($0)") }
    var log = EventLog()
    for day in 0..<9 {
      let fields = facts.indices.filter { (day + $0) % 3 != 0 }
        .map { FactField(facts[$0], .int(Int64(day * 10 + $0))) }
      _ = log.insert(RecordTests.entry("e\(day)", day: Int32(day), fields: fields))
    }
    let other = FactID("event.other")
    log.withView { view in
      #expect(!view.states(other))
      #expect(view.field(other, of: 3) == nil)
      for (at, fact) in facts.enumerated() {
        #expect(view.states(fact))
        #expect(view.field(view.lastField(of: fact)).fact == fact)
        for day in 0..<9 {
          let expected = (day + at) % 3 != 0 ? Int64(day * 10 + at) : nil
          #expect(view.field(fact, of: day)?.scalar == expected)
          for start in 0...view.fieldCount {
            var hint = start
            #expect(view.field(fact, of: day, near: &hint)?.scalar == expected)
          }
        }
      }
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

/// What goes from stage to stage as bytes is what decoding and encoding would give.
@Suite struct InPlaceTests {
  private static let fields: [FactField] = [
    FactField(FactID("a"), .none), FactField(FactID("b"), .bool(true)),
    FactField(FactID("c"), .int(-700_000)), FactField(FactID("d"), .money(Fen(151_000))),
    FactField(FactID("e"), .date(CivilDate(dayNumber: 20_000))),
    FactField(FactID("f"), .instant(Instant(microseconds: 5))),
    FactField(FactID("g"), .string("服刑")), FactField(FactID("h"), .person(RecordTests.alpha)),
    FactField(FactID("i"), .persons([RecordTests.alpha])),
    FactField(FactID("j"), .strings(["a", "b"])),
  ]

  private static func message(traceparent: String?, targets: [TargetedFacts]) -> EventMessage {
    var event = RecordTests.entry(
      "e1", day: 3, fields: fields, persons: [RecordTests.alpha, RecordTests.alpha])
    event.traceparent = traceparent
    return EventMessage(
      event: event, supersedes: nil, retracts: nil, targets: targets, members: nil, original: nil)
  }

  @Test(arguments: [nil, "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"])
  func aPersonsEventIsPassedOnAsItsBytes(traceparent: String?) throws {
    let facts = TargetedFacts(
      target: .person(RecordTests.alpha), fields: [FactField(FactID("k"), .string("x"))])
    let message = InPlaceTests.message(
      traceparent: traceparent,
      targets: [facts, TargetedFacts(target: facts.target, fields: [])])
    let accepted = Instant(microseconds: 77)
    var stamped = message
    stamped.event.accepted = accepted
    let encoded = RegisterMessage.event(message).encoded()
    try encoded.withUnsafeBytes { bytes in
      let view = try #require(try RegisterMessage.personalEvent(bytes))
      #expect(view.key == message.event.key)
      #expect(view.targets.map(\.person) == [RecordTests.alpha, RecordTests.alpha])
      for (target, facts) in zip(view.targets, message.targets) {
        let expected = PersonMessage.event(stamped.entry(for: facts), supersedes: nil)
        #expect(
          [UInt8](reserving: view.size(for: target)) {
            view.write(for: target, accepted: accepted, to: &$0)
          }
            == expected.encoded(for: RecordTests.alpha))
      }
    }
    for length in 0..<encoded.count {
      encoded[..<length].withUnsafeBytes { cut in
        let view = try? RegisterMessage.personalEvent(cut)
        #expect(view == nil || length == encoded.count)
      }
    }
  }

  @Test func whatIsNotAboutPeopleAloneIsDecoded() throws {
    let person = TargetedFacts(target: .person(RecordTests.alpha), fields: [])
    var superseding = InPlaceTests.message(traceparent: nil, targets: [person])
    superseding.supersedes = EventKey(source: "s", id: "e0")
    var retracting = InPlaceTests.message(traceparent: nil, targets: [person])
    retracting.retracts = EventKey(source: "s", id: "e0")
    var composition = InPlaceTests.message(traceparent: nil, targets: [person])
    composition.members = []
    let elsewhere = InPlaceTests.message(
      traceparent: nil, targets: [TargetedFacts(target: .household("HH-1"), fields: [])])
    for message in [superseding, retracting, composition, elsewhere] {
      let isView = try RegisterMessage.event(message).encoded().withUnsafeBytes {
        try RegisterMessage.personalEvent($0) != nil
      }
      #expect(!isView)
    }
  }

  @Test func anEventIsAppendedToARecordInPlace() throws {
    let home = HouseholdKey(registry: "HH-1")
    let at = Instant(startOf: CivilDate(dayNumber: 1))
    var record = PersonRecord(id: RecordTests.alpha)
    record.interests = [
      HouseholdInterest(
        household: home, sequence: 1,
        claims: [
          HomeClaim(
            asOf: at, time: at, recorded: at, source: "s", id: "c", named: true, rank: 0)
        ])
    ]
    record.settleHomes()
    for day in [5, 2, 9, 5] as [Int32] {
      let entry = RecordTests.entry(
        "e\(day)", day: day, fields: InPlaceTests.fields, persons: [RecordTests.alpha])
      let before = record
      let isNew = record.log.insert(entry)
      record.version += isNew ? 1 : 0
      let message = PersonMessage.event(entry, supersedes: nil).encoded(for: record.id)
      try before.encoded().withUnsafeBytes { bytes in
        let view = try PersonView(bytes)
        let appended = try message.withUnsafeBytes { message in
          let plain = try #require(try PersonMessage.plainEvent(message))
          #expect(plain.person == record.id)
          let changes = [FactID(rawValue: entry.type.rawValue)] + entry.fields.map(\.fact)
          #expect(Set(plain.entry.changes) == Set(changes))
          return view.appending(plain.entry).map { grown in
            let bytes = [UInt8](reserving: grown.size) { grown.write(to: &$0) }
            #expect(bytes.count == grown.size)
            return bytes
          }
        }
        #expect(appended == (isNew ? record.encoded() : nil))
        #expect(view.lives(in: home, at: at) && view.hasHome(at: at))
        #expect(!view.hasHome(at: .distantPast))
        var interested: [String] = []
        try view.eachInterested { interested.append(String(decoding: $0, as: UTF8.self)) }
        #expect(interested == [home.text])
      }
    }
    #expect(record.log.eventCount == 3)
  }

  @Test func onlyAPlainEventIsReadInPlace() throws {
    let entry = RecordTests.entry("e1", day: 1, fields: InPlaceTests.fields)
    let others: [PersonMessage] = [
      .event(entry, supersedes: EventKey(source: "s", id: "e0")),
      .interest(
        HouseholdInterest(household: HouseholdKey(registry: "HH-1"), sequence: 1, claims: [])),
    ]
    for message in others {
      let isPlain = try message.encoded(for: RecordTests.alpha).withUnsafeBytes {
        try PersonMessage.plainEvent($0) != nil
      }
      #expect(!isPlain)
    }
    // Cut short anywhere it is an error, not a trap.
    let whole = PersonMessage.event(entry, supersedes: nil).encoded(for: RecordTests.alpha)
    for length in 0..<whole.count {
      #expect(throws: DecodingFailure.self) {
        _ = try whole[..<length].withUnsafeBytes { try PersonMessage.plainEvent($0) }
      }
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
