/// Durations and sizes as configuration writes them.
public enum Units {
  private static let durations: [(suffix: String, milliseconds: Int64)] = [
    ("ms", 1), ("s", 1000), ("m", 60_000), ("h", 3_600_000), ("d", 86_400_000),
  ]
  private static let sizes: [(suffix: String, bytes: Int64)] = [
    ("KiB", 1 << 10), ("MiB", 1 << 20), ("GiB", 1 << 30), ("B", 1),
  ]

  /// A whole number and its unit: `250ms 10s 5m 12h 1d`; `0` needs none.
  public static func duration(_ text: String) -> Duration? {
    if text == "0" { return .zero }
    return value(text, durations).map { .milliseconds($0) }
  }

  /// A whole number and its unit: `512B 64KiB 4MiB 1GiB`.
  public static func bytes(_ text: String) -> Int? {
    value(text, sizes).flatMap { Int(exactly: $0) }
  }

  private static func value(_ text: String, _ units: [(String, Int64)]) -> Int64? {
    let digits = text.prefix { $0.isASCII && $0.isNumber }
    let suffix = text.dropFirst(digits.count)
    guard let number = Int64(digits), let unit = units.first(where: { $0.0 == suffix }) else {
      return nil
    }
    let product = number.multipliedReportingOverflow(by: unit.1)
    return product.overflow ? nil : product.partialValue
  }

  /// Whole milliseconds, saturating.
  public static func milliseconds(_ duration: Duration) -> Int64 {
    let (seconds, attoseconds) = duration.components
    let product = seconds.multipliedReportingOverflow(by: 1000)
    guard !product.overflow else { return seconds < 0 ? .min : .max }
    return product.partialValue.addingReportingOverflow(attoseconds / 1_000_000_000_000_000)
      .partialValue
  }

  /// A duration in the largest unit that loses nothing.
  public static func text(_ duration: Duration) -> String {
    let value = milliseconds(duration)
    if value == 0 { return "0" }
    for (suffix, unit) in durations.reversed() where value % unit == 0 {
      return "\(value / unit)\(suffix)"
    }
    return "\(value)ms"
  }
}
