/// The `data` of each event type (the fields and their order are those of the contract).
extension Scribe {
  func data(_ plan: Plan, _ life: Life, _ text: inout ByteText) {
    switch plan.type {
    case .window: window(plan, life, &text)
    case .composition: composition(plan, life, &text)
    case .decision: decision(plan, life, &text)
    case .visit, .tip, .hotline: report(plan, life, &text)
    case .death: notice(plan, life, &text, words: [])
    case .custody: custody(plan, life, &text)
    case .drugTreatment:
      notice(plan, life, &text, words: drugWords)
      optional(date: plan.y, "expectedEnd", &text)
    case .employment: employment(plan, life, &text)
    case .jobOffer:
      notice(plan, life, &text, words: offerWords)
      flag("suitable", plan.y & 1 != 0, &text)
      flag("goodReason", plan.y & 2 != 0, &text)
    case .disability: disability(plan, life, &text)
    case .illness: notice(plan, life, &text, words: illnessWords)
    case .medicalExpense:
      notice(plan, life, &text, words: [])
      money("selfPaid", plan, &text)
    case .income: income(plan, life, &text)
    case .residence: moved(plan, life, &text)
    case .guardianStatus: guardianStatus(plan, life, &text)
    case .finding:
      notice(plan, life, &text, words: findingWords, field: "kind")
      text.add(",\"reference\":\"F-")
      text.decimal(Int(plan.number))
      text.byte(0x22)
    case .payment:
      notice(plan, life, &text, words: programmeWords, field: "programme")
      money("amount", plan, &text)
    case .marriage, .divorce, .birth, .guardianship, .emergency: persons(plan, life, &text)
    case .retracted: retracted(plan, &text)
    case .accepted, .started, .visited, .completed, .declined, .reassigned:
      feedback(plan, &text)
    }
    text.byte(0x7D)
  }

  // MARK: Pieces

  /// `{"person":…,"state":…,"date":…`
  private func notice(
    _ plan: Plan, _ life: Life, _ text: inout ByteText, words: [StaticString],
    field: StaticString = "state"
  ) {
    text.add("{\"person\":\"")
    citizen(plan.a, life, &text)
    if !words.isEmpty {
      text.add("\",\"")
      text.add(field)
      text.add("\":\"")
      text.add(words[min(Int(plan.state), words.count - 1)])
    }
    text.add("\",\"date\":\"")
    if plan.defect == .impossibleDate { text.add("2025-02-30") } else { date(plan.x, &text) }
    text.byte(0x22)
  }

  private func optional(date day: Int32, _ field: StaticString, _ text: inout ByteText) {
    guard day != 0 else { return }
    text.add(",\"")
    text.add(field)
    text.add("\":\"")
    date(day, &text)
    text.byte(0x22)
  }

  private func flag(_ field: StaticString, _ value: Bool, _ text: inout ByteText) {
    text.add(",\"")
    text.add(field)
    text.add(value ? "\":true" : "\":false")
  }

  /// `,"<field>":"123.45"` of `plan.y` fen; every fourth record writes a JSON number.
  private func money(_ field: StaticString, _ plan: Plan, _ text: inout ByteText) {
    text.add(",\"")
    text.add(field)
    text.add("\":")
    if plan.defect == .malformedMoney {
      text.add("\"12e3\"")
    } else if plan.number % 4 == 0 {
      yuan(plan.y, &text)
    } else {
      text.byte(0x22)
      yuan(plan.y, &text)
      text.byte(0x22)
    }
  }

  private func field(
    _ name: StaticString, citizen person: UInt32, _ life: Life,
    _ text: inout ByteText
  ) {
    text.add(",\"")
    text.add(name)
    text.add("\":\"")
    citizen(person, life, &text)
    text.byte(0x22)
  }

  /// `["…","…"]` of those who are somebody.
  private func list(_ people: [UInt32], _ life: Life, _ text: inout ByteText) {
    text.byte(0x5B)
    var first = true
    for person in people where person != Population.nobody {
      text.add(first ? "\"" : ",\"")
      first = false
      citizen(person, life, &text)
      text.byte(0x22)
    }
    text.byte(0x5D)
  }

  func difficulties(_ mask: Int, _ text: inout ByteText) {
    text.byte(0x5B)
    var first = true
    for (bit, word) in difficultyWords.enumerated() where mask >> bit & 1 != 0 {
      text.add(first ? "\"" : ",\"")
      first = false
      text.add(word)
      text.byte(0x22)
    }
    text.byte(0x5D)
  }

  // MARK: Notices

  private func custody(_ plan: Plan, _ life: Life, _ text: inout ByteText) {
    notice(plan, life, &text, words: custodyWords)
    guard plan.y > 0 else { return }
    text.add(",\"termMonths\":")
    text.decimal(Int(plan.y))
    text.add(",\"expectedRelease\":\"")
    date(Terms.end(of: plan.x, months: Int(plan.y)), &text)
    text.byte(0x22)
  }

  private func employment(_ plan: Plan, _ life: Life, _ text: inout ByteText) {
    notice(plan, life, &text, words: employmentWords)
    optional(date: plan.y, "benefitUntil", &text)
    if plan.detail != 0 { flag("insured", plan.detail == 1, &text) }
  }

  private func disability(_ plan: Plan, _ life: Life, _ text: inout ByteText) {
    notice(plan, life, &text, words: disabilityWords)
    text.add(",\"category\":")
    text.decimal(Int(plan.y >> 4))
    text.add(",\"grade\":")
    text.decimal(Int(plan.y & 15))
    if plan.state <= Certificate.changed {
      optional(date: Terms.end(of: plan.x, months: 120), "until", &text)
    }
  }

  private func income(_ plan: Plan, _ life: Life, _ text: inout ByteText) {
    text.add("{\"person\":\"")
    citizen(plan.a, life, &text)
    text.add("\",\"month\":\"")
    date(plan.x, &text)
    text.truncate(to: text.count - 3)
    text.byte(0x22)
    money("amount", plan, &text)
  }

  private func moved(_ plan: Plan, _ life: Life, _ text: inout ByteText) {
    notice(plan, life, &text, words: residenceWords)
    guard plan.state == Residence.moved else { return }
    text.byte(0x2C)
    let place = Place(packed: plan.y)
    residence(place, &text)
    text.add(",\"address\":\"")
    address(plan.b, place, &text)
    text.byte(0x22)
  }

  private func guardianStatus(_ plan: Plan, _ life: Life, _ text: inout ByteText) {
    notice(plan, life, &text, words: guardianWords)
    if plan.b != Population.nobody { field("child", citizen: plan.b, life, &text) }
    optional(date: plan.y, "expectedEnd", &text)
  }

  /// The notices about several people; `y` is one more of them.
  private func persons(_ plan: Plan, _ life: Life, _ text: inout ByteText) {
    let third = plan.y > 0 ? UInt32(plan.y - 1) : Population.nobody
    switch plan.type {
    case .birth:
      text.add("{\"child\":\"")
      citizen(plan.a, life, &text)
      text.add("\",\"parents\":")
      list([plan.b, third], life, &text)
    case .guardianship:
      text.add("{\"child\":\"")
      citizen(plan.a, life, &text)
      text.add("\",\"guardians\":")
      list([plan.b, third], life, &text)
    case .emergency:
      text.add("{\"kind\":\"")
      text.add(emergencyWords[min(Int(plan.state), emergencyWords.count - 1)])
      text.add("\",\"persons\":")
      list([plan.a, plan.b, third], life, &text)
    default:
      text.add("{\"persons\":")
      list([plan.a, plan.b], life, &text)
    }
    text.add(",\"date\":\"")
    date(plan.x, &text)
    text.byte(0x22)
    guard plan.type == .divorce, third != Population.nobody else { return }
    text.add(",\"custody\":[{\"child\":\"")
    citizen(third, life, &text)
    text.add("\",\"guardian\":\"")
    citizen(plan.detail == 0 ? plan.a : plan.b, life, &text)
    text.add("\"}]")
  }

  private func retracted(_ plan: Plan, _ text: inout ByteText) {
    text.add("{\"retracts\":\"")
    id(plan.a, &text)
    text.add("\",\"reason\":\"")
    text.add(plan.state == 0 ? "登记有误" : plan.state == 1 ? "身份重名误报" : "重复上报")
    text.byte(0x22)
  }

  /// Feedback of the defect `unknownReferral` alone.
  private func feedback(_ plan: Plan, _ text: inout ByteText) {
    text.add("{\"referral\":\"R-")
    for shift in 0..<26 {
      let bits = SeededRandom.mix(UInt64(plan.number) &+ UInt64(shift) << 32) & 31
      text.byte(bits < 26 ? 0x61 + UInt8(bits) : 0x32 + UInt8(bits - 26))
    }
    text.add("\",\"by\":\"ADV-UNKNOWN\",\"date\":\"")
    date(plan.x, &text)
    text.byte(0x22)
  }

  // MARK: Decisions and reports

  private func decision(_ plan: Plan, _ life: Life, _ text: inout ByteText) {
    text.add("{\"household\":\"")
    household(plan.a, &text)
    text.add("\",\"applicant\":\"")
    citizen(plan.b, life, &text)
    text.add("\",\"programme\":\"")
    let programme = Int(plan.detail & 15)
    text.add(programmeWords[min(programme, programmeWords.count - 1)])
    text.add("\",\"state\":\"")
    let state = Int(plan.state & 15)
    text.add(decisionWords[min(state, decisionWords.count - 1)])
    text.add("\",\"date\":\"")
    date(plan.x, &text)
    text.byte(0x22)
    if state == Verdict.rejected || state == Verdict.exited || state == Verdict.suspended {
      text.add(",\"reason\":\"")
      text.add(reasonWords[min(Int(plan.state >> 4), reasonWords.count - 1)])
      text.byte(0x22)
    }
    guard state == Verdict.granted || state == Verdict.renewed else { return }
    optional(date: plan.y, "until", &text)
    text.add(",\"monthlyAmount\":\"")
    text.decimal(300 + Int(SeededRandom.mix(UInt64(plan.a)) % 1300))
    text.byte(0x22)
    if plan.detail & 16 != 0 { text.add(",\"tiedTo\":\"disability\"") }
  }

  private func report(_ plan: Plan, _ life: Life, _ text: inout ByteText) {
    text.add("{\"about\":{\"")
    switch plan.detail & 3 {
    case 1:
      text.add("household\":\"")
      household(plan.b, &text)
    case 2:
      text.add("address\":\"")
      address(plan.b, Place(packed: plan.y >> 13), &text)
    default:
      text.add("id\":\"")
      citizen(plan.a, life, &text)
    }
    text.add("\"},\"difficulties\":")
    difficulties(Int(plan.y & 0x1FFF), &text)
    text.add(",\"date\":\"")
    date(plan.x, &text)
    text.byte(0x22)
    if plan.detail & 4 != 0 { text.add(",\"urgent\":true") }
    switch plan.type {
    case .visit:
      text.add(",\"reporter\":{\"role\":\"advisor\"},\"text\":\"入户走访记录(模拟)\"")
    case .tip:
      text.add(",\"reporter\":{\"role\":\"neighbour\"},\"text\":\"邻里反映情况(模拟)\"")
    default:
      text.add(
        plan.source == .petitions
          ? ",\"channel\":\"petition\",\"topic\":\"救助来信\""
          : ",\"channel\":\"hotline\",\"topic\":\"生活救助\"")
    }
    guard plan.state > 0 else { return }
    text.add(",\"selfCare\":\"")
    text.add(careWords[min(Int(plan.state) - 1, 2)])
    text.byte(0x22)
  }

  // MARK: Households

  private func composition(_ plan: Plan, _ life: Life, _ text: inout ByteText) {
    let home = life.city.households[Int(plan.a)]
    let snapshot = plan.x >= 0 ? life.snapshots[Int(plan.x)] : nil
    let place = snapshot?.place ?? home.place
    let registered = snapshot?.hukouStreet ?? home.hukouStreet
    let members =
      snapshot?.members
      ?? (home.first..<home.first + UInt32(home.count)).map {
        Member(person: $0, relation: life.city.people[Int($0)].relation)
      }
    text.add("{\"household\":\"")
    household(plan.a, &text)
    text.add("\",\"subdistrict\":\"")
    text.digits(streetCodes[place.street], 9)
    text.add("\",\"members\":[")
    for (index, member) in members.enumerated() {
      if index > 0 { text.byte(0x2C) }
      self.member(member, of: members, plan, life, &text)
    }
    text.add("],\"asOf\":\"")
    date(plan.y, &text)
    text.add("\",\"committee\":\"")
    committee(place, &text)
    text.add("\",\"address\":\"")
    address(plan.a, place, &text)
    text.byte(0x22)
    if registered != Household.elsewhere {
      text.add(",\"hukouSubdistrict\":\"")
      text.digits(streetCodes[Int(registered)], 9)
      text.byte(0x22)
    }
  }

  private func member(
    _ member: Member, of members: [Member], _ plan: Plan, _ life: Life, _ text: inout ByteText
  ) {
    let p = life.city.people[Int(member.person)]
    text.add("{\"id\":\"")
    citizen(member.person, life, &text)
    text.add("\",\"relation\":\"")
    text.digits(Int(member.relation), 2)
    text.add("\",\"name\":\"")
    name(member.person, life, &text)
    text.add("\",\"hukou\":\"")
    text.digits(hukouCodes[Int(p.hukou)], 6)
    text.add(p.needsCare ? "\",\"selfCare\":\"none\"" : "\",\"selfCare\":\"full\"")
    if life.city.age(member.person, on: plan.y) < 18 {
      let known = guardians(of: member, in: members, life)
      if !known.isEmpty {
        text.add(",\"guardians\":")
        list(known, life, &text)
      }
    }
    text.byte(0x7D)
  }

  /// Parents elsewhere where they are known, else householder and spouse of seven in ten children.
  private func guardians(of member: Member, in members: [Member], _ life: Life) -> [UInt32] {
    if let (a, b) = life.city.guardians[member.person] { return [a, b] }
    guard (20...39).contains(member.relation), member.person % 10 < 7 else { return [] }
    return members.filter { $0.relation == 2 || $0.relation == 10 }.map(\.person)
  }

  // MARK: Windows

  private func window(_ plan: Plan, _ life: Life, _ text: inout ByteText) {
    let item = items.items[Int(plan.y & 0xFF)]
    let place = Place(packed: plan.x)
    text.add("{\"transactionId\":\"T")
    id(plan.linked, &text)
    text.add("\",\"centre\":\"")
    text.digits(streetCodes[place.street], 9)
    text.add("\",\"line\":\"")
    text.add(item.line)
    text.add("\",\"item\":\"")
    text.add(item.item)
    text.add("\",\"stage\":\"")
    if plan.defect == .unknownEnum {
      text.add("postponed")
    } else {
      text.add(stageWords[min(Int(plan.state), stageWords.count - 1)])
    }
    text.byte(0x22)
    if plan.defect != .missingField { applicant(plan, life, &text) }
    // Half of the transactions are sent by systems without codes.
    if plan.linked % 2 == 0 {
      text.add(",\"itemCode\":\"")
      text.add(item.code)
      text.byte(0x22)
    }
    if plan.state == Stage.rejected { text.add(",\"reason\":\"材料不齐\"") }
    if plan.b != Population.nobody {
      text.add(",\"agent\":{\"id\":\"")
      citizen(plan.b, life, &text)
      text.add("\"}")
    }
    text.add(",\"residence\":{")
    residence(place, &text)
    text.byte(0x7D)
    let luck = SeededRandom.mix(UInt64(plan.linked) &+ 0x5151)
    if plan.detail & 1 != 0 {
      text.add(",\"amounts\":{\"selfPaid\":\"")
      yuan(Int32(20_000 + luck % 900_000), &text)
      text.add("\"}")
    }
    if plan.detail & 2 != 0 { inquiry(plan, luck, &text) }
    if plan.defect == .oversized {
      text.add(",\"note\":\"")
      for _ in 0..<200_000 { text.add("oversized.") }
      text.byte(0x22)
    }
  }

  private func applicant(_ plan: Plan, _ life: Life, _ text: inout ByteText) {
    text.add(",\"applicant\":{\"id\":\"")
    citizen(plan.a, life, &text, defect: plan.defect)
    text.add("\",\"name\":\"")
    name(plan.a, life, &text)
    text.add("\",\"phone\":\"")
    phone(plan.a, &text)
    text.add("\"}")
  }

  /// What the clerk asked: detail bit 2 wants help, bit 3 without insurance and months without
  /// income; difficulties from bit 8 of `y`.
  private func inquiry(_ plan: Plan, _ luck: UInt64, _ text: inout ByteText) {
    let wantsHelp = plan.detail & 4 != 0
    text.add(",\"inquiry\":{\"asked\":true")
    flag("wantsHelp", wantsHelp, &text)
    text.add(",\"difficulties\":")
    difficulties(Int(plan.y >> 8 & 0x1FFF), &text)
    if wantsHelp {
      text.add(",\"monthlyIncomePerCapita\":\"")
      text.decimal(Int(luck >> 8 & 1023) + 200)
      text.byte(0x22)
    }
    if plan.detail & 8 != 0 {
      text.add(",\"insured\":false,\"monthsWithoutIncome\":")
      text.decimal(3 + Int(luck >> 20 & 3))
    }
    text.byte(0x7D)
  }
}
