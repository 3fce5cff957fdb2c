internal import Expression
import Records
public import Vocabulary

/// An assistance programme as decided for a household, at a viewpoint (semantics 8). Its words lie
/// in the record.
struct Programme {
  typealias Word = UnsafeRawBufferPointer

  let name: Word
  /// The last word: applied, granted, renewed, rejected, suspended, exited.
  var state = Word.empty
  var inForce = false
  var appliedOn: CivilDate?
  var since: CivilDate?
  var until: CivilDate?
  var exitedOn: CivilDate?
  var exitReason: Word?
  var tiedTo: Word?
  /// The decision that says so.
  var decidedBy: Int = 0
  /// The latest grant or renewal, and the latest exit.
  var grantedBy: Int?
  var exitedBy: Int?
  let kind: Kind

  enum Kind {
    case aid, edge, hardship, special

    init(_ name: Word) {
      if name.says("dibao") || name.says("tekun") {
        self = .aid
      } else if name.says("marginal") || name.says("rigid-expense") {
        self = .edge
      } else {
        self = name.says("temporary") ? .hardship : .special
      }
    }

    /// A text that is always there.
    var value: Value {
      switch self {
      case .aid: Kind.text("aid")
      case .edge: Kind.text("edge")
      case .hardship: Kind.text("hardship")
      case .special: Kind.text("special")
      }
    }

    private static func text(_ word: StaticString) -> Value {
      .string(
        Text(
          borrowing: UnsafeRawBufferPointer(start: word.utf8Start, count: word.utf8CodeUnitCount)))
    }
  }

  init(name: Word) {
    self.name = name
    kind = Kind(name)
  }

  static let decision = EventTypeID("assistance.decision")
  private static let decisions = [decision]
  private static let programme = FactID("event.programme")
  private static let state = FactID("event.state")
  private static let until = FactID("event.until")
  private static let reason = FactID("event.reason")
  private static let tiedTo = FactID("event.tied_to")

  /// The programmes decided up to `instant`; in force from granted or renewed until `until` or the
  /// exit, a suspension still counts.
  ///
  /// - Returns: also from when until when the list is the same.
  static func list(
    _ log: EventLogView, at instant: Instant
  ) -> (programmes: [Programme], standing: Standing) {
    var programmes: [Programme] = []
    var standing = Standing()
    var next = log.firstEvent(of: decisions, from: 0)
    while next < log.eventCount {
      let index = next
      let event = log.event(index)
      next = log.firstEvent(of: decisions, from: index + 1)
      if event.effective > instant {
        standing.limit(to: event.effective)
        break
      }
      standing.begin(at: event.effective)
      guard let name = log.word(programme, of: index), let word = log.word(state, of: index)
      else { continue }
      let position: Int
      if let known = programmes.firstIndex(where: { $0.name.elementsEqual(name) }) {
        position = known
      } else {
        position = programmes.count
        programmes.append(Programme(name: name))
      }
      programmes[position].decidedBy = index
      programmes[position].apply(
        word, on: event.effective.date, by: index, until: log.date(until, of: index),
        reason: log.word(reason, of: index), tiedTo: log.word(tiedTo, of: index))
    }
    let today = instant.date
    for position in programmes.indices {
      guard programmes[position].inForce, let until = programmes[position].until else { continue }
      let end = Instant(startOf: until.adding(days: 1))
      if until < today {
        programmes[position].inForce = false
        standing.begin(at: end)
      } else {
        standing.limit(to: end)
      }
    }
    return (programmes, standing)
  }

  private mutating func apply(
    _ word: Word, on date: CivilDate, by decision: Int, until: CivilDate?, reason: Word?,
    tiedTo: Word?
  ) {
    state = word
    if word.says("applied") {
      appliedOn = date
    } else if word.says("granted") || word.says("renewed") {
      if !inForce { since = date }
      inForce = true
      self.until = until
      grantedBy = decision
      exitedOn = nil
      exitReason = nil
      if let tiedTo { self.tiedTo = tiedTo }
    } else if word.says("exited") {
      inForce = false
      exitedOn = date
      exitedBy = decision
      exitReason = reason
    }
  }
}

extension UnsafeRawBufferPointer {
  /// Whether the bytes are the same as others.
  func says(_ bytes: [UInt8]) -> Bool {
    bytes.withUnsafeBytes { isEqual(to: $0) }
  }

  /// Whether the bytes are those of a text.
  func says(_ text: StaticString) -> Bool {
    guard count == text.utf8CodeUnitCount else { return false }
    for at in 0..<count where self[at] != text.utf8Start[at] { return false }
    return true
  }
}

extension EventLogView {
  /// A value that the event at an index states, nil where it states none.
  func stated(_ fact: FactID, of event: Int) -> FieldView? {
    field(fact, of: event).flatMap { $0.tag == .none ? nil : $0 }
  }

  /// The same, where the events are gone through in their order; see `field(_:of:near:)`.
  func stated(_ fact: FactID, of event: Int, near hint: inout Int) -> FieldView? {
    field(fact, of: event, near: &hint).flatMap { $0.tag == .none ? nil : $0 }
  }

  func text(_ fact: FactID, of event: Int) -> String? {
    word(fact, of: event).map { String(decoding: $0, as: UTF8.self) }
  }

  /// The bytes of a text that the event at an index states.
  func word(_ fact: FactID, of event: Int) -> UnsafeRawBufferPointer? {
    guard let field = stated(fact, of: event), field.tag == .string else { return nil }
    return field.stringBytes
  }

  func date(_ fact: FactID, of event: Int) -> CivilDate? {
    guard let field = stated(fact, of: event), field.tag == .date else { return nil }
    return CivilDate(dayNumber: Int32(truncatingIfNeeded: field.scalar))
  }

  func persons(_ fact: FactID, of event: Int) -> [CitizenID]? {
    guard let field = stated(fact, of: event) else { return nil }
    switch try? field.value() {
    case .persons(let persons): return persons
    case .person(let person): return [person]
    default: return nil
    }
  }
}

extension Situation {
  /// An exit from a programme of assistance.
  public struct Exit {
    public let date: CivilDate
    /// The decision.
    public let event: EventPosition
  }

  /// The exits from programmes in view, the latest first, but for those after which aid or an edge
  /// programme was granted again. Whether one starts visits is for the rule to say.
  public func exits() -> [Exit] {
    let programmes = programmesInView()
    guard programmes.contains(where: { $0.exitedOn != nil }) else { return [] }
    let basic = programmes.filter { $0.kind == .aid || $0.kind == .edge }
    guard !basic.contains(where: \.inForce) else { return [] }
    let reentry = basic.compactMap(\.grantedBy).max() ?? -1
    return programmes.compactMap { programme in
      guard let date = programme.exitedOn, let event = programme.exitedBy, event > reentry
      else { return nil }
      return Exit(date: date, event: EventPosition(owner: EventPosition.household, index: event))
    }.sorted { $0.event.index > $1.event.index }
  }
}
