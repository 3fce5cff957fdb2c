import Expression
import Policy
import Records
import Vocabulary

/// Facts of persons that Situation computes.
enum PersonBuiltin: String, CaseIterable {
  case name, birth, age, male, relation, hukou
  case selfCare = "self_care"
  case isMember = "is_member"
  case memberSince = "member_since"
  case movedOut = "moved_out"
  case inEvent = "in_event"
  case parents
  case knownParents = "known_parents"
  case guardians, referrals
}

extension Situation {
  /// `slot` is that of a fact of persons.
  func readPerson(_ object: ObjectRef, _ slot: UInt16) -> Value {
    let index = Int(object.index)
    return read(personSources + Int(slot), of: index, object, slot) { builtin in
      onFile { personBuiltin(builtin, index, $0, object, slot) }
    }
  }

  /// The value of a field as expressions see it, or the fact's default (nil: unknown).
  func value<Builtin>(
    _ field: FieldView?, _ source: UnsafePointer<FactSource<Builtin>>, _ object: ObjectRef,
    _ slot: UInt16
  ) -> Value {
    guard let field else { return source.pointee.fallback ?? .missing(object, field: slot) }
    switch field.tag {
    case .none: return source.pointee.none
    case .bool: return .bool(field.scalar != 0)
    case .int, .money: return .int(field.scalar)
    case .date: return .date(CivilDate(dayNumber: Int32(truncatingIfNeeded: field.scalar)))
    case .instant: return .timestamp(Timestamp(Instant(microseconds: field.scalar)))
    case .string: return .string(Text(borrowing: field.stringBytes))
    case .person:
      let citizen = CitizenID(validatedDigits: UInt64(bitPattern: field.scalar))
      // Somebody of whom the household knows nothing is known to be nobody of it.
      return file?.index(of: citizen).map(person) ?? Situation.absent
    case .persons:
      guard case .persons(let citizens)? = try? field.value() else { return Situation.absent }
      return list(of: citizens.compactMap { file?.index(of: $0) }, object, slot)
    case .strings:
      var texts: [Value] = []
      guard field.eachText({ texts.append(.string(Text(borrowing: $0))) }) else {
        return Situation.absent
      }
      return .array(texts)
    }
  }

  private func personBuiltin(
    _ builtin: PersonBuiltin, _ index: Int, _ file: HouseholdFile, _ object: ObjectRef,
    _ slot: UInt16
  ) -> Value {
    let person = file.persons[index].id
    var log: EventLogView { sight.pointee.logs[index + 1] }
    switch builtin {
    case .birth: return .date(person.birthDate)
    case .age:
      let birth = person.birthDate
      let birthday = birth.birthday(inYear: view.today.year)
      let isOver = birthday <= view.today
      let year = view.today.year + (isOver ? 1 : 0)
      let last = isOver ? birthday : birth.birthday(inYear: year - 1)
      let next = isOver ? birth.birthday(inYear: year) : birthday
      sight.pointee.standing.begin(at: Instant(startOf: last))
      limit(Instant(startOf: next))
      return .int(Int64(view.today.year - birth.year - (isOver ? 0 : 1)))
    case .male: return .bool(person.isMale)
    case .isMember: return .bool(isMember(index))
    case .movedOut:
      guard mayHave(People.residence, index) else { return .bool(false) }
      rest(onEventsOf: log)
      return .bool(people?.movedOut(index, from: locality) != nil)
    case .inEvent: return .bool(named.contains(person))
    case .name: return name(of: index).map(Value.text) ?? .missing(object, field: slot)
    case .relation:
      guard livesHere(index) else { return schema.text("") }
      if let entry = file.entry(of: person, at: view.instant) {
        return schema.text(file[entry].relation)
      }
      // A newborn that no composition names yet is a child of the household.
      return schema.text(file.compositions.isEmpty ? "" : "20")
    case .hukou:
      let entry = file.entry(of: person, at: view.instant) { $0.hukou != nil }
      return entry.flatMap { file[$0].hukou }.map(Value.text) ?? .missing(object, field: slot)
    case .selfCare: return selfCare(person, log, file)
    case .memberSince:
      let segment = file.persons[index].view.homes.last { $0.from <= view.instant }
      guard let segment, segment.household == file.key else { return Situation.absent }
      return .date(segment.from.date)
    case .parents:
      let parents = schema.knownParents.map { readFact(object, $0) } ?? knownParents(object, slot)
      guard case .hostList(let list) = parents, countObjects(list) >= 2 else {
        return .missing(object, field: slot)
      }
      return .hostList(HostList(kind: list.kind, field: slot, index: list.index))
    case .knownParents: return knownParents(object, slot)
    case .guardians:
      rest(onEventsOf: log)
      return list(of: .person, object, slot) { add in
        people?.eachGuardian(of: index) { add(UInt32($0)) }
      }
    case .referrals:
      return list(of: .referral, object, slot) { add in
        for index in file.referrals.indices
        where file.referrals[index].subject == person && isInView(file.referrals[index]) {
          add(UInt32(index))
        }
      }
    }
  }

  private func knownParents(_ object: ObjectRef, _ slot: UInt16) -> Value {
    rest(onEventsOf: sight.pointee.logs[Int(object.index) + 1])
    return list(of: .person, object, slot) { add in
      people?.eachKnownParent(of: Int(object.index)) { add(UInt32($0)) }
    }
  }

  /// `full`, `partial` or `none`: the last word of composition or visit.
  private func selfCare(
    _ person: CitizenID, _ log: EventLogView, _ file: HouseholdFile
  ) -> Value {
    let visit = stored(log, SituationSchema.visitSelfCare)
    let entry = file.entry(of: person, at: view.instant) { $0.selfCare != nil }
    let isLater =
      visit.map { visit in
        visit.tag == .string
          && entry.map { file.compositions[$0.composition].asOf <= visit.event.effective } ?? true
      } ?? false
    if isLater, let visit { return .string(Text(borrowing: visit.stringBytes)) }
    return schema.text(entry.flatMap { file[$0].selfCare } ?? "full")
  }

  /// The first instant whose events are read back by today. Most series are kept as long.
  private func oldest(_ keep: Term) -> Instant {
    let known = sight.pointee.oldest
    if known.today == view.today, known.keep == keep { return known.instant }
    let first = keep.date(before: view.today, calendar: schema.pack.calendar)
    sight.pointee.oldest = (keep, view.today, Instant(startOf: first))
    return sight.pointee.oldest.instant
  }

  /// The events of a series in a log, oldest first, as the fact's declaration bounds them.
  func eachEvent(
    of owner: Int, _ log: EventLogView, _ series: SeriesReader, _ body: (EventPosition) -> Void
  ) {
    let oldest = oldest(series.keep)
    var first: Instant?
    // Of several events with the same key the last one counts.
    var keyed: [(hash: UInt64, field: FieldView?, index: Int)] = []
    var hint = 0
    var next = log.firstEvent(of: series.types, from: 0)
    while next < log.eventCount {
      let index = next
      let effective = log.event(index).effective
      next = log.firstEvent(of: series.types, from: index + 1)
      guard effective >= oldest else {
        // The day before it may have been in view.
        sight.pointee.standing.begin(at: Instant(startOf: view.today))
        continue
      }
      guard effective <= view.instant else {
        limit(effective)
        break
      }
      sight.pointee.standing.begin(at: effective)
      guard let keyFact = series.key else {
        first = first ?? effective
        body(EventPosition(owner: owner, index: index))
        continue
      }
      let key = log.stated(keyFact, of: index, near: &hint)
      let hash = key?.hash ?? 0
      if let key,
        let former = keyed.firstIndex(where: {
          $0.hash == hash && $0.field?.saysTheSame(as: key) ?? false
        })
      {
        keyed.remove(at: former)
      }
      keyed.append((hash, key, index))
    }
    for event in keyed {
      first = first ?? log.event(event.index).effective
      body(EventPosition(owner: owner, index: event.index))
    }
    if let first {
      let leaves = series.keep.date(from: first.date, calendar: schema.pack.calendar)
      limit(Instant(startOf: leaves.adding(days: 1)))
    }
  }
}

extension FieldView {
  /// Equal for equal values.
  fileprivate var hash: UInt64 {
    tag == .string ? stringBytes.mixed(into: 0) : UInt64(bitPattern: scalar)
  }

  /// Whether two fields have the same value; of lists, never.
  func saysTheSame(as other: FieldView) -> Bool {
    guard tag == other.tag else { return false }
    switch tag {
    case .string: return stringBytes.isEqual(to: other.stringBytes)
    case .persons, .strings: return false
    default: return scalar == other.scalar
    }
  }
}
