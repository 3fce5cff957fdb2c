public import Records
public import Vocabulary

/// A person whose record the household holds.
public struct PersonOnFile {
  public let id: CitizenID
  public let view: PersonView

  public init(id: CitizenID, view: PersonView) {
    self.id = id
    self.view = view
  }
}

/// A referral of the household, as far as rules may ask about it.
public struct ReferralOnFile: Equatable, Sendable {
  public var rule: String
  public var subject: CitizenID?
  public var state: String
  public var isOpen: Bool
  public var openedAt: Instant
  public var closedAt: Instant?
  public var reason: String?
  /// Effective time of the event that opened it; the opening where none did.
  public var openedBy: Instant

  public init(
    rule: String, subject: CitizenID?, state: String, isOpen: Bool, openedAt: Instant,
    closedAt: Instant?, reason: String?, openedBy: Instant
  ) {
    self.rule = rule
    self.subject = subject
    self.state = state
    self.isOpen = isOpen
    self.openedAt = openedAt
    self.closedAt = closedAt
    self.reason = reason
    self.openedBy = openedBy
  }
}

/// Everything a household's rules are decided on. Borrowed bytes: valid for one decision.
public final class HouseholdFile {
  public let key: HouseholdKey
  /// In effective order.
  public let compositions: [Composition]
  /// Events about the household itself.
  public let log: EventLogView
  /// Members, former members and relatives elsewhere, in a stable order.
  public let persons: [PersonOnFile]
  /// Changed by `Situation.show` only, which forgets what rested on the former ones.
  public internal(set) var referrals: [ReferralOnFile]
  /// What was taken back of its people's events.
  public private(set) lazy var revocations: [Revocation] = !hasRevocations ? []
    : persons.flatMap { (try? $0.view.revocations()) ?? [] }
  private var hasRevocations: Bool {
    persons.indices.contains { persons[$0].view.hasRevocations }
  }

  /// Where the people lived, one after another; those of a person end at its place in `ends`.
  private let stays: [Stay]
  private let ends: [Int]
  /// The only person of a provisional household, by index.
  private let provisional: Int?
  /// Since when all live where they do, as far as it is announced, and those who do so here, by
  /// bit.
  private(set) var lastMove = Instant.distantPast
  private(set) var hereAtLast: UInt64 = 0
  /// Everybody has had one home ever.
  let nobodyMoved: Bool
  /// The last composition or move.
  private var lastChange = Instant.distantPast

  private struct Stay {
    let from: Instant
    let place: Place
  }

  /// Where a person lives, seen from this household.
  enum Place {
    case nowhere, here, elsewhere
  }

  public init(
    key: HouseholdKey, compositions: [Composition], log: EventLogView, persons: [PersonOnFile],
    referrals: [ReferralOnFile]
  ) {
    self.key = key
    self.compositions = compositions
    self.log = log
    self.persons = persons
    self.referrals = referrals
    var stays: [Stay] = []
    var ends: [Int] = []
    stays.reserveCapacity(persons.count)
    ends.reserveCapacity(persons.count)
    var own = key.text
    own.withUTF8 { own in
      for person in persons {
        person.view.eachHome { from, household in
          let isOwn = household.map { $0.isEqual(to: UnsafeRawBufferPointer(own)) }
          stays.append(Stay(from: from, place: isOwn.map { $0 ? .here : .elsewhere } ?? .nowhere))
        }
        ends.append(stays.count)
      }
    }
    provisional = key.provisionalPerson.flatMap { person in
      persons.firstIndex { $0.id == person }
    }
    nobodyMoved = ends.indices.allSatisfy { ends[$0] == $0 + 1 }
    self.stays = stays
    self.ends = ends
    noteMoves()
  }

  private func noteMoves() {
    for stay in stays { lastMove = max(lastMove, stay.from) }
    lastChange = compositions.reduce(lastMove) { max($0, $1.asOf) }
    for index in 0..<min(People.bits, persons.count) where isHere(index, at: lastMove) {
      hereAtLast |= 1 << UInt64(index)
    }
  }

  public func index(of person: CitizenID) -> Int? { persons.firstIndex { $0.id == person } }

  /// Where a person stands in a composition; an index instead of a copy.
  struct Entry {
    let composition: Int
    let member: Int
  }

  /// Where the latest composition at an instant that names a person, and meets a condition, names
  /// them; nil where none does.
  func entry(
    of person: CitizenID, at instant: Instant,
    where isWanted: (CompositionMember) -> Bool = { _ in true }
  ) -> Entry? {
    for index in compositions.indices.reversed() where compositions[index].asOf <= instant {
      let members = compositions[index].members.indices
      if let member = members.first(where: { compositions[index].members[$0].id == person }),
        isWanted(compositions[index].members[member])
      {
        return Entry(composition: index, member: member)
      }
    }
    return nil
  }

  subscript(entry: Entry) -> CompositionMember {
    compositions[entry.composition].members[entry.member]
  }
}

/// From when the rules look: now, or the end of an event's day (semantics 3).
public struct Viewpoint: Equatable {
  /// Facts count that took effect at or before this instant.
  public let instant: Instant
  /// `today` of expressions.
  public let today: CivilDate
  /// The deciding event, for event rules.
  public let event: EventPosition?
  /// True where answers can change by time alone: the view moves with the clock.
  public let isMoving: Bool
  /// Only referrals that were opened by then are in view.
  public let hidesLaterReferrals: Bool

  private init(
    instant: Instant, today: CivilDate, event: EventPosition?, isMoving: Bool = false,
    hidesLaterReferrals: Bool = false
  ) {
    self.instant = instant
    self.today = today
    self.event = event
    self.isMoving = isMoving
    self.hidesLaterReferrals = hidesLaterReferrals
  }

  public static func now(_ now: Instant, event: EventPosition? = nil) -> Viewpoint {
    Viewpoint(instant: now, today: now.date, event: event, isMoving: true)
  }

  /// The end of the day on which the event took effect.
  public static func day(of effective: Instant, event: EventPosition) -> Viewpoint {
    endOfDay(effective.date, event: event)
  }

  /// The last moment before an instant, with the referrals of that time.
  public static func before(_ instant: Instant) -> Viewpoint {
    let last = Instant(microseconds: instant.microseconds - 1)
    return Viewpoint(
      instant: last, today: last.date, event: nil, hidesLaterReferrals: true)
  }

  /// The last moment of a civil day.
  public static func endOfDay(_ date: CivilDate, event: EventPosition? = nil) -> Viewpoint {
    Viewpoint(
      instant: Instant(microseconds: Instant(startOf: date.adding(days: 1)).microseconds - 1),
      today: date, event: event)
  }
}

/// One event in a household's file: whose log it lies in, and where.
public struct EventPosition: Hashable, Sendable {
  /// Index of the person in the file, `household` for the household's own log.
  public let owner: Int
  public let index: Int

  public static let household = 0xFFFF

  public init(owner: Int, index: Int) {
    self.owner = owner
    self.index = index
  }

  /// Packed into an object's index.
  public var packed: UInt32 { UInt32(owner & 0xFFFF) << 16 | UInt32(index & 0xFFFF) }
  public init(packed: UInt32) {
    owner = Int(packed >> 16)
    index = Int(packed & 0xFFFF)
  }
}

extension HouseholdFile {
  public func log(of owner: Int) -> EventLogView? {
    if owner == EventPosition.household { return log }
    return persons.indices.contains(owner) ? persons[owner].view.log : nil
  }

  /// Whether any log of the file has the event.
  public func holds(_ event: EventKey) -> Bool { effective(event) != nil }

  /// When an event took effect, from whichever log has it.
  public func effective(_ event: EventKey) -> Instant? {
    if let index = log.index(of: event) { return log.event(index).effective }
    for person in persons.indices {
      let log = persons[person].view.log
      if let index = log.index(of: event) { return log.event(index).effective }
    }
    return nil
  }

  public func event(_ position: EventPosition) -> EventView? {
    guard let log = log(of: position.owner), position.index < log.eventCount else { return nil }
    return log.event(position.index)
  }

  /// The stays of a person, in order.
  private func stays(of person: Int) -> Range<Int> {
    (person == 0 ? 0 : ends[person - 1])..<ends[person]
  }

  /// Where a person lives at an instant.
  func place(of person: Int, at instant: Instant) -> Place {
    let stays = stays(of: person)
    var at = stays.upperBound
    while at > stays.lowerBound {
      at -= 1
      if self.stays[at].from <= instant { return self.stays[at].place }
    }
    return .nowhere
  }

  /// When the next of its people moves, as announced; never where none does.
  public func nextMove(after now: Instant) -> Instant {
    stays.reduce(.distantFuture) { $1.from > now ? min($0, $1.from) : $0 }
  }

  /// Whether a composition was made, or one of its people moved, between two instants.
  func changesPeople(between a: Instant, and b: Instant) -> Bool {
    let first = min(a, b)
    if first >= lastChange { return false }
    let last = max(a, b)
    func isBetween(_ instant: Instant) -> Bool { first < instant && instant <= last }
    return stays.contains { isBetween($0.from) } || compositions.contains { isBetween($0.asOf) }
  }

  /// Whether a person belongs here at an instant: this household is named, or no household is and
  /// this is their provisional one.
  func isHere(_ person: Int, at instant: Instant) -> Bool {
    isHere(person, place(of: person, at: instant))
  }

  private func isHere(_ person: Int, _ place: Place) -> Bool {
    place == .here || (place == .nowhere && provisional == person)
  }

  /// Whether a person of an event belongs here for its decision: by the household from before the
  /// event's day; a person without one then counts where they live now (semantics 28 and 9).
  public func isHere(_ person: Int, forEventAt effective: Instant, now: Instant) -> Bool {
    let stays = stays(of: person)
    // With one home ever, that one counts in any case.
    if stays.count == 1 { return isHere(person, self.stays[stays.lowerBound].place) }
    let dawn = Instant(microseconds: Instant(startOf: effective.date).microseconds - 1)
    var place = place(of: person, at: dawn)
    if place == .nowhere { place = self.place(of: person, at: now) }
    if place == .nowhere { place = self.place(of: person, at: .distantFuture) }
    return isHere(person, place)
  }
}
