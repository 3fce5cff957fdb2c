import Policy
import Records
import Situation
import Vocabulary

/// What becomes of openings whose events were taken back or turn out to be of another household
/// (semantics 21 and 28).
extension Desk {
  /// What was taken back of the household's events and of its people's.
  var revocations: [Revocation] { household.revocations + file.revocations }
  private var hasRevocations: Bool {
    !household.revocations.isEmpty || !file.revocations.isEmpty
  }

  /// Withdraws openings all of whose events were taken back; a superseder that fires has been
  /// added before its predecessor is released.
  mutating func withdrawRevoked(_ rulebook: Rulebook) {
    guard hasRevocations else { return }
    let revocations = self.revocations
    // One person's record may still have what another's tells is taken back.
    collected.removeAll { trigger in revocations.contains { $0.key == trigger.key } }
    carryOnVisits(revocations, rulebook)
    for index in household.openings.indices {
      let opening = household.openings[index]
      guard let rule = rulebook.rule(opening.rule) else { continue }
      for trigger in opening.triggers {
        guard let revocation = revocations.first(where: { $0.key == trigger }) else { continue }
        if opening.isLive, revocation.reason == .superseded, opening.triggers.count == 1,
          takeOver(index, rulebook, rule, revocation)
        {
          continue
        }
        household.openings[index].triggers.removeAll { $0 == trigger }
        if !household.openings[index].triggers.isEmpty {
          noteFirstTrigger(index)
        } else if opening.isLive {
          withdraw(index, revocation.reason == .retracted ? .retracted : .superseded)
        }
      }
    }
  }

  /// Releases openings from events that turn out to belong to another household, since a notice
  /// about the person's home came later.
  mutating func releaseStrangers(_ rulebook: Rulebook) {
    guard household.openings.indices.contains(where: { restsOnStrangers($0, rulebook) }) else {
      return
    }
    for eventful in rulebook.eventRules {
      let rule = eventful.rule
      for index in household.openings.indices.reversed()
      where household.openings[index].rule == rule.id && household.openings[index].phase.isLive {
        for trigger in household.openings[index].triggers {
          let isOurs = collected.contains {
            $0.key == trigger && isTriggered(eventful, by: $0)
          }
          if !isOurs, file.holds(trigger) { release(index, rule, trigger) }
        }
      }
    }
  }

  /// Whether an opening rests on an event that does not trigger its rule here, or not any more.
  private func restsOnStrangers(_ index: Int, _ rulebook: Rulebook) -> Bool {
    guard household.openings[index].phase.isLive, !household.openings[index].triggers.isEmpty,
      let eventful = rulebook.eventRule(household.openings[index].rule)
    else { return false }
    return household.openings[index].triggers.contains { trigger in
      !collected.contains { $0.key == trigger && isTriggered(eventful, by: $0) }
    }
  }

  /// The event that replaces an opening's last one takes its place where the rule still holds.
  private mutating func takeOver(
    _ index: Int, _ rulebook: Rulebook, _ rule: CompiledRule, _ revocation: Revocation
  ) -> Bool {
    guard let eventful = rulebook.eventRule(rule.id),
      let position = triggers(eventful).first(
        where: { file.event($0)?.key == revocation.by }), let event = file.event(position)
    else { return false }
    let opening = household.openings[index]
    guard speaks(of: opening.subject, subjects(rule, position)) else { return false }
    situation.look(from: .now(now, event: position))
    let subject = opening.subject.flatMap(file.index)
    var never = Instant.distantFuture
    var onDay = DayAnswer.open
    guard decide(eventful, subject, position, event, &never, &onDay).holds else {
      return false
    }
    rest(index, rule, on: event)
    noteFirstTrigger(index)
    rewrite(index, rule, onlyChanged: false)
    record(
      .amended, rule, opening.subject, opening: household.openings[index], answer: .holds,
      event: position)
    return true
  }

  /// Lets an opening rest on the event that corrects the one it rested on.
  mutating func rest(_ index: Int, _ rule: CompiledRule, on event: EventView) {
    household.openings[index].triggers = [event.key]
    let fired = Fired(
      rule: rule.id, event: event.key, subject: household.openings[index].subject,
      effective: event.effective)
    if !household.fired.contains(fired) { household.fired.append(fired) }
  }

  /// A notice was retracted: every receiver of what rested on it is told, also of what is completed
  /// (semantics 21; F03).
  mutating func correctRetracted() {
    guard hasRevocations, !household.openings.isEmpty else { return }
    let retracted = revocations
      .filter { $0.reason == .retracted }
    guard !retracted.isEmpty else { return }
    for index in household.openings.indices where !household.openings[index].referrals.isEmpty {
      let opening = household.openings[index]
      let rested = Set(opening.referrals.flatMap(\.evidence).compactMap(\.eventKey))
      for revocation in retracted
      where (rested.contains(revocation.key) || opening.triggers.contains(revocation.key))
      {
        tellReceivers(index, of: revocation)
      }
    }
  }

  /// Tells an opening's receivers once that an event it rested on was retracted.
  mutating func tellReceivers(_ index: Int, of revocation: Revocation) {
    guard !household.openings[index].referrals.isEmpty,
      !household.openings[index].corrected.contains(revocation.key)
    else { return }
    household.openings[index].corrected.append(revocation.key)
    correct(household.openings[index], revocation)
  }

  private mutating func correct(_ opening: Opening, _ revocation: Revocation) {
    guard let correction = pack.rule(.correction) else { return }
    let rule = pack.rule(thatOpened: opening.rule)
    // Resources read no alerts: they have the withdrawn revision.
    var receivers = Set(
      opening.referrals.map(\.receiver).filter { $0 != .resource }.map(\.description))
    for alert in opening.alerts where rule.alerts.indices.contains(Int(alert.entry)) {
      receivers.formUnion(rule.alerts[Int(alert.entry)].audiences)
    }
    for (position, alert) in correction.alerts.enumerated() {
      publishCorrection(
        alert, position, correction, opening: opening, of: rule, revocation,
        to: receivers.sorted())
    }
  }

  /// What shows an event that was taken back, and still holds, says what is known instead
  /// (semantics 21).
  mutating func rewriteCorrected() {
    guard hasRevocations else { return }
    let revoked = Set(revocations.map(\.key))
    for index in household.openings.indices where household.openings[index].phase == .open {
      let isConcerned = household.openings[index].referrals.contains { referral in
        referral.state.isOpen
          && referral.evidence.contains { $0.eventKey.map(revoked.contains) ?? false }
      }
      // What the engine opens follows a plan of its own.
      guard isConcerned, let rule = pack.rule(household.openings[index].rule), !rule.isEngine
      else { continue }
      rewrite(index, rule, onlyChanged: true)
    }
  }
}
