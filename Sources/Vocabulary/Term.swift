/// A length of time as policy texts write it: `30m 4h 24h 7d 3wd 6mo 1y`.
public struct Term: Hashable, Sendable, CustomStringConvertible {
  public enum Unit: String, Sendable, CaseIterable {
    case minutes = "m"
    case hours = "h"
    case days = "d"
    case workingDays = "wd"
    case months = "mo"
    case years = "y"
  }
  /// 0 to 9999.
  public let count: Int
  public let unit: Unit

  public init(_ count: Int, _ unit: Unit) {
    self.count = count
    self.unit = unit
  }

  /// Parses `<digits><unit>`; nil for anything else.
  public init?(_ text: some StringProtocol) {
    let digits = text.prefix { ("0"..."9").contains($0) }
    guard !digits.isEmpty, digits.count <= 4, let count = Int(digits),
      let unit = Unit(rawValue: String(text.dropFirst(digits.count)))
    else { return nil }
    self.init(count, unit)
  }

  public var description: String { "\(count)\(unit.rawValue)" }

  /// When a term that starts at `start` runs out: minutes and hours exactly; days, working days,
  /// months and years at 23:59:59 of the n-th civil day (SEMANTICS 4).
  public func deadline(from start: Instant, calendar: WorkCalendar) -> Instant {
    switch unit {
    case .minutes: start.adding(seconds: Int64(count) * 60)
    case .hours: start.adding(seconds: Int64(count) * 3600)
    default: Instant(endOf: date(from: start.date, calendar: calendar))
    }
  }

  /// The civil day on which a term that starts on `start` ends; minutes and hours count as none.
  public func date(from start: CivilDate, calendar: WorkCalendar) -> CivilDate {
    switch unit {
    case .minutes, .hours: start
    case .days: start.adding(days: count)
    case .workingDays: calendar.adding(workingDays: count, to: start)
    case .months: start.adding(months: count)
    case .years: start.adding(months: count * 12)
    }
  }

  /// The civil day that lies this term before `end`.
  public func date(before end: CivilDate, calendar: WorkCalendar) -> CivilDate {
    switch unit {
    case .minutes, .hours: end
    case .days: end.adding(days: -count)
    case .workingDays: calendar.adding(workingDays: -count, to: end)
    case .months: end.adding(months: -count)
    case .years: end.adding(months: -count * 12)
    }
  }
}
