import Policy
import Records
import Situation
import Vocabulary

/// The life of a published referral: feedback, deadlines, a new district.
extension Desk {
  static let consentField = FactID("event.consent")
  static let byField = FactID("event.by")
  static let toField = FactID("event.to")
  static let stableIncome = FactID("event.stable_income")

  /// Acts on what an advisor or a resource reports (semantics 17).
  mutating func take(feedback entry: EventEntry, on id: String) {
    guard let kind = FeedbackKind(type: entry.type), let (opening, at) = find(id) else { return }
    let rule = pack.rule(thatOpened: household.openings[opening].rule)
    takeConsent(entry, household.openings[opening].subject)
    var referral = household.openings[opening].referrals[at]
    let by = entry.text(Desk.byField) ?? ""
    var effect = FeedbackEffect.of(
      kind, on: referral.state, visitCompletes: rule.isVisitLadder)
    if effect == .passOn, referral.receiver == .resource, !referral.candidates.contains(by) {
      // Nobody asked them.
      effect = .impossible
    }
    switch effect {
    case .move(let state):
      referral.state = state
      revise(&referral, kind.rawValue, by: by)
    case .reassign where referral.receiver == .resource:
      guard let to = entry.text(Desk.toField), referral.candidates.contains(to) else {
        return recordImpossible(rule, opening)
      }
      referral.candidates = [to] + referral.candidates.filter { $0 != to }
      referral.state = .requested
      referral.claimFrom = now
      revise(&referral, kind.rawValue, by: by)
    case .reassign:
      referral.state = .requested
      referral.assignee = entry.text(Desk.toField) ?? referral.assignee
      referral.assigneeLevel =
        settings.directory.advisors[referral.assignee]?.level.rawValue ?? referral.assigneeLevel
      referral.claimFrom = now
      revise(&referral, kind.rawValue, by: by)
    case .passOn:
      passOn(&referral, by: by)
      household.openings[opening].referrals[at] = referral
      if referral.state == .declined { openSocialMatch(for: household.openings[opening]) }
    case .impossible: return recordImpossible(rule, opening)
    }
    if rule.isVisitLadder, kind == .visited || kind == .completed {
      noteVisit(entry)
    }
    household.openings[opening].referrals[at] = referral
    publish(referral, rule, household.openings[opening])
    if effect == .passOn, referral.isUnassigned {
      tellOperator(of: referral, household.openings[opening])
    }
    closeIfDone(opening)
    household.noteChanges([Rulebook.referralsChanged], cause: nil)
  }

  private mutating func recordImpossible(_ rule: CompiledRule, _ opening: Int) {
    record(
      .feedbackImpossible, rule, household.openings[opening].subject,
      opening: household.openings[opening], answer: nil, event: nil)
  }

  private mutating func noteVisit(_ entry: EventEntry) {
    guard !household.visits.contains(where: { $0.event == entry.key }) else { return }
    var stable: Bool?
    if case .bool(let value)? = entry.value(of: Desk.stableIncome) { stable = value }
    household.visits.append(
      VisitMade(event: entry.key, on: entry.effective.date, stableIncome: stable))
    household.noteChanges(nil, cause: entry.key)
  }

  private func find(_ id: String) -> (opening: Int, referral: Int)? {
    for (index, opening) in household.openings.enumerated() {
      if let at = opening.referrals.firstIndex(where: { $0.id == id || $0.lastRevision(under: id) != nil }) {
        return (index, at)
      }
    }
    return nil
  }

  private mutating func takeConsent(_ entry: EventEntry, _ subject: CitizenID?) {
    guard case .bool(let given)? = entry.value(of: Desk.consentField) else { return }
    if let subject { household.consent[subject] = given } else { household.householdConsent = given }
    guard !given else { return offerWithConsent(subject) }
    household.placements.awaited.removeAll { $0.subject == subject }
    var wasShared = false
    for index in household.openings.indices
    where household.openings[index].subject == subject && household.openings[index].isLive {
      let rule = pack.rule(thatOpened: household.openings[index].rule)
      for at in household.openings[index].referrals.indices {
        var referral = household.openings[index].referrals[at]
        guard referral.receiver == .resource, referral.state.isOpen else { continue }
        referral.state = .withdrawn
        referral.reason = .consentWithdrawn
        revise(&referral, "withdrawn", by: settings.source)
        household.openings[index].referrals[at] = referral
        publish(referral, rule, household.openings[index])
        wasShared = true
      }
      closeIfDone(index)
      if wasShared { openSocialMatch(for: household.openings[index]) }
      wasShared = false
    }
  }

  /// A match with a social resource failed: the advisor looks for another (F01).
  mutating func openSocialMatch(for failed: Opening) {
    guard let rule = pack.rule(.socialMatch), rule.status == .active else { return }
    let marker = failed.socialMatch
    let earlier = household.openings.filter { $0.rule == rule.id && $0.subject == failed.subject }
    guard !earlier.contains(where: { $0.marker == marker && $0.isLive }) else { return }
    household.openings.append(
      Opening(
        rule: rule.id, subject: failed.subject, ordinal: household.nextOrdinal(rule.id, failed.subject),
        phase: .open, since: now, ceased: false, openedAt: now, openedBy: failed.openedBy,
        triggers: [], review: false, referrals: [], alerts: [], marker: marker))
    situation.look(from: .now(now))
    open(
      household.openings.count - 1, rule, failed.subject.flatMap(file.index), nil, .holds)
    household.noteChanges([Rulebook.referralsChanged], cause: nil)
  }

  /// Declined: the next advisor or level, or the next candidate; nobody left among the resources
  /// means declined.
  private func passOn(_ referral: inout Referral, by: String) {
    if referral.receiver == .resource {
      referral.candidates.removeAll { $0 == by }
      referral.state = referral.candidates.isEmpty ? .declined : .requested
      // The next one has its own time to answer.
      referral.escalation = 0
      referral.claimFrom = now
      revise(&referral, "declined", by: by)
      return
    }
    let next = router.assign(
      from: Advisor.Level(rawValue: referral.assigneeLevel) ?? .committee,
      area: Area(code: referral.area) ?? area, household: household.key, on: now.date,
      excluding: referral.decliners.union([by, referral.assignee]))
    referral.assignee = next.advisor
    referral.assigneeLevel = next.level
    referral.escalation = max(referral.escalation, next.escalation)
    referral.state = .requested
    referral.claimFrom = now
    revise(&referral, "declined", by: by)
  }

  // MARK: Deadlines

  /// The terms in force where the household lives.
  var deadlines: Deadlines {
    Deadlines(rulebook.terms, situation.resolvedParameters, pack.calendar)
  }

  /// Escalates what was not taken or not finished by now (semantics 18).
  mutating func advanceDeadlines() {
    guard household.openings.indices.contains(where: { household.openings[$0].phase == .open })
    else { return }
    let deadlines = deadlines
    for index in household.openings.indices where household.openings[index].phase == .open {
      for at in household.openings[index].referrals.indices {
        while let (due, step) = deadlines.next(household.openings[index].referrals, at),
          due <= now
        {
          escalate(index, at, step)
        }
      }
    }
  }

  private mutating func escalate(_ index: Int, _ at: Int, _ step: Deadlines.Step) {
    var referral = household.openings[index].referrals[at]
    let rule = pack.rule(thatOpened: household.openings[index].rule)
    if referral.receiver == .resource {
      // A silent resource: nothing to escalate, the advisor re-matches.
      referral.escalation = 2
      household.openings[index].referrals[at] = referral
      openSocialMatch(for: household.openings[index])
      return
    }
    let base = referral.receiver.level?.rank ?? 0
    let level = min(2, max(base, referral.escalation) + 1)
    let next = router.assign(
      from: level == 1 ? .subdistrict : .district, area: Area(code: referral.area) ?? area,
      household: household.key, on: now.date, excluding: referral.decliners)
    if next.isUnassigned, referral.isUnassigned {
      // Nothing about the referral has changed, so it gets no revision: this can go on for months.
      referral.claimFrom = now
      household.openings[index].referrals[at] = referral
      tellOperator(of: referral, household.openings[index])
      return
    }
    // Where a level has nobody the next one is told at once.
    let reached = max(level, next.escalation)
    referral.escalation = reached
    referral.assignee = next.advisor
    referral.assigneeLevel = next.level
    referral.claimFrom = now
    if step == .overdue {
      referral.overdueAt =
        reached < 2 ? deadlines.secondOverdue(after: now) : nil
    }
    revise(&referral, step == .unclaimed ? "unclaimed" : "overdue", by: settings.source)
    household.openings[index].referrals[at] = referral
    publish(referral, rule, household.openings[index])
    if next.isUnassigned {
      tellOperator(of: referral, household.openings[index])
    } else if let escalation = pack.rule(.escalation) {
      publishEngineAlert(
        escalation, Int(reached) - 1, "\(step.rawValue)/\(referral.revision)", audience: nil,
        referral, household.openings[index])
    }
  }

  /// A referral that nobody can be given to is the operator's business, again after each claim time
  /// (semantics 19 and 36).
  mutating func tellOperator(of referral: Referral, _ opening: Opening) {
    guard let escalation = pack.rule(.escalation) else { return }
    publishEngineAlert(
      escalation, 2, "unassigned/\(referral.claimFrom.seconds)", audience: ["operator"], referral,
      opening)
  }

  /// The household's next wake-up: a deadline, a rule whose answer may change, a hold that ends.
  func nextWake() -> Instant? {
    let openings = household.openings.indices
    guard
      openings.contains(where: {
        household.openings[$0].phase == .open || household.openings[$0].phase == .holding
      })
    else { return household.nextDecision }
    var next = household.nextDecision ?? .distantFuture
    let deadlines = deadlines
    for index in openings {
      if household.openings[index].phase == .holding,
        let rule = rulebook.rule(household.openings[index].rule), let hold = holdTerm(rule)
      {
        let since = household.openings[index].since
        next = min(next, hold.deadline(from: since, calendar: pack.calendar))
      }
      guard household.openings[index].phase == .open else { continue }
      for at in household.openings[index].referrals.indices {
        if let (due, _) = deadlines.next(household.openings[index].referrals, at) {
          next = min(next, due)
        }
      }
    }
    return next == .distantFuture ? nil : next
  }

  // MARK: A new district

  /// Open referrals of a household that now lives in another district are withdrawn there and
  /// re-opened here, with their times and history (semantics 9 and 31).
  mutating func moveToDistrict() {
    situation.look(from: .now(now))
    let district = situation.district
    defer { household.routedDistrict = district }
    guard !household.routedDistrict.isEmpty, household.routedDistrict != district else { return }
    for index in household.openings.indices where household.openings[index].phase == .open {
      reopen(index)
      offerToResources(index)
    }
  }

  private mutating func reopen(_ index: Int) {
    let opening = household.openings[index]
    let rule = pack.rule(thatOpened: opening.rule)
    for at in opening.referrals.indices where opening.referrals[at].state.isOpen {
      let former = opening.referrals[at]
      guard (Area(code: former.area) ?? area).district == household.routedDistrict,
        rule.referrals.indices.contains(Int(former.entry)),
        rule.referrals[Int(former.entry)].area == nil || former.review
      else { continue }
      var ended = former
      ended.state = .withdrawn
      ended.reason = .superseded
      revise(&ended, "withdrawn", by: settings.source)
      publish(ended, rule, opening)
      guard let moved = moved(former, rule, opening) else {
        // No resource there: the advisor looks for other help.
        household.openings[index].referrals[at] = ended
        openSocialMatch(for: opening)
        continue
      }
      household.openings[index].referrals[at] = moved
      outbox.send(
        .events, RegisterMessage.referralOpened(referral: moved.id, household: household.key))
      publish(moved, rule, opening)
      if moved.isUnassigned { tellOperator(of: moved, opening) }
    }
    closeIfDone(index)
  }

  /// A referral as it goes on where the household lives now; nil where no resource can take it.
  private func moved(
    _ former: Referral, _ rule: CompiledRule, _ opening: Opening
  ) -> Referral? {
    let scene = Scene(
      rule: rule, subject: opening.subject.flatMap(file.index), event: nil, opening: opening,
      at: former.openedAt)
    evaluation.begin(rule, subject: scene.subject, event: nil)
    guard
      var moved = makeReferral(
        rule.referrals[Int(former.entry)], Int(former.entry), area, scene,
        missing: former.missing, isReview: former.review)
    else { return nil }
    moved.missing = former.missing
    moved.urgency = former.urgency
    moved.carryOn(from: former, now: now)
    moved.evidence = former.evidence
    moved.task = former.task
    keepAssignee(of: former, in: &moved)
    return moved
  }
}

extension Opening {
  /// Marks the search for another match where one for this opening failed.
  var socialMatch: EventKey {
    EventKey(source: "social-match/" + rule, id: String(ordinal))
  }
}

extension CompiledRule {
  var isVisitLadder: Bool {
    if case .engine(.visitLadder, _) = trigger { true } else { false }
  }
}

extension EventEntry {
  func text(_ fact: FactID) -> String? {
    if case .string(let text)? = value(of: fact) { return text }
    return nil
  }
}
