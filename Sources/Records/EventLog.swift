public import Streaming
public import Vocabulary

/// The events that a person or a household is known by, in effective order; kept as
/// `EventLogView` reads them, so that taking in an event copies bytes and decodes nothing.
public struct EventLog: Equatable, Sendable {
  /// The encoded log.
  public private(set) var bytes: [UInt8]

  public init() { bytes = Array(repeating: 0, count: EventLogView.headerSize) }

  /// A copy of the log behind a view.
  public init(_ view: EventLogView) { bytes = Array(view.bytes) }

  /// Calls `body` with the log read in place.
  public func withView<R, Failure: Error>(
    _ body: (EventLogView) throws(Failure) -> R
  ) throws(Failure) -> R {
    try bytes.span.withUnsafeBytes { (buffer) throws(Failure) in
      try body(EventLogView(checked: buffer))
    }
  }

  /// Equal when they tell of the same events, whatever the order of arrival.
  public static func == (a: EventLog, b: EventLog) -> Bool {
    if a.bytes == b.bytes { return true }
    guard let mine = try? a.entries(), let theirs = try? b.entries() else { return false }
    return mine == theirs
  }

  public var eventCount: Int { withView { $0.eventCount } }
  public var isEmpty: Bool { eventCount == 0 }

  /// All events decoded, in effective order.
  ///
  /// - Throws: where the bytes are damaged.
  public func entries() throws(DecodingFailure) -> [EventEntry] {
    try withView { (view) throws(DecodingFailure) in try view.entries() }
  }

  public func contains(_ key: EventKey) -> Bool { withView { $0.index(of: key) != nil } }

  /// The most events that one log holds; then the oldest goes.
  static let capacity = 0xFFFF

  /// Inserts in effective order; false where the event is already there.
  public mutating func insert(_ entry: EventEntry) -> Bool {
    if contains(entry.key) { return false }
    if eventCount == EventLog.capacity {
      guard let entries = try? entries() else { return false }
      self = EventLog(sorted: Array(entries.dropFirst()))
    }
    return splice(entry) { EventLogSplice($0, adding: $1) }
  }

  /// Removes an event and returns it.
  public mutating func remove(_ key: EventKey) -> EventEntry? {
    guard contains(key), var entries = try? entries(), let position = entries.firstIndex(where: { $0.key == key })
    else { return nil }
    let removed = entries.remove(at: position)
    self = EventLog(sorted: entries)
    return removed
  }

  /// Drops events that took effect before `horizon` and are no longer the last word, nor the one
  /// before it, on any of their facts.
  public mutating func prune(before horizon: Instant) {
    let isRecent = withView { $0.eventCount == 0 || $0.event(0).effective >= horizon }
    guard !isRecent, let entries = try? entries() else { return }
    var seen: [FactID: Int] = [:]
    var kept: [EventEntry] = []
    for entry in entries.reversed() {
      var needed = entry.effective >= horizon || entry.accepted >= horizon
      for field in entry.fields {
        let count = seen[field.fact, default: 0]
        if count < 2 { needed = true }
        seen[field.fact] = count + 1
      }
      if needed { kept.append(entry) }
    }
    if kept.count < entries.count { self = EventLog(sorted: kept.reversed()) }
  }

  private init(sorted entries: [EventEntry]) {
    self.init()
    for entry in entries { _ = splice(entry) { EventLogSplice($0, appending: $1) } }
  }

  private mutating func splice(
    _ entry: EventEntry, _ make: (EventLogView, EventEntryView) -> EventLogSplice
  ) -> Bool {
    let spliced: [UInt8]? = withView { view in
      entry.withView { entry in
        let splice = make(view, entry)
        return [UInt8](reserving: view.size + splice.addedBytes) { splice.write(to: &$0) }
      }
    }
    guard let spliced else { return false }
    bytes = spliced
    return true
  }
}

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
    var last: UInt64?
    for index in 0..<fieldCount {
      let fact = order(index) >> 16
      if fact == last { continue }
      last = fact
      body(FactID(rawValue: UInt32(truncatingIfNeeded: fact)))
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
    field(fact, of: event, near: &hint)?.stringBytes ?? UnsafeRawBufferPointer(start: nil, count: 0)
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
  fileprivate func reader(at start: Int) -> ByteReader {
    ByteReader(bytes, offset: min(max(0, fixed + start), bytes.count))
  }
}

/// One event of a log, read in place.
public struct EventView {
  @usableFromInline let log: EventLogView
  @usableFromInline let base: Int

  @inlinable
  init(log: EventLogView, base: Int) {
    self.log = log
    self.base = base
  }

  @inlinable public var key: EventKey {
    EventKey(high: log.load(base, as: UInt64.self), low: log.load(base + 8, as: UInt64.self))
  }
  @inlinable public var effective: Instant { instant(16) }
  @inlinable public var time: Instant { instant(24) }
  @inlinable public var recorded: Instant { instant(32) }
  @inlinable public var accepted: Instant { instant(40) }
  @inlinable public var type: EventTypeID {
    EventTypeID(rawValue: log.load(base + 48, as: UInt32.self))
  }

  private var textReader: ByteReader {
    log.reader(at: Int(log.load(base + 52, as: UInt32.self)))
  }

  /// Behind the names and the trace parent.
  private func personReader() throws(DecodingFailure) -> ByteReader {
    var reader = textReader
    _ = try reader.blob()
    _ = try reader.blob()
    if try reader.bool() { _ = try reader.blob() }
    return reader
  }

  /// Source, id, trace parent and persons; these allocate.
  public func texts() throws(DecodingFailure) -> EventTexts {
    var reader = textReader
    return EventTexts(
      source: try reader.string(), id: try reader.string(),
      traceparent: try reader.optionalString(),
      persons: try reader.list { r throws(DecodingFailure) in try r.citizen() })
  }

  /// Source and id, UTF-8, in place.
  func names() throws(DecodingFailure) -> (source: UnsafeRawBufferPointer, id: UnsafeRawBufferPointer)
  {
    var reader = textReader
    return (try reader.blob(), try reader.blob())
  }

  /// The people that the event names.
  public func persons() throws(DecodingFailure) -> [CitizenID] {
    var reader = try personReader()
    return try reader.list { r throws(DecodingFailure) in try r.citizen() }
  }

  /// Goes through the people that the event names.
  public func eachPerson(_ body: (CitizenID) -> Void) {
    guard var reader = try? personReader(), let count = try? reader.count() else { return }
    for _ in 0..<count {
      guard let person = try? reader.citizen() else { return }
      body(person)
    }
  }

  /// Whether two events name the same people in the same order.
  public func namesTheSamePersons(as other: EventView) -> Bool {
    guard let mine = try? personBytes(), let theirs = try? other.personBytes() else {
      return false
    }
    return mine.isEqual(to: theirs)
  }

  private func personBytes() throws(DecodingFailure) -> UnsafeRawBufferPointer {
    var reader = try personReader()
    return try reader.raw(try reader.count() * MemoryLayout<UInt64>.size)
  }

  /// How many people the event names.
  public func personCount() throws(DecodingFailure) -> Int {
    var reader = try personReader()
    return try reader.count()
  }

  @inlinable
  func instant(_ offset: Int) -> Instant {
    Instant(microseconds: log.load(base + offset, as: Int64.self))
  }
}

/// The variable part of an event.
public struct EventTexts: Equatable, Sendable {
  public var source: String
  public var id: String
  public var traceparent: String?
  public var persons: [CitizenID]
}

/// One fact of one event, read in place.
public struct FieldView {
  @usableFromInline let log: EventLogView
  @usableFromInline let base: Int

  @inlinable
  init(log: EventLogView, base: Int) {
    self.log = log
    self.base = base
  }

    public enum Tag: UInt8, Sendable {
    case none = 0
    case bool, int, money, date, instant, string, person, persons, strings

    /// `none` for a byte that is no tag. The raw values are those of the cases in their order, so
    /// that a byte within them is a case as it stands.
    @inlinable @inline(__always)
    init(byte: UInt8) {
      self = byte <= 9 ? unsafeBitCast(byte, to: Tag.self) : .none
    }
  }

  @inlinable public var fact: FactID { FactID(rawValue: log.load(base, as: UInt32.self)) }
  @inlinable public var eventIndex: Int { Int(log.load(base + 4, as: UInt16.self)) }
  @inlinable public var tag: Tag { Tag(byte: log.load(base + 6, as: UInt8.self)) }
  /// The event that states it.
  @inlinable public var event: EventView { log.event(eventIndex) }

  /// Scalars as they are: bool 0 or 1, int, fen, day number, microseconds, citizen digits.
  @inlinable public var scalar: Int64 { log.load(base + 8, as: Int64.self) }

  /// The person, nil for other tags.
  public var person: CitizenID? {
    tag == .person ? CitizenID(validatedDigits: UInt64(bitPattern: scalar)) : nil
  }

  /// The UTF-8 bytes of a string; empty for other tags.
  @inlinable
  public var stringBytes: UnsafeRawBufferPointer {
    tag == .string ? payload : UnsafeRawBufferPointer(start: nil, count: 0)
  }

  @inlinable
  var payload: UnsafeRawBufferPointer {
    log.slice(
      Int(log.load(base + 8, as: UInt32.self)), Int(log.load(base + 12, as: UInt32.self)))
  }

  /// The value, decoded; allocates for strings and lists.
  public func value() throws(DecodingFailure) -> FactValue {
    switch tag {
    case .none: return .none
    case .bool: return .bool(scalar != 0)
    case .int: return .int(scalar)
    case .money: return .money(Fen(scalar))
    case .date: return .date(CivilDate(dayNumber: Int32(truncatingIfNeeded: scalar)))
    case .instant: return .instant(Instant(microseconds: scalar))
    case .person: return .person(CitizenID(validatedDigits: UInt64(bitPattern: scalar)))
    case .string: return .string(String(decoding: payload, as: UTF8.self))
    case .persons, .strings:
      var reader = ByteReader(payload)
      return try reader.factValue()
    }
  }
}

extension EventLogView {
  /// A log of our own making, whose header is sound.
  fileprivate init(checked bytes: UnsafeRawBufferPointer) {
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
  fileprivate func entries() throws(DecodingFailure) -> [EventEntry] {
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
