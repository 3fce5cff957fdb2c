/// Working days: Monday to Friday, less statutory holidays, plus shifted working days.
///
/// Source of the lists: the State Council's yearly notice, in `calendar/*.yaml` of the pack.
public struct WorkCalendar: Sendable, Equatable {
  /// Days off that would otherwise be working days.
  public var holidays: Set<CivilDate>
  /// Weekend days worked in exchange (调休上班).
  public var shiftedWorkdays: Set<CivilDate>

  public init(holidays: Set<CivilDate> = [], shiftedWorkdays: Set<CivilDate> = []) {
    self.holidays = holidays
    self.shiftedWorkdays = shiftedWorkdays
  }

  public func isWorkingDay(_ date: CivilDate) -> Bool {
    if shiftedWorkdays.contains(date) { return true }
    return date.weekday <= 5 && !holidays.contains(date)
  }

  /// The n-th working day after `date` (before it for a negative n). Day 0 is `date` itself, also
  /// when it is not a working day (SEMANTICS 4).
  public func adding(workingDays n: Int, to date: CivilDate) -> CivilDate {
    var day = date
    var left = min(n.magnitude, 100_000)
    let step = n < 0 ? -1 : 1
    while left > 0 {
      let next = day.adding(days: step)
      if next == day { return day }
      day = next
      if isWorkingDay(day) { left -= 1 }
    }
    return day
  }
}
