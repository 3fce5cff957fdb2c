import Vocabulary

/// What had to come of an earlier event, on the day it comes.
extension Life {
  func settle(_ fate: Fate, _ day: Int) {
    if fate.kind == .idle {
      city.households[Int(fate.person)].flags.remove(.busy)
      return
    }
    let person = fate.person
    guard !city.people[Int(person)].isDead else { return }
    let state = city.people[Int(person)].state
    let time = at(day, random.within(9...16))
    switch fate.kind {
    case .release:
      guard state.contains(.imprisoned) else { return }
      release(person, day, at: time)
    case .custodyDecision:
      guard state.contains(.detained) else { return }
      judge(person, day, at: time)
    case .treatmentEnd:
      guard state.contains(.compulsory) else { return }
      treat(day, Drug.ended, person)
    case .benefitEnd:
      guard state.contains(.benefit) else { return }
      clear(person, .benefit)
      post(
        Plan(.employment, .employment, person, state: Work.benefitEnded, date: date(day)),
        at: time, .night)
    case .discharge:
      guard state.contains(.hospital) else { return }
      clear(person, .hospital)
      post(
        Plan(.illness, .hospital, person, state: Illness.discharged, date: date(day)),
        at: time, .hours)
      if random.below(3) == 0 { spend(person, fen: random.within(100_000...4_000_000), at: time) }
    case .found:
      guard state.contains(.missing) else { return }
      clear(person, .missing)
      post(Plan(.residence, .police, person, state: Residence.found, date: date(day)), at: time)
    case .verdict: answer(person, Programme(rawValue: UInt8(fate.other)) ?? .dibao, at: time)
    case .newHome: moveTogether(person, fate.other, day, at: time)
    case .freed: clear(person, [.imprisoned, .compulsory])
    case .idle: break
    case .deregistration:
      guard state.isDisjoint(with: .away) else { return }
      transact(person, item: items.deregistration, at: openingTime(day))
    }
  }

  /// Notice of release: dated ahead where it is sent before.
  private func release(_ person: UInt32, _ day: Int, at time: Int32) {
    let ahead = random.below(10) < 7 ? random.within(10...30) : 0
    var plan = Plan(.custody, .prison, person, state: Custody.released, date: 0)
    plan.x = date(day) + Int32(ahead)
    post(plan, at: time, .hours)
    // Free from the day itself: until then nobody acts for him.
    if ahead == 0 {
      clear(person, .imprisoned)
    } else {
      foretell(Fate(kind: .freed, person: person), on: day + ahead)
    }
  }

  private func judge(_ person: UInt32, _ day: Int, at time: Int32) {
    clear(person, .detained)
    switch random.below(100) {
    case 0..<60: imprison(person, months: random.within(3...60), day, at: time)
    case 60..<75:
      set(person, .supervised)
      var plan = Plan(.custody, .court, person, state: Custody.correction, date: date(day))
      plan.y = Int32(random.within(6...24))
      post(plan, at: time, .hours)
    default:
      post(Plan(.custody, .police, person, state: Custody.released, date: date(day)), at: time)
    }
  }

  /// The decision on an application.
  private func answer(_ person: UInt32, _ programme: Programme, at time: Int32) {
    let household = city.people[Int(person)].household
    guard city.households[Int(household)].flags.contains(.applied) else { return }
    if random.below(10) < 6 {
      decide(household, applicant: person, .granted, programme: programme, at: time)
    } else {
      let reasons = [
        Reason.incomeAbove, Reason.incomeAbove, Reason.assetsAbove, Reason.notCooperating,
        Reason.fraud, Reason.other,
      ]
      decide(
        household, applicant: person, .rejected, programme: programme,
        reason: reasons[random.below(reasons.count)], at: time)
    }
  }
}
