import Streaming
import Vocabulary

/// A log with one event more: the fixed parts spliced, the texts behind the others.
struct EventLogSplice {
  private let view: EventLogView
  private let entry: EventEntryView
  private let position: Int
  /// The length of the log's own texts, behind which those of the event come.
  private let oldTexts: Int
  /// The length of the event's texts so far.
  private var newTexts = 0

  init(_ view: EventLogView, adding entry: EventEntryView) {
    self.init(view, entry, at: view.position(for: entry))
  }

  /// `entry` comes after all others.
  init(_ view: EventLogView, appending entry: EventEntryView) {
    self.init(view, entry, at: view.eventCount)
  }

  private init(_ view: EventLogView, _ entry: EventEntryView, at position: Int) {
    self.view = view
    self.entry = entry
    self.position = position
    oldTexts = view.bytes.count - view.fixed
  }

  /// By how much the log grows.
  var addedBytes: Int {
    let texts = entry.fields.reduce(entry.names.count + entry.circumstances.count) {
      $0 + ($1.text?.count ?? 0)
    }
    return EventLogView.eventSize + entry.fields.count * EventLogView.fieldSize + texts
  }

  consuming func write(to writer: inout ByteWriter) {
    let size = (header: EventLogView.headerSize, event: EventLogView.eventSize)
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
    newTexts = entry.names.count + entry.circumstances.count
    writer.raw(view.bytes(split..<events.upperBound))
    if position == view.eventCount {
      appendFields(to: &writer)
    } else {
      mergeFields(into: &writer)
    }
    writer.raw(view.bytes(view.fixed..<view.bytes.count))
    writer.raw(entry.names)
    writer.raw(entry.circumstances)
    for field in entry.fields { if let text = field.text { writer.raw(text) } }
  }

  /// The fields of the last event: the others' stay as they are.
  private mutating func appendFields(to writer: inout ByteWriter) {
    var copied = 0
    for index in entry.fields.indices {
      let end = view.lastField(of: entry.fields[index].fact) + 1
      if copied < end { writer.raw(view.fieldBytes(copied..<end)) }
      add(index, to: &writer)
      copied = end
    }
    writer.raw(view.fieldBytes(copied..<view.fieldCount))
  }

  /// Sorted by (fact, event); the events behind the new one count one more.
  private mutating func mergeFields(into writer: inout ByteWriter) {
    var next = 0
    for index in 0..<view.fieldCount {
      let field = view.field(index)
      let isBehind = field.eventIndex >= position
      while next < entry.fields.count {
        let fact = entry.fields[next].fact
        guard fact < field.fact || (fact == field.fact && isBehind) else { break }
        add(next, to: &writer)
        next += 1
      }
      let event = isBehind ? field.eventIndex + 1 : field.eventIndex
      writer.u64(EventLogView.head(of: field.fact, event: event, field.tag))
      writer.i64(field.scalar)
    }
    while next < entry.fields.count {
      add(next, to: &writer)
      next += 1
    }
  }

  /// Writes one of the event's fields. Their texts come in the same order, at the end.
  private mutating func add(_ index: Int, to writer: inout ByteWriter) {
    let field = entry.fields[index]
    writer.u64(EventLogView.head(of: field.fact, event: position, field.tag))
    if let text = field.text {
      writer.u64(UInt64(oldTexts + newTexts) | UInt64(text.count) << 32)
      newTexts += text.count
    } else {
      writer.i64(field.scalar)
    }
  }
}
