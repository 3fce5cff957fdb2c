@testable import Intake
import Policy
import Records
import Streaming
import Testing
import Vocabulary

@Suite struct AcceptedEventTests {
  let intake: EventIntake

  init() throws { intake = try EventIntake(catalog: defaultCatalog()) }

  private func accept(_ sample: Sample) throws -> EventMessage {
    let outcome = try intake.feed(
      Sent(sample.topic, json: structured(sample.type, sample.data)))
    return try #require(outcome.event, "\(sample.type): \(outcome)")
  }

  private func accept(
    _ type: String, _ topic: String, _ data: String, _ attributes: [String: String?] = [:]
  ) throws -> EventMessage {
    let outcome = try intake.feed(
      Sent(topic, json: structured(type, data, attributes: attributes)))
    return try #require(outcome.event, "\(outcome)")
  }

  @Test func everyTypeOfTheContractIsAccepted() throws {
    var seen: Set<String> = []
    for sample in Sample.all {
      let event = try accept(sample)
      #expect(event.event.type == EventTypeID(sample.type))
      #expect(event.event.key == EventKey(source: "/test/source", id: "e-1"))
      seen.insert(sample.type)
    }
    #expect(seen == Set(try defaultCatalog().names))
  }

  @Test func bothContentModesGiveTheSameMessage() throws {
    for sample in Sample.all {
      let one = try accept(sample)
      var sent = Sent(sample.topic, value: Array(sample.data.utf8))
      sent.headers = [
        ("content-type", "application/json; charset=utf-8"), ("ce_specversion", "1.0"),
        ("ce_id", "e-1"), ("ce_source", "/test/source"),
        ("ce_type", "cn.gov.sh.assist." + sample.type), ("ce_time", "2024-03-05T10:00:00+08:00"),
      ]
      var other = try #require(try intake.feed(sent).event)
      #expect((one.original == nil) == (other.original == nil))
      other.original = one.original
      #expect(one == other)
    }
  }

  @Test func attributesReachTheMessage() throws {
    let trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    let event = try accept(
      "notice.death", "department.notices",
      "{\"person\":\"\(Someone.elder)\",\"date\":\"2024-03-01\"}",
      [
        "id": "死亡-1", "recordedtime": "2024-03-05T11:30:00.25+08:00", "supersedes": "e-0",
        "traceparent": trace,
      ])
    #expect(event.event.id == "死亡-1")
    #expect(event.event.source == "/test/source")
    #expect(event.event.time == Instant("2024-03-05T10:00:00+08:00"))
    #expect(event.event.recorded == Instant("2024-03-05T11:30:00.25+08:00"))
    #expect(event.event.accepted == noon)
    #expect(event.event.effective == Instant("2024-03-01T00:00:00+08:00"))
    #expect(event.event.traceparent == trace)
    #expect(event.supersedes == EventKey(source: "/test/source", id: "e-0"))
    #expect(event.retracts == nil)
  }

  @Test func aBrokenTraceIsDroppedAndTheEventKept() throws {
    let event = try accept(
      "notice.death", "department.notices",
      "{\"person\":\"\(Someone.elder)\",\"date\":\"2024-03-01\"}", ["traceparent": "00-xyz"])
    #expect(event.event.traceparent == nil)
    let number = structured(
      "notice.death", "{\"person\":\"\(Someone.elder)\",\"date\":\"2024-03-01\"}"
    ).replacing("\"data\"", with: "\"traceparent\":7,\"data\"")
    #expect(try intake.feed(Sent("department.notices", json: number)).event != nil)
  }

  /// Tracing libraries of Kafka clients write a header of their own.
  @Test func theTraceOfTheRecordIsTakenWhereTheEventHasNone() throws {
    let trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    let other = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203332-01"
    let data = "{\"person\":\"\(Someone.elder)\",\"date\":\"2024-03-01\"}"
    var sent = Sent("department.notices", json: structured("notice.death", data))
    sent.headers = [("traceparent", trace)]
    #expect(try intake.feed(sent).event?.event.traceparent == trace)
    sent = Sent(
      "department.notices",
      json: structured("notice.death", data, attributes: ["traceparent": other]))
    sent.headers = [("traceparent", trace)]
    #expect(try intake.feed(sent).event?.event.traceparent == other)
  }

  @Test func theClockFollowsRecordedTime() throws {
    let json = structured(
      "notice.retracted", "{\"retracts\":\"e-0\",\"reason\":\"r\"}",
      attributes: ["recordedtime": "2024-03-06T08:00:00+08:00"])
    guard case .accepted(let event, let clock) = try intake.feed(Sent("field.reports", json: json))
    else { throw Unexpected() }
    #expect(clock == Instant("2024-03-06T08:00:00+08:00"))
    #expect(event.event.accepted == clock)
    #expect(event.retracts == EventKey(source: "/test/source", id: "e-0"))
    #expect(event.targets.isEmpty)
  }

  @Test func aWindowTransactionStatesItsFacts() throws {
    let event = try accept(Sample.window[0])
    #expect(
      event.event.fields == [
        FactField(FactID("event.transaction"), .string("t-1")),
        FactField(FactID("event.centre"), .string("310101002")),
        FactField(FactID("event.line"), .string("mca")),
        FactField(FactID("event.item"), .string("临时救助申请")),
        FactField(FactID("event.item_code"), .string("MCA-03")),
        FactField(FactID("event.stage"), .string("submitted")),
        FactField(FactID("event.reason"), .string("失业")),
        FactField(FactID("event.applicant"), .person(try CitizenID(Someone.adult))),
        FactField(FactID("event.agent"), .person(try CitizenID(Someone.spouse))),
        FactField(FactID("event.subdistrict"), .string("310101002")),
        FactField(FactID("event.committee"), .string("310101002001")),
        FactField(FactID("event.address"), .string("某路1号")),
        FactField(FactID("event.self_paid"), .money(Fen(1_234_560))),
        FactField(FactID("event.asked"), .bool(true)),
        FactField(FactID("event.wants_help"), .bool(true)),
        FactField(FactID("event.difficulties"), .strings(["income", "illness"])),
        FactField(FactID("event.declared_income"), .money(Fen(120_050))),
        FactField(FactID("event.insured"), .bool(false)),
        FactField(FactID("event.months_without_income"), .int(3)),
        FactField(FactID("event.note"), .string("独居")),
      ])
    let adult = try CitizenID(Someone.adult)
    let spouse = try CitizenID(Someone.spouse)
    #expect(event.event.persons == [adult, spouse])
    #expect(
      event.targets == [
        TargetedFacts(
          target: .person(adult),
          fields: [
            FactField(FactID("person.name"), .string("张三")),
            FactField(FactID("person.phone"), .string("138")),
            FactField(FactID("person.insured"), .bool(false)),
            FactField(FactID("person.months_without_income"), .int(3)),
          ]),
        TargetedFacts(target: .person(spouse), fields: []),
      ])
  }

  @Test func whoActsForThemselvesIsOneTarget() throws {
    let data = """
      {"transactionId":"t","centre":"310101002","line":"ps","item":"i","stage":"accepted",
      "applicant":{"id":"\(Someone.adult)","name":"甲"},"agent":{"id":"\(Someone.adult)"}}
      """
    let event = try accept("window.transaction", "window.transactions", data)
    #expect(event.targets.count == 1)
    #expect(event.targets.first?.fields == [FactField(FactID("person.name"), .string("甲"))])
    #expect(event.event.persons.count == 1)
  }

  /// The facts about the person of a one-person notice with this state.
  private func facts(_ type: String, _ state: String, _ more: String = "") throws -> [FactField] {
    let data = """
      {"person":"\(Someone.adult)","date":"2024-03-04","state":"\(state)"\(more)}
      """
    return try #require(try accept(type, "department.notices", data).targets.first).fields
  }

  private func fact(_ name: String, _ value: FactValue) -> FactField {
    FactField(FactID("person." + name), value)
  }

  @Test func statesBecomeFacts() throws {
    let day = FactValue.date(try #require(CivilDate("2024-03-04")))
    #expect(
      try facts("notice.custody", "detained") == [
        fact("custody", .string("detained")), fact("custody_since", day),
        fact("custody_until", .none), fact("custody_term_months", .none),
      ])
    #expect(
      try facts("notice.custody", "released") == [
        fact("custody", .string("none")), fact("custody_since", .none),
        fact("custody_until", .none), fact("custody_term_months", .none),
      ])
    #expect(
      try facts("notice.employment", "benefit-ended", ",\"benefitUntil\":\"2024-09-01\"") == [])
    #expect(
      try facts("notice.employment", "employed", ",\"insured\":true") == [
        fact("employment", .string("employed")), fact("jobless", .bool(false)),
        fact("insured", .bool(true)),
      ])
    #expect(
      try facts("notice.illness", "hospitalised") == [
        fact("hospitalised", .bool(true))
      ])
    #expect(
      try facts("notice.illness", "ended") == [
        fact("illness", .string("none")), fact("illness_since", .none),
        fact("hospitalised", .bool(false)),
      ])
    #expect(
      try facts("notice.disability", "cancelled", ",\"category\":1,\"grade\":\"2\"") == [
        fact("disability_category", .none), fact("disability_grade", .none),
      ])
    #expect(
      try facts("notice.residence", "permit-lapsed") == [fact("permit", .string("lapsed"))])
    #expect(
      try facts("notice.guardian-status", "restored") == [
        fact("guardian_status", .string("none")), fact("guardian_status_since", .none),
        fact("guardian_status_until", .none),
      ])
  }

  @Test func aCompositionCarriesItsMembers() throws {
    let event = try accept(Sample.household[0])
    let adult = try CitizenID(Someone.adult)
    let child = try CitizenID(Someone.child)
    #expect(
      event.members == [
        CompositionMember(
          id: adult, relation: "02", name: "张三", guardians: nil, hukou: "310101",
          selfCare: "full"),
        CompositionMember(
          id: child, relation: "20", name: nil, guardians: [adult], hukou: nil, selfCare: nil),
      ])
    // The household itself tells its people; one path, so that nobody is homeless in between.
    #expect(event.targets.map(\.target) == [.household("hh-1")])
    #expect(event.event.effective == Instant("2024-03-01T00:00:00+08:00"))
    #expect(
      event.targets.first?.fields == [
        FactField(FactID("household.hukou_subdistrict"), .string("310101013"))
      ])
  }

  @Test func familiesNameEachOther() throws {
    let divorce = try accept(Sample.family[2])
    let people = try [Someone.adult, Someone.spouse, Someone.child].map { try CitizenID($0) }
    #expect(divorce.event.persons == people)
    #expect(
      divorce.event.fields == [
        FactField(FactID("event.children"), .persons([people[2]])),
        FactField(FactID("event.guardians"), .persons([people[1]])),
      ])
    // The guardian is a spouse as well: one target.
    #expect(divorce.targets.map(\.target) == people.map { .person($0) })
    let birth = try accept(Sample.family[3])
    #expect(birth.targets.map(\.target) == [.person(people[2]), .person(people[0])])
  }

  @Test func aReportIsAboutTheMostExactTarget() throws {
    func target(_ about: String) throws -> EventTarget? {
      try accept(
        "report.tip", "field.reports",
        "{\"about\":{\(about)},\"difficulties\":[],\"date\":\"2024-03-05\"}"
      ).targets.first?.target
    }
    let elder = try CitizenID(Someone.elder)
    #expect(try target("\"id\":\"\(Someone.elder)\",\"household\":\"h\"") == .person(elder))
    #expect(try target("\"household\":\"h\",\"address\":\"a\"") == .household("h"))
    #expect(try target("\"address\":\"上海市 南京东路１号，ab室\"") == .address("南京东路1号AB室"))
    #expect(try target("\"id\":null,\"address\":\"x\"") == .address("X"))
  }

  @Test func feedbackKeepsTheRecordAsItCame() throws {
    let json = structured("referral.declined", try #require(Sample.reports.last).data)
    var sent = Sent("referral.feedback", json: json)
    sent.key = [1, 2, 3]
    sent.headers = [("content-type", "application/cloudevents+json"), ("x", "y")]
    let event = try #require(try intake.feed(sent).event)
    #expect(event.targets.map(\.target) == [.referral("R-ABC")])
    let original = try #require(event.original)
    #expect(original.topic == "assist.referral.feedback")
    #expect(original.partition == 3)
    #expect(original.offset == 42)
    #expect(original.timestamp == 1_709_600_000_000)
    #expect(original.key == [1, 2, 3])
    #expect(original.value == Array(json.utf8))
    #expect(
      original.headers == [
        Header("content-type", "application/cloudevents+json"), Header("x", "y"),
      ])
  }

  @Test func citizenIDsOfTheNationalLayoutAreAccepted() throws {
    for (text, digits) in [
      ("31010119000101002X", "31010119000101002"), ("31010119000101002x", "31010119000101002"),
      ("830000190001010011", "83000019000101001"), ("931840190001010010", "93184019000101001"),
      ("310119190006300003", "31011919000630000"),
    ] {
      let event = try accept(
        "notice.death", "department.notices", "{\"person\":\"\(text)\",\"date\":\"2024-03-01\"}")
      #expect(event.event.persons.map { String($0.digits) } == [digits])
    }
  }

  @Test func futureDatesAreAllowedWhereTheyMakeSense() throws {
    // A notice of release; the day after `time` is within a day.
    let release = try accept(
      "notice.custody", "department.notices",
      "{\"person\":\"\(Someone.adult)\",\"state\":\"released\",\"date\":\"2024-06-01\"}")
    #expect(release.event.effective == Instant("2024-06-01T00:00:00+08:00"))
    _ = try accept(
      "notice.marriage", "department.notices",
      "{\"persons\":[\"\(Someone.adult)\",\"\(Someone.spouse)\"],\"date\":\"2024-03-06\"}")
  }

  @Test func escapesAndNullsAreReadAsWritten() throws {
    let data = """
      {"transactionId":"t\\u002d1","centre":"310101002","line":"\\u006dca",
      "item":"a\\"b\\n\\ud83d\\ude00","stage":"submitted","applicant":{"id":"\\u0033\(Someone.adult.dropFirst())","name":null},
      "agent":null,"reason":""}
      """
    let event = try accept("window.transaction", "window.transactions", data)
    #expect(event.event.value(of: FactID("event.transaction")) == .string("t-1"))
    #expect(event.event.value(of: FactID("event.line")) == .string("mca"))
    #expect(event.event.value(of: FactID("event.item")) == .string("a\"b\n😀"))
    #expect(event.event.value(of: FactID("event.reason")) == nil)
    #expect(event.targets.map(\.target) == [.person(try CitizenID(Someone.adult))])
    #expect(event.targets.first?.fields == [])
  }
}
