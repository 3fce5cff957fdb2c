import Records
import Streaming
import Vocabulary

/// Whether a household has heard all that it asked for.
///
/// A composition or a notice about several people reaches a household as several records. Deciding
/// on half of them would publish referrals that the next record takes back, so the household waits
/// until every person it asked about has answered, every person of a fresh event has reported it,
/// and every provisional household has handed over. Each of these answers is certain to come.
enum Settlement: Equatable {
  case complete
  case waiting

  /// How long an event that names several people can hold a decision up.
  static let freshDays = 7

  static func of(
    _ state: HouseholdState, _ records: [(person: CitizenID, view: PersonView)], now: Instant
  ) throws(DecodingFailure) -> Settlement {
    for link in state.links where link.acknowledged < link.sequence { return .waiting }
    for (person, view) in records {
      if view.provisionalEpoch > 0, state.key.provisionalPerson == nil,
        view.lives(in: state.key, at: now),
        (state.link(person)?.handedOver ?? 0) < view.provisionalEpoch
      {
        return .waiting
      }
    }
    guard records.count > 1, !(state.pendingChanges?.isEmpty ?? false) else { return .complete }
    let fresh = now.adding(days: -freshDays)
    for (_, view) in records {
      for index in 0..<view.log.eventCount {
        let event = view.log.event(index)
        guard event.accepted >= fresh, state.isPending(event.key) else { continue }
        guard try event.personCount() > 1 else { continue }
        let persons = try event.texts().persons
        for (other, theirs) in records where persons.contains(other) {
          if theirs.log.index(of: event.key) == nil,
            !(try theirs.revocations()).contains(where: { $0.key == event.key })
          {
            return .waiting
          }
        }
      }
    }
    return .complete
  }
}

extension HouseholdState {
  /// Whether an event may not have been decided on yet. Where anything may have changed, each may.
  fileprivate func isPending(_ event: EventKey) -> Bool {
    pendingChanges == nil || pendingEvents.contains(event)
  }
}
