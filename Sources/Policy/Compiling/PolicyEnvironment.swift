public import Expression
import Vocabulary

extension FactType {
  /// The type in expressions.
  public var expressionType: CELType {
    switch self {
    case .bool: .bool
    case .int, .money: .int
    case .date: .date
    case .instant: .timestamp
    case .text: .string
    case .texts: .list(.string)
    case .person: .object(ObjectKind.person.name)
    case .persons: .list(.object(ObjectKind.person.name))
    case .events: .list(.object(ObjectKind.event.name))
    case .programmes: .list(.object(ObjectKind.programme.name))
    case .referrals: .list(.object(ObjectKind.referral.name))
    }
  }
}

extension ParameterType {
  /// The type in expressions.
  public var expressionType: CELType {
    switch self {
    case .int, .money, .percent: .int
    case .term, .text: .string
    case .bool: .bool
    case .texts: .list(.string)
    }
  }
}

extension ParameterValue {
  /// The value in expressions; money in fen, shares in hundredths.
  public var expressionValue: Value {
    switch self {
    case .int(let value), .percent(let value): .int(value)
    case .money(let fen): .int(fen.amount)
    case .term(let term): .text(term.description)
    case .bool(let value): .bool(value)
    case .text(let text): .text(text)
    case .texts(let texts): .array(texts.map { .text($0) })
    }
  }
}

/// Which variables an expression may use.
enum PolicyScope: CaseIterable {
  /// `household`, `params`.
  case household
  /// Also `member`.
  case member
  /// Also `event`.
  case event
  case memberAndEvent

  init(member: Bool, event: Bool) {
    self = member ? (event ? .memberAndEvent : .member) : (event ? .event : .household)
  }

  var hasMember: Bool { self == .member || self == .memberAndEvent }
  var hasEvent: Bool { self == .event || self == .memberAndEvent }
}

/// Builds type environments from the catalogue and the parameters.
struct PolicyEnvironment {
  let facts: [FactDefinition]
  let parameters: [ParameterDefinition]
  private let byScope: [PolicyScope: TypeEnvironment]

  init(facts: [FactDefinition], parameters: [ParameterDefinition]) {
    self.facts = facts
    self.parameters = parameters
    var byScope: [PolicyScope: TypeEnvironment] = [:]
    for scope in PolicyScope.allCases {
      byScope[scope] = PolicyEnvironment.make(scope, facts, parameters)
    }
    self.byScope = byScope
  }

  /// Steps that one expression of a rule may take in the worst case.
  static let costLimit = 2_000_000

  /// The environment with the variables of a scope. Slots are those of `VariableSlot`: names
  /// outside the scope hold their slot under a name that no expression can write.
  func environment(_ scope: PolicyScope) -> TypeEnvironment {
    byScope[scope] ?? PolicyEnvironment.make(scope, facts, parameters)
  }

  /// Where the date of birth lies that an age is computed from.
  private static func birth(behind fact: FactDefinition, _ facts: [FactDefinition]) -> UInt16? {
    guard fact.object == .person, fact.name == "age", case .builtin = fact.origin else {
      return nil
    }
    let birth = facts.first { $0.object == .person && $0.name == "birth" }
    guard let birth, case .builtin = birth.origin else { return nil }
    return birth.slot
  }

  private static func make(
    _ scope: PolicyScope, _ facts: [FactDefinition], _ parameters: [ParameterDefinition]
  ) -> TypeEnvironment {
    var environment = TypeEnvironment()
    environment.limits.cost = PolicyEnvironment.costLimit
    for object in ObjectKind.allCases where object != .parameters {
      environment.declareObject(
        object.name, typeID: object.rawValue,
        fields: facts.filter { $0.object == object }.map {
          FieldDeclaration(
            $0.name, slot: $0.slot, $0.type.expressionType, dependsOnTime: $0.dependsOnTime,
            maxCount: $0.maximumCount, birth: birth(behind: $0, facts))
        })
    }
    environment.declareObject(
      ObjectKind.parameters.name, typeID: ObjectKind.parameters.rawValue,
      fields: parameters.enumerated().map { at, parameter in
        FieldDeclaration(parameter.name, slot: UInt16(at), parameter.type.expressionType)
      })
    environment.declareVariable("household", .object(ObjectKind.household.name))
    environment.declareVariable("params", .object(ObjectKind.parameters.name))
    environment.declareVariable(
      scope.hasMember ? "member" : "@member", .object(ObjectKind.person.name))
    environment.declareVariable(
      scope.hasEvent ? "event" : "@event", .object(ObjectKind.event.name))
    environment.declareFunction("birthday", PolicyEnvironment.birthday)
    return environment
  }

  /// `birthday(birth, n)`: the n-th birthday; one on 29 February falls on 1 March of common years.
  private static let birthday = FunctionOverload(
    "birthday_date_int", [.date, .int], .date,
    binary: { _, birth, age in
      guard case .date(let birth) = birth, case .int(let age) = age else {
        return .error(.noSuchOverload)
      }
      guard (0...200).contains(age) else {
        return .error(EvaluationError(.argument, "no such birthday"))
      }
      return .date(birth.birthday(inYear: birth.year + Int(age)))
    })
}
