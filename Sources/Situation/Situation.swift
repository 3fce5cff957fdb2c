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
  /// What the present viewpoint has shown.
  private(set) var memory = ViewMemory()
  /// The last viewpoints of this file, the first `viewCount` of them in use.
  private let memories = [ViewMemory(), ViewMemory(), ViewMemory(), ViewMemory()]
  private var viewCount = 0
  private var nextMemory = 0
  /// The rule whose own referrals do not count as open (a rule cannot hold itself up).
  public var decidingRule = "" {
    didSet {
      guard decidingRule != oldValue, let file else { return }
      let isConcerned = file.referrals.contains { referral in
        referral.isOpen && (referral.rule == decidingRule || referral.rule == oldValue)
      }
      if isConcerned { forgetViews() }
    }
  }
  /// Until when the list being built stands.
  private var listValidUntil = Instant.distantFuture

  /// Objects of one kind, in order.
  enum ObjectList {
    case persons([Int])
    case events([EventPosition])
    case programmes(Int)
    case referrals([Int])
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
    forgetViews()
    context.calendar = calendar
    derivation.calendar = calendar
    assessing.calendar = calendar
    look(from: .now(now))
  }

  /// Changes the viewpoint: facts, membership and derived values are those of that moment.
  public func look(from view: Viewpoint) {
    if viewCount > 0, view == self.view { return }
    self.view = view
    if let known = memories.prefix(viewCount).first(where: { $0.view == view }) {
      memory = known
      return
    }
    memory = memories[nextMemory]
    nextMemory = (nextMemory + 1) % memories.count
    viewCount = min(viewCount + 1, memories.count)
    memory.begin(view)
  }

  private func forgetViews() {
    viewCount = 0
    nextMemory = 0
  }

  /// Who belongs where, made when first asked for.
  var people: People? {
    if let people = memory.people { return people }
    guard let file else { return nil }
    var named: [CitizenID] = []
    // A composition notice says where its people live; any other event leaves them where they were.
    if let position = view.event, let event = file.event(position),
      event.type != SituationSchema.composition, let persons = try? event.texts().persons
    {
      named = persons
    }
    let people = People(file: file, view: view, now: now, named: named)
    memory.people = people
    return people
  }

  /// The parameters in force: as values by slot, and resolved.
  private var parametersInForce: (values: [Value], resolved: ResolvedParameters) {
    if let parameters = memory.parameters { return parameters }
    let found = schema.parameters(
      district: district, subdistrict: area.subdistrict, on: view.today)
    memory.parameters = found
    return found
  }

  public var resolvedParameters: ResolvedParameters { parametersInForce.resolved }

  /// Starts an evaluation at the present viewpoint, with the variables that every rule has.
  public func begin(tracing: Bool = false) {
    context.begin(today: view.today, now: view.instant, tracing: tracing)
    context.set(variable: VariableSlot.household, household)
    context.set(variable: VariableSlot.parameters, parametersObject)
    context.set(variable: VariableSlot.member, .null)
    context.set(variable: VariableSlot.event, .null)
  }

  // MARK: What the engine asks

  /// Indexes of the living members at the viewpoint.
  public var members: [Int] {
    if let members = memory.members { return members }
    let list = people?.members() ?? []
    memory.members = list
    return list
  }

  public var area: (subdistrict: String, committee: String) {
    if let area = memory.area { return area }
    let area = people?.area() ?? ("", "")
    memory.area = area
    return area
  }

  /// Six digits, `000000` where unknown.
  public var district: String {
    if let district = memory.district { return district }
    let subdistrict = area.subdistrict
    let district = subdistrict.utf8.count >= 6 ? String(subdistrict.prefix(6)) : "000000"
    memory.district = district
    return district
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
    if instant < listValidUntil { listValidUntil = instant }
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
    guard Int(list.index) < memory.lists.count else { return 0 }
    switch memory.lists[Int(list.index)] {
    case .persons(let indexes): return indexes.count
    case .events(let positions): return positions.count
    case .programmes(let count): return count
    case .referrals(let indexes): return indexes.count
    }
  }

  public func element(_ list: HostList, at index: Int) -> Value {
    guard Int(list.index) < memory.lists.count else { return Situation.noObject }
    switch memory.lists[Int(list.index)] {
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
    if let known = memory.listPositions[object, slot] {
      limit(known.validUntil)
      return .hostList(HostList(kind: object.type, field: slot, index: known.position))
    }
    let outer = listValidUntil
    listValidUntil = .distantFuture
    let built = build()
    let position = UInt32(memory.lists.count)
    memory.lists.append(built)
    memory.listPositions.set(object, slot, (position, listValidUntil))
    listValidUntil = min(outer, listValidUntil)
    return .hostList(HostList(kind: object.type, field: slot, index: position))
  }

  /// A derived fact: evaluated once per object and viewpoint.
  func derived(_ object: ObjectRef, _ slot: UInt16, _ index: Int) -> Value {
    if let known = memory.derived[object, slot] {
      limit(known.validUntil)
      return known.value
    }
    guard schema.pack.derived.indices.contains(index) else { return Situation.noObject }
    let definition = schema.pack.derived[index]
    if derivationDepth == 0 {
      derivation.begin(today: view.today, now: view.instant)
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
    memory.derived.set(object, slot, DerivedValue(value: value, validUntil: validUntil))
    limit(validUntil)
    return value
  }

  /// A result of the assessment as a fact.
  func score(
    _ object: ObjectRef, _ slot: UInt16, _ shown: (AssessmentModel.Score) -> Value
  ) -> Value {
    if let known = memory.derived[object, slot] {
      limit(known.validUntil)
      return known.value
    }
    // The model must not ask for its own result.
    guard !isAssessing else { return Situation.noObject }
    isAssessing = true
    assessing.begin(today: view.today, now: view.instant)
    assessing.set(variable: VariableSlot.household, household)
    assessing.set(variable: VariableSlot.parameters, parametersObject)
    let score = schema.pack.assessment.score(assessing, district: district)
    isAssessing = false
    let value = shown(score)
    memory.derived.set(
      object, slot, DerivedValue(value: value, validUntil: assessing.validUntil))
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
