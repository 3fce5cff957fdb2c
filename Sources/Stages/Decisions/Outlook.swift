import Policy
import Records
import Situation
import Vocabulary

/// How the event rules stand to a household after a decision, for the messages to come.
extension Desk {
  /// How the event rules stand to the household now, for the messages to come.
  mutating func lookOut(_ rulebook: Rulebook) {
    var outlook = household.outlook
    outlook.sensitive = 0
    outlook.settled = 0
    outlook.settledThrough = .earliest
    for at in collected.indices { lookOut(at, rulebook, &outlook) }
    household.outlook = outlook
  }

  /// How the rules that an event triggers stand to it now.
  private mutating func lookOut(
    _ at: Int, _ rulebook: Rulebook, _ outlook: inout HouseholdBrief.Outlook
  ) {
    let isInWindow = collected[at].isInWindow
    let decided = collected[at].rules & (isInWindow ? .max : rulebook.lookingAhead)
    // What cannot fire for any event says nothing of this one.
    let open =
      decided & ~collected[at].said.gated & ~outlook.unable & ~outlook.short
    guard open != 0 else { return }
    let trigger = collected[at]
    rulebook.eventRules.each(open) { eventful in
      if (trigger.ungated | trigger.said.held) & eventful.mask == 0,
        evaluation.gate(eventful, trigger.position) == .fails
      {
        collected[at].said.gated |= eventful.mask
      } else if trigger.said.quiet & eventful.mask != 0 || isQuietTwin(at, eventful) {
        collected[at].said.quiet |= eventful.mask
        outlook.settled |= eventful.mask
        outlook.settledThrough = max(outlook.settledThrough, trigger.effective.date)
      } else {
        outlook.sensitive |= eventful.mask
      }
    }
  }

  /// Finds the rules that fail for every event, by bit: those of which nobody has stated what they
  /// need; and those for which too little is on file, where nothing of them is open.
  mutating func findHopeless(_ rulebook: Rulebook) {
    household.outlook.unable = 0
    let stated = statedFacts(evaluation.needed)
    for needs in rulebook.needs where needs.facts & stated == 0 {
      household.outlook.unable |= needs.rule
    }
    household.outlook.short = 0
    guard takesShortCuts else { return }
    for eventful in rulebook.counting
    where !isLive(eventful.rule.id) && evaluation.isShort(eventful, file.persons) {
      household.outlook.short |= eventful.mask
    }
  }

  /// Those of some rules that need not be decided for that: what is open of a rule may have to be
  /// taken back.
  func hopeless(_ rulebook: Rulebook, _ rules: UInt64) -> UInt64 {
    guard takesShortCuts else { return 0 }
    var hopeless = rules & (household.outlook.short | household.outlook.unable)
    rulebook.eventRules.each(hopeless) { if isLive($0.rule.id) { hopeless &= ~$0.mask } }
    return hopeless
  }

  private func isLive(_ rule: String) -> Bool {
    household.openings.indices.contains {
      household.openings[$0].rule == rule && household.openings[$0].isLive
    }
  }

  /// Which of some facts are on file, by bit: an event states them of one of the people, or of the
  /// household where they stand for its type.
  private func statedFacts(_ needed: StatedFacts) -> UInt64 {
    var stated = situation.stated(needed)
    for (at, fact) in needed.facts.enumerated() where stated & (1 << UInt64(at)) == 0 {
      if file.log.tells(fact) { stated |= 1 << UInt64(at) }
    }
    return stated
  }

  /// Whether a rule that was not asked for an event has said of another stage of the transaction
  /// that it does not fire.
  private func isQuietTwin(_ at: Int, _ eventful: Rulebook.Eventful) -> Bool {
    guard let stages = eventful.stages, collected[at].effective <= now else { return false }
    let trigger = collected[at]
    return collected.contains { other in
      other.said.quiet & eventful.mask != 0
        && other.position.owner == trigger.position.owner
        && other.effective.date == trigger.effective.date
        && file.log(of: other.position.owner).map {
          stages.areTwins(other.position.index, trigger.position.index, in: $0)
        } ?? false
    }
  }
}

extension EventLogView {
  /// Whether the log has an event of the type that a fact stands for.
  fileprivate func tells(_ type: FactID) -> Bool {
    (0..<eventCount).contains { event($0).type.rawValue == type.rawValue }
  }
}
