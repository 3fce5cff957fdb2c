import Foundation

/// Offsets of time zones.
enum TimeZones {
  /// Seconds east of UTC at a time, for `+08:00`, `-02:30`, `02:00`, `UTC` or a name of the tz
  /// database; nil for anything else.
  static func offset(_ zone: Text, at time: Timestamp) -> Int? {
    let name = zone.string
    switch name {
    case "UTC", "Z", "GMT", "": return 0
    case "Asia/Shanghai" where time.seconds >= 694_224_000: return 8 * 3600
    default: break
    }
    if let fixed = fixedOffset(name) { return fixed }
    guard name.utf8.count <= 64, let found = TimeZone(identifier: name) else { return nil }
    return found.secondsFromGMT(for: Date(timeIntervalSince1970: Double(time.seconds)))
  }

  private static func fixedOffset(_ name: String) -> Int? {
    var bytes = Array(name.utf8)
    var sign = 1
    if let first = bytes.first, first == 0x2B || first == 0x2D {
      sign = first == 0x2D ? -1 : 1
      bytes.removeFirst()
    }
    guard bytes.count == 5, bytes[2] == 0x3A else { return nil }
    let digits = [bytes[0], bytes[1], bytes[3], bytes[4]].map { Int($0) - 0x30 }
    guard digits.allSatisfy({ (0...9).contains($0) }) else { return nil }
    let hours = digits[0] * 10 + digits[1]
    let minutes = digits[2] * 10 + digits[3]
    guard hours <= 23, minutes <= 59 else { return nil }
    return sign * (hours * 60 + minutes) * 60
  }
}
