/// Urgency of a referral, P0 (at once) to P4 (routine).
public enum Urgency: Int, Comparable, Sendable, CaseIterable, CustomStringConvertible {
  case p0 = 0
  case p1, p2, p3, p4

  public init?(_ text: some StringProtocol) {
    guard let match = Urgency.allCases.first(where: { $0.description == text }) else { return nil }
    self = match
  }
  public var description: String { "P\(rawValue)" }

  /// More urgent is smaller.
  public static func < (a: Urgency, b: Urgency) -> Bool { a.rawValue < b.rawValue }

  /// One level more urgent, at most P0.
  public var raised: Urgency { Urgency(rawValue: rawValue - 1) ?? .p0 }
  /// One level less urgent, at most P4.
  public var lowered: Urgency { Urgency(rawValue: rawValue + 1) ?? .p4 }
}
