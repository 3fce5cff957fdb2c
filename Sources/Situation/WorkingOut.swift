import Expression
import Policy
import Records
import Vocabulary

/// How facts are worked out: lists, derived facts, the assessment, and what events state.
extension Situation {
  /// A fact of the household or a person by its source: as their log states it, or worked out.
  @inline(__always)
  func read<Builtin>(
    _ source: UnsafePointer<FactSource<Builtin>>, of owner: Int, _ object: ObjectRef,
    _ slot: UInt16, _ computed: (Builtin) -> Value
  ) -> Value {
    guard let log = log(of: owner) else { return Situation.noObject }
    switch source.pointee.kind {
    case .state:
      let field = stored(log, source.pointee.fact)
      return value(field, source, object, slot)
    case .series:
      guard let series = source.pointee.series else { return Situation.noObject }
      return series._withUnsafeGuaranteedRef { series in
        list(of: .event, object, slot) { add in
          eachEvent(of: owner, log, series) { add($0.packed) }
        }
      }
    case .derived:
      guard let program = source.pointee.derived else { return Situation.noObject }
      return derived(object, program)
    case .none: return Situation.noObject
    case .builtin(let builtin): return computed(builtin)
    }
  }

  /// A fact that is found in the household's file.
  @inline(__always)
  func onFile(_ find: (HouseholdFile) -> Value) -> Value {
    sight.pointee.file?._withUnsafeGuaranteedRef(find) ?? Situation.noObject
  }

  /// A list of objects; `add` adds one. No other list may be made meanwhile.
  func list(
    of kind: ObjectKind, _ object: ObjectRef, _ slot: UInt16,
    _ build: (_ add: (UInt32) -> Void) -> Void
  ) -> Value {
    let lists = lists
    let start = lists.itemCount
    build { lists.add($0) }
    let position = lists.closeList(of: kind.rawValue, from: start)
    noteLists()
    return .hostList(HostList(kind: object.type, field: slot, index: position))
  }

  /// A list of persons.
  func list(of persons: [Int], _ object: ObjectRef, _ slot: UInt16) -> Value {
    list(of: .person, object, slot) { add in for index in persons { add(UInt32(index)) } }
  }

  /// A fact of another object that is worth remembering for the viewpoint.
  func remembered(_ object: ObjectRef, _ slot: UInt16, _ make: () -> Value) -> Value {
    if let known = current._withUnsafeGuaranteedRef({ $0.others[object, slot] }) {
      rest(on: known.standing)
      return known.value
    }
    let made = standing(of: make)
    sight.pointee.standing.narrow(by: made.standing)
    current._withUnsafeGuaranteedRef { $0.others.set(object, slot, made.found, made.standing) }
    return made.found
  }

  /// A derived fact, evaluated.
  func derived(_ object: ObjectRef, _ program: Unmanaged<Program>) -> Value {
    guard let contexts = sight.pointee.contexts else { return Situation.noObject }
    return contexts.derivation._withUnsafeGuaranteedRef { derived(object, program, $0) }
  }

  @inline(__always)
  private func derived(
    _ object: ObjectRef, _ program: Unmanaged<Program>, _ derivation: EvaluationContext
  ) -> Value {
    // How long it stands is found out at every viewpoint: another one may take it over.
    if derivationDepth == 0 { derivation.begin(today: view.today, now: view.instant) }
    let outer = derivedMember
    // Facts of a person are mostly derived from others of theirs.
    let isOfPerson = object.type == ObjectKind.person.rawValue && object != outer
    if isOfPerson {
      derivedMember = object
      derivation.set(variable: VariableSlot.member, to: object)
    }
    derivationDepth += 1
    let part = program._withUnsafeGuaranteedRef { derivation.evaluateApart($0) }
    derivationDepth -= 1
    if isOfPerson {
      derivedMember = outer
      derivation.set(variable: VariableSlot.member, to: outer)
    }
    if part.timeRead != .none { sight.pointee.looksBeyondEvents = true }
    switch part.timeRead {
    case .none: break
    case .since(let instant): sight.pointee.standing.begin(at: instant)
    case .today: sight.pointee.standing.begin(at: Instant(startOf: view.today))
    case .now: rest(on: .nowhereElse)
    }
    limit(part.validUntil)
    return part.value
  }

  /// A result of the assessment as a fact.
  func score(_ shown: (AssessmentModel.Score) -> Value) -> Value {
    rest(on: .nowhereElse)
    if let known = memory.score {
      limit(known.validUntil)
      return shown(known.score)
    }
    // The model must not ask for its own result.
    guard !isAssessing else { return Situation.noObject }
    isAssessing = true
    let isMoving = sight.pointee.isMoving
    let assessing = assessing!
    assessing.begin(today: view.today, now: view.instant, isMoving: isMoving)
    let score = schema.pack.assessment.score(assessing, district: district)
    isAssessing = false
    let validUntil = isMoving ? assessing.validUntil : .distantFuture
    memory.score = (score, validUntil)
    limit(validUntil)
    return shown(score)
  }

  /// The value of a state fact in a log at the viewpoint; the next statement that lies in the
  /// future limits the validity of the answer.
  func stored(_ log: EventLogView, _ fact: FactID) -> FieldView? {
    var index = log.lastField(of: fact)
    while index >= 0 {
      let field = log.field(index)
      guard field.fact == fact else { return nil }
      let effective = field.event.effective
      if effective <= view.instant {
        sight.pointee.standing.begin(at: effective)
        return field
      }
      limit(effective)
      index -= 1
    }
    return nil
  }

  /// Finds something, and when it stands. What is being worked out does not rest on it by that.
  @inline(__always)
  func standing<T>(of find: () -> T) -> Found<T> {
    let outer = sight.pointee.standing
    defer { sight.pointee.standing = outer }
    sight.pointee.standing = Standing()
    let found = find()
    return Found(found, sight.pointee.standing)
  }

  /// Notes that what is worked out rests on something else.
  @inline(__always)
  func rest(on other: Standing) {
    sight.pointee.standing.narrow(by: other)
    limit(other.validUntil)
  }

  /// Notes that what is worked out rests on the events of a log, all of them.
  func rest(onEventsOf log: EventLogView) {
    var index = log.eventCount
    while index > 0 {
      index -= 1
      let effective = log.event(index).effective
      if effective <= view.instant { return sight.pointee.standing.begin(at: effective) }
      sight.pointee.standing.end(at: effective)
    }
  }

  /// Notes that what is worked out rests on the last word of a log on a fact.
  func rest(on fact: FactID, in log: EventLogView) {
    var index = log.lastField(of: fact)
    while index >= 0 {
      let field = log.field(index)
      guard field.fact == fact else { return }
      let effective = field.event.effective
      if effective <= view.instant { return sight.pointee.standing.begin(at: effective) }
      sight.pointee.standing.end(at: effective)
      index -= 1
    }
  }
}
