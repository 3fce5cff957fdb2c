/// Who belongs to the household at the viewpoint, and what viewpoints take over from one another.
extension Situation {
  /// Indexes of the living members at the viewpoint.
  public var members: [Int] {
    let memory = memory
    let known = memory.members ?? kin(\.members) ?? findMembers()
    memory.members = known
    rest(on: known.standing)
    return known.found
  }

  /// Whether a person is one of them.
  func isMember(_ index: Int) -> Bool {
    guard index < People.bits else { return members.contains(index) }
    if let known = current._withUnsafeGuaranteedRef({ $0.memberBits }) {
      rest(on: known.standing)
      return known.found & (1 << UInt64(index)) != 0
    }
    let members = members
    let bits = members.reduce(UInt64(0)) { $1 < People.bits ? $0 | 1 << UInt64($1) : $0 }
    if let standing = memory.members?.standing { memory.memberBits = Found(bits, standing) }
    return members.contains(index)
  }

  /// Alive and of this household, away or not (semantics 5); indexes into the file's persons.
  private func findMembers() -> Found<[Int]> {
    guard let file else { return Found([], Standing()) }
    return standing(of: {
      var found: [Int] = []
      found.reserveCapacity(file.persons.count)
      for index in file.persons.indices where livesHere(index) {
        if isStated(People.dead, of: index) {
          let log = sight.pointee.logs[index + 1]
          rest(on: People.dead, in: log)
          if People.isDead(log, at: view.instant) { continue }
        }
        found.append(index)
      }
      return found
    })
  }

  /// What another viewpoint has found, where it is the same here.
  func kin<T>(_ found: (ViewMemory) -> Found<T>?) -> Found<T>? {
    firstKin { place in
      let known = place.pointee.memory._withUnsafeGuaranteedRef(found)
      return known.flatMap { $0.standing.covers(view.instant) ? $0 : nil }
    }
  }

  /// The first that `find` has to give of the memories whose facts may stand here too.
  @inline(__always)
  func firstKin<T>(_ find: (UnsafeMutablePointer<MemoryPlace>) -> T?) -> T? {
    let places = sight.pointee.places
    var kin = places[sight.pointee.place].kin
    while kin != 0 {
      if let found = find(places + kin.trailingZeroBitCount) { return found }
      kin &= kin - 1
    }
    return nil
  }

  /// The living members as the subjects of a rule about each of them.
  public var memberSubjects: [Int?] {
    if let subjects = memory.memberSubjects { return subjects }
    let subjects = members.map(Optional.some)
    memory.memberSubjects = subjects
    return subjects
  }
}
