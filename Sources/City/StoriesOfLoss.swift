import Vocabulary

/// Stories of death, custody and family.
extension Life {
  func tellOfDeath(_ story: Story, _ day: Int, _ time: Int32) {
    switch story {
    case .recipientDies:
      guard let cast = aidedCast(day, adults: 2, at: time) else { return }
      die(cast.adults[0], day, at: time, soon())
    case .paidAfterDeath:
      guard let cast = aidedCast(day, at: time), let person = cast.adults.first else { return }
      // Dead for five days, paid two days ago, known today.
      die(person, day, at: time - 5 * 86_400, .exact(5 * 86_400 + 900))
      pay(person, .dibao, at: time - 2 * 86_400, .exact(2 * 86_400))
    case .identityClash:
      guard let cast = cast(day, { cast, _ in cast.adults.count >= 2 }) else { return }
      die(cast.adults[0], day, at: time - 3 * 86_400, .exact(3 * 86_400 - 3600))
      transact(
        cast.adults[0], item: items.everyday(&random), inquiry: nil, single: true, note: .clash,
        at: openingTime(day))
    case .elderLeftAlone:
      let found = cast(day) { cast, _ in
        cast.couple.count == 2 && cast.adults.count == 2 && cast.children.isEmpty
          && cast.couple.allSatisfy { self.age($0, day) >= 71 }
      }
      guard let found else { return }
      die(found.couple[0], day, at: time, soon())
    case .orphaned:
      guard let found = cast(day, { $0.couple.count == 2 && !$0.children.isEmpty && $1.count < 6 })
      else { return }
      strike(found.couple[0], kind: 1, at: time)
      die(found.couple[0], day, at: time + 3600, soon())
      die(found.couple[1], day, at: time + 5400, soon())
      nameGuardian(of: found.children[0], day, at: later(time, 2) + 5700)
    case .wrongDeath:
      guard let found = aidedCast(day, adults: 2, at: time) else { return }
      let last = max(3600, min(2 * 86_400, Int(horizon - time) - 4000))
      postWrong(
        Plan(.death, .police, found.adults[0], date: dated(time)), at: time, 600,
        after: 1800...last)
    default:
      let found = cast(day) { cast, _ in
        cast.adults.count >= 2 && self.city.people[Int(cast.adults[0])].lastVisit <= day
      }
      guard let found else { return }
      correctDeath(found.adults[0], day, at: time)
    }
  }

  /// The first notice names the day of the report, the second the true day before it.
  private func correctDeath(_ person: UInt32, _ day: Int, at time: Int32) {
    set(person, .dead)
    var plan = Plan(.death, .hospital, person, date: dated(time))
    plan.note = .wrong
    let number = post(plan, at: time, .exact(300), steady: true)
    guard number != 0 else { return }
    plan.note = .correction
    plan.linked = number
    plan.x -= 1
    post(plan, at: time, .exact(5000), steady: true)
  }

  /// A court names some adult as the child's guardian.
  private func nameGuardian(of child: UInt32, _ day: Int, at time: Int32) {
    guard
      let guardian = someone(where: { person, p in
        (35..<65).contains(age(person, day)) && isFree(p)
      })
    else { return }
    var plan = Plan(.guardianship, .court, child, date: dated(time))
    plan.b = guardian
    post(plan, at: time, soon())
  }

  func tellOfCustody(_ story: Story, _ day: Int, _ time: Int32) {
    switch story {
    case .childAlone:
      let found = cast(day) { cast, _ in cast.adults.count == 1 && !cast.children.isEmpty }
      guard let found else { return }
      if options.restricted > 0, random.below(2) == 0 {
        set(found.adults[0], .detained)
        post(
          Plan(.custody, .police, found.adults[0], state: Custody.detained, date: dated(time)),
          at: time, soon())
      } else {
        hospitalise(found.adults[0], day, at: time)
      }
    case .parentsUnfit:
      guard let found = cast(day, { cast, _ in cast.couple.count == 2 && !cast.children.isEmpty })
      else { return }
      die(found.couple[0], day, at: time - 2 * 86_400, .exact(2 * 86_400))
      imprison(found.couple[1], months: random.within(8...40), day, at: time + 3600)
      guard random.below(2) == 0 else { return }
      let free = later(time, 4)
      let parent = found.couple[1]
      post(
        Plan(.custody, .prison, parent, state: Custody.released, date: dated(free)), at: free,
        soon())
    case .guardianRevoked:
      let lone = cast(day) { cast, _ in cast.couple.count == 1 && !cast.children.isEmpty }
      guard let lone else { return }
      var plan = Plan(
        .guardianStatus, .court, lone.couple[0], state: Guardian.revoked, date: dated(time))
      plan.b = lone.children[0]
      post(plan, at: time, soon())
      nameGuardian(of: lone.children[0], day, at: time + 1800)
      let then = later(time, 3)
      plan.state = UInt8(Guardian.restored)
      plan.x = dated(then)
      post(plan, at: then, soon())
    case .recipientSentenced:
      guard let found = aidedCast(day, adults: 2, at: time, { _ in true }) else { return }
      imprison(found.adults[1], months: random.within(6...30), day, at: time)
    case .recipientTreated:
      guard let found = aidedCast(day, adults: 2, at: time) else { return }
      treat(day, Drug.compulsory, found.adults[1])
      let end = later(time, 3)
      var plan = Plan(
        .drugTreatment, .drugCentre, found.adults[1], state: Drug.ended, date: dated(end))
      plan.y = 0
      post(plan, at: end, soon())
      foretell(Fate(kind: .freed, person: found.adults[1]), on: day + 3)
    case .findingOnRecipient:
      guard let found = aidedCast(day, at: time) else { return }
      post(
        Plan(.finding, .police, found.adults[0], state: random.below(2), date: dated(time)),
        at: time, soon())
    default:
      guard let found = aidedCast(day, adults: 2, as: .marginal, at: time) else { return }
      let person = found.adults[1]
      var sentence = Plan(.custody, .prison, person, state: Custody.imprisoned, date: 0)
      sentence.x = dated(time) - 200
      sentence.y = 8
      post(sentence, at: time - 200 * 86_400, .exact(200 * 86_400 - 600))
      set(person, .imprisoned)
      post(
        Plan(.custody, .prison, person, state: Custody.released, date: dated(time) + 20),
        at: time, soon())
      foretell(Fate(kind: .freed, person: person), on: day + 20)
    }
  }

  func tellOfFamily(_ story: Story, _ day: Int, _ time: Int32) {
    switch story {
    case .recipientMarries:
      let single = { (cast: Cast) in
        cast.couple.count == 1 && (20..<55).contains(self.age(cast.couple[0], day))
      }
      guard let found = aidedCast(day, at: time, single) else { return }
      let spouse = cast(day) { other, _ in
        guard other.couple.count == 1 else { return false }
        let p = self.city.people[Int(other.couple[0])]
        return p.hukou >= firstElsewhere && (20..<55).contains(self.age(other.couple[0], day))
          && p.isMale != self.city.people[Int(found.couple[0])].isMale
      }
      guard let spouse else { return }
      var plan = Plan(.marriage, .marriages, found.couple[0], date: dated(time))
      plan.b = spouse.couple[0]
      post(plan, at: time, soon())
      moveTogether(found.couple[0], spouse.couple[0], day, at: later(time, 1))
    case .parentsDivorce:
      let parents = { (cast: Cast) in cast.couple.count == 2 && !cast.children.isEmpty }
      guard let found = aidedCast(day, as: .marginal, at: time, parents) else { return }
      divorce(found.couple[1], found.couple[0], day, at: time)
    case .bornIntoAid:
      let fertile = { (cast: Cast) in
        cast.couple.contains { person in
          !self.city.people[Int(person)].isMale && (22..<43).contains(self.age(person, day))
        }
      }
      guard let found = aidedCast(day, at: time, fertile),
        let mother = found.couple.first(where: { !city.people[Int($0)].isMale })
      else { return }
      bear(mother, day, at: time)
    case .recipientsMove:
      guard let found = aidedCast(day, at: time) else { return }
      moveHousehold(found.household, day, at: time, register: random.below(2) == 0)
    case .registeredElsewhere:
      let found = cast(day) { _, home in
        home.hukouStreet != Household.elsewhere && home.hukouStreet != home.street
          && home.programme == .none
      }
      guard let found else { return }
      aid(found, as: .marginal, at: time)
      postComposition(found.household, at: time, asOf: dated(time), .exact(120))
      transact(found.adults[0], item: items.everyday(&random), at: openingTime(day))
    default:
      let found = cast(day) { cast, home in
        home.hukouStreet == Household.elsewhere && home.programme == .none
          && self.city.people[Int(cast.adults[0])].hukou >= firstElsewhere
      }
      guard let found else { return }
      aid(found, as: .temporary, at: time)
      var plan = Plan(.residence, .police, found.adults[0], state: Residence.permitLapsed, date: 0)
      plan.x = dated(time)
      clear(found.adults[0], .permit)
      post(plan, at: time, soon())
    }
  }
}
