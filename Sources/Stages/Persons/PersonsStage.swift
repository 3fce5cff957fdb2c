import Records
public import Streaming
public import Vocabulary

/// Persons (人员): owns what is known of each person and where the person lives.
///
/// Every change sends the whole record to each household interested in the person, and to the
/// person's provisional household while no other is known (semantics 9). State transfer instead of
/// deltas: a household is right again with the next record, whatever it missed or saw twice.
public final class PersonsStage: Stage {
  public let channel = Channel.persons

  /// How long an event stays that no longer is the last word on any fact.
  public static let retentionDays = 800

  /// Longer logs are looked through for events that can go.
  static let pruned = 16

  public init() {}

  public func process(
    _ payload: UnsafeRawBufferPointer, now: Instant, state: StateOverlay, outbox: inout Outbox
  ) throws(DecodingFailure) {
    if let (person, entry) = try PersonMessage.plainEvent(payload),
      try append(entry, to: person, now: now, state, &outbox)
    {
      return
    }
    let (person, message) = try PersonMessage.decode(payload)
    let key = PersonMessage.partitionKey(person)
    var record = try state.personRecord(key) ?? PersonRecord(id: person)
    let homeBefore = record.home(at: now)
    guard var delivery = PersonsStage.apply(message, to: &record, now: now) else { return }
    if record.log.eventCount > PersonsStage.pruned {
      record.log.prune(before: now.adding(days: -PersonsStage.retentionDays))
    }
    let homeNow = record.home(at: now)
    if homeNow == nil, !record.log.isEmpty {
      if homeBefore != nil || record.provisionalEpoch == 0 { record.provisionalEpoch += 1 }
    }
    if homeNow != homeBefore { delivery.audience = .everyone }
    record.version += 1
    let bytes = record.encoded()
    state.put(key, bytes)
    deliver(bytes, of: record, delivery, homeless: homeNow == nil, outbox: &outbox)
  }

  /// Adds an event to the record of somebody at home, without decoding it; false where more than
  /// that may follow.
  private func append(
    _ entry: EventEntryView, to person: CitizenID, now: Instant, _ state: StateOverlay,
    _ outbox: inout Outbox
  ) throws(DecodingFailure) -> Bool {
    try PersonMessage.withPartitionKey(person) { (key) throws(DecodingFailure) in
      try state.withValue(key) { (stored) throws(DecodingFailure) in
        guard let stored else { return false }
        let view = try PersonView(stored)
        guard view.provisionalEpoch == 0, !view.hasRevocations, view.hasHome(at: now),
          view.log.eventCount < PersonsStage.pruned, let grown = view.appending(entry)
        else { return false }
        let record = state.put(key, reserving: grown.size) { grown.write(to: &$0) }
        try view.eachInterested { household in
          let size = HouseholdMessage.size(record, after: entry, for: household)
          outbox.send(.households, key: household, reserving: size) {
            HouseholdMessage.write(record, after: entry, for: household, to: &$0)
          }
        }
        return true
      }
    }
  }

  /// Who hears of a change, and which facts changed.
  struct Delivery {
    enum Audience: Equatable {
      case everyone
      case only(HouseholdKey)
    }
    var audience: Audience
    /// Nil: any may have.
    var changed: [FactID]?
    /// The event behind it.
    var cause: EventKey?
  }

  /// Applies a message; nil where it changes nothing and nobody waits for an answer.
  static func apply(
    _ message: PersonMessage, to record: inout PersonRecord, now: Instant
  ) -> Delivery? {
    switch message {
    case .event(let entry, let supersedes):
      if record.revocations.contains(where: { $0.key == entry.key }) { return nil }
      guard record.log.insert(entry) else { return nil }
      var changed = entry.changes
      if let supersedes {
        let removed = record.revoke(
          Revocation(
            key: supersedes, reason: .superseded, by: entry.key, bySource: entry.source,
            byID: entry.id, at: now))
        changed += removed?.changes ?? []
      }
      return Delivery(audience: .everyone, changed: changed, cause: entry.key)
    case .revoke(let revocation):
      guard let removed = record.revoke(revocation) else { return nil }
      return Delivery(
        audience: .everyone, changed: removed.changes, cause: revocation.by)
    case .interest(let interest):
      if let index = record.interests.firstIndex(where: { $0.household == interest.household }) {
        guard record.interests[index].sequence < interest.sequence else { return nil }
        record.interests[index] = interest
      } else {
        record.interests.append(interest)
      }
      let homes = record.homes
      record.settleHomes()
      return Delivery(
        audience: record.homes == homes ? .only(interest.household) : .everyone, changed: nil)
    }
  }

  private func deliver(
    _ bytes: [UInt8], of record: PersonRecord, _ delivery: Delivery, homeless: Bool,
    outbox: inout Outbox
  ) {
    let message = HouseholdMessage.person(
      changed: delivery.changed, cause: delivery.cause, record: bytes)
    switch delivery.audience {
    case .only(let household): outbox.send(household, message)
    case .everyone:
      for interest in record.interests { outbox.send(interest.household, message) }
      if homeless || record.provisionalEpoch > 0 {
        guard !record.log.isEmpty || record.provisionalEpoch > 0 else { return }
        outbox.send(HouseholdKey(provisional: record.id), message)
      }
    }
  }
}

extension PersonRecord {
  /// Takes an event back and remembers that; returns it where it was there.
  mutating func revoke(_ revocation: Revocation) -> EventEntry? {
    if !revocations.contains(where: { $0.key == revocation.key }) {
      revocations.append(revocation)
    }
    return log.remove(revocation.key)
  }
}

extension StateOverlay {
  func personRecord(_ key: [UInt8]) throws(DecodingFailure) -> PersonRecord? {
    try withValue(key) { (bytes) throws(DecodingFailure) in
      guard let bytes else { return nil }
      return try PersonRecord(try PersonView(bytes))
    }
  }
}
