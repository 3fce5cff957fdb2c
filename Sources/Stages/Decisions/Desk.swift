import Policy
import Records
import Situation
import Streaming
import Vocabulary

/// The desk at which one household is dealt with: its state, its file, and what goes out.
struct Desk {
  var household: HouseholdState
  let now: Instant
  private let engine: DecisionEngine
  let evaluation: RuleEvaluation
  let file: HouseholdFile
  var outbox: Outbox
  let takesShortCuts: Bool
  /// The visit belongs to a sweep after a change of policy.
  var isPolicySweep = false
  /// The events that may trigger rules, for the decision under way.
  var collected: [Trigger] = []

  struct Trigger {
    /// The rules it may trigger, by bit.
    let rules: UInt64
    let type: EventTypeID
    let key: EventKey
    let effective: Instant
    let position: EventPosition
    /// It came since the last decision.
    let isNew: Bool
    /// Rules that do not look ahead are still decided for it (semantics 3 and 28).
    let isInWindow: Bool
    /// What rules say of it, whatever takes effect later.
    var said: EventAnswers.Said
    /// The rules known to have no condition on the event alone that fails.
    var ungated: UInt64 = 0
  }

  /// An empty desk; the household's state and what it sends come from `DecisionEngine`.
  init(now: Instant, engine: DecisionEngine, file: HouseholdFile) {
    self.engine = engine
    evaluation = engine.evaluation
    takesShortCuts = engine.takesShortCuts
    household = HouseholdState(key: file.key)
    outbox = Outbox()
    self.now = now
    self.file = file
  }

  var settings: StageSettings { engine.settings }
  var rulebook: Rulebook { engine.rulebook }
  var pseudonyms: Pseudonyms { engine.pseudonyms }
  var pack: PolicyPack { engine.settings.pack }
  var situation: Situation { evaluation.situation }
  var router: Router { Router(directory: settings.directory) }

  /// How long an event is decided again when a fact changes (semantics 3).
  var eventWindow: Term {
    rulebook.terms.eventWindow.flatMap(situation.term)
      ?? Term(90, .days)
  }

  /// Decides all rules that may answer differently than before.
  mutating func decide(_ rulebook: Rulebook) {
    // Taken up once: what is handed on is counted no more.
    let evaluation = evaluation
    let situation = situation
    var changed = changes(rulebook)
    collected = collectTriggers(rulebook)
    let today = now.date
    var nextDecision = Instant.distantFuture
    if let known = household.nextDecision {
      // A wake-up that is due but has not come yet would be lost: decide everything now.
      if known <= now { changed = nil } else if changed != nil { nextDecision = known }
    }
    // What is dated ahead of the clock counts when the clock gets there (semantics 2).
    for trigger in collected where trigger.effective > now {
      nextDecision = min(nextDecision, trigger.effective)
    }
    nextDecision = min(nextDecision, file.nextMove(after: now))
    if household.outlook.policy != rulebook.policyTag {
      household.outlook = HouseholdBrief.Outlook(policy: rulebook.policyTag)
    }
    let earliest = earliestChange()
    findHopeless(rulebook)
    var before = household.referralStates
    if isPolicySweep { followPolicy(rulebook) }
    carryOnAdopted()
    correctRetracted()
    withdrawRevoked(rulebook)
    withdrawDeceased()
    releaseStrangers(rulebook)
    // Rules may ask for the household's referrals: decide until nothing changes any more.
    // What one event is found to rest on no more may take the next with it.
    for pass in 0..<Desk.maximumPasses + collected.count {
      dateSituations(rulebook, changed)
      // In another order they are the same to the rules.
      if !household.shows(before), case let states = household.referralStates,
        Set(states) != Set(before)
      {
        before = states
        refreshReferrals()
        let referrals = rulebook.mask([Rulebook.referralsChanged])
        changed = pass == 0 || !takesShortCuts ? changed.map { $0.union(referrals) } : referrals
      } else if pass > 0 {
        break
      }
      // What happened is not decided again because the policy is another (contract 5).
      if !collected.isEmpty, !isPolicySweep || pass > 0 {
        var triggered: UInt64 = 0
        for at in collected.indices {
          let isInWindow = collected[at].isInWindow
          triggered |= collected[at].rules & (isInWindow ? .max : rulebook.lookingAhead)
        }
        let hopeless = hopeless(rulebook, triggered)
        // What held before they were without hope has to be found out anew.
        for at in collected.indices { collected[at].said.held &= ~hopeless }
        rulebook.eventRules.each(triggered & ~hopeless) { rule in
          if rule.rule.isEffective(on: today) {
            decideEvents(rule, evaluation, situation, changed, earliest, &nextDecision)
          }
        }
        for rule in rulebook.eventRulesWithoutBit
        where rule.rule.isEffective(on: today) {
          decideEvents(rule, evaluation, situation, changed, earliest, &nextDecision)
        }
      }
      for at in 0..<rulebook.situationRules.count {
        rulebook.situationRules.at(at) { rule in
          if rule.rule.isEffective(on: today) {
            decideSituation(rule, evaluation, situation, changed, &nextDecision)
          }
        }
      }
      followUp(&nextDecision)
    }
    rewriteCorrected()
    // A sweep decides no events: the next message looks at them.
    if isPolicySweep {
      household.outlook = HouseholdBrief.Outlook()
    } else {
      lookOut(rulebook)
    }
    household.answers.replace(
      policy: rulebook.policyTag,
      collected.lazy.filter(\.isInWindow).map { ($0.key, $0.said) })
    moveToDistrict()
    // `filter(isAwaited)` would copy the desk.
    household.adopted = household.adopted.filter { isAwaited($0) }
    household.pendingChanges = []
    household.pendingCause = nil
    household.pendingEvents = []
    household.pendingRevocations = []
    household.nextDecision = nextDecision == .distantFuture ? nil : nextDecision
    forget()
  }

  /// The facts that changed since the last decision, as bits; nil where any may have.
  private func changes(_ rulebook: Rulebook) -> FactMask? {
    guard takesShortCuts, let facts = household.pendingChanges else { return nil }
    var changed = rulebook.mask(facts)
    if facts.contains(Rulebook.residence), mayHaveMoved {
      rulebook.insert(Rulebook.homeChanged, into: &changed)
    }
    return changed
  }

  /// Whether an event since the last decision may tell that somebody lives elsewhere now. Where no
  /// composition tells the household's own area, any notice of residence may.
  private var mayHaveMoved: Bool {
    guard household.key.isRegistered, !household.compositions.isEmpty,
      !household.pendingEvents.isEmpty, household.pendingRevocations.isEmpty
    else { return true }
    return household.pendingEvents.contains { event in
      guard let position = file.position(event), let log = file.log(of: position.owner) else {
        return true
      }
      return log.tellsOfMove(position.index)
    }
  }

  static let maximumPasses = 4

  /// Shows the rules the household's referrals as they stand now.
  mutating func refreshReferrals() {
    situation.show(household.referralsOnFile)
  }

  // MARK: Event rules

  private mutating func decideEvents(
    _ eventful: Rulebook.Eventful, _ evaluation: RuleEvaluation, _ situation: Situation,
    _ changed: FactMask?, _ earliest: CivilDate, _ nextDecision: inout Instant
  ) {
    let rule = eventful.rule
    let bit = eventful.mask
    let mayAnswerAnew = changed?.touches(eventful.reads) ?? true
    guard mayAnswerAnew || !household.pendingEvents.isEmpty else { return }
    for at in collected.indices
    where bit == 0 || collected[at].rules & bit != 0 && collected[at].said.gated & bit == 0 {
      guard mayAnswerAnew || collected[at].isNew,
        eventful.looksAhead != nil || collected[at].isInWindow,
        isTriggered(eventful, by: collected[at])
      else { continue }
      let trigger = collected[at]
      let isDayOver = trigger.effective.date < earliest
      if trigger.said.quiet & bit != 0, isDayOver { continue }
      let hasHeld = trigger.said.held & bit != 0
      collected[at].said.quiet &= ~bit
      collected[at].said.held &= ~bit
      let known = hasHeld && isDayOver ? .holds : answerOfTwin(at, eventful)
      if known == .fails {
        collected[at].said.quiet |= bit
        reconcile(rule, subject: nil, event: trigger.position, .fails(.stage))
        continue
      }
      // What once held fails no condition on the event alone.
      let gate =
        hasHeld || known == .holds ? .holds : evaluation.gate(eventful, trigger.position)
      if gate == .fails {
        collected[at].said.gated |= bit
        continue
      }
      collected[at].ungated |= bit
      guard let event = file.event(trigger.position) else { continue }
      let position = trigger.position
      let subjects = subjects(rule, position)
      /// What fails for everybody.
      var common: Answer?
      for subject in subjects {
        var onDay = known
        let answer =
          isGone(subject, rule)
          ? .fails(.deceased)
          : common
            ?? (lacksWhatIsNeeded(eventful, subject)
              ? .fails(.unstated)
              : decide(
                eventful, subject, position, event, settled: gate == .holds ? eventful.gated : 0,
                &nextDecision, &onDay))
        if takesShortCuts, onDay == .fails {
          if situation.restsOnEventsAlone { collected[at].said.gated |= bit }
          if eventful.common.fail(by: answer) { common = answer }
        }
        if eventful.isSettledByDay { note(onDay, bit, at) }
        reconcile(rule, subject: subject, event: position, answer)
      }
      for index in household.openings.indices
      where household.openings[index].rule == rule.id && household.openings[index].phase.isLive
        && household.openings[index].triggers.contains(event.key)
        && !speaks(of: household.openings[index].subject, subjects)
      {
        release(index, rule, event.key)
      }
    }
  }

  /// The earliest day whose facts may be others since the last decision.
  private func earliestChange() -> CivilDate {
    guard takesShortCuts, household.pendingChanges != nil, household.pendingRevocations.isEmpty,
      household.adopted.isEmpty
    else { return .earliest }
    return household.pendingEvents.reduce(.latest) { earliest, event in
      min(earliest, file.effective(event)?.date ?? .earliest)
    }
  }

  /// Events that trigger rules and concern this household, each once, in effective order; also
  /// announced ones of days to come (semantics 2: a notice of release).
  private mutating func collectTriggers(_ rulebook: Rulebook) -> [Trigger] {
    var found: [Trigger] = []
    swap(&found, &collected)
    found.removeAll(keepingCapacity: true)
    found.reserveCapacity(16)
    let window = eventWindow
    var limit: (effective: Instant, at: Instant)?
    func isInWindow(_ event: EventView, _ effective: Instant) -> Bool {
      if limit?.effective != effective {
        limit = (effective, window.deadline(from: effective, calendar: pack.calendar))
      }
      return limit.map { now <= $0.at && event.accepted <= $0.at } ?? true
    }
    func collect(_ owner: Int, _ log: EventLogView, where isOurs: (Instant) -> Bool) {
      for index in 0..<log.eventCount {
        let event = log.event(index)
        let type = event.type
        guard let rules = rulebook.rules(triggeredBy: type) else { continue }
        let key = event.key
        let effective = event.effective
        guard !found.contains(where: { $0.key == key }), isOurs(effective) else { continue }
        found.append(
          Trigger(
            rules: rules, type: type, key: key, effective: effective,
            position: EventPosition(owner: owner, index: index),
            isNew: household.pendingEvents.contains(key),
            isInWindow: isInWindow(event, effective),
            said: household.answers.said(of: key, policy: rulebook.policyTag)
              ?? EventAnswers.Said()))
      }
    }
    collect(EventPosition.household, file.log) { _ in true }
    for index in file.persons.indices {
      collect(index, file.persons[index].view.log) { effective in
        file.isHere(index, forEventAt: effective, now: now)
      }
    }
    if found.count > 1 {
      found.sort {
        $0.effective != $1.effective ? $0.effective < $1.effective : $0.key < $1.key
      }
    }
    return found
  }

  /// The collected events that may trigger a rule now.
  func triggers(_ rule: Rulebook.Eventful) -> [EventPosition] {
    collected.filter { isTriggered(rule, by: $0) }.map(\.position)
  }

  func isTriggered(_ rule: Rulebook.Eventful, by trigger: Trigger) -> Bool {
    (rule.mask != 0 ? trigger.rules & rule.mask != 0 : rule.types.contains(trigger.type))
      && (rule.looksAhead != nil || trigger.effective <= now)
  }

  /// Whether a rule's subjects include the one of an opening.
  func speaks(of person: CitizenID?, _ subjects: [Int?]) -> Bool {
    subjects.contains { $0.map { file.persons[$0].id } == person }
  }

  /// The people a rule may be about for an event, as things stand now.
  func subjects(_ rule: CompiledRule, _ position: EventPosition) -> [Int?] {
    guard rule.scope == .member else { return RuleEvaluation.household }
    situation.look(from: .now(now, event: position))
    return evaluation.subjects(rule, event: position)
  }

  /// Whether a condition fails for a subject, since what it rests on was never stated of them.
  private func lacksWhatIsNeeded(_ eventful: Rulebook.Eventful, _ subject: Int?) -> Bool {
    guard takesShortCuts, let subject, !eventful.neededOfSubject.isEmpty else { return false }
    return !eventful.neededOfSubject.contains { situation.isStated($0, of: subject) }
  }

  /// Nobody is helped after their death, whatever else still holds (semantics 21).
  private func isGone(_ subject: Int?, _ rule: CompiledRule) -> Bool {
    guard let subject, !rule.outlivesSubject else { return false }
    return situation.isDead(subject)
  }

  /// The answer at the end of the event's day and, unless the rule says otherwise, also now.
  ///
  /// - Parameter onDay: the former where it is known, and as it is found.
  mutating func decide(
    _ eventful: Rulebook.Eventful, _ subject: Int?, _ position: EventPosition,
    _ event: EventView, settled: UInt64 = 0, _ nextDecision: inout Instant,
    _ onDay: inout DayAnswer
  ) -> Answer {
    let rule = eventful.rule
    if let ahead = eventful.looksAhead {
      situation.look(from: .now(now, event: position))
      return look(ahead, rule, subject, position, event, &nextDecision)
    }
    var answer = Answer.holds
    if onDay != .holds {
      situation.look(from: .day(of: event.effective, event: position))
      answer = evaluation.decide(rule, subject: subject, event: position, settled: settled)
      if case .fails = answer {
        onDay = .fails
        return answer
      }
      if answer == .holds { onDay = .holds }
    }
    situation.look(from: .now(now, event: position))
    guard eventful.holdsNow else { return answer }
    let current = evaluation.decide(
      rule, subject: subject, event: position, settled: settled)
    nextDecision = min(nextDecision, evaluation.validUntil)
    if case .holds = current { return answer }
    return current
  }

  /// A rule that looks ahead opens a term before a date that the event announces. It does not come
  /// to hold later than a term after it, nor by an event that happened later.
  private mutating func look(
    _ ahead: LookAhead, _ rule: CompiledRule, _ subject: Int?, _ position: EventPosition,
    _ event: EventView, _ nextDecision: inout Instant
  ) -> Answer {
    let answer = evaluation.decide(rule, subject: subject, event: position)
    nextDecision = min(nextDecision, evaluation.validUntil)
    if case .fails = answer { return answer }
    guard let date = evaluation.date(ahead.to) else {
      return .fails(.looksAhead)
    }
    let parameters = situation.resolvedParameters
    if let opens = ahead.opens.resolved(parameters) {
      let first = opens.date(before: date, calendar: pack.calendar)
      if now.date < first {
        nextDecision = min(nextDecision, Instant(startOf: first))
        return .fails(.notYet)
      }
    }
    if let grace = ahead.grace.resolved(parameters) {
      let last = grace.date(from: date, calendar: pack.calendar)
      guard event.time.date <= last, held(rule, subject, event: position, by: last) else {
        return .fails(.over)
      }
    }
    return answer
  }

  // MARK: Situation rules

  private mutating func decideSituation(
    _ situational: Rulebook.Situational, _ evaluation: RuleEvaluation, _ situation: Situation,
    _ changed: FactMask?, _ nextDecision: inout Instant
  ) {
    if let changed {
      guard changed.touches(situational.reads),
        !situational.fails(household.outlook.standing, after: changed)
      else { return }
    }
    let rule = situational.rule
    var standing: UInt64 = 0
    var isStanding = true
    if situational.asksForOpenReferrals { situation.decidingRule = rule.id }
    situation.look(from: .now(now))
    let subjects = evaluation.subjects(rule, event: nil)
    let wasOpen = household.openings.areOf(rule.id)
    /// What fails for everybody.
    var common: Answer?
    for subject in subjects {
      var answer =
        isGone(subject, rule)
        ? .fails(.deceased)
        : common ?? evaluation.decide(rule, subject: subject, event: nil)
      if answer.isPossible {
        answer = opens(rule, subject, answer, evaluation, &nextDecision)
      } else {
        nextDecision = min(nextDecision, evaluation.validUntil)
        if takesShortCuts, situational.common.fail(by: answer) { common = answer }
      }
      var bit: UInt64 = 0
      if case .fails(let failure) = answer { bit = situational.bit(of: failure) }
      standing |= bit
      if bit == 0 { isStanding = false }
      if wasOpen || answer.isPossible { reconcile(rule, subject: subject, event: nil, answer) }
    }
    household.outlook.standing &= ~situational.mask
    if isStanding { household.outlook.standing |= standing }
    if wasOpen {
      // People the rule no longer speaks of, such as former members.
      for index in household.openings.indices
      where household.openings[index].rule == rule.id && household.openings[index].phase.isLive
        && !speaks(of: household.openings[index].subject, subjects)
      {
        end(index, rule)
      }
    }
    if situational.asksForOpenReferrals { situation.decidingRule = "" }
  }

  /// What becomes of an answer that is possible by what the rule asks for besides its conditions.
  private func opens(
    _ rule: CompiledRule, _ subject: Int?, _ answer: Answer, _ evaluation: RuleEvaluation,
    _ nextDecision: inout Instant
  ) -> Answer {
    let isShut = rule.opensWhen.map { !isLive(rule, subject) && !evaluation.holds($0) } ?? false
    let last = isShut ? nil : rule.opensBy.flatMap(evaluation.date)
    nextDecision = min(nextDecision, evaluation.validUntil)
    if isShut { return .fails(.gate) }
    if let last, !held(rule, subject, by: last) { return .fails(.opensBy) }
    return answer
  }

  /// Whether a rule that has to come to hold by a day did, in the light of everything known now: by
  /// the dates from which facts count, so that the clock at which they arrived does not matter.
  private func held(
    _ rule: CompiledRule, _ subject: Int?, event: EventPosition? = nil, by last: CivilDate
  ) -> Bool {
    guard last < now.date else { return true }
    situation.look(from: .endOfDay(last, event: event))
    defer { situation.look(from: .now(now, event: event)) }
    return evaluation.decide(rule, subject: subject, event: event).isPossible
  }

  private func isLive(_ rule: CompiledRule, _ subject: Int?) -> Bool {
    let person = subject.map { file.persons[$0].id }
    return household.liveOpening(rule.id, person) != nil
  }

  /// Drops memories that nothing can ask for any more.
  private mutating func forget() {
    let horizon = now.adding(days: -400)
    // A rule that looks ahead decides its events as long as they are on file.
    if household.fired.contains(where: { $0.effective < horizon }) {
      household.fired = household.fired.filter { fired in
        fired.effective >= horizon
          || (pack.rule(fired.rule)?.isLookingAhead ?? false) && file.holds(fired.event)
      }
    }
    let isOld = household.openings.indices.contains {
      household.openings[$0].phase == .withdrawn && household.openings[$0].since < horizon
    }
    guard isOld else { return }
    let openings = household.openings
    household.openings.removeAll { opening in
      opening.phase == .withdrawn && opening.since < horizon
        && openings.contains {
          $0.rule == opening.rule && $0.subject == opening.subject
            && $0.ordinal > opening.ordinal
        }
    }
  }
}

extension Evidence {
  /// The identity of the event that states it.
  var eventKey: EventKey? {
    guard let source, let event else { return nil }
    return EventKey(source: source, id: event)
  }
}
