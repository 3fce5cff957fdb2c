import Records
public import Streaming
public import Vocabulary

/// What a household's state amounts to: what is known of it and what is open, without the way in
/// which it came about.
///
/// Two orders of arrival of the same events end in equal values (semantics 26). Left out is what
/// an order may change: revisions, ordinals and the identifiers made from them, times of opening,
/// what was opened and withdrawn on the way, and for a provisional household that has handed over,
/// whether it ever existed.
public struct SettledHousehold: Equatable, Sendable {
  /// A referral that is somebody's task.
  public struct Task: Equatable, Sendable {
    public let referral: String
    public let rule: String
    public let subject: CitizenID?
    /// `advisor`, `subdistrict`, `district` or `resource`.
    public let receiver: String
    /// Code of the area it is routed for.
    public let area: String
    /// A missing fact is asked for.
    public let isReview: Bool
    public let assignee: String
    /// Ranked resource ids; empty for advisors.
    public let candidates: [String]
    /// `requested`, `accepted` or `in-progress`.
    public let state: String
  }

  /// An alert that fires.
  public struct Alarm: Equatable, Sendable {
    public let rule: String
    public let subject: CitizenID?
    public let isRestricted: Bool
  }

  public let household: String
  /// Whether a registry knows it; false for a household of one until its home is known.
  public let isRegistered: Bool
  /// Open referrals in the order of their openings.
  public let tasks: [Task]
  /// Alerts that fire.
  public let alerts: [Alarm]
  /// Ids of the events about the household that count, sorted.
  public let events: [String]
  /// Ids of the compositions that count, in effective order.
  public let compositions: [String]
  /// People it asked about who have not answered; none when everything has been processed.
  public let unanswered: Int

  /// From an entry of the state of Households; nil where the key is not that of a household.
  public init?(key: [UInt8], value: [UInt8]) throws(DecodingFailure) {
    guard key.first == UInt8(ascii: "h") else { return nil }
    let household = HouseholdKey(text: String(decoding: key.dropFirst(), as: UTF8.self))
    try self.init(
      try value.span.withUnsafeBytes { (bytes) throws(DecodingFailure) in
        try HouseholdState(key: household, bytes)
      })
  }

  init(_ state: HouseholdState) throws(DecodingFailure) {
    household = state.key.text
    isRegistered = state.key.isRegistered
    tasks = state.openings.flatMap { opening in
      opening.referrals.filter(\.state.isOpen).map { referral in
        Task(
          referral: referral.id, rule: opening.rule, subject: opening.subject,
          receiver: referral.receiver.description, area: referral.area,
          isReview: referral.review, assignee: referral.assignee,
          candidates: referral.candidates, state: referral.state.description)
      }
    }
    alerts = state.openings.flatMap { opening in
      opening.alerts.filter(\.firing).map {
        Alarm(
          rule: opening.rule, subject: opening.subject,
          isRestricted: $0.topic == "alerts.restricted")
      }
    }
    events = try state.log.entries().map(\.id).sorted()
    compositions = state.compositions.map(\.id)
    unanswered = state.links.filter { $0.acknowledged < $0.sequence }.count
  }
}
