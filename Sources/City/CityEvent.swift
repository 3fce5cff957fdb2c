public import Vocabulary

/// How an event is put into a Kafka record (CloudEvents Kafka protocol binding).
public enum ContentMode: Sendable {
  /// The value is the whole event as JSON.
  case structured
  /// The value is the event's `data`; the attributes are headers.
  case binary
}

/// A record of the city as it would arrive at the bus; an owned copy, for tests and small volumes.
/// `EventBuffer` is the fast form.
public struct CityEvent: Sendable {
  public let type: CityEventType
  public let topic: CityTopic
  /// A pseudonymous key: records about one person or household have the same.
  public let key: [UInt8]
  /// nil for the defect `nullValue`.
  public let value: [UInt8]?
  /// `content-type`, and in binary mode the `ce_` attributes.
  public let headers: [(name: String, value: [UInt8])]
  /// When it arrives.
  public let instant: Instant
  public let defect: Defect
  public let note: Note
}

/// One record, written over and over without allocations.
public struct EventBuffer: ~Copyable {
  public internal(set) var type = CityEventType.window
  public internal(set) var topic = CityTopic.windowTransactions
  public internal(set) var instant = Instant(microseconds: 0)
  public internal(set) var defect = Defect.none
  public internal(set) var note = Note.none
  /// False for the defect `nullValue`.
  public internal(set) var hasValue = true
  public internal(set) var key = ByteText(reserving: 64)
  public internal(set) var value = ByteText(reserving: 4096)
  var headerBytes = ByteText(reserving: 1024)
  var headerEnds: [(name: StaticString, end: Int)] = []

  public init() { headerEnds.reserveCapacity(12) }

  /// Calls `body` with each header's name and value.
  public borrowing func forEachHeader(
    _ body: (StaticString, UnsafeRawBufferPointer) throws -> Void
  ) rethrows {
    try headerBytes.withBytes { bytes in
      var start = 0
      for header in headerEnds {
        try body(header.name, UnsafeRawBufferPointer(rebasing: bytes[start..<header.end]))
        start = header.end
      }
    }
  }

  /// An owned copy.
  public borrowing func copy() -> CityEvent {
    var headers: [(name: String, value: [UInt8])] = []
    forEachHeader { headers.append((String(describing: $0), Array($1))) }
    return CityEvent(
      type: type, topic: topic, key: key.array, value: hasValue ? value.array : nil,
      headers: headers, instant: instant, defect: defect, note: note)
  }

  mutating func clear() {
    key.removeAll()
    value.removeAll()
    headerBytes.removeAll()
    headerEnds.removeAll(keepingCapacity: true)
    hasValue = true
  }
}
