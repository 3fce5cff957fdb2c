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
    guard let file, let reader = schema.event(slot), let log = file.log(of: position.owner),
      position.index < log.eventCount
    else { return Situation.noObject }
    switch reader {
    case .state(let fact, let type, let fallback):
      return value(log.stated(fact, of: position.index), type, fallback, object, slot)
    case .derived(let program): return derived(object, slot, program)
    case .series: return Situation.noObject
    case .builtin(let builtin): return eventBuiltin(builtin, position, log, object, slot)
    }
  }

  private func eventBuiltin(
    _ builtin: EventBuiltin, _ position: EventPosition, _ log: EventLogView, _ object: ObjectRef,
    _ slot: UInt16
  ) -> Value {
    let event = log.event(position.index)
    switch builtin {
    case .type: return schema.text(schema.typeName(event.type))
    case .date: return .date(event.effective.date)
    case .time: return .timestamp(Timestamp(event.time))
    case .person:
      guard position.owner != EventPosition.household else { return Situation.absent }
      return person(position.owner)
    case .persons, .own, .others:
      guard let file, let people else { return Situation.noObject }
      return list(object, slot) {
        let named = (try? event.texts().persons) ?? []
        return .persons(
          named.compactMap(file.index).filter { index in
            switch builtin {
            case .own: people.livesHere(file.persons[index])
            case .others: !people.livesHere(file.persons[index])
            default: true
            }
          })
      }
    case .service, .weight:
      let service = schema.service(
        line: log.stated(SituationSchema.line, of: position.index),
        item: log.stated(SituationSchema.item, of: position.index),
        code: log.stated(SituationSchema.itemCode, of: position.index))
      return builtin == .weight ? .int(Int64(service.weight)) : service.code
    }
  }

  func readProgramme(_ object: ObjectRef, _ slot: UInt16) -> Value {
    let programmes = programmesInView()
    guard Int(object.index) < programmes.count, let field = schema.programme(slot) else {
      return Situation.noObject
    }
    let programme = programmes[Int(object.index)]
    func date(_ date: CivilDate?) -> Value { date.map(Value.date) ?? Situation.absent }
    switch field {
    case .name: return .text(programme.name)
    case .kind: return schema.text(programme.kind)
    case .state: return .text(programme.state)
    case .inForce: return .bool(programme.inForce)
    case .appliedOn: return date(programme.appliedOn)
    case .since: return date(programme.since)
    case .until: return date(programme.until)
    case .exitedOn: return date(programme.exitedOn)
    case .exitReason: return programme.exitReason.map(Value.text) ?? Situation.absent
    case .tiedTo: return programme.tiedTo.map(Value.text) ?? Situation.absent
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
