/// Who belongs to the household at the viewpoint, and what viewpoints take over from one another.
extension Situation {
  /// Indexes of the living members at the viewpoint.
  public var members: [Int] {
    var found: [Int] = []
    eachMember { found.append($0) }
    return found
  }

  /// Whether anybody is.
  public var hasMembers: Bool {
    memberBits != 0
      || (People.bits..<max(People.bits, sight.pointee.personCount)).contains(where: lives)
  }

  /// Goes through the living members at the viewpoint, by index.
  func eachMember(_ body: (Int) -> Void) {
    var left = memberBits
    while left != 0 {
      body(left.trailingZeroBitCount)
      left &= left &- 1
    }
    for index in People.bits..<max(People.bits, sight.pointee.personCount)
    where lives(index) { body(index) }
  }

  /// Whether a person is one of them.
  func isMember(_ index: Int) -> Bool {
    index < People.bits ? memberBits & (1 << UInt64(index)) != 0 : lives(index)
  }

  /// Those of the first people who are members, by bit.
  private var memberBits: UInt64 {
    let known = current._withUnsafeGuaranteedRef { $0.members } ?? findMembers()
    rest(on: known.standing)
    return known.found
  }

  @inline(never)
  private func findMembers() -> Found<UInt64> {
    let found =
      kin(\.members)
      ?? standing(of: {
        (0..<min(People.bits, sight.pointee.personCount)).reduce(0) {
          lives($1) ? $0 | 1 << UInt64($1) : $0
        }
      })
    memory.members = found
    return found
  }

  /// Alive and of this household, away or not (semantics 5).
  private func lives(_ index: Int) -> Bool {
    guard livesHere(index) else { return false }
    guard isStated(People.dead, of: index) else { return true }
    let log = sight.pointee.logs[index + 1]
    rest(on: People.dead, in: log)
    return !People.isDead(log, at: view.instant)
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
    if let subjects = current._withUnsafeGuaranteedRef({ $0.memberSubjects }) { return subjects }
    var subjects: [Int?] = []
    subjects.reserveCapacity(sight.pointee.personCount)
    eachMember { subjects.append($0) }
    memory.memberSubjects = subjects
    return subjects
  }
}
