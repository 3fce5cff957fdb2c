import Vocabulary

/// Claim times and the two-step ladder of an unfinished referral (semantics 18 and 32).
struct Deadlines {
  /// How long a referral may stay unclaimed before it goes a level up, and again as long; P0 to P4.
  var claim = [
    Term(30, .minutes), Term(4, .hours), Term(1, .workingDays), Term(3, .workingDays),
    Term(5, .workingDays),
  ]
  /// From the first level told of an unfinished referral to the second.
  var second = Term(1, .workingDays)
  /// How long a resource may stay silent.
  var resourceAnswer = Term(3, .workingDays)
  var calendar: WorkCalendar

  /// What the clock asks of a referral.
  enum Step: Equatable {
    /// Nobody claimed it in time.
    case unclaimed
    /// It is not finished at its deadline.
    case overdue
  }

  /// The next instant at which the ladder acts, and what it does; nil when nothing is left to do.
  func next(_ referral: Referral) -> (at: Instant, step: Step)? {
    guard referral.state.isOpen else { return nil }
    var next: (at: Instant, step: Step)?
    if referral.state == .requested, referral.escalation < 2 || referral.isUnassigned {
      let term = referral.receiver == .resource ? resourceAnswer : claim[referral.urgency.rawValue]
      next = (term.deadline(from: referral.claimFrom, calendar: calendar), .unclaimed)
    }
    // A resource is only asked for an answer (semantics 17); what it took on, the advisor follows.
    if referral.receiver != .resource, let overdue = referral.overdueAt, referral.escalation < 2,
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
