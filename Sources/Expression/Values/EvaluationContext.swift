public import Vocabulary

/// What the expressions read. Called on the evaluating thread only.
///
/// The base class is a host without objects. It is no protocol, since to call a method of a class
/// that somebody else keeps counts no references, and every fact is read by such a call.
open class FactHost {
  /// A host without objects.
  public init() {}

  static let noObject = Value.failure(.host, "no such object")
  static let noList = Value.failure(.host, "no such list")

  /// The value of a field; `.unknown` where the fact is missing. Texts may be borrowed.
  open func read(_ object: ObjectRef, field: UInt16) -> Value { FactHost.noObject }

  /// The value of a field where it is an int; nil where `read` has something else to say. Likewise
  /// a bool and the day of a date: what most expressions ask for needs no `Value` then.
  open func int(_ object: ObjectRef, field: UInt16) -> Int64? {
    if case .int(let value) = read(object, field: field) { value } else { nil }
  }
  open func bool(_ object: ObjectRef, field: UInt16) -> Bool? {
    if case .bool(let value) = read(object, field: field) { value } else { nil }
  }
  open func day(_ object: ObjectRef, field: UInt16) -> Int32? {
    if case .date(let value) = read(object, field: field) { value.dayNumber } else { nil }
  }

  /// How many elements a field has, where that is known without making the list; nil otherwise.
  open func size(_ object: ObjectRef, field: UInt16) -> Int? { nil }

  /// How many elements a list has.
  open func count(_ list: HostList) -> Int { 0 }

  /// `index` is within `0..<count(list)`.
  open func element(_ list: HostList, at index: Int) -> Value { FactHost.noList }

  /// The element where it is an object; nil where `element` has something else to say.
  open func object(_ list: HostList, at index: Int) -> ObjectRef? {
    if case .object(let object) = element(list, at: index) { object } else { nil }
  }

  /// A list of some elements of another one, by their places in it; nil where the host makes none.
  open func list(of places: UnsafeBufferPointer<UInt32>, in list: HostList) -> HostList? { nil }

  /// Reads a field of some elements of a list, by bit from a place on: ints, or the days of dates.
  /// False where one of them is something else, or where reading them one by one is no slower.
  open func numbers(
    of list: HostList, from start: Int, rows: UInt64, field: UInt16, isOfDays: Bool,
    into numbers: UnsafeMutablePointer<Int64>
  ) -> Bool { false }
}

/// What of the time an evaluation has read.
public enum TimeRead: Equatable, Sendable {
  /// It gives the same on any day.
  case none
  /// It gives the same from an instant on, until validity ends.
  case since(Instant)
  /// It may give something else on another day.
  case today
  /// It may give something else at any other moment.
  case now
}

/// Everything one thread needs to evaluate programs: reusable, not thread-safe, and re-entrant (a
/// host may evaluate another program with the same context while it answers a read).
///
/// Per evaluation: `begin(...)`, set the variables, `program.evaluate(context)`, then read
/// `validUntil`. Several programs may run between two `begin` calls; they share the budget and
/// `validUntil` is the earliest of all.
public final class EvaluationContext {
  /// Whose facts are read.
  private let host: Unmanaged<FactHost>
  /// Keeps the host alive.
  private let keptHost: FactHost?
  /// Working days for `addWorkdays`, `workdays` and `wd` terms.
  public var calendar: WorkCalendar
  /// The fields read since `begin`, in order of first reading, where `isTracing`.
  public private(set) var trace: [FactRef] = []
  private var traced: Set<FactRef> = []
  /// Regular expressions made while running.
  var regexes = RegexCache()

  /// Mutable state apart from the object, so that the hot path needs no exclusivity checks.
  struct State {
    var budget: Int
    var isTracing = false
    var today: CivilDate
    var now: Instant
    var validUntil: Instant = .distantFuture
    /// What of the time was read.
    var timeRead = TimeRead.none
    /// Lowering `validUntil` is off while a program is probed for the time it changes.
    var isProbing = false
    /// Why the last typed evaluation had no value.
    var abrupt: Value = .null
    var frame: UnsafeMutablePointer<Value>
    /// Variables with a definition may have been evaluated.
    var hasLazyValues = true
    /// Slots in use from the start of the locals.
    var top = 0
    var depth = 0
  }
  let state: UnsafeMutablePointer<State>
  private let locals: UnsafeMutablePointer<Value>
  /// Values of variables by slot.
  let variables: UnsafeMutablePointer<Value>
  /// Marks lazily defined variables not evaluated yet.
  let pending: UnsafeMutablePointer<Bool>
  /// Number of variable slots.
  public let variableCapacity: Int

  private static let localCapacity = 512
  static let maxProgramDepth = 24

  /// - Parameters:
  ///   - keepsHost: false where the host keeps the context, and so outlives it.
  ///   - budget: the number of steps of all loops together per `begin`.
  public init(
    host: FactHost, keepsHost: Bool = true, today: CivilDate = .earliest,
    now: Instant = .distantPast,
    calendar: WorkCalendar = WorkCalendar(), budget: Int = 100_000, variableCapacity: Int = 64
  ) {
    self.host = .passUnretained(host)
    keptHost = keepsHost ? host : nil
    self.calendar = calendar
    self.variableCapacity = max(1, variableCapacity)
    locals = .allocate(capacity: EvaluationContext.localCapacity)
    locals.initialize(repeating: .null, count: EvaluationContext.localCapacity)
    variables = .allocate(capacity: self.variableCapacity)
    variables.initialize(repeating: .null, count: self.variableCapacity)
    pending = .allocate(capacity: self.variableCapacity)
    pending.initialize(repeating: true, count: self.variableCapacity)
    state = .allocate(capacity: 1)
    state.initialize(to: State(budget: budget, today: today, now: now, frame: locals))
  }

  deinit {
    locals.deinitialize(count: EvaluationContext.localCapacity)
    locals.deallocate()
    variables.deinitialize(count: variableCapacity)
    variables.deallocate()
    pending.deallocate()
    state.deinitialize(count: 1)
    state.deallocate()
  }

  /// Starts a new evaluation: a fresh budget, no bound on validity, lazy variables forgotten.
  ///
  /// - Parameter isMoving: false where `today` and `now` stand still, so that nobody asks how long
  ///   the answers are valid: it is not found out then.
  public func begin(
    today: CivilDate, now: Instant, budget: Int = 100_000, tracing: Bool = false,
    isMoving: Bool = true
  ) {
    state.pointee.today = today
    state.pointee.now = now
    state.pointee.budget = budget
    // Nothing is earlier: no reason to look for what would end the validity.
    state.pointee.validUntil = isMoving ? .distantFuture : .distantPast
    if state.pointee.isTracing {
      trace.removeAll(keepingCapacity: true)
      traced.removeAll(keepingCapacity: true)
    }
    state.pointee.isTracing = tracing
    state.pointee.timeRead = .none
    forgetLazyVariables()
  }

  /// Makes variables with a definition evaluate anew: call after changing a variable they read.
  public func forgetLazyVariables() {
    guard state.pointee.hasLazyValues else { return }
    state.pointee.hasLazyValues = false
    for i in 0..<variableCapacity { pending[i] = true }
  }

  /// Sets a variable by its slot in the `TypeEnvironment`; false where there is no such slot.
  @discardableResult
  public func set(variable slot: Int, _ value: Value) -> Bool {
    guard slot >= 0, slot < variableCapacity else { return false }
    variables[slot] = value
    pending[slot] = false
    state.pointee.hasLazyValues = true
    return true
  }

  /// Sets a variable without a definition to an object or, without one, to null; nothing where
  /// there is no such slot.
  @inline(__always)
  public func set(variable slot: Int, to object: ObjectRef?) {
    guard slot >= 0, slot < variableCapacity else { return }
    if let object {
      EvaluationContext.put(.object(object), at: variables + slot)
    } else {
      variables[slot] = .null
    }
  }

  /// Puts a value that owns nothing, mostly in the place of another one that needs no end either.
  @inline(__always)
  private static func put(_ value: Value, at place: UnsafeMutablePointer<Value>) {
    switch place.pointee {
    case .null, .object: place.initialize(to: value)
    default: place.pointee = value
    }
  }

  /// The civil day in Asia/Shanghai that `today` stands for.
  public var today: CivilDate { state.pointee.today }
  /// The moment that `now` stands for.
  public var now: Instant { state.pointee.now }
  /// Steps left of the budget.
  public var budget: Int { state.pointee.budget }
  /// The earliest time at which an answer given since `begin` may change by itself.
  public var validUntil: Instant { state.pointee.validUntil }
  /// What of the time was read since `begin`.
  public var timeRead: TimeRead { state.pointee.timeRead }

  /// The outcome of a program that a host evaluates for one of its facts.
  public struct Part {
    /// May borrow from the host.
    public let value: Value
    /// Until when the value stands by itself, as far as the program itself reads the time.
    public let validUntil: Instant
    /// What of the time the program itself read.
    public let timeRead: TimeRead
  }

  /// Evaluates a program within another one, for a fact that the latter reads: what holds for the
  /// one is kept apart from what holds for the other.
  public func evaluateApart(_ program: Program) -> Part {
    let validUntil = state.pointee.validUntil
    let timeRead = state.pointee.timeRead
    state.pointee.validUntil = .distantFuture
    state.pointee.timeRead = .none
    let value = program.evaluate(self)
    let part = Part(
      value: value, validUntil: state.pointee.validUntil, timeRead: state.pointee.timeRead)
    state.pointee.validUntil = validUntil
    state.pointee.timeRead = timeRead
    return part
  }

  /// Notes that `today` was read.
  @inline(__always)
  func noteToday() { if state.pointee.timeRead != .now { state.pointee.timeRead = .today } }

  /// Notes that the time was read, but gives the same from an instant on.
  @inline(__always)
  func noteTime(since instant: Instant) {
    switch state.pointee.timeRead {
    case .none: state.pointee.timeRead = .since(instant)
    case .since(let former): state.pointee.timeRead = .since(max(former, instant))
    case .today, .now: break
    }
  }

  /// Notes that `now` was read.
  @inline(__always)
  func noteNow() { state.pointee.timeRead = .now }

  /// Reads are recorded in `trace`.
  public var isTracing: Bool { state.pointee.isTracing }

  /// Lowers `validUntil`; hosts call it for values they derive from the time.
  @inline(__always)
  public func limitValidity(to instant: Instant) {
    if !state.pointee.isProbing, instant < state.pointee.validUntil {
      state.pointee.validUntil = instant
    }
  }

  /// Lowers `validUntil` to the start of the next civil day.
  public func limitValidityToMidnight() {
    limitValidity(to: Instant(startOf: state.pointee.today.adding(days: 1)))
  }

  @inline(never)
  func record(_ object: ObjectRef, _ field: UInt16) {
    let fact = FactRef(object: object, field: field)
    if traced.insert(fact).inserted { trace.append(fact) }
  }

  // MARK: Used by the nodes

  @inline(__always)
  func read(_ object: ObjectRef, _ field: UInt16) -> Value {
    if state.pointee.isTracing { record(object, field) }
    return host._withUnsafeGuaranteedRef { $0.read(object, field: field) }
  }

  /// The field where it is an int, a bool or the day of a date; nil where `read` must tell.
  @inline(__always)
  func int(_ object: ObjectRef, _ field: UInt16) -> Int64? {
    state.pointee.isTracing
      ? nil : host._withUnsafeGuaranteedRef { $0.int(object, field: field) }
  }

  @inline(__always)
  func bool(_ object: ObjectRef, _ field: UInt16) -> Bool? {
    state.pointee.isTracing
      ? nil : host._withUnsafeGuaranteedRef { $0.bool(object, field: field) }
  }

  @inline(__always)
  func day(_ object: ObjectRef, _ field: UInt16) -> Int32? {
    state.pointee.isTracing
      ? nil : host._withUnsafeGuaranteedRef { $0.day(object, field: field) }
  }

  /// How many elements a field has; nil where `read` must tell.
  @inline(__always)
  func size(_ object: ObjectRef, _ field: UInt16) -> Int? {
    state.pointee.isTracing
      ? nil : host._withUnsafeGuaranteedRef { $0.size(object, field: field) }
  }

  /// The object at a place of a list; nil where `element` must tell.
  @inline(__always)
  func object(_ list: HostList, at index: Int) -> ObjectRef? {
    host._withUnsafeGuaranteedRef { $0.object(list, at: index) }
  }

  /// Sets a local to an object.
  @inline(__always)
  func bind(_ object: ObjectRef, in slot: Int) {
    EvaluationContext.put(.object(object), at: state.pointee.frame + slot)
  }

  func element(_ list: HostList, at index: Int) -> Value {
    host._withUnsafeGuaranteedRef { $0.element(list, at: index) }
  }

  @inline(__always)
  func count(_ list: HostList) -> Int { host._withUnsafeGuaranteedRef { $0.count(list) } }

  /// A list of some elements of another one; nil where the host makes none.
  func list(of places: UnsafeBufferPointer<UInt32>, in list: HostList) -> HostList? {
    host._withUnsafeGuaranteedRef { $0.list(of: places, in: list) }
  }

  /// A field of some elements of a list; false where it has to be read one by one.
  @inline(__always)
  func numbers(
    of list: HostList, from start: Int, rows: UInt64, field: UInt16, isOfDays: Bool,
    into numbers: UnsafeMutablePointer<Int64>
  ) -> Bool {
    host._withUnsafeGuaranteedRef {
      $0.numbers(
        of: list, from: start, rows: rows, field: field, isOfDays: isOfDays, into: numbers)
    }
  }

  @inline(__always)
  func fail(_ value: Value) { state.pointee.abrupt = value }

  @inline(__always)
  func takeAbrupt() -> Value { state.pointee.abrupt }

  /// Takes one step (or several) from the budget; false where it is used up.
  @inline(__always)
  func spend(_ steps: Int = 1) -> Bool {
    state.pointee.budget &-= steps
    if state.pointee.budget >= 0 { return true }
    state.pointee.budget = -1
    return false
  }

  /// Reserves locals for a program; nil where it would nest too deep.
  @inline(__always)
  func enter(_ slots: Int) -> UnsafeMutablePointer<Value>? {
    let top = state.pointee.top
    guard top + slots <= EvaluationContext.localCapacity,
      state.pointee.depth < EvaluationContext.maxProgramDepth
    else { return nil }
    let previous = state.pointee.frame
    state.pointee.frame = locals + top
    state.pointee.top = top + slots
    state.pointee.depth += 1
    return previous
  }

  @inline(__always)
  func leave(_ slots: Int, _ previous: UnsafeMutablePointer<Value>) {
    state.pointee.frame = previous
    state.pointee.top -= slots
    state.pointee.depth -= 1
  }
}
