import Streaming
import Vocabulary

/// A log with one event more: the fixed parts spliced, the texts behind the others.
struct EventLogSplice {
  private let view: EventLogView
  private let entry: EventEntry
  private let position: Int

  init(_ view: EventLogView, adding entry: EventEntry) {
    self.view = view
    self.entry = entry
    position = view.position(for: entry)
  }

  /// `entry` comes after all others.
  init(_ view: EventLogView, appending entry: EventEntry) {
    self.view = view
    self.entry = entry
    position = view.eventCount
  }

  func write(to writer: inout ByteWriter) {
    let size = (header: EventLogView.headerSize, event: EventLogView.eventSize)
    var texts = ByteWriter(reserving: 256)
    let oldTexts = view.bytes.count - view.fixed
    writer.u32(UInt32(view.eventCount + 1))
    writer.u32(UInt32(view.fieldCount + entry.fields.count))
    let events = size.header..<(size.header + view.eventCount * size.event)
    let split = size.header + position * size.event
    writer.raw(view.bytes(events.lowerBound..<split))
    writer.eventKey(entry.key)
    writer.instant(entry.effective)
    writer.instant(entry.time)
    writer.instant(entry.recorded)
    writer.instant(entry.accepted)
    writer.u32(entry.type.rawValue)
    writer.u32(UInt32(oldTexts))
    texts.string(entry.source)
    texts.string(entry.id)
    texts.optional(entry.traceparent) { $0.string($1) }
    texts.list(entry.persons) { $0.citizen($1) }
    writer.raw(view.bytes(split..<events.upperBound))
    mergeFields(into: &writer, &texts, after: oldTexts)
    writer.raw(view.bytes(view.fixed..<view.bytes.count))
    writer.raw(texts.bytes)
  }

  /// Sorted by (fact, event); the events behind the new one count one more.
  private func mergeFields(
    into writer: inout ByteWriter, _ texts: inout ByteWriter, after oldTexts: Int
  ) {
    var added = entry.fields.indices.sorted {
      let a = entry.fields[$0].fact
      let b = entry.fields[$1].fact
      return a != b ? a < b : $0 < $1
    }[...]
    func add(_ index: Int) {
      let field = entry.fields[index]
      writer.u32(field.fact.rawValue)
      writer.u16(UInt16(position))
      EventLogSplice.encode(field.value, after: oldTexts, into: &writer, texts: &texts)
    }
    if position == view.eventCount {
      // The last event: the others' fields stay as they are.
      var copied = 0
      for index in added {
        let end = view.fields(of: entry.fields[index].fact).upperBound
        writer.raw(view.fieldBytes(copied..<end))
        add(index)
        copied = end
      }
      writer.raw(view.fieldBytes(copied..<view.fieldCount))
      return
    }
    for index in 0..<view.fieldCount {
      let field = view.field(index)
      while let next = added.first {
        let fact = entry.fields[next].fact
        guard fact < field.fact || (fact == field.fact && field.eventIndex >= position) else {
          break
        }
        add(next)
        added = added.dropFirst()
      }
      writer.u32(field.fact.rawValue)
      writer.u16(UInt16(field.eventIndex >= position ? field.eventIndex + 1 : field.eventIndex))
      writer.u8(field.tag.rawValue)
      writer.u8(0)
      writer.i64(field.scalar)
    }
    for index in added { add(index) }
  }

  private static func encode(
    _ value: FactValue, after oldTexts: Int, into writer: inout ByteWriter,
    texts: inout ByteWriter
  ) {
    func scalar(_ tag: FieldView.Tag, _ payload: Int64) {
      writer.u8(tag.rawValue)
      writer.u8(0)
      writer.i64(payload)
    }
    func bytes(_ tag: FieldView.Tag, _ body: (inout ByteWriter) -> Void) {
      let start = texts.count
      body(&texts)
      writer.u8(tag.rawValue)
      writer.u8(0)
      writer.u32(UInt32(oldTexts + start))
      writer.u32(UInt32(texts.count - start))
    }
    switch value {
    case .none: scalar(.none, 0)
    case .bool(let v): scalar(.bool, v ? 1 : 0)
    case .int(let v): scalar(.int, v)
    case .money(let v): scalar(.money, v.amount)
    case .date(let v): scalar(.date, Int64(v.dayNumber))
    case .instant(let v): scalar(.instant, v.microseconds)
    case .person(let v): scalar(.person, Int64(bitPattern: v.digits))
    case .string(let v): bytes(.string) { $0.raw(v.utf8) }
    case .persons: bytes(.persons) { $0.factValue(value) }
    case .strings: bytes(.strings) { $0.factValue(value) }
    }
  }
}
