/// A point in time: microseconds since 1970-01-01T00:00:00Z.
///
/// Civil fields are those of Asia/Shanghai, which is UTC+08:00 without daylight saving since 1992;
/// the domain uses the fixed offset for all dates.
public struct Instant: Hashable, Comparable, Sendable, CustomStringConvertible {
  /// Microseconds since the epoch.
  public let microseconds: Int64

  public init(microseconds: Int64) { self.microseconds = microseconds }
  public init(seconds: Int64) {
    let product = seconds.multipliedReportingOverflow(by: 1_000_000)
    self.microseconds = product.overflow ? (seconds < 0 ? .min : .max) : product.partialValue
  }

  public static let distantPast = Instant(microseconds: .min)
  public static let distantFuture = Instant(microseconds: .max)

  static let shanghaiOffset: Int64 = 8 * 3600 * 1_000_000
  static let day: Int64 = 86_400 * 1_000_000

  /// The start of the civil day in Asia/Shanghai.
  public init(startOf date: CivilDate) {
    self.microseconds = Int64(date.dayNumber) * Instant.day - Instant.shanghaiOffset
  }

  /// 23:59:59 of the civil day, the moment a deadline in days runs out (SEMANTICS 4).
  public init(endOf date: CivilDate) {
    self.microseconds = Instant(startOf: date).microseconds + Instant.day - 1_000_000
  }

  /// The civil day in Asia/Shanghai.
  public var date: CivilDate {
    if self >= Instant(endOf: .latest) { return .latest }
    if self <= Instant(startOf: .earliest) { return .earliest }
    let local = microseconds + Instant.shanghaiOffset
    let days = local >= 0 ? local / Instant.day : (local - Instant.day + 1) / Instant.day
    return CivilDate(dayNumber: Int32(days))
  }

  /// Whole seconds since the epoch, rounded down.
  public var seconds: Int64 {
    microseconds >= 0 ? microseconds / 1_000_000 : (microseconds - 999_999) / 1_000_000
  }

  /// Later by a number of seconds, saturating.
  public func adding(seconds: Int64) -> Instant {
    let delta = seconds.multipliedReportingOverflow(by: 1_000_000)
    let sum = microseconds.addingReportingOverflow(delta.partialValue)
    if delta.overflow || sum.overflow { return seconds < 0 ? .distantPast : .distantFuture }
    return Instant(microseconds: sum.partialValue)
  }

  /// Later by a number of days of 24 hours, saturating.
  public func adding(days: Int) -> Instant {
    let seconds = Int64(days).multipliedReportingOverflow(by: 86_400)
    return seconds.overflow
      ? (days < 0 ? .distantPast : .distantFuture) : adding(seconds: seconds.partialValue)
  }

  public static func < (a: Instant, b: Instant) -> Bool { a.microseconds < b.microseconds }

  /// RFC 3339 with the Shanghai offset and whole seconds, as in all outputs
  /// (`2026-01-31T23:59:59+08:00`).
  public var description: String {
    let date = self.date
    let ofDay = Int(seconds - Instant(startOf: date).seconds)
    return date.description + "T" + pad(ofDay / 3600, 2) + ":" + pad(ofDay / 60 % 60, 2) + ":"
      + pad(ofDay % 60, 2) + "+08:00"
  }

  /// Parses an RFC 3339 date-time; fractions of a second are kept to the microsecond.
  public init?(_ text: some StringProtocol) {
    let utf8 = Array(text.utf8)
    guard let instant = utf8.withUnsafeBytes({ Instant(ascii: $0) }) else { return nil }
    self = instant
  }

  /// Parses an RFC 3339 date-time from ASCII bytes, without allocation. A leap second (`:60`)
  /// counts as the first second of the next minute.
  public init?(ascii bytes: UnsafeRawBufferPointer) {
    guard bytes.count >= 20,
      let date = CivilDate(ascii: UnsafeRawBufferPointer(rebasing: bytes[0..<10])),
      bytes[10] == 0x54 || bytes[10] == 0x74 || bytes[10] == 0x20,
      bytes[13] == 0x3A, bytes[16] == 0x3A,
      let hour = decimal(bytes, 11, 2), hour <= 23,
      let minute = decimal(bytes, 14, 2), minute <= 59,
      let second = decimal(bytes, 17, 2), second <= 60
    else { return nil }
    var at = 19
    var fraction = 0
    if bytes[at] == 0x2E {
      at += 1
      var digits = 0
      while at < bytes.count, bytes[at] &- 0x30 <= 9 {
        if digits < 6 { fraction = fraction * 10 + Int(bytes[at] &- 0x30) }
        digits += 1
        at += 1
      }
      guard digits > 0 else { return nil }
      while digits < 6 {
        fraction *= 10
        digits += 1
      }
    }
    guard at < bytes.count else { return nil }
    var offset = 0
    switch bytes[at] {
    case 0x5A, 0x7A:
      guard bytes.count == at + 1 else { return nil }
    case 0x2B, 0x2D:
      guard bytes.count == at + 6, bytes[at + 3] == 0x3A, let h = decimal(bytes, at + 1, 2),
        let m = decimal(bytes, at + 4, 2), h <= 23, m <= 59
      else { return nil }
      offset = (h * 60 + m) * 60
      if bytes[at] == 0x2D { offset = -offset }
    default: return nil
    }
    let ofDay = hour * 3600 + minute * 60 + second - offset
    self.microseconds =
      Int64(date.dayNumber) * Instant.day + Int64(ofDay) * 1_000_000 + Int64(fraction)
  }
}
