import Vocabulary

/// The visits after an exit from assistance (plan 4.4; semantics 20 and 32).
///
/// Pure: from the exit, the visits made and today's date to the visit that is on, those that were
/// missed, and when the next one opens.
struct FollowUpPlan: Equatable {
  /// Terms of the ladder; parameters of the pack.
  struct Terms: Equatable {
    /// From the exit to the first visit's due date.
    var first = Term(1, .months)
    /// From the last visit made, or its due date where it was missed, to the opening of the next.
    var pause = Term(3, .months)
    /// From there to the due date of the next.
    var limit = Term(6, .months)
    /// How long out, at least, before a stable income ends the ladder.
    var watch = Term(12, .months)
  }

  /// One visit of the ladder.
  struct Visit: Equatable {
    /// From 1.
    var number: Int
    var opens: CivilDate
    var due: CivilDate
    /// When it was made, nil while it was not.
    var made: CivilDate?
  }

  /// All visits that have opened by today, oldest first.
  var visits: [Visit]
  /// When the next one opens; nil where the ladder has ended.
  var nextOpens: CivilDate?

  /// - Parameters:
  ///   - since: from when visits count, where one was made before the exit was corrected to a later
  ///     day; nil: from the exit.
  ///   - made: days on which somebody visited, ascending.
  ///   - stableIncome: whether the latest word on the income, at each day it was given, is that it
  ///     is stable; ascending by day.
  init(
    exit: CivilDate, since: CivilDate? = nil, made: [CivilDate],
    stableIncome: [(on: CivilDate, is: Bool)],
    today: CivilDate, terms: Terms = Terms(), calendar: WorkCalendar
  ) {
    visits = []
    var visit = Visit(
      number: 1, opens: min(since ?? exit, exit),
      due: terms.first.date(from: exit, calendar: calendar), made: nil)
    nextOpens = visit.opens
    let watched = terms.watch.date(from: exit, calendar: calendar)
    while let opens = nextOpens, opens <= today {
      let afterMissed = terms.pause.date(from: visit.due, calendar: calendar)
      visit.made = made.first { $0 >= visit.opens && $0 < afterMissed }
      visits.append(visit)
      guard visit.made != nil || afterMissed <= today else {
        nextOpens = afterMissed
        return
      }
      let last = visit.made.map { FollowUpPlan.last(of: made, since: $0, terms, calendar) }
      let base = last ?? visit.due
      let next = terms.pause.date(from: base, calendar: calendar)
      let latest = stableIncome.last { $0.on < next || $0.on <= today }
      if next > watched, latest?.is == true {
        nextOpens = nil
        return
      }
      nextOpens = next
      visit = Visit(
        number: visit.number + 1, opens: next,
        due: terms.limit.date(from: base, calendar: calendar), made: nil)
      if visit.number > FollowUpPlan.maximumVisits { return }
    }
  }

  /// The last visit made from one on, while the next of the ladder has not opened: the household
  /// may be visited more often than it has to be.
  private static func last(
    of made: [CivilDate], since first: CivilDate, _ terms: Terms, _ calendar: WorkCalendar
  ) -> CivilDate {
    var last = first
    for visit in made
    where visit > last && visit < terms.pause.date(from: last, calendar: calendar) {
      last = visit
    }
    return last
  }

  /// A bound on the ladder: visits every three months for more than a hundred years.
  static let maximumVisits = 500
}
