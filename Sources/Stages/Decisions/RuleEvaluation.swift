import Expression
import Policy
import Records
import Situation
import Vocabulary

/// What a rule says about a subject.
enum Answer: Equatable {
  case holds
  /// A condition fails or an exception holds.
  case fails(Failure)
  /// Missing facts decide; `RuleEvaluation.names` names them.
  case unknown(missing: UnknownSet)
  /// A condition or an exception has no value.
  case failed(Failure, EvaluationError.Code)

  var holds: Bool { self == .holds }

  /// Holds, or may once missing facts are known.
  var isPossible: Bool {
    switch self {
    case .holds, .unknown: true
    case .fails, .failed: false
    }
  }
}

/// What a rule fails by.
enum Failure: Equatable {
  /// A condition that does not hold, by its place among them.
  case condition(Int)
  /// An exception that holds.
  case exception(Int)
  case deceased, gate, stage, unstated, unknown
  case opensBy, looksAhead, notYet, over

  /// The id of the rule's clause, or what stands for it.
  func clause(of rule: CompiledRule) -> String {
    switch self {
    case .condition(let at): rule.when[at].id
    case .exception(let at): rule.unless[at].id
    case .deceased: "deceased"
    case .gate: "gate"
    case .stage: "stage"
    case .unstated: "unstated"
    case .unknown: "unknown"
    case .opensBy: "opens-by"
    case .looksAhead: "looks-ahead"
    case .notYet: "not-yet"
    case .over: "over"
    }
  }
}

/// Evaluates one rule at the situation's present viewpoint.
final class RuleEvaluation {
  let situation: Situation
  let context: EvaluationContext
  private let pack: PolicyPack
  /// What the last stage of each transaction and the like adds at most to what a rule asks for;
  /// for the length of one question, in memory that is used again.
  var added: [(key: FieldView?, numbers: SIMD4<Int64>)] = []

  /// What event rules need.
  let needed: StatedFacts

  init(situation: Situation, pack: PolicyPack, needed: [FactID]) {
    self.situation = situation
    self.needed = situation.statedFacts(needed)
    context = situation.context
    self.pack = pack
  }

  /// Until when the answers since `begin` stand by themselves.
  var validUntil: Instant { context.validUntil }

  /// Sets the rule's variables and starts an evaluation.
  func begin(
    _ rule: CompiledRule, subject: Int?, event: EventPosition?, tracing: Bool = false
  ) {
    situation.begin(member: subject, event: event, tracing: tracing)
  }

  /// Decides the rule: all conditions hold and no exception does. A false condition settles it
  /// whatever is missing elsewhere.
  ///
  /// - Parameter settled: the conditions known to hold, by bit.
  func decide(
    _ rule: CompiledRule, subject: Int?, event: EventPosition?, settled: UInt64 = 0
  ) -> Answer {
    begin(rule, subject: subject, event: event)
    // Mostly a condition fails before any is unknown.
    for index in 0..<rule.conditions.count where settled & (1 << UInt64(index)) == 0 {
      let decision = rule.conditions.decide(index, context)
      if case .holds = decision { continue }
      if case .fails = decision { return .fails(.condition(index)) }
      return decide(rule, settled: settled, from: index, decision)
    }
    return decide(rule, settled: settled, from: rule.conditions.count, .holds)
  }

  /// Goes on behind a condition that does not decide.
  private func decide(
    _ rule: CompiledRule, settled: UInt64, from start: Int, _ first: Decision
  ) -> Answer {
    var missing: UnknownSet?
    var failure: Answer?
    for index in start..<rule.conditions.count where settled & (1 << UInt64(index)) == 0 {
      switch index == start ? first : rule.conditions.decide(index, context) {
      case .holds: continue
      case .fails: return .fails(.condition(index))
      case .unknown(let set): missing = missing?.union(set) ?? set
      case .failed(let error): failure = failure ?? .failed(.condition(index), error.code)
      }
    }
    for index in 0..<rule.exceptions.count {
      switch rule.exceptions.decide(index, context) {
      case .holds: return .fails(.exception(index))
      case .fails: continue
      case .unknown(let set): missing = missing?.union(set) ?? set
      case .failed(let error): failure = failure ?? .failed(.exception(index), error.code)
      }
    }
    if let failure { return failure }
    guard let missing else { return .holds }
    switch rule.onUnknown {
    case .fire: return .holds
    case .skip: return .fails(.unknown)
    case .review:
      if let program = rule.reviewWhen, case .holds = program.decide(context) {
        return .unknown(missing: missing)
      }
      return rule.reviewWhen == nil ? .unknown(missing: missing) : .fails(.unknown)
    }
  }

  /// What an event says to the conditions of a rule that read nothing else.
  enum Gate {
    /// It fails one of them: the rule never fires for it.
    case fails
    /// All of them hold, whatever else is known.
    case holds
    case open
  }

  func gate(_ eventful: Rulebook.Eventful, _ event: EventPosition) -> Gate {
    guard eventful.gates.count > 0 else { return .holds }
    begin(eventful.rule, subject: nil, event: event)
    var gate = Gate.holds
    for index in 0..<eventful.gates.count {
      switch eventful.gates.decide(index, context) {
      case .holds: continue
      case .fails: return .fails
      case .unknown, .failed: gate = .open
      }
    }
    return gate
  }

  /// Whether one of the rule's conditions that read other things as well fails by what the event
  /// says, whoever the people are and whatever else is known of them: the rule never fires for it.
  func failsByEventAlone(_ eventful: Rulebook.Eventful, _ event: EventPosition) -> Bool {
    for index in 0..<eventful.conditionsOnEvent.count {
      begin(eventful.rule, subject: nil, event: event)
      if case .fails = eventful.conditionsOnEvent.decide(index, context),
        situation.restsOnEventsAlone
      {
        return true
      }
    }
    return false
  }

  /// The subjects of a rule about the household as a whole.
  static let household: [Int?] = [nil]

  /// The date that an expression of the rule has; nil where it has none.
  func date(_ program: Program) -> CivilDate? { program.evaluate(context).dateValue }

  /// Whether another condition of the rule holds.
  func holds(_ program: Program) -> Bool {
    if case .holds = program.decide(context) { true } else { false }
  }

  /// The people a member rule is about.
  func subjects(_ rule: CompiledRule, event: EventPosition?) -> [Int?] {
    guard rule.scope == .member else { return RuleEvaluation.household }
    guard let program = rule.subject else { return situation.memberSubjects }
    begin(rule, subject: nil, event: event)
    return situation.subjects(program.evaluate(context))
  }

  /// The names of missing facts, sorted.
  func names(_ missing: UnknownSet) -> [String] {
    let definitions = missing.facts.compactMap { pack.facts.definition($0) }
    return Set(definitions.map { $0.object.name + "." + $0.name }).sorted()
  }
}
