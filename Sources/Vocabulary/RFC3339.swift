/// A point in time as RFC 3339 writes it, in seconds and nanoseconds since 1970-01-01T00:00:00Z.
public struct RFC3339 {
  /// Whole seconds since the epoch, rounded down.
  public let seconds: Int64
  /// Of the second; digits beyond the ninth are dropped.
  public let nanoseconds: UInt32

  /// Parses ASCII bytes, without allocation.
  ///
  /// - Parameter strict: a `T` must stand between date and time, and no leap second is taken.
  ///   Otherwise a blank will do, and `:60` counts as the first second of the next minute.
  public init?(ascii bytes: UnsafeRawBufferPointer, strict: Bool) {
    guard bytes.count >= 20,
      let date = CivilDate(ascii: UnsafeRawBufferPointer(rebasing: bytes[0..<10])),
      bytes[10] == 0x54 || bytes[10] == 0x74 || (bytes[10] == 0x20 && !strict),
      bytes[13] == 0x3A, bytes[16] == 0x3A,
      let hour = decimal(bytes, 11, 2), hour <= 23,
      let minute = decimal(bytes, 14, 2), minute <= 59,
      let second = decimal(bytes, 17, 2), second <= (strict ? 59 : 60)
    else { return nil }
    var at = 19
    var fraction: UInt32 = 0
    if bytes[at] == 0x2E {
      at += 1
      var digits = 0
      while at < bytes.count, bytes[at] &- 0x30 <= 9 {
        if digits < 9 { fraction = fraction * 10 + UInt32(bytes[at] &- 0x30) }
        digits += 1
        at += 1
      }
      guard digits > 0 else { return nil }
      while digits < 9 {
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
    seconds =
      Int64(date.dayNumber) * 86_400 + Int64(hour * 3600 + minute * 60 + second - offset)
    nanoseconds = fraction
  }
}
