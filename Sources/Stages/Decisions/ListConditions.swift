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
    /// What they say.
    let sources: [String]

    func isTheSame(as other: Use) -> Bool { list == other.list && sources == other.sources }
  }

  /// So many events of a list, or so much of what each of them adds, conditions of the rule ask
  /// for.
  final class Thresholds {
    static let capacity = 4
    let use: Use
    /// What an event adds for the conditions that ask for so much of it. The others, which count
    /// events, come behind them.
    let numbers: ProgramRow
    /// The least that each of the conditions asks for, at any time and place; 0 beyond them.
    let least: SIMD4<Int64>

    init(_ use: Use, _ conditions: [Threshold]) {
      self.use = use
      let summing = conditions.filter { $0.number != nil }
      numbers = ProgramRow(summing.compactMap(\.number))
      var least = SIMD4<Int64>.zero
      for (at, condition) in (summing + conditions.filter { $0.number == nil }).enumerated() {
        least[at] = condition.least
      }
      self.least = least
    }
  }

  /// What one condition asks for.
  struct Threshold {
    let use: Use
    /// What an event adds; nil: 1.
    let number: Program?
    let least: Int64
  }

  let uses: [Use]
  /// The types of events that reach the rule through these lists only.
  let changes: FactMask
  /// The rule fails for every event where less is on file than any of them asks for.
  let thresholds: ObjectRow<Thresholds>

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
    thresholds = ObjectRow(rule.isLookingAhead ? [] : ListConditions.thresholds(rule, pack))
  }

  /// The thresholds of a rule; those on the same events of a list are found by going through it
  /// once.
  private static func thresholds(_ rule: CompiledRule, _ pack: PolicyPack) -> [Thresholds] {
    var groups: [[Threshold]] = []
    for next in rule.when.compactMap({ ListConditions.threshold($0, pack) }) {
      let at = groups.firstIndex {
        $0.count < Thresholds.capacity && $0[0].use.isTheSame(as: next.use)
      }
      if let at { groups[at].append(next) } else { groups.append([next]) }
    }
    return groups.map { Thresholds($0[0].use, $0) }
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
    return Use(
      list: list, conditions: ProgramRow(conditions.map(\.program)),
      sources: conditions.map(\.program.source))
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
      Threshold(use: use, number: threshold.number?.program, least: max(0, $0))
    }
  }
}

extension RuleEvaluation {
  /// Whether the rule may see an event of a person in one of its lists, or see another one because
  /// of it.
  func sees(_ eventful: Rulebook.Eventful, _ index: Int, of person: PersonView, owner: Int) -> Bool
  {
    var hint = 0
    return eventful.lists.uses.contains { use in
      if use.list.mayShow(index, of: person, near: &hint), mayPass(use, eventful, index, owner) {
        return true
      }
      return (0..<person.log.eventCount).contains { other in
        other != index && use.list.areOne(index, other, in: person.log)
          && mayPass(use, eventful, other, owner)
      }
    }
  }

  /// Whether an event of a person may add to one of the rule's thresholds.
  func adds(_ eventful: Rulebook.Eventful, _ index: Int, of person: PersonView, owner: Int) -> Bool
  {
    var hint = 0
    return eventful.lists.thresholds.contains {
      $0.use.list.mayShow(index, of: person, near: &hint)
        && mayPass($0.use, eventful, index, owner)
    }
  }

  /// Whether the rule fails for every event, since too little is on file for one of its conditions.
  ///
  /// - Parameter persons: those of the file that is loaded.
  func isShort(_ eventful: Rulebook.Eventful, _ persons: [PersonOnFile]) -> Bool {
    let thresholds = eventful.lists.thresholds
    return (0..<thresholds.count).contains { at in
      thresholds.at(at) { isShort($0, eventful, persons) }
    }
  }

  private func isShort(
    _ thresholds: ListConditions.Thresholds, _ eventful: Rulebook.Eventful,
    _ persons: [PersonOnFile]
  ) -> Bool {
    var sums = SIMD4<Int64>.zero
    for owner in persons.indices {
      add(thresholds, eventful, persons[owner].view, owner, to: &sums)
      if all(sums .>= thresholds.least) { return false }
    }
    return true
  }

  /// Adds the most that the events of a person add up to, as far as it is needed.
  private func add(
    _ thresholds: ListConditions.Thresholds, _ eventful: Rulebook.Eventful, _ person: PersonView,
    _ owner: Int, to sums: inout SIMD4<Int64>
  ) {
    let list = thresholds.use.list
    let log = person.log
    added.removeAll(keepingCapacity: true)
    var hint = 0
    var keyHint = 0
    var next = list.first(in: log, from: 0)
    while next < log.eventCount {
      let index = next
      next = list.first(in: log, from: index + 1)
      guard list.mayShow(index, of: person, near: &hint),
        mayPass(thresholds.use, eventful, index, owner)
      else { continue }
      let numbers = numbers(thresholds)
      let key = list.key(of: index, in: log, near: &keyHint)
      if let former = added.firstIndex(where: { list.areOne($0.key, key) }) {
        let more = pointwiseMax(.zero, numbers &- added[former].numbers)
        added[former].numbers &+= more
        sums &+= more
      } else {
        added.append((key, numbers))
        sums &+= numbers
      }
      // What is enough does not grow any more: nothing can overflow.
      sums = pointwiseMin(sums, thresholds.least)
      if sums == thresholds.least { return }
    }
  }

  /// What the event that was asked about last adds, at least nothing: all that is needed where it
  /// is not known, and one where events are counted.
  private func numbers(_ thresholds: ListConditions.Thresholds) -> SIMD4<Int64> {
    var numbers = SIMD4<Int64>.one
    for at in 0..<thresholds.numbers.count {
      let least = thresholds.least[at]
      let number = thresholds.numbers.at(at) { $0.int(context) } ?? least
      numbers[at] = min(max(0, number), least)
    }
    return numbers
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
