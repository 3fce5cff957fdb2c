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

  /// Brings the openings of the ladder in line with the plan.
  mutating func followUp(_ nextDecision: inout Instant) {
    situation.look(from: .now(now))
    situation.begin()
    guard let ladder = rulebook.visitLadder else { return }
    // Nobody is left to be visited where all members of a known household have died.
    let isEmpty = !file.compositions.isEmpty && situation.members.isEmpty
    let exit = isEmpty ? nil : situation.exits().first { starts(ladder, $0.event) }
    endLadders(except: exit?.event, ladder)
    guard let exit else { return }
    let made = visitsMade()
    let plan = FollowUpPlan(
      exit: exit.date, made: made.map(\.on).sorted(),
      stableIncome: made.compactMap { visit in visit.stableIncome.map { (visit.on, $0) } }
        .sorted { $0.0 < $1.0 },
      today: now.date, terms: terms(ladder), calendar: pack.calendar)
    apply(plan, exit, ladder)
    if let missed = rulebook.missedVisit {
      applyMissed(plan, exit, missed, &nextDecision)
    }
    if let opens = plan.nextOpens { nextDecision = min(nextDecision, Instant(startOf: opens)) }
  }

  /// Whether the rule's conditions held at the end of the exit's day: an exit while another
  /// programme is in force starts no ladder (semantics 20), nor does one that is told of too late
  /// (semantics 28).
  private func starts(_ ladder: CompiledRule, _ position: EventPosition) -> Bool {
    guard let event = file.event(position),
      event.accepted <= eventWindow.deadline(from: event.effective, calendar: pack.calendar)
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

  /// Visits reported on the ladder's referrals, and visits to the household or a member.
  private func visitsMade() -> [VisitMade] {
    var made = household.visits
    func collect(_ log: EventLogView) {
      for index in 0..<log.eventCount {
        let event = log.event(index)
        guard event.type == Desk.visitReport, event.effective <= now,
          !made.contains(where: { $0.event == event.key })
        else { continue }
        made.append(VisitMade(event: event.key, on: event.effective.date, stableIncome: nil))
      }
    }
    collect(file.log)
    for index in situation.members { collect(file.persons[index].view.log) }
    return made.sorted { $0.on != $1.on ? $0.on < $1.on : $0.event < $1.event }
  }

  /// Re-entry into assistance, a newer exit or a retracted one ends what is open.
  private mutating func endLadders(except exit: EventPosition?, _ ladder: CompiledRule) {
    let current = exit.flatMap(file.event).map { [$0.key] } ?? []
    let missed = rulebook.missedVisit?.id
    for index in household.openings.indices where household.openings[index].isLive {
      let rule = household.openings[index].rule
      guard rule == ladder.id || rule == missed, household.openings[index].triggers != current
      else { continue }
      end(index, ladder)
    }
  }

  private mutating func apply(
    _ plan: FollowUpPlan, _ exit: Situation.Exit, _ rule: CompiledRule
  ) {
    guard let event = file.event(exit.event) else { return }
    for visit in plan.visits {
      let existing = openings(of: rule, event.key)
      if visit.number <= existing.count {
        if visit.made != nil { complete(existing[visit.number - 1], rule) }
        continue
      }
      openVisit(visit, exit, event, rule)
    }
    for index in openings(of: rule, event.key).dropFirst(plan.visits.count)
    where household.openings[index].isLive {
      withdraw(index, .noLongerHolds)
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
    let number = Evidence(
      fact: "visit", value: String(visit.number), event: nil, source: nil,
      at: Instant(startOf: visit.opens))
    open(
      index, rule, nil, exit.event, .holds, due: Instant(endOf: visit.due), extra: [number])
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
    _ plan: FollowUpPlan, _ exit: Situation.Exit, _ rule: CompiledRule,
    _ nextDecision: inout Instant
  ) {
    guard let event = file.event(exit.event), rule.status == .active else { return }
    for visit in plan.visits {
      let marker = EventKey(source: "missed-visit/\(event.key.high)", id: String(visit.number))
      let index = household.openings.firstIndex {
        $0.rule == rule.id && $0.triggers == [event.key] && $0.marker == marker
      }
      guard visit.made == nil else {
        if let index, household.openings[index].isLive { withdraw(index, .noLongerHolds) }
        continue
      }
      let steps = missedSteps(visit.due, rule)
      for (position, at) in steps {
        if at > now {
          nextDecision = min(nextDecision, at)
          continue
        }
        openMissed(position, visit, exit, event, marker, rule)
      }
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
    _ position: Int, _ visit: FollowUpPlan.Visit, _ exit: Situation.Exit, _ event: EventView,
    _ marker: EventKey, _ rule: CompiledRule
  ) {
    var index = household.openings.firstIndex {
      $0.rule == rule.id && $0.triggers == [event.key] && $0.marker == marker
        && $0.phase != .withdrawn
    }
    if index == nil {
      household.openings.append(
        Opening(
          rule: rule.id, subject: nil, ordinal: household.nextOrdinal(rule.id, nil),
          phase: .open, since: now, ceased: false, openedAt: now, openedBy: event.effective,
          triggers: [event.key], review: false, referrals: [], alerts: [], marker: marker))
      index = household.openings.count - 1
    }
    guard let index, household.openings[index].phase == .open,
      !household.openings[index].referrals.contains(where: { Int($0.entry) == position })
    else { return }
    evaluation.begin(rule, subject: nil, event: exit.event)
    let number = Evidence(
      fact: "visit", value: String(visit.number), event: nil, source: nil,
      at: Instant(endOf: visit.due))
    let scene = Scene(
      rule: rule, subject: nil, event: exit.event, opening: household.openings[index], at: now,
      extra: [number])
    guard let referral = makeReferral(rule.referrals[position], position, area, scene) else {
      return
    }
    send(referral, in: index, rule)
    record(
      .opened, rule, nil, opening: household.openings[index], answer: .holds, event: exit.event)
  }
}
