import Policy
import Records
import Situation
import Vocabulary

extension [Opening] {
  /// Whether a rule has opened anything that is remembered.
  func areOf(_ rule: String) -> Bool { indices.contains { self[$0].rule == rule } }
}

extension HouseholdState {
  /// The live opening of a rule for a subject.
  func liveOpening(_ rule: String, _ subject: CitizenID?) -> Int? {
    openings.indices.first {
      openings[$0].rule == rule && openings[$0].subject == subject && openings[$0].phase.isLive
    }
  }
}

/// The difference between what rules say and what is open, and making it.
extension Desk {
  mutating func reconcile(
    _ rule: CompiledRule, subject: Int?, event: EventPosition?, _ answer: Answer
  ) {
    if !answer.isPossible, !household.openings.areOf(rule.id) { return }
    let person = subject.map { file.persons[$0].id }
    let trigger = event.flatMap(file.event)?.key
    let live = household.liveOpening(rule.id, person)
    switch answer {
    case .holds, .unknown:
      if let live, let trigger, !household.openings[live].triggers.contains(trigger),
        hasFired(rule.id, trigger, person)
      {
        // It has led to what is answered by now, and does not lead to anything else.
        return
      }
      if let live, answer != .holds, !household.openings[live].review {
        doubt(live, rule, subject, event, answer)
      } else if let live {
        carryOn(live, rule, subject, event, answer)
      } else if let trigger, hasFired(rule.id, trigger, person) {
        return
      } else {
        begin(rule, subject, event, answer)
      }
    case .fails, .failed:
      if let live {
        situation.look(from: .now(now, event: event))
        release(live, rule, trigger)
      } else if event == nil, answer != .fails(.gate) {
        markCeased(rule.id, person)
      }
    }
  }

  /// Ends the referrals about those who have died, however long ago what opened them happened.
  mutating func withdrawDeceased() {
    for index in household.openings.indices.reversed()
    where household.openings[index].phase.isLive {
      guard let subject = household.openings[index].subject.flatMap(file.index),
        situation.isDead(subject)
      else { continue }
      let rule = pack.rule(thatOpened: household.openings[index].rule)
      if !rule.outlivesSubject { end(index, rule) }
    }
  }

  /// After a change of policy: what rules opened that are gone, or no longer sent, is taken back;
  /// what a rule only counted so far may open now that it is in force.
  mutating func followPolicy(_ rulebook: Rulebook) {
    situation.look(from: .now(now))
    let district = situation.district
    for index in household.openings.indices.reversed()
    where household.openings[index].phase.isLive {
      let opening = household.openings[index]
      let status = rulebook.rule(opening.rule)?.status(in: district)
      switch (opening.phase, status) {
      case (.holding, .active): break
      case (.holding, _): household.openings.remove(at: index)
      case (.shadow, .active) where opening.triggers.isEmpty: withdraw(index, .policyChanged)
      case (_, nil), (.open, .draft), (.open, .shadow): withdraw(index, .policyChanged)
      default: break
      }
    }
  }

  private func hasFired(_ rule: String, _ event: EventKey, _ subject: CitizenID?) -> Bool {
    household.fired.contains { $0.rule == rule && $0.event == event && $0.subject == subject }
  }

  private mutating func markCeased(_ rule: String, _ subject: CitizenID?) {
    for index in household.openings.indices
    where household.openings[index].rule == rule && household.openings[index].subject == subject {
      household.openings[index].ceased = true
    }
  }

  /// A condition that did not hold before holds now.
  private mutating func begin(
    _ rule: CompiledRule, _ subject: Int?, _ event: EventPosition?, _ answer: Answer
  ) {
    let person = subject.map { file.persons[$0].id }
    let earlier = household.openings.filter { $0.rule == rule.id && $0.subject == person }
    if event == nil, let last = earlier.last, last.phase == .closed, !last.ceased { return }
    let trigger = event.flatMap(file.event)
    if let trigger {
      household.fired.append(
        Fired(
          rule: rule.id, event: trigger.key, subject: person, effective: trigger.effective))
    }
    if let closed = earlier.last(where: { $0.phase == .closed }),
      isAnswered(rule, since: closed.since, trigger?.key)
    {
      record(.suppressed, rule, person, opening: nil, answer: answer, event: event)
      return
    }
    var opening = Opening(
      rule: rule.id, subject: person,
      ordinal: household.nextOrdinal(rule.id, person), phase: .open, since: now, ceased: false,
      openedAt: now, openedBy: trigger?.effective ?? now, triggers: trigger.map { [$0.key] } ?? [],
      review: answer != .holds, referrals: [], alerts: [])
    if rule.status(in: situation.district) != .active {
      opening.phase = .shadow
      household.openings.append(opening)
      record(.shadow, rule, person, opening: opening, answer: answer, event: event)
      return
    }
    if let hold = holdTerm(rule), hold.count > 0 {
      opening.phase = .holding
      household.openings.append(opening)
      return
    }
    household.openings.append(opening)
    open(household.openings.count - 1, rule, subject, event, answer)
  }

  /// Whether an answer also stands for an event: one that came before the dedup window was over,
  /// whenever it is found to match (semantics 13). Where it takes a day of its own to match, the
  /// window has to last till now, as for a situation.
  func isAnswered(_ rule: CompiledRule, since answered: Instant, _ event: EventKey?) -> Bool {
    guard let window = rule.dedup.resolved(situation.resolvedParameters), window.count > 0 else {
      return false
    }
    var came = now
    if let event, !rule.isLookingAhead, let position = file.position(event) {
      came = file.event(position)?.accepted ?? now
    }
    return came <= window.deadline(from: answered, calendar: pack.calendar)
  }

  /// How long a situation rule must hold first; nil for other rules.
  func holdTerm(_ rule: CompiledRule) -> Term? {
    guard case .situation(let hold) = rule.trigger else { return nil }
    return hold.resolved(situation.resolvedParameters)
  }

  /// An opening whose condition still holds: the hold may be over, the review settled, a new event
  /// added.
  private mutating func carryOn(
    _ index: Int, _ rule: CompiledRule, _ subject: Int?, _ event: EventPosition?, _ answer: Answer
  ) {
    if household.openings[index].phase == .holding {
      guard let hold = holdTerm(rule),
        now >= hold.deadline(from: household.openings[index].since, calendar: pack.calendar)
      else { return }
      household.openings[index].phase = .open
      household.openings[index].openedAt = now
      open(index, rule, subject, event, answer)
      return
    }
    let trigger = event.flatMap(file.event)
    let isNewEvent =
      trigger.map { !household.openings[index].triggers.contains($0.key) } ?? false
    if let trigger, isNewEvent {
      household.openings[index].triggers.append(trigger.key)
      noteFirstTrigger(index)
      household.fired.append(
        Fired(
          rule: rule.id, event: trigger.key, subject: household.openings[index].subject,
          effective: trigger.effective))
    }
    guard household.openings[index].phase == .open else { return }
    if household.openings[index].review, answer == .holds {
      confirm(index, rule, subject, event)
    } else if isNewEvent {
      dropAnswered(index, rule, subject, event)
      amend(index, rule, subject, event)
    }
    if rule.namesAreas { retarget(index, rule, subject, event) }
    if rule.hasConditions { followConditions(index, rule, subject) }
  }

  /// What stood firm now hangs on a missing fact: without another reason it becomes a review.
  private mutating func doubt(
    _ index: Int, _ rule: CompiledRule, _ subject: Int?, _ event: EventPosition?,
    _ answer: Answer
  ) {
    let trigger = event.flatMap(file.event)?.key
    if let trigger {
      guard household.openings[index].triggers.contains(trigger) else { return }
      guard household.openings[index].triggers == [trigger] else { return drop(trigger, index) }
    }
    end(index, rule)
    begin(rule, subject, event, answer)
  }

  /// An opening one of whose reasons has gone: without another it ends.
  mutating func release(_ index: Int, _ rule: CompiledRule, _ trigger: EventKey?) {
    if let trigger {
      guard household.openings[index].triggers.contains(trigger) else { return }
      drop(trigger, index)
      guard household.openings[index].triggers.isEmpty else {
        let subject = household.openings[index].subject.flatMap(file.index)
        if rule.namesAreas { retarget(index, rule, subject, nil) }
        return
      }
    }
    end(index, rule)
  }

  /// An opening no longer rests on an event, which may fire again.
  private mutating func drop(_ trigger: EventKey, _ index: Int) {
    let opening = household.openings[index]
    household.openings[index].triggers.removeAll { $0 == trigger }
    household.fired.removeAll {
      $0.rule == opening.rule && $0.event == trigger && $0.subject == opening.subject
    }
    noteFirstTrigger(index)
  }

  /// The earliest event that an opening rests on counts as the one that opened it, whatever the
  /// order in which they came (semantics 27).
  mutating func noteFirstTrigger(_ index: Int) {
    let effective = household.openings[index].triggers.compactMap(file.effective)
    if let first = effective.min() { household.openings[index].openedBy = first }
  }

  /// Ends an opening that no longer holds, with the reason that the file shows.
  mutating func end(_ index: Int, _ rule: CompiledRule) {
    let opening = household.openings[index]
    if opening.phase == .holding {
      household.openings.remove(at: index)
      return
    }
    let reason = reason(for: opening, rule)
    withdraw(index, reason)
    if reason == .retracted, let revocation = household.pendingRevocations.last {
      tellReceivers(index, of: revocation)
    }
  }

  /// Why an opening ends: its evidence was taken back, its subject died, or it no longer holds.
  private func reason(for opening: Opening, _ rule: CompiledRule) -> WithdrawalReason {
    let rested = Set(opening.referrals.flatMap(\.evidence).compactMap(\.eventKey))
    let revocations = self.revocations
    let isDeceased = opening.subject.flatMap(file.index).map(situation.isDead) ?? false
    if isDeceased, !rule.outlivesSubject,
      !revocations.contains(where: { opening.triggers.contains($0.key) })
    {
      // Evidence that was corrected long ago is not why it ends.
      return .deceased
    }
    if let revocation = revocations.last(where: {
      rested.contains($0.key) || opening.triggers.contains($0.key)
    }) {
      return revocation.reason == .retracted ? .retracted : .superseded
    }
    // A situation rule rests on all it reads: it ends now because of what was taken back now.
    if opening.triggers.isEmpty, let revocation = household.pendingRevocations.last {
      return revocation.reason == .retracted ? .retracted : .superseded
    }
    return isPolicySweep ? .policyChanged : .noLongerHolds
  }
}
