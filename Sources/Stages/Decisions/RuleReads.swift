import Policy
import Records
import Vocabulary

/// What rules read, as it is found when a pack is loaded: which changes can alter an answer, what an
/// event must state, what must be on file.
extension Rulebook {
  /// Stands for "a referral of the household opened or ended" among changed facts.
  static let referralsChanged = FactID("household.referrals")

  /// Stands for "somebody moved" among changed facts: other notices of residence, such as a permit,
  /// leave everybody where they were.
  static let homeChanged = FactID("person.home")
  static let residence = FactID(rawValue: EventTypeID("notice.residence").rawValue)

  /// The changes that can alter an answer: stored facts by their identity, series and computed
  /// facts by the types of events behind them.
  static func changes(that reads: ReadSet, _ pack: PolicyPack) -> Set<FactID> {
    let facts = pack.facts
    var changes = storedChanges(that: reads, facts)
    if reads.facts.contains(where: { isScore($0, facts) }) {
      changes.formUnion(storedChanges(that: pack.assessment.reads, facts))
    }
    return changes
  }

  static func storedChanges(
    that reads: ReadSet, _ facts: FactCatalogue
  ) -> Set<FactID> {
    var changes = Set(reads.eventTypes.map { FactID(rawValue: EventTypeID($0).rawValue) })
    for slot in reads.facts {
      guard let fact = facts.definition(of: slot.object, slot: slot.slot) else { continue }
      switch fact.origin {
      // A field of an event never changes; a new event is decided as such.
      case .state: if slot.object != .event { changes.insert(fact.id) }
      case .series, .derived: break
      case .builtin:
        if slot.object == .programme || fact.type == .programmes {
          changes.formUnion(types(decisionOnAssistance))
        }
        if slot.object == .referral { changes.insert(referralsChanged) }
        changes.formUnion(computed[fact.name] ?? [])
      }
    }
    return changes
  }

  /// The conditions that read nothing but what the event states, by bit.
  static func gated(_ rule: CompiledRule, _ facts: FactCatalogue) -> UInt64 {
    rule.when.indices.prefix(64).reduce(0) { gated, at in
      readsEventOnly(rule.when[at].reads, facts) ? gated | 1 << UInt64(at) : gated
    }
  }

  /// Whether a condition reads nothing but what the event states, which never changes.
  static func readsEventOnly(_ reads: ReadSet, _ facts: FactCatalogue) -> Bool {
    guard !reads.facts.isEmpty, reads.parameters.isEmpty, reads.eventTypes.isEmpty,
      !reads.dependsOnTime
    else { return false }
    return reads.facts.allSatisfy { isStatedByEvent($0, facts) }
  }

  /// Whether a fact is one of an event that rests on nothing else.
  static func isStatedByEvent(_ slot: FactSlot, _ facts: FactCatalogue) -> Bool {
    guard slot.object == .event, let fact = facts.definition(of: slot.object, slot: slot.slot)
    else { return false }
    if case .state = fact.origin { return fact.type != .person && fact.type != .persons }
    return isAlwaysKnown(slot, facts)
  }

  /// Whether a fact is one that every event has, and that never changes.
  static func isAlwaysKnown(_ slot: FactSlot, _ facts: FactCatalogue) -> Bool {
    guard slot.object == .event, let fact = facts.definition(of: slot.object, slot: slot.slot),
      fact.origin == .builtin
    else { return false }
    return ["type", "date", "time", "service", "weight"].contains(fact.name)
  }

  /// Whether a condition reads what the event states, besides other things: it may fail by that
  /// alone. Those that go through other events are not worth asking.
  static func asksTheEvent(
    _ clause: CompiledClause, of rule: CompiledRule, _ facts: FactCatalogue
  ) -> Bool {
    let reads = clause.reads
    return clause.mentions("event", in: rule) && !readsEventOnly(reads, facts)
      && reads.facts.contains { isStatedByEvent($0, facts) }
      && !reads.facts.contains {
        facts.definition(of: $0.object, slot: $0.slot)?.type == .events
      }
  }

  /// Events of people that the stage itself acts on, besides what rules read: who lives there and
  /// who has died, whom the household asks for, visits of the ladder, and decisions on assistance.
  static let actedOn = types(
    "household.composition", "notice.death", "notice.birth", "notice.guardianship", "report.visit",
    decisionOnAssistance, "notice.retracted"
  ).union([homeChanged])
  private static let decisionOnAssistance = "assistance.decision"
  static let decision = EventTypeID(decisionOnAssistance)

  /// What a condition fails without, see `Eventful.needs`: stored facts of persons, or a decision
  /// on assistance; and whether it is the subject of whom they must be on file.
  static func needs(
    of rule: CompiledRule, _ facts: FactCatalogue, _ stranger: Stranger
  ) -> (facts: [FactID], areOfSubject: Bool) {
    for clause in rule.when {
      let reads = clause.reads
      guard reads.parameters.isEmpty, reads.eventTypes.isEmpty else { continue }
      let definitions = reads.facts.compactMap { facts.definition(of: $0.object, slot: $0.slot) }
      guard definitions.count == reads.facts.count, !definitions.isEmpty else { continue }
      if definitions.allSatisfy(restsOnProgrammes) {
        if stranger.fails(clause, of: rule) {
          return ([FactID(rawValue: decision.rawValue)], false)
        }
        continue
      }
      let stored = definitions.filter { fact in
        if case .state = fact.origin { fact.object == .person } else { false }
      }
      let others = definitions.filter { $0.object != .event }
      guard !reads.dependsOnTime, !stored.isEmpty, stored.count == others.count,
        stranger.fails(clause, of: rule)
      else { continue }
      // Nobody else is reached without a list of persons or a person.
      let areOfSubject =
        clause.variables(in: rule).isSubset(of: Set(rule.lets.map(\.name) + ["member", "event"]))
        && !definitions.contains { $0.type == .person || $0.type == .persons }
      return (stored.map(\.id).sorted(), rule.scope == .member && areOfSubject)
    }
    return ([], false)
  }

  /// Whether a fact tells of nothing but the household's programmes.
  static func restsOnProgrammes(_ fact: FactDefinition) -> Bool {
    switch fact.origin {
    case .builtin: fact.object == .programme || fact.type == .programmes
    // What it is derived from is read as well.
    case .derived: fact.object == .household
    case .state, .series: false
    }
  }

  /// Facts as bits of a list, to which they are added; 0 where it has no room for one of them.
  static func bits(of facts: [FactID], in list: inout [FactID]) -> UInt64 {
    var bits: UInt64 = 0
    for fact in facts {
      let at = list.firstIndex(of: fact) ?? list.count
      guard at < 64 else { return 0 }
      if at == list.count { list.append(fact) }
      bits |= 1 << UInt64(at)
    }
    return bits
  }

  static func isOpenReferral(_ slot: FactSlot, _ facts: FactCatalogue) -> Bool {
    slot.object == .household
      && facts.definition(of: slot.object, slot: slot.slot)?.name == "has_open_referral"
  }

  static func isScore(_ slot: FactSlot, _ facts: FactCatalogue) -> Bool {
    slot.object == .household
      && facts.definition(of: slot.object, slot: slot.slot)?.name.hasPrefix("score") == true
  }

  static func types(_ names: String...) -> Set<FactID> {
    Set(names.map { FactID(rawValue: EventTypeID($0).rawValue) })
  }

  /// What each computed fact is computed from. A composition notice changes all of them.
  static let computed: [String: Set<FactID>] = {
    let residence: Set = [homeChanged]
    let leaving = types("notice.death", "notice.birth").union(residence)
    return [
      "members": leaving, "is_member": leaving, "last_departure": leaving,
      "relation": types("notice.birth"), "self_care": [FactID("event.self_care")],
      "parents": types("notice.birth"), "known_parents": types("notice.birth"),
      "guardians": types("notice.birth", "notice.guardianship"),
      "moved_out": residence, "district": residence, "subdistrict": residence,
      "committee": residence, "programmes": types(decisionOnAssistance),
      "has_open_referral": [referralsChanged], "referrals": [referralsChanged],
      // Of the members' events.
      "needs": leaving.union([FactID("event.difficulties")]),
      "signal_events": leaving.union(types("window.transaction")),
    ]
  }()
}

extension CompiledRule {
  /// Its events announce a date that may lie far from their own.
  var isLookingAhead: Bool {
    if case .event(_, _, .some) = trigger { true } else { false }
  }
}
