import Policy
import Records
import Situation
import Vocabulary

/// Referrals to social resources: who is asked, what each of them has taken on, and how much of the
/// household's place is told.
///
/// Register knows what one household cannot: how many households a committee has, and how many
/// referrals a resource has. So a referral to a resource opens in two steps: the household asks,
/// and with the answer the referral is made and published for the first time.
extension Desk {
  /// Asks who can take a referral; nothing is asked where nobody fits.
  mutating func requestMatch(
    _ entry: CompiledReferral, _ position: Int, _ area: Area, _ scene: Scene
  ) {
    let subject = scene.subject.map { file.persons[$0].id }
    let candidates = router.candidates(
      category: entry.category.rawValue, needs: entry.needs, area: area, on: now.date,
      consent: consent(of: subject))
    guard !candidates.isEmpty else { return }
    let referral = identifier(entry, .resource, area.district, scene)
    watch(area.committee, asks: true)
    household.placements.awaited.append(
      Placements.Awaited(
        referral: referral, rule: scene.rule.id, subject: subject, ordinal: scene.opening.ordinal,
        entry: UInt8(clamping: position), area: area.code, at: scene.at,
        former: handedOver(
          .resource, entry: UInt8(clamping: position), area: area.code, scene.rule, subject)))
    outbox.send(
      .events,
      RegisterMessage.match(
        MatchRequest(
          referral: referral, household: household.key, committee: area.committee,
          smallest: household.placements.smallest, candidates: candidates)))
  }

  /// Register's answer: makes the referral, unless what it was for has ended meanwhile.
  mutating func take(match offered: [String], for referral: String, committeeIsLarge: Bool) {
    let candidates = offered.filter { settings.directory.resources[$0] != nil }
    guard
      let at = household.placements.awaited.firstIndex(where: { $0.referral == referral })
    else { return giveBack(referral, offered) }
    let awaited = household.placements.awaited.remove(at: at)
    if awaited.area == household.placements.watched {
      household.placements.isLarge = committeeIsLarge
    }
    guard
      let index = household.openings.firstIndex(where: {
        $0.rule == awaited.rule && $0.subject == awaited.subject && $0.ordinal == awaited.ordinal
          && $0.phase == .open
      }), let rule = pack.rule(awaited.rule), let area = Area(code: awaited.area),
      rule.referrals.indices.contains(Int(awaited.entry))
    else { return giveBack(referral, offered) }
    let opening = household.openings[index]
    let event = opening.triggers.first.flatMap(file.position)
    let subject = awaited.subject.flatMap(file.index)
    situation.look(from: .now(now, event: event))
    evaluation.begin(rule, subject: subject, event: event)
    let scene = Scene(rule: rule, subject: subject, event: event, opening: opening, at: awaited.at)
    guard
      var made = makeReferral(
        rule.referrals[Int(awaited.entry)], Int(awaited.entry), area, scene,
        candidates: candidates)
    else { return giveBack(referral, offered) }
    household.placements.places.append(
      Placements.Place(referral: referral, resource: offered.first ?? ""))
    if let former = awaited.former { made.carryOn(from: former, now: now) }
    sendAgain(made, in: index, rule)
  }

  private mutating func giveBack(_ referral: String, _ candidates: [String]) {
    guard let first = candidates.first,
      !household.placements.places.contains(where: { $0.referral == referral })
    else { return }
    outbox.send(.events, RegisterMessage.placed(referral: referral, from: first, to: ""))
  }

  /// The committee has become large enough to be named, or no longer is: the next revision of each
  /// open referral to a resource.
  mutating func take(committee: String, isLarge: Bool) {
    guard committee == household.placements.watched, isLarge != household.placements.isLarge
    else { return }
    household.placements.isLarge = isLarge
    for index in household.openings.indices {
      let rule = pack.rule(thatOpened: household.openings[index].rule)
      for at in household.openings[index].referrals.indices {
        var referral = household.openings[index].referrals[at]
        guard referral.receiver == .resource, referral.state.isOpen else { continue }
        revise(&referral, "committee", by: settings.source)
        household.openings[index].referrals[at] = referral
        publish(referral, rule, household.openings[index])
      }
    }
  }

  /// The committee as a resource may see it: left out where too few households live there.
  var shownCommittee: String {
    let committee = area.committee
    return household.placements.isLarge && committee == household.placements.watched
      ? committee : ""
  }

  /// Tells Register where the household lives, which places it takes at resources, and whether it
  /// wants to know the size of its committee. Sends nothing while nothing of that changed.
  mutating func settlePlacements(decided: Bool) {
    if decided {
      situation.look(from: .now(now))
      settleResidence()
    }
    var places: [Placements.Place] = []
    var isSharing = !household.placements.awaited.isEmpty
    let openings = household.openings
    for index in openings.indices {
      for at in openings[index].referrals.indices
      where openings[index].referrals[at].receiver == .resource
        && openings[index].referrals[at].state.isOpen
      {
        let referral = openings[index].referrals[at]
        isSharing = true
        places.append(Placements.Place(referral: referral.id, resource: referral.holder))
      }
    }
    if places != household.placements.places { settlePlaces(places) }
    if isSharing {
      situation.look(from: .now(now))
      watch(area.committee, asks: false)
    } else if !household.placements.watched.isEmpty {
      watch("", asks: false)
    }
  }

  private mutating func settleResidence() {
    let isKnown = household.key.isRegistered && !household.compositions.isEmpty
    let committee = isKnown ? area.committee : ""
    let former = household.placements.residence
    guard committee != former else { return }
    household.placements.residence = committee
    if !former.isEmpty {
      outbox.send(.events, RegisterMessage.resident(committee: former, joins: false))
    }
    if !committee.isEmpty {
      outbox.send(.events, RegisterMessage.resident(committee: committee, joins: true))
    }
  }

  private mutating func settlePlaces(_ places: [Placements.Place]) {
    let before = household.placements.places
    for old in before where !places.contains(where: { $0.referral == old.referral }) {
      outbox.send(
        .events, RegisterMessage.placed(referral: old.referral, from: old.resource, to: ""))
    }
    for new in places {
      let old = before.first { $0.referral == new.referral }?.resource ?? ""
      guard old != new.resource else { continue }
      outbox.send(
        .events, RegisterMessage.placed(referral: new.referral, from: old, to: new.resource))
    }
    household.placements.places = places
  }

  /// Watches a committee, or none where it is empty. A question about a referral (`asks`) tells
  /// Register the same, so that no message of its own is needed.
  private mutating func watch(_ committee: String, asks: Bool) {
    let smallest = committee.isEmpty ? 0 : smallestCommittee
    let former = household.placements.watched
    guard former != committee || household.placements.smallest != smallest else { return }
    if former != committee {
      if !former.isEmpty {
        outbox.send(.events, RegisterMessage.unwatch(committee: former, household: household.key))
      }
      household.placements.isLarge = false
    }
    household.placements.watched = committee
    household.placements.smallest = smallest
    guard !asks, !committee.isEmpty else { return }
    outbox.send(
      .events,
      RegisterMessage.watch(
        committee: committee, household: household.key, smallest: smallest,
        believes: household.placements.isLarge))
  }

  /// How many households a committee must have to be named (semantics 25).
  private var smallestCommittee: UInt32 {
    let number = pack.parameters.index(of: "k_anonymity").flatMap {
      situation.resolvedParameters.number($0)
    }
    return UInt32(clamping: number ?? 20)
  }

  /// In another district there may be resources that can take what nobody could in the former one.
  mutating func offerToResources(_ index: Int) {
    let opening = household.openings[index]
    guard opening.phase == .open, !opening.review, let rule = pack.rule(opening.rule)
    else { return }
    let event = opening.triggers.first.flatMap(file.position)
    situation.look(from: .now(now, event: event))
    let scene = Scene(
      rule: rule, subject: opening.subject.flatMap(file.index), event: event, opening: opening,
      at: opening.openedAt)
    for (position, entry) in rule.referrals.enumerated() where entry.to == .resource {
      guard !isAsked(position, opening), isWanted(entry, scene), !wasAnswered(position, scene)
      else { continue }
      for area in targetAreas(entry, scene) { requestMatch(entry, position, area, scene) }
    }
  }

  // MARK: Consent

  /// Consent came: what could not be shared before is offered, and open referrals to resources get
  /// the candidates that were left out (semantics 16).
  mutating func offerWithConsent(_ subject: CitizenID?) {
    for index in household.openings.indices where household.openings[index].phase == .open {
      let opening = household.openings[index]
      guard opening.subject == subject, !opening.review, let rule = pack.rule(opening.rule)
      else { continue }
      let scene = Scene(
        rule: rule, subject: subject.flatMap(file.index),
        event: opening.triggers.first.flatMap(file.position), opening: opening, at: now)
      situation.look(from: .now(now, event: scene.event))
      for (position, entry) in rule.referrals.enumerated() where entry.to == .resource {
        offer(entry, position, index, scene)
      }
    }
  }

  private mutating func offer(
    _ entry: CompiledReferral, _ position: Int, _ index: Int, _ scene: Scene
  ) {
    let opening = household.openings[index]
    guard let at = opening.referrals.firstIndex(where: { Int($0.entry) == position }) else {
      let isAsked = household.placements.awaited.contains {
        $0.belongs(to: opening) && Int($0.entry) == position
      }
      guard !isAsked, isWanted(entry, scene), !wasAnswered(position, scene) else { return }
      for area in targetAreas(entry, scene) { requestMatch(entry, position, area, scene) }
      return
    }
    var referral = opening.referrals[at]
    guard referral.state.isOpen else { return }
    let declined = referral.history.filter { $0.what == "declined" }.map(\.by)
    let more = router.candidates(
      category: referral.category, needs: referral.needs,
      area: Area(code: referral.area) ?? area, on: now.date, consent: true
    ).map(\.resource).filter { !referral.candidates.contains($0) && !declined.contains($0) }
    guard !more.isEmpty else { return }
    referral.candidates += more
    revise(&referral, "consent", by: settings.source)
    household.openings[index].referrals[at] = referral
    publish(referral, scene.rule, household.openings[index])
  }
}

extension Referral {
  /// The resource that a referral is with: the one that took it up, else the first candidate.
  var holder: String {
    if state != .requested,
      let taken = self.history.last(where: {
        ["accepted", "started", "visited"].contains($0.what) && self.candidates.contains($0.by)
      })
    {
      return taken.by
    }
    return self.candidates.first ?? ""
  }
}

extension HouseholdFile {
  /// Where an event lies in the file.
  func position(_ event: EventKey) -> EventPosition? {
    if let index = log.index(of: event) {
      return EventPosition(owner: EventPosition.household, index: index)
    }
    for owner in persons.indices {
      if let index = persons[owner].view.log.index(of: event) {
        return EventPosition(owner: owner, index: index)
      }
    }
    return nil
  }
}
