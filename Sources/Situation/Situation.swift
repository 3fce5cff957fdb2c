public import Expression
public import Policy
import Records
public import Vocabulary

/// A household as the rules see it: the host of all expressions of one decision.
///
/// Load a file, choose a viewpoint, evaluate programs. Stored facts are read in place from the
/// records; derived facts are evaluated once per viewpoint; lists are built when first asked for.
/// One object serves one worker; it is reused for every household.
public final class Situation: FactHost {
  let schema: SituationSchema
  /// Evaluates the rules; nested derived facts use a context of their own.
  public private(set) var context: EvaluationContext!
  private var assessing: EvaluationContext!
  private var isAssessing = false
  private var derivation: EvaluationContext!
  private var derivationDepth = 0
  /// The person whose derived fact is being evaluated.
  private var derivedMember = Value.null

  private(set) var file: HouseholdFile?
  private(set) var view = Viewpoint.now(.distantPast)
  private(set) var now = Instant.distantPast
  /// The lists and caches are those of the present file and viewpoint.
  private var isSettled = false
  private var peopleFound: People?
  private(set) var decidingEvent: Int?

  /// Lists handed out during this viewpoint; a `HostList.index` is a position here.
  var lists: [ObjectList] = []
  private var listPositions: [ListKey: Int] = [:]
  var programmes: (programmes: [Programme], validUntil: Instant)?
  var memberList: [Int]?
  var areaFound: (subdistrict: String, committee: String)?
  private var cache = DerivedCache()
  /// Rules whose own referrals do not count as open (a rule cannot hold itself up).
  public var decidingRule = ""
  private var parametersFound: (values: [Value], resolved: ResolvedParameters)?

  /// Objects of one kind, in order.
  enum ObjectList {
    case persons([Int])
    case events([EventPosition])
    case programmes(Int)
    case referrals([Int])
  }

  struct ListKey: Hashable {
    var kind: UInt16
    var slot: UInt16
    var index: UInt32
  }

  public init(schema: SituationSchema) {
    self.schema = schema
    context = EvaluationContext(host: self, variableCapacity: schema.variableCapacity)
    derivation = EvaluationContext(host: self, variableCapacity: schema.variableCapacity)
    assessing = EvaluationContext(host: self, variableCapacity: schema.variableCapacity)
  }

  /// Takes up a household. `now` is the clock of the decision.
  public func load(_ file: HouseholdFile, now: Instant, calendar: WorkCalendar) {
    self.file = file
    self.now = now
    isSettled = false
    context.calendar = calendar
    derivation.calendar = calendar
    assessing.calendar = calendar
    look(from: .now(now))
  }

  /// Changes the viewpoint: facts, membership and derived values are those of that moment.
  public func look(from view: Viewpoint) {
    if isSettled, view == self.view { return }
    isSettled = true
    self.view = view
    lists.removeAll(keepingCapacity: true)
    listPositions.removeAll(keepingCapacity: true)
    programmes = nil
    memberList = nil
    areaFound = nil
    peopleFound = nil
    parametersFound = nil
    cache.forget()
  }

  /// Who belongs where, made when first asked for.
  var people: People? {
    if let peopleFound { return peopleFound }
    guard let file else { return nil }
    var named: [CitizenID] = []
    // A composition notice says where its people live; any other event leaves them where they were.
    if let position = view.event, let event = file.event(position),
      event.type != SituationSchema.composition, let persons = try? event.texts().persons
    {
      named = persons
    }
    let people = People(file: file, view: view, now: now, named: named)
    peopleFound = people
    return people
  }

  /// The parameters in force: as values by slot, and resolved.
  private var parametersInForce: (values: [Value], resolved: ResolvedParameters) {
    if let parametersFound { return parametersFound }
    let found = schema.parameters(
      district: district, subdistrict: area.subdistrict, on: view.today)
    parametersFound = found
    return found
  }

  public var resolvedParameters: ResolvedParameters { parametersInForce.resolved }

  /// Starts an evaluation at the present viewpoint, with the variables that every rule has.
  public func begin(tracing: Bool = false) {
    context.begin(today: view.today, now: min(view.instant, now), tracing: tracing)
    context.set(variable: VariableSlot.household, household)
    context.set(variable: VariableSlot.parameters, parametersObject)
    context.set(variable: VariableSlot.member, .null)
    context.set(variable: VariableSlot.event, .null)
  }

  // MARK: What the engine asks

  /// Indexes of the living members at the viewpoint.
  public var members: [Int] {
    if let memberList { return memberList }
    let list = people?.members() ?? []
    memberList = list
    return list
  }

  public var area: (subdistrict: String, committee: String) {
    if let areaFound { return areaFound }
    let area = people?.area() ?? ("", "")
    areaFound = area
    return area
  }

  /// Six digits, `000000` where unknown.
  public var district: String {
    let area = area
    return area.subdistrict.utf8.count >= 6 ? String(area.subdistrict.prefix(6)) : "000000"
  }

  public func person(_ index: Int) -> Value {
    .object(ObjectRef(type: ObjectKind.person.rawValue, index: UInt32(index)))
  }

  public var household: Value {
    .object(ObjectRef(type: ObjectKind.household.rawValue, index: 0))
  }

  /// The object that the variable `params` stands for.
  public var parametersObject: Value {
    .object(ObjectRef(type: ObjectKind.parameters.rawValue, index: 0))
  }

  public func event(_ position: EventPosition) -> Value {
    .object(ObjectRef(type: ObjectKind.event.rawValue, index: position.packed))
  }

  /// Lowers the validity of the answer under way, where the view moves with the clock.
  func limit(_ instant: Instant) {
    guard view.isMoving else { return }
    context.limitValidity(to: instant)
    if derivationDepth > 0 { derivation.limitValidity(to: instant) }
    if isAssessing { assessing.limitValidity(to: instant) }
  }

  // MARK: FactHost

  public func read(_ object: ObjectRef, field: UInt16) -> Value {
    switch object.type {
    case ObjectKind.person.rawValue:
      return readPerson(object, field)
    case ObjectKind.parameters.rawValue:
      let slot = Int(field)
      let parameters = parametersInForce.values
      return slot < parameters.count ? parameters[slot] : Situation.noObject
    case ObjectKind.household.rawValue:
      return readHousehold(object, field)
    case ObjectKind.event.rawValue:
      return readEvent(object, field)
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

  public func count(_ list: HostList) -> Int {
    guard Int(list.index) < lists.count else { return 0 }
    switch lists[Int(list.index)] {
    case .persons(let indexes): return indexes.count
    case .events(let positions): return positions.count
    case .programmes(let count): return count
    case .referrals(let indexes): return indexes.count
    }
  }

  public func element(_ list: HostList, at index: Int) -> Value {
    guard Int(list.index) < lists.count else { return Situation.noObject }
    switch lists[Int(list.index)] {
    case .persons(let indexes): return person(indexes[index])
    case .events(let positions): return event(positions[index])
    case .programmes:
      return .object(ObjectRef(type: ObjectKind.programme.rawValue, index: UInt32(index)))
    case .referrals(let indexes):
      return .object(
        ObjectRef(type: ObjectKind.referral.rawValue, index: UInt32(indexes[index])))
    }
  }

  /// A list that is built when first read at this viewpoint.
  func list(_ object: ObjectRef, _ slot: UInt16, _ build: () -> ObjectList) -> Value {
    let key = ListKey(kind: object.type, slot: slot, index: object.index)
    if let position = listPositions[key] {
      return .hostList(HostList(kind: object.type, field: slot, index: UInt32(position)))
    }
    let built = build()
    let position = lists.count
    lists.append(built)
    listPositions[key] = position
    return .hostList(HostList(kind: object.type, field: slot, index: UInt32(position)))
  }

  /// A derived fact: evaluated once per object and viewpoint.
  func derived(_ object: ObjectRef, _ slot: UInt16, _ index: Int) -> Value {
    if let known = cache[object, slot] {
      limit(known.validUntil)
      return known.value
    }
    guard schema.pack.derived.indices.contains(index) else { return Situation.noObject }
    let definition = schema.pack.derived[index]
    if derivationDepth == 0 {
      derivation.begin(today: view.today, now: min(view.instant, now))
      derivation.set(variable: VariableSlot.household, household)
      derivation.set(variable: VariableSlot.parameters, parametersObject)
    }
    let outer = derivedMember
    if object.type == ObjectKind.person.rawValue { derivedMember = .object(object) }
    derivation.set(variable: VariableSlot.member, derivedMember)
    derivationDepth += 1
    let value = definition.program.evaluate(derivation).owned
    derivationDepth -= 1
    derivedMember = outer
    derivation.set(variable: VariableSlot.member, outer)
    let validUntil = derivation.validUntil
    cache[object, slot] = DerivedCache.Entry(value: value, validUntil: validUntil)
    limit(validUntil)
    return value
  }

  /// The assessment score as a fact: the lower bound, or what unknown facts could still add.
  func score(_ object: ObjectRef, _ slot: UInt16, unknown: Bool) -> Value {
    if let known = cache[object, slot] {
      limit(known.validUntil)
      return known.value
    }
    // The model must not ask for its own result.
    guard !isAssessing else { return Situation.noObject }
    isAssessing = true
    assessing.begin(today: view.today, now: min(view.instant, now))
    assessing.set(variable: VariableSlot.household, household)
    assessing.set(variable: VariableSlot.parameters, parametersObject)
    let score = schema.pack.assessment.score(assessing, district: district)
    isAssessing = false
    let value = Value.int(Int64(unknown ? score.unknown : score.points))
    cache[object, slot] = DerivedCache.Entry(value: value, validUntil: assessing.validUntil)
    limit(assessing.validUntil)
    return value
  }

  /// The value of a state fact in a log at the viewpoint; the next statement that lies in the
  /// future limits the validity of the answer.
  func stored(_ log: EventLogView, _ fact: FactID) -> FieldView? {
    let range = log.fields(of: fact)
    guard !range.isEmpty else { return nil }
    var index = range.upperBound
    while index > range.lowerBound {
      index -= 1
      let field = log.field(index)
      let effective = field.event.effective
      if effective <= view.instant { return field }
      limit(effective)
    }
    return nil
  }
}

/// Values of derived facts at one viewpoint.
struct DerivedCache {
  struct Entry {
    let value: Value
    let validUntil: Instant
  }
  private var entries: [UInt64: Entry] = [:]

  mutating func forget() { entries.removeAll(keepingCapacity: true) }

  subscript(object: ObjectRef, slot: UInt16) -> Entry? {
    get { entries[DerivedCache.key(object, slot)] }
    set { entries[DerivedCache.key(object, slot)] = newValue }
  }

  private static func key(_ object: ObjectRef, _ slot: UInt16) -> UInt64 {
    UInt64(object.type) << 48 | UInt64(object.index) << 16 | UInt64(slot)
  }
}
