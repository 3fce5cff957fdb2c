import Vocabulary

/// One record to come, in 44 bytes: everything its text is made from, together with what never
/// changes about the people in it. Two writings of one plan give the same bytes.
///
/// Times are seconds from the start of the city's first day; dates are day numbers.
struct Plan {
  /// The number in the event id; 0 until `Calendar.post` gives one.
  var number: UInt32 = 0
  /// The number of the event that this one supersedes, 0 for none. In window transactions, the
  /// number of the transaction's first event.
  var linked: UInt32 = 0
  var occurred: Int32 = 0
  var recorded: Int32 = 0
  /// When it is delivered: the order of the stream.
  var arrival: Int32 = 0
  /// The person it is about, or the household of a composition or decision; of a retraction, the
  /// number of what it retracts.
  var a: UInt32 = Population.nobody
  var b: UInt32 = Population.nobody
  /// Mostly the date.
  var x: Int32 = 0
  var y: Int32 = 0
  var type: CityEventType
  var source: Source
  /// Index into the words of the type's state.
  var state: UInt8 = 0
  var detail: UInt8 = 0
  var defect: Defect = .none
  var note: Note = .none

  init(_ type: CityEventType, _ source: Source, state: Int = 0) {
    self.type = type
    self.source = source
    self.state = UInt8(truncatingIfNeeded: state)
  }

  init(_ type: CityEventType, _ source: Source, _ person: UInt32, state: Int = 0, date: Int32) {
    self.init(type, source, state: state)
    a = person
    x = date
  }
}

/// What is wrong with a record that cannot be used.
public enum Defect: UInt8, CaseIterable, Sendable {
  case none
  /// The value breaks off in the middle. Dead letter `json`.
  case brokenJSON
  /// No `source` attribute (`envelope`).
  case missingAttribute
  /// A required field of `data` is missing (`schema`).
  case missingField
  /// A citizen id with another check character (`id`).
  case wrongCheck
  /// 30 February (`date`).
  case impossibleDate
  /// An event type that nobody knows (`type`).
  case unknownType
  /// A first-generation citizen id (`id-15`).
  case fifteenDigits
  /// A Kafka record without a value (`envelope`). Not a line: left out of NDJSON.
  case nullValue
  /// A word that its enumeration does not have (`enum`).
  case unknownEnum
  /// Money with an exponent (`money`).
  case malformedMoney
  /// It happened three days after it was recorded (`time-in-future`).
  case timeInFuture
  /// Feedback on a referral that never was (`unknown-referral`).
  case unknownReferral
  /// Two million bytes. Only with `CityOptions.oversized`; what becomes of it depends on the
  /// reader's limit.
  case oversized

  /// The dead letter code that a reader should give; nil where readers may differ.
  public var code: String? {
    switch self {
    case .none, .oversized: nil
    case .brokenJSON: "json"
    case .missingAttribute, .nullValue: "envelope"
    case .missingField: "schema"
    case .wrongCheck: "id"
    case .impossibleDate: "date"
    case .unknownType: "type"
    case .fifteenDigits: "id-15"
    case .unknownEnum: "enum"
    case .malformedMoney: "money"
    case .timeInFuture: "time-in-future"
    case .unknownReferral: "unknown-referral"
    }
  }
}

/// What is deliberate about a usable record.
public enum Note: UInt8, Sendable {
  case none
  /// The same bytes came before.
  case duplicate
  /// Replaces an earlier event (which may arrive later).
  case correction
  /// Will be, or was, retracted: what it says is not true.
  case wrong
  /// Takes a wrong event back.
  case retraction
  /// The identity-clash story: someone acts with a dead person's id.
  case clash
}

/// The records of the initial load: for each household its composition, then what is known about
/// its programme and members.
enum Load {
  /// Number of the record that loads the first household; numbers count on from 1.
  static func plan(_ household: UInt32, in city: Population, into plans: inout [Plan]) {
    let base = city.base.dayNumber
    let home = city.households[Int(household)]
    let luck = Int(SeededRandom.mix(UInt64(household) &* 31 &+ 7) >> 33)
    let asOf = base - 1 - Int32(luck % 60)
    var composition = Plan(.composition, .registry)
    composition.a = household
    composition.x = -1
    composition.y = asOf
    plans.append(stamped(composition, date: asOf, base))
    if home.programme != .none {
      var until: Int32 = 0
      var granted = base - 200
      if home.until > 0 {
        until = Int32(home.until) + Population.epoch
        granted = until - Int32(home.programme.term)
      }
      var decision = Plan(.decision, .aid)
      decision.a = household
      decision.b = home.first
      decision.state = UInt8(luck % 3 == 0 ? Verdict.renewed : Verdict.granted)
      decision.detail = home.programme.rawValue
      decision.x = granted
      decision.y = until
      plans.append(stamped(decision, date: granted, base))
    }
    let watched = home.flags.contains(.watched)
    for person in home.first..<home.first + UInt32(home.count) {
      member(person, watched: watched, in: city, into: &plans)
    }
  }

  private static func member(
    _ person: UInt32, watched: Bool, in city: Population, into plans: inout [Plan]
  ) {
    let base = city.base.dayNumber
    let p = city.people[Int(person)]
    guard p.state.rawValue != 0 || p.disability != 0 || watched else { return }
    let terms = Terms(person, base: base)
    func add(_ type: CityEventType, _ source: Source, _ state: Int, y: Int32 = 0) {
      var plan = Plan(type, source, person, state: state, date: terms.since)
      plan.y = y
      plans.append(stamped(plan, date: terms.since, base))
    }
    if p.disability != 0 {
      add(.disability, .federation, Certificate.issued, y: Int32(p.disability))
    }
    if p.state.contains(.imprisoned) {
      add(.custody, .prison, Custody.imprisoned, y: Int32(terms.months))
    }
    if p.state.contains(.compulsory) {
      add(.drugTreatment, .drugCentre, Drug.compulsory, y: terms.until)
    }
    if p.state.contains(.illness) { add(.illness, .insurance, Illness.serious) }
    if p.state.contains(.benefit) {
      add(.employment, .employment, Work.benefitStarted, y: terms.until)
    }
    guard watched, city.age(person, on: base) >= 18 else { return }
    if p.state.contains(.employed) { add(.employment, .employment, Work.employed) }
    let month = CivilDate(dayNumber: base).adding(days: -1)
    let first = month.dayNumber - Int32(month.day - 1)
    var income = Plan(.income, .tax, person, date: first)
    income.y = Int32(p.income) * 1000
    plans.append(stamped(income, date: min(first + 3, base - 1), base))
  }

  private static func stamped(_ plan: Plan, date: Int32, _ base: Int32) -> Plan {
    var plan = plan
    plan.occurred = (date - base) * 86_400 + 9 * 3600 + Int32(plan.a % 25_200)
    return plan
  }
}

/// Since when, and until when, the state of a person that the initial load reports lasts: it began
/// more than 90 days before the city's first day and ends up to two years after it.
struct Terms {
  let since: Int32
  let months: Int
  let until: Int32

  init(_ person: UInt32, base: Int32) {
    let luck = Int(SeededRandom.mix(UInt64(person) &* 131 &+ 3) >> 33)
    since = base - 95 - Int32(luck % 260)
    // Enough whole months to reach past the first day.
    let reached = (Int(base - since) / 28) + 1
    months = reached + luck / 997 % 20
    until = Terms.end(of: since, months: months)
  }

  static func end(of date: Int32, months: Int) -> Int32 {
    CivilDate(dayNumber: date).adding(months: months).dayNumber
  }
}
