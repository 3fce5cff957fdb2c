internal import Records
internal import Streaming
internal import Vocabulary

/// Writes an accepted event as `RegisterMessage.event` straight from the checked values. The bytes
/// are those that `RegisterMessage.encoded()` would give; tests compare the two.
final class EventEncoder {
  private let wire = WireBuffer()
  private let data: DataReader

  /// A target found in the data.
  private struct Found {
    var plan: Int
    var kind: TargetPlan.Kind
    /// Slot of the list element, -1 where the plan has no list.
    var element: Int
    var digits: Int64
    var text: PlanText
    /// An earlier one is the same person or thing.
    var isRepetition: Bool
  }
  private var found: [Found] = []

  init(data: DataReader) { self.data = data }

  struct Identity {
    var key: EventKey
    var supersedes: EventKey?
    var retracts: EventKey?
    var effective: Instant
    var accepted: Instant
  }

  /// The message, valid until the next one is encoded.
  func encode(
    _ plan: EventPlan, _ envelope: Envelope, _ identity: Identity, original: InboundRecord?
  ) -> UnsafeRawBufferPointer {
    wire.removeAll()
    wire.u8(0)
    key(identity.key)
    wire.fixed(plan.type)
    wire.blob(envelope.source)
    wire.blob(envelope.id)
    wire.fixed(identity.effective.microseconds)
    wire.fixed(envelope.time.microseconds)
    wire.fixed((envelope.recorded ?? envelope.time).microseconds)
    wire.fixed(identity.accepted.microseconds)
    optional(envelope.traceparent)
    wire.varint(UInt64(data.persons.count))
    for digits in data.persons { wire.fixed(digits) }
    let counter = reserveCount()
    wire.patch(facts(plan.facts, element: -1), at: counter)
    optional(identity.supersedes)
    optional(identity.retracts)
    targets(plan)
    if let members = plan.members { self.members(members) } else { wire.u8(0) }
    if let original { self.original(original) } else { wire.u8(0) }
    return wire.bytes
  }

  /// A count of at most 127 that is filled in later.
  private func reserveCount() -> Int {
    wire.u8(0)
    return wire.count - 1
  }

  private func key(_ key: EventKey) {
    wire.fixed(key.high)
    wire.fixed(key.low)
  }

  private func optional(_ key: EventKey?) {
    guard let key else { return wire.u8(0) }
    wire.u8(1)
    self.key(key)
  }

  private func optional(_ text: PlanText?) {
    guard let text else { return wire.u8(0) }
    wire.u8(1)
    wire.blob(text)
  }

  // MARK: Paths

  /// The slot a path leads to, -1 where it is absent. Where the path crosses a list, that list's.
  func slot(_ path: PathPlan, element: Int) -> Int {
    var at = path.isRelative ? element : 0
    guard at >= 0 else { return -1 }
    for step in 0..<path.count {
      if step == path.crossing { return data.slots[at].kind == .list ? at : -1 }
      at = child(at, path.steps[step])
      if at < 0 { return -1 }
    }
    return data.slots[at].kind == .absent ? -1 : at
  }

  private func child(_ slot: Int, _ step: Int32) -> Int {
    let object = data.slots[slot]
    guard object.kind == .object, step >= 0, step < object.length else { return -1 }
    return Int(object.number) + Int(step)
  }

  /// Follows the steps behind a crossed list from one of its elements.
  private func descend(_ path: PathPlan, from slot: Int) -> Int {
    var at = slot
    for step in path.crossing..<path.count {
      at = child(at, path.steps[step])
      if at < 0 { return -1 }
    }
    return data.slots[at].kind == .absent ? -1 : at
  }

  private func text(_ path: PathPlan?, element: Int) -> PlanText? {
    guard let path else { return nil }
    let at = slot(path, element: element)
    return at >= 0 && data.slots[at].kind == .text ? data.slots[at].text : nil
  }

  func holds(_ conditions: ConditionsPlan, element: Int) -> Bool {
    for index in 0..<conditions.count {
      let condition = conditions.first + index
      let at = slot(condition.pointee.path, element: element)
      let holds: Bool
      switch condition.pointee.test {
      case .present: holds = at >= 0
      case .absent: holds = at < 0
      case .isTrue: holds = at >= 0 && data.slots[at].number == 1
      case .isFalse: holds = at >= 0 && data.slots[at].number == 0
      case .oneOf:
        let word = at >= 0 ? Int(data.slots[at].word) : -1
        holds = word >= 0 && condition.pointee.words?[word] == true
      }
      if !holds { return false }
    }
    return true
  }

  // MARK: Facts

  /// Writes the facts that are stated and returns how many.
  private func facts(_ plan: FactsPlan, element: Int) -> UInt8 {
    var count: UInt8 = 0
    var stated: UInt32?
    for index in 0..<plan.count {
      let one = plan.first + index
      if one.pointee.fact != stated, fact(one, element: element) {
        count += 1
        stated = one.pointee.fact
      }
    }
    return count
  }

  private func fact(_ plan: UnsafePointer<FactPlan>, element: Int) -> Bool {
    if plan.pointee.conditions.count > 0, !holds(plan.pointee.conditions, element: element) {
      return false
    }
    if plan.pointee.operation == .constant {
      return constant(plan.pointee.constant, plan.pointee.fact)
    }
    let at = slot(plan.pointee.path, element: element)
    guard at >= 0 else { return constant(plan.pointee.constant, plan.pointee.fact) }
    switch plan.pointee.operation {
    case .mapped:
      let word = Int(data.slots[at].word)
      let choice = word >= 0 ? plan.pointee.choices?[word] ?? -2 : -2
      if choice == -2 { return false }
      if choice >= 0 { return constant(plan.pointee.outcomes?[Int(choice)], plan.pointee.fact) }
    case .others: return others(plan, list: at, element: element)
    default: break
    }
    wire.fixed(plan.pointee.fact)
    if plan.pointee.path.crossing >= 0 {
      list(at) { descend(plan.pointee.path, from: $0) }
    } else if data.slots[at].kind == .list {
      list(at) { $0 }
    } else {
      scalar(data.slots[at])
    }
    return true
  }

  private func constant(_ bytes: PlanText?, _ fact: UInt32) -> Bool {
    guard let bytes else { return false }
    wire.fixed(fact)
    wire.raw(bytes)
    return true
  }

  private func scalar(_ slot: Slot) {
    switch slot.kind {
    case .bool:
      wire.u8(1)
      wire.u8(slot.number != 0 ? 1 : 0)
    case .int:
      wire.u8(2)
      wire.signedVarint(slot.number)
    case .money:
      wire.u8(3)
      wire.signedVarint(slot.number)
    case .date:
      wire.u8(4)
      wire.signedVarint(slot.number)
    case .instant:
      wire.u8(5)
      wire.fixed(slot.number)
    case .text:
      wire.u8(6)
      wire.blob(slot.text)
    case .person:
      wire.u8(7)
      wire.fixed(slot.number)
    case .absent, .list, .object: wire.u8(0)
    }
  }

  /// Writes a list of persons or texts; `value` leads from an element to its value, -1 for none.
  private func list(_ slot: Int, _ value: (Int) -> Int) {
    let first = Int(data.slots[slot].number)
    let elements = first..<(first + Int(data.slots[slot].length))
    var count: UInt64 = 0
    var isPersons = false
    for element in elements {
      let at = value(element)
      guard at >= 0 else { continue }
      count += 1
      isPersons = data.slots[at].kind == .person
    }
    wire.u8(isPersons ? 8 : 9)
    wire.varint(count)
    for element in elements {
      let at = value(element)
      guard at >= 0 else { continue }
      if isPersons { wire.fixed(data.slots[at].number) } else { wire.blob(data.slots[at].text) }
    }
  }

  private func others(_ plan: UnsafePointer<FactPlan>, list slot: Int, element: Int) -> Bool {
    let first = Int(data.slots[slot].number)
    let elements = first..<(first + Int(data.slots[slot].length))
    let own = element >= 0 ? data.slots[element].number : 0
    let count = elements.count { data.slots[$0].number != own }
    if plan.pointee.isSingle, count != 1 { return false }
    wire.fixed(plan.pointee.fact)
    wire.u8(plan.pointee.isSingle ? 7 : 8)
    if !plan.pointee.isSingle { wire.varint(UInt64(count)) }
    for at in elements where data.slots[at].number != own { wire.fixed(data.slots[at].number) }
    return true
  }

  // MARK: Targets

  /// All targets, each person or thing once: facts of several mappings about one are joined.
  private func targets(_ plan: EventPlan) {
    found.removeAll(keepingCapacity: true)
    for index in 0..<plan.targetCount { find(plan.targets + index, index) }
    var distinct: UInt64 = 0
    for at in found.indices {
      found[at].isRepetition = found[..<at].contains { isSame($0, found[at]) }
      if !found[at].isRepetition { distinct += 1 }
    }
    wire.varint(distinct)
    for at in found.indices where !found[at].isRepetition { target(plan, at) }
  }

  private func find(_ target: UnsafePointer<TargetPlan>, _ index: Int) {
    guard let each = target.pointee.each else { return find(target, index, element: -1) }
    let list = slot(each, element: -1)
    guard list >= 0 else { return }
    let first = Int(data.slots[list].number)
    for element in first..<(first + Int(data.slots[list].length)) {
      find(target, index, element: element)
    }
  }

  private func find(_ target: UnsafePointer<TargetPlan>, _ index: Int, element: Int) {
    guard holds(target.pointee.conditions, element: element) else { return }
    for choice in 0..<target.pointee.choiceCount {
      let kind = target.pointee.choices[choice].kind
      let at = slot(target.pointee.choices[choice].path, element: element)
      guard at >= 0 else { continue }
      // A list of persons without `each`: one target for each.
      if data.slots[at].kind == .list {
        let path = target.pointee.choices[choice].path
        let first = Int(data.slots[at].number)
        for item in first..<(first + Int(data.slots[at].length)) {
          let value = path.crossing >= 0 ? descend(path, from: item) : item
          if value >= 0 { add(index, kind, element, data.slots[value]) }
        }
      } else {
        add(index, kind, element, data.slots[at])
      }
      return
    }
  }

  private func add(_ plan: Int, _ kind: TargetPlan.Kind, _ element: Int, _ slot: Slot) {
    found.append(
      Found(
        plan: plan, kind: kind, element: element, digits: slot.number, text: slot.text,
        isRepetition: false))
  }

  private func isSame(_ a: Found, _ b: Found) -> Bool {
    guard a.kind == b.kind else { return false }
    return a.kind == .person ? a.digits == b.digits : a.text.equals(b.text)
  }

  private func target(_ plan: EventPlan, _ at: Int) {
    let one = found[at]
    switch one.kind {
    case .person:
      wire.u8(0)
      wire.fixed(one.digits)
    case .household:
      wire.u8(1)
      wire.blob(one.text)
    case .referral:
      wire.u8(2)
      wire.blob(one.text)
    case .address:
      wire.u8(3)
      wire.string(AddressKey.normalized(one.text.string))
    }
    let counter = reserveCount()
    var count = facts(plan.targets[one.plan].facts, element: one.element)
    // The same mapping states its facts about a person once.
    var last = one.plan
    for later in found.indices.dropFirst(at + 1)
    where found[later].isRepetition && found[later].plan > last && isSame(one, found[later]) {
      last = found[later].plan
      count += facts(plan.targets[last].facts, element: found[later].element)
    }
    wire.patch(count, at: counter)
  }

  // MARK: Members and the original

  private func members(_ plan: MembersPlan) {
    let list = slot(plan.each, element: -1)
    guard list >= 0 else { return wire.u8(0) }
    wire.u8(1)
    let first = Int(data.slots[list].number)
    let count = Int(data.slots[list].length)
    wire.varint(UInt64(count))
    for element in first..<(first + count) {
      let id = slot(plan.id, element: element)
      wire.fixed(id >= 0 ? data.slots[id].number : 0)
      wire.blob(text(plan.relation, element: element) ?? .empty)
      optional(text(plan.name, element: element))
      guardians(plan.guardians, element: element)
      optional(text(plan.hukou, element: element))
      optional(text(plan.selfCare, element: element))
    }
  }

  private func guardians(_ path: PathPlan?, element: Int) {
    let list = path.map { slot($0, element: element) } ?? -1
    guard list >= 0 else { return wire.u8(0) }
    wire.u8(1)
    let first = Int(data.slots[list].number)
    let count = Int(data.slots[list].length)
    wire.varint(UInt64(count))
    for at in first..<(first + count) { wire.fixed(data.slots[at].number) }
  }

  private func original(_ record: InboundRecord) {
    wire.u8(1)
    wire.string(record.topic)
    wire.fixed(record.partition)
    wire.fixed(record.offset)
    wire.fixed(record.timestamp)
    optional(record.key)
    optional(record.value)
    wire.varint(UInt64(record.headers.count))
    for header in record.headers {
      // A name that is not UTF-8 is repaired as a copy of the record would be.
      wire.string(String(decoding: header.name, as: UTF8.self))
      wire.blob(header.value)
    }
  }

  private func optional(_ bytes: UnsafeRawBufferPointer?) {
    guard let bytes else { return wire.u8(0) }
    wire.u8(1)
    wire.blob(bytes)
  }
}
