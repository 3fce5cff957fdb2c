internal import CSimdJSON
internal import Records
internal import Vocabulary

/// Checks the `data` of an event against its plan and keeps every value it may need as a slot.
///
/// The fields of an object lie side by side in a growing array, in the order of the plan, so a path
/// is a few additions. The order of checks is that of the mapping file, depth first: the first
/// failure counts.
final class DataReader {
  private let plan: SourcePlan
  private(set) var slots: UnsafeMutablePointer<Slot>
  private var capacity = 256
  private var used = 0

  /// Every citizen ID of the data in the order of the mapping, without repetitions.
  private(set) var persons: [UInt64] = []

  private var nodes: UnsafePointer<csj_node>
  private var source: UnsafeRawBufferPointer
  /// The last civil day that is not more than a day after the event's `time`.
  private var lastDay: Int32 = 0

  private var failureCode = DeadLetter.Code.schema
  private var failureMessage: StaticString = ""
  /// From the inside out.
  private var failurePath: [PathPart] = []

  private enum PathPart {
    case name(PlanText)
    case index(Int)
  }

  init(plan: SourcePlan, parser: JSONParser) {
    self.plan = plan
    nodes = parser.nodes
    source = UnsafeRawBufferPointer(start: nil, count: 0)
    slots = .allocate(capacity: capacity)
    persons.reserveCapacity(64)
  }

  deinit { slots.deallocate() }

  /// Reads the object at `node`; slot 0 becomes the object itself. Nil where it is acceptable.
  func read(
    object: Int, node: Int, of nodes: UnsafePointer<csj_node>, source: UnsafeRawBufferPointer,
    time: Instant
  ) -> DeadLetter? {
    self.nodes = nodes
    self.source = source
    lastDay = time.adding(days: 1).date.dayNumber
    used = 0
    persons.removeAll(keepingCapacity: true)
    let root = allocate(1)
    guard readObject(object, node: node, into: root) else { return failure() }
    return nil
  }

  private func failure() -> DeadLetter {
    var path = "/data"
    for part in failurePath.reversed() {
      switch part {
      case .name(let name): path += "/" + name.string
      case .index(let index): path += "/\(index)"
      }
    }
    failurePath.removeAll()
    return DeadLetter(failureCode, path: path, message: failureMessage.description)
  }

  private func fail(_ code: DeadLetter.Code, _ message: StaticString) -> Bool {
    failureCode = code
    failureMessage = message
    return false
  }

  private func allocate(_ count: Int) -> Int {
    let first = used
    used += count
    if used > capacity { grow() }
    return first
  }

  private func grow() {
    let larger = max(capacity * 2, used)
    let moved = UnsafeMutablePointer<Slot>.allocate(capacity: larger)
    moved.update(from: slots, count: capacity)
    slots.deallocate()
    slots = moved
    capacity = larger
  }

  // MARK: Objects and lists

  private func readObject(_ index: Int, node: Int, into slot: Int) -> Bool {
    guard nodes[node].kind == NodeKind.object else { return fail(.schema, "must be an object") }
    let object = plan.objects + index
    let count = object.pointee.count
    let first = allocate(count)
    slots[slot] = Slot(
      start: nil, number: Int64(first), length: UInt32(count), word: -1, kind: .object)
    for at in first..<(first + count) { slots[at] = .absent }
    locateMembers(object, node: node, first: first)
    for at in 0..<count {
      let field = object.pointee.fields + at
      let value = Int(slots[first + at].word)
      slots[first + at].word = -1
      let isStated = value >= 0 && nodes[value].kind != NodeKind.null
      let isAccepted =
        isStated
        ? readValue(field, node: value, into: first + at)
        : field.pointee.isOptional || fail(.schema, "is missing")
      guard isAccepted else {
        failurePath.append(.name(field.pointee.name))
        return false
      }
    }
    if object.pointee.anyOfCount > 0, !hasAny(object, first) {
      return fail(.schema, "must have at least one of its alternatives")
    }
    return !object.pointee.hasConditionalDates || checkConditionalDates(object, first)
  }

  /// Leaves the node of each known member in its slot's `word`.
  private func locateMembers(_ object: UnsafePointer<ObjectPlan>, node: Int, first: Int) {
    var key = node + 1
    for _ in 0..<nodes[node].detail {
      let found = object.pointee.names.find(PlanText(nodes[key]), hash: nodes[key].detail)
      if found >= 0 { slots[first + found].word = Int32(key + 1) }
      key = Int(nodes[key + 1].next)
    }
  }

  private func hasAny(_ object: UnsafePointer<ObjectPlan>, _ first: Int) -> Bool {
    for at in 0..<object.pointee.anyOfCount
    where slots[first + Int(object.pointee.anyOf[at])].kind != .absent {
      return true
    }
    return false
  }

  private func checkConditionalDates(_ object: UnsafePointer<ObjectPlan>, _ first: Int) -> Bool {
    for at in 0..<object.pointee.count {
      let field = object.pointee.fields + at
      guard field.pointee.future == .conditional, slots[first + at].kind == .date,
        slots[first + at].number > Int64(lastDay)
      else { continue }
      let word = slots[first + Int(field.pointee.other)].word
      if word >= 0, let allowed = field.pointee.allowed, allowed[Int(word)] { continue }
      failurePath.append(.name(field.pointee.name))
      return fail(.date, "lies more than a day after time")
    }
    return true
  }

  private func readList(_ field: UnsafePointer<FieldPlan>, node: Int, into slot: Int) -> Bool {
    guard nodes[node].kind == NodeKind.array else { return fail(.schema, "must be a list") }
    let count = Int(nodes[node].detail)
    guard Int64(count) >= field.pointee.low else { return fail(.schema, "has too few elements") }
    guard Int64(count) <= field.pointee.high else { return fail(.schema, "has too many elements") }
    let first = allocate(count)
    slots[slot] = Slot(
      start: nil, number: Int64(first), length: UInt32(count), word: -1, kind: .list)
    let element = plan.elements + Int(field.pointee.detail)
    var value = node + 1
    for at in 0..<count {
      slots[first + at] = .absent
      let isAccepted =
        nodes[value].kind != NodeKind.null
        ? readValue(element, node: value, into: first + at)
        : fail(.schema, "must not be null")
      guard isAccepted else {
        failurePath.append(.index(at))
        return false
      }
      value = Int(nodes[value].next)
    }
    return field.pointee.unique == .none || checkUnique(field, element, first, count)
  }

  private func checkUnique(
    _ field: UnsafePointer<FieldPlan>, _ element: UnsafePointer<FieldPlan>, _ first: Int,
    _ count: Int
  ) -> Bool {
    let isByField = field.pointee.unique == .field
    func key(_ at: Int) -> Slot {
      guard isByField else { return slots[first + at] }
      return slots[Int(slots[first + at].number) + Int(field.pointee.other)]
    }
    for at in 0..<count {
      let one = key(at)
      for before in 0..<at {
        let other = key(before)
        guard one.kind == other.kind, one.kind != .absent else { continue }
        let isSame =
          one.kind == .text ? one.text.equals(other.text) : one.number == other.number
        guard isSame else { continue }
        if isByField {
          let object = plan.objects + Int(element.pointee.detail)
          failurePath.append(.name(object.pointee.fields[Int(field.pointee.other)].name))
        }
        failurePath.append(.index(at))
        return fail(.schema, "occurs twice in the list")
      }
    }
    return true
  }

  // MARK: Scalars

  private func readValue(_ field: UnsafePointer<FieldPlan>, node: Int, into slot: Int) -> Bool {
    switch field.pointee.check {
    case .object: return readObject(Int(field.pointee.detail), node: node, into: slot)
    case .list: return readList(field, node: node, into: slot)
    case .bool:
      let kind = nodes[node].kind
      guard kind == NodeKind.isTrue || kind == NodeKind.isFalse else {
        return fail(.schema, "must be true or false")
      }
      set(slot, .bool, kind == NodeKind.isTrue ? 1 : 0)
      return true
    case .int, .intOrText: return readInt(field, nodes[node], into: slot)
    case .money: return readMoney(nodes[node], into: slot)
    default: break
    }
    guard nodes[node].kind == NodeKind.string else { return fail(.schema, "must be a string") }
    let text = PlanText(nodes[node])
    switch field.pointee.check {
    case .text: return readText(field, text, into: slot)
    case .citizen: return readCitizen(text, into: slot)
    case .word: return readWord(field, text, into: slot)
    case .code: return readCode(field, text, into: slot)
    case .timestamp:
      guard let instant = Instant(ascii: text.bytes) else {
        return fail(.date, "must be an RFC 3339 date-time")
      }
      set(slot, .instant, instant.microseconds)
      return true
    case .month: return readMonth(text, into: slot)
    default: return readDate(field, text, into: slot)
    }
  }

  @inline(__always)
  private func set(_ slot: Int, _ kind: SlotKind, _ number: Int64) {
    slots[slot] = Slot(start: nil, number: number, length: 0, word: -1, kind: kind)
  }

  @inline(__always)
  private func set(_ slot: Int, _ text: PlanText, word: Int = -1) {
    slots[slot] = Slot(
      start: text.start, number: 0, length: UInt32(text.length), word: Int32(word), kind: .text)
  }

  private func readInt(
    _ field: UnsafePointer<FieldPlan>, _ node: csj_node, into slot: Int
  ) -> Bool {
    let isText = node.kind == NodeKind.string && field.pointee.check == .intOrText
    guard isText || (node.kind == NodeKind.number && node.detail == 1) else {
      return fail(.schema, "must be a whole number")
    }
    guard let value = DataReader.integer(PlanText(node)) else {
      return fail(.schema, "must be a whole number")
    }
    guard value >= field.pointee.low, value <= field.pointee.high else {
      return fail(.schema, "is outside its range")
    }
    set(slot, .int, value)
    return true
  }

  /// Decimal digits with an optional minus sign; nil for anything else or an overflow.
  static func integer(_ text: PlanText) -> Int64? {
    let isNegative = text.length > 0 && text.start[0] == 0x2D
    var at = isNegative ? 1 : 0
    guard at < text.length, text.length - at <= 18 else { return nil }
    var value: Int64 = 0
    while at < text.length {
      let digit = text.start[at] &- 0x30
      guard digit <= 9 else { return nil }
      value = value * 10 + Int64(digit)
      at += 1
    }
    return isNegative ? -value : value
  }

  private func readMoney(_ node: csj_node, into slot: Int) -> Bool {
    guard node.kind == NodeKind.string || node.kind == NodeKind.number else {
      return fail(.schema, "must be an amount of money")
    }
    guard let amount = Fen(yuan: PlanText(node).bytes) else {
      return fail(.money, "must be yuan as plain decimals with at most two places")
    }
    set(slot, .money, amount.amount)
    return true
  }

  private func readText(
    _ field: UnsafePointer<FieldPlan>, _ text: PlanText, into slot: Int
  ) -> Bool {
    if text.length == 0, field.pointee.isOptional { return true }
    if Int64(text.length) > field.pointee.high || field.pointee.low > 1 {
      let points = Int64(text.codePoints)
      guard points <= field.pointee.high else { return fail(.schema, "is too long") }
      guard points >= field.pointee.low else { return fail(.schema, "is too short") }
    }
    guard Int64(text.length) >= field.pointee.low else { return fail(.schema, "is empty") }
    // Raw control characters do not pass the parser; escaped ones were written elsewhere.
    let isEscaped = !isInSource(text)
    guard !isEscaped || !text.hasControlCharacters else {
      return fail(.schema, "contains a control character")
    }
    set(slot, text)
    return true
  }

  @inline(__always)
  private func isInSource(_ text: PlanText) -> Bool {
    guard let start = source.baseAddress else { return false }
    let offset = UnsafeRawPointer(text.start) - start
    return offset >= 0 && offset < source.count
  }

  private func readCitizen(_ text: PlanText, into slot: Int) -> Bool {
    do throws(CitizenID.Rejection) {
      let id = try CitizenID(ascii: text.bytes)
      set(slot, .person, Int64(bitPattern: id.digits))
      if !persons.contains(id.digits) { persons.append(id.digits) }
      return true
    } catch {
      return error == .fifteenDigits
        ? fail(.id15, "is a citizen ID of fifteen digits")
        : fail(.id, "is not a citizen ID")
    }
  }

  private func readWord(
    _ field: UnsafePointer<FieldPlan>, _ text: PlanText, into slot: Int
  ) -> Bool {
    let word = plan.words[Int(field.pointee.detail)].find(text)
    guard word >= 0 else { return fail(.enumeration, "is none of the words of this field") }
    set(slot, text, word: word)
    return true
  }

  private func readCode(
    _ field: UnsafePointer<FieldPlan>, _ text: PlanText, into slot: Int
  ) -> Bool {
    guard text.length < 64, field.pointee.digits & (1 << UInt64(text.length)) != 0,
      text.bytes.allSatisfy({ $0 &- 0x30 <= 9 })
    else { return fail(.schema, "must be a code of the right number of digits") }
    set(slot, text)
    return true
  }

  private func readDate(
    _ field: UnsafePointer<FieldPlan>, _ text: PlanText, into slot: Int
  ) -> Bool {
    guard let date = CivilDate(ascii: text.bytes) else {
      return fail(.date, "is not a civil date YYYY-MM-DD")
    }
    guard field.pointee.future != .never || date.dayNumber <= lastDay else {
      return fail(.date, "lies more than a day after time")
    }
    set(slot, .date, Int64(date.dayNumber))
    return true
  }

  private func readMonth(_ text: PlanText, into slot: Int) -> Bool {
    guard text.length == 7, text.start[4] == 0x2D,
      let year = DataReader.integer(PlanText(start: text.start, length: 4)), year > 0,
      let month = DataReader.integer(PlanText(start: text.start + 5, length: 2)),
      let date = CivilDate(year: Int(year), month: Int(month), day: 1)
    else { return fail(.date, "is not a month YYYY-MM") }
    guard date.dayNumber <= lastDay else { return fail(.date, "lies more than a day after time") }
    set(slot, .date, Int64(date.dayNumber))
    return true
  }
}

extension PlanText {
  var codePoints: Int {
    var count = 0
    for at in 0..<length where start[at] & 0xC0 != 0x80 { count += 1 }
    return count
  }

  /// Control characters other than tab and line breaks.
  var hasControlCharacters: Bool {
    for at in 0..<length {
      let byte = start[at]
      if byte < 0x20, byte != 0x09, byte != 0x0A, byte != 0x0D { return true }
      if byte == 0x7F { return true }
    }
    return false
  }
}
