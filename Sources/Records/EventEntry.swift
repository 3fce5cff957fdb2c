public import Streaming
public import Vocabulary

/// What is known of one event by a person or a household it is about.
public struct EventEntry: Equatable, Sendable {
  public var key: EventKey
  public var type: EventTypeID
  /// CloudEvents `source` and `id`.
  public var source: String
  public var id: String
  /// When its facts take effect: the start of its civil date where the type has one, else `time`.
  public var effective: Instant
  /// CloudEvents `time`.
  public var time: Instant
  /// `recordedtime`, else `time`.
  public var recorded: Instant
  /// When this daemon accepted it.
  public var accepted: Instant
  public var traceparent: String?
  /// Everyone the event names, in its own order.
  public var persons: [CitizenID]
  public var fields: [FactField]

  public init(
    key: EventKey, type: EventTypeID, source: String, id: String, effective: Instant,
    time: Instant, recorded: Instant, accepted: Instant, traceparent: String?,
    persons: [CitizenID], fields: [FactField]
  ) {
    self.key = key
    self.type = type
    self.source = source
    self.id = id
    self.effective = effective
    self.time = time
    self.recorded = recorded
    self.accepted = accepted
    self.traceparent = traceparent
    self.persons = persons
    self.fields = fields
  }

  /// Effective order: effective time, then `time`, `recordedtime`, `source`, `id` (semantics 2).
  public func precedes(_ other: EventEntry) -> Bool {
    if effective != other.effective { return effective < other.effective }
    if time != other.time { return time < other.time }
    if recorded != other.recorded { return recorded < other.recorded }
    if source != other.source { return source.utf8.lexicographicallyPrecedes(other.source.utf8) }
    return id.utf8.lexicographicallyPrecedes(other.id.utf8)
  }

  public func value(of fact: FactID) -> FactValue? {
    fields.first { $0.fact == fact }?.value
  }
}

/// An event that was taken back, kept so that a late copy stays without effect.
public struct Revocation: Equatable, Sendable {
  public enum Reason: UInt8, Sendable {
    /// `notice.retracted` named it.
    case retracted = 0
    /// A later event of the same source replaces it.
    case superseded = 1
  }
  /// The event taken back.
  public var key: EventKey
  public var reason: Reason
  /// The event that took it back.
  public var by: EventKey
  public var bySource: String
  public var byID: String
  /// When this daemon learnt of it.
  public var at: Instant

  public init(
    key: EventKey, reason: Reason, by: EventKey, bySource: String, byID: String, at: Instant
  ) {
    self.key = key
    self.reason = reason
    self.by = by
    self.bySource = bySource
    self.byID = byID
    self.at = at
  }
}

extension ByteWriter {
  public mutating func eventEntry(_ entry: EventEntry) {
    eventKey(entry.key)
    u32(entry.type.rawValue)
    string(entry.source)
    string(entry.id)
    instant(entry.effective)
    instant(entry.time)
    instant(entry.recorded)
    instant(entry.accepted)
    optional(entry.traceparent) { $0.string($1) }
    list(entry.persons) { $0.citizen($1) }
    list(entry.fields) { $0.factField($1) }
  }

  public mutating func revocation(_ value: Revocation) {
    eventKey(value.key)
    u8(value.reason.rawValue)
    eventKey(value.by)
    string(value.bySource)
    string(value.byID)
    instant(value.at)
  }
}

extension ByteReader {
  public mutating func eventEntry() throws(DecodingFailure) -> EventEntry {
    EventEntry(
      key: try eventKey(), type: EventTypeID(rawValue: try u32()), source: try string(),
      id: try string(), effective: try instant(), time: try instant(), recorded: try instant(),
      accepted: try instant(),
      traceparent: try optional { r throws(DecodingFailure) in try r.string() },
      persons: try list { r throws(DecodingFailure) in try r.citizen() },
      fields: try list { r throws(DecodingFailure) in try r.factField() })
  }

  public mutating func revocation() throws(DecodingFailure) -> Revocation {
    let key = try eventKey()
    guard let reason = Revocation.Reason(rawValue: try u8()) else {
      throw DecodingFailure("revocation reason")
    }
    return Revocation(
      key: key, reason: reason, by: try eventKey(), bySource: try string(), byID: try string(),
      at: try instant())
  }
}
