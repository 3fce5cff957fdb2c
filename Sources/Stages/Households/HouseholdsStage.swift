import Policy
import Records
import Situation
public import Streaming
public import Vocabulary

/// Households (家庭): the situation of each household, the rules decided on it, its referrals and
/// their deadlines.
///
/// One message in five steps: load, apply, ask (send interests), decide once all have answered,
/// save. Most messages bring an event that no rule asks about; that is seen at the head of the
/// state, and only the copy of the person's record is written.
public final class HouseholdsStage: Stage {
  public let channel = Channel.households
  public let isSwept = true

  let engine: DecisionEngine

  /// - Parameter settings: policy, directory, keys; replaced between messages by `update`.
  public convenience init(settings: StageSettings) {
    self.init(settings: settings, takesShortCuts: true)
  }

  /// Without short cuts every message is a visit, and every rule is decided for all events: for tests
  /// that compare the two.
  init(settings: StageSettings, takesShortCuts: Bool) {
    engine = DecisionEngine(settings: settings, takesShortCuts: takesShortCuts)
  }

  /// Takes a new policy or directory into use from the next message on.
  public func update(settings: StageSettings) { engine.update(settings: settings) }

  public func process(
    _ payload: UnsafeRawBufferPointer, now: Instant, state: StateOverlay, outbox: inout Outbox
  ) throws(DecodingFailure) {
    if try passesBy(payload, now: now, state) { return }
    let (key, message) = try HouseholdMessage.decode(payload)
    var visit = Visit(household: try HouseholdState.load(key, state), now: now)
    try wake(&visit.household, through: now, state, &outbox)
    try apply(message, to: &visit, state, &outbox)
    try conclude(&visit, state, &outbox)
  }

  /// Takes in a person's record that changes no decision; false where the message needs a visit.
  private func passesBy(
    _ payload: UnsafeRawBufferPointer, now: Instant, _ state: StateOverlay
  ) throws(DecodingFailure) -> Bool {
    guard engine.takesShortCuts, let news = try PersonNews(payload) else { return false }
    let brief = HouseholdState.withStateKey(news.household) { key in
      state.withValue(key) { $0.flatMap { HouseholdBrief($0) } }
    }
    guard let brief, brief.isAtRest, brief.nextDue.map({ $0 > now }) ?? true else { return false }
    let record = try PersonView(news.record)
    if record.hasRevocations { return false }
    switch engine.concern(brief.outlook, with: news, of: record, now: now) {
    case .none: break
    case .some: return false
    case .unlessShort(let rules):
      if try !areShort(rules, news, record, state) { return false }
    }
    HouseholdState.withPersonKey(news.household, record.id) { key in
      _ = state.put(key, reserving: news.record.count) { $0.raw(news.record) }
    }
    return true
  }

  /// Whether all that is on file of the household's people, with what has come, is too little for
  /// each of some rules, by bit.
  private func areShort(
    _ rules: UInt64, _ news: PersonNews, _ record: PersonView, _ state: StateOverlay
  ) throws(DecodingFailure) -> Bool {
    let people = try HouseholdState.withStateKey(news.household) { key throws(DecodingFailure) in
      try state.withValue(key) { (bytes) throws(DecodingFailure) in
        try bytes.map(HouseholdState.people) ?? []
      }
    }
    guard people.contains(record.id) else { return false }
    let copies = PersonCopies(of: news.household, people.filter { $0 != record.id }, state)
    return try copies.withViews { others throws(DecodingFailure) in
      engine.areShort(rules, others + [PersonOnFile(id: record.id, view: record)])
    }
  }

  public func fire(
    owner: [UInt8], due: Instant, state: StateOverlay, outbox: inout Outbox
  ) throws(DecodingFailure) {
    var visit = Visit(household: try HouseholdState.load(.init(owner: owner), state), now: due)
    try wake(&visit, state, &outbox)
  }

  /// What a household's wake-up asks for, at its own instant.
  private func wake(
    _ visit: inout Visit, _ state: StateOverlay, _ outbox: inout Outbox
  ) throws(DecodingFailure) {
    if let next = visit.household.nextDecision, next <= visit.now {
      visit.household.pendingChanges = nil
      visit.household.nextDecision = nil
    }
    try conclude(&visit, state, &outbox)
  }

  /// A worker fires a bounded number of timers in a transaction, so a record can overtake the
  /// wake-up of its household. Then the wake-ups due by now come first, as semantics 1 says.
  private func wake(
    _ household: inout HouseholdState, through now: Instant, _ state: StateOverlay,
    _ outbox: inout Outbox
  ) throws(DecodingFailure) {
    var left = HouseholdsStage.wakeUps
    while let due = household.nextDue, due <= now, left > 0 {
      var visit = Visit(household: household, now: due)
      try wake(&visit, state, &outbox)
      household = visit.household
      left -= 1
    }
  }

  /// A bound on the wake-ups that one record makes up for: a ladder has a few steps.
  private static let wakeUps = 64

  // MARK: Sweeps

  public func sweep(
    _ limit: Int, now: Instant, state: StateOverlay, outbox: inout Outbox
  ) throws(DecodingFailure) -> SweepProgress {
    let present = engine.world
    let known = try World.load(state) ?? World()
    var world = known.isInLine(with: present) ? known : known.becoming(present)
    guard let sweep = world.sweep else {
      if world != known { world.save(state) }
      return SweepProgress(visited: 0, isDone: true)
    }
    let keys = state.committedKeys(
      prefix: UInt8(ascii: "h"), after: sweep.cursor.isEmpty ? nil : sweep.cursor, max: limit)
    for key in keys { try visit(.init(owner: key), sweep, now: now, state, &outbox) }
    if keys.count < limit { world.sweep = nil } else { world.sweep?.cursor = keys.last ?? [] }
    world.save(state)
    return SweepProgress(visited: keys.count, isDone: world.sweep == nil)
  }

  /// Brings one household in line with a changed policy or directory; writes and publishes only
  /// what that changes.
  private func visit(
    _ key: HouseholdKey, _ sweep: World.Sweep, now: Instant, _ state: StateOverlay,
    _ outbox: inout Outbox
  ) throws(DecodingFailure) {
    let stored = try HouseholdState.load(key, state)
    guard sweep.policyChanged || stored.isTouched(by: sweep) else { return }
    var visit = Visit(household: stored, now: now)
    try wake(&visit.household, through: now, state, &outbox)
    let household = visit.household
    visit.sweep = sweep
    if sweep.policyChanged { visit.household.pendingChanges = nil }
    try conclude(&visit, state, &outbox, unlessEqualTo: household)
  }

  public func timer(key: UnsafeRawBufferPointer, value: UnsafeRawBufferPointer) -> Instant? {
    key.first == UInt8(ascii: "h") ? HouseholdState.nextDue(in: value) : nil
  }

  /// One message or timer at work.
  struct Visit {
    var household: HouseholdState
    let now: Instant
    /// A feedback to act on after the facts are in place.
    var feedback: (entry: EventEntry, referral: String)?
    /// What Register answered, to act on likewise.
    var answer: RegisterAnswer?
    /// What another household did here already.
    var done: [Opening] = []
    /// What changed around it, where a sweep visits the household.
    var sweep: World.Sweep?
  }

  /// What Register tells a household that deals with social resources.
  enum RegisterAnswer {
    case matched(referral: String, candidates: [String], committeeIsLarge: Bool)
    case committeeSize(committee: String, isLarge: Bool)
  }

  private func apply(
    _ message: HouseholdMessage, to visit: inout Visit, _ state: StateOverlay,
    _ outbox: inout Outbox
  ) throws(DecodingFailure) {
    switch message {
    case .event(let entry, let supersedes, let members):
      visit.household.take(entry, supersedes: supersedes, members: members, now: visit.now)
    case .revoke(let revocation):
      visit.household.revoke(revocation)
    case .person(let changed, let cause, let record):
      try visit.household.take(person: record, state)
      // Where the only person of a provisional household does business tells where it is.
      let isProvisional = !visit.household.key.isRegistered
      visit.household.noteChanges(isProvisional ? nil : changed, cause: cause)
    case .feedback(let entry, let referral):
      if let forwarding = visit.household.forwarding,
        !visit.household.openings.contains(where: { $0.isLive })
      {
        outbox.send(forwarding, .feedback(entry, referral: referral))
      } else {
        visit.feedback = (entry, referral)
        visit.household.noteChanges([], cause: entry.key)
      }
    case .handover(let person, let epoch, let bytes):
      let handover = try Handover(bytes)
      visit.household.adopt(handover, of: person, epoch: epoch)
      visit.done = handover.openings.filter { $0.phase == .closed }
      for entry in handover.events {
        visit.household.take(entry, supersedes: nil, members: nil, now: visit.now)
      }
      visit.household.noteChanges(nil, cause: nil)
    case .matched(let referral, let candidates, let isLarge):
      visit.answer = .matched(
        referral: referral, candidates: candidates, committeeIsLarge: isLarge)
    case .committeeSize(let committee, let isLarge):
      visit.answer = .committeeSize(committee: committee, isLarge: isLarge)
    case .addressKnown(let home):
      try handOver(&visit, to: home, &outbox)
    }
  }

  /// Asks for the records that are still wanted, decides when all are there, sets the timer and
  /// saves.
  private func conclude(
    _ visit: inout Visit, _ state: StateOverlay, _ outbox: inout Outbox,
    unlessEqualTo stored: HouseholdState? = nil
  ) throws(DecodingFailure) {
    let copies = PersonCopies(
      of: visit.household.key.text.utf8, visit.household.people, state)
    // What a closure captures to change is copied whenever it is read: a function's argument is
    // not.
    try copies.withViews { views throws(DecodingFailure) in
      try conclude(&visit, views, &outbox)
    }
    if let stored, visit.household.isAlike(stored) { return }
    visit.household.save(state)
  }

  private func conclude(
    _ visit: inout Visit, _ persons: [PersonOnFile], _ outbox: inout Outbox
  ) throws(DecodingFailure) {
    let records = persons.map { (person: $0.id, view: $0.view) }
    if visit.household.mayWantOthers {
      try visit.household.askFor(try Membership.wanted(visit.household, records), &outbox)
    }
    if visit.household.isAddressDue { announceAddress(&visit.household, &outbox) }
    let settlement = try Settlement.of(visit.household, records, now: visit.now)
    if settlement == .complete {
      if handOver(&visit, persons, &outbox) { return }
      handOn(&visit, persons, &outbox)
    }
    engine.conclude(
      &visit, persons: persons, decides: settlement == .complete, outbox: &outbox)
  }

  /// A provisional household whose person lives elsewhere by now gives everything to the real one.
  /// Returns true where it did, and nothing is left to decide.
  private func handOver(
    _ visit: inout Visit, _ persons: [PersonOnFile], _ outbox: inout Outbox
  ) -> Bool {
    guard let person = visit.household.key.provisionalPerson,
      let view = persons.first(where: { $0.id == person })?.view,
      let home = view.home(at: visit.now)
    else { return false }
    let isNewHome = visit.household.forwarding != home
    visit.household.forwarding = home
    if isNewHome || visit.household.handedOverEpoch < view.provisionalEpoch {
      visit.household.handedOverEpoch = view.provisionalEpoch
      let handover = Handover(
        openings: visit.household.openings + visit.household.adopted, fired: visit.household.fired)
      outbox.send(
        home,
        .handover(
          person: person, epoch: view.provisionalEpoch, referrals: handover.encoded()))
      engine.withdraw(&visit, persons: persons, reason: .superseded, outbox: &outbox)
      visit.household.retireOpenings()
    }
    visit.household.pendingChanges = []
    visit.household.nextDecision = nil
    // The next home waits for the handover as well.
    visit.household.nextDue = view.nextMove(after: visit.now)
    return true
  }

  /// The household at an address is known: it gets the reports that came before, and goes on with
  /// what they opened.
  private func handOver(
    _ visit: inout Visit, to home: HouseholdKey, _ outbox: inout Outbox
  ) throws(DecodingFailure) {
    visit.household.forwarding = home
    let handover = Handover(
      openings: visit.household.openings + visit.household.adopted, fired: visit.household.fired,
      events: try visit.household.log.entries())
    outbox.send(home, .handover(person: nil, epoch: 0, referrals: handover.encoded()))
    engine.withdraw(&visit, persons: [], reason: .superseded, outbox: &outbox)
    visit.household.retireOpenings()
    visit.household = visit.household.emptied()
    visit.household.forwarding = home
  }

  private func announceAddress(_ household: inout HouseholdState, _ outbox: inout Outbox) {
    guard household.key.isRegistered,
      let address = household.currentAddress.map(AddressKey.normalized),
      address != household.announcedAddress
    else { return }
    if let old = household.announcedAddress {
      outbox.send(.events, RegisterMessage.addressOf(address: old, household: nil))
    }
    outbox.send(.events, RegisterMessage.addressOf(address: address, household: household.key))
    household.announcedAddress = address
  }
}
