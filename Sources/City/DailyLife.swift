import Vocabulary

/// The natural events of a day: births, deaths and everything between.
///
/// A notice dated yesterday reaches the bus in the small hours of today or during the day; urgent
/// ones are of today.
extension Life {
  func liveThrough(_ day: Int) {
    repeatedly(Rates.deaths) { self.someoneDies(day) }
    repeatedly(Rates.births) { self.someoneIsBorn(day) }
    repeatedly(Rates.marriages) { self.someoneMarries(day) }
    repeatedly(Rates.divorces) { self.someoneDivorces(day) }
    if options.restricted > 0 { restrictedKinds(day) }
    workingLife(day)
    healthAndCare(day)
    homes(day)
    assistance(day)
    reports(day)
    monthlyRuns(day)
  }

  /// Calls `body` as often as a yearly rate for each million residents gives for one day.
  func repeatedly(_ rate: Double, _ factor: Double = 1, _ body: () -> Void) {
    let mean = rate * Double(city.people.count) / 1e6 / 365 * scale * factor
    for _ in 0..<random.poisson(mean) { body() }
  }

  /// Office hours of yesterday, or of today before noon for the first day.
  private func yesterday(_ day: Int) -> Int32 {
    Int32((day - 1) * 86_400) + Int32(random.within(9 * 3600...17 * 3600))
  }

  private var overnight: Delay {
    random.below(10) < 6 ? .night : .exact(Int32(random.within(50_000...90_000)))
  }

  // MARK: Births, deaths, marriages

  /// Deaths in each hundred thousand of an age, by decade: about the shape of a life table.
  private static let mortality = [
    200, 15, 30, 50, 120, 330, 800, 2_300, 7_500, 20_000, 40_000, 60_000,
  ]

  private func someoneDies(_ day: Int) {
    let found = someone(2000) { person, p in
      isFree(p)
        && random.below(60_000) < Life.mortality[min(11, max(0, age(person, day) / 10))]
    }
    guard let found else { return }
    die(found, day, at: yesterday(day))
  }

  /// A true death on the civil day of `time`: the notice (one in four comes from two offices), the
  /// deregistration at the window, and what the assistance office does about it.
  func die(_ person: UInt32, _ day: Int, at time: Int32, _ delay: Delay? = nil) {
    set(person, .dead)
    clear(person, [.employed, .benefit, .hospital])
    // A death before today cannot lie before what the person has done since.
    let visits = Int32(city.people[Int(person)].lastVisit)
    let time = visits == 0 ? time : max(time, (visits - 1) * 86_400 + 64_800)
    let date = base + (time >= 0 ? time / 86_400 : (time - 86_399) / 86_400)
    let offices: [Source] = [.police, .funeral, .hospital]
    let first = random.below(3)
    post(Plan(.death, offices[first], person, date: date), at: time, delay ?? overnight)
    if random.below(4) == 0 {
      let other = offices[(first + 1) % 3]
      post(Plan(.death, other, person, date: date), at: time, .exact(86_400 * 2))
    }
    let household = city.people[Int(person)].household
    let survivors = city.living(household).filter { age($0.person, day) >= 18 }
    if let heir = survivors.first?.person, !isAway(heir) {
      foretell(Fate(kind: .deregistration, person: heir), on: day + random.within(2...12))
    }
    if survivors.isEmpty, city.households[Int(household)].programme != .none {
      decide(household, applicant: person, .exited, reason: Reason.death, at: time + 5 * 86_400)
    }
  }

  func isAway(_ person: UInt32) -> Bool {
    !city.people[Int(person)].state.isDisjoint(with: .away)
  }

  private func someoneIsBorn(_ day: Int) {
    let mother = someone { person, p in
      !p.isMale && p.state.isDisjoint(with: .away) && (22...42).contains(age(person, day))
        && (p.relation == 10 || p.relation == 2) && city.members(p.household).count < 9
    }
    guard let mother else { return }
    bear(mother, day, at: yesterday(day))
  }

  /// A child of this mother, dated the civil day of `time`; returns the child.
  @discardableResult
  func bear(_ mother: UInt32, _ day: Int, at time: Int32) -> UInt32 {
    let household = city.people[Int(mother)].household
    let p = city.people[Int(mother)]
    let date = CivilDate(dayNumber: base + (time >= 0 ? time / 86_400 : (time - 86_399) / 86_400))
    let members = city.members(household)
    let father = members.first {
      $0.person != mother && ($0.relation == 2 || $0.relation == 10)
        && !city.people[Int($0.person)].isDead && city.people[Int($0.person)].isMale
    }
    let male = random.below(1000) < 519
    let child = city.add(
      birth: date, male: male, household: household, relation: male ? 20 : 30, hukou: p.hukou,
      surname: father.map { city.people[Int($0.person)].surname } ?? p.surname, &random)
    city.changed[household] = members + [Member(person: child, relation: male ? 20 : 30)]
    city.households[Int(household)].flags.insert(.changed)
    var plan = Plan(.birth, random.below(3) == 0 ? .police : .hospital, child, date: date.dayNumber)
    plan.b = mother
    plan.y = father.map { Int32(bitPattern: $0.person) + 1 } ?? 0
    post(plan, at: time, overnight)
    return child
  }

  private func someoneMarries(_ day: Int) {
    func single(male: Bool) -> UInt32? {
      someone { person, p in
        p.isMale == male && isFree(p) && p.state.isDisjoint(with: .away)
          && (22...60).contains(age(person, day))
          && !city.members(p.household).contains { $0.relation == 10 }
          && (p.relation == 2 || (20...39).contains(p.relation) || p.relation == 99)
      }
    }
    guard let he = single(male: true), let she = single(male: false),
      city.people[Int(he)].household != city.people[Int(she)].household
    else { return }
    marry(he, she, day, at: yesterday(day))
  }

  /// Two people marry; some days later four of five households say who moved in and who left.
  func marry(_ a: UInt32, _ b: UInt32, _ day: Int, at time: Int32) {
    var plan = Plan(.marriage, .marriages, a, date: date(day) - 1)
    plan.x = base + (time >= 0 ? time / 86_400 : (time - 86_399) / 86_400)
    plan.b = b
    post(plan, at: time, overnight)
    guard random.below(5) > 0 else { return }
    foretell(Fate(kind: .newHome, person: a, other: b), on: day + random.within(1...9))
  }

  private func someoneDivorces(_ day: Int) {
    let found = someone { _, p in
      p.relation == 10 && isFree(p)
        && city.living(p.household).contains { $0.relation == 2 }
    }
    guard let found,
      let other = city.living(city.people[Int(found)].household).first(where: { $0.relation == 2 })
    else { return }
    divorce(found, other.person, day, at: yesterday(day))
  }

  func divorce(_ a: UInt32, _ b: UInt32, _ day: Int, at time: Int32) {
    var plan = Plan(.divorce, random.below(4) == 0 ? .court : .marriages, a, date: 0)
    plan.x = base + (time >= 0 ? time / 86_400 : (time - 86_399) / 86_400)
    plan.b = b
    let children = city.living(city.people[Int(a)].household).filter {
      (20...39).contains($0.relation) && age($0.person, day) < 18
    }
    if let child = children.first, random.below(5) > 0 {
      plan.y = Int32(bitPattern: child.person) + 1
      plan.detail = UInt8(random.below(2))
    }
    post(plan, at: time, overnight)
    // The one who leaves is no longer a spouse of the householder.
    if random.below(2) == 0 { moveOut(a, day, at: time + 3600) }
    if city.people[Int(a)].relation == 10 { city.people[Int(a)].relation = 99 }
    let household = city.people[Int(b)].household
    let rest = city.members(household).map {
      $0.person == a ? Member(person: a, relation: 99) : $0
    }
    if city.people[Int(a)].household == household { city.setMembers(rest, of: household) }
  }

  // MARK: Custody, drugs, guardians

  private func restrictedKinds(_ day: Int) {
    let factor = options.restricted
    repeatedly(Rates.detentions, factor) {
      guard
        let person = self.someone(where: { person, p in
          (18..<70).contains(self.age(person, day)) && self.isFree(p)
            && p.state.isDisjoint(with: .away)
        })
      else { return }
      self.detain(person, day)
    }
    repeatedly(Rates.compulsoryTreatments, factor) { self.treat(day, Drug.compulsory) }
    repeatedly(Rates.communityTreatments, factor) { self.treat(day, Drug.community) }
    repeatedly(Rates.findings, factor) {
      guard let person = self.adult(day) else { return }
      self.post(
        Plan(.finding, .police, person, state: self.random.below(2), date: self.date(day) - 1),
        at: self.yesterday(day), .night)
    }
    repeatedly(Rates.guardianships, factor) {
      guard let child = self.someone(where: { person, _ in self.age(person, day) < 16 }),
        let guardian = self.city.living(self.city.people[Int(child)].household).first(where: {
          self.age($0.person, day) >= 18
        })
      else { return }
      var plan = Plan(.guardianship, .court, child, date: self.date(day) - 1)
      plan.b = guardian.person
      self.post(plan, at: self.yesterday(day), .night)
    }
    repeatedly(Rates.guardianStatuses, factor) {
      guard let child = self.someone(where: { person, _ in self.age(person, day) < 16 }),
        let parent = self.city.living(self.city.people[Int(child)].household).first(where: {
          $0.relation == 2 || $0.relation == 10
        })
      else { return }
      self.guardianStatus(parent.person, of: child, self.random.below(7), day)
    }
  }

  func guardianStatus(_ person: UInt32, of child: UInt32, _ state: Int, _ day: Int) {
    guard options.restricted > 0 else { return }
    var plan = Plan(.guardianStatus, .court, person, state: state, date: date(day) - 1)
    plan.b = child
    if state == Guardian.restricted { plan.y = date(day) + 240 }
    post(plan, at: yesterday(day), .night)
  }

  func detain(_ person: UInt32, _ day: Int) {
    guard options.restricted > 0 else { return }
    set(person, .detained)
    clear(person, .employed)
    post(
      Plan(.custody, .police, person, state: Custody.detained, date: date(day)),
      at: at(day, random.within(0...22)), .hours)
    foretell(Fate(kind: .custodyDecision, person: person), on: day + random.within(10...50))
  }

  /// Sentenced from `day` on; the notice of the coming release is sent 30 days ahead.
  func imprison(_ person: UInt32, months: Int, _ day: Int, at time: Int32) {
    guard options.restricted > 0 else { return }
    clear(person, [.detained, .employed, .benefit])
    set(person, .imprisoned)
    var plan = Plan(.custody, .prison, person, state: Custody.imprisoned, date: 0)
    plan.x = base + time / 86_400
    plan.y = Int32(months)
    post(plan, at: time, .hours)
    let end = Terms.end(of: plan.x, months: months)
    foretell(Fate(kind: .release, person: person), on: max(day + 1, dayOf(end) - 30))
  }

  func treat(_ day: Int, _ state: Int, _ chosen: UInt32? = nil) {
    guard options.restricted > 0, let person = chosen ?? adult(day) else { return }
    var plan = Plan(.drugTreatment, .drugCentre, person, state: state, date: date(day))
    plan.y = state == Drug.ended ? 0 : Terms.end(of: plan.x, months: state == 0 ? 24 : 36)
    if state == Drug.compulsory {
      set(person, .compulsory)
      clear(person, .employed)
    }
    if state == Drug.ended { clear(person, .compulsory) }
    post(plan, at: at(day, random.within(9...16)), .hours)
  }

  /// A free adult at home.
  func adult(_ day: Int) -> UInt32? {
    someone { person, p in
      (18..<66).contains(age(person, day)) && isFree(p) && p.state.isDisjoint(with: .away)
    }
  }

  // MARK: Work

  private func workingLife(_ day: Int) {
    repeatedly(Rates.jobLosses) {
      guard
        let person = self.someone(where: { _, p in
          p.state.contains(.employed) && self.isFree(p)
        })
      else { return }
      self.loseJob(person, day)
    }
    repeatedly(Rates.jobFinds) {
      guard
        let person = self.someone(where: { person, p in
          !p.state.contains(.employed) && p.state.isDisjoint(with: .away)
            && (18..<60).contains(self.age(person, day)) && self.isFree(p)
        })
      else { return }
      self.findJob(person, day, at: self.yesterday(day))
    }
    repeatedly(Rates.jobOffers) {
      guard
        let person = self.someone(where: { person, p in
          !p.state.contains(.employed) && p.state.isDisjoint(with: .away)
            && (18..<60).contains(self.age(person, day))
        })
      else { return }
      self.offer(person, self.random.below(3), at: self.yesterday(day))
    }
  }

  func offer(_ person: UInt32, _ state: Int, at time: Int32, goodReason: Bool = false) {
    var plan = Plan(.jobOffer, .employment, person, state: state, date: 0)
    plan.x = base + (time >= 0 ? time / 86_400 : (time - 86_399) / 86_400)
    plan.y = 1 | (goodReason ? 2 : 0)
    post(plan, at: time, .hours)
  }

  /// Unemployment, and for the insured a benefit of 12, 18 or 24 months a few days later.
  func loseJob(_ person: UInt32, _ day: Int) {
    let insured = city.people[Int(person)].state.contains(.insured)
    clear(person, .employed)
    var plan = Plan(.employment, .employment, person, state: Work.lost, date: date(day) - 1)
    plan.detail = insured ? 1 : 2
    post(plan, at: yesterday(day), .night)
    guard insured, random.below(10) < 6 else { return }
    startBenefit(person, months: [12, 18, 24][random.below(3)], day, at: at(day, 14))
  }

  func startBenefit(_ person: UInt32, months: Int, _ day: Int, at time: Int32) {
    set(person, .benefit)
    var plan = Plan(.employment, .employment, person, state: Work.benefitStarted, date: date(day))
    plan.y = Terms.end(of: date(day), months: months)
    plan.detail = 1
    post(plan, at: time, .hours)
    foretell(Fate(kind: .benefitEnd, person: person), on: dayOf(plan.y))
  }

  func findJob(_ person: UInt32, _ day: Int, at time: Int32) {
    let hadBenefit = city.people[Int(person)].state.contains(.benefit)
    set(person, [.employed, .insured])
    clear(person, .benefit)
    var plan = Plan(.employment, .employment, person, state: Work.employed, date: 0)
    plan.x = base + (time >= 0 ? time / 86_400 : (time - 86_399) / 86_400)
    plan.detail = 1
    post(plan, at: time, overnight)
    city.people[Int(person)].income = UInt16(350 + random.below(600))
    if hadBenefit {
      post(
        Plan(.employment, .employment, person, state: Work.benefitEnded, date: plan.x),
        at: time, overnight)
    }
  }
}
