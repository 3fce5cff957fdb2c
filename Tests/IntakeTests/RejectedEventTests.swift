@testable import Intake
import Policy
import Records
import Streaming
import Testing
import Vocabulary

@Suite struct RejectedEventTests {
  let intake: EventIntake

  init() throws { intake = try EventIntake(catalog: defaultCatalog()) }

  /// A fault in the data of an otherwise good event.
  struct Fault: CustomTestStringConvertible {
    var type: String
    var topic = "department.notices"
    var data: String
    var code: String
    var path: String
    var testDescription: String { "\(type) \(code) \(path)" }
  }

  static func window(_ replaced: String, _ by: String, _ code: String, _ path: String) -> Fault {
    let data = Sample.window[0].data.replacing(replaced, with: by)
    return Fault(
      type: "window.transaction", topic: "window.transactions", data: data, code: code,
      path: "/data" + path)
  }

  static func person(_ id: String, _ code: String) -> Fault {
    Fault(
      type: "notice.death", data: "{\"person\":\(id),\"date\":\"2024-03-01\"}", code: code,
      path: "/data/person")
  }

  static func day(_ date: String, _ code: String = "date") -> Fault {
    Fault(
      type: "notice.death", data: "{\"person\":\"\(Someone.elder)\",\"date\":\(date)}",
      code: code, path: "/data/date")
  }

  static func money(_ amount: String, _ code: String = "money") -> Fault {
    Fault(
      type: "notice.medical-expense",
      data: "{\"person\":\"\(Someone.elder)\",\"date\":\"2024-03-01\",\"selfPaid\":\(amount)}",
      code: code, path: "/data/selfPaid")
  }

  static func month(_ month: String) -> Fault {
    Fault(
      type: "notice.income",
      data: "{\"person\":\"\(Someone.elder)\",\"month\":\"\(month)\",\"amount\":1}",
      code: "date", path: "/data/month")
  }

  static let identities = [
    person("\"310101190001010010\"", "id"), person("\"310101190002290019\"", "id"),
    person("\"310101000101001\"", "id-15"), person("\"31010119000101001\"", "id"),
    person("\"\"", "id"), person("\"31010119000101001１\"", "id"),
    person("310101190001010011", "schema"), person("null", "schema"), person("{}", "schema"),
  ]

  static let dates = [
    day("\"2023-02-29\""), day("\"2024-13-01\""), day("\"2024-3-1\""), day("\"20240301\""),
    day("\"2024-03-01T00:00:00Z\""), day("\"0000-01-01\""), day("\"\""), day("20240301", "schema"),
    day("\"2024-03-07\""), day("\"9999-12-31\""), month("2024-13"), month("2024-3"),
    month("2024-05"), month("-024-01"),
    Fault(
      type: "notice.custody",
      data: """
        {"person":"\(Someone.adult)","state":"detained","date":"2024-06-01"}
        """, code: "date", path: "/data/date"),
    Fault(
      type: "household.composition", topic: "household.registry",
      data: """
        {"household":"h","subdistrict":"310101002","members":[],"asOf":"2024-04-01"}
        """,
      code: "date", path: "/data/asOf"),
  ]

  static let amounts = [
    money("1e3"), money("-1"), money("\"-1\""), money("1.234"), money("\"1.234\""), money("\"\""),
    money("\"1,000\""), money("\"￥5\""), money("1.5E0"), money("99999999999999"),
    money("\"1.\""), money("true", "schema"), money("[1]", "schema"),
  ]

  static let shapes = [
    window("\"310101002\",\"line\"", "\"31010100\",\"line\"", "schema", "/centre"),
    window("\"mca\"", "\"MCA\"", "enum", "/line"),
    window("\"submitted\"", "\"done\"", "enum", "/stage"),
    window("\"submitted\"", "7", "schema", "/stage"),
    window("\"illness\"", "\"sick\"", "enum", "/inquiry/difficulties/1"),
    window("[\"income\",\"illness\"]", "\"income\"", "schema", "/inquiry/difficulties"),
    window("\"asked\":true", "\"asked\":\"true\"", "schema", "/inquiry/asked"),
    window("\"monthsWithoutIncome\":3", "\"monthsWithoutIncome\":3.5", "schema",
      "/inquiry/monthsWithoutIncome"),
    window("\"monthsWithoutIncome\":3", "\"monthsWithoutIncome\":-1", "schema",
      "/inquiry/monthsWithoutIncome"),
    window("\"monthsWithoutIncome\":3", "\"monthsWithoutIncome\":123456789012345678901", "schema",
      "/inquiry/monthsWithoutIncome"),
    window("\"t-1\"", "\"\"", "schema", "/transactionId"),
    window("\"t-1\"", "\"\\u0000\"", "schema", "/transactionId"),
    window("\"t-1\"", "\"" + String(repeating: "长", count: 129) + "\"", "schema",
      "/transactionId"),
    window("\"transactionId\":\"t-1\",", "", "schema", "/transactionId"),
    window("{\"id\":\"\(Someone.spouse)\"}", "{}", "schema", "/agent/id"),
    window("{\"id\":\"\(Someone.spouse)\"}", "[]", "schema", "/agent"),
    window("\"310101002001\"", "\"31010100200A\"", "schema", "/residence/committee"),
    Fault(
      type: "notice.marriage", data: "{\"persons\":[\"\(Someone.adult)\"],\"date\":\"2024-03-01\"}",
      code: "schema", path: "/data/persons"),
    Fault(
      type: "notice.marriage",
      data: "{\"persons\":[\"\(Someone.adult)\",\"\(Someone.adult)\"],\"date\":\"2024-03-01\"}",
      code: "schema", path: "/data/persons/1"),
    Fault(
      type: "notice.marriage",
      data: "{\"persons\":[\"\(Someone.adult)\",null],\"date\":\"2024-03-01\"}",
      code: "schema", path: "/data/persons/1"),
    Fault(
      type: "notice.disability",
      data: """
        {"person":"\(Someone.adult)","state":"issued","date":"2024-03-01","category":8,"grade":1}
        """, code: "schema", path: "/data/category"),
    Fault(
      type: "household.composition", topic: "household.registry",
      data: """
        {"household":"h","subdistrict":"310101002","asOf":"2024-03-01","members":[
        {"id":"\(Someone.adult)","relation":"02"},{"id":"\(Someone.adult)","relation":"10"}]}
        """, code: "schema", path: "/data/members/1/id"),
    Fault(
      type: "household.composition", topic: "household.registry",
      data: """
        {"household":"h","subdistrict":"310101002","asOf":"2024-03-01","members":[
        {"id":"\(Someone.adult)","relation":"05"}]}
        """, code: "enum", path: "/data/members/0/relation"),
    Fault(
      type: "report.tip", topic: "field.reports",
      data: "{\"about\":{},\"difficulties\":[],\"date\":\"2024-03-01\"}", code: "schema",
      path: "/data/about"),
    Fault(
      type: "report.tip", topic: "field.reports",
      data: """
        {"about":{"household":"h"},"date":"2024-03-01","difficulties":[
        \(Array(repeating: "\"other\"", count: 33).joined(separator: ","))]}
        """, code: "schema", path: "/data/difficulties"),
    Fault(type: "notice.death", data: "null", code: "schema", path: "/data"),
    Fault(type: "notice.death", data: "[]", code: "schema", path: "/data"),
    Fault(
      type: "notice.retracted", data: "{\"retracts\":\"e-1\",\"reason\":\"r\"}", code: "schema",
      path: "/data/retracts"),
    Fault(type: "notice.unheard-of", data: "{}", code: "type", path: "/type"),
    Fault(type: "notice.death", topic: "field.reports", data: "{}", code: "type", path: "/type"),
  ]

  @Test(arguments: identities + dates + amounts + shapes)
  func faultsInTheDataAreDeadLetters(fault: Fault) throws {
    let outcome = try intake.feed(
      Sent(fault.topic, json: structured(fault.type, fault.data)))
    #expect(outcome.code == fault.code)
    #expect(outcome.path == fault.path)
    #expect(intake.acceptedCount == 0)
    #expect(intake.rejectedCounts == [fault.code: 1])
  }

  static let death = "{\"person\":\"\(Someone.elder)\",\"date\":\"2024-03-01\"}"

  @Test(arguments: [
    (["specversion": nil], "envelope", "/specversion"),
    (["specversion": "0.3"], "envelope", "/specversion"),
    (["id": nil], "envelope", "/id"), (["id": ""], "envelope", "/id"),
    (["id": "a\\u0000b"], "envelope", "/id"),
    (["id": String(repeating: "x", count: 257)], "envelope", "/id"),
    (["source": nil], "envelope", "/source"),
    (["source": String(repeating: "x", count: 513)], "envelope", "/source"),
    (["type": nil], "envelope", "/type"), (["type": "notice.death"], "type", "/type"),
    (["type": "cn.gov.sh.assist."], "type", "/type"),
    (["type": "cn.gov.sh.assist.notice.Death"], "type", "/type"),
    (["time": nil], "envelope", "/time"), (["time": "2024-03-05"], "envelope", "/time"),
    (["time": "2024-02-30T00:00:00Z"], "envelope", "/time"),
    (["recordedtime": "yesterday"], "envelope", "/recordedtime"),
    (["supersedes": ""], "envelope", "/supersedes"),
    (["supersedes": "e-1"], "envelope", "/supersedes"),
    (["datacontenttype": "text/xml"], "envelope", "/datacontenttype"),
    (["data_base64": "AA=="], "envelope", "/data_base64"),
    (["recordedtime": "2024-03-04T09:59:59+08:00"], "time-in-future", "/time"),
  ] as [([String: String?], String, String)])
  func faultsInTheAttributes(_ attributes: [String: String?], code: String, path: String) throws {
    let json = structured("notice.death", Self.death, attributes: attributes)
    let outcome = try intake.feed(Sent("department.notices", json: json))
    #expect(outcome.code == code)
    #expect(outcome.path == path)
  }

  @Test func timeIsBoundedByTheWallClock() throws {
    let sent = Sent("department.notices", json: structured("notice.death", Self.death))
    let early = Instant("2024-03-04T09:59:59+08:00")
    #expect(try intake.feed(sent, wall: early).code == "time-in-future")
    #expect(try intake.feed(sent, wall: early?.adding(seconds: 1)).event != nil)
    // A replay has no wall clock.
    #expect(try intake.feed(sent, now: .distantPast).event != nil)
    let recorded = structured(
      "notice.death", Self.death, attributes: ["recordedtime": "2025-01-01T00:00:00Z"])
    let outcome = try intake.feed(Sent("department.notices", json: recorded), wall: noon)
    #expect(outcome.code == "time-in-future")
    #expect(outcome.path == "/recordedtime")
  }

  @Test func recordsThatAreNoEvents() throws {
    let good = structured("notice.death", Self.death)
    func code(_ value: [UInt8]?, _ headers: [(String, String)] = []) throws -> String? {
      try intake.feed(Sent("department.notices", value: value, headers: headers)).code
    }
    #expect(try code(nil) == "envelope")
    #expect(try code([]) == "json")
    #expect(try code(Array("{".utf8)) == "json")
    #expect(try code(Array(good.dropLast().utf8)) == "json")
    #expect(try code(Array((good + "x").utf8)) == "json")
    #expect(try code(Array(good.utf8) + [0]) == "json")
    #expect(try code([0xEF, 0xBB, 0xBF] + Array(good.utf8)) == "json")
    #expect(try code(Array(good.utf8) .map { $0 == 0x65 ? 0xFF : $0 }) == "json")
    #expect(try code(Array(good.replacing("\"id\"", with: "\"id\":\"x\",\"id\"").utf8)) == "json")
    #expect(
      try code(Array(good.replacing("\"id\"", with: "\"id\":\"x\",\"\\u0069d\"").utf8)) == "json")
    #expect(try code(Array("[]".utf8)) == "envelope")
    #expect(try code(Array("{}".utf8)) == "envelope")
    #expect(try code(Array(repeating: 0x20, count: 2 << 20)) == "envelope")
    let deep = String(repeating: "[", count: 40) + String(repeating: "]", count: 40)
    let nested = good.replacing("\"data\"", with: "\"x\":\(deep),\"data\"")
    #expect(try code(Array(nested.utf8)) == "json")
    #expect(try code(Array(good.utf8), [("content-type", "avro/binary")]) == "envelope")
    #expect(
      try code(Array(good.utf8), [("content-type", "application/cloudevents-batch+json")])
        == "envelope")
    #expect(
      try code(
        Array(good.utf8), [("content-type", "application/json"), ("content-type", "text/json")])
        == "envelope")
    #expect(try code(Array(good.utf8), [("Content-Type", "Application/CloudEvents+JSON")]) == nil)
  }

  @Test func binaryModeNeedsItsHeaders() throws {
    let all = [
      ("ce_specversion", "1.0"), ("ce_id", "e"), ("ce_source", "/s"),
      ("ce_type", "cn.gov.sh.assist.notice.death"), ("ce_time", "2024-03-05T10:00:00+08:00"),
    ]
    let value = Array(Self.death.utf8)
    let good = Sent("department.notices", value: value, headers: all)
    #expect(try intake.feed(good).event != nil)
    for dropped in all.indices {
      var headers = all
      headers.remove(at: dropped)
      let outcome = try intake.feed(
        Sent("department.notices", value: value, headers: headers))
      #expect(outcome.code == "envelope")
      #expect(outcome.path == "/" + all[dropped].0.dropFirst(3))
    }
    let twice = try intake.feed(
      Sent("department.notices", value: value, headers: all + [("ce_id", "f")]))
    #expect(twice.code == "envelope")
    #expect(twice.path == "/id")
  }

  @Test func aDeadLetterTellsWhereItCameFrom() throws {
    var sent = Sent("department.notices", value: Array("{]".utf8))
    sent.key = [9]
    sent.headers = [("x-kept", "yes")]
    let first = try intake.feed(sent)
    guard case .rejected(_, _, let record) = first else { throw Unexpected() }
    #expect(record.header("x-kept") == "yes")
    #expect(record.header("assist_original_topic") == "assist.department.notices")
    #expect(record.header("assist_original_partition") == "3")
    #expect(record.header("assist_original_offset") == "42")
    #expect(record.header("assist_original_timestamp") == "1709600000000")
    #expect(record.header("assist_first_seen") == noon.description)
    #expect(record.header("assist_attempts") == "1")
    // Requeued with its headers, it fails again a day later.
    sent.headers = record.headers.map { ($0.name, String(decoding: $0.value, as: UTF8.self)) }
    let second = try intake.feed(sent, now: noon.adding(days: 1))
    guard case .rejected(_, _, let again) = second else { throw Unexpected() }
    #expect(again.header("assist_first_seen") == noon.description)
    #expect(again.header("assist_attempts") == "2")
    #expect(again.headers.count == record.headers.count)
    // Without a clock, the record's own timestamp.
    let cold = try intake.feed(Sent("department.notices", value: nil), now: .distantPast)
    guard case .rejected(_, _, let early) = cold else { throw Unexpected() }
    #expect(early.header("assist_first_seen") == "2024-03-05T08:53:20+08:00")
  }

  @Test func messagesHoldNoValues() throws {
    for fault in Self.identities + Self.dates + Self.amounts + Self.shapes {
      let outcome = try intake.feed(
        Sent(fault.topic, json: structured(fault.type, fault.data)))
      guard case .rejected(_, let path, let record) = outcome else { throw Unexpected() }
      let message = try #require(record.header("assist_error_message"))
      #expect(!message.isEmpty)
      for secret in [Someone.adult, Someone.elder, "310101190001010010", "张三", "e-1"] {
        #expect(!message.contains(secret))
        #expect(!path.contains(secret))
      }
    }
  }
}
