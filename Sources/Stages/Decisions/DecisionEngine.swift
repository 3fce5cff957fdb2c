import Policy
import Records
import Situation
import Streaming
import Vocabulary

/// Decides a household's rules and keeps what rests on them true: openings, referrals, alerts,
/// deadlines.
///
/// Nothing here is edge-triggered. Each visit compares what the rules say now with what is open
/// and makes the difference; therefore the order in which facts arrived does not matter.
final class DecisionEngine {
  private(set) var settings: StageSettings
  private(set) var situation: Situation
  private(set) var rulebook: Rulebook
  private(set) var evaluation: RuleEvaluation
  private(set) var pseudonyms: Pseudonyms
  /// Memory for the events collected in a visit.
  private var triggers: [Desk.Trigger] = []
  /// What the settings describe, for sweeps.
  private(set) var world: World
  /// Leaves out what earlier decisions show to be without effect.
  let takesShortCuts: Bool

  init(settings: StageSettings, takesShortCuts: Bool = true) {
    self.takesShortCuts = takesShortCuts
    self.settings = settings
    world = World(settings)
    situation = Situation(
      schema: SituationSchema(pack: settings.pack), worksOutAll: !takesShortCuts)
    rulebook = Rulebook(pack: settings.pack)
    evaluation = RuleEvaluation(
      situation: situation, pack: settings.pack, needed: rulebook.needed)
    pseudonyms = Pseudonyms(settings.identifiers)
  }

  func update(settings: StageSettings) {
    if settings.pack.digest != self.settings.pack.digest {
      situation = Situation(
        schema: SituationSchema(pack: settings.pack), worksOutAll: !takesShortCuts)
      rulebook = Rulebook(pack: settings.pack)
      evaluation = RuleEvaluation(
        situation: situation, pack: settings.pack, needed: rulebook.needed)
    }
    self.settings = settings
    pseudonyms = Pseudonyms(settings.identifiers)
    world = World(settings)
  }

  /// Ends a visit: feedback, rules (where all records are there), deadlines, the next wake-up.
  func conclude(
    _ visit: inout HouseholdsStage.Visit, persons: [PersonOnFile], decides: Bool,
    outbox: inout Outbox
  ) {
    let rulebook = rulebook
    let feedback = visit.feedback
    let answer = visit.answer
    let sweep = visit.sweep
    let done = visit.done
    atDesk(&visit, persons: persons, outbox: &outbox) { desk in
      if let (entry, referral) = feedback { desk.take(feedback: entry, on: referral) }
      switch answer {
      case .matched(let referral, let candidates, let isLarge):
        desk.take(match: candidates, for: referral, committeeIsLarge: isLarge)
      case .committeeSize(let committee, let isLarge):
        desk.take(committee: committee, isLarge: isLarge)
      case nil: break
      }
      if !done.isEmpty { desk.giveWay(to: done) }
      if let sweep {
        desk.isPolicySweep = sweep.policyChanged
        desk.replaceGone(sweep)
      }
      if feedback != nil || answer != nil || sweep != nil || !done.isEmpty {
        desk.refreshReferrals()
      }
      var isDeciding = decides && desk.household.needsDecision
      if isDeciding { desk.decide(rulebook) }
      desk.advanceDeadlines()
      if decides, desk.household.needsDecision {
        // A referral that the deadlines opened is one that rules may ask for.
        desk.refreshReferrals()
        desk.decide(rulebook)
        isDeciding = true
      }
      desk.settlePlacements(decided: isDeciding)
      desk.household.nextDue = desk.nextWake()
    }
  }

  /// Withdraws what is open, without deciding: a household that hands over. All of it, unless told
  /// which.
  func withdraw(
    _ visit: inout HouseholdsStage.Visit, persons: [PersonOnFile], reason: WithdrawalReason,
    outbox: inout Outbox, where isConcerned: (Opening) -> Bool = { _ in true }
  ) {
    atDesk(&visit, persons: persons, outbox: &outbox) { desk in
      for index in desk.household.openings.indices
      where desk.household.openings[index].isLive && isConcerned(desk.household.openings[index]) {
        desk.withdraw(index, reason)
      }
      desk.settlePlacements(decided: false)
    }
  }

  /// Lays the household's file open, works on it, and takes the result back. State and outbox move
  /// to the desk and back: they are too large to be copied.
  private func atDesk(
    _ visit: inout HouseholdsStage.Visit, persons: [PersonOnFile], outbox: inout Outbox,
    _ work: (inout Desk) -> Void
  ) {
    let log = visit.household.log
    let referrals = visit.household.referralsOnFile
    log.withView { view in
      let file = HouseholdFile(
        key: visit.household.key, compositions: visit.household.compositions, log: view,
        persons: persons, referrals: referrals)
      situation.load(file, now: visit.now)
      var desk = Desk(now: visit.now, engine: self, file: file)
      swap(&desk.household, &visit.household)
      swap(&desk.outbox, &outbox)
      swap(&desk.collected, &triggers)
      work(&desk)
      desk.collected.removeAll(keepingCapacity: true)
      swap(&desk.collected, &triggers)
      swap(&desk.household, &visit.household)
      swap(&desk.outbox, &outbox)
    }
  }
}

extension HouseholdState {
  /// Something changed that rules may read.
  var needsDecision: Bool { pendingChanges.map { !$0.isEmpty } ?? true }

  /// What rules may ask about the household's referrals, to see whether it changed.
  var referralStates: [ReferralInView] {
    var states: [ReferralInView] = []
    // By index here and elsewhere: an opening and a referral have much that is not to be copied.
    for index in openings.indices {
      for at in openings[index].referrals.indices {
        states.append(
          ReferralInView(
            id: openings[index].referrals[at].id, state: openings[index].referrals[at].state,
            openedBy: openings[index].openedBy))
      }
    }
    return states
  }

  /// Whether its referrals are the same to rules as they were, in the same order.
  func shows(_ states: [ReferralInView]) -> Bool {
    var next = 0
    for index in openings.indices {
      for at in openings[index].referrals.indices {
        guard next < states.count, states[next].id == openings[index].referrals[at].id,
          states[next].state == openings[index].referrals[at].state,
          states[next].openedBy == openings[index].openedBy
        else { return false }
        next += 1
      }
    }
    return next == states.count
  }

  struct ReferralInView: Hashable {
    var id: String
    var state: ReferralState
    var openedBy: Instant
  }

  /// The household's referrals as rules may ask about them.
  var referralsOnFile: [ReferralOnFile] {
    var onFile: [ReferralOnFile] = []
    for index in openings.indices {
      for at in openings[index].referrals.indices {
        let state = openings[index].referrals[at].state
        onFile.append(
          ReferralOnFile(
            rule: openings[index].rule, subject: openings[index].subject,
            state: state.description, isOpen: state.isOpen,
            openedAt: openings[index].referrals[at].openedAt,
            closedAt: state.isOpen ? nil : openings[index].referrals[at].lastChange,
            reason: openings[index].referrals[at].reason?.description,
            openedBy: openings[index].openedBy))
      }
    }
    return onFile
  }
}
