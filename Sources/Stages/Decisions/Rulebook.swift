import Policy
import Records
import Vocabulary

/// A set of facts as bits. Two facts may share a bit where a pack has more than 256: a rule is then
/// decided once too often, never too rarely.
struct FactMask: Equatable, Sendable {
  private var words = SIMD4<UInt64>.zero

  mutating func insert(_ bit: Int) { words[(bit >> 6) & 3] |= 1 << UInt64(bit & 63) }

  func union(_ other: FactMask) -> FactMask {
    var result = self
    result.words |= other.words
    return result
  }

  func touches(_ other: FactMask) -> Bool { words & other.words != .zero }
}

/// A set of event types that is asked for every event of every household: a hash table without
/// hashing, since the ids are hashes already.
struct EventTypeSet: Sendable {
  private var slots: [EventTypeID?]

  init(_ types: [EventTypeID]) {
    let distinct = Set(types)
    var capacity = 16
    while capacity < distinct.count * 4 { capacity *= 2 }
    slots = Array(repeating: nil, count: capacity)
    for type in distinct {
      var at = Int(type.rawValue) & (capacity - 1)
      while slots[at] != nil { at = (at + 1) & (capacity - 1) }
      slots[at] = type
    }
  }

  func contains(_ type: EventTypeID) -> Bool {
    var at = Int(type.rawValue) & (slots.count - 1)
    while let known = slots[at] {
      if known == type { return true }
      at = (at + 1) & (slots.count - 1)
    }
    return false
  }
}

/// The rules of a pack, arranged for deciding.
final class Rulebook {
  /// Rules without events, in order of id.
  let situationRules: [Situational]
  /// Rules with events, in order of id.
  let eventRules: [Eventful]
  /// Every type that triggers a rule.
  let triggerTypes: EventTypeSet
  /// Stands for the pack in `EventAnswers`.
  let policyTag: UInt64
  private let byID: [String: CompiledRule]
  private let bits: [FactID: Int]

  /// A situation rule and what can change its answer.
  final class Situational {
    let rule: CompiledRule
    let reads: FactMask

    init(rule: CompiledRule, reads: FactMask) {
      self.rule = rule
      self.reads = reads
    }
  }

  /// An event rule, the types that trigger it, and what can change its answer.
  final class Eventful {
    let rule: CompiledRule
    let types: [EventTypeID]
    let holdsNow: Bool
    let looksAhead: LookAhead?
    /// Conditions on the event alone: what fails one of them never matches, whoever asks when.
    let gates: [CompiledClause]
    let reads: FactMask
    /// The rule's place in `EventAnswers`; nil where there is none left.
    let bit: Int?
    /// Whether the answer for an event's day rests on facts of that day alone.
    let isSettledByDay: Bool

    init(
      rule: CompiledRule, types: [EventTypeID], holdsNow: Bool, looksAhead: LookAhead?,
      gates: [CompiledClause], reads: FactMask, bit: Int?, isSettledByDay: Bool
    ) {
      self.rule = rule
      self.types = types
      self.holdsNow = holdsNow
      self.looksAhead = looksAhead
      self.gates = gates
      self.reads = reads
      self.bit = bit
      self.isSettledByDay = isSettledByDay
    }
  }

  init(pack: PolicyPack) {
    var situational: [Situational] = []
    var eventful: [Eventful] = []
    var bits: [FactID: Int] = [:]
    for rule in pack.rules {
      var reads = FactMask()
      var changes = Rulebook.changes(that: rule.reads, pack.facts)
      if rule.reads.facts.contains(where: { Rulebook.isScore($0, pack.facts) }) {
        changes.formUnion(Rulebook.changes(that: pack.assessment.reads, pack.facts))
      }
      if rule.scope == .member, !rule.outlivesSubject {
        changes.formUnion(Rulebook.types("notice.death"))
      }
      // Without a subject of its own, a member rule speaks of all members.
      if rule.scope == .member, rule.subject == nil {
        changes.formUnion(Rulebook.computed["members"] ?? [])
      }
      for fact in changes.sorted() {
        let bit = bits[fact] ?? bits.count
        bits[fact] = bit
        reads.insert(bit)
      }
      switch rule.trigger {
      case .situation: situational.append(Situational(rule: rule, reads: reads))
      case .event(let types, let holdsNow, let looksAhead):
        eventful.append(
          Eventful(
            rule: rule, types: types.map { EventTypeID($0) }, holdsNow: holdsNow,
            looksAhead: looksAhead,
            gates: rule.when.filter { Rulebook.readsEventOnly($0.reads, pack.facts) },
            reads: reads, bit: eventful.count < EventAnswers.capacity ? eventful.count : nil,
            isSettledByDay: rule.scope == .household && looksAhead == nil
              && !changes.contains(Rulebook.referralsChanged)))
      case .engine: break
      }
    }
    situationRules = situational
    eventRules = eventful
    triggerTypes = EventTypeSet(eventful.flatMap(\.types))
    self.bits = bits
    policyTag = pack.digest.utf8.reduce(0xCBF2_9CE4_8422_2325) {
      ($0 ^ UInt64($1)) &* 0x0000_0100_0000_01B3
    }
    byID = Dictionary(pack.rules.map { ($0.id, $0) }, uniquingKeysWith: { first, _ in first })
  }

  func rule(_ id: String) -> CompiledRule? { byID[id] }

  /// Changed facts as bits; what no rule reads is left out.
  func mask(_ facts: [FactID]) -> FactMask {
    var mask = FactMask()
    for fact in facts { if let bit = bits[fact] { mask.insert(bit) } }
    return mask
  }

  /// Stands for "a referral of the household opened or ended" among changed facts.
  static let referralsChanged = FactID("household.referrals")

  /// The changes that can alter an answer: stored facts by their identity, series and computed
  /// facts by the types of events behind them.
  private static func changes(that reads: ReadSet, _ facts: FactCatalogue) -> Set<FactID> {
    var changes = Set(reads.eventTypes.map { FactID(rawValue: EventTypeID($0).rawValue) })
    for slot in reads.facts {
      guard let fact = facts.definition(of: slot.object, slot: slot.slot) else { continue }
      switch fact.origin {
      // A field of an event never changes; a new event is decided as such.
      case .state: if slot.object != .event { changes.insert(fact.id) }
      case .series, .derived: break
      case .builtin:
        if slot.object == .programme || fact.type == .programmes {
          changes.formUnion(types("assistance.decision"))
        }
        if slot.object == .referral { changes.insert(referralsChanged) }
        changes.formUnion(computed[fact.name] ?? [])
      }
    }
    return changes
  }

  /// Whether a condition reads nothing but what the event states, which never changes.
  private static func readsEventOnly(_ reads: ReadSet, _ facts: FactCatalogue) -> Bool {
    guard !reads.facts.isEmpty, reads.parameters.isEmpty, reads.eventTypes.isEmpty,
      !reads.dependsOnTime
    else { return false }
    return reads.facts.allSatisfy { slot in
      guard slot.object == .event,
        let fact = facts.definition(of: slot.object, slot: slot.slot)
      else { return false }
      if case .state = fact.origin { return fact.type != .person && fact.type != .persons }
      return ["type", "date", "time", "service", "weight"].contains(fact.name)
    }
  }

  private static func isScore(_ slot: FactSlot, _ facts: FactCatalogue) -> Bool {
    slot.object == .household
      && facts.definition(of: slot.object, slot: slot.slot)?.name.hasPrefix("score") == true
  }

  private static func types(_ names: String...) -> Set<FactID> {
    Set(names.map { FactID(rawValue: EventTypeID($0).rawValue) })
  }

  /// What each computed fact is computed from. A composition notice changes all of them.
  private static let computed: [String: Set<FactID>] = {
    let residence = types("notice.residence")
    let leaving = types("notice.death", "notice.residence", "notice.birth")
    let reports = types("report.visit", "report.tip", "report.hotline", "window.transaction")
    return [
      "members": leaving, "is_member": leaving, "last_departure": leaving,
      "relation": types("notice.birth"), "self_care": types("report.visit"),
      "parents": types("notice.birth"), "known_parents": types("notice.birth"),
      "guardians": types("notice.birth", "notice.guardianship"),
      "moved_out": residence, "district": residence, "subdistrict": residence,
      "committee": residence, "programmes": types("assistance.decision"),
      "has_open_referral": [referralsChanged], "referrals": [referralsChanged],
      "needs": reports, "signal_events": types("window.transaction"),
    ]
  }()
}
