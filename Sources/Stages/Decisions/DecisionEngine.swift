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
  private var situation: Situation
  private var rulebook: Rulebook
  /// What the settings describe, for sweeps.
  private(set) var world: World

  init(settings: StageSettings) {
    self.settings = settings
    world = World(settings)
    situation = Situation(schema: SituationSchema(pack: settings.pack))
    rulebook = Rulebook(pack: settings.pack)
  }

  func update(settings: StageSettings) {
    if settings.pack.digest != self.settings.pack.digest {
      situation = Situation(schema: SituationSchema(pack: settings.pack))
      rulebook = Rulebook(pack: settings.pack)
    }
    self.settings = settings
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
    atDesk(&visit, persons: persons, outbox: &outbox) { desk in
      if let (entry, referral) = feedback { desk.take(feedback: entry, on: referral) }
      switch answer {
      case .matched(let referral, let candidates, let isLarge):
        desk.take(match: candidates, for: referral, committeeIsLarge: isLarge)
      case .committeeSize(let committee, let isLarge):
        desk.take(committee: committee, isLarge: isLarge)
      case nil: break
      }
      if let sweep {
        desk.isPolicySweep = sweep.policyChanged
        desk.replaceGone(sweep)
      }
      if feedback != nil || answer != nil || sweep != nil { desk.refreshReferrals() }
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

  /// Withdraws everything that is open, without deciding: a provisional household that hands over.
  func withdrawAll(
    _ visit: inout HouseholdsStage.Visit, persons: [PersonOnFile], reason: WithdrawalReason,
    outbox: inout Outbox
  ) {
    atDesk(&visit, persons: persons, outbox: &outbox) { desk in
      for index in desk.household.openings.indices where desk.household.openings[index].isLive {
        desk.withdraw(index, reason)
      }
      desk.settlePlacements(decided: false)
    }
  }

  /// Lays the household's file open, works on it, and takes the result back.
  private func atDesk(
    _ visit: inout HouseholdsStage.Visit, persons: [PersonOnFile], outbox: inout Outbox,
    _ work: (inout Desk) -> Void
  ) {
    let log = visit.household.log
    visit.household = log.withView { view in
      let file = HouseholdFile(
        key: visit.household.key, compositions: visit.household.compositions, log: view,
        persons: persons, referrals: visit.household.referralsOnFile)
      situation.load(file, now: visit.now, calendar: settings.pack.calendar)
      var desk = Desk(
        household: visit.household, now: visit.now, settings: settings, situation: situation,
        file: file, outbox: outbox)
      work(&desk)
      outbox = desk.outbox
      return desk.household
    }
  }
}

extension HouseholdState {
  /// Something changed that rules may read.
  var needsDecision: Bool { pendingChanges.map { !$0.isEmpty } ?? true }

  /// What rules may ask about the household's referrals, to see whether it changed.
  var referralStates: Set<ReferralInView> {
    guard !openings.isEmpty else { return [] }
    return openings.reduce(into: []) { states, opening in
      for referral in opening.referrals {
        states.insert(
          ReferralInView(id: referral.id, state: referral.state, openedBy: opening.openedBy))
      }
    }
  }

  struct ReferralInView: Hashable {
    var id: String
    var state: ReferralState
    var openedBy: Instant
  }

  /// The household's referrals as rules may ask about them.
  var referralsOnFile: [ReferralOnFile] {
    openings.flatMap { opening in
      opening.referrals.map { referral in
        ReferralOnFile(
          rule: opening.rule, subject: opening.subject, state: referral.state.description,
          isOpen: referral.state.isOpen, openedAt: referral.openedAt,
          closedAt: referral.state.isOpen ? nil : referral.history.last?.at,
          reason: referral.reason?.description, openedBy: opening.openedBy)
      }
    }
  }
}
