/// An amount of money in fen (1/100 yuan); never a floating-point number.
public struct Fen: Hashable, Comparable, Sendable {
  public let amount: Int64
  public init(_ amount: Int64) { self.amount = amount }

  /// Parses yuan as plain decimals with at most two places (`"1510"`, `"12.5"`); no sign, no
  /// exponent, at most 13 digits before the point.
  public init?(yuan bytes: UnsafeRawBufferPointer) {
    var value: Int64 = 0
    var digits = 0
    var at = 0
    while at < bytes.count, bytes[at] &- 0x30 <= 9 {
      value = value * 10 + Int64(bytes[at] &- 0x30)
      digits += 1
      at += 1
      if digits > 13 { return nil }
    }
    guard digits > 0 else { return nil }
    var places = 0
    if at < bytes.count {
      guard bytes[at] == 0x2E else { return nil }
      at += 1
      while at < bytes.count, bytes[at] &- 0x30 <= 9, places < 3 {
        value = value * 10 + Int64(bytes[at] &- 0x30)
        places += 1
        at += 1
      }
      guard at == bytes.count, (1...2).contains(places) else { return nil }
    }
    for _ in places..<2 { value *= 10 }
    self.amount = value
  }

  public init?(yuan text: some StringProtocol) {
    let utf8 = Array(text.utf8)
    guard let fen = utf8.withUnsafeBytes({ Fen(yuan: $0) }) else { return nil }
    self = fen
  }

  /// The amount in yuan, with the fen only where there are any: `1510`, `12.50`, `-3.05`.
  public var yuan: String {
    let magnitude = amount.magnitude
    let whole = (amount < 0 ? "-" : "") + String(magnitude / 100)
    return magnitude % 100 == 0 ? whole : whole + "." + String(magnitude % 100 + 100).dropFirst()
  }

  public static func < (a: Fen, b: Fen) -> Bool { a.amount < b.amount }
}
