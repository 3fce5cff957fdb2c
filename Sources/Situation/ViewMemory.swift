import Expression
import Policy
import Vocabulary

/// What one fact showed, and when that stands.
struct Cell {
  var value: Value = .null
  var standing = Standing()
  /// The viewpoint it belongs to; zero: none.
  var generation: UInt32 = 0
}

/// At which viewpoints a fact is the same, as far as it is known: those of the same people at home
/// from an instant until another.
struct Standing: Equatable {
  /// No fact that was read changed between this instant and the viewpoint.
  private(set) var from = Instant.distantPast
  /// The next change by time alone, or by what is dated ahead and wakes a household.
  private(set) var validUntil = Instant.distantFuture
  /// The next change in a log, where nothing wakes a household for it.
  private(set) var until = Instant.distantFuture
  /// It is the same only where the parameters are.
  var readsParameters = false

  /// It is the same at an instant.
  @inline(__always)
  func covers(_ instant: Instant) -> Bool {
    from <= instant && instant < validUntil && instant < until
  }

  @inline(__always)
  mutating func begin(at instant: Instant) { if instant > from { from = instant } }

  @inline(__always)
  mutating func limit(to instant: Instant) { if instant < validUntil { validUntil = instant } }

  @inline(__always)
  mutating func end(at instant: Instant) { if instant < until { until = instant } }

  /// What rests on this and another one stands where both do.
  @inline(__always)
  mutating func narrow(by other: Standing) {
    begin(at: other.from)
    limit(to: other.validUntil)
    end(at: other.until)
    if other.readsParameters { readsParameters = true }
  }

  /// At no other viewpoint.
  static let nowhereElse = Standing(from: .distantFuture)
}

/// Something besides facts that a viewpoint has found, and when it stands.
struct Found<T> {
  let found: T
  let standing: Standing

  init(_ found: T, _ standing: Standing) {
    self.found = found
    self.standing = standing
  }
}

/// The lists of objects that facts have, for as long as the file is the same.
final class ListStore {
  /// A `HostList.index` is a position here.
  private(set) var lists: UnsafeMutablePointer<ObjectList>
  private(set) var listCount = 0
  private var listCapacity = 32
  /// Elements of all lists: the index of each object.
  private(set) var items: UnsafeMutablePointer<UInt32>
  private(set) var itemCount = 0
  private var itemCapacity = 128

  init() {
    lists = .allocate(capacity: listCapacity)
    items = .allocate(capacity: itemCapacity)
    removeAll()
  }

  /// The first list of all, which has no elements.
  static func empty(of fact: FactDefinition) -> HostList {
    HostList(kind: fact.object.rawValue, field: fact.slot, index: 0)
  }

  deinit {
    lists.deallocate()
    items.deallocate()
  }

  func removeAll() {
    itemCount = 0
    lists[0] = ObjectList(kind: ObjectKind.event.rawValue, start: 0, count: 0)
    listCount = 1
  }

  /// Adds an element to the list under way.
  func add(_ item: UInt32) {
    if itemCount == itemCapacity {
      items = ListStore.doubled(items, itemCapacity)
      itemCapacity *= 2
    }
    items[itemCount] = item
    itemCount += 1
  }

  /// Makes a list of the elements from a place on, and returns its position.
  func closeList(of kind: UInt16, from start: Int) -> UInt32 {
    if listCount == listCapacity {
      lists = ListStore.doubled(lists, listCapacity)
      listCapacity *= 2
    }
    lists[listCount] = ObjectList(kind: kind, start: start, count: itemCount - start)
    listCount += 1
    return UInt32(listCount - 1)
  }

  /// The same memory, twice as long; for trivial types.
  private static func doubled<T>(
    _ old: UnsafeMutablePointer<T>, _ capacity: Int
  ) -> UnsafeMutablePointer<T> {
    let new = UnsafeMutablePointer<T>.allocate(capacity: capacity * 2)
    new.moveInitialize(from: old, count: capacity)
    old.deallocate()
    return new
  }
}

/// Objects of one kind in order, as a stretch of `ListStore.items`.
struct ObjectList {
  let kind: UInt16
  let start: Int
  let count: Int
}

/// What a viewpoint has shown so far: facts, lists, people. Kept as long as the file is the same,
/// so that going back to a viewpoint costs nothing.
///
/// Facts lie by (object, slot) in one stretch of memory that is never cleared: an entry counts only
/// where it belongs to a present generation. A few facts are others for another deciding event;
/// they have a generation of their own, and those of the former event count no more.
final class ViewMemory {
  /// Of what every event shows; what an earlier viewpoint left behind counts no more.
  private(set) var generation: UInt32 = 0
  /// Of what the present event shows.
  private(set) var eventGeneration: UInt32 = 0
  private var lastGeneration: UInt32 = 0
  private var deciding: Deciding?
  /// First those of the household, then those of each person.
  private(set) var cells: UnsafeMutablePointer<Cell>
  private var cellCapacity: Int
  /// Facts of other objects, such as the persons of an event.
  var others = SlotTable()
  /// Programmes of assistance, once they were asked for; in memory that is used again.
  private(set) var programmes: UnsafeMutableBufferPointer<Programme>?
  private var programmeSpace = UnsafeMutableBufferPointer<Programme>.allocate(capacity: 4)
  private(set) var programmesStand = Standing()
  var score: (score: AssessmentModel.Score, validUntil: Instant)?
  private let scoreIsOfEvent: Bool
  /// Those of the first people who are members, by bit.
  var members: Found<UInt64>?
  var memberSubjects: [Int?]?
  var locality: Found<Locality>?
  var parameters: ParametersInForce?

  /// - Parameter scoreIsOfEvent: the assessment reads facts of the deciding event.
  init(scoreIsOfEvent: Bool) {
    self.scoreIsOfEvent = scoreIsOfEvent
    cellCapacity = 0
    cells = .allocate(capacity: 1)
    cells.initialize(to: Cell())
  }

  deinit {
    cells.deinitialize(count: max(1, cellCapacity))
    cells.deallocate()
    programmeSpace.deallocate()
  }

  /// On what the facts of an event depend besides the viewpoint.
  struct Deciding: Equatable {
    let event: EventPosition?
    /// How often what counts as an open referral had changed.
    let changes: UInt32
  }

  /// Shows the facts of a deciding event.
  func show(_ deciding: Deciding) {
    guard deciding != self.deciding else { return }
    self.deciding = deciding
    eventGeneration = nextGeneration()
    if scoreIsOfEvent { score = nil }
  }

  private func nextGeneration() -> UInt32 {
    lastGeneration &+= 1
    if lastGeneration == 0 {
      for at in 0..<cellCapacity { cells[at].generation = 0 }
      lastGeneration = 1
    }
    return lastGeneration
  }

  /// Starts anew for a viewpoint, with room for so many facts.
  func begin(facts: Int) {
    if facts > cellCapacity { growCells(facts) }
    generation = nextGeneration()
    deciding = nil
    others.removeAll()
    programmes = nil
    programmesStand = Standing()
    score = nil
    members = nil
    memberSubjects = nil
    locality = nil
    parameters = nil
  }

  private func growCells(_ count: Int) {
    cells.deinitialize(count: max(1, cellCapacity))
    cells.deallocate()
    cellCapacity = count
    cells = .allocate(capacity: count)
    cells.initialize(repeating: Cell(), count: count)
  }

  /// Keeps the programmes; they are of a trivial type.
  func keep(_ found: UnsafeBufferPointer<Programme>, _ standing: Standing) {
    if found.count > programmeSpace.count {
      programmeSpace.deallocate()
      programmeSpace = .allocate(capacity: found.count)
    }
    _ = programmeSpace.initialize(from: found)
    programmes = UnsafeMutableBufferPointer(rebasing: programmeSpace[..<found.count])
    programmesStand = standing
  }
}

/// Facts by (object, slot), forgotten at once and often: a small table with linear probing whose
/// entries belong to a generation.
struct SlotTable {
  private var keys: [UInt64] = Array(repeating: 0, count: 32)
  private var cells: [Cell] = Array(repeating: Cell(), count: 32)
  private var generation: UInt32 = 1
  private var count = 0

  mutating func removeAll() {
    guard count > 0 else { return }
    count = 0
    generation &+= 1
    if generation == 0 {
      for at in cells.indices { cells[at].generation = 0 }
      generation = 1
    }
  }

  subscript(object: ObjectRef, slot: UInt16) -> Cell? {
    let at = position(SlotTable.key(object, slot))
    return cells[at].generation == generation ? cells[at] : nil
  }

  mutating func set(_ object: ObjectRef, _ slot: UInt16, _ value: Value, _ standing: Standing) {
    if count * 2 >= keys.count { grow() }
    let key = SlotTable.key(object, slot)
    let at = position(key)
    if cells[at].generation != generation { count += 1 }
    keys[at] = key
    cells[at] = Cell(value: value, standing: standing, generation: generation)
  }

  /// Where the key is, or would be.
  private func position(_ key: UInt64) -> Int {
    let mask = keys.count - 1
    var at = Int(truncatingIfNeeded: (key &* 0x9E37_79B9_7F4A_7C15) >> 40) & mask
    while cells[at].generation == generation, keys[at] != key { at = (at + 1) & mask }
    return at
  }

  private mutating func grow() {
    let old = self
    let capacity = keys.count * 2
    keys = Array(repeating: 0, count: capacity)
    cells = Array(repeating: Cell(), count: capacity)
    for at in old.keys.indices where old.cells[at].generation == generation {
      let to = position(old.keys[at])
      keys[to] = old.keys[at]
      cells[to] = old.cells[at]
    }
  }

  private static func key(_ object: ObjectRef, _ slot: UInt16) -> UInt64 {
    UInt64(object.type) << 48 | UInt64(object.index) << 16 | UInt64(slot)
  }
}
