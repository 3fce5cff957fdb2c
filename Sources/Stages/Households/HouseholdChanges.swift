import Records
import Streaming
import Vocabulary

/// How messages change a household's state. Pure: nothing is sent here but interests.
extension HouseholdState {
  static func load(
    _ key: HouseholdKey, _ state: StateOverlay
  ) throws(DecodingFailure) -> HouseholdState {
    try state.withValue(stateKey(key)) { (bytes) throws(DecodingFailure) in
      guard let bytes else { return HouseholdState(key: key) }
      return try HouseholdState(key: key, bytes)
    }
  }

  func save(_ state: StateOverlay) {
    let stateKey = HouseholdState.stateKey(key)
    stateKey.span.withUnsafeBytes { key in
      _ = state.put(key, reserving: HouseholdState.usualSize) { encode(into: &$0) }
    }
    state.setTimer(stateKey, nextDue)
  }

  /// Takes in an event about the household; false where it is known or was taken back.
  @discardableResult
  mutating func take(
    _ entry: EventEntry, supersedes: EventKey?, members: [CompositionMember]?, now: Instant
  ) -> Bool {
    guard !revocations.contains(where: { $0.key == entry.key }), log.insert(entry) else {
      return false
    }
    isLogChanged = true
    noteChanges(entry.changes, cause: entry.key)
    if let members {
      let composition = Composition(entry: entry, members: members)
      let position = compositions.lastIndex { $0.precedes(composition) }.map { $0 + 1 } ?? 0
      compositions.insert(composition, at: position)
      noteChanges(nil, cause: entry.key)
    }
    if let supersedes {
      revoke(
        Revocation(
          key: supersedes, reason: .superseded, by: entry.key, bySource: entry.source,
          byID: entry.id, at: now))
    }
    return true
  }

  mutating func revoke(_ revocation: Revocation) {
    guard !revocations.contains(where: { $0.key == revocation.key }) else { return }
    revocations.append(revocation)
    guard let removed = log.remove(revocation.key) else { return }
    isLogChanged = true
    pendingRevocations.append(revocation)
    compositions.removeAll { $0.key == revocation.key }
    noteChanges(nil, cause: removed.key)
  }

  mutating func noteChanges(_ facts: [FactID]?, cause: EventKey?) {
    if let facts, let pending = pendingChanges {
      pendingChanges = pending + facts.filter { !pending.contains($0) }
    } else {
      pendingChanges = nil
    }
    if let cause {
      pendingCause = cause
      if !pendingEvents.contains(cause) { pendingEvents.append(cause) }
    }
  }

  /// Takes in a person's new record: notes what it took back, and which of the household's
  /// statements it has heard, and keeps a copy.
  mutating func take(person record: [UInt8], _ state: StateOverlay) throws(DecodingFailure) {
    let key = key
    let news = try record.span.withUnsafeBytes { (bytes) throws(DecodingFailure) in
      let view = try PersonView(bytes)
      return (
        person: view.id, acknowledged: try view.acknowledged(key) ?? 0,
        revocations: try view.revocations()
      )
    }
    let stored = HouseholdState.personKey(key, news.person)
    if !news.revocations.isEmpty {
      let known = try state.revocations(stored)
      pendingRevocations += news.revocations.filter { !known.contains($0) }
    }
    state.put(stored, record)
    if let index = links.firstIndex(where: { $0.person == news.person }) {
      links[index].acknowledged = max(links[index].acknowledged, news.acknowledged)
    } else {
      links.append(
        PersonLink(
          person: news.person, sequence: 0, claims: .none, acknowledged: news.acknowledged,
          handedOver: 0))
    }
  }

  /// Sends an interest to every person about whom there is something new to say.
  mutating func askFor(
    _ wanted: [(person: CitizenID, claims: [HomeClaim])], _ outbox: inout Outbox
  ) throws(DecodingFailure) {
    for (person, stated) in wanted {
      let claims = HomeClaims(stated)
      // Persons always reports to the provisional household of a person without another.
      if key.provisionalPerson == person { continue }
      if let index = links.firstIndex(where: { $0.person == person }) {
        guard links[index].sequence == 0 || links[index].claims != claims else { continue }
        links[index].sequence += 1
        links[index].claims = claims
        outbox.send(person, .interest(links[index].interest(of: key, stated)))
      } else {
        let link = PersonLink(
          person: person, sequence: 1, claims: claims, acknowledged: 0, handedOver: 0)
        links.append(link)
        outbox.send(person, .interest(link.interest(of: key, stated)))
      }
    }
    for index in links.indices where !links[index].claims.isEmpty {
      guard !wanted.contains(where: { $0.person == links[index].person }) else { continue }
      links[index].sequence += 1
      links[index].claims = .none
      outbox.send(links[index].person, .interest(links[index].interest(of: key, [])))
    }
  }

  mutating func adopt(_ handover: Handover, of person: CitizenID?, epoch: UInt32) {
    if let person { noteHandover(of: person, epoch) }
    adopted += handover.openings.filter(\.isLive)
    openings += handover.openings.filter { !$0.isLive }
    for item in handover.fired where !fired.contains(item) {
      // What was live there is decided anew here.
      let isLive = handover.openings.contains { $0.isLive && $0.triggers.contains(item.event) }
      if !isLive { fired.append(item) }
    }
  }

  private mutating func noteHandover(of person: CitizenID, _ epoch: UInt32) {
    if let index = links.firstIndex(where: { $0.person == person }) {
      links[index].handedOver = max(links[index].handedOver, epoch)
    } else {
      links.append(
        PersonLink(person: person, sequence: 0, claims: .none, acknowledged: 0, handedOver: epoch))
    }
  }

  private static let address = FactID("event.address")

  /// The address of the latest composition that gives one.
  var currentAddress: String? {
    log.withView { view in
      for index in view.fields(of: HouseholdState.address).reversed()
      where view.field(index).tag == .string {
        return String(decoding: view.field(index).stringBytes, as: UTF8.self)
      }
      return nil
    }
  }

  /// The log has changed since the address was last announced.
  var isAddressDue: Bool { key.isRegistered && isLogChanged }
}

extension PersonLink {
  func interest(of household: HouseholdKey, _ claims: [HomeClaim]) -> HouseholdInterest {
    HouseholdInterest(household: household, sequence: sequence, claims: claims)
  }
}

extension StateOverlay {
  /// What a stored copy of a person's record has taken back; empty where there is no copy.
  fileprivate func revocations(_ key: [UInt8]) throws(DecodingFailure) -> [Revocation] {
    try withValue(key) { (bytes) throws(DecodingFailure) in
      guard let bytes else { return [] }
      return try PersonView(bytes).revocations()
    }
  }
}
