public import Streaming
public import Vocabulary

/// Reads an encoded `EventLog` in place: a field access is an offset, nothing is decoded or copied.
///
/// Layout, little-endian: event count u32, field count u32; per event 56 bytes (key 16, effective,
/// time, recorded, accepted 8 each, type u32, offset of its texts u32); per field 16 bytes sorted
/// by (fact, event): fact u32, event u16, tag u8, zero, payload u64 (the scalar, or offset and
/// length of the bytes); then the texts, to which the offsets are relative.
///
/// What is read for every event and field is inlined where it is used.
public struct EventLogView {
  @usableFromInline static let headerSize = 8
  @usableFromInline static let eventSize = 56
  @usableFromInline static let fieldSize = 16

  @usableFromInline let bytes: UnsafeRawBufferPointer
  public let eventCount: Int
  public let fieldCount: Int
  /// Where the texts begin.
  @usableFromInline let fixed: Int

  /// `bytes` must stay valid while the view is used.
  public init(_ bytes: UnsafeRawBufferPointer) throws(DecodingFailure) {
    guard bytes.count >= EventLogView.headerSize else { throw DecodingFailure("event log") }
    let events = Int(bytes.loadUnaligned(fromByteOffset: 0, as: UInt32.self))
    let fields = Int(bytes.loadUnaligned(fromByteOffset: 4, as: UInt32.self))
    let fixed =
      EventLogView.headerSize + events * EventLogView.eventSize + fields * EventLogView.fieldSize
    guard events <= 0xFFFF, bytes.count >= fixed else { throw DecodingFailure("event log") }
    self.bytes = bytes
    self.fixed = fixed
    eventCount = events
    fieldCount = fields
  }

  /// The event at an index below `eventCount`, in effective order.
  @inlinable
  public func event(_ index: Int) -> EventView {
    EventView(log: self, base: EventLogView.headerSize + index * EventLogView.eventSize)
  }

  /// The field at an index below `fieldCount`, sorted by (fact, event).
  @inlinable
  public func field(_ index: Int) -> FieldView {
    // Fields end where the texts begin.
    FieldView(log: self, base: fixed - (fieldCount - index) * EventLogView.fieldSize)
  }

  /// The indexes of all fields of a fact, in effective order of their events.
  public func fields(of fact: FactID) -> Range<Int> {
    let first = firstField(fact, from: 0)
    var end = first
    while end < fieldCount, field(end).fact == fact { end += 1 }
    return first..<end
  }

  /// The index of the last field of a fact; where there is none, that of another fact's or -1.
  public func lastField(of fact: FactID) -> Int { firstField(fact, from: 0x1_0000) - 1 }

  /// Goes through the facts that events state, each once.
  @inlinable @inline(__always)
  public func eachFact(_ body: (FactID) -> Void) {
    guard fieldCount > 0, let bytes = bytes.baseAddress else { return }
    // The fields lie within the bytes: their number was compared with how many there are.
    let fields = bytes + (fixed - fieldCount * EventLogView.fieldSize)
    func fact(_ index: Int) -> UInt32 {
      UInt32(
        littleEndian: fields.loadUnaligned(
          fromByteOffset: index &* EventLogView.fieldSize, as: UInt32.self))
    }
    var last = ~fact(0)
    for index in 0..<fieldCount {
      let next = fact(index)
      if next == last { continue }
      last = next
      body(FactID(rawValue: next))
    }
  }

  /// Goes through the types of the events, in effective order.
  @inlinable @inline(__always)
  public func eachType(_ body: (EventTypeID) -> Void) {
    guard let bytes = bytes.baseAddress else { return }
    // The events lie within the bytes: their number was compared with how many there are.
    for index in 0..<eventCount {
      let type = bytes.loadUnaligned(
        fromByteOffset: EventLogView.headerSize &+ index &* EventLogView.eventSize &+ 48,
        as: UInt32.self)
      body(EventTypeID(rawValue: UInt32(littleEndian: type)))
    }
  }

  /// Whether any event states a fact.
  public func states(_ fact: FactID) -> Bool {
    let first = firstField(fact, from: 0)
    return first < fieldCount && field(first).fact == fact
  }

  /// What an event states of a fact; nil where it does not.
  public func field(_ fact: FactID, of event: Int) -> FieldView? {
    let index = firstField(fact, from: event)
    guard index < fieldCount else { return nil }
    let found = field(index)
    return found.fact == fact && found.eventIndex == event ? found : nil
  }

  /// What an event states of a fact. `hint` is the index of a field found before, mostly the same
  /// fact of the event before it: then it is followed by what is looked for.
  @inlinable @inline(__always)
  public func field(_ fact: FactID, of event: Int, near hint: inout Int) -> FieldView? {
    let wanted = EventLogView.order(fact, event)
    var index = hint + 1
    if index >= fieldCount || order(index) != wanted {
      index = hint < fieldCount && order(hint) == wanted ? hint : firstField(fact, from: event)
      guard index < fieldCount, order(index) == wanted else { return nil }
    }
    hint = index
    return field(index)
  }

  /// The tag and the scalar of what an event states of a fact; `hint` as above.
  @inlinable @inline(__always)
  public func scalar(
    _ fact: FactID, of event: Int, near hint: inout Int
  ) -> (tag: FieldView.Tag, scalar: Int64)? {
    guard let field = field(fact, of: event, near: &hint),
      let start = bytes.baseAddress.map({ $0 + field.base })
    else { return nil }
    // A field lies within the bytes: their number was compared with how many there are.
    return (
      FieldView.Tag(byte: start.load(fromByteOffset: 6, as: UInt8.self)),
      Int64(littleEndian: start.loadUnaligned(fromByteOffset: 8, as: Int64.self))
    )
  }

  /// The UTF-8 bytes of a text that an event states; empty where it states none. `hint` as above.
  @inlinable @inline(__always)
  public func text(
    _ fact: FactID, of event: Int, near hint: inout Int
  ) -> UnsafeRawBufferPointer {
    let none = UnsafeRawBufferPointer(start: nil, count: 0)
    guard let field = field(fact, of: event, near: &hint), let first = bytes.baseAddress else {
      return none
    }
    // A field lies within the bytes: their number was compared with how many there are.
    let start = first + field.base
    guard start.load(fromByteOffset: 6, as: UInt8.self) == FieldView.Tag.string.rawValue else {
      return none
    }
    let offset = start.loadUnaligned(fromByteOffset: 8, as: UInt32.self)
    let length = start.loadUnaligned(fromByteOffset: 12, as: UInt32.self)
    let text = fixed &+ Int(UInt32(littleEndian: offset))
    let count = Int(UInt32(littleEndian: length))
    guard text &+ count <= bytes.count else { return none }
    return UnsafeRawBufferPointer(start: first + text, count: count)
  }

  /// What events state of one fact, one event after the other.
  public struct Column {
    @usableFromInline let log: EventLogView
    @usableFromInline let fact: FactID
    /// Where the fields lie.
    @usableFromInline let fields: UnsafeRawPointer?
    /// The field that follows the one found last.
    @usableFromInline var next: Int

    @inlinable @inline(__always)
    public init(of fact: FactID, in log: EventLogView) {
      self.log = log
      self.fact = fact
      fields = log.bytes.baseAddress.map {
        $0 + (log.fixed - log.fieldCount &* EventLogView.fieldSize)
      }
      next = log.fieldCount
    }

    /// The tag and the scalar of what an event states; nil where it states nothing.
    @inlinable @inline(__always)
    public mutating func scalar(of event: Int) -> (tag: FieldView.Tag, scalar: Int64)? {
      guard let fields else { return nil }
      let wanted = EventLogView.order(fact, event)
      if next >= log.fieldCount || order(fields, next) != wanted {
        next = log.firstField(fact, from: event)
        guard next < log.fieldCount, order(fields, next) == wanted else { return nil }
      }
      // The fields lie within the bytes: their number was compared with how many there are.
      let field = fields + next &* EventLogView.fieldSize
      next &+= 1
      return (
        FieldView.Tag(byte: field.load(fromByteOffset: 6, as: UInt8.self)),
        Int64(littleEndian: field.loadUnaligned(fromByteOffset: 8, as: Int64.self))
      )
    }

    @inlinable @inline(__always)
    func order(_ fields: UnsafeRawPointer, _ index: Int) -> UInt64 {
      EventLogView.order(
        fields.loadUnaligned(
          fromByteOffset: index &* EventLogView.fieldSize, as: UInt64.self))
    }
  }

  /// The index of the first field at or after (fact, event).
  @usableFromInline
  func firstField(_ fact: FactID, from event: Int) -> Int {
    guard let first = bytes.baseAddress.map({ $0 + (fixed - fieldCount * EventLogView.fieldSize) })
    else { return 0 }
    let wanted = EventLogView.order(fact, event)
    var start = 0
    var count = fieldCount
    // Halves without branches that a processor would have to guess; all within `fieldCount`, which
    // is at most 2^32.
    while count > 0 {
      let half = (count &+ 1) &>> 1
      let field = first + (start &+ half &- 1) &* EventLogView.fieldSize
      let isBefore = EventLogView.order(field.loadUnaligned(as: UInt64.self)) < wanted
      start &+= isBefore ? half : 0
      count &-= half
    }
    return start
  }

  /// A place in the order of fields: by fact, then by event.
  @inlinable @inline(__always)
  static func order(_ fact: FactID, _ event: Int) -> UInt64 {
    UInt64(fact.rawValue) << 16 &+ UInt64(truncatingIfNeeded: event)
  }

  /// The place of the field at an index below `fieldCount`: it begins with the fact and the event.
  @inlinable @inline(__always)
  func order(_ index: Int) -> UInt64 {
    let base = fixed - (fieldCount - index) * EventLogView.fieldSize
    return EventLogView.order(bytes.loadUnaligned(fromByteOffset: base, as: UInt64.self))
  }

  /// The first eight bytes of a field.
  @inline(__always)
  static func head(of fact: FactID, event: Int, _ tag: FieldView.Tag) -> UInt64 {
    UInt64(fact.rawValue) | UInt64(truncatingIfNeeded: event & 0xFFFF) << 32
      | UInt64(tag.rawValue) << 48
  }

  /// The place of a field by its first eight bytes.
  @inlinable @inline(__always)
  static func order(_ bytes: UInt64) -> UInt64 {
    let head = UInt64(littleEndian: bytes)
    return (head & 0xFFFF_FFFF) << 16 | (head >> 32) & 0xFFFF
  }

  /// The last word on a state fact at `instant`.
  public func latest(_ fact: FactID, at instant: Instant) -> FieldView? {
    var index = lastField(of: fact)
    while index >= 0 {
      let candidate = field(index)
      guard candidate.fact == fact else { return nil }
      if event(candidate.eventIndex).effective <= instant { return candidate }
      index -= 1
    }
    return nil
  }

  /// The index of the first event of some types at or after an index; `eventCount` where there is
  /// none.
  @inlinable
  public func firstEvent(of types: [EventTypeID], from start: Int) -> Int {
    var index = start
    // Most lists are of one type.
    if types.count == 1 {
      let only = types[0]
      while index < eventCount, event(index).type != only { index += 1 }
      return index
    }
    while index < eventCount, !types.contains(event(index).type) { index += 1 }
    return index
  }

  /// The index of an event, nil where it is not in the log.
  public func index(of key: EventKey) -> Int? {
    (0..<eventCount).first { event($0).key == key }
  }

  @inlinable @inline(__always)
  func load<T: FixedWidthInteger>(_ offset: Int, as type: T.Type) -> T {
    guard offset >= 0, offset + MemoryLayout<T>.size <= bytes.count else { return 0 }
    return T(littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: type))
  }

  /// Bytes of the texts.
  @inlinable
  func slice(_ start: Int, _ length: Int) -> UnsafeRawBufferPointer {
    let offset = fixed + start
    guard offset >= 0, length >= 0, offset + length <= bytes.count else {
      return UnsafeRawBufferPointer(start: nil, count: 0)
    }
    return UnsafeRawBufferPointer(rebasing: bytes[offset..<(offset + length)])
  }

  /// Reads the texts from a place on.
  func reader(at start: Int) -> ByteReader {
    ByteReader(bytes, offset: min(max(0, fixed + start), bytes.count))
  }
}

extension EventLogView {
  /// A log of our own making, whose header is sound.
  init(checked bytes: UnsafeRawBufferPointer) {
    self.bytes = bytes
    let count = bytes.count >= EventLogView.headerSize
    eventCount = count ? Int(bytes.loadUnaligned(fromByteOffset: 0, as: UInt32.self)) : 0
    fieldCount = count ? Int(bytes.loadUnaligned(fromByteOffset: 4, as: UInt32.self)) : 0
    fixed =
      EventLogView.headerSize + eventCount * EventLogView.eventSize
      + fieldCount * EventLogView.fieldSize
  }

  /// The length of the encoded log in bytes.
  var size: Int { bytes.count }

  /// All events decoded.
  func entries() throws(DecodingFailure) -> [EventEntry] {
    var entries: [EventEntry] = []
    entries.reserveCapacity(eventCount)
    for index in 0..<eventCount {
      let event = event(index)
      let texts = try event.texts()
      entries.append(
        EventEntry(
          key: event.key, type: event.type, source: texts.source, id: texts.id,
          effective: event.effective, time: event.time, recorded: event.recorded,
          accepted: event.accepted, traceparent: texts.traceparent, persons: texts.persons,
          fields: []))
    }
    for index in 0..<fieldCount {
      let field = field(index)
      guard field.eventIndex < entries.count else { throw DecodingFailure("field") }
      entries[field.eventIndex].fields.append(FactField(field.fact, try field.value()))
    }
    return entries
  }

  /// Where an event belongs in effective order.
  func position(for entry: EventEntryView) -> Int {
    var index = eventCount
    while index > 0, !precedes(index - 1, entry) { index -= 1 }
    return index
  }

  private func precedes(_ index: Int, _ entry: EventEntryView) -> Bool {
    let event = event(index)
    if event.effective != entry.effective { return event.effective < entry.effective }
    if event.time != entry.time { return event.time < entry.time }
    if event.recorded != entry.recorded { return event.recorded < entry.recorded }
    guard let names = try? event.names() else { return true }
    if !names.source.isEqual(to: entry.source) {
      return names.source.lexicographicallyPrecedes(entry.source)
    }
    return names.id.lexicographicallyPrecedes(entry.id)
  }

  /// The fields at some indexes as they are encoded.
  func fieldBytes(_ range: Range<Int>) -> UnsafeRawBufferPointer {
    let start = EventLogView.headerSize + eventCount * EventLogView.eventSize
    return bytes(
      (start + range.lowerBound * EventLogView.fieldSize)..<(start + range.upperBound
        * EventLogView.fieldSize))
  }

  func bytes(_ range: Range<Int>) -> UnsafeRawBufferPointer {
    UnsafeRawBufferPointer(rebasing: bytes[range])
  }
}
