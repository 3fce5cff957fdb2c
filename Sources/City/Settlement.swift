import Vocabulary

/// The shape of a household, drawn by its share.
enum Shape: Int, CaseIterable {
  case loneElder, loneAdult, couple, elderCouple, oneChild, twoChildren, threeGenerations
  case singleParent, grandparents, adultChild, flatShare, elderWithNanny

  /// Households of this shape in each 1,060.
  static let weights = [125, 160, 95, 195, 170, 40, 90, 35, 15, 85, 40, 10]
  /// Mean size that follows from the weights and the draws below.
  static let meanSize = 2.33
}

/// Peoples the city: households of plausible shapes, ages and means until `people` live in it.
struct Settlement {
  private var city: Population
  private var random: SeededRandom
  private var home = UInt32(0)
  private var hukou = UInt8(0)
  private var family = UInt8(0)
  private var loneAdults: [UInt32] = []
  private var load: [Plan] = []
  /// No one is younger on `base`: compositions dated up to 60 days before name only the born.
  private static let youngest = 70

  private init(city: Population, random: SeededRandom) {
    self.city = city
    self.random = random
  }

  static func people(_ count: Int, base: CivilDate, seed: UInt64) -> Population {
    let households = max(1, Int(Double(count) / Shape.meanSize))
    var settlement = Settlement(
      city: Population(places: Places(households: households), base: base),
      random: SeededRandom(seed: seed ^ 0x0043_4954_59))
    settlement.city.people.reserveCapacity(count + count / 100)
    settlement.city.households.reserveCapacity(households + households / 20)
    while settlement.city.people.count < count { settlement.settle(room: count) }
    return settlement.city
  }

  /// Adds one household; the last one is cut to the number of people asked for.
  private mutating func settle(room: Int) {
    let first = city.people.count
    home = UInt32(city.households.count)
    family = UInt8(random.below(surnames.count))
    let street = city.places.draw(&random)
    let local = random.below(1000) < 585
    var hukouStreet = Household.elsewhere
    if local {
      // Three in ten registered households live in another street than they are registered in.
      hukouStreet = UInt8(random.below(10) < 3 ? city.places.draw(&random) : street)
      hukou = UInt8(city.places.streets[Int(hukouStreet)].district)
    } else {
      hukou = UInt8(firstElsewhere + random.below(hukouCodes.count - firstElsewhere))
    }
    city.households.append(
      Household(
        first: UInt32(first), count: 0, street: UInt8(street),
        committee: UInt8(city.places.drawCommittee(street, &random)), hukouStreet: hukouStreet,
        programme: .none, flags: [], until: 0))
    var shape = Shape(rawValue: random.index(weights: Shape.weights)) ?? .couple
    if !local, [.loneElder, .elderCouple, .adultChild].contains(shape), random.below(10) < 3 {
      shape = random.below(2) == 0 ? .loneAdult : .oneChild
    }
    fill(shape)
    while city.people.count > room {
      city.people.removeLast()
      city.guardians[UInt32(city.people.count)] = nil
    }
    let count = city.people.count - first
    city.households[Int(home)].count = UInt8(count)
    for person in first..<city.people.count { endow(UInt32(person)) }
    assist(shape, first: first, count: count)
    load.removeAll(keepingCapacity: true)
    Load.plan(home, in: city, into: &load)
    city.loadCount += load.count
  }

  // MARK: Members

  private mutating func fill(_ shape: Shape) {
    switch shape {
    case .loneElder: adult(age: 60...92, male: random.below(100) < 38, relation: 2)
    case .loneAdult:
      let person = adult(age: 20...58, male: random.below(100) < 56, relation: 2)
      if loneAdults.count < 4096 { loneAdults.append(person) }
    case .couple: couple(age: 23...55)
    case .elderCouple: couple(age: 61...88)
    case .oneChild: children(1, of: couple(age: 26...52))
    case .twoChildren: children(2, of: couple(age: 29...50))
    case .threeGenerations:
      let head = couple(age: 28...46)
      children(random.below(10) < 8 ? 1 : 2, of: head)
      elders(of: head)
    case .singleParent:
      let head = random.within(25...50)
      adult(age: head...head, male: random.below(100) < 25, relation: 2)
      children(random.below(10) < 8 ? 1 : 2, of: head)
    case .grandparents: grandparents()
    case .adultChild:
      let head = random.within(54...80)
      let male = random.below(2) == 0
      adult(age: head...head, male: male, relation: 2)
      if random.below(10) < 6 { adult(age: (head - 4)...(head + 2), male: !male, relation: 10) }
      let son = random.below(10) < 6
      adult(age: (head - 30)...(head - 24), male: son, relation: son ? 20 : 30)
    case .flatShare:
      adult(age: 19...48, male: random.below(10) < 6, relation: 2)
      for _ in 0..<random.within(1...3) {
        adult(age: 19...48, male: random.below(10) < 6, relation: 99)
      }
    case .elderWithNanny:
      adult(age: 72...94, male: random.below(10) < 4, relation: 2)
      adult(age: 40...60, male: false, relation: 98)
    }
  }

  @discardableResult
  private mutating func adult(age: ClosedRange<Int>, male: Bool, relation: UInt8) -> UInt32 {
    // Old age thins out: the younger of two draws.
    var years = random.within(age)
    if age.upperBound > 80, random.below(2) == 0 { years = min(years, random.within(age)) }
    let days = years * 1461 / 4 + random.below(365)
    return city.add(
      birth: city.base.adding(days: -days), male: male, household: home, relation: relation,
      hukou: spread(hukou), surname: surname(relation), &random)
  }

  /// Children bear the household's name, everyone else one of their own.
  private mutating func surname(_ relation: UInt8) -> UInt8 {
    switch relation {
    case 2, 20...39, 41, 42, 51: family
    default: UInt8(random.below(surnames.count))
    }
  }

  /// Householder 02 and spouse 10; returns the householder's age.
  @discardableResult
  private mutating func couple(age: ClosedRange<Int>) -> Int {
    let husband = min(random.within(age), random.within(age) + 6)
    let male = random.below(10) < 7
    let other = max(20, husband - random.within(-1...5))
    adult(age: husband...husband, male: male, relation: 2)
    adult(age: other...other, male: !male, relation: 10)
    return husband
  }

  private mutating func children(_ count: Int, of head: Int) {
    let oldest = min(26, head - 22)
    var taken = Set<UInt8>()
    for _ in 0..<count {
      let male = random.below(1000) < 519
      let days = max(Settlement.youngest, random.below(max(1, oldest) * 365) + random.below(365))
      let codes: [UInt8] =
        count == 1 ? (male ? [21, 20] : [31, 30]) : (male ? [22, 23] : [32, 33])
      let step: UInt8 = male ? 27 : 37
      let code = random.below(100) < 3 ? step : codes.first { !taken.contains($0) } ?? 20
      taken.insert(code)
      city.add(
        birth: city.base.adding(days: -days), male: male, household: home, relation: code,
        hukou: spread(hukou), surname: family, &random)
    }
  }

  /// One or two parents of the householder or of the spouse.
  private mutating func elders(of head: Int) {
    let maleHead = city.people[Int(city.households[Int(home)].first)].isMale
    let inLaws = random.below(10) < 3
    let codes: [UInt8] = !inLaws ? [52, 51] : maleHead ? [56, 55] : [54, 53]
    let age = head + random.within(23...30)
    adult(age: age...age, male: false, relation: codes[0])
    if random.below(2) == 0 { adult(age: (age - 1)...(age + 4), male: true, relation: codes[1]) }
  }

  /// Grandparents with a grandchild whose parents live elsewhere and stay the guardians.
  private mutating func grandparents() {
    let age = random.within(52...72)
    let male = random.below(3) == 0
    adult(age: age...age, male: male, relation: 2)
    if random.below(10) < 6 { adult(age: (age - 3)...(age + 3), male: !male, relation: 10) }
    let boy = random.below(2) == 0
    let days = max(Settlement.youngest, random.below(min(17, age - 46) * 365))
    let child = city.add(
      birth: city.base.adding(days: -days), male: boy, household: home,
      relation: boy ? 41 : 42, hukou: spread(hukou), surname: family, &random)
    guard loneAdults.count >= 2 else { return }
    let at = random.below(loneAdults.count - 1)
    city.guardians[child] = (loneAdults[at], loneAdults[at + 1])
  }

  /// Most members share the household's registration; one in twenty-five has another.
  private mutating func spread(_ code: UInt8) -> UInt8 {
    random.below(25) == 0 ? UInt8(random.below(hukouCodes.count)) : code
  }

  // MARK: Means and troubles

  private mutating func endow(_ person: UInt32) {
    let age = city.age(person, on: city.base.dayNumber)
    var state: PersonState = []
    var income = 0
    if (22..<60).contains(age), random.below(100) < 78 {
      state.formUnion([.employed, .insured])
      income = 280 + max(0, Int(Double(420) * (1 + random.bell() * 0.7)))
    } else if age >= 60 {
      income = random.below(10) < 8 ? 250 + random.below(350) : 140 + random.below(60)
      state.insert(.insured)
    } else if (18..<60).contains(age) {
      if random.below(100) < 12 { state.insert(.benefit) }
      if random.below(100) < 40 { state.insert(.insured) }
      income = random.below(3) == 0 ? random.below(200) : 0
    }
    var disability = 0
    if random.below(10_000) < (age >= 60 ? 550 : age >= 18 ? 150 : 60) {
      disability = random.within(1...7) << 4 | random.within(1...4)
    }
    if age >= 78, random.below(100) < 14 { state.insert(.dependent) }
    if disability & 15 == 1, random.below(3) == 0 { state.insert(.dependent) }
    if random.below(1000) < (age >= 60 ? 16 : 5) { state.insert(.illness) }
    if age >= 18, age < 70 {
      let fate = random.below(100_000)
      if fate < 140 { state.insert(.imprisoned) } else if fate < 158 { state.insert(.compulsory) }
      if !state.isDisjoint(with: [.imprisoned, .compulsory]) {
        state.subtract([.employed, .benefit])
      }
    }
    if city.people[Int(person)].hukou >= firstElsewhere, random.below(10) < 8 {
      state.insert(.permit)
    }
    city.people[Int(person)].state = state
    city.people[Int(person)].disability = UInt8(disability)
    city.people[Int(person)].income = UInt16(clamping: income)
  }

  /// Puts 1.2% of the people into a programme and watches another 2.4%.
  private mutating func assist(_ shape: Shape, first: Int, count: Int) {
    let ill = city.people[first...].contains { $0.disability != 0 || $0.state.contains(.illness) }
    var weight = ill ? 45 : 9
    if shape == .singleParent || shape == .grandparents { weight *= 4 }
    if shape == .flatShare || shape == .couple { weight /= 3 }
    let draw = random.below(1000)
    guard draw < weight * 3, count > 0 else { return }
    city.households[Int(home)].flags.insert(.watched)
    city.watched.append(home)
    for at in first..<first + count {
      city.people[at].income = min(city.people[at].income, UInt16(90 + random.below(120)))
    }
    guard draw < weight else { return }
    let elder = shape == .loneElder && random.below(10) < 3
    let kinds: [Programme] = [
      .dibao, .marginal, .rigid, .temporary, .medical, .education, .housing,
    ]
    let programme = elder ? .tekun : kinds[random.index(weights: [54, 26, 6, 4, 4, 3, 3])]
    if programme == .dibao {
      for at in first..<first + count {
        city.people[at].income = min(city.people[at].income, UInt16(random.below(110)))
      }
    }
    city.households[Int(home)].programme = programme
    if programme.term > 0 {
      let day = city.base.adding(days: 1 + random.below(programme.term - 10))
      city.households[Int(home)].until = UInt16(clamping: day.dayNumber - Population.epoch)
    }
    city.aided.append(home)
    city.aidedCount += count
  }
}
