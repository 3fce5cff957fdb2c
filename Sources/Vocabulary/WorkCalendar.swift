/// Working days: Monday to Friday, less statutory holidays, plus shifted working days.
///
/// Source of the lists: the State Council's yearly notice, in `calendar/*.yaml` of the pack.
public struct WorkCalendar: Sendable, Equatable {
  /// Days off that would otherwise be working days.
  public var holidays: Set<CivilDate> { didSet { arrange() } }
  /// Weekend days worked in exchange (调休上班).
  public var shiftedWorkdays: Set<CivilDate> { didSet { arrange() } }
  /// Days that may not be what their weekday says, in order: twice the day's number, and one more
  /// where it is off.
  private var exceptions: [Int] = []

  public init(holidays: Set<CivilDate> = [], shiftedWorkdays: Set<CivilDate> = []) {
    self.holidays = holidays
    self.shiftedWorkdays = shiftedWorkdays
    arrange()
  }

  private mutating func arrange() {
    exceptions =
      (shiftedWorkdays.map { Int($0.dayNumber) * 2 } + holidays.map { Int($0.dayNumber) * 2 + 1 })
      .sorted()
  }

  public func isWorkingDay(_ date: CivilDate) -> Bool {
    let worked = Int(date.dayNumber) * 2
    var start = 0
    var end = exceptions.count
    while start < end {
      let middle = (start + end) / 2
      if exceptions[middle] < worked { start = middle + 1 } else { end = middle }
    }
    if start < exceptions.count {
      if exceptions[start] == worked { return true }
      if exceptions[start] == worked + 1 { return false }
    }
    return date.weekday <= 5
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
