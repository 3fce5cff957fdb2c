import Vocabulary

/// Twenty bytes about a resident.
struct Person {
  var household: UInt32
  /// Days from 1900-01-01.
  var birth: UInt16
  /// The three digits before the check character; odd for men.
  var sequence: UInt16
  /// Index of the (never assigned) region code of the citizen id.
  var region: UInt8
  /// GB/T 4761 code to the householder.
  var relation: UInt8
  /// Index into `hukouCodes`.
  var hukou: UInt8
  /// Category times 16 plus grade; 0 for none.
  var disability: UInt8
  var state: PersonState
  /// Monthly income in units of 10 yuan.
  var income: UInt16
  /// Index into `surnames`.
  var surname: UInt8
  /// Index into `givenNames`.
  var given: UInt8
  /// The last day on which the person was at a window, plus one; 0 for none.
  var lastVisit: UInt16 = 0

  var isMale: Bool { sequence & 1 == 1 }
  var isDead: Bool { state.contains(.dead) }
  var needsCare: Bool { state.contains(.dependent) }
}

struct PersonState: OptionSet {
  let rawValue: UInt16
  static let dead = PersonState(rawValue: 1)
  static let detained = PersonState(rawValue: 2)
  static let imprisoned = PersonState(rawValue: 4)
  static let compulsory = PersonState(rawValue: 8)
  static let hospital = PersonState(rawValue: 16)
  static let missing = PersonState(rawValue: 32)
  static let employed = PersonState(rawValue: 64)
  static let insured = PersonState(rawValue: 128)
  static let benefit = PersonState(rawValue: 256)
  static let illness = PersonState(rawValue: 512)
  /// Cannot care for themselves at all.
  static let dependent = PersonState(rawValue: 1024)
  /// In community correction or community drug treatment: at home.
  static let supervised = PersonState(rawValue: 2048)
  static let permit = PersonState(rawValue: 4096)

  /// Cannot come to a window.
  static let away: PersonState = [.detained, .imprisoned, .compulsory, .hospital, .missing]
}

/// Sixteen bytes about a household.
struct Household {
  /// Index of the first person; the members of the initial load follow each other.
  var first: UInt32
  var count: UInt8
  var street: UInt8
  var committee: UInt8
  /// Street where the household is registered; `Household.elsewhere` outside Shanghai.
  var hukouStreet: UInt8
  var programme: Programme
  var flags: HouseholdFlags
  /// Last day of the programme, days from 1900-01-01; 0 for none.
  var until: UInt16

  static let elsewhere = UInt8(255)
  var place: Place { Place(street: Int(street), committee: Int(committee)) }
}

struct HouseholdFlags: OptionSet {
  let rawValue: UInt8
  /// Incomes are reported monthly.
  static let watched = HouseholdFlags(rawValue: 1)
  /// Part of a story: no other story takes it.
  static let busy = HouseholdFlags(rawValue: 2)
  /// Has applied and waits for the decision.
  static let applied = HouseholdFlags(rawValue: 4)
  /// Has a composition of its own in `Population.changed`.
  static let changed = HouseholdFlags(rawValue: 8)
}

/// The programmes of `assistance.decision`.
enum Programme: UInt8, CaseIterable {
  case none, dibao, tekun, marginal, rigid, temporary, medical, education, housing, employment

  var isAid: Bool { self == .dibao || self == .tekun }
  var isEdge: Bool { self == .marginal || self == .rigid }
  /// Longest term in days; 0 without an end.
  var term: Int {
    switch self {
    case .none, .tekun: 0
    case .temporary: 90
    default: 365
    }
  }
}

/// A member of a household with the relation that its composition names.
struct Member: Equatable {
  let person: UInt32
  let relation: UInt8
}

/// All residents and households, in compact arrays.
struct Population {
  /// Day number of 1900-01-01, the first birth date.
  static let epoch: Int32 = -25_567
  /// Region codes 310160 to 310199 have never been assigned: no id of the city can be a real
  /// person's.
  static let firstRegion = 310_160
  static let regions = 40
  static let nobody = UInt32.max

  let places: Places
  /// The civil day on which ages are counted when the city is made.
  let base: CivilDate
  var people: [Person] = []
  var households: [Household] = []
  /// Compositions that changed since the initial load.
  var changed: [UInt32: [Member]] = [:]
  /// Guardians who live elsewhere, of children who live with their grandparents.
  var guardians: [UInt32: (UInt32, UInt32)] = [:]
  /// Households in a programme, and households whose incomes are reported.
  var aided: [UInt32] = []
  var watched: [UInt32] = []
  var aidedCount = 0
  /// Records of the initial load.
  var loadCount = 0
  private var used: [UInt16]

  init(places: Places, base: CivilDate) {
    self.places = places
    self.base = base
    used = [UInt16](repeating: 0, count: Population.regions * 65_536 * 2)
  }

  /// Adds a person with an id that no other has; returns the index.
  @discardableResult
  mutating func add(
    birth: CivilDate, male: Bool, household: UInt32, relation: UInt8, hukou: UInt8,
    surname: UInt8, _ random: inout SeededRandom
  ) -> UInt32 {
    let day = UInt16(clamping: birth.dayNumber - Population.epoch)
    var region = random.below(Population.regions)
    var slot = 0
    for _ in 0..<Population.regions {
      slot = (region << 17) | (Int(day) << 1) | (male ? 1 : 0)
      if used[slot] < 500 { break }
      region = (region + 1) % Population.regions
    }
    let sequence = used[slot] * 2 + (male ? 1 : 0)
    used[slot] += 1
    people.append(
      Person(
        household: household, birth: day, sequence: sequence, region: UInt8(region),
        relation: relation, hukou: hukou, disability: 0, state: [], income: 0, surname: surname,
        given: UInt8(random.below(givenNames.count))))
    return UInt32(people.count - 1)
  }

  func birthDate(_ person: UInt32) -> CivilDate {
    CivilDate(dayNumber: Int32(people[Int(person)].birth) + Population.epoch)
  }

  func citizenID(_ person: UInt32) -> CitizenID {
    let p = people[Int(person)]
    let (year, month, day) = birthDate(person).components
    let birth = UInt64(year * 10_000 + month * 100 + day)
    let region = UInt64(Population.firstRegion + Int(p.region))
    return CitizenID(
      validatedDigits: region * 100_000_000_000 + birth * 1000 + UInt64(p.sequence))
  }

  /// Age in years of 365.25 days: close enough to choose people by; exact ages are the reader's.
  @inline(__always)
  func age(_ person: UInt32, on day: Int32) -> Int {
    Int(day - Population.epoch - Int32(people[Int(person)].birth)) * 4 / 1461
  }

  /// Everyone the household's latest composition names, also the dead.
  func members(_ household: UInt32) -> [Member] {
    let home = households[Int(household)]
    if home.flags.contains(.changed), let members = changed[household] { return members }
    return (home.first..<home.first + UInt32(home.count)).map {
      Member(person: $0, relation: people[Int($0)].relation)
    }
  }

  func living(_ household: UInt32) -> [Member] {
    members(household).filter { !people[Int($0.person)].isDead }
  }

  mutating func setMembers(_ members: [Member], of household: UInt32) {
    changed[household] = members
    households[Int(household)].flags.insert(.changed)
    for member in members {
      people[Int(member.person)].household = household
      people[Int(member.person)].relation = member.relation
    }
  }
}

/// Codes of registration: the districts of Shanghai, then other provinces.
let hukouCodes: [Int] =
  districtTable.map(\.code) + [
    320_000, 330_000, 340_000, 350_000, 360_000, 370_000, 410_000, 420_000, 430_000, 440_000,
    500_000, 510_000, 520_000, 610_000, 620_000, 210_000, 220_000, 230_000,
  ]
/// The first index of `hukouCodes` outside Shanghai.
let firstElsewhere = districtTable.count
