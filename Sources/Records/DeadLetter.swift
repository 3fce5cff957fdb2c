public import Streaming
public import Vocabulary

/// Why a record could not be used, and the record it becomes on `<prefix>.deadletters`.
///
/// The original bytes, key and headers go through untouched; what is added are headers. Neither
/// path nor message ever holds a value from the record: both are made of names and positions that
/// the mappings know.
public struct DeadLetter: Error, Equatable, Sendable {
  /// Stable codes (contract 6, semantics 24).
  public enum Code: String, CaseIterable, Sendable {
    /// No value, over the size limit, an unknown content mode, or a bad CloudEvents attribute.
    case envelope
    /// The bytes are not JSON as RFC 8259 has it, or a key occurs twice.
    case json
    /// A field is missing, of the wrong JSON type, or outside its limits.
    case schema
    /// The type is unknown, or belongs to another topic.
    case type
    /// A word outside the field's list.
    case enumeration = "enum"
    /// Not a citizen ID.
    case id
    /// A citizen ID of fifteen digits, which the sender has to map.
    case id15 = "id-15"
    /// A date that does not exist, or lies ahead where it must not.
    case date
    /// Not plain yuan with at most two decimals.
    case money
    /// `time` is more than a day ahead of `recordedtime` or of the clock.
    case timeInFuture = "time-in-future"
    /// Feedback on a referral that was never opened.
    case unknownReferral = "unknown-referral"
  }

  public var code: Code
  /// JSON pointer into the event in structured form, whatever its content mode: `/time`,
  /// `/data/person`; empty for the record as a whole.
  public var path: String
  public var message: String

  public init(_ code: Code, path: String, message: String) {
    self.code = code
    self.path = path
    self.message = message
  }

  /// The topic's name after the configured prefix.
  public static let topic = "deadletters"

  /// The dead letter of `original`, seen at `now`.
  ///
  /// A requeued dead letter keeps the instant at which it was first seen, and counts its attempts.
  public func record(of original: OriginalRecord, now: Instant) -> OutputRecord {
    var headers: [Header] = []
    headers.reserveCapacity(original.headers.count + 9)
    var firstSeen: Instant?
    var attempts = 0
    for header in original.headers {
      switch header.name {
      case DeadLetter.firstSeenHeader:
        firstSeen = header.value.withUnsafeBytes { Instant(ascii: $0) }
      case DeadLetter.attemptsHeader:
        let count = Int(String(decoding: header.value, as: UTF8.self)) ?? 0
        attempts = max(0, min(count, DeadLetter.maximumAttempts - 1))
      case let name where DeadLetter.ownHeaders.contains(name): continue
      default: headers.append(header)
      }
    }
    // A replay that begins with a bad record has no clock yet.
    let clock =
      now > Instant(seconds: 0)
      ? now : Instant(seconds: max(0, min(original.timestamp / 1000, 253_402_214_400)))
    headers.append(Header("assist_error_code", code.rawValue))
    headers.append(Header("assist_error_path", path))
    headers.append(Header("assist_error_message", message))
    headers.append(Header("assist_original_topic", original.topic))
    headers.append(Header("assist_original_partition", String(original.partition)))
    headers.append(Header("assist_original_offset", String(original.offset)))
    headers.append(Header("assist_original_timestamp", String(original.timestamp)))
    headers.append(Header(DeadLetter.firstSeenHeader, (firstSeen ?? clock).description))
    headers.append(Header(DeadLetter.attemptsHeader, String(attempts + 1)))
    return OutputRecord(
      topic: DeadLetter.topic, key: original.key, value: original.value, headers: headers)
  }

  static let firstSeenHeader = "assist_first_seen"
  static let attemptsHeader = "assist_attempts"
  /// Attempts are counted up to here.
  static let maximumAttempts = 1_000_000

  /// Headers that a dead letter adds; a requeued record's old ones are replaced.
  public static let ownHeaders: Set<String> = [
    "assist_error_code", "assist_error_path", "assist_error_message", "assist_original_topic",
    "assist_original_partition", "assist_original_offset", "assist_original_timestamp",
    firstSeenHeader, attemptsHeader,
  ]
}

extension OriginalRecord {
  /// A copy of a borrowed record.
  public init(copying record: InboundRecord) {
    self.init(
      topic: record.topic, partition: record.partition, offset: record.offset,
      timestamp: record.timestamp, key: record.key.map { Array($0) },
      value: record.value.map { Array($0) },
      headers: record.headers.map {
        Header(String(decoding: $0.name, as: UTF8.self), Array($0.value))
      })
  }
}
