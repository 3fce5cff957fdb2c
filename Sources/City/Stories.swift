import Vocabulary

/// A scripted life story: a few events about one household that together call for help of one
/// kind. Each touches at least one rule family; the letters are the rules it is written for.
enum Story: Int, CaseIterable {
  /// A01, A02: a recipient dies and leaves others.
  case recipientDies
  /// A03: the office pays after a death whose notice comes late.
  case paidAfterDeath
  /// A04: someone uses a dead person's id at a window.
  case identityClash
  /// A05: a lone parent is taken away.
  case childAlone
  /// A06, A08: one parent dead, the other sentenced, then released early.
  case parentsUnfit
  /// A06, A08: a court takes a parent's guardianship, names another guardian, and gives it back.
  case guardianRevoked
  /// A07: both parents die; a guardian is named.
  case orphaned
  /// A09: a recipient is sentenced.
  case recipientSentenced
  /// A10, A13: a recipient is in compulsory treatment, which then ends.
  case recipientTreated
  /// A11: drugs or gambling found with a recipient.
  case findingOnRecipient
  /// A12: release in under 30 days.
  case releaseAhead
  /// A14, A15: a recipient marries someone registered elsewhere, who moves in.
  case recipientMarries
  /// A16: parents on the margin divorce.
  case parentsDivorce
  /// A17: a child is born into assistance.
  case bornIntoAid
  /// A18: recipients move to another street.
  case recipientsMove
  /// A19: a marginal household lives elsewhere than it is registered.
  case registeredElsewhere
  /// A20: the residence permit of a helped family lapses.
  case permitLapses
  /// B01, B02: the only earner loses the job; the benefit ends in seven weeks.
  case onlyEarnerJobless
  /// B03: nobody in a dibao household works any more.
  case nobodyWorks
  /// B04: three offers refused.
  case offersRefused
  /// B05: a recipient finds work.
  case recipientEmployed
  /// B06: a newcomer without work, income and insurance asks at the window.
  case newcomerInNeed
  /// C01, C02: serious illness and its bills on the margin.
  case illnessOnMargin
  /// C03: fire or accident.
  case emergency
  /// C04: a severe disability.
  case severelyDisabled
  /// C05: the certificate that a benefit hangs on is cancelled.
  case certificateCancelled
  /// C06: the carer of someone who cannot care for themselves goes to hospital.
  case carerLost
  /// D01, D02: someone in an aided household comes of age, or an elder reaches a round age.
  case comingOfAge
  /// D03: one of an old couple dies.
  case elderLeftAlone
  /// E01: an application is rejected.
  case rejected
  /// E02, E03: an exit from assistance; one in three returns.
  case exited
  /// E04: a certification ends in four weeks.
  case expiring
  /// E05: recipients with further needs.
  case needsRemain
  /// E06: three signals at windows and no application.
  case repeatedSignals
  /// E07: a call or letter for help.
  case callForHelp
  /// A neighbour tells of an elder who needs care.
  case neighbourTip
  /// F03: a wrong notice of death, taken back.
  case wrongDeath
  /// A notice of death with the wrong day, corrected.
  case correctedDeath

  /// Shown only where `CityOptions.restricted` is above 0.
  var isRestricted: Bool {
    switch self {
    case .parentsUnfit, .guardianRevoked, .recipientSentenced, .recipientTreated,
      .findingOnRecipient, .releaseAhead:
      true
    default: false
    }
  }
}

extension Life {
  /// Begins the day's stories, each kind in turn; a story that finds no fitting household is
  /// skipped.
  func tellStories(_ day: Int) {
    let most = max(1, city.households.count / 20)
    let count = min(most, random.poisson(options.storyRate))
    // The first day shows every kind it has room for.
    let wanted =
      day == 0 && options.storyRate >= 36
      ? min(most, max(count, Story.allCases.count)) : count
    for _ in 0..<wanted {
      guard let story = Story(rawValue: storyTurn % Story.allCases.count) else { continue }
      storyTurn += 1
      if story.isRestricted, options.restricted <= 0 { continue }
      tell(story, day, at: storyTime(day))
    }
  }

  /// From 8 to 18 o'clock, with two hours left for what follows.
  private func storyTime(_ day: Int) -> Int32 {
    let first = Int32(day * 86_400)
    let last = min(first + 18 * 3600, horizon - 7200)
    let start = min(first + 8 * 3600, max(first, last - 3600))
    return start + Int32(random.below(max(1, Int(last - start))))
  }

  /// Some days after a moment, or some half-hours where the city ends before.
  func later(_ time: Int32, _ days: Int) -> Int32 {
    let then = time + Int32(days) * 86_400
    return then + 3 * 3600 < horizon ? then : min(time + Int32(days) * 1500, horizon - 1800)
  }

  func soon() -> Delay { .exact(Int32(random.within(20...600))) }

  private func tell(_ story: Story, _ day: Int, at time: Int32) {
    switch story {
    case .recipientDies, .paidAfterDeath, .identityClash, .elderLeftAlone, .wrongDeath,
      .correctedDeath, .orphaned:
      tellOfDeath(story, day, time)
    case .childAlone, .parentsUnfit, .guardianRevoked, .recipientSentenced, .recipientTreated,
      .findingOnRecipient, .releaseAhead:
      tellOfCustody(story, day, time)
    case .recipientMarries, .parentsDivorce, .bornIntoAid, .recipientsMove, .registeredElsewhere,
      .permitLapses:
      tellOfFamily(story, day, time)
    case .onlyEarnerJobless, .nobodyWorks, .offersRefused, .recipientEmployed, .newcomerInNeed:
      tellOfWork(story, day, time)
    case .illnessOnMargin, .emergency, .severelyDisabled, .certificateCancelled, .carerLost,
      .comingOfAge:
      tellOfHealth(story, day, time)
    case .rejected, .exited, .expiring, .needsRemain, .repeatedSignals, .callForHelp,
      .neighbourTip:
      tellOfAid(story, day, time)
    }
  }

  // MARK: Casting

  /// The people of a story: a household that is in no other.
  struct Cast {
    let household: UInt32
    let adults: [UInt32]
    let children: [UInt32]
    let couple: [UInt32]
  }

  /// Draws households until one fits, and keeps other stories away from it.
  func cast(_ day: Int, _ fits: (Cast, Household) -> Bool) -> Cast? {
    for _ in 0..<800 {
      let household = UInt32(random.below(city.households.count))
      let home = city.households[Int(household)]
      guard !home.flags.contains(.busy) else { continue }
      let living = city.living(household)
      guard !living.isEmpty, !living.contains(where: { isAway($0.person) }) else { continue }
      let cast = Cast(
        household: household,
        adults: living.filter { age($0.person, day) >= 19 && $0.relation < 98 }.map(\.person),
        children: living.filter { age($0.person, day) < 15 }.map(\.person),
        couple: living.filter { $0.relation == 2 || $0.relation == 10 }.map(\.person))
      guard !cast.adults.isEmpty, fits(cast, home) else { continue }
      city.households[Int(household)].flags.insert(.busy)
      foretell(Fate(kind: .idle, person: household), on: day + 15)
      return cast
    }
    return nil
  }

  /// A household of some adults that is in a programme, granted 40 days ago where it was in none.
  func aidedCast(
    _ day: Int, adults: Int = 1, as programme: Programme = .dibao, at time: Int32,
    tied: Bool = false,
    _ fits: (Cast) -> Bool = { _ in true }
  ) -> Cast? {
    let found = cast(day) { cast, home in
      cast.adults.count >= adults && fits(cast)
        && (home.programme == .none || home.programme == programme && !tied)
    }
    guard let found else { return nil }
    aid(found, as: programme, tied: tied, at: time)
    return found
  }

  func aid(
    _ cast: Cast, as programme: Programme, tied: Bool = false, term: Int? = nil,
    at time: Int32
  ) {
    guard city.households[Int(cast.household)].programme == .none else { return }
    decide(
      cast.household, applicant: cast.adults[0], .granted, programme: programme, tied: tied,
      term: term ?? (programme.term > 0 ? programme.term : nil),
      at: time - 40 * 86_400, .exact(40 * 86_400 - 1500))
    for adult in cast.adults {
      city.people[Int(adult)].income = UInt16(random.within(20...70))
      earn(
        adult, fen: Int(city.people[Int(adult)].income) * 1000 + random.below(1000),
        month: CivilDate(dayNumber: dated(time)).firstOfMonth.adding(months: -1).dayNumber,
        at: time - 1400, .exact(40))
    }
  }
}

extension CivilDate {
  var firstOfMonth: CivilDate { adding(days: 1 - day) }
}
