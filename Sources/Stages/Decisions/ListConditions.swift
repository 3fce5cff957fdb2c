import Expression
import Policy
import Records
import Situation
import Vocabulary

/// What an event rule asks of each event of the lists it goes through: an event that fails that
/// changes nothing for it, and without enough others the rule fails for every event.
final class ListConditions {
  /// How the rule goes through a list.
  struct Use {
    let list: EventList
    /// On an event of the list alone; what fails one is as if it were not there.
    let conditions: ProgramRow
  }

  /// So many events, or so much of what each of them adds, a condition of the rule asks for.
  struct Threshold {
    let use: Use
    /// What an event adds; nil: 1.
    let number: Program?
    /// The least that is asked for, at any time and place.
    let least: Int64
  }

  let uses: [Use]
  /// The types of events that reach the rule through these lists only.
  let changes: FactMask
  /// The rule fails for every event where less is on file than any of them asks for.
  let thresholds: [Threshold]

  init(of rule: CompiledRule, _ pack: PolicyPack, _ mask: (Set<FactID>) -> FactMask) {
    var uses: [Use] = []
    var reads = rule.reads
    let others = ListConditions.readsOfOthers(rule, pack)
    for (slot, found) in rule.eventLists where !others.contains(slot) {
      let made = found.compactMap { ListConditions.use($0, pack) }
      guard made.count == found.count else { continue }
      uses += made
      reads = reads.without(slot, pack.facts)
    }
    self.uses = uses
    let types = Set(uses.flatMap(\.list.types).map { FactID(rawValue: $0.rawValue) })
    changes = mask(types.subtracting(Rulebook.changes(that: reads, pack)))
    thresholds = rule.isLookingAhead ? [] : rule.when.compactMap {
      ListConditions.threshold($0, pack)
    }
  }

  /// Whether a change of an event's type may concern some threshold.
  func counts(_ type: EventTypeID) -> Bool {
    thresholds.contains { $0.use.list.types.contains(type) }
  }

  /// The facts that derived facts and the assessment read for the rule: how is not known here.
  private static func readsOfOthers(_ rule: CompiledRule, _ pack: PolicyPack) -> Set<FactSlot> {
    var others: Set<FactSlot> = []
    for slot in rule.reads.facts {
      guard let fact = pack.facts.definition(of: slot.object, slot: slot.slot) else { continue }
      if case .derived(let index) = fact.origin {
        others.formUnion(pack.derived[index].reads.facts)
      }
      if Rulebook.isScore(slot, pack.facts) { others.formUnion(pack.assessment.reads.facts) }
    }
    return others
  }

  /// Nil where it says nothing of an event by what that states alone.
  private static func use(_ use: EventListUse, _ pack: PolicyPack) -> Use? {
    guard let fact = pack.facts.definition(of: use.list.object, slot: use.list.slot),
      let list = EventList(fact)
    else { return nil }
    let conditions = use.conditions.filter { Rulebook.readsEventOnly($0.reads, pack.facts) }
    guard !conditions.isEmpty else { return nil }
    return Use(list: list, conditions: ProgramRow(conditions.map(\.program)))
  }

  /// Nil where the condition could be unknown, or might hold whatever is on file.
  private static func threshold(_ clause: CompiledClause, _ pack: PolicyPack) -> Threshold? {
    guard let threshold = clause.threshold, let use = use(threshold.use, pack),
      clause.reads.facts.allSatisfy({
        $0 == threshold.use.list || Rulebook.isAlwaysKnown($0, pack.facts)
      })
    else { return nil }
    if let number = threshold.number, !Rulebook.readsEventOnly(number.reads, pack.facts) {
      return nil
    }
    let least: Int64? =
      switch threshold.limit {
      case .number(let number): number
      case .parameter(let index): pack.parameters.least(index)
      }
    return least.map {
      Threshold(use: use, number: threshold.number?.program, least: $0)
    }
  }
}

extension RuleEvaluation {
  /// Whether the rule may see an event of a person in one of its lists, or see another one because
  /// of it.
  func sees(_ eventful: Rulebook.Eventful, _ index: Int, of person: PersonView, owner: Int) -> Bool
  {
    eventful.lists.uses.contains { use in
      let log = person.log
      if use.list.mayShow(index, of: person), mayPass(use, eventful, index, owner) { return true }
      return (0..<log.eventCount).contains { other in
        other != index && use.list.areOne(index, other, in: log)
          && mayPass(use, eventful, other, owner)
      }
    }
  }

  /// Whether an event of a person may add to one of the rule's thresholds.
  func adds(_ eventful: Rulebook.Eventful, _ index: Int, of person: PersonView, owner: Int) -> Bool
  {
    eventful.lists.thresholds.contains {
      $0.use.list.mayShow(index, of: person) && mayPass($0.use, eventful, index, owner)
    }
  }

  /// Whether the rule fails for every event, since too little is on file for one of its conditions.
  ///
  /// - Parameter persons: those of the file that is loaded.
  func isShort(_ eventful: Rulebook.Eventful, _ persons: [PersonOnFile]) -> Bool {
    eventful.lists.thresholds.contains { threshold in
      var sum: Int64 = 0
      for owner in persons.indices {
        sum &+= most(threshold, eventful, persons[owner].view, owner)
        if sum >= threshold.least { return false }
      }
      return true
    }
  }

  /// The most that the events of a person add up to; the threshold itself where that is not known.
  private func most(
    _ threshold: ListConditions.Threshold, _ eventful: Rulebook.Eventful, _ person: PersonView,
    _ owner: Int
  ) -> Int64 {
    let list = threshold.use.list
    let log = person.log
    /// What the last stage of each transaction and the like adds at most.
    var added: [(key: FieldView?, number: Int64)] = []
    var sum: Int64 = 0
    var next = list.first(in: log, from: 0)
    while next < log.eventCount {
      let index = next
      next = list.first(in: log, from: index + 1)
      guard list.mayShow(index, of: person), mayPass(threshold.use, eventful, index, owner) else {
        continue
      }
      guard let number = number(threshold) else { return threshold.least }
      let key = list.key(of: index, in: log)
      if let former = added.firstIndex(where: { list.areOne($0.key, key) }) {
        let more = max(0, number - added[former].number)
        added[former].number += more
        sum &+= more
      } else {
        if added.isEmpty { added.reserveCapacity(8) }
        added.append((key, number))
        sum &+= number
      }
      if sum >= threshold.least { return threshold.least }
    }
    return sum
  }

  /// What the event that was asked about last adds, at least nothing; nil where that is not known.
  private func number(_ threshold: ListConditions.Threshold) -> Int64? {
    guard let program = threshold.number else { return 1 }
    guard let number = program.evaluate(context).intValue else { return nil }
    // Below the threshold nothing can overflow.
    return min(max(0, number), threshold.least)
  }

  /// Whether no condition on the event alone is certain to fail.
  private func mayPass(
    _ use: ListConditions.Use, _ eventful: Rulebook.Eventful, _ index: Int, _ owner: Int
  ) -> Bool {
    begin(eventful.rule, subject: nil, event: EventPosition(owner: owner, index: index))
    return !(0..<use.conditions.count).contains {
      if case .fails = use.conditions.decide($0, context) { true } else { false }
    }
  }
}
