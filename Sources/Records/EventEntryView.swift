import Streaming
public import Vocabulary

/// An encoded `EventEntry` read in place, for taking it into a log without decoding it.
public struct EventEntryView {
  /// One fact that the event states.
  struct Field {
    let fact: FactID
    let tag: FieldView.Tag
    /// As `FieldView` has it.
    let scalar: Int64
    /// The bytes of a text, or of a list as it is encoded; nil for scalars.
    let text: UnsafeRawBufferPointer?

    init(_ reader: inout ByteReader, of bytes: UnsafeRawBufferPointer) throws(DecodingFailure) {
      fact = FactID(rawValue: try reader.u32())
      let start = reader.offset
      // An encoded value begins with the number that a log has for its kind.
      guard let tag = FieldView.Tag(rawValue: try reader.u8()) else {
        throw DecodingFailure("fact value")
      }
      self.tag = tag
      switch tag {
      case .none: (scalar, text) = (0, nil)
      case .bool: (scalar, text) = (try reader.bool() ? 1 : 0, nil)
      case .int, .money, .date: (scalar, text) = (try reader.signedVarint(), nil)
      case .instant, .person: (scalar, text) = (try reader.i64(), nil)
      case .string: (scalar, text) = (0, try reader.blob())
      case .persons, .strings:
        reader.offset = start
        try reader.skipFactValue()
        (scalar, text) = (0, UnsafeRawBufferPointer(rebasing: bytes[start..<reader.offset]))
      }
    }
  }

  public let key: EventKey
  public let type: EventTypeID
  let effective: Instant
  let time: Instant
  let recorded: Instant
  let accepted: Instant
  /// UTF-8.
  let source: UnsafeRawBufferPointer
  let id: UnsafeRawBufferPointer
  /// Source and id, trace parent and persons, as they are encoded here and in a log.
  let names: UnsafeRawBufferPointer
  let circumstances: UnsafeRawBufferPointer
  /// Sorted by fact; those of one fact as they came.
  let fields: [Field]
  /// Where the encoded entry ends.
  let end: Int

  /// `bytes` must stay valid while the view is used.
  init(_ bytes: UnsafeRawBufferPointer, at offset: Int) throws(DecodingFailure) {
    var reader = ByteReader(bytes, offset: offset)
    key = try reader.eventKey()
    type = EventTypeID(rawValue: try reader.u32())
    let texts = reader.offset
    source = try reader.blob()
    id = try reader.blob()
    names = UnsafeRawBufferPointer(rebasing: bytes[texts..<reader.offset])
    effective = try reader.instant()
    time = try reader.instant()
    recorded = try reader.instant()
    accepted = try reader.instant()
    let others = reader.offset
    if try reader.bool() { _ = try reader.blob() }
    _ = try reader.raw(try reader.count() * MemoryLayout<UInt64>.size)
    circumstances = UnsafeRawBufferPointer(rebasing: bytes[others..<reader.offset])
    let count = try reader.count()
    var fields: [Field] = []
    fields.reserveCapacity(count)
    // A dozen facts: sorting them in place is quickest.
    for last in 0..<count {
      fields.append(try Field(&reader, of: bytes))
      var position = last
      while position > 0, fields[position].fact < fields[position - 1].fact {
        fields.swapAt(position, position - 1)
        position -= 1
      }
    }
    self.fields = fields
    end = reader.offset
  }

  /// What the event changes: its facts, and its type for facts computed from events.
  public var changes: [FactID] { type.changes(stating: fields, \.fact) }
}

extension ByteWriter {
  /// The list of what an event changes.
  mutating func changes(of entry: EventEntryView) {
    varint(UInt64(entry.fields.count + 1))
    u32(entry.type.rawValue)
    for field in entry.fields { u32(field.fact.rawValue) }
  }
}

extension EventTypeID {
  /// Itself, and the facts that an event of the type states.
  fileprivate func changes<Field>(
    stating fields: [Field], _ fact: (Field) -> FactID
  ) -> [FactID] {
    var changes: [FactID] = []
    changes.reserveCapacity(fields.count + 1)
    changes.append(FactID(rawValue: rawValue))
    for field in fields { changes.append(fact(field)) }
    return changes
  }
}

extension EventEntry {
  /// What the event changes: its facts, and its type for facts computed from events.
  public var changes: [FactID] { type.changes(stating: fields, \.fact) }

  /// Calls `body` with the entry as it is encoded; nil only where it could not be read back.
  func withView<R>(_ body: (EventEntryView) -> R) -> R? {
    var writer = ByteWriter(reserving: 512)
    writer.eventEntry(self)
    return writer.withBytes { bytes in (try? EventEntryView(bytes, at: 0)).map(body) }
  }
}
