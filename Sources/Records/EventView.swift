public import Streaming
public import Vocabulary

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
  func names() throws(DecodingFailure) -> (
    source: UnsafeRawBufferPointer, id: UnsafeRawBufferPointer
  ) {
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

  /// What kind of value it has, and so what `scalar` stands for.
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

  /// How many texts a list has; nil where it is none.
  public var textCount: Int? {
    guard tag == .strings else { return nil }
    var reader = ByteReader(payload)
    return try? reader.textCount()
  }

  /// Goes through the UTF-8 bytes of the texts of a list; false where it is none.
  public func eachText(_ body: (UnsafeRawBufferPointer) -> Void) -> Bool {
    guard tag == .strings else { return false }
    var reader = ByteReader(payload)
    return (try? reader.eachText(body)) != nil
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
