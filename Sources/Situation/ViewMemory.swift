import Expression
import Policy
import Vocabulary

/// What a viewpoint has shown so far: lists, people, derived values. Kept as long as the file is
/// the same, so that going back to a viewpoint costs nothing.
final class ViewMemory {
  var view = Viewpoint.now(.distantPast)
  /// Lists handed out; a `HostList.index` is a position here.
  var lists: [Situation.ObjectList] = []
  /// Where a list is, and until when it stands.
  var listPositions = SlotTable<(position: UInt32, validUntil: Instant)>()
  var derived = SlotTable<DerivedValue>()
  var programmes: (programmes: [Programme], validUntil: Instant)?
  var members: [Int]?
  var area: (subdistrict: String, committee: String)?
  var district: String?
  var people: People?
  var parameters: (values: [Value], resolved: ResolvedParameters)?

  /// Starts anew for a viewpoint.
  func begin(_ view: Viewpoint) {
    self.view = view
    lists.removeAll(keepingCapacity: true)
    listPositions.removeAll()
    derived.removeAll()
    programmes = nil
    members = nil
    area = nil
    district = nil
    people = nil
    parameters = nil
  }
}

/// A derived fact as evaluated, and until when it stands.
struct DerivedValue {
  let value: Value
  let validUntil: Instant
}

/// Values by (object, slot), forgotten at once and often: a small table with linear probing whose
/// entries belong to a generation.
struct SlotTable<Element> {
  private var keys: [UInt64] = Array(repeating: 0, count: 32)
  private var generations: [UInt32] = Array(repeating: 0, count: 32)
  private var elements: [Element?] = Array(repeating: nil, count: 32)
  private var generation: UInt32 = 1
  private var count = 0

  mutating func removeAll() {
    guard count > 0 else { return }
    count = 0
    generation &+= 1
    if generation == 0 {
      generations = Array(repeating: 0, count: generations.count)
      generation = 1
    }
  }

  subscript(object: ObjectRef, slot: UInt16) -> Element? {
    let at = position(SlotTable.key(object, slot))
    return generations[at] == generation ? elements[at] : nil
  }

  mutating func set(_ object: ObjectRef, _ slot: UInt16, _ element: Element) {
    if count * 2 >= keys.count { grow() }
    let key = SlotTable.key(object, slot)
    let at = position(key)
    if generations[at] != generation { count += 1 }
    keys[at] = key
    generations[at] = generation
    elements[at] = element
  }

  /// Where the key is, or would be.
  private func position(_ key: UInt64) -> Int {
    let mask = keys.count - 1
    var at = Int(truncatingIfNeeded: (key &* 0x9E37_79B9_7F4A_7C15) >> 40) & mask
    while generations[at] == generation, keys[at] != key { at = (at + 1) & mask }
    return at
  }

  private mutating func grow() {
    let old = self
    let capacity = keys.count * 2
    keys = Array(repeating: 0, count: capacity)
    generations = Array(repeating: 0, count: capacity)
    elements = Array(repeating: nil, count: capacity)
    generation = 1
    for at in old.keys.indices where old.generations[at] == old.generation {
      let to = position(old.keys[at])
      keys[to] = old.keys[at]
      generations[to] = 1
      elements[to] = old.elements[at]
    }
  }

  private static func key(_ object: ObjectRef, _ slot: UInt16) -> UInt64 {
    UInt64(object.type) << 48 | UInt64(object.index) << 16 | UInt64(slot)
  }
}
