import Policy
import Records
import Situation
import Vocabulary

/// What was open before an event (semantics 27).
extension Desk {
  /// What opened by a situation has no opening event. Where rules ask whether it was open before
  /// theirs (semantics 27), it counts from the first of these events before which the situation
  /// held already, in the light of everything known now; whenever it was noticed.
  mutating func dateSituations(_ rulebook: Rulebook, _ changed: FactMask?) {
    let openings = household.openings.indices
    guard openings.contains(where: { isOpenBySituation($0) }) else { return }
    func isAsking(_ at: Int) -> Bool {
      collected[at].rules & rulebook.askingForReferrals != 0 && collected[at].effective <= now
    }
    guard collected.indices.contains(where: isAsking) else { return }
    let asking = collected.indices.filter(isAsking).map { collected[$0] }
    guard let last = asking.last else { return }
    let isAskedAnew = asking.contains(where: \.isNew)
    let concerned: [(index: Int, rule: Rulebook.Situational)] =
      household.openings.indices.compactMap { index in
        guard isOpenBySituation(index) else { return nil }
        let opening = household.openings[index]
        guard let rule = rulebook.situationRule(opening.rule),
          isAskedAnew || changed?.touches(rule.reads) ?? true
            || opening.openedBy == opening.openedAt
        else { return nil }
        return (index, rule)
      }
    // Situations may rest on one another's referrals.
    for _ in 0..<Desk.maximumPasses {
      var isChanged = false
      for (index, rule) in concerned {
        let opening = household.openings[index]
        let earliest = asking.reversed().prefix {
          held(rule, opening.subject, before: $0.effective)
        }.last
        let opened =
          earliest.map { Instant(microseconds: $0.effective.microseconds - 1) } ?? last.effective
        if opening.openedBy != opened { isChanged = true }
        household.openings[index].openedBy = opened
      }
      guard isChanged else { break }
      refreshReferrals()
    }
    dateSocialMatches()
    situation.look(from: .now(now))
  }

  /// Whether an opening is open, and not for an event.
  private func isOpenBySituation(_ index: Int) -> Bool {
    household.openings[index].phase == .open && household.openings[index].triggers.isEmpty
  }

  /// The search for another match counts from when that counts, or last counted, for which the
  /// first one failed.
  private mutating func dateSocialMatches() {
    guard let rule = pack.rule(.socialMatch)?.id else { return }
    for index in household.openings.indices
    where household.openings[index].rule == rule && household.openings[index].isLive {
      let marker = household.openings[index].marker
      let failed = household.openings.first { $0.isLive && $0.socialMatch == marker }
      if let failed { household.openings[index].openedBy = failed.openedBy }
    }
  }

  /// Whether a situation held just before an instant, by what is known now.
  private func held(
    _ situational: Rulebook.Situational, _ person: CitizenID?, before instant: Instant
  ) -> Bool {
    let rule = situational.rule
    situation.look(from: .before(instant))
    if situational.asksForOpenReferrals { situation.decidingRule = rule.id }
    defer { situation.decidingRule = "" }
    let subject = person.flatMap(file.index)
    return evaluation.subjects(rule, event: nil).contains(subject)
      && evaluation.decide(rule, subject: subject, event: nil).isPossible
  }
}
