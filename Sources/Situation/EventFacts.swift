import Expression
import Policy
import Records
import Vocabulary

/// Facts of events that Situation computes.
enum EventBuiltin: String, CaseIterable {
  case type, date, time, person, persons, own, others, service, weight
}

enum ProgrammeField: String, CaseIterable {
  case name, kind, state
  case inForce = "in_force"
  case appliedOn = "applied_on"
  case since, until
  case exitedOn = "exited_on"
  case exitReason = "exit_reason"
  case tiedTo = "tied_to"
}

enum ReferralField: String, CaseIterable {
  case rule, state, open, opened, closed, reason
}

extension Situation {
  func readEvent(_ object: ObjectRef, _ slot: UInt16) -> Value {
    let position = EventPosition(packed: object.index)
    guard let log = place(of: position.owner), position.index < log.pointee.eventCount,
      Int(slot) < eventWidth
    else { return Situation.noObject }
    let fact = storedEvents[Int(slot)]
    guard fact != SituationSchema.computed else {
      return computed(object, slot, position, log)
    }
    guard let field = field(fact, of: position.index, in: log) else {
      return unstated(object, slot)
    }
    switch field.tag {
    case .bool: return .bool(field.scalar != 0)
    case .int, .money: return .int(field.scalar)
    case .date: return .date(CivilDate(dayNumber: Int32(truncatingIfNeeded: field.scalar)))
    case .string: return .string(Text(borrowing: field.stringBytes))
    case .none: return unstated(object, slot)
    case .instant, .person, .persons, .strings: return stated(field, object, slot)
    }
  }

  /// An int that an event states; nil where `readEvent` must tell.
  func eventInt(_ object: ObjectRef, _ slot: UInt16) -> Int64? {
    if Int(slot) == weightSlot { return weight(of: object) }
    guard let (tag, scalar) = stated(object, slot) else { return nil }
    return tag == .int || tag == .money ? scalar : nil
  }

  private func weight(of object: ObjectRef) -> Int64? {
    let position = EventPosition(packed: object.index)
    guard let log = place(of: position.owner), position.index < log.pointee.eventCount
    else { return nil }
    return weight(of: position.index, log)
  }

  private func weight(of event: Int, _ log: UnsafePointer<EventLogView>) -> Int64 {
    service(of: event, log)._withUnsafeGuaranteedRef { Int64($0.weight) }
  }

  /// The service that a window transaction is about.
  @inline(__always)
  private func service(
    of event: Int, _ log: UnsafePointer<EventLogView>
  ) -> Unmanaged<Service> {
    let place = sight.pointee.services.place(
      of: event, in: log - UnsafePointer(sight.pointee.logs))
    if let known = place.pointee { return known }
    let found = findService(of: event, log)
    place.pointee = found
    return found
  }

  /// The day of a date that an event states; nil where `readEvent` must tell.
  func eventDay(_ object: ObjectRef, _ slot: UInt16) -> Int32? {
    guard let (tag, scalar) = stated(object, slot), tag == .date else { return nil }
    return Int32(truncatingIfNeeded: scalar)
  }

  /// How many texts an event states in a list; nil where `readEvent` must tell.
  func eventTextCount(_ object: ObjectRef, _ slot: UInt16) -> Int? {
    let position = EventPosition(packed: object.index)
    guard let log = place(of: position.owner), Int(slot) < eventWidth else { return nil }
    return field(storedEvents[Int(slot)], of: position.index, in: log)?.textCount
  }

  @inline(__always)
  private func stated(
    _ object: ObjectRef, _ slot: UInt16
  ) -> (tag: FieldView.Tag, scalar: Int64)? {
    let position = EventPosition(packed: object.index)
    // No event states what stands for computed facts.
    guard let log = place(of: position.owner), Int(slot) < eventWidth else { return nil }
    return log.pointee.scalar(
      storedEvents[Int(slot)], of: position.index, near: &sight.pointee.hint)
  }

  /// A stored fact that the event does not state.
  private func unstated(_ object: ObjectRef, _ slot: UInt16) -> Value {
    let source = eventSources + Int(slot)
    return source.pointee.fallback ?? .missing(object, field: slot)
  }

  @inline(never)
  private func stated(_ field: FieldView, _ object: ObjectRef, _ slot: UInt16) -> Value {
    let source = eventSources + Int(slot)
    func make() -> Value { value(field, source, object, slot) }
    // Whom the household knows is no matter of the event.
    if field.tag == .person || field.tag == .persons { sight.pointee.looksBeyondEvents = true }
    let isList = field.tag == .persons || field.tag == .strings
    return isList ? remembered(object, slot, make) : make()
  }

  @inline(never)
  private func computed(
    _ object: ObjectRef, _ slot: UInt16, _ position: EventPosition,
    _ log: UnsafePointer<EventLogView>
  ) -> Value {
    let source = eventSources + Int(slot)
    switch source.pointee.kind {
    case .derived:
      guard let program = source.pointee.derived else { return Situation.noObject }
      if source.pointee.use.isOfEvent { return derived(object, program) }
      return remembered(object, slot) { derived(object, program) }
    case .state, .series, .none: return Situation.noObject
    case .builtin(let builtin): return eventBuiltin(builtin, position, log, object, slot)
    }
  }

  private func eventBuiltin(
    _ builtin: EventBuiltin, _ position: EventPosition, _ log: UnsafePointer<EventLogView>,
    _ object: ObjectRef, _ slot: UInt16
  ) -> Value {
    let event = log.pointee.event(position.index)
    switch builtin {
    case .type: return schema.typeText(event.type)
    case .date: return .date(event.effective.date)
    case .time: return .timestamp(Timestamp(event.time))
    case .person:
      sight.pointee.looksBeyondEvents = true
      guard position.owner != EventPosition.household else { return Situation.absent }
      return person(position.owner)
    case .persons, .own, .others:
      sight.pointee.looksBeyondEvents = true
      return remembered(object, slot) {
        guard let file else { return Situation.noObject }
        return list(of: .person, object, slot) { add in
          event.eachPerson { citizen in
            guard let index = file.index(of: citizen) else { return }
            switch builtin {
            case .own where !livesHere(index), .others where livesHere(index): return
            default: add(UInt32(index))
            }
          }
        }
      }
    case .service: return service(of: position.index, log)._withUnsafeGuaranteedRef { $0.code }
    case .weight: return .int(weight(of: position.index, log))
    }
  }

  /// Mostly one transaction after the other is asked for.
  @inline(never)
  private func findService(
    of event: Int, _ log: UnsafePointer<EventLogView>
  ) -> Unmanaged<Service> {
    sight.pointee.serviceTable._withUnsafeGuaranteedRef { table in
      table.service(
        line: log.pointee.text(
          SituationSchema.line, of: event, near: &sight.pointee.serviceHints.line),
        item: log.pointee.text(
          SituationSchema.item, of: event, near: &sight.pointee.serviceHints.item),
        code: log.pointee.text(
          SituationSchema.itemCode, of: event, near: &sight.pointee.serviceHints.code))
    }
  }

  func readProgramme(_ object: ObjectRef, _ slot: UInt16) -> Value {
    limitToProgrammes()
    guard let programme = programme(Int(object.index)), let field = schema.programme(slot) else {
      return Situation.noObject
    }
    func date(_ date: CivilDate?) -> Value { date.map(Value.date) ?? Situation.absent }
    func text(_ bytes: UnsafeRawBufferPointer?) -> Value {
      bytes.map { .string(Text(borrowing: $0)) } ?? Situation.absent
    }
    switch field {
    case .name: return text(programme.pointee.name)
    case .kind: return programme.pointee.kind.value
    case .state: return text(programme.pointee.state)
    case .inForce: return .bool(programme.pointee.inForce)
    case .appliedOn: return date(programme.pointee.appliedOn)
    case .since: return date(programme.pointee.since)
    case .until: return date(programme.pointee.until)
    case .exitedOn: return date(programme.pointee.exitedOn)
    case .exitReason: return text(programme.pointee.exitReason)
    case .tiedTo: return text(programme.pointee.tiedTo)
    }
  }

  func readReferral(_ object: ObjectRef, _ slot: UInt16) -> Value {
    guard let file, Int(object.index) < file.referrals.count, let field = schema.referral(slot)
    else { return Situation.noObject }
    let referral = file.referrals[Int(object.index)]
    switch field {
    case .rule: return .text(schema.shownRule(referral.rule))
    case .state: return .text(referral.state)
    case .open: return .bool(referral.isOpen)
    case .opened: return .date(referral.openedAt.date)
    case .closed: return referral.closedAt.map { .date($0.date) } ?? Situation.absent
    case .reason: return referral.reason.map(Value.text) ?? Situation.absent
    }
  }
}
