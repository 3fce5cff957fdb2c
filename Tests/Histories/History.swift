import Vocabulary

/// One event of a history, as a producer sends it.
struct HistoryEvent: Sendable {
  /// Short name, such as `notice.death`.
  var type: String
  var id: String
  var source: String
  /// When it happened, RFC 3339.
  var time: String
  /// JSON object.
  var data: String
  var supersedes: String?
  /// The arrival with which it reaches the bus.
  var arrival: Int

  /// The in-topic's name after the prefix.
  var topic: String {
    switch type.prefix(while: { $0 != "." }) {
    case "window": "window.transactions"
    case "household": "household.registry"
    case "assistance": "assistance.decisions"
    case "report": "field.reports"
    case "referral": "referral.feedback"
    default: "department.notices"
    }
  }

  /// The structured CloudEvent.
  func bytes(recorded: Instant) -> [UInt8] {
    let extra = supersedes.map { #","supersedes":"\#($0)""# } ?? ""
    return Array(
      (#"{"specversion":"1.0","id":"\#(id)","source":"\#(source)","#
        + #""type":"cn.gov.sh.assist.\#(type)","time":"\#(time)","#
        + #""recordedtime":"\#(recorded)"\#(extra),"data":\#(data)}"#).utf8)
  }
}

/// A few households over some months: what happened to them, and when the bus heard of it.
///
/// The bus hears of it in *arrivals*: instants at which a batch of events becomes available, as
/// after a nightly transfer or an outage. All events of one arrival have the same `recordedtime`.
struct History: Sendable {
  let seed: UInt64
  /// The instants at which events arrive, ascending.
  let arrivals: [Instant]
  /// Until when the clock runs on after the last arrival.
  let end: Instant
  /// In the order of `time`.
  let events: [HistoryEvent]
  /// Whether advisors and resources answer after each arrival.
  let isAnswered: Bool
}
