import Policy
import Vocabulary

/// Claim times and the two-step ladder of an unfinished referral (semantics 18 and 32).
struct Deadlines {
  private let terms: Rulebook.EngineTerms
  private let parameters: ResolvedParameters
  private let calendar: WorkCalendar

  /// The terms in force in a place on a day.
  init(_ terms: Rulebook.EngineTerms, _ parameters: ResolvedParameters, _ calendar: WorkCalendar) {
    self.terms = terms
    self.parameters = parameters
    self.calendar = calendar
  }

  private static let claim = [
    Term(30, .minutes), Term(4, .hours), Term(1, .workingDays), Term(3, .workingDays),
    Term(5, .workingDays),
  ]

  /// How long a referral may stay unclaimed before it goes a level up, and again as long.
  private func claim(_ urgency: Urgency) -> Term {
    term(terms.claim[urgency.rawValue], or: Deadlines.claim[urgency.rawValue])
  }

  /// From the first level told of an unfinished referral to the second.
  private var second: Term { term(terms.overdueSecond, or: Term(1, .workingDays)) }

  /// How long a resource may stay silent.
  private var resourceAnswer: Term { term(terms.resourceAnswer, or: Term(3, .workingDays)) }

  private func term(_ index: Int?, or usual: Term) -> Term {
    index.flatMap(parameters.term) ?? usual
  }

  /// What the clock asks of a referral.
  enum Step: String {
    /// Nobody claimed it in time.
    case unclaimed
    /// It is not finished at its deadline.
    case overdue
  }

  /// The next instant at which the ladder acts on one of some referrals, and what it does; nil when
  /// nothing is left to do. A referral is looked at in place: it has much that is not to be copied.
  func next(_ referrals: [Referral], _ at: Int) -> (at: Instant, step: Step)? {
    guard referrals[at].state.isOpen else { return nil }
    let isResource = referrals[at].receiver == .resource
    let isUnassigned = referrals[at].isUnassigned
    var next: (at: Instant, step: Step)?
    if referrals[at].state == .requested, referrals[at].escalation < 2 || isUnassigned {
      let term = isResource ? resourceAnswer : claim(referrals[at].urgency)
      next = (term.deadline(from: referrals[at].claimFrom, calendar: calendar), .unclaimed)
    }
    // A resource is only asked for an answer (semantics 17); what it took on, the advisor follows.
    if !isResource, let overdue = referrals[at].overdueAt, referrals[at].escalation < 2,
      next.map({ overdue < $0.at }) ?? true
    {
      next = (overdue, .overdue)
    }
    return next
  }

  /// When the second level is told of an unfinished referral: one working day after the first.
  func secondOverdue(after first: Instant) -> Instant {
    second.deadline(from: first, calendar: calendar)
  }
}
