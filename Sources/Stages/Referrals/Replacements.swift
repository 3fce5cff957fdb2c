import Policy
import Records
import Vocabulary

/// What happens to open referrals when advisors or resources leave the directory (semantics 17 and
/// 19): exactly one revision for each referral that names somebody who left.
extension Desk {
  mutating func replaceGone(_ sweep: World.Sweep) {
    for index in household.openings.indices where household.openings[index].phase == .open {
      for at in household.openings[index].referrals.indices
      where household.openings[index].referrals[at].isTouched(by: sweep) {
        replaceGone(index, at, sweep)
      }
      closeIfDone(index)
    }
  }

  private mutating func replaceGone(_ index: Int, _ at: Int, _ sweep: World.Sweep) {
    var referral = household.openings[index].referrals[at]
    let rule = pack.rule(thatOpened: household.openings[index].rule)
    if referral.receiver == .resource {
      replaceCandidates(&referral, sweep)
    } else {
      let declined = Set(referral.history.filter { $0.what == "declined" }.map(\.by))
      let next = router.assign(
        from: Advisor.Level(rawValue: referral.assigneeLevel) ?? .committee,
        area: Area(code: referral.area) ?? area, household: household.key, on: now.date,
        excluding: declined)
      referral.assignee = next.advisor
      referral.assigneeLevel = next.level
      referral.escalation = max(referral.escalation, next.escalation)
      referral.state = .requested
      referral.claimFrom = now
      revise(&referral, "assignee-left", by: settings.source)
    }
    household.openings[index].referrals[at] = referral
    publish(referral, rule, household.openings[index])
    if referral.isUnassigned {
      tellOperator(of: referral, household.openings[index])
    }
    if referral.state == .declined { openSocialMatch(for: household.openings[index]) }
    household.noteChanges([Rulebook.referralsChanged], cause: nil)
  }

  private mutating func replaceCandidates(_ referral: inout Referral, _ sweep: World.Sweep) {
    let holder = referral.holder
    referral.candidates.removeAll { sweep.lost(resource: $0) }
    if referral.candidates.isEmpty {
      referral.state = .declined
    } else if sweep.lost(resource: holder) {
      referral.state = .requested
      referral.claimFrom = now
    }
    if sweep.lost(advisor: referral.contactThrough ?? "") {
      referral.contactThrough =
        router.assign(
          from: .committee, area: Area(code: referral.area) ?? area, household: household.key,
          on: now.date
        ).advisor
    }
    revise(&referral, "directory-changed", by: settings.source)
  }
}

extension Referral {
  /// Whether it is open and names somebody who left the directory.
  func isTouched(by sweep: World.Sweep) -> Bool {
    guard state.isOpen else { return false }
    guard receiver == .resource else { return sweep.lost(advisor: self.assignee) }
    return sweep.lost(advisor: self.contactThrough ?? "")
      || self.candidates.contains { sweep.lost(resource: $0) }
  }
}
