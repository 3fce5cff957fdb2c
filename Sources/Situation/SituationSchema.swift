internal import Expression
public import Policy
import Records
internal import Vocabulary

/// The parameters in force at a place on some days.
final class ParametersInForce {
  /// As the object `params` shows them, by slot.
  let values: UnsafeMutablePointer<Value>
  let count: Int
  let resolved: ResolvedParameters
  /// The first of the days for which it is known; they end with the resolution's validity.
  private var from: CivilDate

  init(_ resolved: ResolvedParameters, from: CivilDate) {
    self.resolved = resolved
    self.from = from
    count = resolved.values.count
    values = .allocate(capacity: max(1, count))
    for (slot, value) in resolved.values.enumerated() {
      (values + slot).initialize(to: value?.expressionValue ?? Situation.absent)
    }
  }

  deinit {
    values.deinitialize(count: count)
    values.deallocate()
  }

  func covers(_ date: CivilDate) -> Bool { from <= date && date < resolved.validUntil }

  /// Takes in a day from which on nothing changes until the same day as here.
  func extend(to date: CivilDate) { from = min(from, date) }
}

extension UnsafeRawBufferPointer {
  /// A hash of the bytes and their number, on top of another hash; eight bytes at a time.
  func mixed(into start: UInt64) -> UInt64 {
    var hash = (start ^ UInt64(count)) &* 0x9E37_79B9_7F4A_7C15
    var at = 0
    guard let bytes = baseAddress else { return hash ^ hash >> 29 }
    while at &+ 8 <= count {
      let next = bytes.loadUnaligned(fromByteOffset: at, as: UInt64.self)
      hash = (hash ^ next) &* 0xFF51_AFD7_ED55_8CCD
      hash ^= hash >> 32
      at &+= 8
    }
    if at < count { hash = (hash ^ tail) &* 0x9FB2_1C65_1E98_DF25 }
    return hash ^ hash >> 29
  }

  /// The last bytes, up to eight of them.
  private var tail: UInt64 {
    if count >= 8 { return loadUnaligned(fromByteOffset: count - 8, as: UInt64.self) }
    if count >= 4 {
      return UInt64(loadUnaligned(fromByteOffset: 0, as: UInt32.self)) << 32
        | UInt64(loadUnaligned(fromByteOffset: count - 4, as: UInt32.self))
    }
    // The first, the middle and the last: all there are.
    return UInt64(self[0]) << 16 | UInt64(self[count / 2]) << 8 | UInt64(self[count - 1])
  }

  static var empty: UnsafeRawBufferPointer { UnsafeRawBufferPointer(start: nil, count: 0) }
}

/// The facts of a pack, resolved to what Situation reads.
public final class SituationSchema {
  static let visitSelfCare = FactID("event.self_care")
  static let hukouSubdistrict = FactID("household.hukou_subdistrict")
  static let difficulties = FactID("event.difficulties")
  static let composition = EventTypeID("household.composition")
  static let windowTransaction = EventTypeID("window.transaction")
  static let transaction = FactID("event.transaction")
  static let applicant = FactID("event.applicant")
  static let line = FactID("event.line")
  static let item = FactID("event.item")
  static let itemCode = FactID("event.item_code")
  /// The transactions that may be signals.
  static let windowSeries = SeriesReader(
    types: [windowTransaction], keep: Term(6, .months), key: transaction)

  let pack: PolicyPack
  let persons: FactTable<PersonBuiltin>
  let households: FactTable<HouseholdBuiltin>
  let events: FactTable<EventBuiltin>
  private let keeper = FactKeeper()
  /// The stored fact behind each slot of events, `computed` where there is none.
  let storedEvents: UnsafeMutablePointer<FactID>
  /// Where events show their date.
  private let dateOfEvents: UInt16?
  /// Where people show those of their parents who are known.
  let knownParents: UInt16?
  /// Stands for the stored fact behind a computed one.
  static var computed: FactID { FactID(rawValue: 0) }
  let statements: Statements
  /// What facts of persons are where nothing was stated of that on which they rest, by slot: of
  /// derived ones once it was found out.
  let unstated: UnsafeMutablePointer<Value?>
  private let programmes: [ProgrammeField?]
  private let referrals: [ReferralField?]
  /// The names of event types, and where the name of each type is.
  private let typeNames: [String]
  private let typeTexts: UnsafeMutablePointer<Value>
  private let typePlaces: HashedIDTable
  /// Whether the assessment reads facts that are others for another deciding event.
  let scoreIsOfEvent: Bool
  /// Rules with a disguised referral.
  private let disguised: Set<String>
  let services: ServiceTable
  /// By place.
  private var resolved: [Int: [ParametersInForce]] = [:]

  /// Enough for every program of the pack.
  let variableCapacity: Int
  /// How long reported difficulties count, as a parameter.
  let needsDays: Int?

  /// The name of a rule as other rules may know it: a disguised one is any need.
  func shownRule(_ rule: String) -> String { disguised.contains(rule) ? "need" : rule }

  public init(pack: PolicyPack) {
    self.pack = pack
    disguised = Set(
      (pack.rules + pack.retired).filter { $0.referrals.contains(where: \.isDisguised) }
        .map(\.id))
    services = ServiceTable(pack.services, keeper)
    let facts = pack.facts
    let ofEvent = FactsOfEvent(pack)
    statements = Statements(pack)
    persons = FactTable(
      .person, pack, keeper, ofEvent, statements, PersonBuiltin.init(rawValue:))
    households = FactTable(
      .household, pack, keeper, ofEvent, statements, HouseholdBuiltin.init(rawValue:))
    events = FactTable(.event, pack, keeper, ofEvent, statements, EventBuiltin.init(rawValue:))
    unstated = .allocate(capacity: max(1, persons.count))
    unstated.initialize(repeating: nil, count: max(1, persons.count))
    for (slot, fact) in facts.facts(of: .person).enumerated() {
      unstated[slot] = persons.unstated(fact)
    }
    storedEvents = .allocate(capacity: max(1, events.count))
    for slot in 0..<events.count {
      let stored = events.source(UInt16(slot))?.pointee.stored
      (storedEvents + slot).initialize(to: stored ?? SituationSchema.computed)
    }
    dateOfEvents = facts.facts(of: .event).first { $0.name == EventBuiltin.date.rawValue }?.slot
    knownParents =
      facts.facts(of: .person).first { $0.name == PersonBuiltin.knownParents.rawValue }?.slot
    programmes = facts.facts(of: .programme).map { ProgrammeField(rawValue: $0.name) }
    referrals = facts.facts(of: .referral).map { ReferralField(rawValue: $0.name) }
    let typeNames = Array(pack.sources.names)
    self.typeNames = typeNames
    typeTexts = .allocate(capacity: max(1, typeNames.count))
    for (at, name) in typeNames.enumerated() {
      (typeTexts + at).initialize(to: keeper.text(name))
    }
    typePlaces = HashedIDTable(
      Dictionary(
        typeNames.enumerated().map { (EventTypeID($1).rawValue, UInt64($0)) },
        uniquingKeysWith: { a, _ in a }))
    scoreIsOfEvent = ofEvent.areReadByAssessment
    variableCapacity = pack.variableCapacity
    needsDays = pack.parameters.index(of: "needs_days")
  }

  deinit {
    storedEvents.deallocate()
    typeTexts.deinitialize(count: typeNames.count)
    typeTexts.deallocate()
    unstated.deinitialize(count: max(1, persons.count))
    unstated.deallocate()
  }

  /// The slot of an event's weight; -1 where the pack has none.
  var weightSlot: Int {
    (0..<events.count).first { slot in
      guard case .builtin(.weight)? = events.source(UInt16(slot))?.pointee.kind else {
        return false
      }
      return true
    } ?? -1
  }

  /// How many facts persons and households have.
  var personWidth: Int { persons.count }
  var householdWidth: Int { households.count }

  /// Whether a fact is the result of the assessment.
  func isScore(_ object: ObjectRef, _ slot: UInt16) -> Bool {
    guard object.type == ObjectKind.household.rawValue,
      case .builtin(let builtin)? = households.source(slot)?.pointee.kind
    else { return false }
    return builtin.isScore
  }

  func isDateOfEvent(_ slot: UInt16) -> Bool { slot == dateOfEvents }

  func programme(_ slot: UInt16) -> ProgrammeField? { at(programmes, slot) }
  func referral(_ slot: UInt16) -> ReferralField? { at(referrals, slot) }

  /// The stored fact behind a slot, nil for computed ones.
  func storedPerson(_ slot: UInt16) -> FactID? { persons.source(slot)?.pointee.stored }
  func storedHousehold(_ slot: UInt16) -> FactID? { households.source(slot)?.pointee.stored }

  func typeName(_ type: EventTypeID) -> String {
    typePlaces[type.rawValue].map { typeNames[Int($0)] } ?? ""
  }

  /// The same as a value.
  func typeText(_ type: EventTypeID) -> Value {
    typePlaces[type.rawValue].map { typeTexts[Int($0)] } ?? text("")
  }

  /// A short text as a value, made once.
  func text(_ string: String) -> Value { keeper.text(string) }

  /// The place asked for last, which mostly is the next one too, and its parameters of late.
  private var lastPlace = (locality: Locality.unknown, index: -1)
  private var lastParameters: ParametersInForce?

  private func placeIndex(_ locality: Locality) -> Int {
    if lastPlace.index < 0 || !lastPlace.locality.hasParameters(of: locality) {
      let index = pack.parameters.placeIndex(
        district: locality.district, subdistrict: locality.subdistrict)
      if index != lastPlace.index { lastParameters = nil }
      lastPlace = (locality, index)
    }
    return lastPlace.index
  }

  /// The parameters in force at a place on a day; mostly the same ones as on the days around it.
  func parameters(in locality: Locality, on date: CivilDate) -> ParametersInForce {
    let place = placeIndex(locality)
    if let last = lastParameters, last.covers(date) { return last }
    let found = parameters(of: place, locality, on: date)
    lastParameters = found
    return found
  }

  private func parameters(
    of place: Int, _ locality: Locality, on date: CivilDate
  ) -> ParametersInForce {
    if let known = resolved[place]?.last(where: { $0.covers(date) }) { return known }
    let values = pack.parameters.resolve(
      on: date, district: locality.district, subdistrict: locality.subdistrict)
    if let later = resolved[place]?.first(where: { $0.resolved.validUntil == values.validUntil }) {
      later.extend(to: date)
      return later
    }
    let found = ParametersInForce(values, from: date)
    resolved[place, default: []].append(found)
    return found
  }

  private func at<T>(_ sources: [T?], _ slot: UInt16) -> T? {
    Int(slot) < sources.count ? sources[Int(slot)] : nil
  }
}
