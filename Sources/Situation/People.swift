public import Records
import Vocabulary

/// Who lives in a household and how its people belong together, at a viewpoint.
struct People {
  static let dead = FactID("person.dead")
  private static let child = FactID("event.child")
  private static let parents = FactID("event.parents")
  private static let guardians = FactID("event.guardians")
  fileprivate static let state = FactID("event.state")
  private static let birth = EventTypeID("notice.birth")
  private static let guardianship = EventTypeID("notice.guardianship")
  static let residence = EventTypeID("notice.residence")

  let file: HouseholdFile
  let view: Viewpoint
  static let bits = 64

  /// The people named by an event, for what they were before it.
  static func named(by position: EventPosition?, _ file: HouseholdFile) -> [CitizenID] {
    // A composition notice says where its people live; any other event leaves them where they were.
    guard let event = position.flatMap(file.event), event.type != SituationSchema.composition
    else { return [] }
    return (try? event.persons()) ?? []
  }

  /// Who lives here at a viewpoint, by bit.
  static func here(
    _ file: HouseholdFile, _ view: Viewpoint, _ now: Instant,
    _ named: @autoclosure () -> [CitizenID]
  ) -> UInt64 {
    if view.instant >= file.lastMove, file.nobodyMoved { return file.hereAtLast }
    let named = named()
    if view.instant >= file.lastMove, named.isEmpty { return file.hereAtLast }
    var here: UInt64 = 0
    for index in 0..<min(bits, file.persons.count) where livesHere(index, file, view, now, named) {
      here |= 1 << UInt64(index)
    }
    return here
  }

  /// Whether a person lives here at a viewpoint; people of the deciding event keep their home.
  static func livesHere(
    _ index: Int, _ file: HouseholdFile, _ view: Viewpoint, _ now: Instant, _ named: [CitizenID]
  ) -> Bool {
    if !named.isEmpty, named.contains(file.persons[index].id),
      let event = view.event.flatMap(file.event)
    {
      return file.isHere(index, forEventAt: event.effective, now: now)
    }
    return file.isHere(index, at: view.instant)
  }

  static func isDead(_ log: EventLogView, at instant: Instant) -> Bool {
    guard let field = log.latest(dead, at: instant) else { return false }
    return field.tag == .bool && field.scalar != 0
  }

  /// Parents that are known: the birth notice's, else the composition's guardians, else by
  /// relation (semantics 7).
  func eachKnownParent(of index: Int, _ body: (Int) -> Void) {
    let person = file.persons[index].id
    if let named = fromEvents(index, type: People.birth, field: People.parents) {
      return named.compactMap(file.index).forEach(body)
    }
    guard let entry = file.entry(of: person, at: view.instant) else { return }
    let members = file.compositions[entry.composition].members
    if let guardians = members[entry.member].guardians, !guardians.isEmpty {
      return guardians.compactMap(file.index).forEach(body)
    }
    guard People.isChild(members[entry.member].relation) else { return }
    for at in members.indices where People.isHead(members[at].relation) {
      if let parent = file.index(of: members[at].id) { body(parent) }
    }
  }

  /// Whether a relation is that of the head of the household, or of the husband or wife.
  private static func isHead(_ relation: String) -> Bool {
    let digits = relation.utf8
    guard digits.count == 2, let first = digits.first, let last = digits.last else { return false }
    switch first {
    case UInt8(ascii: "0"): return last == UInt8(ascii: "1") || last == UInt8(ascii: "2")
    case UInt8(ascii: "1"): return last >= UInt8(ascii: "0") && last <= UInt8(ascii: "2")
    default: return false
    }
  }

  /// Whether a relation to the head of the household is that of a child or grandchild.
  private static func isChild(_ relation: String) -> Bool {
    let digits = relation.utf8
    guard digits.count == 2, let first = digits.first, let last = digits.last else { return false }
    return (first == UInt8(ascii: "2") || first == UInt8(ascii: "3"))
      && (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(last)
  }

  /// Guardians: the latest guardianship notice's, else the composition's, else the parents.
  func eachGuardian(of index: Int, _ body: (Int) -> Void) {
    if let named = fromEvents(index, type: People.guardianship, field: People.guardians) {
      return named.compactMap(file.index).forEach(body)
    }
    if let entry = file.entry(of: file.persons[index].id, at: view.instant),
      let guardians = file[entry].guardians, !guardians.isEmpty
    {
      return guardians.compactMap(file.index).forEach(body)
    }
    eachKnownParent(of: index, body)
  }

  /// The people whom the latest event of a type names for this child.
  private func fromEvents(
    _ person: Int, type: EventTypeID, field: FactID
  ) -> [CitizenID]? {
    let log = file.persons[person].view.log
    for index in stride(from: log.eventCount - 1, through: 0, by: -1) {
      let event = log.event(index)
      guard event.type == type, event.effective <= view.instant,
        log.persons(People.child, of: index) == [file.persons[person].id]
      else { continue }
      return log.persons(field, of: index) ?? []
    }
    return nil
  }

  /// When the person moved to another committee without a later composition naming them here; nil
  /// where they did not (semantics 5).
  func movedOut(_ index: Int, from locality: Locality) -> CivilDate? {
    let person = file.persons[index].id
    let log = file.persons[index].view.log
    for index in stride(from: log.eventCount - 1, through: 0, by: -1) {
      let event = log.event(index)
      guard event.effective <= view.instant, log.tellsOfMove(index) else { continue }
      if let entry = file.entry(of: person, at: view.instant),
        file.compositions[entry.composition].asOf >= event.effective
      {
        return nil
      }
      if let committee = log.text(Locality.committee, of: index) {
        return committee == locality.committee ? nil : event.effective.date
      }
      guard let subdistrict = log.text(Locality.subdistrict, of: index) else { return nil }
      return subdistrict == locality.subdistrict ? nil : event.effective.date
    }
    return nil
  }

  /// The last day on which a member left: died, moved out, or was left out of a composition.
  func lastDeparture(from locality: Locality) -> CivilDate? {
    var last: CivilDate?
    func note(_ date: CivilDate) { last = max(last ?? date, date) }
    for index in file.persons.indices {
      let person = file.persons[index]
      // Whoever died or moved out left on that day, not when a composition noticed.
      var gone = movedOut(index, from: locality)
      if let field = person.view.log.latest(People.dead, at: view.instant), field.scalar != 0 {
        let died = field.event.effective.date
        gone = min(gone ?? died, died)
      }
      var wasHere = false
      for segment in person.view.homes where segment.from <= view.instant {
        let isHere = segment.household == file.key
        if wasHere, !isHere { note(min(gone ?? segment.from.date, segment.from.date)) }
        wasHere = isHere
      }
      if wasHere, let gone { note(gone) }
    }
    return last
  }
}

extension EventLogView {
  /// Whether an event says that its person moved.
  public func tellsOfMove(_ index: Int) -> Bool {
    event(index).type == People.residence
      && word(People.state, of: index)?.says("moved") ?? false
  }
}
