import Vocabulary

/// The additions for policies: civil dates of Asia/Shanghai, ages, working days, terms and money.
extension StandardLibrary {
  static func addDates(_ l: inout LibraryBuilder) {
    l.global(
      "date", "date_string", [.string], .date,
      .unary { _, x in
        guard case .string(let text) = x else { return .noSuchOverload }
        return CivilDate(text.string).map(Value.date)
          ?? .failure(.conversion, "no date such as '2024-01-31'")
      })
    l.global(
      "date", "date_timestamp", [.timestamp], .date,
      .unary { _, x in
        guard case .timestamp(let time) = x else { return .noSuchOverload }
        let date = CivilTime(time, offset: 8 * 3600).date
        return date > .latest ? .error(.dateRange) : .date(date)
      })
    l.global("date", "date_date", [.date], .date, .unary { _, x in x })
    l.global(
      "date", "date_parts", [.int, .int, .int], .date,
      .ternary { _, y, m, d in
        guard case .int(let year) = y, case .int(let month) = m, case .int(let day) = d else {
          return .noSuchOverload
        }
        guard let year = Int(exactly: year), let month = Int(exactly: month),
          let day = Int(exactly: day), let date = CivilDate(year: year, month: month, day: day)
        else { return .failure(.range, "there is no such date") }
        return .date(date)
      })
    addParts(&l)
    addSteps(&l)
    addSpans(&l)
    l.global(
      "yuan", "yuan_int", [.int], .string,
      .unary { _, x in
        guard case .int(let fen) = x else { return .noSuchOverload }
        return .text(Fen(fen).yuan)
      })
  }

  private static func addParts(_ l: inout LibraryBuilder) {
    let parts: [(String, @Sendable (CivilDate) -> Int)] = [
      ("year", { $0.year }), ("month", { $0.month }), ("day", { $0.day }),
      ("weekday", { $0.weekday }),
    ]
    for (name, part) in parts {
      l.method(
        name, "date_\(name)", [.date], .int,
        .unary { _, x in
          guard case .date(let date) = x else { return .noSuchOverload }
          return .int(Int64(part(date)))
        })
    }
    l.method(
      "at_start", "date_at_start", [.date], .timestamp,
      .unary { _, x in
        guard case .date(let date) = x else { return .noSuchOverload }
        return .timestamp(Timestamp(Instant(startOf: date)))
      })
    l.method(
      "at_end", "date_at_end", [.date], .timestamp,
      .unary { _, x in
        guard case .date(let date) = x else { return .noSuchOverload }
        return .timestamp(Timestamp(Instant(endOf: date)))
      })
    l.method(
      "isWorkday", "date_is_workday", [.date], .bool, needsContext: true,
      .unary { c, x in
        guard case .date(let date) = x else { return .noSuchOverload }
        return .bool(c.calendar.isWorkingDay(date))
      })
  }

  private static func addSteps(_ l: inout LibraryBuilder) {
    l.method(
      "addDays", "date_add_days", [.date, .int], .date,
      .binary { _, x, n in
        guard case .date(let date) = x, case .int(let days) = n else { return .noSuchOverload }
        return date.after(days: days).map(Value.date) ?? .error(.dateRange)
      })
    for (name, factor) in [("addMonths", 1), ("addYears", 12)] {
      l.method(
        name, "date_\(name)", [.date, .int], .date,
        .binary { _, x, n in
          guard case .date(let date) = x, case .int(let count) = n else { return .noSuchOverload }
          return date.after(count, of: factor).map(Value.date) ?? .error(.dateRange)
        })
    }
    l.method(
      "addWorkdays", "date_add_workdays", [.date, .int], .date, cost: 8, needsContext: true,
      .binary { c, x, n in
        guard case .date(let date) = x, case .int(let count) = n else { return .noSuchOverload }
        guard count.magnitude <= 20_000 else { return .error(.dateRange) }
        guard c.spend(1 + Int(count.magnitude) / 8) else { return .error(.budget) }
        return checked(c.calendar.adding(workingDays: Int(count), to: date))
      })
    for (name, forward) in [("plus", true), ("minus", false)] {
      l.method(
        name, "date_\(name)_term", [.date, .string], .date, cost: 8, needsContext: true,
        .binary { c, x, t in
          guard case .date(let date) = x, case .string(let text) = t else {
            return .noSuchOverload
          }
          guard let term = TermText.parse(text) else { return invalidTerm }
          return shift(c, date, term, forward: forward)
        })
    }
  }

  static let invalidTerm = Value.failure(.conversion, "no term such as '90d', '3wd', '6mo' or '1y'")

  /// A date and a term; minutes and hours count as no day.
  static func shift(
    _ c: EvaluationContext, _ date: CivilDate, _ term: Term, forward: Bool
  ) -> Value {
    if term.unit == .workingDays, !c.spend(1 + term.count / 8) { return .error(.budget) }
    return checked(
      forward
        ? term.date(from: date, calendar: c.calendar)
        : term.date(before: date, calendar: c.calendar))
  }

  /// The first and last dates stand for everything beyond them, so they are no results.
  private static func checked(_ date: CivilDate) -> Value {
    date == .earliest || date == .latest ? .error(.dateRange) : .date(date)
  }

  private static func addSpans(_ l: inout LibraryBuilder) {
    l.global(
      "age", "age", [.date, .date], .int,
      .binary { _, x, y in
        guard case .date(let birth) = x, case .date(let on) = y else { return .noSuchOverload }
        return .int(Int64(birth.age(on: on)))
      })
    l.global(
      "months", "months", [.date, .date], .int,
      .binary { _, x, y in
        guard case .date(let from) = x, case .date(let to) = y else { return .noSuchOverload }
        return .int(Int64(fullMonths(from, to)))
      })
    l.add(
      "workdays",
      FunctionOverload(
        id: "workdays", [.date, .date], .int, cost: 32, needsContext: true,
        .binary { c, x, y in
          guard case .date(let from) = x, case .date(let to) = y else { return .noSuchOverload }
          return workdays(c, from, to)
        }))
  }

  /// Months completed from one date to another; negative where the second is earlier.
  static func fullMonths(_ from: CivilDate, _ to: CivilDate) -> Int {
    if to < from { return -fullMonths(to, from) }
    let a = from.components
    let b = to.components
    let months = (b.year - a.year) * 12 + b.month - a.month
    return from.adding(months: months) <= to ? months : months - 1
  }

  /// Working days after `from` up to and including `to`; negative where `to` is earlier.
  private static func workdays(
    _ c: EvaluationContext, _ from: CivilDate, _ to: CivilDate
  ) -> Value {
    let days = Int(to.dayNumber) - Int(from.dayNumber)
    guard days.magnitude <= 40_000 else { return .error(.dateRange) }
    guard c.spend(1 + Int(days.magnitude) / 8) else { return .error(.budget) }
    let (low, high) = days < 0 ? (to, from) : (from, to)
    var count: Int64 = 0
    var day = low
    while day < high {
      day = CivilDate(dayNumber: day.dayNumber + 1)
      if c.calendar.isWorkingDay(day) { count += 1 }
    }
    return .int(days < 0 ? -count : count)
  }
}

extension CivilDate {
  /// The date so many days later; nil beyond the calendar.
  func after(days: Int64) -> CivilDate? {
    let (sum, overflow) = Int64(dayNumber).addingReportingOverflow(days)
    guard !overflow, sum >= Int64(CivilDate.earliest.dayNumber),
      sum <= Int64(CivilDate.latest.dayNumber)
    else { return nil }
    return CivilDate(dayNumber: Int32(sum))
  }

  /// The date so many steps of some months later; nil beyond the calendar.
  func after(_ steps: Int64, of months: Int) -> CivilDate? {
    guard steps.magnitude <= 20_000 else { return nil }
    let date = adding(months: Int(steps) * months)
    return date == .earliest || date == .latest ? nil : date
  }
}
