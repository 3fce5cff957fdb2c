internal import Expression
public import Policy
import Records
internal import Vocabulary

/// How a fact is read; made once from a pack's catalogue.
final class FactSource<Builtin> {
  enum Kind {
    case state, series, derived
    case builtin(Builtin)
  }
  let kind: Kind
  /// The stored fact.
  let fact: FactID
  /// The value before any event states one; nil: unknown.
  let fallback: Value?
  /// The value where the last event says that there is none.
  let none: Value
  let series: SeriesReader?
  let derived: Program?

  /// Nil for a computed fact that Situation does not know.
  init?(
    _ definition: FactDefinition, _ derived: [DerivedFact], _ builtin: (String) -> Builtin?
  ) {
    fact = definition.id
    var fallback: Value?
    var none = Situation.absent
    var series: SeriesReader?
    var program: Program?
    if let known = builtin(definition.name) {
      kind = .builtin(known)
    } else {
      switch definition.origin {
      case .state(let value):
        kind = .state
        switch value {
        case .unknown: break
        case .none: fallback = Situation.absent
        case .bool(let value):
          fallback = .bool(value)
          none = .bool(value)
        case .int(let value): fallback = .int(Int64(value))
        case .text(let value):
          fallback = .text(value)
          none = .text(value)
        }
      case .series(let events, let keep, let key):
        kind = .series
        series = SeriesReader(
          types: events.map { EventTypeID($0) }, keep: keep, key: key.map { FactID("event." + $0) })
      case .derived(let index):
        guard derived.indices.contains(index) else { return nil }
        kind = .derived
        program = derived[index].program
      case .builtin: return nil
      }
    }
    self.fallback = fallback
    self.none = none
    self.series = series
    self.derived = program
  }

  /// The stored fact behind it, nil for computed ones.
  var stored: FactID? { if case .state = kind { fact } else { nil } }
}

/// A series fact: events of some types in the log.
final class SeriesReader: Sendable {
  let types: [EventTypeID]
  /// How long they are read back.
  let keep: Term
  /// The field by whose value several events count once, the last of them.
  let key: FactID?

  init(types: [EventTypeID], keep: Term, key: FactID?) {
    self.types = types
    self.keep = keep
    self.key = key
  }
}

/// The parameters in force at a place on a day.
final class ParametersInForce {
  /// As the object `params` shows them, by slot.
  let values: UnsafeMutablePointer<Value>
  let count: Int
  let resolved: ResolvedParameters

  init(_ resolved: ResolvedParameters) {
    self.resolved = resolved
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
}

/// A service of the pack, and the fields of a transaction that name it.
final class Service {
  let code: Value
  let weight: Int
  private let line: [UInt8]
  private let item: [UInt8]
  private let itemCode: [UInt8]

  init(code: Value, weight: Int, line: [UInt8], item: [UInt8], itemCode: [UInt8]) {
    self.code = code
    self.weight = weight
    self.line = line
    self.item = item
    self.itemCode = itemCode
  }

  func isFor(
    _ line: UnsafeRawBufferPointer, _ item: UnsafeRawBufferPointer,
    _ itemCode: UnsafeRawBufferPointer
  ) -> Bool {
    self.item.elementsEqual(item) && self.itemCode.elementsEqual(itemCode)
      && self.line.elementsEqual(line)
  }
}

extension UnsafeRawBufferPointer {
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
  private let persons: [FactSource<PersonBuiltin>?]
  private let households: [FactSource<HouseholdBuiltin>?]
  private let events: [FactSource<EventBuiltin>?]
  /// The stored fact behind each slot of events, `computed` where there is none.
  private let storedEvents: UnsafeMutablePointer<FactID>
  private let eventWidth: Int
  private static let computed = FactID(rawValue: 0)
  private let programmes: [ProgrammeField?]
  private let referrals: [ReferralField?]
  private let typeNames: [EventTypeID: String]
  /// Rules with a disguised referral.
  private let disguised: Set<String>
  /// Texts that come up again and again, shared instead of copied.
  private var texts: [String: Value] = [:]
  /// Services as window transactions name them, by the hash of what they say.
  private var services: [UInt64: Service] = [:]
  private var resolved: [ParameterKey: ParametersInForce] = [:]

  private struct ParameterKey: Hashable {
    var place: Int
    var date: CivilDate
  }

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
    let facts = pack.facts
    let derived = pack.derived
    persons = facts.facts(of: .person).map { .init($0, derived, PersonBuiltin.init(rawValue:)) }
    households = facts.facts(of: .household).map {
      .init($0, derived, HouseholdBuiltin.init(rawValue:))
    }
    events = facts.facts(of: .event).map { .init($0, derived, EventBuiltin.init(rawValue:)) }
    eventWidth = events.count
    storedEvents = .allocate(capacity: max(1, eventWidth))
    for (slot, source) in events.enumerated() {
      (storedEvents + slot).initialize(to: source?.stored ?? SituationSchema.computed)
    }
    programmes = facts.facts(of: .programme).map { ProgrammeField(rawValue: $0.name) }
    referrals = facts.facts(of: .referral).map { ReferralField(rawValue: $0.name) }
    typeNames = Dictionary(
      pack.sources.names.map { (EventTypeID($0), $0) }, uniquingKeysWith: { a, _ in a })
    variableCapacity = pack.variableCapacity
    needsDays = pack.parameters.index(of: "needs_days")
  }

  deinit { storedEvents.deallocate() }

  /// The stored fact that a slot of an event shows; nil for computed ones.
  @inline(__always)
  func storedEvent(_ slot: UInt16) -> FactID? {
    guard Int(slot) < eventWidth else { return nil }
    let fact = storedEvents[Int(slot)]
    return fact.rawValue == 0 ? nil : fact
  }

  /// How many facts persons and households have.
  var personWidth: Int { persons.count }
  var householdWidth: Int { households.count }

  func person(_ slot: UInt16) -> FactSource<PersonBuiltin>? { at(persons, slot) }
  func household(_ slot: UInt16) -> FactSource<HouseholdBuiltin>? { at(households, slot) }
  func event(_ slot: UInt16) -> FactSource<EventBuiltin>? { at(events, slot) }
  /// Whether a fact is the result of the assessment.
  func isScore(_ object: ObjectRef, _ slot: UInt16) -> Bool {
    guard object.type == ObjectKind.household.rawValue,
      case .builtin(let builtin)? = household(slot)?.kind
    else { return false }
    return [.score, .scoreUnknown, .scoreLevel, .scoreParts].contains(builtin)
  }

  func programme(_ slot: UInt16) -> ProgrammeField? { at(programmes, slot) }
  func referral(_ slot: UInt16) -> ReferralField? { at(referrals, slot) }

  /// The stored fact behind a slot, nil for computed ones.
  func storedPerson(_ slot: UInt16) -> FactID? { person(slot)?.stored }
  func storedHousehold(_ slot: UInt16) -> FactID? { household(slot)?.stored }

  func typeName(_ type: EventTypeID) -> String { typeNames[type] ?? "" }

  /// A short text as a value, made once.
  func text(_ string: String) -> Value {
    if let known = texts[string] { return known }
    let value = Value.text(string)
    if texts.count < 4096 { texts[string] = value }
    return value
  }

  /// The service of a window transaction, weight 0 where the pack does not list it.
  func service(line: FieldView?, item: FieldView?, code: FieldView?) -> Service {
    let fields = (
      line: line?.stringBytes ?? .empty, item: item?.stringBytes ?? .empty,
      code: code?.stringBytes ?? .empty
    )
    let key = SituationSchema.hash(fields.line, fields.item, fields.code)
    if let known = services[key], known.isFor(fields.line, fields.item, fields.code) {
      return known
    }
    let found = pack.services.item(
      code: code.map { String(decoding: $0.stringBytes, as: UTF8.self) },
      line: String(decoding: fields.line, as: UTF8.self),
      name: String(decoding: fields.item, as: UTF8.self))
    let service = Service(
      code: text(found?.code ?? ""), weight: found?.weight ?? 0, line: Array(fields.line),
      item: Array(fields.item), itemCode: Array(fields.code))
    if services.count < 4096 { services[key] = service }
    return service
  }

  /// FNV-1a over the three fields, each with its length.
  private static func hash(_ fields: UnsafeRawBufferPointer...) -> UInt64 {
    var hash: UInt64 = 0xCBF2_9CE4_8422_2325
    for field in fields {
      hash = (hash ^ UInt64(field.count)) &* 0x0000_0100_0000_01B3
      for byte in field { hash = (hash ^ UInt64(byte)) &* 0x0000_0100_0000_01B3 }
    }
    return hash
  }

  /// The parameters in force at a place on a day.
  func parameters(district: String, subdistrict: String, on date: CivilDate) -> ParametersInForce {
    let place = pack.parameters.placeIndex(district: district, subdistrict: subdistrict)
    let key = ParameterKey(place: place, date: date)
    if let known = resolved[key] { return known }
    let found = ParametersInForce(
      pack.parameters.resolve(on: date, district: district, subdistrict: subdistrict))
    if resolved.count > 512 { resolved.removeAll() }
    resolved[key] = found
    return found
  }

  private func at<T>(_ sources: [T?], _ slot: UInt16) -> T? {
    Int(slot) < sources.count ? sources[Int(slot)] : nil
  }
}
