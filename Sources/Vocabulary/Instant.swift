/// A point in time: microseconds since 1970-01-01T00:00:00Z.
///
/// Civil fields are those of Asia/Shanghai, which is UTC+08:00 without daylight saving since 1992;
/// the domain uses the fixed offset for all dates.
public struct Instant: Hashable, Comparable, Sendable, CustomStringConvertible {
  /// Microseconds since the epoch.
  public let microseconds: Int64

  @inlinable public init(microseconds: Int64) { self.microseconds = microseconds }
  public init(seconds: Int64) {
    let product = seconds.multipliedReportingOverflow(by: 1_000_000)
    self.microseconds = product.overflow ? (seconds < 0 ? .min : .max) : product.partialValue
  }

  @inlinable public static var distantPast: Instant { Instant(microseconds: .min) }
  @inlinable public static var distantFuture: Instant { Instant(microseconds: .max) }

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
    String(unsafeUninitializedCapacity: Instant.textLength) { text in
      write(to: text)
      return Instant.textLength
    }
  }

  /// The length of `description` in bytes.
  public static let textLength = 25

  /// Writes what `description` says to memory of its length.
  public func write(to text: UnsafeMutableBufferPointer<UInt8>) {
    let date = self.date
    let ofDay = Int(seconds - Instant(startOf: date).seconds)
    let form: StaticString = "YYYY-MM-DDThh:mm:ss+08:00"
    form.withUTF8Buffer { _ = text.update(fromContentsOf: $0) }
    date.write(to: text)
    writeDecimal(ofDay / 3600, digits: 2, to: text, at: 11)
    writeDecimal(ofDay / 60 % 60, digits: 2, to: text, at: 14)
    writeDecimal(ofDay % 60, digits: 2, to: text, at: 17)
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
    guard let time = RFC3339(ascii: bytes, strict: false) else { return nil }
    microseconds = time.seconds * 1_000_000 + Int64(time.nanoseconds / 1000)
  }
}
