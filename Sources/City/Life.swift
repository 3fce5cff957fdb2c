import Vocabulary

/// A composition as it was when it was planned.
struct Snapshot {
  let members: [Member]
  let place: Place
  let hukouStreet: UInt8
}

/// Something that is bound to happen to a person on a later day.
struct Fate {
  enum Kind: UInt8 {
    case release, custodyDecision, treatmentEnd, benefitEnd, discharge, found, verdict, newHome
    case deregistration, freed
    /// `person` is a household whose story is over.
    case idle
  }
  let kind: Kind
  let person: UInt32
  var other: UInt32 = Population.nobody
}

/// The living city: its people, what happens to them day by day, and the records of it that are
/// still to be delivered.
///
/// One day is generated at a time. What changes the truth (a death) changes it at once; the record
/// of it arrives when its office would send it, at once, in the night, or weeks late.
final class Life {
  let options: CityOptions
  let items = ItemChoice()
  var city: Population
  var random: SeededRandom
  var snapshots: [Snapshot] = []
  /// True: only what can be a line of text.
  let lines: Bool
  /// Day number of the first day.
  let base: Int32
  /// Nothing arrives from this second on.
  let horizon: Int32
  /// What arrives on each day.
  private(set) var buckets: [[Plan]]
  private var fates: [[Fate]]
  private var nextNumber: UInt32 = 1
  /// Factor on the natural rates of life events.
  let scale: Double
  /// Records wanted by the end of each day; nil for natural rates.
  let target: Int?
  /// Records of the buckets already handed over, and of the initial load.
  private var delivered = 0
  /// Stories begun before; their kinds take turns.
  var storyTurn = 0
  /// Bad records made before; their kinds take turns.
  var badTurn = 0
  /// The day being generated: nothing arrives before it any more.
  private var today = 0

  init(options: CityOptions, lines: Bool) {
    let options = options.bounded
    self.lines = lines
    self.options = options
    base = options.start.dayNumber
    city = Settlement.people(options.people, base: options.start, seed: options.seed)
    random = SeededRandom(seed: options.seed)
    let days = options.days
    var horizon = days * 86_400
    if let end = options.end {
      let seconds = end.seconds - Instant(startOf: options.start).seconds
      horizon = min(horizon, max(0, Int(clamping: seconds)))
    }
    self.horizon = Int32(horizon)
    buckets = [[Plan]](repeating: [], count: days)
    fates = [[Fate]](repeating: [], count: days)
    let natural = Rates.recordsPerDay(people: options.people) * Double(days)
    if let events = options.events {
      target = max(0, events)
      let free = Double(max(0, events - city.loadCount))
      // No more than ten times the natural pace of births and deaths: windows fill the rest.
      scale = min(10, free / max(1, natural) * 0.8)
    } else {
      target = nil
      scale = 1
    }
    delivered = city.loadCount
    nextNumber = UInt32(clamping: city.loadCount + 1)
    foresee()
  }

  /// Seconds of a time of day.
  func at(_ day: Int, _ hour: Int, _ minute: Int = 0) -> Int32 {
    Int32(day * 86_400 + hour * 3600 + minute * 60) + Int32(random.below(60))
  }

  func date(_ day: Int) -> Int32 { base + Int32(day) }
  func dayOf(_ date: Int32) -> Int { Int(date - base) }

  // MARK: The day

  /// Generates what happens on a day and hands over what arrives on it, in order.
  func records(of day: Int) -> [Plan] {
    today = day
    settleFates(day)
    liveThrough(day)
    tellStories(day)
    addBadRecords(day)
    openWindows(day)
    trim(day)
    let plans = buckets[day]
    buckets[day] = []
    delivered += plans.count
    let keys = plans.indices.map { index in
      UInt64(UInt32(plans[index].arrival)) << 32 | UInt64(index)
    }
    return keys.sorted().map { plans[Int($0 & 0xFFFF_FFFF)] }
  }

  /// Records still wanted on a day to be on the way to `target`.
  func missing(_ day: Int) -> Int? {
    guard let target else { return nil }
    let days = options.days
    let aim = city.loadCount + Int(Double(target - city.loadCount) * Double(day + 1) / Double(days))
    return (day == days - 1 ? target : aim) - delivered - buckets[day].count
  }

  /// On the last day of a run with a fixed number of records, drops what is too much: window
  /// events, which nothing refers to, then whatever comes last.
  private func trim(_ day: Int) {
    guard day == options.days - 1, let surplus = missing(day).map({ -$0 }), surplus > 0 else {
      return
    }
    var left = surplus
    for wanted in [CityEventType.window, nil] {
      var kept: [Plan] = []
      for plan in buckets[day].reversed() {
        let fits = wanted == nil || plan.type == wanted && plan.defect == .none
        if left > 0, fits { left -= 1 } else { kept.append(plan) }
      }
      buckets[day] = kept.reversed()
    }
  }

  // MARK: Posting

  /// How long after the event its record reaches the bus.
  enum Delay {
    /// Seconds: the windows.
    case prompt
    /// Up to two hours: police, hospitals, hotline.
    case hours
    /// In the small hours after the day.
    case night
    /// Exactly as given.
    case exact(Int32)
  }

  /// The number that the next posted plan will have.
  var upcoming: UInt32 { nextNumber }

  /// Gives a plan its number and its way through the mail: perhaps late, out of order, twice, with
  /// a correction to come. Returns the number, or 0 where it would arrive after the end.
  @discardableResult
  func post(_ plan: Plan, at occurred: Int32, _ delay: Delay = .hours, steady: Bool = false)
    -> UInt32
  {
    var plan = plan
    plan.occurred = occurred
    plan.number = nextNumber
    switch delay {
    case .prompt: plan.recorded = occurred + Int32(random.below(4))
    case .hours: plan.recorded = occurred + 60 + Int32(random.below(7000))
    case .night:
      let midnight = (occurred / 86_400 + (occurred < 0 ? 0 : 1)) * 86_400
      plan.recorded = max(occurred, midnight) + 3600 + Int32(random.below(3 * 3600))
    case .exact(let seconds): plan.recorded = occurred + max(0, seconds)
    }
    if !steady, random.chance(options.late) { plan.recorded += lateness(plan.type) }
    plan.arrival = plan.recorded
    if !steady, random.chance(options.outOfOrder) { plan.arrival += Int32(random.within(1...600)) }
    let wait = Int32(today * 86_400) + Int32(random.below(600)) - plan.arrival
    if plan.arrival < Int32(today * 86_400) {
      plan.recorded += wait
      plan.arrival += wait
    }
    guard deliver(plan) else { return 0 }
    nextNumber &+= 1
    if random.chance(options.duplicates) {
      var again = plan
      again.note = .duplicate
      again.arrival += Int32(random.below(4) == 0 ? random.below(86_400) : random.below(900))
      deliver(again)
    }
    if !steady, plan.note == .none {
      amend(plan)
      err(plan)
    }
    return plan.number
  }

  /// True where the plan arrives before the end.
  @discardableResult
  private func deliver(_ plan: Plan) -> Bool {
    guard plan.arrival < horizon else { return false }
    buckets[max(0, Int(plan.arrival / 86_400))].append(plan)
    return true
  }

  private func lateness(_ type: CityEventType) -> Int32 {
    type == .window
      ? Int32(random.within(3600...3 * 86_400)) : Int32(random.within(6 * 3600...30 * 86_400))
  }

  /// A correction that supersedes the plan; now and then it overtakes what it corrects.
  private func amend(_ plan: Plan) {
    guard plan.type.isCorrectable, random.chance(options.corrections) else { return }
    var better = plan
    better.linked = plan.number
    better.note = .correction
    switch plan.type {
    case .medicalExpense, .income, .payment: better.y = plan.y / 2 + Int32(random.below(50_000))
    default: better.x = plan.x - 1 - Int32(random.below(3))
    }
    let overtakes = random.below(10) == 0 && plan.arrival - plan.occurred > 7200
    let delay =
      overtakes
      ? (plan.arrival - plan.occurred) / 2
      : plan.arrival - plan.occurred + Int32(random.within(600...5 * 86_400))
    post(better, at: plan.occurred, .exact(delay), steady: true)
  }

  /// Now and then an office reports the same of someone to whom it did not happen.
  private func err(_ plan: Plan) {
    guard plan.type.isRetractable, random.chance(options.retractions),
      let other = someone(where: { person, p in
        person != plan.a && isFree(p) && p.state.isDisjoint(with: .away)
      })
    else { return }
    var wrong = plan
    wrong.a = other
    let last = max(7200, min(10 * 86_400, Int(horizon - plan.recorded) - 4000))
    postWrong(wrong, at: plan.occurred, plan.recorded - plan.occurred, after: 3600...last)
  }

  /// Posts a notice that is not true, and its retraction before the end; neither where there is no
  /// time left to retract.
  func postWrong(_ plan: Plan, at occurred: Int32, _ delay: Int32, after: ClosedRange<Int>) {
    var wrong = plan
    wrong.note = .wrong
    let gap = Int32(random.within(after))
    guard occurred + delay + gap + 1000 < horizon else { return }
    let number = post(wrong, at: occurred, .exact(delay), steady: true)
    guard number != 0 else { return }
    var back = Plan(.retracted, plan.source, state: random.below(3))
    back.a = number
    back.b = plan.a
    back.detail = plan.type.rawValue
    back.note = .retraction
    post(back, at: occurred + delay + gap, .exact(60), steady: true)
  }

  // MARK: Fates

  func foretell(_ fate: Fate, on day: Int) {
    guard day >= 0, day < fates.count else { return }
    fates[day].append(fate)
  }

  private func settleFates(_ day: Int) {
    let due = fates[day]
    fates[day] = []
    for fate in due { settle(fate, day) }
  }

  /// What the states of the initial load lead to.
  private func foresee() {
    let last = base + Int32(options.days) + 31
    let states: PersonState = [.imprisoned, .compulsory, .benefit]
    for person in city.people.indices
    where !city.people[person].state.isDisjoint(with: states) {
      let terms = Terms(UInt32(person), base: base)
      guard terms.until < last else { continue }
      let state = city.people[person].state
      let day = dayOf(terms.until)
      if state.contains(.imprisoned) {
        foretell(Fate(kind: .release, person: UInt32(person)), on: max(0, day - 30))
      } else if state.contains(.compulsory) {
        foretell(Fate(kind: .treatmentEnd, person: UInt32(person)), on: day)
      } else {
        foretell(Fate(kind: .benefitEnd, person: UInt32(person)), on: day)
      }
    }
  }

  // MARK: People

  /// Draws people until one fits; nil after `tries`.
  func someone(_ tries: Int = 200, where fits: (UInt32, Person) -> Bool) -> UInt32? {
    for _ in 0..<tries {
      let person = UInt32(random.below(city.people.count))
      let p = city.people[Int(person)]
      if !p.isDead, fits(person, p) { return person }
    }
    return nil
  }

  func age(_ person: UInt32, _ day: Int) -> Int { city.age(person, on: date(day)) }

  func isFree(_ p: Person) -> Bool {
    !city.households[Int(p.household)].flags.contains(.busy)
  }

  func set(_ person: UInt32, _ state: PersonState) {
    city.people[Int(person)].state.insert(state)
  }
  func clear(_ person: UInt32, _ state: PersonState) {
    city.people[Int(person)].state.subtract(state)
  }

  func home(_ person: UInt32) -> Household {
    city.households[Int(city.people[Int(person)].household)]
  }

  /// Sends a household's present composition.
  func postComposition(_ household: UInt32, at time: Int32, asOf: Int32, _ delay: Delay = .hours) {
    let home = city.households[Int(household)]
    snapshots.append(
      Snapshot(members: city.living(household), place: home.place, hukouStreet: home.hukouStreet))
    var plan = Plan(.composition, .registry)
    plan.a = household
    plan.x = Int32(snapshots.count - 1)
    plan.y = asOf
    post(plan, at: time, delay, steady: true)
  }
}

extension CityEventType {
  /// Notices about one person that now and then name the wrong one.
  var isRetractable: Bool {
    switch self {
    case .death, .employment, .custody, .illness, .disability, .emergency, .income: true
    case .finding, .jobOffer, .medicalExpense: true
    default: false
    }
  }

  /// Notices whose corrected form tells the same story with another date or amount.
  var isCorrectable: Bool {
    switch self {
    case .medicalExpense, .income, .payment, .illness, .disability, .jobOffer, .emergency: true
    case .visit, .tip, .hotline: true
    default: false
    }
  }
}
