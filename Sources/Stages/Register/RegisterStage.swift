import Records
public import Streaming
public import Vocabulary

/// Register (登记): knows every event by its `(source, id)`, every referral and every address, how
/// many households each committee has, and what each social resource has taken on.
///
/// It drops duplicates, finds out whom a retracted or superseded event was about, tells which
/// household a feedback or a report belongs to, and who can take a referral. A retraction may come
/// before its target.
public final class RegisterStage: Stage {
  public let channel = Channel.events

  /// What passed through, for metrics.
  public struct Counters: Equatable, Sendable {
    public var accepted = 0
    public var duplicates = 0
    public var revoked = 0
    public var unknownReferrals = 0
  }
  public private(set) var counters = Counters()

  public init() {}

  public func process(
    _ payload: UnsafeRawBufferPointer, now: Instant, state: StateOverlay, outbox: inout Outbox
  ) throws(DecodingFailure) {
    if let event = try RegisterMessage.personalEvent(payload),
      pass(event, now: now, state: state, outbox: &outbox)
    {
      return
    }
    let message = try RegisterMessage(payload)
    switch message {
    case .event(let event):
      try accept(event, now: now, state: state, outbox: &outbox)
    case .revoke(let revocation):
      try revoke(revocation, now: now, state: state, outbox: &outbox)
    case .feedback(let event, let referral):
      deliver(event, feedbackOn: referral, now: now, state: state, outbox: &outbox)
    case .report(let event, let address):
      deliver(event, reportOn: address, state: state, outbox: &outbox)
    case .referralOpened(let referral, let household):
      state.put(RegisterKey.referral(referral), Array(household.text.utf8))
    case .rejected(let event):
      let key = RegisterKey.event(event)
      var entry = try RegisterEntry.load(key, state) ?? RegisterEntry()
      entry.acceptedAt = nil
      entry.targets = []
      entry.save(key, state)
    case .addressOf(let address, let household):
      if let household {
        let key = RegisterKey.address(address)
        if state.household(at: key) == HouseholdKey(address: address) {
          outbox.send(HouseholdKey(address: address), .addressKnown(household: household))
        }
        state.put(key, Array(household.text.utf8))
      } else {
        state.delete(RegisterKey.address(address))
      }
    case .resident, .watch, .unwatch, .match:
      try CommitteeRegister(state: state).take(message, &outbox)
    case .place, .placed:
      try ResourceRegister(state: state).take(message, &outbox)
    }
  }

  /// Passes the bytes of a new event on; false where its pair is known, if only as taken back.
  private func pass(
    _ event: EventMessageView, now: Instant, state: StateOverlay, outbox: inout Outbox
  ) -> Bool {
    let isNew = RegisterKey.withEvent(event.key) { key in
      guard state.withValue(key, { $0 == nil }) else { return false }
      let targets = event.targets.lazy.map { EventTarget.person($0.person) }
      state.put(key, reserving: 16 + 16 * targets.count) {
        RegisterEntry.write(now, nil, targets, to: &$0)
      }
      return true
    }
    guard isNew else { return false }
    counters.accepted += 1
    for target in event.targets {
      PersonMessage.withPartitionKey(target.person) { key in
        outbox.send(.persons, key: key, reserving: event.size(for: target)) {
          event.write(for: target, accepted: now, to: &$0)
        }
      }
    }
    return true
  }

  private func accept(
    _ message: EventMessage, now: Instant, state: StateOverlay, outbox: inout Outbox
  ) throws(DecodingFailure) {
    let key = RegisterKey.event(message.event.key)
    var entry = try RegisterEntry.load(key, state) ?? RegisterEntry()
    guard entry.acceptedAt == nil else {
      counters.duplicates += 1
      return
    }
    counters.accepted += 1
    entry.acceptedAt = now
    entry.targets = message.targets.map(\.target)
    entry.save(key, state)
    // A superseder that was itself taken back still replaces its predecessor (semantics 21).
    if let revocation = message.revocation(at: now) {
      outbox.send(.events, RegisterMessage.revoke(revocation))
    }
    guard entry.revocation == nil else { return }
    var stamped = message
    stamped.event.accepted = now
    for facts in message.targets { forward(stamped, facts, outbox: &outbox) }
  }

  private func forward(_ message: EventMessage, _ facts: TargetedFacts, outbox: inout Outbox) {
    switch facts.target {
    case .person(let person):
      outbox.send(
        person, .event(message.entry(for: facts), supersedes: message.supersedes))
    case .household(let id):
      outbox.send(
        HouseholdKey(registry: id),
        .event(
          message.entry(for: facts), supersedes: message.supersedes, members: message.members))
    case .referral(let id):
      outbox.send(.events, RegisterMessage.feedback(message, referral: id))
    case .address(let text):
      outbox.send(.events, RegisterMessage.report(message, address: text))
    }
  }

  private func revoke(
    _ revocation: Revocation, now: Instant, state: StateOverlay, outbox: inout Outbox
  ) throws(DecodingFailure) {
    let key = RegisterKey.event(revocation.key)
    var entry = try RegisterEntry.load(key, state) ?? RegisterEntry()
    // The first reason stands: taking an event back twice changes nothing.
    guard entry.revocation == nil else { return }
    counters.revoked += 1
    entry.revocation = revocation
    entry.save(key, state)
    for target in entry.targets {
      switch target {
      case .person(let person): outbox.send(person, .revoke(revocation))
      case .household(let id): outbox.send(HouseholdKey(registry: id), .revoke(revocation))
      case .address(let text):
        if let household = state.household(at: RegisterKey.address(text)) {
          outbox.send(household, .revoke(revocation))
        }
      case .referral: break
      }
    }
  }

  private func deliver(
    _ message: EventMessage, feedbackOn referral: String, now: Instant, state: StateOverlay,
    outbox: inout Outbox
  ) {
    guard let household = state.household(at: RegisterKey.referral(referral)) else {
      counters.unknownReferrals += 1
      outbox.send(.events, RegisterMessage.rejected(message.event.key))
      if let original = message.original {
        outbox.publish(
          DeadLetter(
            .unknownReferral, path: "/data/referral",
            message: "no referral of this identifier has been published"
          ).record(of: original, now: now))
      }
      return
    }
    var entry = message.event
    for facts in message.targets where facts.target == .referral(referral) {
      entry.fields += facts.fields
    }
    outbox.send(household, .feedback(entry, referral: referral))
  }

  private func deliver(
    _ message: EventMessage, reportOn address: String, state: StateOverlay, outbox: inout Outbox
  ) {
    let key = RegisterKey.address(address)
    let household = state.household(at: key) ?? HouseholdKey(address: address)
    if household == HouseholdKey(address: address) {
      // The address keeps its reports, and their retractions, until its household is known.
      state.put(key, Array(household.text.utf8))
    }
    for facts in message.targets where facts.target == .address(address) {
      outbox.send(
        household,
        .event(message.entry(for: facts), supersedes: message.supersedes, members: nil))
    }
  }
}

extension EventMessage {
  /// What this event takes back, if anything.
  func revocation(at now: Instant) -> Revocation? {
    let target: (EventKey, Revocation.Reason)
    if let retracts {
      target = (retracts, .retracted)
    } else if let supersedes {
      target = (supersedes, .superseded)
    } else {
      return nil
    }
    return Revocation(
      key: target.0, reason: target.1, by: event.key, bySource: event.source, byID: event.id,
      at: now)
  }
}

extension StateOverlay {
  fileprivate func household(at key: [UInt8]) -> HouseholdKey? {
    withValue(key) { bytes in
      bytes.map { HouseholdKey(text: String(decoding: $0, as: UTF8.self)) }
    }
  }
}
