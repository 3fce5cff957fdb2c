internal import Expression
public import Policy
import Records
internal import Vocabulary

/// How a fact is read; made once from a pack's catalogue.
///
/// The sources of an object's facts lie in one stretch of memory: to look one up counts no
/// references. What they refer to is kept by the schema.
struct FactSource<Builtin> {
  enum Kind {
    /// A computed fact that Situation does not know.
    case none
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
  /// It can be another for another deciding event at the same time and place.
  let isOfEvent: Bool
  let series: Unmanaged<SeriesReader>?
  let derived: Unmanaged<Program>?

  init(
    _ definition: FactDefinition, _ pack: PolicyPack, _ keeper: FactKeeper,
    _ ofEvent: FactsOfEvent, _ builtin: (String) -> Builtin?
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
          fallback = keeper.text(value)
          none = keeper.text(value)
        }
      case .series(let events, let keep, let key):
        kind = .series
        series = keeper.keep(
          SeriesReader(
            types: events.map { EventTypeID($0) }, keep: keep, key: key.map { FactID("event." + $0) }
          ))
      case .derived(let index) where pack.derived.indices.contains(index):
        kind = .derived
        program = pack.derived[index].program
      case .derived, .builtin: kind = .none
      }
    }
    isOfEvent = ofEvent.contains(definition)
    self.fallback = fallback
    self.none = none
    self.series = series.map(Unmanaged.passUnretained)
    derived = program.map(Unmanaged.passUnretained)
  }

  /// The stored fact behind it, nil for computed ones.
  var stored: FactID? { if case .state = kind { fact } else { nil } }
}

/// Keeps what facts refer to for as long as the schema is there: texts come up again and again and
/// are handed out as borrowed, so that copying one counts no references.
final class FactKeeper {
  private var texts: [String: Value] = [:]
  private var memory: [UnsafeMutableRawBufferPointer] = []
  private var series: [SeriesReader] = []

  deinit { for buffer in memory { buffer.deallocate() } }

  func keep(_ reader: SeriesReader) -> SeriesReader {
    series.append(reader)
    return reader
  }

  /// A text as a value; a copy of its own where there are too many to keep.
  func text(_ string: String) -> Value {
    if let known = texts[string] { return known }
    guard texts.count < 4096 else { return .text(string) }
    let bytes = Array(string.utf8)
    let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: bytes.count, alignment: 1)
    buffer.copyBytes(from: bytes)
    memory.append(buffer)
    let value = Value.string(Text(borrowing: UnsafeRawBufferPointer(buffer)))
    texts[string] = value
    return value
  }
}

/// The facts that can be others for another deciding event at the same time and place: whom the
/// event names, whether a referral was open before it, and what is derived from that.
struct FactsOfEvent {
  private let pack: PolicyPack
  /// Whether the assessment reads any of them.
  let areReadByAssessment: Bool

  init(_ pack: PolicyPack) {
    self.pack = pack
    areReadByAssessment = FactsOfEvent.areRead(by: pack.assessment.reads, pack)
  }

  func contains(_ fact: FactDefinition) -> Bool {
    switch fact.origin {
    case .state, .series: false
    case .builtin: FactsOfEvent.isOne(fact) || areReadByAssessment && FactsOfEvent.isScore(fact)
    case .derived(let index):
      pack.derived.indices.contains(index)
        && (FactsOfEvent.areRead(by: pack.derived[index].reads, pack)
          || areReadByAssessment && readsScore(pack.derived[index].reads))
    }
  }

  private func readsScore(_ reads: ReadSet) -> Bool {
    reads.facts.contains {
      pack.facts.definition(of: $0.object, slot: $0.slot).map(FactsOfEvent.isScore) ?? false
    }
  }

  private static func areRead(by reads: ReadSet, _ pack: PolicyPack) -> Bool {
    reads.facts.contains {
      pack.facts.definition(of: $0.object, slot: $0.slot).map(isOne) ?? false
    }
  }

  private static func isOne(_ fact: FactDefinition) -> Bool {
    switch fact.object {
    case .person: fact.name == PersonBuiltin.inEvent.rawValue
    case .household: fact.name == HouseholdBuiltin.hasOpenReferral.rawValue
    default: false
    }
  }

  private static func isScore(_ fact: FactDefinition) -> Bool {
    fact.object == .household
      && HouseholdBuiltin(rawValue: fact.name).map(\.isScore) ?? false
  }
}

/// The sources of all facts of one kind of object, by slot.
final class FactTable<Builtin> {
  let count: Int
  private let sources: UnsafeMutablePointer<FactSource<Builtin>>

  init(
    _ object: ObjectKind, _ pack: PolicyPack, _ keeper: FactKeeper, _ ofEvent: FactsOfEvent,
    _ builtin: (String) -> Builtin?
  ) {
    let facts = pack.facts.facts(of: object)
    count = facts.count
    sources = .allocate(capacity: max(1, count))
    for (slot, fact) in facts.enumerated() {
      (sources + slot).initialize(to: FactSource(fact, pack, keeper, ofEvent, builtin))
    }
  }

  deinit {
    sources.deinitialize(count: count)
    sources.deallocate()
  }

  /// All of them, for those who keep the table.
  var first: UnsafePointer<FactSource<Builtin>> { UnsafePointer(sources) }

  /// The source of a slot, nil where there is none.
  @inline(__always)
  func source(_ slot: UInt16) -> UnsafePointer<FactSource<Builtin>>? {
    Int(slot) < count ? UnsafePointer(sources + Int(slot)) : nil
  }
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
    item.says(self.item) && itemCode.says(self.itemCode) && line.says(self.line)
  }
}

extension UnsafeRawBufferPointer {
  /// A hash of the bytes and their number, on top of another hash; eight bytes at a time.
  fileprivate func mixed(into start: UInt64) -> UInt64 {
    var hash = (start ^ UInt64(count)) &* 0x9E37_79B9_7F4A_7C15
    var at = 0
    while at + 8 <= count {
      hash = (hash ^ loadUnaligned(fromByteOffset: at, as: UInt64.self)) &* 0xFF51_AFD7_ED55_8CCD
      hash ^= hash >> 32
      at += 8
    }
    while at < count {
      hash = (hash ^ UInt64(self[at])) &* 0xFF51_AFD7_ED55_8CCD
      at += 1
    }
    return hash ^ hash >> 29
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
  /// Stands for the stored fact behind a computed one.
  static var computed: FactID { FactID(rawValue: 0) }
  private let programmes: [ProgrammeField?]
  private let referrals: [ReferralField?]
  private let typeNames: [EventTypeID: String]
  /// Whether the assessment reads facts that are others for another deciding event.
  let scoreIsOfEvent: Bool
  /// Rules with a disguised referral.
  private let disguised: Set<String>
  /// Services as window transactions name them, in a hash table by what they say.
  private var services: [Service?] = Array(repeating: nil, count: 8192)
  private var serviceCount = 0
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
    let ofEvent = FactsOfEvent(pack)
    persons = FactTable(.person, pack, keeper, ofEvent, PersonBuiltin.init(rawValue:))
    households = FactTable(.household, pack, keeper, ofEvent, HouseholdBuiltin.init(rawValue:))
    events = FactTable(.event, pack, keeper, ofEvent, EventBuiltin.init(rawValue:))
    storedEvents = .allocate(capacity: max(1, events.count))
    for slot in 0..<events.count {
      let stored = events.source(UInt16(slot))?.pointee.stored
      (storedEvents + slot).initialize(to: stored ?? SituationSchema.computed)
    }
    programmes = facts.facts(of: .programme).map { ProgrammeField(rawValue: $0.name) }
    referrals = facts.facts(of: .referral).map { ReferralField(rawValue: $0.name) }
    typeNames = Dictionary(
      pack.sources.names.map { (EventTypeID($0), $0) }, uniquingKeysWith: { a, _ in a })
    scoreIsOfEvent = ofEvent.areReadByAssessment
    variableCapacity = pack.variableCapacity
    needsDays = pack.parameters.index(of: "needs_days")
  }

  deinit { storedEvents.deallocate() }

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

  func programme(_ slot: UInt16) -> ProgrammeField? { at(programmes, slot) }
  func referral(_ slot: UInt16) -> ReferralField? { at(referrals, slot) }

  /// The stored fact behind a slot, nil for computed ones.
  func storedPerson(_ slot: UInt16) -> FactID? { persons.source(slot)?.pointee.stored }
  func storedHousehold(_ slot: UInt16) -> FactID? { households.source(slot)?.pointee.stored }

  func typeName(_ type: EventTypeID) -> String { typeNames[type] ?? "" }

  /// A short text as a value, made once.
  func text(_ string: String) -> Value { keeper.text(string) }

  /// The service of a window transaction, weight 0 where the pack does not list it.
  func service(line: FieldView?, item: FieldView?, code: FieldView?) -> Service {
    let fields = (
      line: line?.stringBytes ?? .empty, item: item?.stringBytes ?? .empty,
      code: code?.stringBytes ?? .empty
    )
    let hash = fields.line.mixed(into: fields.item.mixed(into: fields.code.mixed(into: 0)))
    // Half of the slots are free at least.
    let mask = UInt64(services.count - 1)
    var at = (hash >> 32) & mask
    while let known = services[Int(at)] {
      if known.isFor(fields.line, fields.item, fields.code) { return known }
      at = (at + 1) & mask
    }
    let found = pack.services.item(
      code: code.map { String(decoding: $0.stringBytes, as: UTF8.self) },
      line: String(decoding: fields.line, as: UTF8.self),
      name: String(decoding: fields.item, as: UTF8.self))
    let service = Service(
      code: text(found?.code ?? ""), weight: found?.weight ?? 0, line: Array(fields.line),
      item: Array(fields.item), itemCode: Array(fields.code))
    if serviceCount < services.count / 2 {
      services[Int(at)] = service
      serviceCount += 1
    }
    return service
  }

  /// The place asked for last, which mostly is the next one too.
  private var lastPlace = (district: "", subdistrict: "", index: -1)

  private func placeIndex(_ district: String, _ subdistrict: String) -> Int {
    if lastPlace.index < 0 || lastPlace.subdistrict != subdistrict || lastPlace.district != district
    {
      let index = pack.parameters.placeIndex(district: district, subdistrict: subdistrict)
      lastPlace = (district, subdistrict, index)
    }
    return lastPlace.index
  }

  /// The parameters in force at a place on a day.
  func parameters(district: String, subdistrict: String, on date: CivilDate) -> ParametersInForce {
    let key = ParameterKey(place: placeIndex(district, subdistrict), date: date)
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
