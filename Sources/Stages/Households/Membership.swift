import Records
import Streaming
import Vocabulary

extension HouseholdState {
  /// Whether whom the household is interested in may be others than before: compositions, births,
  /// guardians, and where its people live tell that, and the last comes without a list of changes.
  var mayWantOthers: Bool {
    guard let pendingChanges else { return true }
    return pendingChanges.contains {
      $0.rawValue == Membership.birth.rawValue || $0.rawValue == Membership.guardianship.rawValue
    }
  }
}

/// Whom a household is interested in, and what its registry says of each: composition notices, and
/// births to its people (semantics 5).
struct Membership {
  /// Fields that name other people whose records the household's rules read.
  static let child = FactID("event.child")
  static let parents = FactID("event.parents")
  static let guardians = FactID("event.guardians")
  static let birth = EventTypeID("notice.birth")
  static let guardianship = EventTypeID("notice.guardianship")

  /// What a household says of a person: the claims of every composition that names the person or,
  /// after one that did, leaves them out.
  static func claims(_ person: CitizenID, _ compositions: [Composition]) -> [HomeClaim] {
    var claims: [HomeClaim] = []
    for composition in compositions {
      let named = composition.member(person) != nil
      guard named || !claims.isEmpty else { continue }
      claims.append(
        HomeClaim(
          asOf: composition.asOf, time: composition.time, recorded: composition.recorded,
          source: composition.source, id: composition.id, named: named, rank: 0))
    }
    return claims
  }

  /// A newborn's claim from the birth event in a parent's record.
  static func birthClaim(_ event: EventView, rank: Int) throws(DecodingFailure) -> HomeClaim {
    let texts = try event.texts()
    return HomeClaim(
      asOf: event.effective, time: event.time, recorded: event.recorded, source: texts.source,
      id: texts.id, named: true, rank: UInt8(clamping: rank))
  }

  /// All people the household wants records of, with its claims, in a stable order.
  ///
  /// - Parameter records: the copies at hand, by person.
  static func wanted(
    _ state: HouseholdState, _ records: [(person: CitizenID, view: PersonView)]
  ) throws(DecodingFailure) -> [(person: CitizenID, claims: [HomeClaim])] {
    var claimsOf: [CitizenID: [HomeClaim]] = [:]
    var order: [CitizenID] = []
    func want(_ person: CitizenID) {
      if claimsOf[person] == nil {
        claimsOf[person] = claims(person, state.compositions)
        order.append(person)
      }
    }
    for composition in state.compositions {
      for member in composition.members {
        want(member.id)
        for guardian in member.guardians ?? [] { want(guardian) }
      }
    }
    if let person = state.key.provisionalPerson { want(person) }
    for (person, view) in records {
      try relatives(of: person, view, state, want: want) { child, claim in
        claimsOf[child, default: []].append(claim)
      }
    }
    return order.map { ($0, claimsOf[$0] ?? []) }
  }

  private static func relatives(
    of person: CitizenID, _ view: PersonView, _ state: HouseholdState,
    want: (CitizenID) -> Void, claim: (CitizenID, HomeClaim) -> Void
  ) throws(DecodingFailure) {
    let livesHere = view.lives(in: state.key, at: .distantFuture)
    for index in view.log.fields(of: parents) {
      let field = view.log.field(index)
      guard field.event.type == birth, case .persons(let parents) = try field.value() else {
        continue
      }
      let child = view.log.person(child, of: field.event.key)
      if child == person {
        // A child of this household: its parents matter wherever they live.
        if livesHere { parents.forEach(want) }
      } else if let child, let rank = parents.firstIndex(of: person),
        view.lives(in: state.key, at: field.event.effective)
      {
        want(child)
        claim(child, try birthClaim(field.event, rank: rank))
      }
    }
    guard livesHere else { return }
    for index in view.log.fields(of: guardians) {
      let field = view.log.field(index)
      guard field.event.type == guardianship,
        view.log.person(child, of: field.event.key) == person,
        case .persons(let guardians) = try field.value()
      else { continue }
      guardians.forEach(want)
    }
  }
}

extension EventLogView {
  /// The person that a field of an event names.
  func person(_ fact: FactID, of event: EventKey) -> CitizenID? {
    for index in fields(of: fact) {
      let field = field(index)
      if field.tag == .person, field.event.key == event {
        return CitizenID(validatedDigits: UInt64(bitPattern: field.scalar))
      }
    }
    return nil
  }
}
