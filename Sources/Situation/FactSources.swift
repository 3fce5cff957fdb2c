import Expression
import Policy
import Records
import Vocabulary

/// Where else a fact may stand than at the viewpoint that has worked it out.
struct FactUse {
  /// It can be another for another deciding event at the same time and place.
  let isOfEvent: Bool
  /// Worth taking over from another viewpoint at which it is the same. Programmes are not: they are
  /// objects of one viewpoint.
  let isShared: Bool
  /// One of these statements must have been made of its person for it to be another than of
  /// anybody, see `Statements`; 0 where that cannot be told.
  let needs: UInt64
}

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
  let use: FactUse
  let series: Unmanaged<SeriesReader>?
  let derived: Unmanaged<Program>?

  init(
    _ definition: FactDefinition, _ pack: PolicyPack, _ keeper: FactKeeper,
    _ ofEvent: FactsOfEvent, _ statements: Statements, _ builtin: (String) -> Builtin?
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
            types: events.map { EventTypeID($0) }, keep: keep,
            key: key.map { FactID("event." + $0) }))
      case .derived(let index) where pack.derived.indices.contains(index):
        kind = .derived
        program = pack.derived[index].program
      case .derived, .builtin: kind = .none
      }
    }
    let isOfEvent = ofEvent.contains(definition)
    var isStored = false
    if case .state = kind { isStored = true }
    var needs: UInt64 = 0
    if definition.object == .person {
      switch definition.origin {
      case .derived(let index) where pack.derived.indices.contains(index):
        needs = statements.needed(by: pack.derived[index].reads, pack.facts)
      case .derived, .builtin: break
      case .state, .series: needs = statements.behind(definition)
      }
    }
    use = FactUse(
      isOfEvent: isOfEvent,
      isShared: !isStored && !isOfEvent && definition.type != .programmes,
      needs: needs)
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
    _ statements: Statements, _ builtin: (String) -> Builtin?
  ) {
    let facts = pack.facts.facts(of: object)
    count = facts.count
    sources = .allocate(capacity: max(1, count))
    for (slot, fact) in facts.enumerated() {
      (sources + slot).initialize(to: FactSource(fact, pack, keeper, ofEvent, statements, builtin))
    }
  }

  deinit {
    sources.deinitialize(count: count)
    sources.deallocate()
  }

  /// All of them, for those who keep the table.
  var first: UnsafePointer<FactSource<Builtin>> { UnsafePointer(sources) }

  /// What a stored fact or a series is before any event states it; nil for others and the unknown.
  func unstated(_ fact: FactDefinition) -> Value? {
    guard let source = source(fact.slot) else { return nil }
    switch source.pointee.kind {
    case .state: return source.pointee.fallback
    case .series: return .hostList(ListStore.empty(of: fact))
    case .none, .derived, .builtin: return nil
    }
  }

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
