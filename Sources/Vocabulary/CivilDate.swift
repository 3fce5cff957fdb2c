/// A civil date of Asia/Shanghai in the proleptic Gregorian calendar, as days since 1970-01-01.
///
/// All legal deadlines and effective dates of the domain are civil dates; none carries a time zone.
public struct CivilDate: Hashable, Comparable, Sendable, CustomStringConvertible {
  /// Days since 1970-01-01. The range used here is years 1 to 9999.
  public let dayNumber: Int32

  @inlinable public init(dayNumber: Int32) { self.dayNumber = dayNumber }

  /// The first and last representable dates.
  @inlinable public static var earliest: CivilDate { CivilDate(dayNumber: -719_162) }
  @inlinable public static var latest: CivilDate { CivilDate(dayNumber: 2_932_896) }

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

  /// Year, month and day: with years that begin in March, and divisions by constants in 32 and 64
  /// bits (C. Neri and L. Schneider, "Euclidean affine functions and their application to calendar
  /// algorithms").
  public var components: (year: Int, month: Int, day: Int) {
    // A multiple of 400 years away, so that nothing is negative.
    let shifted = UInt32(bitPattern: dayNumber &+ CivilDate.shift.days)
    let n1 = 4 &* shifted &+ 3
    let century = n1 / 146_097
    let n2 = (n1 % 146_097) | 3
    let p2 = UInt64(2_939_745) &* UInt64(n2)
    let yearOfCentury = UInt32(truncatingIfNeeded: p2 >> 32)
    let dayOfYear = UInt32(truncatingIfNeeded: p2) / 2_939_745 / 4
    let n3 = 2141 &* dayOfYear &+ 197_913
    let month = n3 >> 16
    let isNextYear = dayOfYear >= 306
    let year = Int(100 &* century &+ yearOfCentury) - CivilDate.shift.years + (isNextYear ? 1 : 0)
    return (year, Int(isNextYear ? month - 12 : month), Int((n3 & 0xFFFF) / 2141) + 1)
  }

  /// 82 times 400 years, and the days from 1 March of that year 0 to 1970-01-01.
  private static let shift = (years: 32_800, days: Int32(719_468 + 146_097 * 82))

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
    String(unsafeUninitializedCapacity: CivilDate.textLength) { text in
      write(to: text)
      return CivilDate.textLength
    }
  }

  static let textLength = 10

  /// Writes `YYYY-MM-DD` to the first bytes of `text`.
  func write(to text: UnsafeMutableBufferPointer<UInt8>) {
    let (year, month, day) = components
    writeDecimal(year, digits: 4, to: text, at: 0)
    text[4] = UInt8(ascii: "-")
    writeDecimal(month, digits: 2, to: text, at: 5)
    text[7] = UInt8(ascii: "-")
    writeDecimal(day, digits: 2, to: text, at: 8)
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

  /// The inverse of `components`, for years from 1 on.
  private static func days(year: Int, month: Int, day: Int) -> Int32 {
    let isNextYear = month <= 2
    let y = year + shift.years - (isNextYear ? 1 : 0)
    let m = isNextYear ? month + 12 : month
    let century = y / 100
    let days = 1461 * y / 4 - century + century / 4 + (979 * m - 2919) / 32 + day - 1
    return Int32(truncatingIfNeeded: days) &- shift.days
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

/// Writes the last decimal digits of a number, zero-padded.
func writeDecimal(
  _ value: Int, digits: Int, to text: UnsafeMutableBufferPointer<UInt8>, at offset: Int
) {
  var rest = value.magnitude
  for at in (offset..<(offset + digits)).reversed() {
    text[at] = UInt8(ascii: "0") + UInt8(truncatingIfNeeded: rest % 10)
    rest /= 10
  }
}
