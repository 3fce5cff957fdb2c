import Vocabulary

/// Health, homes, assistance and reports of a day.
extension Life {
  private func before(_ day: Int) -> Int32 {
    Int32((day - 1) * 86_400) + Int32(random.within(9 * 3600...17 * 3600))
  }

  func healthAndCare(_ day: Int) {
    repeatedly(Rates.disabilitiesIssued) {
      guard let person = self.someone(where: { _, p in p.disability == 0 }) else { return }
      self.certify(person, self.random.within(1...7) << 4 | self.random.within(1...4), day)
    }
    repeatedly(Rates.disabilitiesChanged) {
      guard let person = self.someone(1000, where: { _, p in p.disability != 0 }) else { return }
      let state = self.random.below(4)
      self.recertify(person, state == 0 ? Certificate.changed : state, day)
    }
    repeatedly(Rates.illnesses) {
      guard let person = self.someone(where: { _, p in !p.state.contains(.illness) }) else {
        return
      }
      self.sicken(person, at: self.before(day), .night)
    }
    repeatedly(Rates.hospitalStays) {
      guard
        let person = self.someone(where: { person, p in
          p.state.isDisjoint(with: .away) && self.isFree(p)
            && self.random.below(100) < max(20, self.age(person, day))
        })
      else { return }
      self.hospitalise(person, day, at: self.at(day, self.random.within(0...23)))
    }
    repeatedly(Rates.expenses) {
      guard let person = self.someone(where: { _, _ in true }) else { return }
      let luck = self.random.below(1000)
      self.spend(person, fen: 5_000 + luck * luck, at: self.before(day))
    }
    repeatedly(Rates.emergencies) {
      guard let person = self.someone(where: { _, p in self.isFree(p) }) else { return }
      self.strike(person, kind: self.random.below(4), at: self.at(day, self.random.below(24)))
    }
  }

  func certify(_ person: UInt32, _ disability: Int, _ day: Int) {
    let state = city.people[Int(person)].disability == 0 ? Certificate.issued : Certificate.changed
    city.people[Int(person)].disability = UInt8(disability)
    var plan = Plan(.disability, .federation, person, state: state, date: date(day) - 1)
    plan.y = Int32(disability)
    post(plan, at: before(day), .night)
  }

  /// A certificate gets worse, is cancelled, or expires.
  func recertify(_ person: UInt32, _ state: Int, _ day: Int) {
    let disability = Int(city.people[Int(person)].disability)
    var plan = Plan(.disability, .federation, person, state: state, date: date(day) - 1)
    if state == Certificate.changed {
      plan.y = Int32((disability & 0xF0) | max(1, (disability & 15) - 1))
      city.people[Int(person)].disability = UInt8(plan.y)
    } else {
      plan.y = Int32(disability)
      city.people[Int(person)].disability = 0
    }
    post(plan, at: before(day), .night)
  }

  func sicken(_ person: UInt32, at time: Int32, _ delay: Delay) {
    set(person, .illness)
    post(
      Plan(.illness, .insurance, person, state: Illness.serious, date: dated(time)),
      at: time, delay)
  }

  func hospitalise(_ person: UInt32, _ day: Int, at time: Int32) {
    set(person, .hospital)
    post(
      Plan(.illness, .hospital, person, state: Illness.hospitalised, date: dated(time)),
      at: time, .hours)
    foretell(Fate(kind: .discharge, person: person), on: day + random.within(2...20))
  }

  func spend(_ person: UInt32, fen: Int, at time: Int32) {
    var plan = Plan(.medicalExpense, .insurance, person, date: dated(time))
    plan.y = Int32(clamping: fen)
    post(plan, at: time, .night)
  }

  func strike(_ person: UInt32, kind: Int, at time: Int32) {
    let others = city.living(city.people[Int(person)].household).filter { $0.person != person }
    var plan = Plan(.emergency, .emergencyOffice, person, state: kind, date: dated(time))
    if kind == 0, let other = others.first { plan.b = other.person }
    if kind == 0, others.count > 1 { plan.y = Int32(bitPattern: others[1].person) + 1 }
    post(plan, at: time, .hours)
  }

  /// The day number of a second.
  func dated(_ time: Int32) -> Int32 {
    base + (time >= 0 ? time / 86_400 : (time - 86_399) / 86_400)
  }

  // MARK: Homes

  func homes(_ day: Int) {
    repeatedly(Rates.moves * 0.5) {
      guard let person = self.someone(where: { _, p in self.isFree(p) }) else { return }
      let household = self.city.people[Int(person)].household
      if self.random.below(10) < 6 {
        self.moveHousehold(household, day, at: self.before(day))
      } else {
        self.moveOut(person, day, at: self.before(day))
      }
    }
    repeatedly(Rates.permits) { self.permit(day, granted: true) }
    repeatedly(Rates.permitLapses) { self.permit(day, granted: false) }
    repeatedly(Rates.missing) {
      guard
        let person = self.someone(where: { _, p in
          p.state.isDisjoint(with: .away) && self.isFree(p)
        })
      else { return }
      self.set(person, .missing)
      let time = self.at(day, self.random.within(7...22))
      self.post(
        Plan(.residence, .police, person, state: Residence.missing, date: self.date(day)),
        at: time, .hours)
      self.foretell(Fate(kind: .found, person: person), on: day + self.random.within(1...30))
    }
    repeatedly(Rates.registryUpdates) {
      guard let person = self.someone(where: { _, p in self.isFree(p) }) else { return }
      self.postComposition(
        self.city.people[Int(person)].household, at: self.before(day), asOf: self.date(day) - 1,
        .night)
    }
  }

  private func permit(_ day: Int, granted: Bool) {
    guard
      let person = someone(where: { _, p in
        p.hukou >= firstElsewhere && p.state.contains(.permit) != granted
      })
    else { return }
    lapse(person, granted: granted, at: before(day))
  }

  func lapse(_ person: UInt32, granted: Bool, at time: Int32) {
    if granted { set(person, .permit) } else { clear(person, .permit) }
    let state = granted ? Residence.permitIssued : Residence.permitLapsed
    post(Plan(.residence, .police, person, state: state, date: dated(time)), at: time, .night)
  }

  /// Everyone at home moves to another committee; seven in ten households register there soon.
  func moveHousehold(_ household: UInt32, _ day: Int, at time: Int32, register: Bool? = nil) {
    let street = city.places.draw(&random)
    let place = Place(street: street, committee: city.places.drawCommittee(street, &random))
    guard place != city.households[Int(household)].place else { return }
    city.households[Int(household)].street = UInt8(place.street)
    city.households[Int(household)].committee = UInt8(place.committee)
    for member in city.living(household) where !isAway(member.person) {
      postMove(member.person, of: household, to: place, at: time)
    }
    guard register ?? (random.below(10) < 7) else { return }
    postComposition(household, at: time + 7200, asOf: dated(time), .hours)
  }

  private func postMove(_ person: UInt32, of household: UInt32, to place: Place, at time: Int32) {
    var plan = Plan(.residence, .police, person, state: Residence.moved, date: dated(time))
    plan.b = household
    plan.y = place.packed
    post(plan, at: time, .hours)
  }

  /// One adult leaves and founds a household; those who stay are named anew.
  func moveOut(_ person: UInt32, _ day: Int, at time: Int32) {
    let old = city.people[Int(person)].household
    let rest = city.members(old).filter { $0.person != person }
    let living = rest.filter { !city.people[Int($0.person)].isDead }
    guard age(person, day) >= 18, !isAway(person), !living.isEmpty else { return }
    let street = city.places.draw(&random)
    let fresh = UInt32(city.households.count)
    let place = Place(street: street, committee: city.places.drawCommittee(street, &random))
    city.households.append(
      Household(
        first: person, count: 1, street: UInt8(place.street), committee: UInt8(place.committee),
        hukouStreet: city.households[Int(old)].hukouStreet, programme: .none, flags: [], until: 0))
    postMove(person, of: fresh, to: place, at: time)
    city.setMembers([Member(person: person, relation: 2)], of: fresh)
    var left = rest
    if !left.contains(where: { $0.relation == 2 }) {
      left[0] = Member(person: left[0].person, relation: 2)
    }
    city.setMembers(left, of: old)
    guard random.below(10) < 7 else { return }
    postComposition(fresh, at: time + 5400, asOf: dated(time), .hours)
    postComposition(old, at: time + 7200, asOf: dated(time), .hours)
  }

  /// The spouse moves in after a marriage, with minor children of a lone parent.
  func moveTogether(_ a: UInt32, _ b: UInt32, _ day: Int, at time: Int32) {
    let home = city.people[Int(a)].household
    let old = city.people[Int(b)].household
    guard home != old, !city.people[Int(a)].isDead, !city.people[Int(b)].isDead else { return }
    let there = city.members(old)
    let isParent = there.first { $0.person == b }?.relation == 2
    let children = there.filter {
      isParent && (20...39).contains($0.relation) && age($0.person, day) < 18
    }
    var here = city.members(home)
    let head = city.people[Int(a)].relation == 2
    here.append(Member(person: b, relation: head ? 10 : city.people[Int(b)].isMale ? 28 : 38))
    for child in children {
      let male = city.people[Int(child.person)].isMale
      here.append(Member(person: child.person, relation: head ? (male ? 27 : 37) : 40))
    }
    guard here.count < 12 else { return }
    var left = there.filter { member in
      member.person != b && !children.contains { $0.person == member.person }
    }
    if !left.isEmpty, !left.contains(where: { $0.relation == 2 }) {
      left[0] = Member(person: left[0].person, relation: 2)
    }
    city.setMembers(left, of: old)
    city.setMembers(here, of: home)
    postComposition(home, at: time, asOf: dated(time), .hours)
    if !city.living(old).isEmpty { postComposition(old, at: time + 900, asOf: dated(time), .hours) }
  }

  // MARK: Assistance

  func assistance(_ day: Int) {
    repeatedly(Rates.applications) {
      guard
        let person = self.someone(where: { person, p in
          let home = self.city.households[Int(p.household)]
          return home.programme == .none && home.flags.isDisjoint(with: [.busy, .applied])
            && (20..<90).contains(self.age(person, day)) && p.state.isDisjoint(with: .away)
            && (home.flags.contains(.watched) || self.random.below(30) == 0)
        })
      else { return }
      self.apply(person, day, at: self.before(day))
    }
    repeatedly(Rates.renewals) { self.review(day, exits: false) }
    repeatedly(Rates.exits) { self.review(day, exits: true) }
    repeatedly(Rates.suspensions) {
      guard let (household, person) = self.recipient() else { return }
      self.decide(
        household, applicant: person, .suspended, reason: Reason.notCooperating,
        at: self.before(day))
    }
  }

  /// A household in a programme that is in no story, with a living adult to speak for it.
  private func recipient() -> (UInt32, UInt32)? {
    for _ in 0..<40 where !city.aided.isEmpty {
      let household = city.aided[random.below(city.aided.count)]
      let home = city.households[Int(household)]
      guard home.programme != .none, !home.flags.contains(.busy),
        let person = city.living(household).first(where: { !isAway($0.person) })
      else { continue }
      return (household, person.person)
    }
    return nil
  }

  private func review(_ day: Int, exits: Bool) {
    guard let (household, person) = recipient() else { return }
    let reasons = [
      Reason.incomeAbove, Reason.incomeAbove, Reason.assetsAbove, Reason.movedAway,
      Reason.withdrawn, Reason.expired, Reason.other,
    ]
    decide(
      household, applicant: person, exits ? .exited : .renewed,
      reason: reasons[random.below(reasons.count)], at: before(day))
  }

  func apply(_ person: UInt32, _ day: Int, at time: Int32) {
    let household = city.people[Int(person)].household
    city.households[Int(household)].flags.insert(.applied)
    var plan = Plan(.decision, .aid, state: Verdict.applied)
    plan.a = household
    plan.b = person
    plan.x = dated(time)
    let kinds: [Programme] = [.dibao, .marginal, .rigid, .temporary, .medical]
    plan.detail = kinds[random.below(kinds.count)].rawValue
    post(plan, at: time, .hours)
    foretell(
      Fate(kind: .verdict, person: person, other: UInt32(plan.detail)),
      on: day + random.within(5...20))
  }

  enum Outcome: Int { case applied, granted, renewed, rejected, suspended, exited }

  /// A decision of the assistance office on a household, with its effect.
  func decide(
    _ household: UInt32, applicant: UInt32, _ outcome: Outcome, programme: Programme? = nil,
    reason: Int = 0, tied: Bool = false, term: Int? = nil, at time: Int32,
    _ delay: Delay = .hours
  ) {
    let h = Int(household)
    let kind = programme ?? city.households[h].programme
    guard kind != .none else { return }
    var plan = Plan(.decision, .aid)
    plan.state = UInt8(outcome.rawValue | reason << 4)
    plan.detail = kind.rawValue | (tied ? 16 : 0)
    plan.a = household
    plan.b = applicant
    plan.x = dated(time)
    switch outcome {
    case .granted, .renewed:
      let days = term ?? kind.term
      plan.y = days > 0 ? plan.x + Int32(days) : 0
      if city.households[h].programme == .none { city.aided.append(household) }
      if !city.households[h].flags.contains(.watched) {
        city.households[h].flags.insert(.watched)
        city.watched.append(household)
      }
      city.households[h].programme = kind
      city.households[h].until = UInt16(clamping: plan.y - Population.epoch)
    case .exited: city.households[h].programme = .none
    case .applied, .rejected, .suspended: break
    }
    city.households[h].flags.remove(.applied)
    post(plan, at: time, delay)
  }

  // MARK: Reports and monthly runs

  func reports(_ day: Int) {
    repeatedly(Rates.visits) { self.report(.visit, .committee, day) }
    repeatedly(Rates.tips) { self.report(.tip, .committee, day) }
    repeatedly(Rates.calls) {
      self.report(.hotline, self.random.below(8) == 0 ? .petitions : .hotline, day)
    }
  }

  private func report(_ type: CityEventType, _ source: Source, _ day: Int) {
    guard
      let person = someone(where: { person, p in
        age(person, day) >= 18 && (type != .visit || age(person, day) >= 60 || random.below(3) == 0)
      })
    else { return }
    let mask = type == .visit && random.below(10) < 7 ? 0 : 1 << random.below(13)
    postReport(type, source, about: person, difficulties: mask, at: at(day, random.within(8...19)))
  }

  /// `care` 0 says nothing, 1 full, 2 partial, 3 no self-care.
  func postReport(
    _ type: CityEventType, _ source: Source, about person: UInt32, difficulties: Int,
    urgent: Bool = false, care: Int = 0, at time: Int32
  ) {
    let household = city.people[Int(person)].household
    var plan = Plan(type, source, person, state: care, date: dated(time))
    plan.b = household
    plan.y = Int32(difficulties)
    let about = type == .hotline ? 0 : random.below(3)
    if about == 2 { plan.y |= city.households[Int(household)].place.packed << 13 }
    plan.detail = UInt8(about | (urgent ? 4 : 0))
    post(plan, at: time, .hours)
  }

  /// Incomes of the watched in the night to the 5th, payments to recipients on the 10th.
  func monthlyRuns(_ day: Int) {
    let today = CivilDate(dayNumber: date(day))
    let share = min(1, scale)
    if today.day == 5 {
      let month = today.adding(months: -1)
      let first = month.dayNumber - Int32(month.day - 1)
      for household in city.watched { incomes(household, month: first, day, share) }
    }
    if today.day == 10 {
      for household in city.aided where random.chance(share) {
        let home = city.households[Int(household)]
        guard home.programme != .none, let payee = city.living(household).first else { continue }
        pay(payee.person, home.programme, at: at(day, 9), .night)
      }
    }
  }

  private func incomes(_ household: UInt32, month: Int32, _ day: Int, _ share: Double) {
    for member in city.living(household) where age(member.person, day) >= 18 {
      guard random.chance(share) else { continue }
      earn(
        member.person,
        fen: Int(city.people[Int(member.person)].income) * 1000
          + random.below(20_000), month: month, at: at(day - 1, 20), .night)
    }
  }

  func earn(_ person: UInt32, fen: Int, month: Int32, at time: Int32, _ delay: Delay) {
    var plan = Plan(.income, .tax, person, date: month)
    plan.y = Int32(clamping: fen)
    post(plan, at: time, delay)
  }

  func pay(_ person: UInt32, _ programme: Programme, at time: Int32, _ delay: Delay) {
    var plan = Plan(.payment, .payments, person, state: Int(programme.rawValue), date: dated(time))
    plan.y = Int32(30_000 + random.below(130_000))
    post(plan, at: time, delay)
  }
}
