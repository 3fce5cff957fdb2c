import Records
import Streaming
import Vocabulary

/// Builds the records of output topics: CloudEvents in binary content mode.
struct OutputBuilder {
  static let typePrefix = "cn.gov.sh.assist."
  /// CloudEvents `source` of everything this daemon says.
  let source: String

  struct Envelope {
    /// Topic after the prefix.
    var topic: String
    /// Record key, and the first part of the event's `id`.
    var key: String
    var revision: Int
    /// After the type prefix, such as `referral`.
    var type: String
    var time: Instant
    /// `urgency` or `severity`.
    var grade: (name: String, value: String)?
    var area: Area?
    var traceparent: String?
  }

  func record(_ envelope: Envelope, _ body: (inout JSONWriter) -> Void) -> OutputRecord {
    let id = "\(envelope.key)/\(envelope.revision)"
    var headers = [
      Header("ce_specversion", "1.0"),
      Header("ce_id", id),
      Header("ce_source", source),
      Header("ce_type", OutputBuilder.typePrefix + envelope.type),
      Header("ce_time", envelope.time.description),
      Header("content-type", "application/json"),
    ]
    if let grade = envelope.grade { headers.append(Header(grade.name, grade.value)) }
    if let area = envelope.area {
      if !area.subdistrict.isEmpty { headers.append(Header("subdistrict", area.subdistrict)) }
      if !area.committee.isEmpty { headers.append(Header("committee", area.committee)) }
    }
    headers.append(
      Header("traceparent", envelope.traceparent ?? OutputBuilder.traceparent(for: id)))
    return OutputRecord(
      topic: envelope.topic, key: Array(envelope.key.utf8), value: JSONWriter.object(body),
      headers: headers)
  }

  /// A W3C trace context of its own for outputs that no traced event caused; it follows from the
  /// id, so that a rerun says the same.
  static func traceparent(for id: String) -> String {
    let key = EventKey(source: "traceparent", id: id)
    let span = EventKey(source: "span", id: id)
    return "00-\(hexadecimal(key.bytes))-\(hexadecimal(Array(span.bytes.prefix(8))))-01"
  }
}
