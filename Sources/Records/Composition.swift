public import Streaming
public import Vocabulary

/// A composition notice as the household keeps it.
public struct Composition: Equatable, Sendable {
  public var key: EventKey
  /// From when it counts.
  public var asOf: Instant
  public var time: Instant
  public var recorded: Instant
  public var source: String
  public var id: String
  public var members: [CompositionMember]

  public init(entry: EventEntry, members: [CompositionMember]) {
    key = entry.key
    asOf = entry.effective
    time = entry.time
    recorded = entry.recorded
    source = entry.source
    id = entry.id
    self.members = members
  }

  public func member(_ person: CitizenID) -> CompositionMember? {
    members.first { $0.id == person }
  }

  /// Effective order, as for all events (semantics 2).
  public func precedes(_ other: Composition) -> Bool {
    if asOf != other.asOf { return asOf < other.asOf }
    if time != other.time { return time < other.time }
    if recorded != other.recorded { return recorded < other.recorded }
    if source != other.source { return source.utf8.lexicographicallyPrecedes(other.source.utf8) }
    return id.utf8.lexicographicallyPrecedes(other.id.utf8)
  }
}

extension ByteWriter {
  public mutating func composition(_ value: Composition) {
    eventKey(value.key)
    instant(value.asOf)
    instant(value.time)
    instant(value.recorded)
    string(value.source)
    string(value.id)
    list(value.members) { $0.member($1) }
  }
}

extension ByteReader {
  public mutating func composition() throws(DecodingFailure) -> Composition {
    Composition(
      key: try eventKey(), asOf: try instant(), time: try instant(), recorded: try instant(),
      source: try string(), id: try string(),
      members: try list { r throws(DecodingFailure) in try r.member() })
  }
}

extension Composition {
  init(
    key: EventKey, asOf: Instant, time: Instant, recorded: Instant, source: String, id: String,
    members: [CompositionMember]
  ) {
    self.key = key
    self.asOf = asOf
    self.time = time
    self.recorded = recorded
    self.source = source
    self.id = id
    self.members = members
  }
}
