/// Working days: Monday to Friday, less statutory holidays, plus shifted working days.
///
/// Source of the lists: the State Council's yearly notice, in `calendar/*.yaml` of the pack.
public struct WorkCalendar: Sendable, Equatable {
  /// One object, so that handing the calendar on counts one reference.
  private var days: Days

  /// Days off that would otherwise be working days.
  public var holidays: Set<CivilDate> {
    get { days.holidays }
    set { days = Days(holidays: newValue, shiftedWorkdays: shiftedWorkdays) }
  }
  /// Weekend days worked in exchange (调休上班).
  public var shiftedWorkdays: Set<CivilDate> {
    get { days.shiftedWorkdays }
    set { days = Days(holidays: holidays, shiftedWorkdays: newValue) }
  }

  public init(holidays: Set<CivilDate> = [], shiftedWorkdays: Set<CivilDate> = []) {
    days = Days(holidays: holidays, shiftedWorkdays: shiftedWorkdays)
  }

  public static func == (a: WorkCalendar, b: WorkCalendar) -> Bool {
    a.holidays == b.holidays && a.shiftedWorkdays == b.shiftedWorkdays
  }

  private final class Days: Sendable {
    let holidays: Set<CivilDate>
    let shiftedWorkdays: Set<CivilDate>
    /// Days that may not be what their weekday says, each once and in order: twice the day's
    /// number, and one more where it is off. Where the lists say both, it is worked.
    private let exceptions: [Int]

    init(holidays: Set<CivilDate>, shiftedWorkdays: Set<CivilDate>) {
      self.holidays = holidays
      self.shiftedWorkdays = shiftedWorkdays
      exceptions =
        (shiftedWorkdays.map { Int($0.dayNumber) * 2 }
        + holidays.subtracting(shiftedWorkdays).map { Int($0.dayNumber) * 2 + 1 })
        .sorted()
    }

    /// The place of the first exception on a day or later.
    func firstException(from day: Int) -> Int {
      let first = day * 2
      var start = 0
      var end = exceptions.count
      while start < end {
        let middle = (start + end) / 2
        if exceptions[middle] < first { start = middle + 1 } else { end = middle }
      }
      return start
    }

    /// Whether the exception at a place says that a day is worked; nil where it is of another day.
    func exception(_ place: Int, on day: Int32) -> Bool? {
      guard exceptions.indices.contains(place), exceptions[place] >> 1 == Int(day) else {
        return nil
      }
      return exceptions[place] & 1 == 0
    }
  }

  public func isWorkingDay(_ date: CivilDate) -> Bool {
    let next = days.firstException(from: Int(date.dayNumber))
    return days.exception(next, on: date.dayNumber) ?? (date.weekday <= 5)
  }

  /// The n-th working day after `date` (before it for a negative n). Day 0 is `date` itself, also
  /// when it is not a working day (SEMANTICS 4).
  public func adding(workingDays n: Int, to date: CivilDate) -> CivilDate {
    var day = date
    var left = min(n.magnitude, 100_000)
    if left == 0 { return day }
    let step = n < 0 ? -1 : 1
    var weekday = date.weekday
    // The exceptions are gone along with the days.
    var next = days.firstException(from: Int(date.dayNumber) + (n < 0 ? 0 : 1))
    if n < 0 { next -= 1 }
    while left > 0 {
      let following = day.adding(days: step)
      if following == day { return day }
      day = following
      weekday = weekday + step == 8 ? 1 : weekday + step == 0 ? 7 : weekday + step
      let exception = days.exception(next, on: day.dayNumber)
      if exception != nil { next += step }
      if exception ?? (weekday <= 5) { left -= 1 }
    }
    return day
  }
}
