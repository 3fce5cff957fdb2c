public import Expression
public import Policy
import Records
public import Vocabulary

/// A household as the rules see it: the host of all expressions of one decision.
///
/// Load a file, choose a viewpoint, evaluate programs. Stored facts are read in place from the
/// records; every fact of a person or the household is worked out once per viewpoint; lists are
/// built when first asked for. One object serves one worker; it is reused for every household.
public final class Situation: FactHost {
  let schema: SituationSchema
  /// Evaluates the rules; nested derived facts use a context of their own.
  public private(set) var context: EvaluationContext!
  private(set) var assessing: EvaluationContext!
  var isAssessing = false
  private var derivation: EvaluationContext!
  var derivationDepth = 0
  /// The person whose derived fact is being evaluated.
  var derivedMember: ObjectRef?

  private(set) var file: HouseholdFile?
  private(set) var view = Viewpoint.now(.distantPast)
  private(set) var now = Instant.distantPast
  /// What the present viewpoint has shown; one of `memories`.
  var current: Unmanaged<ViewMemory>
  var memory: ViewMemory { current.takeUnretainedValue() }
  /// What the last viewpoints of this file have shown. Each fresh event of a household is looked at
  /// from its day and from now, by one rule after the other; most viewpoints of one moment share
  /// what they show.
  private let memories: [ViewMemory]
  /// What each memory in use belongs to.
  private var outlooks: [Outlook] = []
  private var nextMemory = 0
  /// The people named by an event looked from, and which event that is.
  private(set) var named: [CitizenID] = []
  private var namedBy: EventPosition?
  /// The people known to be dead or alive now, by bit.
  private var deathsNow: (known: UInt64, dead: UInt64) = (0, 0)
  /// The rule whose own referrals do not count as open (a rule cannot hold itself up).
  public var decidingRule = "" {
    didSet {
      guard decidingRule != oldValue, let file, !file.referrals.isEmpty else { return }
      let isConcerned = file.referrals.contains { referral in
        referral.isOpen && (referral.rule == decidingRule || referral.rule == oldValue)
      }
      if isConcerned { mustShowAgain = true }
    }
  }
  /// What the present viewpoint shows may not be what it showed when it was taken: anything, or
  /// what depends on the deciding event.
  private var mustLookAgain = true
  private var mustShowAgain = true

  /// What every read needs, apart from the object: no exclusivity checks, no counting.
  struct Sight {
    /// The facts of the present viewpoint, where they belong to one of these generations.
    var cells: UnsafeMutablePointer<Cell>
    var generation: UInt32 = 0
    /// Of the facts that are others for another deciding event.
    var eventGeneration: UInt32 = 0
    var personCount = 0
    var hasFile = false
    /// The log of the household, then those of the people.
    var logs: UnsafeMutablePointer<EventLogView>
    var lists: UnsafeMutablePointer<ObjectList>
    var listCount = 0
    var items: UnsafeMutablePointer<UInt32>
    /// Of the parameters in force; none before they are first asked for.
    var parameters: UnsafeMutablePointer<Value>?
    var parameterCount = 0
    /// Where the last field of an event was found: the same field of the next one mostly follows.
    var hint = 0
    /// Who lives here, by bit.
    var here: UInt64 = 0
    /// The view moves with the clock.
    var isMoving = true
    /// The contexts, which are kept by the object.
    var contexts: Contexts?
    /// Until when the fact being worked out stands.
    var validUntil = Instant.distantFuture
  }
  let sight: UnsafeMutablePointer<Sight>

  struct Contexts {
    let rules: Unmanaged<EvaluationContext>
    let assessment: Unmanaged<EvaluationContext>
    let derivation: Unmanaged<EvaluationContext>
  }
  private let householdWidth: Int
  private let personWidth: Int
  /// How facts are read, by slot; kept by the schema.
  let householdSources: UnsafePointer<FactSource<HouseholdBuiltin>>
  let personSources: UnsafePointer<FactSource<PersonBuiltin>>
  /// The stored fact behind each slot of events.
  let storedEvents: UnsafePointer<FactID>
  let eventWidth: Int
  private var logCapacity = 16

  public init(schema: SituationSchema) {
    self.schema = schema
    memories = (0..<16).map { _ in ViewMemory(scoreIsOfEvent: schema.scoreIsOfEvent) }
    current = .passUnretained(memories[0])
    householdWidth = schema.householdWidth
    personWidth = schema.personWidth
    householdSources = schema.households.first
    personSources = schema.persons.first
    storedEvents = UnsafePointer(schema.storedEvents)
    eventWidth = schema.events.count
    sight = .allocate(capacity: 1)
    sight.initialize(
      to: Sight(
        cells: memories[0].cells, logs: .allocate(capacity: logCapacity),
        lists: memories[0].lists, items: memories[0].items))
    let calendar = schema.pack.calendar
    func makeContext() -> EvaluationContext {
      let made = EvaluationContext(
        host: self, calendar: calendar, variableCapacity: schema.variableCapacity)
      made.set(variable: VariableSlot.household, household)
      made.set(variable: VariableSlot.parameters, parametersObject)
      return made
    }
    context = makeContext()
    derivation = makeContext()
    assessing = makeContext()
    sight.pointee.contexts = Contexts(
      rules: .passUnretained(context), assessment: .passUnretained(assessing),
      derivation: .passUnretained(derivation))
  }

  deinit {
    sight.pointee.logs.deallocate()
    sight.deallocate()
  }

  /// Takes up a household. `now` is the clock of the decision.
  public func load(_ file: HouseholdFile, now: Instant) {
    self.file = file
    self.now = now
    deathsNow = (0, 0)
    namedBy = nil
    named = []
    sight.pointee.personCount = file.persons.count
    noteLogs(file)
    forgetViews()
    look(from: .now(now))
  }

  private func noteLogs(_ file: HouseholdFile) {
    if file.persons.count >= logCapacity {
      sight.pointee.logs.deallocate()
      logCapacity = file.persons.count + 1
      sight.pointee.logs = .allocate(capacity: logCapacity)
    }
    sight.pointee.logs.initialize(to: file.log)
    sight.pointee.hasFile = true
    for index in file.persons.indices {
      (sight.pointee.logs + index + 1).initialize(to: file.persons[index].view.log)
    }
  }

  /// The log of a person, or of the household, by the owner in an `EventPosition`.
  @inline(__always)
  func log(of owner: Int) -> EventLogView? {
    place(of: owner)?.pointee
  }

  /// Where the log of an owner lies.
  @inline(__always)
  func place(of owner: Int) -> UnsafePointer<EventLogView>? {
    if owner == EventPosition.household {
      return sight.pointee.hasFile ? UnsafePointer(sight.pointee.logs) : nil
    }
    return owner < sight.pointee.personCount ? UnsafePointer(sight.pointee.logs + owner + 1) : nil
  }

  /// What an event of a log states of a fact; fields are mostly read for one event after another.
  @inline(__always)
  func field(_ fact: FactID, of event: Int, in log: UnsafePointer<EventLogView>) -> FieldView? {
    log.pointee.field(fact, of: event, near: &sight.pointee.hint)
  }

  /// Shows the rules the household's referrals as they stand now.
  public func show(_ referrals: [ReferralOnFile]) {
    file?.referrals = referrals
    forgetViews()
    look(from: .now(now))
  }

  /// Changes the viewpoint: facts, membership and derived values are those of that moment.
  public func look(from view: Viewpoint) {
    if !mustLookAgain, view == self.view {
      if mustShowAgain { showEvent() }
      return
    }
    mustLookAgain = false
    self.view = view
    if view.event != namedBy {
      namedBy = view.event
      named = file.map { People.named(by: view.event, $0) } ?? []
    }
    let here = file.map { People.here($0, view, now, named) } ?? 0
    let outlook = Outlook(
      instant: view.instant, isMoving: view.isMoving, today: view.today,
      hidesLaterReferrals: view.hidesLaterReferrals, here: here,
      event: sight.pointee.personCount > People.bits ? view.event : nil)
    if let known = outlooks.firstIndex(of: outlook) {
      current = .passUnretained(memories[known])
    } else {
      current = .passUnretained(memories[nextMemory])
      if nextMemory < outlooks.count {
        outlooks[nextMemory] = outlook
      } else {
        outlooks.append(outlook)
      }
      nextMemory = (nextMemory + 1) % memories.count
      let facts = householdWidth + sight.pointee.personCount * personWidth
      current._withUnsafeGuaranteedRef { $0.begin(facts: facts) }
    }
    showEvent()
    sight.pointee.here = here
    sight.pointee.isMoving = view.isMoving
    current._withUnsafeGuaranteedRef { memory in
      sight.pointee.cells = memory.cells
      sight.pointee.generation = memory.generation
      sight.pointee.parameters = memory.parameters?.values
      sight.pointee.parameterCount = memory.parameters?.count ?? 0
      noteLists(memory)
    }
  }

  /// All on which most facts of a viewpoint depend: where two viewpoints agree in that, they share
  /// what they show. The deciding event matters by whom it leaves at home.
  private struct Outlook: Equatable {
    let instant: Instant
    let isMoving: Bool
    let today: CivilDate
    let hidesLaterReferrals: Bool
    /// Who lives here, by bit.
    let here: UInt64
    /// The deciding event, where there are more people than bits.
    let event: EventPosition?
  }

  /// Takes up what depends on the deciding event besides the viewpoint.
  private func showEvent() {
    mustShowAgain = false
    let deciding = ViewMemory.Deciding(event: view.event, hasOpenReferral: hasOpenReferral())
    current._withUnsafeGuaranteedRef { memory in
      memory.show(deciding)
      sight.pointee.eventGeneration = memory.eventGeneration
    }
  }

  /// Whether a person lives here at the viewpoint; people of the deciding event keep their home.
  func livesHere(_ index: Int) -> Bool {
    index < People.bits
      ? sight.pointee.here & (1 << UInt64(index)) != 0 : people?.livesHere(index) ?? false
  }

  func noteLists(_ memory: ViewMemory) {
    sight.pointee.lists = memory.lists
    sight.pointee.listCount = memory.listCount
    sight.pointee.items = memory.items
  }

  private func forgetViews() {
    outlooks.removeAll(keepingCapacity: true)
    nextMemory = 0
    mustLookAgain = true
  }

  /// Who belongs where, made when first asked for.
  var people: People? {
    if let people = current._withUnsafeGuaranteedRef({ $0.people }) { return people }
    guard let file else { return nil }
    let people = People(
      file: file, view: view, now: now, named: named, here: sight.pointee.here)
    memory.people = people
    return people
  }

  private var parametersInForce: ParametersInForce {
    if let known = current._withUnsafeGuaranteedRef({ $0.parameters }) { return known }
    let found = schema.parameters(
      district: district, subdistrict: area.subdistrict, on: view.today)
    memory.parameters = found
    sight.pointee.parameters = found.values
    sight.pointee.parameterCount = found.count
    return found
  }

  public var resolvedParameters: ResolvedParameters { parametersInForce.resolved }

  /// Starts an evaluation at the present viewpoint, with the variables that every rule has.
  ///
  /// - Parameter member: the index of a person.
  public func begin(member: Int? = nil, event: EventPosition? = nil, tracing: Bool = false) {
    sight.pointee.contexts?.rules._withUnsafeGuaranteedRef { context in
      context.begin(
        today: view.today, now: view.instant, tracing: tracing, isMoving: view.isMoving)
      context.set(
        variable: VariableSlot.member,
        to: member.map { ObjectRef(type: ObjectKind.person.rawValue, index: UInt32($0)) })
      context.set(
        variable: VariableSlot.event,
        to: event.map { ObjectRef(type: ObjectKind.event.rawValue, index: $0.packed) })
    }
  }

  // MARK: What the engine asks

  /// Indexes of the living members at the viewpoint.
  public var members: [Int] {
    if let members = current._withUnsafeGuaranteedRef({ $0.members }) { return members }
    let list = people?.members() ?? []
    memory.members = list
    return list
  }

  /// The living members as the subjects of a rule about each of them.
  public var memberSubjects: [Int?] {
    if let subjects = memory.memberSubjects { return subjects }
    let subjects = members.map(Optional.some)
    memory.memberSubjects = subjects
    return subjects
  }

  public var area: (subdistrict: String, committee: String) {
    if let area = current._withUnsafeGuaranteedRef({ $0.area }) { return area }
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

  /// Whether a person is known to be dead now.
  public func isDead(_ index: Int) -> Bool {
    guard let file, file.persons.indices.contains(index) else { return false }
    guard index < 64 else { return People.isDead(file.persons[index].view.log, at: now) }
    let bit = UInt64(1) << UInt64(index)
    if deathsNow.known & bit == 0 {
      deathsNow.known |= bit
      if People.isDead(file.persons[index].view.log, at: now) { deathsNow.dead |= bit }
    }
    return deathsNow.dead & bit != 0
  }

  // MARK: FactHost

  public func read(_ object: ObjectRef, field: UInt16) -> Value {
    switch object.type {
    case ObjectKind.person.rawValue:
      let person = Int(object.index)
      guard person < sight.pointee.personCount, Int(field) < personWidth else {
        return Situation.noObject
      }
      return fact(object, field, at: householdWidth + person * personWidth + Int(field))
    case ObjectKind.parameters.rawValue:
      if sight.pointee.parameters == nil { _ = parametersInForce }
      guard let parameters = sight.pointee.parameters,
        Int(field) < sight.pointee.parameterCount
      else { return Situation.noObject }
      return parameters[Int(field)]
    case ObjectKind.household.rawValue:
      guard Int(field) < householdWidth else { return Situation.noObject }
      return fact(object, field, at: Int(field))
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

  public func int(_ object: ObjectRef, field: UInt16) -> Int64? {
    if object.type == ObjectKind.event.rawValue { return eventInt(object, field) }
    guard let cell = cell(object, field), case .int(let value) = cell.pointee.value else {
      return nil
    }
    return value
  }

  public func bool(_ object: ObjectRef, field: UInt16) -> Bool? {
    guard let cell = cell(object, field), case .bool(let value) = cell.pointee.value else {
      return nil
    }
    return value
  }

  public func day(_ object: ObjectRef, field: UInt16) -> Int32? {
    if object.type == ObjectKind.event.rawValue { return eventDay(object, field) }
    guard let cell = cell(object, field), case .date(let value) = cell.pointee.value else {
      return nil
    }
    return value.dayNumber
  }

  /// Where a fact of a person or the household is kept, worked out if need be. Nil for those of
  /// other objects, and for what is not to be kept.
  @inline(__always)
  private func cell(_ object: ObjectRef, _ slot: UInt16) -> UnsafeMutablePointer<Cell>? {
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
      limit(cell.pointee.validUntil)
    } else {
      _ = workOut(object, slot, index)
      guard isKnown(cell) else { return nil }
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
    guard isKnown(cell) else { return workOut(object, slot, index) }
    limit(cell.pointee.validUntil)
    return cell.pointee.value
  }

  @inline(never)
  private func workOut(_ object: ObjectRef, _ slot: UInt16, _ index: Int) -> Value {
    let outer = sight.pointee.validUntil
    sight.pointee.validUntil = .distantFuture
    let wasAssessing = isAssessing
    let value =
      object.type == ObjectKind.person.rawValue
      ? readPerson(object, slot) : readHousehold(object, slot)
    let validUntil = sight.pointee.validUntil
    sight.pointee.validUntil = min(outer, validUntil)
    // While the assessment runs, its own result is no fact yet.
    if wasAssessing, schema.isScore(object, slot) { return value }
    let isOfEvent =
      object.type == ObjectKind.person.rawValue
      ? personSources[Int(slot)].isOfEvent : householdSources[Int(slot)].isOfEvent
    let cell = sight.pointee.cells + index
    cell.pointee.value = value
    cell.pointee.validUntil = validUntil
    cell.pointee.generation =
      isOfEvent ? sight.pointee.eventGeneration : sight.pointee.generation
    return value
  }

  /// Lowers the validity of the answer under way, where the view moves with the clock.
  @inline(__always)
  func limit(_ instant: Instant) {
    if instant < .distantFuture, sight.pointee.isMoving { lower(instant) }
  }

  @inline(never)
  private func lower(_ instant: Instant) {
    if instant < sight.pointee.validUntil { sight.pointee.validUntil = instant }
    guard let contexts = sight.pointee.contexts else { return }
    contexts.rules._withUnsafeGuaranteedRef { $0.limitValidity(to: instant) }
    if derivationDepth > 0 {
      contexts.derivation._withUnsafeGuaranteedRef { $0.limitValidity(to: instant) }
    }
    if isAssessing {
      contexts.assessment._withUnsafeGuaranteedRef { $0.limitValidity(to: instant) }
    }
  }

  public func count(_ list: HostList) -> Int {
    guard Int(list.index) < sight.pointee.listCount else { return 0 }
    return sight.pointee.lists[Int(list.index)].count
  }

  public func element(_ list: HostList, at index: Int) -> Value {
    guard Int(list.index) < sight.pointee.listCount else { return Situation.noObject }
    let objects = sight.pointee.lists[Int(list.index)]
    guard index >= 0, index < objects.count else { return Situation.noObject }
    return .object(
      ObjectRef(type: objects.kind, index: sight.pointee.items[objects.start + index]))
  }
}
