public import Vocabulary

/// What a stream has written so far.
public struct CityCounts: Sendable, Equatable {
  /// All records, the initial load, duplicates and bad ones included.
  public var records = 0
  /// Records of the initial load.
  public var load = 0
  public var duplicates = 0
  public var corrections = 0
  public var retractions = 0
  /// Notices that are not true (and are retracted or corrected).
  public var wrong = 0
  /// Recorded more than six hours after it happened, the initial load not counted.
  public var late = 0
  /// Delivered behind a record with a later recorded time.
  public var outOfOrder = 0
  /// Acts with a dead person's id.
  public var clashes = 0
  /// Bad records, by `Defect.rawValue`.
  public var bad = [Int](repeating: 0, count: Defect.allCases.count)
  /// Records by `CityEventType.rawValue`.
  public var types = [Int](repeating: 0, count: CityEventType.allCases.count)

  public func count(_ type: CityEventType) -> Int { types[Int(type.rawValue)] }
  public func count(_ defect: Defect) -> Int { bad[Int(defect.rawValue)] }
  /// All bad records.
  public var badRecords: Int { bad.dropFirst().reduce(0, +) }
}

/// The city's records in the order in which they arrive at the bus: first the initial load, then
/// day by day. One thread at a time; a city of n people takes about 27 bytes each, and a day's
/// records 44.
///
/// Guarantees: nobody acts at a window after the civil day of their death (but for the records with
/// `Note.clash`, and people wrongly reported dead); every notice is dated on or before its `time`
/// (but for a coming release); every `supersedes` and `retracts` names an event of the same source
/// that arrives before or after it in the stream, also with a fixed number of records as long as
/// that number leaves room for the natural events.
public final class CityStream {
  public let options: CityOptions
  /// What was written so far.
  public private(set) var counts = CityCounts()
  private let life: Life
  private let scribe: Scribe
  private var day = -1
  private var queue: [Plan] = []
  private var at = 0
  private var loaded: UInt32 = 0
  private var number: UInt32 = 0
  private var latest = Int32.min

  /// Populates the city. `lines` leaves out what cannot be a line of text (`Defect.nullValue`).
  public init(_ options: CityOptions, mode: ContentMode = .structured, lines: Bool = false) {
    life = Life(options: options, lines: lines)
    self.options = life.options
    scribe = Scribe(options: life.options, mode: mode, items: life.items)
  }

  /// Residents, those born since included.
  public var people: Int { life.city.people.count }
  public var households: Int { life.city.households.count }
  /// Records of the whole initial load.
  public var loadRecords: Int { life.city.loadCount }
  /// People in households in a programme, before the first day.
  public var aidedPeople: Int { life.city.aidedCount }
  /// The civil day that is being told; nil during the initial load.
  public var today: CivilDate? { day < 0 ? nil : options.start.adding(days: day) }

  /// Writes the next record; false at the end.
  public func next(into buffer: inout EventBuffer) -> Bool {
    if let limit = life.target, counts.records >= limit { return false }
    guard at < queue.count || refill() else { return false }
    let plan = queue[at]
    at += 1
    scribe.write(plan, life, into: &buffer)
    account(plan)
    return true
  }

  /// The next record as an owned copy; nil at the end.
  public func next() -> CityEvent? {
    var buffer = EventBuffer()
    return next(into: &buffer) ? buffer.copy() : nil
  }

  /// Copies of the records still to come, one after the other.
  public var events: UnfoldSequence<CityEvent, Void> {
    let stream = self
    return Swift.sequence(state: ()) { _ in stream.next() }
  }

  /// Writes records as lines until `text` holds at least `bytes`; false at the end.
  public func appendLines(to text: inout ByteText, upTo bytes: Int, _ buffer: inout EventBuffer)
    -> Bool
  {
    while text.count < bytes {
      guard next(into: &buffer) else { return false }
      guard buffer.hasValue else { continue }
      text.add(buffer.value)
      text.append(0x0A)
    }
    return true
  }

  private func refill() -> Bool {
    queue.removeAll(keepingCapacity: true)
    at = 0
    if Int(loaded) < initialHouseholds {
      Load.plan(loaded, in: life.city, into: &queue)
      loaded += 1
      stampLoad()
      return true
    }
    while queue.isEmpty, day + 1 < options.days {
      day += 1
      queue = life.records(of: day)
    }
    return !queue.isEmpty
  }

  private lazy var initialHouseholds = life.city.households.count

  /// The load is recorded evenly over the six hours before the first day.
  private func stampLoad() {
    let total = Double(max(1, life.city.loadCount))
    for index in queue.indices {
      number += 1
      let moment = Int32(-6 * 3600 + Int(Double(number - 1) / total * 6 * 3600))
      queue[index].number = number
      queue[index].recorded = moment
      queue[index].arrival = moment
    }
  }

  private func account(_ plan: Plan) {
    counts.records += 1
    if day < 0 { counts.load += 1 }
    counts.types[Int(plan.type.rawValue)] += 1
    if plan.recorded < latest { counts.outOfOrder += 1 }
    latest = max(latest, plan.recorded)
    if plan.defect != .none { counts.bad[Int(plan.defect.rawValue)] += 1 }
    if day >= 0, plan.recorded - plan.occurred > 6 * 3600 { counts.late += 1 }
    switch plan.note {
    case .none: break
    case .duplicate: counts.duplicates += 1
    case .correction: counts.corrections += 1
    case .wrong: counts.wrong += 1
    case .retraction: counts.retractions += 1
    case .clash: counts.clashes += 1
    }
  }
}
