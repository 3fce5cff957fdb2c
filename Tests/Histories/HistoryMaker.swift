import Vocabulary

/// Draws a history from a seed.
///
/// Random events alone would rarely meet a rule, so a history consists of one to three *stories*
/// (what usually happens around a death, a sentence, a job and so on) over the same few people,
/// some noise, and corrections of both.
struct HistoryMaker {
  var random: SplitMix
  let seed: UInt64
  /// The day before the first event.
  let start: CivilDate
  /// Days from the first to the last event.
  let span: Int
  var events: [(day: Int, event: HistoryEvent)] = []
  let cast: Cast

  init(seed: UInt64) {
    self.seed = seed
    random = SplitMix(seed: seed)
    let first = CivilDate(year: 2025, month: 2, day: 1) ?? .earliest
    start = first.adding(days: random.below(330))
    span = 6 + random.below(80)
    cast = Cast(start: start, span: span, &random)
  }

  /// The history of a seed.
  static func history(seed: UInt64) -> History {
    var maker = HistoryMaker(seed: seed)
    return maker.make()
  }

  private mutating func make() -> History {
    register()
    for _ in 0..<(1 + random.below(3)) { tellStory() }
    for _ in 0..<random.below(5) { addNoise() }
    correct()
    let days = arrivalDays()
    var placed: [HistoryEvent] = []
    for (day, event) in events {
      var event = event
      event.arrival = days.firstIndex { $0 >= day } ?? days.count - 1
      // Late: the bus hears of it with a later arrival.
      let isLate = random.oneIn(event.type == "household.composition" ? 5 : 8)
      if isLate, event.arrival + 1 < days.count {
        event.arrival += 1 + random.below(days.count - event.arrival - 1)
      }
      placed.append(event)
    }
    placed.sort { ($0.time, $0.id) < ($1.time, $1.id) }
    let last = start.adding(days: days[days.count - 1] + random.pick([0, 6, 45, 140]))
    return History(
      seed: seed,
      arrivals: days.map { Instant(startOf: start.adding(days: $0)).adding(seconds: 20 * 3600) },
      end: Instant(startOf: last).adding(seconds: 23 * 3600), events: placed,
      isAnswered: random.below(3) > 0)
  }

  /// One to four days of arrival; the last is the last of the history.
  private mutating func arrivalDays() -> [Int] {
    var days: Set<Int> = [span]
    for _ in 0..<random.below(4) { days.insert(random.below(span)) }
    return days.sorted()
  }

  // MARK: Events

  func date(_ day: Int) -> String { start.adding(days: day).description }

  mutating func anyDay() -> Int { 1 + random.below(span - 1) }

  /// A day between `day` and the end.
  mutating func later(than day: Int, within: Int = 40) -> Int {
    min(span - 1, day + 1 + random.below(within))
  }

  /// Adds an event that happened on `day`, counted from the start.
  @discardableResult
  mutating func add(_ type: String, _ day: Int, _ data: String) -> String {
    let id = "e\(events.count)"
    let second = 8 * 3600 + random.below(9 * 3600)
    events.append(
      (
        day,
        HistoryEvent(
          type: type, id: id, source: "urn:test:\(type.prefix { $0 != "." })",
          time: Instant(startOf: start.adding(days: day)).adding(seconds: Int64(second))
            .description, data: data, supersedes: nil, arrival: 0)
      ))
    return id
  }

  /// A notice about a person with a state and a date.
  mutating func notice(_ type: String, _ day: Int, _ person: String, _ rest: String = "") {
    add("notice.\(type)", day, #"{"person":"\#(person)","date":"\#(date(day))"\#(rest)}"#)
  }

  mutating func state(
    _ type: String, _ day: Int, _ person: String, _ state: String, _ rest: String = ""
  ) {
    notice(type, day, person, #","state":"\#(state)"\#(rest)"#)
  }

  mutating func decision(
    _ day: Int, _ household: String, _ programme: String, _ state: String, _ rest: String = ""
  ) {
    let applicant = cast.members(of: household).first ?? cast.newcomer
    add(
      "assistance.decision", day,
      #"{"household":"\#(household)","applicant":"\#(applicant)","programme":"\#(programme)","#
        + #""state":"\#(state)","date":"\#(date(day))"\#(rest)}"#)
  }

  mutating func business(
    _ day: Int, _ person: String, _ item: String, line: String = "mca", _ rest: String = ""
  ) {
    add(
      "window.transaction", day,
      #"{"transactionId":"t\#(random.below(6))","centre":"310101002","line":"\#(line)","#
        + #""item":"\#(item)","stage":"submitted","applicant":{"id":"\#(person)"}\#(rest)}"#)
  }

  /// A composition of a household as of `day`; members may be missing, and others may have joined.
  mutating func compose(_ household: String, asOf day: Int, _ at: Int, changing: Bool = true) {
    var people = cast.people.filter { $0.household == household }
    if changing, people.count > 1, random.oneIn(3) { people.remove(at: random.below(people.count)) }
    if changing, random.oneIn(4) { people.append(random.pick(cast.people)) }
    var seen: Set<String> = []
    let members = people.filter { seen.insert($0.id).inserted }.map { person in
      let care = random.oneIn(6) ? random.pick(["none", "partial", "full"]) : nil
      let guardians = person.relation == "30" ? #","guardians":["\#(cast.mother)"]"# : ""
      return #"{"id":"\#(person.id)","relation":"\#(person.relation)","name":"测\#(person.relation)","#
        + #""hukou":"\#(person.hukou)"\#(guardians)"#
        + (care.map { #","selfCare":"\#($0)""# } ?? "") + "}"
    }
    let place = changing && random.oneIn(6) ? random.pick(Cast.subdistricts) : cast.place(household)
    let registered = random.oneIn(3) ? random.pick(Cast.subdistricts) : place
    add(
      "household.composition", at,
      #"{"household":"\#(household)","subdistrict":"\#(place)","committee":"\#(place)001","#
        + #""hukouSubdistrict":"\#(registered)","address":"测试路\#(household)号","#
        + #""asOf":"\#(date(day))","members":[\#(members.joined(separator: ","))]}"#)
  }

  /// The households as they are at the start; now and then one stays unknown.
  private mutating func register() {
    for household in Cast.households where !random.oneIn(7) {
      compose(household, asOf: 0 - random.below(60), 1, changing: false)
    }
    if random.oneIn(2) {
      add(
        "notice.birth", 1,
        #"{"child":"\#(cast.child)","date":"\#(date(1))","#
          + #""parents":["\#(cast.father)","\#(random.pick([cast.mother, cast.uncle]))"]}"#)
    }
  }

  // MARK: Corrections

  /// Retracts and supersedes some events, corrections among them; before or after their targets.
  private mutating func correct() {
    for _ in 0..<random.below(4) {
      let (day, target) = random.pick(events)
      // Who lives at an address decides where a report about it goes; it stays there.
      if target.type == "household.composition",
        events.contains(where: { $0.event.data.contains(#""about":{"address""#) })
      {
        continue
      }
      let at = random.oneIn(4) ? max(1, day - random.below(10)) : later(than: day, within: 15)
      if random.oneIn(2) || target.type == "notice.retracted" {
        let id = add(
          "notice.retracted", at, #"{"retracts":"\#(target.id)","reason":"误报"}"#)
        events[events.count - 1].event.source = target.source
        if random.oneIn(6) {
          // A retraction of the retraction: its target stays taken back.
          add("notice.retracted", later(than: at), #"{"retracts":"\#(id)","reason":"重复"}"#)
          events[events.count - 1].event.source = target.source
        }
      } else {
        add(target.type, at, corrected(target.data, day))
        events[events.count - 1].event.source = target.source
        events[events.count - 1].event.supersedes = target.id
      }
    }
  }

  /// The same data with another date or another state.
  private mutating func corrected(_ data: String, _ day: Int) -> String {
    switch random.below(3) {
    case 0: data.replacing(date(day), with: date(max(0, day - 1 - random.below(5))))
    case 1:
      data.replacing("detained", with: "released").replacing("hospitalised", with: "discharged")
        .replacing("granted", with: "exited").replacing("lost", with: "employed")
    default: data
    }
  }
}
