import Vocabulary

/// Family names; with 某 and a stem as given name nobody can be mistaken for a real person.
let surnames: [[UInt8]] =
  "王李张刘陈杨赵黄周吴徐孙胡朱高林何郭马罗梁宋郑谢韩唐冯于董萧程曹袁邓许傅沈曾彭吕苏卢蒋蔡贾丁魏薛叶阎"
  .map { Array(String($0).utf8) }
let givenNames: [[UInt8]] = "甲乙丙丁戊己庚辛壬癸子丑寅卯辰巳午未申酉戌亥"
  .map { Array(("某" + String($0)).utf8) }

/// Writes plans as CloudEvents: the envelope here, the data of each type in the other file.
struct Scribe {
  let mode: ContentMode
  /// Prefix of all ids: the seed in base 36 and a dash.
  private let prefix: [UInt8]
  private let base: Int32
  /// `yyyymmdd` of each day from `Population.epoch`.
  private let calendar: [UInt32]
  let streetCodes: [Int]
  let streetNames: [[UInt8]]
  let items: ItemChoice

  init(options: CityOptions, mode: ContentMode, items: ItemChoice) {
    self.items = items
    self.mode = mode
    prefix = Array((String(options.seed, radix: 36) + "-").utf8)
    base = options.start.dayNumber
    calendar = (0..<75_000).map { day in
      let (y, m, d) = CivilDate(dayNumber: Population.epoch + Int32(day)).components
      return UInt32(y * 10_000 + m * 100 + d)
    }
    let streets = Places(households: 1).streets
    streetCodes = streets.map(\.code)
    streetNames = streets.map { Array($0.name.utf8) }
  }

  // MARK: Envelope

  /// Writes one record. Structured values end without a line feed.
  func write(_ plan: Plan, _ life: Life, into buffer: inout EventBuffer) {
    buffer.clear()
    buffer.type = plan.type
    buffer.topic = topic(plan)
    buffer.defect = plan.defect
    buffer.note = plan.note
    buffer.instant = instant(plan.arrival)
    buffer.hasValue = plan.defect != .nullValue
    key(plan, &buffer.key)
    switch mode {
    case .structured: structured(plan, life, &buffer)
    case .binary: binary(plan, life, &buffer)
    }
    if plan.defect == .brokenJSON { breakOff(&buffer.value) }
    if plan.defect == .nullValue { buffer.value.removeAll() }
  }

  private func structured(_ plan: Plan, _ life: Life, _ buffer: inout EventBuffer) {
    buffer.value.add("{\"specversion\":\"1.0\",\"id\":\"")
    id(plan.number, &buffer.value)
    if plan.defect != .missingAttribute {
      buffer.value.add("\",\"source\":\"")
      buffer.value.add(plan.source.text)
    }
    buffer.value.add("\",\"type\":\"cn.gov.sh.assist.")
    buffer.value.add(plan.defect == .unknownType ? "notice.unheard-of" : plan.type.nameText)
    buffer.value.add("\",\"time\":\"")
    time(plan.defect == .timeInFuture ? plan.recorded + 3 * 86_400 : plan.occurred, &buffer.value)
    buffer.value.add("\",\"recordedtime\":\"")
    time(plan.recorded, &buffer.value)
    if plan.linked != 0, plan.type != .window {
      buffer.value.add("\",\"supersedes\":\"")
      id(plan.linked, &buffer.value)
    }
    if plan.type.isRestricted { buffer.value.add("\",\"dataclassification\":\"restricted") }
    buffer.value.add("\",\"datacontenttype\":\"application/json\",\"data\":")
    data(plan, life, &buffer.value)
    buffer.value.byte(0x7D)
    buffer.headerBytes.add("application/cloudevents+json")
    buffer.headerEnds.append(("content-type", buffer.headerBytes.count))
  }

  private func binary(_ plan: Plan, _ life: Life, _ buffer: inout EventBuffer) {
    func header(_ name: StaticString, _ buffer: inout EventBuffer) {
      buffer.headerEnds.append((name, buffer.headerBytes.count))
    }
    buffer.headerBytes.add("1.0")
    header("ce_specversion", &buffer)
    id(plan.number, &buffer.headerBytes)
    header("ce_id", &buffer)
    if plan.defect != .missingAttribute {
      buffer.headerBytes.add(plan.source.text)
      header("ce_source", &buffer)
    }
    buffer.headerBytes.add("cn.gov.sh.assist.")
    buffer.headerBytes.add(plan.defect == .unknownType ? "notice.unheard-of" : plan.type.nameText)
    header("ce_type", &buffer)
    time(
      plan.defect == .timeInFuture ? plan.recorded + 3 * 86_400 : plan.occurred,
      &buffer.headerBytes)
    header("ce_time", &buffer)
    time(plan.recorded, &buffer.headerBytes)
    header("ce_recordedtime", &buffer)
    if plan.linked != 0, plan.type != .window {
      id(plan.linked, &buffer.headerBytes)
      header("ce_supersedes", &buffer)
    }
    if plan.type.isRestricted {
      buffer.headerBytes.add("restricted")
      header("ce_dataclassification", &buffer)
    }
    buffer.headerBytes.add("application/json")
    header("content-type", &buffer)
    data(plan, life, &buffer.value)
  }

  private func topic(_ plan: Plan) -> CityTopic {
    guard plan.type == .retracted else { return plan.type.topic }
    return CityEventType(rawValue: plan.detail)?.topic ?? .departmentNotices
  }

  private func key(_ plan: Plan, _ text: inout ByteText) {
    let ofHousehold = plan.type == .composition || plan.type == .decision
    text.byte(ofHousehold ? 0x68 : 0x70)
    text.digits(Int(plan.type == .retracted ? plan.b : plan.a), 10)
  }

  /// Cuts the value behind a colon in its second half, so that what is left is text but not JSON.
  private func breakOff(_ text: inout ByteText) {
    var at = text.count * 3 / 4
    while at > 1, text[at - 1] != 0x3A { at -= 1 }
    text.truncate(to: at)
  }

  // MARK: Words

  func id(_ number: UInt32, _ text: inout ByteText) {
    text.add(prefix)
    text.decimal(Int(number))
  }

  func instant(_ seconds: Int32) -> Instant {
    Instant(startOf: CivilDate(dayNumber: base)).adding(seconds: Int64(seconds))
  }

  func time(_ seconds: Int32, _ text: inout ByteText) {
    let day = seconds >= 0 ? seconds / 86_400 : (seconds - 86_399) / 86_400
    let ofDay = Int(seconds - day * 86_400)
    date(base + day, &text)
    text.byte(0x54)
    text.digits(ofDay / 3600, 2)
    text.byte(0x3A)
    text.digits(ofDay / 60 % 60, 2)
    text.byte(0x3A)
    text.digits(ofDay % 60, 2)
    text.add("+08:00")
  }

  private func yyyymmdd(_ dayNumber: Int32) -> Int {
    Int(calendar[min(max(0, Int(dayNumber - Population.epoch)), calendar.count - 1)])
  }

  func date(_ dayNumber: Int32, _ text: inout ByteText) {
    let number = yyyymmdd(dayNumber)
    text.digits(number / 10_000, 4)
    text.byte(0x2D)
    text.digits(number / 100 % 100, 2)
    text.byte(0x2D)
    text.digits(number % 100, 2)
  }

  /// The 18 characters of a citizen id, or what a defect makes of them.
  func citizen(
    _ person: UInt32, _ life: Life, _ text: inout ByteText, defect: Defect = .none
  ) {
    let p = life.city.people[Int(person)]
    let start = text.count
    text.digits(Population.firstRegion + Int(p.region), 6)
    text.digits(Int(calendar[min(Int(p.birth), calendar.count - 1)]), 8)
    text.digits(Int(p.sequence), 3)
    if defect == .fifteenDigits {
      let short = Int(calendar[Int(p.birth)]) % 1_000_000
      text.truncate(to: start + 6)
      text.digits(short, 6)
      text.digits(Int(p.sequence), 3)
      return
    }
    var sum = 0
    var weight = 1
    // Weights are powers of 2 modulo 11, counted from the check character.
    for at in stride(from: start + 16, through: start, by: -1) {
      weight = weight * 2 % 11
      sum += Int(text[at] &- 0x30) * weight
    }
    let check = (12 - sum % 11) % 11
    let shown = defect == .wrongCheck ? (check + 1) % 10 : check
    text.byte(shown == 10 ? 0x58 : 0x30 + UInt8(shown))
  }

  func name(_ person: UInt32, _ life: Life, _ text: inout ByteText) {
    let p = life.city.people[Int(person)]
    text.add(surnames[Int(p.surname)])
    text.add(givenNames[Int(p.given)])
  }

  /// Numbers beginning with 100 are not assigned to mobile phones.
  func phone(_ person: UInt32, _ text: inout ByteText) {
    text.add("100")
    text.digits(Int(SeededRandom.mix(UInt64(person)) % 100_000_000), 8)
  }

  func household(_ household: UInt32, _ text: inout ByteText) {
    text.add("SH-")
    text.digits(Int(household) + 1, 8)
  }

  func yuan(_ fen: Int32, _ text: inout ByteText) {
    text.decimal(Int(fen / 100))
    text.byte(0x2E)
    text.digits(Int(fen % 100), 2)
  }

  func committee(_ place: Place, _ text: inout ByteText) {
    text.digits(streetCodes[place.street], 9)
    text.digits(place.committee, 3)
  }

  /// `"subdistrict":…,"committee":…`
  func residence(_ place: Place, _ text: inout ByteText) {
    text.add("\"subdistrict\":\"")
    text.digits(streetCodes[place.street], 9)
    text.add("\",\"committee\":\"")
    committee(place, &text)
    text.byte(0x22)
  }

  /// An address that no other household has, as it follows from the two numbers.
  func address(_ household: UInt32, _ place: Place, _ text: inout ByteText) {
    let number = Int(household)
    text.add(streetNames[place.street])
    text.decimal(place.committee)
    text.add("居测试路")
    text.decimal(number / 240 + 1)
    text.add("弄")
    text.decimal(number / 24 % 10 + 1)
    text.add("号")
    text.decimal((number / 4 % 6 + 1) * 100 + number % 4 + 1)
    text.add("室")
  }
}
