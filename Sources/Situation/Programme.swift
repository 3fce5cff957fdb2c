import Records
public import Vocabulary

/// An assistance programme as decided for a household, at a viewpoint (semantics 8).
struct Programme: Equatable {
  var name: String
  /// The last word: applied, granted, renewed, rejected, suspended, exited.
  var state = ""
  var inForce = false
  var appliedOn: CivilDate?
  var since: CivilDate?
  var until: CivilDate?
  var exitedOn: CivilDate?
  var exitReason: String?
  var tiedTo: String?
  /// The decision that says so.
  var decidedBy: Int = 0
  /// The latest grant or renewal, and the latest exit.
  var grantedBy: Int?
  var exitedBy: Int?

  /// aid, edge, hardship or special.
  var kind: String {
    switch name {
    case "dibao", "tekun": "aid"
    case "marginal", "rigid-expense": "edge"
    case "temporary": "hardship"
    default: "special"
    }
  }

  static let decision = EventTypeID("assistance.decision")
  private static let programme = FactID("event.programme")
  private static let state = FactID("event.state")
  private static let until = FactID("event.until")
  private static let reason = FactID("event.reason")
  private static let tiedTo = FactID("event.tied_to")

  /// The programmes decided up to `instant`; in force from granted or renewed until `until` or the
  /// exit, a suspension still counts.
  ///
  /// - Returns: also the next instant after which the list changes by itself.
  static func list(
    _ log: EventLogView, at instant: Instant
  ) -> (programmes: [Programme], validUntil: Instant) {
    var programmes: [Programme] = []
    var validUntil = Instant.distantFuture
    for index in 0..<log.eventCount {
      let event = log.event(index)
      guard event.type == decision else { continue }
      if event.effective > instant {
        validUntil = min(validUntil, event.effective)
        break
      }
      guard let name = log.text(programme, of: index), let word = log.text(state, of: index)
      else { continue }
      let position: Int
      if let known = programmes.firstIndex(where: { $0.name == name }) {
        position = known
      } else {
        position = programmes.count
        programmes.append(Programme(name: name))
      }
      programmes[position].decidedBy = index
      switch word {
      case "granted", "renewed": programmes[position].grantedBy = index
      case "exited": programmes[position].exitedBy = index
      default: break
      }
      programmes[position].apply(
        word, on: event.effective.date, until: log.date(until, of: index),
        reason: log.text(reason, of: index), tiedTo: log.text(tiedTo, of: index))
    }
    let today = instant.date
    for position in programmes.indices {
      guard programmes[position].inForce, let until = programmes[position].until else { continue }
      if until < today {
        programmes[position].inForce = false
      } else {
        validUntil = min(validUntil, Instant(startOf: until.adding(days: 1)))
      }
    }
    return (programmes, validUntil)
  }

  private mutating func apply(
    _ word: String, on date: CivilDate, until: CivilDate?, reason: String?, tiedTo: String?
  ) {
    state = word
    switch word {
    case "applied": appliedOn = date
    case "granted", "renewed":
      if !inForce { since = date }
      inForce = true
      self.until = until
      exitedOn = nil
      exitReason = nil
      if let tiedTo { self.tiedTo = tiedTo }
    case "exited":
      inForce = false
      exitedOn = date
      exitReason = reason
    default: break
    }
  }
}

extension EventLogView {
  /// A value that the event at an index states, nil where it states none.
  func stated(_ fact: FactID, of event: Int) -> FieldView? {
    field(fact, of: event).flatMap { $0.tag == .none ? nil : $0 }
  }

  func text(_ fact: FactID, of event: Int) -> String? {
    guard let field = stated(fact, of: event), field.tag == .string else { return nil }
    return String(decoding: field.stringBytes, as: UTF8.self)
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
    let basic = programmes.filter { $0.kind == "aid" || $0.kind == "edge" }
    guard !basic.contains(where: \.inForce) else { return [] }
    let reentry = basic.compactMap(\.grantedBy).max() ?? -1
    return programmes.compactMap { programme in
      guard let date = programme.exitedOn, let event = programme.exitedBy, event > reentry
      else { return nil }
      return Exit(date: date, event: EventPosition(owner: EventPosition.household, index: event))
    }.sorted { $0.event.index > $1.event.index }
  }
}
