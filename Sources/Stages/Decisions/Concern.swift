import Policy
import Records
import Situation
import Streaming
import Vocabulary

/// Whether an event of one of its people can change what a household decides.
enum Concern {
  case none, some
  /// Not where too little is on file for each of these rules even so.
  case unlessShort([Rulebook.Eventful])
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
    var questions = Questions()
    for rule in rulebook.eventRules {
      if outlook.short & rule.mask != 0 {
        if rule.lists.counts(event.type) { questions.count.append(rule) }
        continue
      }
      let isAsked = triggered & rule.mask & ~outlook.unable != 0
      let isMoved = mayMove & rule.mask != 0 && changed.touches(rule.reads)
      let isEnabled = outlook.unable & rule.mask != 0 && changed.touches(rule.neededChanges)
      if rule.mask == 0 {
        if rule.types.contains(event.type) || changed.touches(rule.reads) { return .some }
      } else if isAsked || isMoved || isEnabled, !isKnown(to: rule) {
        if isEnabled { return .some }
        if isMoved {
          let others = changed.subtracting(rule.lists.changes)
          if others.touches(rule.reads) { return .some }
          questions.see.append(rule)
        }
        if isAsked { questions.ask.append(rule) }
      }
    }
    return questions.isEmpty ? .none : answer(questions, record, index, now: now)
  }

  /// What has to be asked of an event to know which rules it concerns.
  private struct Questions {
    /// Does it fail a condition by the event alone?
    var ask: [Rulebook.Eventful] = []
    /// Is it in a list that the rule goes through?
    var see: [Rulebook.Eventful] = []
    /// Does it add to what the rule asks for?
    var count: [Rulebook.Eventful] = []

    var isEmpty: Bool { ask.isEmpty && see.isEmpty && count.isEmpty }
  }

  private func answer(
    _ questions: Questions, _ record: PersonView, _ index: Int, now: Instant
  ) -> Concern {
    let persons = [PersonOnFile(id: record.id, view: record)]
    let position = EventPosition(owner: 0, index: index)
    situation.load(eventsOf: persons)
    // Most fail by what the event says of its own.
    let passed = questions.ask.filter { evaluation.gate($0, position) != .fails }
    guard passed.allSatisfy({ $0.conditionsOnEvent.count > 0 }),
      !questions.see.contains(where: { evaluation.sees($0, index, of: record, owner: 0) })
    else { return .some }
    let added = questions.count.filter { evaluation.adds($0, index, of: record, owner: 0) }
    if !passed.isEmpty, !allFail(passed, persons, position, now: now) { return .some }
    return added.isEmpty ? .none : .unlessShort(added)
  }

  /// Whether each of the rules fails a condition by the event alone.
  private func allFail(
    _ rules: [Rulebook.Eventful], _ persons: [PersonOnFile], _ position: EventPosition,
    now: Instant
  ) -> Bool {
    EventLog().withView { none in
      situation.load(
        HouseholdFile(
          key: HouseholdKey(text: ""), compositions: [], log: none, persons: persons,
          referrals: []),
        now: now)
      return rules.allSatisfy { evaluation.failsByEventAlone($0, position) }
    }
  }

  /// Whether too little is on file of some people for each of the rules.
  func areShort(_ rules: [Rulebook.Eventful], _ persons: [PersonOnFile]) -> Bool {
    situation.load(eventsOf: persons)
    return rules.allSatisfy { evaluation.isShort($0, persons) }
  }
}
