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
    var writer = ByteWriter()
    writer.list(openings) { $0.opening($1) }
    writer.list(fired) { $0.fired($1) }
    writer.list(events) { $0.eventEntry($1) }
    return writer.bytes
  }

  init(openings: [Opening], fired: [Fired], events: [EventEntry] = []) {
    self.openings = openings
    self.fired = fired
    self.events = events
  }

  init(_ bytes: [UInt8]) throws(DecodingFailure) {
    let result: Result<Handover, DecodingFailure> = bytes.withUnsafeBytes { bytes in
      var reader = ByteReader(bytes)
      do throws(DecodingFailure) {
        return .success(
          Handover(
            openings: try reader.list { r throws(DecodingFailure) in try r.opening() },
            fired: try reader.list { r throws(DecodingFailure) in try r.fired() },
            events: try reader.list { r throws(DecodingFailure) in try r.eventEntry() }))
      } catch {
        return .failure(error)
      }
    }
    self = try result.get()
  }
}

extension HouseholdsStage {
  /// What was done upon an event counts in the household to which the event turns out to belong,
  /// since a notice about the person's home came later (semantics 13 and 28): as if that notice had
  /// come first.
  func handOn(_ visit: inout Visit, _ persons: [PersonOnFile], _ outbox: inout Outbox) {
    // Where people live changes without a list of changes.
    guard visit.household.key.registryID != nil, visit.household.pendingChanges == nil,
      visit.household.openings.contains(where: { $0.phase == .closed && !$0.triggers.isEmpty })
    else { return }
    var moved: [(home: HouseholdKey, opening: Opening)] = []
    let now = visit.now
    let key = visit.household.key
    var kept: [Opening] = []
    for opening in visit.household.openings {
      if let home = opening.home(among: persons, insteadOf: key, now: now) {
        moved.append((home, opening))
        visit.household.spend(opening)
      } else {
        kept.append(opening)
      }
    }
    visit.household.openings = kept
    for (home, opening) in moved {
      let fired = visit.household.fired.filter { $0.isOf(opening) }
      visit.household.fired.removeAll { $0.isOf(opening) }
      let handover = Handover(openings: [opening], fired: fired)
      outbox.send(home, .handover(person: nil, epoch: 0, referrals: handover.encoded()))
      for referral in opening.referrals {
        outbox.send(.events, RegisterMessage.referralOpened(referral: referral.id, household: home))
      }
    }
  }
}

extension Opening {
  /// Where a closed opening belongs that rests on nothing of this household's people any more: the
  /// home of its subject, else of another person of its events. Nil where it stays.
  fileprivate func home(
    among persons: [PersonOnFile], insteadOf key: HouseholdKey, now: Instant
  ) -> HouseholdKey? {
    guard phase == .closed else { return nil }
    var found: HouseholdKey?
    for trigger in triggers {
      for person in persons {
        guard let index = person.view.log.index(of: trigger),
          let home = person.view.home(
            forEventAt: person.view.log.event(index).effective, now: now)
        else { continue }
        if home == key { return nil }
        if found == nil || person.id == subject { found = home }
      }
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
  /// What another household has done upon an event is not asked for here as well.
  mutating func giveWay(to done: [Opening]) {
    for former in done {
      guard let rule = pack.rule(former.rule) else { continue }
      for index in household.openings.indices where household.openings[index].isLive {
        let opening = household.openings[index]
        guard opening.rule == former.rule, opening.subject == former.subject,
          opening.triggers.contains(where: former.triggers.contains),
          opening.triggers.allSatisfy(former.triggers.contains)
            || isWithinDedup(rule, closedAt: former.since)
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
