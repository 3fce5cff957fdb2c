import Vocabulary

/// The community affairs service centres: Monday to Friday 8:30-16:30, weekends 8:30-11:30.
extension Life {
  /// Visitors by half-hour from 8:30.
  private static let workday = [4, 8, 11, 12, 11, 8, 4, 2, 3, 6, 9, 10, 8, 5, 3, 1]
  private static let weekend = [3, 5, 6, 6, 4, 2]

  /// A working day has 7/5.45 times the mean day's transactions, a weekend day 0.225 of that.
  private func share(_ day: Int) -> Double {
    let weekday = CivilDate(dayNumber: date(day)).weekday
    return (weekday <= 5 ? 1 : 0.225) * 7 / 5.45
  }

  private func transactions(_ day: Int) -> Double {
    Rates.windowTransactions * Double(city.people.count) / 1e6 / 365 * share(day)
  }

  /// Records that a day's transactions come to, about.
  func windowRecords(_ day: Int) -> Int { Int(transactions(day) * Rates.stages) }

  func openWindows(_ day: Int) {
    if target == nil {
      for _ in 0..<random.poisson(transactions(day)) { visit(day) }
      return
    }
    let last = day == options.days - 1
    var dry = 0
    while let left = missing(day), left > 0, dry < 100_000 {
      let before = left
      visit(day, single: last && left < 4)
      if missing(day) == before { dry += 1 }
    }
  }

  /// Some moment of a day's opening hours.
  func openingTime(_ day: Int) -> Int32 {
    let weekday = CivilDate(dayNumber: date(day)).weekday
    let slots = weekday <= 5 ? Life.workday : Life.weekend
    let slot = random.index(weights: slots)
    let time = Int32(day * 86_400 + 30_600 + slot * 1800 + random.below(1800))
    // A city that ends now, in mid-day, is only asked about the hours until then.
    guard time >= horizon - 60 else { return time }
    let opened = Int32(day * 86_400 + 30_600)
    let last = horizon - 60
    if last > opened { return opened + Int32(random.below(Int(last - opened))) }
    // It ends before the doors open: only a fixed number of records is reached all the same.
    guard target != nil else { return time }
    return Int32(day * 86_400) + Int32(random.below(max(1, Int(last) - day * 86_400)))
  }

  /// One visitor with one item of business; `single` writes only its submission.
  private func visit(_ day: Int, single: Bool = false) {
    let found = someone { _, p in p.state.isDisjoint(with: .away) }
    guard let person = found else { return }
    let time = single ? min(openingTime(day), horizon - 30) : openingTime(day)
    let p = city.people[Int(person)]
    let years = age(person, day)
    let item =
      random.below(100) < 22 ? items.signal(needs(p, years), &random) : items.everyday(&random)
    var agent = Population.nobody
    if years < 16 || (years >= 80 && random.below(10) < 3) {
      let adult = city.living(p.household).first {
        $0.person != person && age($0.person, day) >= 18 && !isAway($0.person)
      }
      guard let adult else { return }
      agent = adult.person
    }
    transact(person, item: item, agent: agent, single: single, at: time)
  }

  private func needs(_ p: Person, _ years: Int) -> Need {
    var needs: Need = .anyone
    if years >= 60 { needs.insert(.elder) }
    if years < 18 { needs.insert(.child) }
    if (18..<60).contains(years) {
      needs.insert(p.state.contains(.employed) ? .worker : .jobless)
    }
    if p.state.contains(.illness) { needs.insert(.ill) }
    if p.disability != 0 { needs.insert(.disabled) }
    if p.hukou >= firstElsewhere { needs.insert(.newcomer) }
    let home = city.households[Int(p.household)]
    if home.programme != .none { needs.insert(.aided) }
    if home.flags.contains(.watched) { needs.insert(.poor) }
    return needs
  }

  /// What the clerk asked.
  struct Inquiry {
    var difficulties = 0
    var wantsHelp = false
    var uninsured = false
  }

  /// All stages of one transaction. Done while waiting: submitted, accepted, completed. Otherwise
  /// approved (or, one in twelve, rejected or withdrawn) after days, and completed.
  @discardableResult
  func transact(
    _ person: UInt32, item: Int, agent: UInt32 = Population.nobody, inquiry: Inquiry? = nil,
    single: Bool = false, note: Note = .none, at time: Int32
  ) -> UInt32 {
    if note != .clash {
      let today = UInt16(clamping: Int(time / 86_400) + 1)
      city.people[Int(person)].lastVisit = today
      if agent != Population.nobody { city.people[Int(agent)].lastVisit = today }
    }
    let home = self.home(person)
    var plan = Plan(.window, .window, person, state: Stage.submitted, date: 0)
    plan.b = agent
    plan.x = home.place.packed
    plan.y = Int32(item)
    plan.note = note
    if items.items[item].need.contains(.ill) { plan.detail = 1 }
    let asked = inquiry ?? self.inquiry(home)
    if let asked {
      plan.y |= Int32(asked.difficulties) << 8
      plan.detail |= 2 | (asked.wantsHelp ? 4 : 0) | (asked.uninsured ? 8 : 0)
    }
    plan.linked = upcoming
    let number = post(plan, at: time, .prompt, steady: single)
    guard number != 0, !single else { return number }
    plan.note = .none
    plan.detail &= 1
    func stage(_ state: Int, _ time: Int32) {
      plan.state = UInt8(state)
      post(plan, at: time, .prompt)
    }
    stage(Stage.accepted, time + Int32(random.within(60...600)))
    if items.items[item].instant {
      stage(Stage.completed, time + Int32(random.within(700...2400)))
      return number
    }
    let later =
      (time / 86_400 + Int32(random.within(1...12))) * 86_400
      + Int32(random.within(9 * 3600...16 * 3600))
    switch random.below(100) {
    case 0..<6: stage(Stage.rejected, later)
    case 6..<8: stage(Stage.withdrawn, later)
    default:
      stage(Stage.approved, later)
      stage(Stage.completed, later / 86_400 * 86_400 + Int32(random.within(118_800...144_000)))
    }
    return number
  }

  /// One visitor in fifteen is asked; the poor rather, and more of them want help.
  private func inquiry(_ home: Household) -> Inquiry? {
    let watched = home.flags.contains(.watched)
    guard random.below(watched ? 3 : 15) == 0 else { return nil }
    guard random.below(100) < (watched ? 40 : 8) else { return Inquiry() }
    return Inquiry(
      difficulties: 1 << random.below(13) | (random.below(3) == 0 ? 1 : 0), wantsHelp: true,
      uninsured: random.below(12) == 0)
  }
}
