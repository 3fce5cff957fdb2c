import Records
import Situation
import Streaming
import Vocabulary

/// What a provisional household hands to the real one when its person's household becomes known:
/// openings with their referrals, what has fired already (semantics 9 and 31), and from an address
/// the reports about it.
struct Handover {
  var openings: [Opening]
  var fired: [Fired]
  var events: [EventEntry]

  func encoded() -> [UInt8] {
    [UInt8](reserving: 256) { writer in
      writer.list(openings) { $0.opening($1) }
      writer.list(fired) { $0.fired($1) }
      writer.list(events) { $0.eventEntry($1) }
    }
  }

  init(openings: [Opening], fired: [Fired], events: [EventEntry] = []) {
    self.openings = openings
    self.fired = fired
    self.events = events
  }

  init(_ bytes: [UInt8]) throws(DecodingFailure) {
    self = try bytes.span.withUnsafeBytes { (bytes) throws(DecodingFailure) in
      var reader = ByteReader(bytes)
      return Handover(
        openings: try reader.list { r throws(DecodingFailure) in try r.opening() },
        fired: try reader.list { r throws(DecodingFailure) in try r.fired() },
        events: try reader.list { r throws(DecodingFailure) in try r.eventEntry() })
    }
  }
}

extension HouseholdsStage {
  /// What came about upon an event, done or under way, counts in the household to which the event
  /// turns out to belong, since a notice about the person's home came later (semantics 9, 13, 28 and
  /// 31): as if that notice had come first.
  func handOn(_ visit: inout Visit, _ persons: [PersonOnFile], _ outbox: inout Outbox) {
    // Where people live changes without a list of changes.
    guard visit.household.pendingChanges == nil else { return }
    for index in visit.household.openings.indices.reversed() {
      handOn(index, of: &visit, persons, &outbox)
    }
  }

  private func handOn(
    _ index: Int, of visit: inout Visit, _ persons: [PersonOnFile], _ outbox: inout Outbox
  ) {
    let opening = visit.household.openings[index]
    let events = visit.household.events(goingWith: index)
    let leaving = persons.homes(
      of: events, insteadOf: visit.household.key, subject: opening.subject, now: visit.now)
    guard !leaving.isEmpty else { return }
    for (home, events) in leaving {
      var part = opening
      part.triggers = events
      let fired = visit.household.fired.filter { $0.isOf(part) }
      let handover = Handover(openings: [part], fired: fired)
      outbox.send(home, .handover(person: nil, epoch: 0, referrals: handover.encoded()))
      // The decision to come releases what is open from the events that have left.
      if opening.phase == .closed {
        visit.household.openings[index].triggers.removeAll(where: events.contains)
        visit.household.fired.removeAll { $0.isOf(part) }
      }
    }
    guard leaving.flatMap(\.events).count == events.count else { return }
    for referral in opening.referrals {
      outbox.send(
        .events,
        RegisterMessage.referralOpened(referral: referral.id, household: leaving[0].home))
    }
    if opening.phase == .closed {
      visit.household.spend(opening)
      visit.household.openings.remove(at: index)
    } else {
      engine.withdraw(
        &visit, persons: persons, reason: .superseded, outbox: &outbox, where: { $0 == opening })
    }
  }
}

extension HouseholdState {
  /// The events with which an opening goes to another household, since something has come about that
  /// the other cannot know: those it rests on, and those for which its answer stands.
  fileprivate func events(goingWith index: Int) -> [EventKey] {
    let opening = openings[index]
    switch opening.phase {
    case .open: return opening.referrals.allSatisfy(\.isUntouched) ? [] : opening.triggers
    case .closed:
      let others = openings.filter { $0.rule == opening.rule && $0.subject == opening.subject }
      guard opening.ordinal == others.map(\.ordinal).max() else { return opening.triggers }
      let answered = fired.filter { fired in
        fired.rule == opening.rule && fired.subject == opening.subject
          && !others.contains { $0.triggers.contains(fired.event) }
      }
      return opening.triggers + answered.map(\.event)
    case .holding, .withdrawn, .shadow: return []
    }
  }
}

extension [PersonOnFile] {
  /// The events that are of none of a household's people any more, by the household that they belong
  /// to, the subject's home first.
  fileprivate func homes(
    of events: [EventKey], insteadOf key: HouseholdKey, subject: CitizenID?, now: Instant
  ) -> [(home: HouseholdKey, events: [EventKey])] {
    var leaving: [(home: HouseholdKey, events: [EventKey])] = []
    for event in events {
      guard let (home, isSubjects) = home(of: event, insteadOf: key, subject: subject, now: now)
      else { continue }
      if let at = leaving.firstIndex(where: { $0.home == home }) {
        leaving[at].events.append(event)
      } else {
        leaving.insert((home, [event]), at: isSubjects ? 0 : leaving.count)
      }
    }
    return leaving
  }

  /// Where an event belongs that is of none of a household's people any more: the home of the
  /// subject, else of another of its people; for those without one, that of their own. Nil where it
  /// stays.
  private func home(
    of event: EventKey, insteadOf key: HouseholdKey, subject: CitizenID?, now: Instant
  ) -> (home: HouseholdKey, isSubjects: Bool)? {
    var found: (home: HouseholdKey, isSubjects: Bool)?
    for person in self {
      guard let index = person.view.log.index(of: event) else { continue }
      let effective = person.view.log.event(index).effective
      let home =
        person.view.home(forEventAt: effective, now: now) ?? HouseholdKey(provisional: person.id)
      if home == key { return nil }
      if found == nil || person.id == subject { found = (home, person.id == subject) }
    }
    return found
  }
}

extension Fired {
  fileprivate func isOf(_ opening: Opening) -> Bool {
    rule == opening.rule && subject == opening.subject && opening.triggers.contains(event)
  }
}

extension PersonView {
  /// The household that counts for the decision on an event: the one from before its day, without
  /// one the one of now (semantics 28 and 9).
  func home(forEventAt effective: Instant, now: Instant) -> HouseholdKey? {
    let dawn = Instant(microseconds: Instant(startOf: effective.date).microseconds - 1)
    return home(at: dawn) ?? home(at: now) ?? home(at: .distantFuture)
  }
}

extension Desk {
  /// What is under way upon an event in another household goes on in what the same event has opened
  /// here meanwhile.
  mutating func carryOnAdopted() {
    for former in household.adopted {
      guard let index = household.liveOpening(former.rule, former.subject),
        household.openings[index].phase == .open,
        household.openings[index].triggers.contains(where: former.triggers.contains)
      else { continue }
      let rule = pack.rule(thatOpened: former.rule)
      for at in household.openings[index].referrals.indices {
        var referral = household.openings[index].referrals[at]
        let revision = referral.revision
        guard referral.isUntouched,
          let earlier = handedOver(
            referral.receiver, entry: referral.entry, area: referral.area, rule, former.subject),
          !earlier.isUntouched, earlier.state != .withdrawn
        else { continue }
        referral.carryOn(from: earlier, now: now)
        keepAssignee(of: earlier, in: &referral)
        referral.revision = revision + 1
        household.openings[index].referrals[at] = referral
        publish(referral, rule, household.openings[index])
      }
      closeIfDone(index)
    }
  }

  /// Whether an opening that was handed over waits for its events to come here too.
  func isAwaited(_ opening: Opening) -> Bool {
    !opening.triggers.isEmpty && !opening.triggers.contains(where: file.holds)
      && now <= eventWindow.deadline(from: opening.openedBy, calendar: pack.calendar)
  }

  /// What another household has done upon an event is not asked for here as well.
  mutating func giveWay(to done: [Opening]) {
    for former in done {
      guard let rule = pack.rule(former.rule) else { continue }
      for index in household.openings.indices where household.openings[index].isLive {
        let opening = household.openings[index]
        guard opening.rule == former.rule, opening.subject == former.subject,
          opening.triggers.contains(where: former.triggers.contains),
          opening.triggers.allSatisfy({
            former.triggers.contains($0) || isAnswered(rule, since: former.since, $0)
          })
        else { continue }
        withdraw(index, .superseded)
        for trigger in opening.triggers {
          household.fired.append(
            Fired(
              rule: rule.id, event: trigger, subject: opening.subject,
              effective: file.effective(trigger) ?? opening.openedBy))
        }
      }
    }
  }
}

extension Referral {
  /// Nothing has happened to it since it opened.
  fileprivate var isUntouched: Bool { state == .requested && self.history.count <= 1 }
}
