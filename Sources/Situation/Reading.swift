import Expression
import Policy
import Records
public import Vocabulary

/// How expressions read facts: as the viewpoint has shown them, as another viewpoint has shown them
/// where they are the same, or worked out.
extension Situation {
  @inline(__always)
  func readFact(_ object: ObjectRef, _ field: UInt16) -> Value {
    if object.type == ObjectKind.event.rawValue { return readEvent(object, field) }
    sight.pointee.looksBeyondEvents = true
    switch object.type {
    case ObjectKind.person.rawValue:
      let person = Int(object.index)
      guard person < sight.pointee.personCount, Int(field) < personWidth else {
        return Situation.noObject
      }
      return fact(object, field, at: householdWidth + person * personWidth + Int(field))
    case ObjectKind.parameters.rawValue:
      return parameter(field)?.pointee ?? Situation.noObject
    case ObjectKind.household.rawValue:
      guard Int(field) < householdWidth else { return Situation.noObject }
      return fact(object, field, at: Int(field))
    case ObjectKind.programme.rawValue:
      return readProgramme(object, field)
    case ObjectKind.referral.rawValue:
      return readReferral(object, field)
    default:
      return Situation.noObject
    }
  }

  static let noObject = Value.error(EvaluationError(.host, "no such object"))
  /// A fact that is known to be absent: `has()` is false, and it equals no value.
  static let absent = Value.null

  @inline(__always)
  func readInt(_ object: ObjectRef, _ field: UInt16) -> Int64? {
    if object.type == ObjectKind.event.rawValue { return eventInt(object, field) }
    if object.type == ObjectKind.parameters.rawValue {
      guard let place = parameter(field), case .int(let value) = place.pointee else { return nil }
      return value
    }
    guard let cell = cell(object, field), case .int(let value) = cell.pointee.value else {
      return nil
    }
    return value
  }

  @inline(__always)
  func readBool(_ object: ObjectRef, _ field: UInt16) -> Bool? {
    guard let cell = cell(object, field), case .bool(let value) = cell.pointee.value else {
      return nil
    }
    return value
  }

  @inline(__always)
  func readDay(_ object: ObjectRef, _ field: UInt16) -> Int32? {
    if object.type == ObjectKind.event.rawValue { return eventDay(object, field) }
    guard let cell = cell(object, field), case .date(let value) = cell.pointee.value else {
      return nil
    }
    return value.dayNumber
  }

  /// Where a parameter in force stands; nil where there is no such parameter.
  @inline(__always)
  private func parameter(_ slot: UInt16) -> UnsafeMutablePointer<Value>? {
    sight.pointee.looksBeyondEvents = true
    sight.pointee.standing.readsParameters = true
    if sight.pointee.parameters == nil { _ = parametersInForce }
    guard let parameters = sight.pointee.parameters, Int(slot) < sight.pointee.parameterCount
    else { return nil }
    return parameters + Int(slot)
  }

  /// Where a fact of a person or the household is kept, worked out if need be. Nil for those of
  /// other objects, and for what is not to be kept.
  @inline(__always)
  private func cell(_ object: ObjectRef, _ slot: UInt16) -> UnsafeMutablePointer<Cell>? {
    sight.pointee.looksBeyondEvents = true
    var index = Int(slot)
    if object.type == ObjectKind.person.rawValue {
      let person = Int(object.index)
      guard person < sight.pointee.personCount, index < personWidth else { return nil }
      index += householdWidth + person * personWidth
    } else {
      guard object.type == ObjectKind.household.rawValue, index < householdWidth else {
        return nil
      }
    }
    let cell = sight.pointee.cells + index
    if isKnown(cell) {
      rest(on: cell.pointee.standing)
    } else {
      if workOut(object, slot, index) != nil { return nil }
    }
    return cell
  }

  @inline(__always)
  private func isKnown(_ cell: UnsafeMutablePointer<Cell>) -> Bool {
    let generation = cell.pointee.generation
    return generation == sight.pointee.generation || generation == sight.pointee.eventGeneration
  }

  /// A fact of a person or the household: as it is known, or worked out.
  @inline(__always)
  private func fact(_ object: ObjectRef, _ slot: UInt16, at index: Int) -> Value {
    let cell = sight.pointee.cells + index
    if isKnown(cell) {
      rest(on: cell.pointee.standing)
    } else if let passing = workOut(object, slot, index) {
      return passing
    }
    return cell.pointee.value
  }

  /// Works a fact out and keeps it; returns it where it is not to be kept.
  @inline(never)
  private func workOut(_ object: ObjectRef, _ slot: UInt16, _ index: Int) -> Value? {
    let isPerson = object.type == ObjectKind.person.rawValue
    let use = isPerson ? personSources[Int(slot)].use : householdSources[Int(slot)].use
    let cell = sight.pointee.cells + index
    let isUnstated = use.needs != 0 && !worksOutAll && isUnstated(use.needs, Int(object.index))
    if isUnstated, let known = schema.unstated[Int(slot)] {
      cell.pointee.value = known
      cell.pointee.standing = Standing()
      cell.pointee.generation = sight.pointee.generation
      return nil
    }
    if use.isShared, let known = elsewhere(index) {
      cell.pointee.value = known.pointee.value
      cell.pointee.standing = known.pointee.standing
      cell.pointee.generation = sight.pointee.generation
      rest(on: known.pointee.standing)
      return nil
    }
    let wasAssessing = isAssessing
    let outer = sight.pointee.standing
    sight.pointee.standing = Standing()
    let value = isPerson ? readPerson(object, slot) : readHousehold(object, slot)
    let standing = sight.pointee.standing
    sight.pointee.standing = outer
    sight.pointee.standing.narrow(by: standing)
    if isUnstated, standing == Standing(), value.isPlain {
      schema.unstated[Int(slot)] = value
    }
    // While the assessment runs, its own result is no fact yet.
    if wasAssessing, schema.isScore(object, slot) { return value }
    cell.pointee.value = value
    cell.pointee.standing = standing
    cell.pointee.generation =
      use.isOfEvent ? sight.pointee.eventGeneration : sight.pointee.generation
    return nil
  }

  /// Whether none of some statements was ever made of a person.
  @inline(__always)
  private func isUnstated(_ needs: UInt64, _ person: Int) -> Bool {
    statements(of: person) & needs == 0
  }

  /// What was stated of a person, at any time.
  @inline(__always)
  private func statements(of person: Int) -> UInt64 {
    let known = sight.pointee.statements[person]
    return known != 0 ? known : findStatements(of: person)
  }

  @inline(never)
  private func findStatements(of person: Int) -> UInt64 {
    let found = sight.pointee.statementBits._withUnsafeGuaranteedRef {
      $0.made(in: sight.pointee.logs[person + 1])
    }
    sight.pointee.statements[person] = found
    return found
  }

  /// Whether any event may state a fact of a person.
  public func isStated(_ fact: FactID, of person: Int) -> Bool {
    let bit = schema.statements.bit(fact)
    return bit == 0 || worksOutAll || statements(of: person) & bit != 0
  }

  /// Whether an event of a type may be about a person.
  func mayHave(_ type: EventTypeID, _ person: Int) -> Bool {
    let bit = schema.statements.bit(type)
    return bit == 0 || worksOutAll || statements(of: person) & bit != 0
  }

  /// Which of some facts events state of the people, by bit.
  public func stated(_ facts: StatedFacts) -> UInt64 {
    let people = 0..<sight.pointee.personCount
    let all = people.reduce(0) { $0 | statements(of: $1) }
    var stated: UInt64 = 0
    for at in facts.bits.indices {
      let bit = facts.bits[at]
      let isStated =
        bit != 0
        ? all & bit != 0 : people.contains { sight.pointee.logs[$0 + 1].states(facts.facts[at]) }
      if isStated { stated |= 1 << UInt64(at) }
    }
    return stated
  }

  /// Facts of which it is asked again and again whether they are stated.
  public func statedFacts(_ facts: [FactID]) -> StatedFacts {
    StatedFacts(facts: facts, bits: facts.map(schema.statements.bit))
  }

  /// A fact as another viewpoint has shown it, where it is the same at this one.
  private func elsewhere(_ index: Int) -> UnsafeMutablePointer<Cell>? {
    firstKin { place in
      let cell = place.pointee.cells + index
      guard cell.pointee.generation == place.pointee.generation,
        cell.pointee.standing.covers(view.instant)
      else { return nil }
      if cell.pointee.standing.readsParameters {
        let parameters = place.pointee.memory._withUnsafeGuaranteedRef { $0.parameters }
        guard let parameters, parameters === parametersInForce else { return nil }
      }
      return cell
    }
  }

  /// Lowers the validity of the answer under way.
  @inline(__always)
  func limit(_ instant: Instant) {
    if instant < .distantFuture { lower(instant) }
  }

  @inline(__always)
  private func lower(_ instant: Instant) {
    sight.pointee.standing.limit(to: instant)
    // Where the view stands still, nobody asks how long a rule's answer is valid.
    if sight.pointee.isMoving || isAssessing { lowerAnswer(instant) }
  }

  @inline(never)
  private func lowerAnswer(_ instant: Instant) {
    guard let contexts = sight.pointee.contexts else { return }
    if sight.pointee.isMoving {
      contexts.rules._withUnsafeGuaranteedRef { $0.limitValidity(to: instant) }
    }
    if isAssessing {
      contexts.assessment._withUnsafeGuaranteedRef { $0.limitValidity(to: instant) }
    }
  }

  @inline(__always)
  func countObjects(_ list: HostList) -> Int {
    guard Int(list.index) < sight.pointee.listCount else { return 0 }
    return sight.pointee.lists[Int(list.index)].count
  }

  @inline(__always)
  func findObject(_ list: HostList, _ index: Int) -> ObjectRef? {
    guard Int(list.index) < sight.pointee.listCount else { return nil }
    let objects = sight.pointee.lists[Int(list.index)]
    guard index >= 0, index < objects.count else { return nil }
    return ObjectRef(type: objects.kind, index: sight.pointee.items[objects.start + index])
  }

  @inline(__always)
  func readColumn(
    _ field: UInt16, isOfDays: Bool, of list: HostList, from start: Int, _ rows: UInt64,
    into numbers: UnsafeMutablePointer<Int64>
  ) -> Bool {
    guard Int(list.index) < sight.pointee.listCount, Int(field) < eventWidth else { return false }
    let objects = sight.pointee.lists[Int(list.index)]
    guard objects.kind == ObjectKind.event.rawValue else { return false }
    let items = sight.pointee.items + objects.start + start
    let fact = storedEvents[Int(field)]
    if fact == SituationSchema.computed {
      return isOfDays && schema.isDateOfEvent(field) && dates(of: items, rows, into: numbers)
    }
    var left = rows
    while left != 0 {
      // Those of one log after another.
      let owner = EventPosition(packed: items[left.trailingZeroBitCount]).owner
      guard let log = place(of: owner) else { return false }
      var column = EventLogView.Column(of: fact, in: log.pointee)
      repeat {
        let row = left.trailingZeroBitCount
        let position = EventPosition(packed: items[row])
        if position.owner != owner { break }
        guard let (tag, scalar) = column.scalar(of: position.index),
          isOfDays ? tag == .date : tag == .int || tag == .money
        else { return false }
        numbers[row] = scalar
        left &= left &- 1
      } while left != 0
    }
    return true
  }

  /// The days on which some events took effect.
  private func dates(
    of items: UnsafePointer<UInt32>, _ rows: UInt64, into numbers: UnsafeMutablePointer<Int64>
  ) -> Bool {
    var left = rows
    while left != 0 {
      let row = left.trailingZeroBitCount
      left &= left &- 1
      let position = EventPosition(packed: items[row])
      guard let log = place(of: position.owner), position.index < log.pointee.eventCount else {
        return false
      }
      numbers[row] = Int64(log.pointee.event(position.index).effective.date.dayNumber)
    }
    return true
  }

  @inline(__always)
  func pick(_ places: UnsafeBufferPointer<UInt32>, of list: HostList) -> HostList? {
    guard Int(list.index) < sight.pointee.listCount else { return nil }
    let objects = sight.pointee.lists[Int(list.index)]
    let lists = lists
    let start = lists.itemCount
    for place in places where Int(place) < objects.count {
      // Adding may move the items.
      lists.add(lists.items[objects.start + Int(place)])
    }
    let position = lists.closeList(of: objects.kind, from: start)
    noteLists()
    return HostList(kind: list.kind, field: list.field, index: position)
  }
}
