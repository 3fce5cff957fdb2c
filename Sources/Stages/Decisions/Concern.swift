import Policy
import Records
import Situation
import Streaming
import Vocabulary

/// Whether an event of one of its people can change what a household decides.
enum Concern {
  case none, some
  /// Not where too little is on file for each of these rules, by bit, even so.
  case unlessShort(UInt64)
}

extension DecisionEngine {
  /// What an event can change: nothing where no rule reads what it states, or those that do fail by
  /// what it leaves as it was; and those it triggers fail by the event alone, by what nobody has
  /// stated, or since too little is on file.
  ///
  /// - Parameter record: the person's record with the event, of which nothing was ever taken back.
  func concern(
    _ outlook: HouseholdBrief.Outlook, with news: PersonNews, of record: PersonView, now: Instant
  ) -> Concern {
    guard outlook.policy == rulebook.policyTag,
      let index = record.log.index(of: news.cause)
    else { return .some }
    let event = record.log.event(index)
    let type = FactID(rawValue: event.type.rawValue)
    var stated = FactMask()
    for fact in news.changed where fact != type { rulebook.insert(fact, into: &stated) }
    var changed = stated
    rulebook.insert(type, into: &changed)
    if record.log.tellsOfMove(index) { rulebook.insert(Rulebook.homeChanged, into: &changed) }
    guard event.effective <= now, !changed.touches(rulebook.readByStage) else { return .some }
    if changed.touches(rulebook.situationReads) {
      for rule in rulebook.situationRules
      where changed.touches(rule.reads) && !rule.fails(outlook.standing, after: changed) {
        return .some
      }
    }
    let triggered = rulebook.rules(triggeredBy: event.type) ?? 0
    let isLater = event.effective.date > outlook.settledThrough
    let mayMove = (outlook.sensitive | (isLater ? 0 : outlook.settled)) & ~outlook.unable
    /// Another stage of the transaction has got the rule's answer.
    func isKnown(to rule: Rulebook.Eventful) -> Bool {
      guard let stages = rule.stages else { return false }
      return outlook.sensitive & rule.mask == 0 && !stated.touches(rule.reads)
        && stages.hasTwin(of: index, in: record.log)
    }
    for rule in rulebook.eventRulesWithoutBit
    where rule.types.contains(event.type) || changed.touches(rule.reads) { return .some }
    var questions = Questions()
    questions.count = outlook.short & rulebook.rules(counting: event.type)
    let asked = triggered & ~outlook.unable & ~outlook.short
    /// What is stated now may make them fire for events of which they were never asked.
    let waiting = outlook.unable | rulebook.needingOfOwn
    var concerned = asked | mayMove & ~outlook.short
    if changed.touches(rulebook.neededChanges) { concerned |= waiting & ~outlook.short }
    for rule in rulebook.eventRules(concerned) {
      let bit = rule.mask
      let isMoved = mayMove & bit != 0 && changed.touches(rule.reads)
      let isEnabled = waiting & bit != 0 && changed.touches(rule.neededChanges)
      guard asked & bit != 0 || isMoved || isEnabled, !isKnown(to: rule) else { continue }
      if isEnabled { return .some }
      if isMoved {
        if changed.subtracting(rule.lists.changes).touches(rule.reads) { return .some }
        questions.see |= bit
      }
      if asked & bit != 0, !isHopeless(rule, record, index) { questions.ask |= bit }
    }
    return questions.isEmpty ? .none : answer(questions, record, index, now: now)
  }

  /// Whether a rule fails for an event since it is about the person alone whom the event names, of
  /// whom what it needs was never stated.
  private func isHopeless(
    _ rule: Rulebook.Eventful, _ record: PersonView, _ index: Int
  ) -> Bool {
    guard rulebook.needingOfOwn & rule.mask != 0,
      let people = try? record.log.event(index).personCount(), people == 1
    else { return false }
    return !rule.neededOfSubject.contains { record.log.states($0) }
  }

  /// What has to be asked of an event to know which rules it concerns, by bit.
  private struct Questions {
    /// Does it fail a condition by the event alone?
    var ask: UInt64 = 0
    /// Is it in a list that the rule goes through?
    var see: UInt64 = 0
    /// Does it add to what the rule asks for?
    var count: UInt64 = 0

    var isEmpty: Bool { ask | see | count == 0 }
  }

  private func answer(
    _ questions: Questions, _ record: PersonView, _ index: Int, now: Instant
  ) -> Concern {
    situation.load(eventsOf: record)
    let position = EventPosition(owner: 0, index: index)
    /// Rules that do not fail by what the event says of its own.
    var passed: [Rulebook.Eventful] = []
    for rule in rulebook.eventRules(questions.ask)
    where evaluation.gate(rule, position) != .fails {
      if rule.conditionsOnEvent.count == 0 { return .some }
      passed.append(rule)
    }
    for rule in rulebook.eventRules(questions.see)
    where evaluation.sees(rule, index, of: record, owner: 0) { return .some }
    var added: UInt64 = 0
    for rule in rulebook.eventRules(questions.count)
    where evaluation.adds(rule, index, of: record, owner: 0) { added |= rule.mask }
    if !passed.isEmpty, !allFail(passed, record, position, now: now) { return .some }
    return added == 0 ? .none : .unlessShort(added)
  }

  /// Whether each of the rules fails a condition by the event alone.
  private func allFail(
    _ rules: [Rulebook.Eventful], _ record: PersonView, _ position: EventPosition, now: Instant
  ) -> Bool {
    EventLog().withView { none in
      situation.load(
        HouseholdFile(
          key: HouseholdKey(text: ""), compositions: [], log: none,
          persons: [PersonOnFile(id: record.id, view: record)], referrals: []),
        now: now)
      return rules.allSatisfy { evaluation.failsByEventAlone($0, position) }
    }
  }

  /// Whether too little is on file of some people for each of some rules, by bit.
  func areShort(_ rules: UInt64, _ persons: [PersonOnFile]) -> Bool {
    situation.load(eventsOf: persons)
    return rulebook.eventRules(rules).allSatisfy { evaluation.isShort($0, persons) }
  }
}
