import Expression
import Policy
import Records
public import Vocabulary

/// What events may state of a person, as bits. Of most people most of it was never stated: then
/// what is derived from it is as for anybody, whatever the viewpoint.
final class Statements {
  /// Marks a set of bits that was found out.
  static let isKnown: UInt64 = 1 << 63
  /// The bits of stored facts, and of the types of events that series show.
  private let facts: HashedIDTable
  private let types: HashedIDTable
  /// What each stored fact and series rests on.
  private var bits: [FactSlot: UInt64] = [:]

  init(_ pack: PolicyPack) {
    var facts: [UInt32: UInt64] = [:]
    var types: [UInt32: UInt64] = [:]
    var count: UInt64 = 0
    /// A bit; nil where there is none left.
    func next() -> UInt64? {
      guard count < 63 else { return nil }
      defer { count += 1 }
      return 1 << count
    }
    for fact in pack.facts.facts(of: .person) {
      let slot = FactSlot(.person, fact.slot)
      switch fact.origin {
      case .state:
        guard let bit = next() else { continue }
        facts[fact.id.rawValue] = bit
        bits[slot] = bit
      case .series(let events, _, _):
        var all: UInt64 = 0
        for type in events.map({ EventTypeID($0).rawValue }) {
          guard let bit = types[type] ?? next() else { continue }
          types[type] = bit
          all |= bit
        }
        if events.allSatisfy({ types[EventTypeID($0).rawValue] != nil }) { bits[slot] = all }
      case .builtin, .derived: break
      }
    }
    self.facts = HashedIDTable(facts)
    self.types = HashedIDTable(types)
  }

  /// What a stored fact or a series of persons rests on; 0 where there was no bit left.
  func behind(_ fact: FactDefinition) -> UInt64 {
    bits[FactSlot(.person, fact.slot)] ?? 0
  }

  /// The bit of a stored fact of persons; 0 where it has none.
  func bit(_ fact: FactID) -> UInt64 { facts[fact.rawValue] ?? 0 }

  /// The bit of a type of events that a series of persons shows; 0 where it has none.
  func bit(_ type: EventTypeID) -> UInt64 { types[type.rawValue] ?? 0 }

  /// What a derived fact of persons rests on, if it rests on statements of its person only. 0 where
  /// it does not.
  func needed(by reads: ReadSet, _ facts: FactCatalogue) -> UInt64 {
    var needed: UInt64 = 0
    for slot in reads.facts {
      // The events read are those of series.
      if slot.object == .event { continue }
      guard slot.object == .person,
        let fact = facts.definition(of: slot.object, slot: slot.slot)
      else { return 0 }
      if case .derived = fact.origin { continue }
      guard let own = bits[slot] else { return 0 }
      needed |= own
    }
    return needed
  }

  /// What the events of a log state.
  func made(in log: EventLogView) -> UInt64 {
    var made = Statements.isKnown
    log.eachFact { made |= facts[$0.rawValue] ?? 0 }
    var last: EventTypeID?
    log.eachType { type in
      if type == last { return }
      last = type
      made |= types[type.rawValue] ?? 0
    }
    return made
  }
}

/// Facts, and their bits among the statements of a person; 0 for those that have none.
public final class StatedFacts {
  /// As they were named.
  public let facts: [FactID]
  let bits: [UInt64]

  init(facts: [FactID], bits: [UInt64]) {
    self.facts = facts
    self.bits = bits
  }
}

extension Value {
  /// Owns and refers to nothing, so that it can be kept for good.
  var isPlain: Bool {
    switch self {
    case .null, .bool, .int, .uint, .double, .timestamp, .duration, .date: true
    case .list(let list): list.elements.isEmpty
    default: false
    }
  }
}
