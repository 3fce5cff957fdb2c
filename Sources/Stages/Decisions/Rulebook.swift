import Expression
import Policy
import Records
import Situation
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

  func subtracting(_ other: FactMask) -> FactMask {
    var result = self
    result.words &= ~other.words
    return result
  }

  func touches(_ other: FactMask) -> Bool { words & other.words != .zero }
}

/// The rules of a pack, arranged for deciding.
final class Rulebook {
  /// Rules without events, in order of id.
  let situationRules: ObjectRow<Situational>
  /// Rules with events, in order of id.
  let eventRules: ObjectRow<Eventful>
  /// The event rules that each type triggers, by bit. Rules beyond `EventAnswers.capacity` have
  /// none, so that a type can be here without a bit.
  private let triggers: HashedIDTable
  /// What any situation rule reads.
  let situationReads: FactMask
  /// What the stage itself acts on.
  let readByStage: FactMask
  /// The event rules that ask for so many events, and those that count each type, by bit.
  let counting: [Eventful]
  private let counted: HashedIDTable
  /// The facts that event rules need, and the changes that can bring them.
  let needed: [FactID]
  /// What event rules need, with their bits; of those that need something.
  let needs: [(facts: UInt64, rule: UInt64)]
  let neededChanges: FactMask
  /// The event rules about the people whom the event names, which fail for each of whom they need
  /// nothing is on file, by bit.
  let needingOfOwn: UInt64
  /// The event rules that look ahead, by bit.
  let lookingAhead: UInt64
  /// The event rules that ask for open referrals, by bit.
  let askingForReferrals: UInt64
  /// The rules of the visits after an exit and of those missed, if the pack has them.
  let visitLadder: CompiledRule?
  let missedVisit: CompiledRule?
  /// Parameters of the engine.
  let terms: EngineTerms
  /// Stands for the pack in `EventAnswers`.
  let policyTag: UInt64
  private let byID: [String: CompiledRule]
  private let eventRulesByID: [String: Eventful]
  private let bits: HashedIDTable

  /// A situation rule and what can change its answer.
  final class Situational {
    let rule: CompiledRule
    let reads: FactMask
    /// Conditions and exceptions that have a bit, and their bits alone.
    private let clauses: [Clause]
    private let bits: [UInt64]
    /// What can change whom it is about.
    private let subjectReads: FactMask
    /// Whether it asks for open referrals, among which its own do not count.
    let asksForOpenReferrals: Bool
    /// Its first conditions that say the same of everybody.
    let common: CommonConditions

    /// A condition or an exception, its bit in `HouseholdBrief.Outlook.standing`, and what can
    /// change whether it holds.
    struct Clause {
      let bit: UInt64
      let reads: FactMask
    }

    init(
      rule: CompiledRule, reads: FactMask, clauses: [Clause], subjectReads: FactMask,
      asksForOpenReferrals: Bool
    ) {
      self.asksForOpenReferrals = asksForOpenReferrals
      common = CommonConditions(of: rule)
      self.rule = rule
      self.reads = reads
      self.clauses = clauses
      bits = clauses.map(\.bit)
      self.subjectReads = subjectReads
    }

    /// All its bits.
    var mask: UInt64 { bits.reduce(0, |) }

    /// The bit of the clause that the rule fails by; 0 where it has none.
    func bit(of failure: Failure) -> UInt64 {
      switch failure {
      case .condition(let at): bits[at]
      case .exception(let at): bits[rule.conditions.count + at]
      default: 0
      }
    }

    /// Whether the rule still fails for everybody after a change: each of the clauses that decided
    /// last reads nothing that changed.
    func fails(_ standing: UInt64, after changed: FactMask) -> Bool {
      var isStanding = false
      for clause in clauses where standing & clause.bit != 0 {
        if changed.touches(clause.reads) { return false }
        isStanding = true
      }
      return isStanding && !changed.touches(subjectReads)
    }
  }

  /// Where the engine's own terms lie among the parameters; nil where the pack has none.
  struct EngineTerms {
    let eventWindow: Int?
    /// By urgency.
    let claim: [Int?]
    let overdueSecond: Int?
    let resourceAnswer: Int?

    init(_ parameters: ParameterTable) {
      eventWindow = parameters.index(of: "event_window")
      claim = (0...4).map { parameters.index(of: "claim_p\($0)") }
      overdueSecond = parameters.index(of: "overdue_second")
      resourceAnswer = parameters.index(of: "resource_answer")
    }
  }

  /// An event rule, the types that trigger it, and what can change its answer.
  final class Eventful {
    let rule: CompiledRule
    let types: [EventTypeID]
    let holdsNow: Bool
    let looksAhead: LookAhead?
    /// Conditions on the event alone: what fails one of them never matches, whoever asks when.
    let gates: ProgramRow
    /// The same conditions among all, by bit.
    let gated: UInt64
    /// Other conditions that an event may fail alone, by what they find first.
    let conditionsOnEvent: ProgramRow
    /// Its first conditions that say the same of everybody.
    let common: CommonConditions
    /// What must be on file for the rule to fire for any event, as bits of `Rulebook.needed`: one
    /// of them, since by the defaults of all a condition fails. 0 where there is no such condition.
    let needs: UInt64
    /// The changes that can bring it.
    let neededChanges: FactMask
    /// What must be on file of its subject, likewise; none where there is no such condition.
    let neededOfSubject: [FactID]
    let reads: FactMask
    /// The rule's bit in `EventAnswers`; 0 where there is none left.
    let mask: UInt64
    /// Whether the answer for an event's day rests on facts of that day alone.
    let isSettledByDay: Bool
    /// Whether it asks for open referrals, which count only from before its event.
    let asksForOpenReferrals: Bool
    /// Which stages of a window transaction are one event to the rule; nil where none are.
    let stages: TransactionStages?
    /// What it asks of each event of the lists it goes through.
    let lists: ListConditions

    init(
      rule: CompiledRule, types: [EventTypeID], holdsNow: Bool, looksAhead: LookAhead?,
      gates: ProgramRow, gated: UInt64, conditionsOnEvent: ProgramRow, needs: UInt64,
      neededChanges: FactMask, neededOfSubject: [FactID], reads: FactMask, mask: UInt64,
      isSettledByDay: Bool, asksForOpenReferrals: Bool, stages: TransactionStages?,
      lists: ListConditions
    ) {
      self.lists = lists
      self.stages = stages
      self.neededChanges = neededChanges
      self.neededOfSubject = neededOfSubject
      self.rule = rule
      self.types = types
      self.holdsNow = holdsNow
      self.looksAhead = looksAhead
      self.gates = gates
      self.gated = gated
      self.conditionsOnEvent = conditionsOnEvent
      common = CommonConditions(of: rule)
      self.needs = needs
      self.reads = reads
      self.mask = mask
      self.isSettledByDay = isSettledByDay
      self.asksForOpenReferrals = asksForOpenReferrals
    }
  }

  init(pack: PolicyPack) {
    var situational: [Situational] = []
    var eventful: [Eventful] = []
    var bits = FactBits()
    var clauseCount = 0
    var needed: [FactID] = []
    let stranger = Stranger(pack)
    for rule in pack.rules {
      var changes = Rulebook.changes(that: rule.reads, pack)
      var subjects: Set<FactID> = []
      if rule.scope == .member, !rule.outlivesSubject {
        subjects.formUnion(Rulebook.types("notice.death"))
      }
      // Without a subject of its own, a member rule speaks of all members.
      if rule.scope == .member, rule.subject == nil {
        subjects.formUnion(Rulebook.computed["members"] ?? [])
      }
      changes.formUnion(subjects)
      let reads = bits.mask(changes)
      let asksForOpenReferrals = rule.reads.facts.union(pack.assessment.reads.facts)
        .contains { Rulebook.isOpenReferral($0, pack.facts) }
      switch rule.trigger {
      case .situation:
        // A subject of its own may be read from anything.
        let subjectReads = rule.subject == nil ? bits.mask(subjects) : reads
        let clauses = (rule.when + rule.unless).map { clause in
          defer { clauseCount += 1 }
          return Situational.Clause(
            bit: clauseCount < 64 ? 1 << UInt64(clauseCount) : 0,
            reads: bits.mask(Rulebook.changes(that: clause.reads, pack)))
        }
        situational.append(
          Situational(
            rule: rule, reads: reads, clauses: clauses, subjectReads: subjectReads,
            asksForOpenReferrals: asksForOpenReferrals))
      case .event(let types, let holdsNow, let looksAhead):
        let isSettledByDay =
          rule.scope == .household && looksAhead == nil
          && !changes.contains(Rulebook.referralsChanged)
        let needs = Rulebook.needs(of: rule, pack.facts, stranger)
        eventful.append(
          Eventful(
            rule: rule, types: types.map { EventTypeID($0) }, holdsNow: holdsNow,
            looksAhead: looksAhead,
            gates: ProgramRow(
              rule.when.filter { Rulebook.readsEventOnly($0.reads, pack.facts) }.map(\.program)),
            gated: Rulebook.gated(rule, pack.facts),
            conditionsOnEvent: ProgramRow(
              rule.when.filter { Rulebook.asksTheEvent($0, of: rule, pack.facts) }.map(\.program)),
            needs: Rulebook.bits(of: needs.facts, in: &needed),
            neededChanges: bits.mask(Set(needs.facts)),
            neededOfSubject: needs.areOfSubject ? needs.facts : [], reads: reads,
            mask: eventful.count < EventAnswers.capacity ? 1 << UInt64(eventful.count) : 0,
            isSettledByDay: isSettledByDay, asksForOpenReferrals: asksForOpenReferrals,
            stages: isSettledByDay ? TransactionStages(of: rule.reads, pack.facts) : nil,
            lists: ListConditions(of: rule, pack) { bits.mask($0) }))
      case .engine: break
      }
    }
    situationRules = ObjectRow(situational)
    eventRules = ObjectRow(eventful)
    counting = eventful.filter { !$0.lists.thresholds.isEmpty }
    counted = HashedIDTable(
      counting.reduce(into: [:]) { counted, rule in
        for type in rule.lists.thresholds.flatMap(\.use.list.types) {
          counted[type.rawValue, default: 0] |= rule.mask
        }
      })
    neededChanges = eventful.reduce(FactMask()) { $0.union($1.neededChanges) }
    self.needed = needed
    readByStage = bits.mask(Rulebook.actedOn)
    situationReads = situational.reduce(FactMask()) { $0.union($1.reads) }
    triggers = HashedIDTable(
      eventful.reduce(into: [:]) { triggers, rule in
        for type in rule.types { triggers[type.rawValue, default: 0] |= rule.mask }
      })
    self.bits = bits.table
    needs = eventful.filter { $0.needs != 0 }.map { ($0.needs, $0.mask) }
    needingOfOwn = eventful.reduce(0) { bits, rule in
      rule.neededOfSubject.isEmpty || rule.rule.subject?.source != "event.own"
        ? bits : bits | rule.mask
    }
    lookingAhead = eventful.reduce(0) { $1.looksAhead == nil ? $0 : $0 | $1.mask }
    askingForReferrals = eventful.reduce(0) { $1.asksForOpenReferrals ? $0 | $1.mask : $0 }
    visitLadder = pack.rule(.visitLadder)
    missedVisit = pack.rule(.missedVisit)
    terms = EngineTerms(pack.parameters)
    policyTag = pack.digest.utf8.reduce(0xCBF2_9CE4_8422_2325) {
      ($0 ^ UInt64($1)) &* 0x0000_0100_0000_01B3
    }
    eventRulesByID = Dictionary(
      eventful.map { ($0.rule.id, $0) }, uniquingKeysWith: { first, _ in first })
    byID = Dictionary(pack.rules.map { ($0.id, $0) }, uniquingKeysWith: { first, _ in first })
  }

  /// Gives bits to facts.
  private struct FactBits {
    private var bits: [FactID: Int] = [:]

    mutating func mask(_ facts: Set<FactID>) -> FactMask {
      var mask = FactMask()
      for fact in facts.sorted() {
        let bit = bits[fact] ?? bits.count
        bits[fact] = bit
        mask.insert(bit)
      }
      return mask
    }

    var table: HashedIDTable {
      HashedIDTable(Dictionary(uniqueKeysWithValues: bits.map { ($0.rawValue, UInt64($1)) }))
    }
  }

  /// The event rules beyond those that have a bit.
  var eventRulesWithoutBit: Slice<ObjectRow<Eventful>> {
    eventRules.dropFirst(EventAnswers.capacity)
  }

  /// The event rules with some bits, in order of id.
  func eventRules(_ bits: UInt64) -> RulesByBit { RulesByBit(rules: eventRules, left: bits) }

  /// Goes through event rules by their bits: the first rules have those of their places.
  struct RulesByBit: Sequence, IteratorProtocol {
    fileprivate let rules: ObjectRow<Eventful>
    fileprivate var left: UInt64

    mutating func next() -> Eventful? {
      if left == 0 { return nil }
      defer { left &= left &- 1 }
      return rules[left.trailingZeroBitCount]
    }
  }

  func rule(_ id: String) -> CompiledRule? { byID[id] }
  func situationRule(_ id: String) -> Situational? { situationRules.first { $0.rule.id == id } }
  func eventRule(_ id: String) -> Eventful? { eventRulesByID[id] }

  /// Changed facts as bits; what no rule reads is left out.
  func mask(_ facts: [FactID]) -> FactMask {
    var mask = FactMask()
    for fact in facts { insert(fact, into: &mask) }
    return mask
  }

  /// Adds a changed fact, unless no rule reads it.
  func insert(_ fact: FactID, into mask: inout FactMask) {
    if let bit = bits[fact.rawValue] { mask.insert(Int(bit)) }
  }

  /// The event rules that a type triggers, by bit; nil where it triggers none.
  func rules(triggeredBy type: EventTypeID) -> UInt64? { triggers[type.rawValue] }

  /// The event rules that count events of a type, by bit.
  func rules(counting type: EventTypeID) -> UInt64 { counted[type.rawValue] ?? 0 }
}
