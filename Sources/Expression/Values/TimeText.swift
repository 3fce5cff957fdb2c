import Vocabulary

/// Text forms of timestamps and durations.
enum TimeText {
  /// Parses RFC 3339 with up to nine digits of a second (further ones are dropped).
  static func timestamp(_ text: Text) -> Timestamp? {
    let time = text.withBytes { RFC3339(ascii: UnsafeRawBufferPointer($0), strict: true) }
    return time.flatMap { Timestamp(seconds: $0.seconds, nanoseconds: $0.nanoseconds) }
  }

  /// RFC 3339 in UTC with as many digits of a second as there are.
  static func string(_ time: Timestamp) -> String {
    let fields = CivilTime(time, offset: 0)
    let clock =
      "\(padded(fields.hour, 2)):\(padded(fields.minute, 2)):\(padded(fields.second, 2))"
    return "\(fields.date)T\(clock)\(fraction(Int(time.nanoseconds)))Z"
  }

  private static func fraction(_ nanoseconds: Int) -> String {
    guard nanoseconds != 0 else { return "" }
    var text = padded(nanoseconds, 9)
    while text.hasSuffix("0") { text.removeLast() }
    return "." + text
  }

  static func padded(_ value: Int, _ width: Int) -> String {
    let text = String(value)
    return String(repeating: "0", count: max(0, width - text.utf8.count)) + text
  }

  /// Parses `1h45m`, `-1.5s`, `100ms`, `0` ...; nil for anything else or out of range.
  static func duration(_ text: Text) -> Int64? {
    var rest = Substring(text.string)
    let isNegative = rest.hasPrefix("-")
    if isNegative || rest.hasPrefix("+") { rest = rest.dropFirst() }
    if rest == "0" { return 0 }
    guard !rest.isEmpty else { return nil }
    var total: Int64 = 0
    while !rest.isEmpty {
      guard let part = durationPart(&rest) else { return nil }
      let sum = total.addingReportingOverflow(part)
      guard !sum.overflow else { return nil }
      total = sum.partialValue
    }
    return isNegative ? -total : total
  }

  private static let units: [(String, Int64)] = [
    ("ns", 1), ("us", 1000), ("µs", 1000), ("μs", 1000), ("ms", 1_000_000),
    ("s", 1_000_000_000), ("m", 60_000_000_000), ("h", 3_600_000_000_000),
  ]

  private static func durationPart(_ rest: inout Substring) -> Int64? {
    let whole = rest.prefix { ("0"..."9").contains($0) }
    rest = rest.dropFirst(whole.count)
    var places: Substring = ""
    if rest.hasPrefix(".") {
      rest = rest.dropFirst()
      places = rest.prefix { ("0"..."9").contains($0) }
      rest = rest.dropFirst(places.count)
    }
    guard !whole.isEmpty || !places.isEmpty, whole.count <= 19, places.count <= 18 else {
      return nil
    }
    // Longer unit names come first: `ms` is not `m`.
    guard let unit = units.first(where: { rest.hasPrefix($0.0) }) else { return nil }
    rest = rest.dropFirst(unit.0.count)
    guard let count = whole.isEmpty ? 0 : Int64(whole) else { return nil }
    let product = count.multipliedReportingOverflow(by: unit.1)
    guard !product.overflow else { return nil }
    var part: Int64 = 0
    var scale = unit.1
    for digit in places.utf8 {
      scale /= 10
      part += Int64(digit - 0x30) * scale
    }
    let sum = product.partialValue.addingReportingOverflow(part)
    return sum.overflow ? nil : sum.partialValue
  }

  /// Seconds with as many places as there are: `6347s`, `-0.5s`.
  static func string(duration: Int64) -> String {
    let magnitude = duration.magnitude
    let text = "\(magnitude / 1_000_000_000)\(fraction(Int(magnitude % 1_000_000_000)))s"
    return duration < 0 ? "-" + text : text
  }
}

/// The civil fields of a timestamp at an offset from UTC.
struct CivilTime {
  let date: CivilDate
  let hour: Int
  let minute: Int
  let second: Int

  init(_ time: Timestamp, offset: Int) {
    let local = time.seconds + Int64(offset)
    let day = local >= 0 ? local / 86_400 : (local - 86_399) / 86_400
    let ofDay = Int(local - day * 86_400)
    date = CivilDate(dayNumber: Int32(day))
    hour = ofDay / 3600
    minute = ofDay / 60 % 60
    second = ofDay % 60
  }
}
