import Vocabulary

/// What usually happens together. Dates are drawn, so that a story's parts meet in any order.
extension HistoryMaker {
  mutating func tellStory() {
    switch random.below(15) {
    case 0: deathInAid()
    case 1: childAlone()
    case 2: parentReturns()
    case 3: sentence()
    case 4: drugs()
    case 5: marriageAndBirth()
    case 6: move()
    case 7: work()
    case 8: refusals()
    case 9: illness()
    case 10: disability()
    case 11: carerLost()
    case 12: programme()
    case 13: signals()
    default: elderAlone()
    }
  }

  private mutating func aided(_ household: String = "HH-1", by day: Int? = nil) {
    let programme = random.pick(["dibao", "dibao", "tekun", "marginal"])
    let until = random.oneIn(2) ? #","until":"\#(date(span + random.below(60) - 20))""# : ""
    let tied = random.oneIn(3) ? #","tiedTo":"disability""# : ""
    decision(day ?? anyDay(), household, programme, "granted", until + tied)
  }

  private mutating func deathInAid() {
    let person = random.pick([cast.father, cast.mother, cast.grandmother])
    let day = anyDay()
    aided()
    notice("death", day, person)
    let paid = later(than: day, within: 20)
    notice("payment", paid, person, #","programme":"dibao","amount":"1510.00""#)
    business(later(than: day), person, random.pick(["临时救助申请", "死亡户口注销"]))
  }

  private mutating func childAlone() {
    for parent in [cast.father, cast.mother, cast.grandmother] {
      let day = anyDay()
      switch random.below(6) {
      case 0: notice("death", day, parent)
      case 1: state("custody", day, parent, "detained")
      case 2: state("drug-treatment", day, parent, "compulsory")
      case 3: state("illness", day, parent, "hospitalised")
      case 4: state("residence", day, parent, random.pick(["missing", "moved"]))
      default: state("guardian-status", day, parent, random.pick(["revoked", "declared-missing"]))
      }
    }
  }

  private mutating func parentReturns() {
    let day = anyDay()
    state("custody", day, cast.father, "imprisoned", #","termMonths":24"#)
    if random.oneIn(2) {
      notice("death", anyDay(), cast.mother)
    } else {
      state("guardian-status", anyDay(), cast.mother, "declared-dead")
    }
    let back = later(than: day)
    state("custody", back, cast.father, random.pick(["released", "community-correction"]))
    if random.oneIn(2) {
      add(
        "notice.guardianship", anyDay(),
        #"{"child":"\#(cast.child)","guardians":["\#(cast.uncle)"],"date":"\#(date(anyDay()))"}"#)
    }
  }

  private mutating func sentence() {
    let day = anyDay()
    aided()
    let release = date(later(than: day) + random.below(30))
    state("custody", day, cast.father, "imprisoned", #","expectedRelease":"\#(release)""#)
    if random.oneIn(2) { state("custody", later(than: day), cast.father, "released") }
  }

  private mutating func drugs() {
    let day = anyDay()
    aided()
    let end = date(later(than: day) + random.below(30))
    state("drug-treatment", day, cast.uncle, "compulsory", #","expectedEnd":"\#(end)""#)
    aided("HH-2")
    notice("finding", anyDay(), cast.uncle, #","kind":"drug","reference":"R-\#(random.below(9))""#)
    if random.oneIn(2) {
      state(
        "drug-treatment", later(than: day), cast.uncle, random.pick(["ended", "community"]))
    }
  }

  private mutating func marriageAndBirth() {
    aided()
    aided("HH-2")
    let pair = #""persons":["\#(cast.uncle)","\#(cast.aunt)"]"#
    let day = anyDay()
    add("notice.marriage", day, #"{\#(pair),"date":"\#(date(day))"}"#)
    let joins = later(than: day)
    compose("HH-2", asOf: joins, joins)
    let parted = anyDay()
    let custody = random.oneIn(2)
      ? #","custody":[{"child":"\#(cast.child)","guardian":"\#(cast.mother)"}]"# : ""
    add(
      "notice.divorce", parted,
      #"{"persons":["\#(cast.father)","\#(cast.mother)"],"date":"\#(date(parted))"\#(custody)}"#)
    let born = anyDay()
    let baby = Cast.citizen(start.adding(days: born), 90)
    add(
      "notice.birth", born,
      #"{"child":"\#(baby)","date":"\#(date(born))","parents":["\#(cast.mother)","\#(cast.father)"]}"#)
  }

  private mutating func move() {
    aided()
    let day = anyDay()
    let to = random.pick(Cast.subdistricts)
    let mover = random.pick([cast.father, cast.mother, cast.grandmother])
    state("residence", day, mover, "moved", #","subdistrict":"\#(to)""#)
    if random.oneIn(2) {
      let at = later(than: day)
      compose("HH-1", asOf: day, at)
    }
    state("residence", anyDay(), cast.aunt, random.pick(["permit-lapsed", "permit-issued"]))
    decision(anyDay(), "HH-2", random.pick(["temporary", "dibao"]), "granted")
  }

  private mutating func work() {
    let worker = random.pick([cast.father, cast.mother])
    if random.below(3) > 0 { aided() }
    let day = anyDay()
    let until = date(later(than: day) + random.below(40))
    state("employment", day, worker, "lost", #","benefitUntil":"\#(until)""#)
    let other = worker == cast.father ? cast.mother : cast.father
    state("employment", anyDay(), other, random.pick(["lost", "employed"]))
    if random.oneIn(2) { state("employment", later(than: day), worker, "employed") }
    for person in [worker, other] {
      let month = start.adding(days: 0).description.prefix(7)
      let amount = random.pick(["0.00", "2000.00", "9000.00"])
      add(
        "notice.income", anyDay(),
        #"{"person":"\#(person)","month":"\#(month)","amount":"\#(amount)"}"#)
    }
  }

  private mutating func refusals() {
    decision(1, "HH-1", "dibao", "granted")
    for _ in 0..<(3 + random.below(2)) {
      let reason = random.oneIn(6) ? "" : #","suitable":true,"goodReason":false"#
      state("job-offer", anyDay(), cast.father, random.oneIn(6) ? "accepted" : "refused", reason)
    }
    let asked = #","inquiry":{"asked":true,"insured":false,"monthsWithoutIncome":4}"#
    business(anyDay(), random.pick([cast.newcomer, cast.aunt]), "居住证办理", line: "ps", asked)
  }

  private mutating func illness() {
    let patient = random.pick([cast.mother, cast.grandmother, cast.newcomer])
    if random.oneIn(2) { decision(anyDay(), "HH-1", "marginal", "granted") }
    let day = anyDay()
    state("illness", day, patient, "serious")
    notice(
      "medical-expense", anyDay(), patient, #","selfPaid":"\#(random.pick(["800.00", "60000.00"]))""#)
    notice("medical-expense", anyDay(), patient, #","selfPaid":"30000.00""#)
    if random.oneIn(3) { state("illness", later(than: day), patient, "ended") }
    let month = start.description.prefix(7)
    for earner in [cast.father, cast.mother] where random.oneIn(2) {
      add(
        "notice.income", anyDay(), #"{"person":"\#(earner)","month":"\#(month)","amount":"3000.00"}"#)
    }
    let struck = anyDay()
    add(
      "notice.emergency", struck,
      #"{"kind":"fire","date":"\#(date(struck))","persons":["\#(cast.mother)","\#(cast.uncle)"]}"#)
  }

  private mutating func disability() {
    let day = anyDay()
    let kind = #","category":\#(1 + random.below(7)),"grade":\#(1 + random.below(4))"#
    aided()
    state("disability", day, cast.mother, "issued", kind)
    state(
      "disability", later(than: day), cast.mother, random.pick(["changed", "cancelled", "expired"]),
      #","category":4,"grade":\#(1 + random.below(3))"#)
  }

  private mutating func carerLost() {
    add(
      "report.visit", 1,
      #"{"about":{"id":"\#(cast.grandmother)"},"difficulties":["care"],"selfCare":"none","#
        + #""date":"\#(date(1))"}"#)
    for person in [cast.father, cast.mother] {
      let day = anyDay()
      if random.oneIn(2) {
        state("custody", day, person, "detained")
      } else {
        state("illness", day, person, "hospitalised")
      }
    }
  }

  private mutating func programme() {
    let household = random.pick(Cast.households)
    let name = random.pick(["dibao", "marginal", "rigid-expense", "temporary"])
    let day = anyDay()
    decision(
      day, household, name, "granted", #","until":"\#(date(span + random.below(50) - 25))""#)
    decision(later(than: day), household, name, random.pick(["exited", "exited", "renewed"]))
    decision(anyDay(), household, random.pick(["dibao", "medical"]), "rejected")
    if random.oneIn(3) { decision(anyDay(), household, "dibao", "applied") }
    let visited = anyDay()
    add(
      "report.visit", visited,
      #"{"about":{"household":"\#(household)"},"difficulties":["illness","housing","care"],"#
        + #""date":"\#(date(visited))"}"#)
  }

  private mutating func signals() {
    let person = random.pick([cast.uncle, cast.father, cast.newcomer, cast.elder])
    for _ in 0..<(2 + random.below(3)) {
      business(anyDay(), person, random.pick(["临时救助申请", "城乡居民最低生活保障申请", "低收入困难家庭证明开具"]))
    }
    let day = anyDay()
    let about = random.pick([
      #"{"id":"\#(person)"}"#, #"{"household":"HH-2"}"#, #"{"address":"测试路HH-3号"}"#,
    ])
    add(
      "report.\(random.pick(["hotline", "tip"]))", day,
      #"{"about":\#(about),"difficulties":["income"],"date":"\#(date(day))","urgent":true}"#)
  }

  private mutating func elderAlone() {
    if random.oneIn(2) { aided("HH-3") }
    let day = anyDay()
    switch random.below(3) {
    case 0: notice("death", day, cast.helper)
    case 1: state("residence", day, cast.helper, "moved", #","subdistrict":"310104003""#)
    default: compose("HH-3", asOf: day, day)
    }
    if random.oneIn(2) { compose("HH-1", asOf: anyDay(), anyDay()) }
  }

  // MARK: Noise

  mutating func addNoise() {
    let person = random.oneIn(8) ? cast.newcomer : random.pick(cast.people).id
    let day = anyDay()
    switch random.below(12) {
    case 0: notice("death", day, person)
    case 1: state("custody", day, person, random.pick(["detained", "imprisoned", "released"]))
    case 2: state("illness", day, person, random.pick(["hospitalised", "discharged", "serious"]))
    case 3: state("residence", day, person, random.pick(["missing", "found", "moved"]))
    case 4: compose(random.pick(Cast.households), asOf: anyDay(), day)
    case 5: state("drug-treatment", day, person, random.pick(["compulsory", "ended"]))
    case 6: business(day, person, "临时救助申请", #","agent":{"id":"\#(random.pick(cast.people).id)"}"#)
    case 7:
      decision(day, random.pick(Cast.households), random.pick(["dibao", "temporary", "housing"]),
        random.pick(["granted", "exited", "suspended", "renewed"]))
    case 8: state("employment", day, person, random.pick(["lost", "employed", "benefit-ended"]))
    case 9:
      let other = random.pick(cast.people).id
      guard other != person else { return }
      add(
        "notice.marriage", day, #"{"persons":["\#(person)","\#(other)"],"date":"\#(date(day))"}"#)
    case 10:
      add(
        "report.hotline", day,
        #"{"about":{"id":"\#(person)"},"difficulties":["income"],"date":"\#(date(day))"}"#)
    default:
      // The same id from another source is another event.
      let target = random.pick(events).event
      guard target.supersedes == nil, target.type != "notice.retracted" else { return }
      add(target.type, day, target.data)
      events[events.count - 1].event.id = target.id
      events[events.count - 1].event.source = "urn:test:other:\(events.count)"
    }
  }
}
