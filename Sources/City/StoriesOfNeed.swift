import Vocabulary

/// Stories of work, health and assistance.
extension Life {
  private func work(_ person: UInt32, _ state: Int, until: Int32 = 0, at time: Int32) {
    var plan = Plan(.employment, .employment, person, state: state, date: dated(time))
    plan.y = until
    plan.detail = 1
    post(plan, at: time, soon())
  }

  func tellOfWork(_ story: Story, _ day: Int, _ time: Int32) {
    switch story {
    case .onlyEarnerJobless:
      let found = cast(day) { cast, _ in
        cast.adults.filter { self.city.people[Int($0)].state.contains(.employed) }.count == 1
          && (cast.adults.count > 1 || !cast.children.isEmpty)
      }
      guard let found,
        let earner = found.adults.first(where: {
          city.people[Int($0)].state.contains(.employed)
        })
      else { return }
      aid(found, as: .marginal, at: time)
      clear(earner, .employed)
      work(earner, Work.employed, at: time - 1200)
      work(earner, Work.lost, at: time)
      work(earner, Work.benefitStarted, until: dated(time) + 50, at: time + 5400)
      foretell(Fate(kind: .benefitEnd, person: earner), on: day + 50)
    case .nobodyWorks:
      let able = { (cast: Cast) in
        cast.adults.allSatisfy {
          self.age($0, day) < 58 && self.city.people[Int($0)].disability == 0
        }
      }
      guard let found = aidedCast(day, adults: 2, at: time, able) else { return }
      for (index, adult) in found.adults.enumerated() {
        clear(adult, .employed)
        work(adult, Work.lost, at: time + Int32(index) * 900)
      }
    case .offersRefused:
      guard let found = aidedCast(day, at: time, { self.age($0.adults[0], day) < 58 }) else {
        return
      }
      for turn in 0..<3 {
        let then = later(time, turn) + Int32(turn) * 60
        offer(found.adults[0], Offer.offered, at: then)
        offer(found.adults[0], Offer.refused, at: then + 1200)
      }
    case .recipientEmployed:
      guard let found = aidedCast(day, at: time, { self.age($0.adults[0], day) < 58 }) else {
        return
      }
      set(found.adults[0], .employed)
      work(found.adults[0], Work.employed, at: time)
      earn(
        found.adults[0], fen: 680_000,
        month: CivilDate(dayNumber: dated(time)).firstOfMonth.dayNumber, at: time + 1800, soon())
    default:
      let found = cast(day) { cast, home in
        home.hukouStreet == Household.elsewhere && home.programme == .none
          && self.age(cast.adults[0], day) < 58
          && self.city.people[Int(cast.adults[0])].hukou >= firstElsewhere
      }
      guard let found else { return }
      clear(found.adults[0], [.employed, .insured])
      transact(
        found.adults[0], item: items.inquiryForm,
        inquiry: Inquiry(difficulties: 0b1001, wantsHelp: true, uninsured: true),
        at: openingTime(day))
    }
  }

  func tellOfHealth(_ story: Story, _ day: Int, _ time: Int32) {
    switch story {
    case .illnessOnMargin:
      guard let found = aidedCast(day, as: .marginal, at: time) else { return }
      sicken(found.adults[0], at: time, soon())
      for bill in 0..<3 {
        let then = later(time, bill) + Int32(bill) * 300
        var plan = Plan(.medicalExpense, .insurance, found.adults[0], date: dated(then))
        plan.y = Int32(random.within(1_500_000...6_000_000))
        post(plan, at: then, soon())
      }
    case .emergency:
      guard let found = cast(day, { _, _ in true }) else { return }
      strike(found.adults[0], kind: random.below(3), at: time)
    case .severelyDisabled:
      let healthy = { (cast: Cast) in self.city.people[Int(cast.adults[0])].disability == 0 }
      guard let found = aidedCast(day, as: .marginal, at: time, healthy) else { return }
      city.people[Int(found.adults[0])].disability = 0x41
      var plan = Plan(
        .disability, .federation, found.adults[0], state: Certificate.issued, date: dated(time))
      plan.y = 0x41
      post(plan, at: time, soon())
    case .certificateCancelled:
      guard let found = aidedCast(day, at: time, tied: true) else { return }
      var plan = Plan(
        .disability, .federation, found.adults[0], state: Certificate.issued,
        date: dated(time) - 400)
      plan.y = 0x42
      post(plan, at: time - 400 * 86_400, .exact(400 * 86_400 - 1200))
      plan.state = UInt8(random.below(2) == 0 ? Certificate.cancelled : Certificate.expired)
      plan.x = dated(time)
      city.people[Int(found.adults[0])].disability = 0
      post(plan, at: time, soon())
    case .carerLost:
      let found = cast(day) { cast, _ in
        cast.adults.count == 2 && self.age(cast.adults[0], day) >= 60
      }
      guard let found else { return }
      postReport(
        .visit, .committee, about: found.adults[0], difficulties: 1 << 6, care: 3, at: time - 1200)
      hospitalise(found.adults[1], day, at: time + 3600)
    default: comingOfAge(day, at: time)
    }
  }

  /// Puts a household in a programme whose member has one of the ages of the law within 40 days.
  private func comingOfAge(_ day: Int, at time: Int32) {
    let today = CivilDate(dayNumber: date(day))
    func soonTurns(_ person: UInt32, _ ages: [Int]) -> Bool {
      let next = city.birthDate(person).age(on: today.adding(days: 25))
      return ages.contains(next) && city.birthDate(person).age(on: today) < next
    }
    let found = cast(day) { cast, home in
      guard home.programme == .none else { return false }
      return self.city.living(cast.household).contains {
        soonTurns($0.person, [16, 18, 60, 65, 70, 80, 90])
      }
    }
    guard let found else { return }
    aid(found, as: .dibao, at: time)
  }

  func tellOfAid(_ story: Story, _ day: Int, _ time: Int32) {
    switch story {
    case .rejected:
      guard let found = cast(day, { _, home in home.programme == .none }) else { return }
      decide(
        found.household, applicant: found.adults[0], .applied, programme: .dibao, at: time, soon())
      decide(
        found.household, applicant: found.adults[0], .rejected, programme: .dibao,
        reason: random.below(5) == 0 ? Reason.fraud : Reason.incomeAbove, at: time + 3600, soon())
    case .exited:
      guard let found = aidedCast(day, at: time) else { return }
      decide(
        found.household, applicant: found.adults[0], .exited, reason: Reason.incomeAbove, at: time,
        soon())
      guard random.below(3) == 0 else { return }
      decide(
        found.household, applicant: found.adults[0], .granted, programme: .dibao,
        at: later(time, 4), soon())
    case .expiring:
      guard let found = cast(day, { _, home in home.programme == .none }) else { return }
      aid(found, as: random.below(2) == 0 ? .rigid : .temporary, term: 66, at: time)
    case .needsRemain:
      guard let found = aidedCast(day, at: time) else { return }
      let mask = 1 << 9 | 1 << 6 | 1 << 1
      transact(
        found.adults[0], item: items.inquiryForm,
        inquiry: Inquiry(difficulties: mask, wantsHelp: true), at: openingTime(day))
      postReport(.visit, .committee, about: found.adults[0], difficulties: mask, at: time + 3600)
    case .repeatedSignals:
      guard let found = cast(day, { _, home in home.programme == .none }) else { return }
      for (turn, item) in [items.dibaoApplication, items.refund, items.inquiryForm].enumerated() {
        transact(
          found.adults[0], item: item, inquiry: Inquiry(),
          at: openingTime(Int(later(time, turn) / 86_400)))
      }
    case .neighbourTip:
      guard let found = cast(day, { cast, _ in self.age(cast.adults[0], day) >= 60 }) else {
        return
      }
      postReport(
        .tip, .committee, about: found.adults[0], difficulties: 1 << 6 | 1 << 8,
        urgent: random.below(3) == 0, at: time)
    default:
      guard let found = cast(day, { _, _ in true }) else { return }
      postReport(
        .hotline, random.below(3) == 0 ? .petitions : .hotline, about: found.adults[0],
        difficulties: 1 | 1 << random.within(1...8), urgent: random.below(4) == 0, at: time)
    }
  }
}
