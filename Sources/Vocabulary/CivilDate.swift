/// A civil date of Asia/Shanghai in the proleptic Gregorian calendar, as days since 1970-01-01.
///
/// All legal deadlines and effective dates of the domain are civil dates; none carries a time zone.
public struct CivilDate: Hashable, Comparable, Sendable, CustomStringConvertible {
  /// Days since 1970-01-01. The range used here is years 1 to 9999.
  public let dayNumber: Int32

  public init(dayNumber: Int32) { self.dayNumber = dayNumber }

  /// The first and last representable dates.
  public static let earliest = CivilDate(dayNumber: -719_162)
  public static let latest = CivilDate(dayNumber: 2_932_896)

  /// Fails where the date does not exist (29 February of a common year, month 13, year 0 ...).
  public init?(year: Int, month: Int, day: Int) {
    guard (1...9999).contains(year), (1...12).contains(month), day >= 1,
      day <= CivilDate.daysInMonth(year: year, month: month)
    else { return nil }
    self.dayNumber = CivilDate.days(year: year, month: month, day: day)
  }

  /// Parses exactly `YYYY-MM-DD` (RFC 3339 full-date).
  public init?(_ text: some StringProtocol) {
    let utf8 = Array(text.utf8)
    guard let date = utf8.withUnsafeBytes({ CivilDate(ascii: $0) }) else { return nil }
    self = date
  }

  /// Parses exactly `YYYY-MM-DD` from ASCII bytes, without allocation.
  public init?(ascii bytes: UnsafeRawBufferPointer) {
    guard bytes.count == 10, bytes[4] == 0x2D, bytes[7] == 0x2D,
      let year = decimal(bytes, 0, 4), let month = decimal(bytes, 5, 2),
      let day = decimal(bytes, 8, 2)
    else { return nil }
    self.init(year: year, month: month, day: day)
  }

  public var year: Int { components.year }
  public var month: Int { components.month }
  public var day: Int { components.day }

  /// Year, month and day (H. Hinnant, "chrono-compatible low-level date algorithms").
  public var components: (year: Int, month: Int, day: Int) {
    let z = Int(dayNumber) + 719_468
    let era = (z >= 0 ? z : z - 146_096) / 146_097
    let doe = z - era * 146_097
    let yoe = (doe - doe / 1460 + doe / 36524 - doe / 146_096) / 365
    let doy = doe - (365 * yoe + yoe / 4 - yoe / 100)
    let mp = (5 * doy + 2) / 153
    let month = mp < 10 ? mp + 3 : mp - 9
    return (yoe + era * 400 + (month <= 2 ? 1 : 0), month, doy - (153 * mp + 2) / 5 + 1)
  }

  /// ISO weekday: 1 Monday ... 7 Sunday.
  public var weekday: Int {
    let w = (Int(dayNumber) + 3) % 7
    return (w < 0 ? w + 7 : w) + 1
  }

  /// The date `days` later, clamped to the representable range.
  public func adding(days: Int) -> CivilDate {
    let sum = Int(dayNumber).addingReportingOverflow(days)
    let clamped = sum.overflow ? (days < 0 ? Int.min : Int.max) : sum.partialValue
    let low = Int(CivilDate.earliest.dayNumber)
    let high = Int(CivilDate.latest.dayNumber)
    return CivilDate(dayNumber: Int32(max(low, min(high, clamped))))
  }

  /// The same day `months` later; a day past the month's end clamps to its last day.
  public func adding(months: Int) -> CivilDate {
    let (y, m, d) = components
    let bounded = max(-200_000, min(200_000, months))
    let total = y * 12 + (m - 1) + bounded
    let year = total >= 0 ? total / 12 : (total - 11) / 12
    guard year >= 1 else { return .earliest }
    guard year <= 9999 else { return .latest }
    let month = total - year * 12 + 1
    let day = min(d, CivilDate.daysInMonth(year: year, month: month))
    return CivilDate(dayNumber: CivilDate.days(year: year, month: month, day: day))
  }

  /// The birthday in `year`; a birth on 29 February has it on 1 March of a common year
  /// (SEMANTICS 4).
  public func birthday(inYear year: Int) -> CivilDate {
    let (_, m, d) = components
    let safe = max(1, min(9999, year))
    return CivilDate(year: safe, month: m, day: d)
      ?? CivilDate(dayNumber: CivilDate.days(year: safe, month: 3, day: 1))
  }

  /// Completed years of life on `date`; negative before the birth.
  public func age(on date: CivilDate) -> Int {
    let years = date.year - year
    return birthday(inYear: date.year) <= date ? years : years - 1
  }

  public static func < (a: CivilDate, b: CivilDate) -> Bool { a.dayNumber < b.dayNumber }

  /// `YYYY-MM-DD`.
  public var description: String {
    let (y, m, d) = components
    return pad(y, 4) + "-" + pad(m, 2) + "-" + pad(d, 2)
  }

  public static func isLeap(_ year: Int) -> Bool {
    year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
  }

  /// 28 to 31; 0 for a month outside 1...12.
  public static func daysInMonth(year: Int, month: Int) -> Int {
    switch month {
    case 1, 3, 5, 7, 8, 10, 12: 31
    case 4, 6, 9, 11: 30
    case 2: isLeap(year) ? 29 : 28
    default: 0
    }
  }

  private static func days(year: Int, month: Int, day: Int) -> Int32 {
    let y = month <= 2 ? year - 1 : year
    let era = (y >= 0 ? y : y - 399) / 400
    let yoe = y - era * 400
    let doy = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1
    let doe = yoe * 365 + yoe / 4 - yoe / 100 + doy
    return Int32(era * 146_097 + doe - 719_468)
  }
}

/// The decimal number in `count` ASCII digits at `offset`, or nil.
@inline(__always)
func decimal(_ bytes: UnsafeRawBufferPointer, _ offset: Int, _ count: Int) -> Int? {
  var value = 0
  for i in offset..<(offset + count) {
    let digit = bytes[i] &- 0x30
    guard digit <= 9 else { return nil }
    value = value * 10 + Int(digit)
  }
  return value
}

/// `value` in at least `width` digits, zero-padded.
func pad(_ value: Int, _ width: Int) -> String {
  let text = String(value)
  return text.count >= width ? text : String(repeating: "0", count: width - text.count) + text
}
