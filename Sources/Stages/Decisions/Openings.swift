import Expression
import Policy
import Records
import Situation
import Streaming
import Vocabulary

/// What happens to an opening: opened, confirmed, amended, withdrawn.
extension Desk {
  /// Publishes an opening: alerts and referrals, or a review by an advisor where facts are missing.
  ///
  /// - Parameters:
  ///   - due: replaces the deadline of the rule's entries.
  ///   - extra: evidence besides that of the rule's entries.
  mutating func open(
    _ index: Int, _ rule: CompiledRule, _ subject: Int?, _ event: EventPosition?,
    _ answer: Answer, due: Instant? = nil, extra: [Evidence] = []
  ) {
    evaluation.begin(rule, subject: subject, event: event)
    let scene = Scene(
      rule: rule, subject: subject, event: event, opening: household.openings[index], at: now,
      due: due, extra: extra)
    if case .unknown(let missing) = answer {
      openReview(index, scene, missing: evaluation.names(missing))
    } else {
      openOutputs(index, scene)
    }
    record(
      .opened, rule, household.openings[index].subject, opening: household.openings[index],
      answer: answer, event: event)
    closeOthers(rule, household.openings[index].subject)
  }

  /// The rules that an opening of this one replaces for the same subject (semantics 22).
  private mutating func closeOthers(_ rule: CompiledRule, _ subject: CitizenID?) {
    for index in household.openings.indices
    where rule.closes.contains(household.openings[index].rule)
      && household.openings[index].subject == subject && household.openings[index].isLive
    {
      withdraw(index, .superseded)
    }
  }

  private mutating func openOutputs(_ index: Int, _ scene: Scene) {
    let rule = scene.rule
    for (position, alert) in rule.alerts.enumerated() {
      let built = makeAlert(alert, position, scene)
      household.openings[index].alerts.append(built)
      publish(built, rule, household.openings[index])
    }
    for (position, entry) in rule.referrals.enumerated() {
      let isThere = household.openings[index].referrals.contains {
        Int($0.entry) == position && $0.state != .withdrawn
      }
      guard !isThere, isWanted(entry, scene), !wasAnswered(position, scene) else { continue }
      ask(entry, position, in: index, scene)
    }
  }

  /// Sends an entry's referrals, or finds out first who can take them.
  private mutating func ask(
    _ entry: CompiledReferral, _ position: Int, in index: Int, _ scene: Scene
  ) {
    for area in targetAreas(entry, scene) {
      if entry.to == .resource {
        requestMatch(entry, position, area, scene)
      } else if let referral = makeReferral(entry, position, area, scene) {
        sendAgain(referral, in: index, scene.rule)
      }
    }
  }

  /// Whether this receiver has answered an earlier opening of late or in view of the same event,
  /// though the opening as a whole was withdrawn: what is done is not asked for again, nor what
  /// people have refused to have passed on (semantics 3, 13 and 16).
  func wasAnswered(_ position: Int, _ scene: Scene) -> Bool {
    guard !scene.rule.isVisitLadder else { return false }
    let event = scene.event.flatMap(file.event)?.key
    return household.openings.contains { earlier in
      earlier.rule == scene.opening.rule && earlier.subject == scene.opening.subject
        && earlier.ordinal < scene.opening.ordinal && earlier.phase == .withdrawn
        && earlier.referrals.contains { referral in
          Int(referral.entry) == position
            && (referral.state.isAnswered || referral.reason == .consentWithdrawn)
            && referral.history.last.map { isAnswered(scene.rule, since: $0.at, event) } ?? false
        }
    }
  }

  /// An event joins an opening that was answered in view of it before: nobody has to do it again.
  mutating func dropAnswered(
    _ index: Int, _ rule: CompiledRule, _ subject: Int?, _ event: EventPosition?
  ) {
    let scene = Scene(
      rule: rule, subject: subject, event: event, opening: household.openings[index], at: now)
    for at in household.openings[index].referrals.indices
    where household.openings[index].referrals[at].state == .requested
      && wasAnswered(Int(household.openings[index].referrals[at].entry), scene)
    {
      supersede(at, of: index, rule)
    }
  }

  /// An advisor is asked to find out what is missing: one urgency lower than the rule's, at most
  /// P2, never to a resource (semantics 14).
  private mutating func openReview(_ index: Int, _ scene: Scene, missing: [String]) {
    let rule = scene.rule
    let position = rule.referrals.firstIndex { $0.to == .advisor } ?? 0
    // Whatever area the rule names: the household's own advisor finds out what is missing.
    guard rule.referrals.indices.contains(position),
      let referral = makeReferral(
        rule.referrals[position], position, area, scene, missing: missing)
    else { return }
    send(referral, in: index, rule)
  }

  /// Adds a new referral to an opening and publishes it.
  mutating func send(_ new: Referral, in index: Int, _ rule: CompiledRule) {
    var referral = new
    adopt(into: &referral, rule, household.openings[index].subject)
    household.openings[index].referrals.append(referral)
    outbox.send(
      .events, RegisterMessage.referralOpened(referral: referral.id, household: household.key))
    publish(referral, rule, household.openings[index])
    if referral.isUnassigned {
      tellOperator(of: referral, household.openings[index])
    }
  }

  /// The missing fact has come and the rule holds: same identifier and opening, deadlines from
  /// now; the other outputs open (semantics 30).
  mutating func confirm(
    _ index: Int, _ rule: CompiledRule, _ subject: Int?, _ event: EventPosition?
  ) {
    household.openings[index].review = false
    evaluation.begin(rule, subject: subject, event: event)
    let scene = Scene(
      rule: rule, subject: subject, event: event, opening: household.openings[index], at: now)
    for at in household.openings[index].referrals.indices {
      var referral = household.openings[index].referrals[at]
      guard referral.review, referral.state.isOpen,
        rule.referrals.indices.contains(Int(referral.entry))
      else { continue }
      let entry = rule.referrals[Int(referral.entry)]
      guard entry.to == .advisor else {
        // The rule has no work for an advisor: its own receiver takes over.
        supersede(at, of: index, rule)
        continue
      }
      referral.review = false
      referral.missing = []
      referral.urgency = urgency(entry, scene)
      referral.dueAt = dueAt(entry, scene)
      referral.overdueAt = referral.dueAt
      referral.claimFrom = now
      referral.task = text(entry.task, scene)
      referral.evidence = evidence(entry.evidence, scene)
      revise(&referral, "confirmed", by: settings.source)
      household.openings[index].referrals[at] = referral
      publish(referral, rule, household.openings[index])
    }
    openOutputs(index, scene)
    record(
      .confirmed, rule, household.openings[index].subject, opening: household.openings[index],
      answer: .holds, event: event)
  }

  /// Another event supports an open referral: its next revision (semantics 13).
  mutating func amend(
    _ index: Int, _ rule: CompiledRule, _ subject: Int?, _ event: EventPosition?
  ) {
    evaluation.begin(rule, subject: subject, event: event)
    let scene = Scene(
      rule: rule, subject: subject, event: event, opening: household.openings[index], at: now)
    for at in household.openings[index].referrals.indices {
      var referral = household.openings[index].referrals[at]
      guard referral.state.isOpen, rule.referrals.indices.contains(Int(referral.entry)) else {
        continue
      }
      for item in evidence(rule.referrals[Int(referral.entry)].evidence, scene)
      where !referral.evidence.contains(item) {
        referral.evidence.append(item)
      }
      revise(&referral, "evidence-added", by: settings.source)
      household.openings[index].referrals[at] = referral
      publish(referral, rule, household.openings[index])
    }
    record(
      .amended, rule, household.openings[index].subject, opening: household.openings[index],
      answer: .holds, event: event)
  }

  /// Writes task, evidence and a deadline that counts from a date anew: the next revision of each
  /// open referral.
  ///
  /// - Parameters:
  ///   - due: replaces the deadline of the rule's entries.
  ///   - extra: evidence besides that of the rule's entries.
  mutating func rewrite(
    _ index: Int, _ rule: CompiledRule, onlyChanged: Bool, due: Instant? = nil,
    extra: [Evidence] = []
  ) {
    let opening = household.openings[index]
    let subject = opening.subject.flatMap(file.index)
    let events = opening.triggers.compactMap(file.position).map(Optional.some)
    guard (subject == nil) == (opening.subject == nil),
      events.isEmpty == opening.triggers.isEmpty
    else { return }
    for at in opening.referrals.indices
    where opening.referrals[at].state.isOpen
      && rule.referrals.indices.contains(Int(opening.referrals[at].entry))
    {
      let former = opening.referrals[at]
      let entry = rule.referrals[Int(former.entry)]
      var referral = former
      referral.evidence = []
      for event in events.isEmpty ? [nil] : events {
        situation.look(from: .now(now, event: event))
        let scene = Scene(
          rule: rule, subject: subject, event: event, opening: opening, at: former.openedAt)
        for item in evidence(entry.evidence, scene) + extra
        where !referral.evidence.contains(item) {
          referral.evidence.append(item)
        }
        guard !former.review, event == events.first ?? nil else { continue }
        referral.task = text(entry.task, scene)
        if due != nil || entry.from != nil {
          referral.move(dueAt: due ?? dueAt(entry, scene), now: now)
        }
      }
      guard !onlyChanged || referral != former else { continue }
      revise(&referral, "corrected", by: settings.source)
      household.openings[index].referrals[at] = referral
      publish(referral, rule, household.openings[index])
    }
  }

  /// Entries that name their areas go where these are now: a corrected fact or another event may
  /// name others. A referral to an area that nothing names any more is superseded.
  mutating func retarget(
    _ index: Int, _ rule: CompiledRule, _ subject: Int?, _ event: EventPosition?
  ) {
    guard !household.openings[index].review else { return }
    let scene = Scene(
      rule: rule, subject: subject, event: event, opening: household.openings[index], at: now)
    for (position, entry) in rule.referrals.enumerated() where entry.area != nil {
      let targets = targetAreas(entry, of: scene)
      let sent = household.openings[index].referrals.enumerated().filter {
        Int($0.element.entry) == position && $0.element.state != .withdrawn
      }
      // What was left out when the rest opened, since it is done, stays left out.
      if sent.isEmpty, wasAnswered(position, scene) { continue }
      for (at, former) in sent
      where former.state.isOpen && !targets.contains(where: { $0.code == former.area }) {
        supersede(at, of: index, rule)
      }
      for area in targets where !sent.contains(where: { $0.element.area == area.code }) {
        guard let referral = makeReferral(entry, position, area, scene) else { continue }
        sendAgain(referral, in: index, rule)
      }
    }
  }

  /// Whether an entry's referral is out, is being placed, or is over for good.
  func isAsked(_ position: Int, _ opening: Opening) -> Bool {
    opening.referrals.contains {
      Int($0.entry) == position && $0.reason != .superseded && $0.reason != .noLongerHolds
    }
      || household.placements.awaited.contains {
        $0.belongs(to: opening) && Int($0.entry) == position
      }
  }

  /// Entries with a condition of their own follow it as long as the opening goes on.
  mutating func followConditions(_ index: Int, _ rule: CompiledRule, _ subject: Int?) {
    guard !household.openings[index].review else { return }
    let events = household.openings[index].triggers.compactMap(file.position)
    var isChanged = false
    for (position, entry) in rule.referrals.enumerated() where entry.when != nil {
      let opening = household.openings[index]
      let scenes = (opening.triggers.isEmpty ? [nil] : events.map(Optional.some)).map {
        Scene(rule: rule, subject: subject, event: $0, opening: opening, at: now)
      }
      let wanting = scenes.first { scene in
        situation.look(from: .now(now, event: scene.event))
        return isWanted(entry, scene)
      }
      if let wanting {
        guard !isAsked(position, opening), !wasAnswered(position, wanting) else { continue }
        ask(entry, position, in: index, wanting)
        // Where nobody can take it, nothing is asked.
        isChanged = isChanged || isAsked(position, household.openings[index])
        continue
      }
      household.placements.awaited.removeAll {
        $0.belongs(to: opening) && Int($0.entry) == position
      }
      for at in opening.referrals.indices
      where Int(opening.referrals[at].entry) == position && opening.referrals[at].state.isOpen {
        supersede(at, of: index, rule, .noLongerHolds)
        isChanged = true
      }
    }
    guard isChanged else { return }
    record(
      .amended, rule, household.openings[index].subject, opening: household.openings[index],
      answer: .holds, event: events.first)
  }

  /// Withdraws one referral of an opening that goes on.
  mutating func supersede(
    _ at: Int, of index: Int, _ rule: CompiledRule, _ reason: WithdrawalReason = .superseded
  ) {
    var referral = household.openings[index].referrals[at]
    referral.state = .withdrawn
    referral.reason = reason
    revise(&referral, "withdrawn", by: settings.source)
    household.openings[index].referrals[at] = referral
    publish(referral, rule, household.openings[index])
  }

  /// Sends a referral that may have been withdrawn before, as from an area that is named again: the
  /// next revision of that one. Two entries that name the same receiver are one referral.
  mutating func sendAgain(_ referral: Referral, in index: Int, _ rule: CompiledRule) {
    guard
      let at = household.openings[index].referrals.firstIndex(where: { $0.id == referral.id })
    else { return send(referral, in: index, rule) }
    let former = household.openings[index].referrals[at]
    guard former.state == .withdrawn else { return }
    var again = referral
    again.revision = former.revision
    again.history = former.history
    revise(&again, "requested", by: settings.source)
    household.openings[index].referrals[at] = again
    publish(again, rule, household.openings[index])
  }

  /// Takes an opening back: every open referral is withdrawn, every alert resolved. What was
  /// completed stays completed.
  mutating func withdraw(_ index: Int, _ reason: WithdrawalReason) {
    let ruleID = household.openings[index].rule
    let wasShadow = household.openings[index].phase == .shadow
    let rule = pack.rule(thatOpened: ruleID)
    for at in household.openings[index].referrals.indices {
      var referral = household.openings[index].referrals[at]
      guard referral.state.isOpen else { continue }
      referral.state = .withdrawn
      referral.reason = reason
      revise(&referral, "withdrawn", by: settings.source)
      household.openings[index].referrals[at] = referral
      publish(referral, rule, household.openings[index])
    }
    household.placements.forget(household.openings[index])
    household.openings[index].phase = .withdrawn
    household.openings[index].since = now
    let triggers = household.openings[index].triggers
    let subject = household.openings[index].subject
    household.fired.removeAll {
      $0.rule == ruleID && $0.subject == subject && triggers.contains($0.event)
    }
    resolveAlerts(index, rule)
    record(
      wasShadow ? .shadowWithdrawn : .withdrawn, rule, subject,
      opening: household.openings[index], answer: nil, event: nil, reason: reason)
  }

  /// An opening whose last referral is answered is closed, and its alerts are resolved.
  mutating func closeIfDone(_ index: Int) {
    let opening = household.openings[index]
    guard opening.phase == .open, !opening.referrals.isEmpty,
      !opening.referrals.contains(where: { $0.state.isOpen }),
      !household.placements.awaits(opening)
    else { return }
    let rule = pack.rule(thatOpened: opening.rule)
    household.openings[index].phase = .closed
    household.openings[index].since = now
    resolveAlerts(index, rule)
  }

  private mutating func resolveAlerts(_ index: Int, _ rule: CompiledRule) {
    for at in household.openings[index].alerts.indices
    where household.openings[index].alerts[at].firing {
      household.openings[index].alerts[at].firing = false
      household.openings[index].alerts[at].revision += 1
      publish(household.openings[index].alerts[at], rule, household.openings[index])
    }
  }

  /// Counts a change of a referral and notes it in its history.
  func revise(_ referral: inout Referral, _ what: String, by: String) {
    referral.revision += 1
    referral.history.append(HistoryItem(at: now, what: what, by: by))
  }

  /// A referral handed over by a provisional household goes on with its state, history and times.
  private mutating func adopt(
    into referral: inout Referral, _ rule: CompiledRule, _ subject: CitizenID?
  ) {
    guard
      let former = handedOver(
        referral.receiver, entry: referral.entry, area: referral.area, rule, subject)
    else { return }
    referral.carryOn(from: former, now: now)
    keepAssignee(of: former, in: &referral)
  }

  /// What a provisional household handed over of a rule's entry. A rule can refer to several areas;
  /// a referral of an unknown area becomes any.
  func handedOver(
    _ receiver: Receiver, entry: UInt8, area: String, _ rule: CompiledRule, _ subject: CitizenID?
  ) -> Referral? {
    for opening in household.adopted where opening.rule == rule.id && opening.subject == subject {
      let same = opening.referrals.filter { $0.receiver == receiver && $0.entry == entry }
      if let former = same.first(where: { $0.area == area }) ?? same.first { return former }
    }
    return nil
  }
}

extension Desk {
  /// A referral that moves keeps its advisor where the advisor still covers the area.
  func keepAssignee(of former: Referral, in referral: inout Referral) {
    guard let level = Advisor.Level(rawValue: former.assigneeLevel),
      let area = Area(code: referral.area),
      let advisor = settings.directory.advisors[former.assignee],
      advisor.covers(area.code(for: level))
    else { return }
    referral.assignee = former.assignee
    referral.assigneeLevel = former.assigneeLevel
    referral.escalation = 0
  }
}

extension Referral {
  /// Takes over state, history, times and assignee from the same referral under another
  /// identifier; escalation starts anew (semantics 31).
  mutating func carryOn(from former: Referral, now: Instant) {
    openedAt = former.openedAt
    self.history = former.history + self.history
    if self.review == former.review {
      state = former.state
      dueAt = former.dueAt
      overdueAt = former.dueAt > now ? former.dueAt : nil
    }
    // With nobody there it is at the end of the ladder already (semantics 19).
    escalation = isUnassigned ? Assignment.unassigned.escalation : 0
    claimFrom = now
    if receiver == .resource, state != .requested, !self.candidates.contains(former.holder) {
      state = .requested
    }
    // The last revision of the former one is its withdrawal.
    let ended = former.state.isOpen ? former.revision + 1 : former.revision
    self.formerly = former.formerly + ["\(former.id)/\(ended)"]
    // Back where it was before, it goes on under its old identifier.
    revision = (lastRevision(under: id) ?? 0) + 1
  }
}

/// What an output is made from.
struct Scene {
  let rule: CompiledRule
  /// Index of the subject in the file.
  let subject: Int?
  var event: EventPosition?
  let opening: Opening
  /// When it opens; `due` counts from here.
  let at: Instant
  /// Replaces the deadline of the rule's entries.
  var due: Instant? = nil
  /// Evidence besides that of the rule's entries.
  var extra: [Evidence] = []
}

extension CompiledRule {
  /// The engine itself opens it.
  var isEngine: Bool {
    if case .engine = trigger { true } else { false }
  }

  /// Some entry says to which areas it goes, instead of the household's own.
  var namesAreas: Bool { referrals.contains { $0.area != nil } }

  /// Some entry has a condition of its own.
  var hasConditions: Bool { referrals.contains { $0.when != nil } }
}
