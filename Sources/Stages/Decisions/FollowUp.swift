import Policy
import Records
import Situation
import Vocabulary

/// A visit that somebody reported on a referral of the ladder.
struct VisitMade: Equatable, Sendable {
  var event: EventKey
  var on: CivilDate
  var stableIncome: Bool?
}

/// The visits after an exit from assistance (E02) and those that were missed (E03): openings that
/// follow from a plan instead of from conditions.
extension Desk {
  static let visitReport = EventTypeID("report.visit")

  /// The exit whose visits are on, and what they are by today.
  struct Course {
    let exit: Situation.Exit
    let event: EventView
    let plan: FollowUpPlan
  }

  /// Brings the openings of the ladder in line with the plan.
  mutating func followUp(_ nextDecision: inout Instant) {
    guard let ladder = rulebook.visitLadder else {
      situation.look(from: .now(now))
      return situation.begin()
    }
    let course = course(ladder)
    endLadders(except: course?.event.key, ladder)
    guard let course else { return }
    apply(course, ladder)
    if let missed = rulebook.missedVisit {
      applyMissed(course, missed, &nextDecision)
    }
    if let opens = course.plan.nextOpens {
      nextDecision = min(nextDecision, Instant(startOf: opens))
    }
  }

  /// The ladder as things stand now; nil where no exit starts one.
  ///
  /// - Parameter former: an exit that was corrected, whose visits are still to be carried on.
  private func course(_ ladder: CompiledRule, correcting former: EventKey? = nil) -> Course? {
    situation.look(from: .now(now))
    situation.begin()
    // Nobody is left to be visited where all members of a known household have died.
    guard file.compositions.isEmpty || situation.hasMembers,
      let exit = situation.exits().first(where: { starts(ladder, $0.event, former) }),
      let event = file.event(exit.event)
    else { return nil }
    let visits = visitsMade(since: exit.date)
    let earlier = openings(of: ladder, event.key) + (former.map { openings(of: ladder, $0) } ?? [])
    // What was answered stays made where the exit turned out to be of a later day.
    let asked = earlier
      .filter { household.openings[$0].phase == .closed && !isMadeByReport($0) }
      .map { household.openings[$0].openedBy.date }.min()
    let plan = FollowUpPlan(
      exit: exit.date, since: asked, made: visits.map(\.on).sorted(),
      stableIncome: visits.compactMap { visit in visit.stableIncome.map { (visit.on, $0) } }
        .sorted { $0.0 < $1.0 },
      today: now.date, terms: terms(ladder), calendar: pack.calendar)
    return Course(exit: exit, event: event, plan: plan)
  }

  /// Whether the rule's conditions held at the end of the exit's day: an exit while another
  /// programme is in force starts no ladder (semantics 20), nor does one that is told of too late
  /// (semantics 28), unless it corrects one that did.
  private func starts(
    _ ladder: CompiledRule, _ position: EventPosition, _ former: EventKey?
  ) -> Bool {
    guard let event = file.event(position) else { return false }
    let isInTime =
      event.accepted <= eventWindow.deadline(from: event.effective, calendar: pack.calendar)
    guard
      isInTime || !openings(of: ladder, event.key).isEmpty
        || former.map({ isCorrected($0, by: event.key) }) ?? false
    else { return false }
    situation.look(from: .day(of: event.effective, event: position))
    defer {
      situation.look(from: .now(now))
      situation.begin()
    }
    return evaluation.decide(ladder, subject: nil, event: position).holds
  }

  private func terms(_ rule: CompiledRule) -> FollowUpPlan.Terms {
    var terms = FollowUpPlan.Terms()
    func term(_ name: String) -> Term? {
      rule.terms[name]?.resolved(situation.resolvedParameters)
    }
    terms.first = term("first") ?? terms.first
    terms.pause = term("next") ?? terms.pause
    terms.limit = term("due") ?? terms.limit
    terms.watch = term("ends") ?? terms.watch
    return terms
  }

  /// Visits reported on the ladder's referrals, and visits to the household or a member from the
  /// exit on.
  private func visitsMade(since exit: CivilDate) -> [VisitMade] {
    var made = household.visits
    func collect(_ log: EventLogView) {
      for index in 0..<log.eventCount {
        let event = log.event(index)
        guard event.type == Desk.visitReport, event.effective <= now,
          event.effective.date >= exit, !made.contains(where: { $0.event == event.key })
        else { continue }
        made.append(VisitMade(event: event.key, on: event.effective.date, stableIncome: nil))
      }
    }
    collect(file.log)
    for index in situation.members { collect(file.persons[index].view.log) }
    return made.sorted { $0.on != $1.on ? $0.on < $1.on : $0.event < $1.event }
  }

  /// Re-entry into assistance, a newer exit or a retracted one ends what is open.
  private mutating func endLadders(except exit: EventKey?, _ ladder: CompiledRule) {
    let current = exit.map { [$0] } ?? []
    let missed = rulebook.missedVisit?.id
    for index in household.openings.indices where household.openings[index].phase.isLive {
      let rule = household.openings[index].rule
      guard rule == ladder.id || rule == missed, household.openings[index].triggers != current
      else { continue }
      end(index, ladder)
    }
  }

  private mutating func apply(_ course: Course, _ rule: CompiledRule) {
    let plan = course.plan
    let event = course.event
    discountUnmade(course, rule)
    for visit in plan.visits {
      let existing = openings(of: rule, event.key)
      if visit.number <= existing.count {
        if visit.made != nil { complete(existing[visit.number - 1], rule) }
        continue
      }
      openVisit(visit, course.exit, event, rule)
    }
  }

  /// A visit that nobody made after all, since the report of it was taken back, is asked for again,
  /// and those after it with it. What was completed stays so, but does not count (semantics 21).
  private mutating func discountUnmade(_ course: Course, _ rule: CompiledRule) {
    let visits = course.plan.visits
    let existing = openings(of: rule, course.event.key)
    let first = existing.indices.first { at in
      at >= visits.count || visits[at].made == nil && isMadeByReport(existing[at])
    }
    guard let first else { return }
    for index in existing[first...] {
      if household.openings[index].phase.isLive {
        withdraw(index, .noLongerHolds)
      } else {
        household.openings[index].phase = .withdrawn
      }
    }
  }

  /// Whether a visit counts as made by a report alone, not by an answer to the referral.
  private func isMadeByReport(_ index: Int) -> Bool {
    household.openings[index].phase == .closed
      && household.openings[index].referrals.allSatisfy {
        $0.state != .completed || $0.history.last?.by == settings.source
      }
  }

  /// Openings of a rule for one exit, by ordinal: the n-th is visit n. What was withdrawn does not
  /// count, so that a ladder that ended opens again when the reason for its end is taken back.
  private func openings(of rule: CompiledRule, _ exit: EventKey) -> [Int] {
    household.openings.indices.filter {
      household.openings[$0].rule == rule.id && household.openings[$0].triggers == [exit]
        && household.openings[$0].phase != .withdrawn
    }.sorted { household.openings[$0].ordinal < household.openings[$1].ordinal }
  }

  private mutating func openVisit(
    _ visit: FollowUpPlan.Visit, _ exit: Situation.Exit, _ event: EventView, _ rule: CompiledRule
  ) {
    var opening = Opening(
      rule: rule.id, subject: nil, ordinal: household.nextOrdinal(rule.id, nil),
      phase: .open, since: now, ceased: false, openedAt: now, openedBy: event.effective,
      triggers: [event.key], review: false, referrals: [], alerts: [])
    if rule.status != .active || visit.made != nil {
      opening.phase = rule.status == .active ? .closed : .shadow
      household.openings.append(opening)
      return
    }
    household.openings.append(opening)
    let index = household.openings.count - 1
    open(
      index, rule, nil, exit.event, .holds, due: Instant(endOf: visit.due),
      extra: [visit.shown(at: Instant(startOf: visit.opens))])
  }

  /// A visit on record completes the referral that asked for it (semantics 32).
  private mutating func complete(_ index: Int, _ rule: CompiledRule) {
    for at in household.openings[index].referrals.indices {
      var referral = household.openings[index].referrals[at]
      guard referral.state.isOpen else { continue }
      referral.state = .completed
      revise(&referral, "visited", by: settings.source)
      household.openings[index].referrals[at] = referral
      publish(referral, rule, household.openings[index])
    }
    closeIfDone(index)
  }

  /// One opening for each missed visit: its entries open 7 and 15 days after the due date.
  private mutating func applyMissed(
    _ course: Course, _ rule: CompiledRule, _ nextDecision: inout Instant
  ) {
    guard rule.status == .active else { return }
    for visit in course.plan.visits {
      guard visit.made == nil else {
        let index = missedOpening(visit.number, course.event.key, rule)
        if let index, household.openings[index].phase.isLive { withdraw(index, .noLongerHolds) }
        continue
      }
      let steps = missedSteps(visit.due, rule)
      for (position, at) in steps {
        if at > now {
          nextDecision = min(nextDecision, at)
          continue
        }
        openMissed(position, visit, course, rule)
      }
    }
  }

  private static func marker(_ visit: Int, after exit: EventKey) -> EventKey {
    EventKey(source: "missed-visit/\(exit.high)", id: String(visit))
  }

  /// The opening for a missed visit after an exit, but for what was withdrawn.
  private func missedOpening(_ visit: Int, _ exit: EventKey, _ rule: CompiledRule) -> Int? {
    let marker = Desk.marker(visit, after: exit)
    return household.openings.firstIndex {
      $0.rule == rule.id && $0.triggers == [exit] && $0.marker == marker
        && $0.phase != .withdrawn
    }
  }

  /// When each entry of the rule opens: the sub-district's first, the district's later.
  private func missedSteps(_ due: CivilDate, _ rule: CompiledRule) -> [(entry: Int, at: Instant)] {
    rule.referrals.indices.map { position in
      let isDistrict = rule.referrals[position].to == .district
      let term =
        rule.terms[isDistrict ? "district" : "subdistrict"]?
        .resolved(situation.resolvedParameters) ?? Term(isDistrict ? 15 : 7, .days)
      return (position, Instant(endOf: term.date(from: due, calendar: pack.calendar)))
    }
  }

  private mutating func openMissed(
    _ position: Int, _ visit: FollowUpPlan.Visit, _ course: Course, _ rule: CompiledRule
  ) {
    let event = course.event
    var index = missedOpening(visit.number, event.key, rule)
    if index == nil {
      household.openings.append(
        Opening(
          rule: rule.id, subject: nil, ordinal: household.nextOrdinal(rule.id, nil),
          phase: .open, since: now, ceased: false, openedAt: now, openedBy: event.effective,
          triggers: [event.key], review: false, referrals: [], alerts: [],
          marker: Desk.marker(visit.number, after: event.key)))
      index = household.openings.count - 1
    }
    guard let index, household.openings[index].phase == .open,
      !household.openings[index].referrals.contains(where: {
        Int($0.entry) == position && $0.state != .withdrawn
      })
    else { return }
    evaluation.begin(rule, subject: nil, event: course.exit.event)
    let scene = Scene(
      rule: rule, subject: nil, event: course.exit.event, opening: household.openings[index],
      at: now, extra: [visit.shown(at: Instant(endOf: visit.due))])
    guard let referral = makeReferral(rule.referrals[position], position, area, scene) else {
      return
    }
    sendAgain(referral, in: index, rule)
    record(
      .opened, rule, nil, opening: household.openings[index], answer: .holds,
      event: course.exit.event)
  }
}

/// An exit that was corrected.
extension Desk {
  /// A corrected exit that starts visits takes the place of the former one (semantics 21): its
  /// visits, made or not, go on as the plan has them now. For what is not due by the plan any more
  /// nothing takes the place.
  mutating func carryOnVisits(_ revocations: [Revocation], _ rulebook: Rulebook) {
    guard let ladder = rulebook.visitLadder else { return }
    for former in revocations where former.reason == .superseded {
      let visits = openings(of: ladder, former.key)
      guard !visits.isEmpty, let course = course(ladder, correcting: former.key),
        course.event.key == former.by
      else { continue }
      for (index, visit) in zip(visits, course.plan.visits) {
        carryOn(
          index, ladder, course, due: Instant(endOf: visit.due),
          visit.shown(at: Instant(startOf: visit.opens)))
      }
      guard let missed = rulebook.missedVisit else { continue }
      for visit in course.plan.visits where visit.made == nil {
        carryOnMissed(visit, former.key, course, missed)
      }
    }
  }

  private func isCorrected(_ former: EventKey, by event: EventKey) -> Bool {
    revocations.contains {
      $0.key == former && $0.by == event && $0.reason == .superseded
    }
  }

  private mutating func carryOn(
    _ index: Int, _ rule: CompiledRule, _ course: Course, due: Instant? = nil, _ visit: Evidence
  ) {
    let isLive = household.openings[index].phase.isLive
    rest(index, rule, on: course.event)
    guard isLive else { return }
    noteFirstTrigger(index)
    rewrite(index, rule, onlyChanged: false, due: due, extra: [visit])
    record(
      .amended, rule, nil, opening: household.openings[index], answer: .holds,
      event: course.exit.event)
  }

  /// A visit that is missed by the corrected exit too; an entry whose time has not come yet opens
  /// when it does.
  private mutating func carryOnMissed(
    _ visit: FollowUpPlan.Visit, _ former: EventKey, _ course: Course, _ rule: CompiledRule
  ) {
    let early = missedSteps(visit.due, rule).filter { $0.at > now }.map(\.entry)
    guard early.count < rule.referrals.count,
      let index = missedOpening(visit.number, former, rule)
    else { return }
    for at in household.openings[index].referrals.indices
    where early.contains(Int(household.openings[index].referrals[at].entry))
      && household.openings[index].referrals[at].state.isOpen
    {
      supersede(at, of: index, rule)
    }
    household.openings[index].marker = Desk.marker(visit.number, after: course.event.key)
    carryOn(index, rule, course, visit.shown(at: Instant(endOf: visit.due)))
    closeIfDone(index)
  }
}

extension FollowUpPlan.Visit {
  /// Its number, as evidence.
  fileprivate func shown(at instant: Instant) -> Evidence {
    Evidence(fact: "visit", value: String(number), event: nil, source: nil, at: instant)
  }
}
