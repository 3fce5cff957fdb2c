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
