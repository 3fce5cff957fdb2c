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

  func record(_ envelope: Envelope, _ value: [UInt8]) -> OutputRecord {
    let id = "\(envelope.key)/\(envelope.revision)"
    var headers: [Header] = []
    headers.reserveCapacity(11)
    headers += [
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
      topic: envelope.topic, key: Array(envelope.key.utf8), value: value, headers: headers)
  }

  /// A W3C trace context of its own for outputs that no traced event caused; it follows from the
  /// id, so that a rerun says the same.
  static func traceparent(for id: String) -> String {
    let trace = EventKey(source: "traceparent", id: id)
    let span = EventKey(source: "span", id: id)
    let form: StaticString = "00-00000000000000000000000000000000-0000000000000000-01"
    return String(unsafeUninitializedCapacity: form.utf8CodeUnitCount) { text in
      form.withUTF8Buffer { _ = text.update(fromContentsOf: $0) }
      writeHexadecimal(trace.high, to: text, at: 3)
      writeHexadecimal(trace.low, to: text, at: 19)
      writeHexadecimal(span.high, to: text, at: 36)
      return form.utf8CodeUnitCount
    }
  }
}
