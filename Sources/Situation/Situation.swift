public import Expression
public import Policy
public import Records
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

  private(set) var file: HouseholdFile? {
    didSet { sight.pointee.file = file.map(Unmanaged.passUnretained) }
  }
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
  /// The lists that facts have at any of the viewpoints.
  let lists = ListStore()
  private var nextMemory = 0
  /// The last place found: the next household often lives where the one before did.
  var lastLocality = Locality.unknown
  /// The people named by events looked from, once they were asked for.
  private var namings: [(event: EventPosition, people: [CitizenID])] = []
  /// The people known to be dead or alive now, by bit.
  private var deathsNow: (known: UInt64, dead: UInt64) = (0, 0)
  /// The rule whose own referrals do not count as open (a rule cannot hold itself up).
  public var decidingRule = "" {
    didSet {
      guard decidingRule != oldValue, let file, !file.referrals.isEmpty else { return }
      let isConcerned = file.referrals.contains { referral in
        referral.isOpen && (referral.rule == decidingRule || referral.rule == oldValue)
      }
      if isConcerned {
        decidingChanges &+= 1
        mustShowAgain = true
      }
    }
  }
  /// How often another rule's referrals came to count as open, or not.
  private var decidingChanges: UInt32 = 0
  /// What the present viewpoint shows may not be what it showed when it was taken: anything, or
  /// what depends on the deciding event.
  private var mustLookAgain = true
  private var mustShowAgain = true

  let sight: UnsafeMutablePointer<Sight>
  let householdWidth: Int
  let personWidth: Int
  /// How facts are read, by slot; kept by the schema.
  let householdSources: UnsafePointer<FactSource<HouseholdBuiltin>>
  let personSources: UnsafePointer<FactSource<PersonBuiltin>>
  let eventSources: UnsafePointer<FactSource<EventBuiltin>>
  /// The stored fact behind each slot of events.
  let storedEvents: UnsafePointer<FactID>
  let eventWidth: Int
  /// The weight of an event's service, which is asked of one event after another; -1 where the pack
  /// has none.
  let weightSlot: Int
  private var logCapacity = 16

  /// Every viewpoint works out all its facts by itself: for the comparison with what is taken over.
  let worksOutAll: Bool

  public init(schema: SituationSchema, worksOutAll: Bool = false) {
    self.schema = schema
    self.worksOutAll = worksOutAll
    let memories = (0..<16).map { _ in ViewMemory(scoreIsOfEvent: schema.scoreIsOfEvent) }
    let places = UnsafeMutablePointer<MemoryPlace>.allocate(capacity: memories.count)
    for (at, memory) in memories.enumerated() {
      (places + at).initialize(
        to: MemoryPlace(memory: .passUnretained(memory), cells: memory.cells))
    }
    self.memories = memories
    current = .passUnretained(memories[0])
    householdWidth = schema.householdWidth
    personWidth = schema.personWidth
    householdSources = schema.households.first
    personSources = schema.persons.first
    eventSources = schema.events.first
    storedEvents = UnsafePointer(schema.storedEvents)
    eventWidth = schema.events.count
    weightSlot = schema.weightSlot
    sight = .allocate(capacity: 1)
    sight.initialize(
      to: Sight(
        cells: memories[0].cells, logs: .allocate(capacity: logCapacity), lists: lists.lists,
        items: lists.items, serviceTable: .passUnretained(schema.services),
        statementBits: .passUnretained(schema.statements),
        statements: .allocate(capacity: logCapacity), places: places))
    super.init()
    let calendar = schema.pack.calendar
    func makeContext() -> EvaluationContext {
      let made = EvaluationContext(
        host: self, keepsHost: false, calendar: calendar, variableCapacity: schema.variableCapacity)
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
    sight.pointee.statements.deallocate()
    sight.pointee.services.deallocate()
    sight.pointee.places.deallocate()
    sight.deinitialize(count: 1)
    sight.deallocate()
  }

  // MARK: What expressions ask, see Reading

  public override func read(_ object: ObjectRef, field: UInt16) -> Value {
    readFact(object, field)
  }
  public override func int(_ object: ObjectRef, field: UInt16) -> Int64? {
    readInt(object, field)
  }
  public override func bool(_ object: ObjectRef, field: UInt16) -> Bool? {
    readBool(object, field)
  }
  public override func day(_ object: ObjectRef, field: UInt16) -> Int32? {
    readDay(object, field)
  }
  public override func size(_ object: ObjectRef, field: UInt16) -> Int? {
    object.type == ObjectKind.event.rawValue ? eventTextCount(object, field) : nil
  }
  public override func count(_ list: HostList) -> Int { countObjects(list) }
  public override func element(_ list: HostList, at index: Int) -> Value {
    object(list, at: index).map(Value.object) ?? Situation.noObject
  }
  public override func object(_ list: HostList, at index: Int) -> ObjectRef? {
    findObject(list, index)
  }
  public override func list(
    of places: UnsafeBufferPointer<UInt32>, in list: HostList
  ) -> HostList? { pick(places, of: list) }
  public override func numbers(
    of list: HostList, from start: Int, rows: UInt64, field: UInt16, isOfDays: Bool,
    into numbers: UnsafeMutablePointer<Int64>
  ) -> Bool { readColumn(field, isOfDays: isOfDays, of: list, from: start, rows, into: numbers) }

  // MARK: Taking up

  /// Takes up a household. `now` is the clock of the decision.
  public func load(_ file: HouseholdFile, now: Instant) {
    self.file = file
    self.now = now
    deathsNow = (0, 0)
    namings.removeAll(keepingCapacity: true)
    noteLogs(file.log, file.persons.count) { file.persons[$0].view.log }
    sight.pointee.settled = (file.nobodyMoved ? file.lastMove : .distantFuture, file.hereAtLast)
    forgetViews()
    look(from: .now(now))
  }

  /// Takes up people's events without their household: nothing can be asked but what events state
  /// themselves.
  public func load(eventsOf persons: [PersonOnFile]) {
    forgetFile()
    noteLogs(nil, persons.count) { persons[$0].view.log }
  }

  /// The same of one person.
  public func load(eventsOf person: PersonView) {
    forgetFile()
    noteLogs(nil, 1) { _ in person.log }
  }

  private func forgetFile() {
    file = nil
    mustLookAgain = true
    outlooks.removeAll(keepingCapacity: true)
    memory.others.removeAll()
    sight.pointee.settled = (.distantFuture, 0)
  }

  private func noteLogs(_ log: EventLogView?, _ count: Int, _ person: (Int) -> EventLogView) {
    sight.pointee.personCount = count
    if count >= logCapacity {
      sight.pointee.logs.deallocate()
      sight.pointee.statements.deallocate()
      logCapacity = count + 1
      sight.pointee.logs = .allocate(capacity: logCapacity)
      sight.pointee.statements = .allocate(capacity: logCapacity)
    }
    sight.pointee.services.removeAll()
    sight.pointee.services.add(log?.eventCount ?? 0)
    if let log { sight.pointee.logs.initialize(to: log) }
    for index in 0..<count {
      let log = person(index)
      (sight.pointee.logs + index + 1).initialize(to: log)
      (sight.pointee.statements + index).initialize(to: 0)
      sight.pointee.services.add(log.eventCount)
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
      return sight.pointee.file != nil ? UnsafePointer(sight.pointee.logs) : nil
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
    let here = here()
    let outlook = Outlook(
      instant: view.instant, isMoving: view.isMoving, today: view.today,
      hidesLaterReferrals: view.hidesLaterReferrals, here: here,
      event: sight.pointee.personCount > People.bits ? view.event : nil)
    if let known = outlooks.firstIndex(of: outlook) {
      show(memory: known)
    } else {
      show(memory: begin(outlook))
    }
    showEvent()
    sight.pointee.here = here
    sight.pointee.isMoving = view.isMoving
  }

  /// Who lives here at the viewpoint, by bit.
  @inline(__always)
  private func here() -> UInt64 {
    if view.instant >= sight.pointee.settled.since { return sight.pointee.settled.here }
    return file.map { People.here($0, view, now, named) } ?? 0
  }

  /// The people named by the event looked from; one rule after the other looks from it.
  var named: [CitizenID] {
    guard let event = view.event else { return [] }
    if let known = namings.first(where: { $0.event == event }) { return known.people }
    let people = file.map { People.named(by: event, $0) } ?? []
    namings.append((event, people))
    return people
  }

  /// Goes over to a memory.
  private func show(memory at: Int) {
    sight.pointee.place = at
    current = sight.pointee.places[at].memory
    current._withUnsafeGuaranteedRef { memory in
      sight.pointee.cells = memory.cells
      sight.pointee.generation = memory.generation
      sight.pointee.parameters = memory.parameters?.values
      sight.pointee.parameterCount = memory.parameters?.count ?? 0
    }
  }

  /// Gives a memory to a new outlook.
  private func begin(_ outlook: Outlook) -> Int {
    let at = nextMemory
    let places = sight.pointee.places
    places[at].kin = 0
    for other in outlooks.indices { places[other].kin &= ~(1 << UInt32(at)) }
    if let file, !outlook.hidesLaterReferrals, !worksOutAll {
      for other in outlooks.indices
      where other != at && areKin(outlook, outlooks[other], in: file) {
        places[at].kin |= 1 << UInt32(other)
        places[other].kin |= 1 << UInt32(at)
      }
    }
    if at < outlooks.count { outlooks[at] = outlook } else { outlooks.append(outlook) }
    nextMemory = (at + 1) % memories.count
    let facts = householdWidth + sight.pointee.personCount * personWidth
    places[at].memory._withUnsafeGuaranteedRef { memory in
      memory.begin(facts: facts)
      places[at].cells = memory.cells
      places[at].generation = memory.generation
    }
    return at
  }

  /// Whether the same people live here at two viewpoints, and nobody was entered or moved between
  /// them: then their facts are the same but for events and time.
  private func areKin(_ a: Outlook, _ b: Outlook, in file: HouseholdFile) -> Bool {
    a.here == b.here && a.event == b.event && !b.hidesLaterReferrals
      && !file.changesPeople(between: a.instant, and: b.instant)
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
    let deciding = ViewMemory.Deciding(event: view.event, changes: decidingChanges)
    current._withUnsafeGuaranteedRef { memory in
      memory.show(deciding)
      sight.pointee.eventGeneration = memory.eventGeneration
    }
  }

  /// Whether a person lives here at the viewpoint; people of the deciding event keep their home.
  func livesHere(_ index: Int) -> Bool {
    if index < People.bits { return sight.pointee.here & (1 << UInt64(index)) != 0 }
    return file.map { People.livesHere(index, $0, view, now, named) } ?? false
  }

  /// Takes up where the lists lie.
  func noteLists() {
    sight.pointee.lists = lists.lists
    sight.pointee.listCount = lists.listCount
    sight.pointee.items = lists.items
  }

  private func forgetViews() {
    outlooks.removeAll(keepingCapacity: true)
    nextMemory = 0
    lists.removeAll()
    noteLists()
    mustLookAgain = true
  }

  /// Who belongs where.
  var people: People? { file.map { People(file: $0, view: view) } }

  var parametersInForce: ParametersInForce {
    if let known = current._withUnsafeGuaranteedRef({ $0.parameters }) { return known }
    // What facts rest on is the same for those that are taken over.
    let outer = sight.pointee.standing
    defer { sight.pointee.standing = outer }
    let found = schema.parameters(in: locality, on: view.today)
    memory.parameters = found
    sight.pointee.parameters = found.values
    sight.pointee.parameterCount = found.count
    return found
  }

  public var resolvedParameters: ResolvedParameters { withParameters { $0.resolved } }

  /// A parameter of the engine's that is a term; nil where there is none.
  public func term(_ index: Int) -> Term? { withParameters { $0.resolved.term(index) } }

  private func withParameters<R>(_ ask: (ParametersInForce) -> R) -> R {
    current._withUnsafeGuaranteedRef { ask($0.parameters ?? parametersInForce) }
  }

  /// Starts an evaluation at the present viewpoint, with the variables that every rule has.
  ///
  /// - Parameter member: the index of a person.
  public func begin(member: Int? = nil, event: EventPosition? = nil, tracing: Bool = false) {
    sight.pointee.looksBeyondEvents = false
    sight.pointee.contexts?.rules._withUnsafeGuaranteedRef { context in
      context.begin(
        today: view.today, now: view.instant, tracing: tracing, isMoving: view.isMoving)
      /// A variable that stands for nothing mostly goes on to do so.
      func set(_ variable: Int, to object: ObjectRef?, _ isSet: inout Bool) {
        if object != nil || isSet { context.set(variable: variable, to: object) }
        isSet = object != nil
      }
      set(
        VariableSlot.member,
        to: member.map { ObjectRef(type: ObjectKind.person.rawValue, index: UInt32($0)) },
        &sight.pointee.hasMember)
      set(
        VariableSlot.event,
        to: event.map { ObjectRef(type: ObjectKind.event.rawValue, index: $0.packed) },
        &sight.pointee.hasEvent)
    }
  }

  /// Whether what was evaluated since `begin` rests on nothing but what events state themselves:
  /// then it is the same at every viewpoint, whatever else becomes known.
  public var restsOnEventsAlone: Bool {
    !sight.pointee.looksBeyondEvents && context.timeRead == .none
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
    let bit: UInt64 = index < 64 ? 1 << UInt64(index) : 0
    return deathsNow.known & bit != 0 ? deathsNow.dead & bit != 0 : findDeath(of: index)
  }

  @inline(never)
  private func findDeath(of index: Int) -> Bool {
    let isDead =
      index < sight.pointee.personCount && isStated(People.dead, of: index)
      && People.isDead(sight.pointee.logs[index + 1], at: now)
    if index < 64 {
      deathsNow.known |= 1 << UInt64(index)
      if isDead { deathsNow.dead |= 1 << UInt64(index) }
    }
    return isDead
  }
}
