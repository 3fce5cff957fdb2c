public import Expression
public import Vocabulary

/// The kinds of objects that expressions read. The raw value is `ObjectRef.type`.
public enum ObjectKind: UInt16, CaseIterable, Sendable {
  /// The parameters in force for the household's place and the day: variable `params`.
  case parameters = 0
  case household = 1
  case person = 2
  /// An event of a person's or household's log, and the event that a rule decides.
  case event = 3
  /// A programme of assistance that was ever decided for the household.
  case programme = 4
  /// A referral of the household.
  case referral = 5

  /// The name of the type in expressions and of the section in `facts.yaml`.
  public var name: String {
    switch self {
    case .parameters: "params"
    case .household: "household"
    case .person: "person"
    case .event: "event"
    case .programme: "programme"
    case .referral: "referral"
    }
  }

  public init?(name: String) {
    guard let kind = ObjectKind.allCases.first(where: { $0.name == name }) else { return nil }
    self = kind
  }
}

/// The type of a fact.
public enum FactType: String, CaseIterable, Sendable {
  case bool, int
  /// Fen; an int in expressions.
  case money
  /// A civil date.
  case date
  case instant
  /// Text; a string in expressions.
  case text
  case texts
  case person, persons
  /// A list of events of the log, oldest first.
  case events
  case programmes, referrals

  /// The kind as event sources state it; nil for types that are never stated.
  var signatureKind: FactSignature.Kind? {
    switch self {
    case .bool: .bool
    case .int: .int
    case .money: .money
    case .date: .date
    case .instant: .instant
    case .text: .text
    case .texts: .texts
    case .person: .person
    case .persons: .persons
    case .events, .programmes, .referrals: nil
    }
  }
}

/// What a state fact is before any event has stated it.
public enum FactDefault: Hashable, Sendable {
  /// Not known: expressions that need it are unknown.
  case unknown
  /// Known to be absent: `has()` is false and reading it is an error.
  case none
  case bool(Bool)
  case int(Int)
  case text(String)
}

/// Where a fact's value comes from.
public enum FactOrigin: Hashable, Sendable {
  /// The last statement in effective order, else the default.
  case state(FactDefault)
  /// All events of these types (short names) in the log. `keep`: how long they are read back.
  /// `key`: an event field by whose value several events count once, the last of them.
  case series(events: [String], keep: Term, key: String?)
  /// Computed by Situation.
  case builtin
  /// Computed by the program at this index of `PolicyPack.derived`.
  case derived(Int)
}

/// One fact as `facts.yaml` declares it.
public struct FactDefinition: Hashable, Sendable {
  public let object: ObjectKind
  /// Name in expressions.
  public let name: String
  /// Identity in records: the hash of the qualified name.
  public let id: FactID
  /// Index within the catalogue of its object; what the host is asked for.
  public let slot: UInt16
  public let type: FactType
  public let origin: FactOrigin
  /// What a reader learns from its value.
  public let labels: LabelSet
  /// For derived facts: labels of what it reads that its value does not pass on (a neutral form).
  public let releases: LabelSet
  /// Its value changes with time alone; the host limits the validity of what it answers.
  public let dependsOnTime: Bool
  /// Most elements of a list, for the static cost of expressions.
  public let maximumCount: Int
  /// Chinese name, used in evidence, `missing` and explanations.
  public let title: String
  /// Unit of an amount or a number, for people; empty where there is none.
  public let unit: String
  /// The register or the text of law behind it.
  public let cite: String

  /// `person.custody`.
  public var qualifiedName: String { object.name + "." + name }
}

/// All facts of a pack, by object and slot.
public struct FactCatalogue: Sendable {
  private var definitions: [[FactDefinition]]
  private var byName: [[String: Int]]
  /// Labels of event types: what a reader learns from knowing that such an event happened.
  public let eventLabels: [String: LabelSet]

  init(_ facts: [FactDefinition], eventLabels: [String: LabelSet]) {
    definitions = Array(repeating: [], count: ObjectKind.allCases.count)
    byName = Array(repeating: [:], count: ObjectKind.allCases.count)
    self.eventLabels = eventLabels
    for fact in facts {
      let kind = Int(fact.object.rawValue)
      byName[kind][fact.name] = definitions[kind].count
      definitions[kind].append(fact)
    }
  }

  /// The facts of an object; the index is the slot.
  public func facts(of object: ObjectKind) -> [FactDefinition] {
    definitions[Int(object.rawValue)]
  }

  public func definition(of object: ObjectKind, slot: UInt16) -> FactDefinition? {
    let facts = definitions[Int(object.rawValue)]
    return Int(slot) < facts.count ? facts[Int(slot)] : nil
  }

  /// The declaration of a fact that an expression found missing.
  public func definition(_ fact: FactRef) -> FactDefinition? {
    ObjectKind(rawValue: fact.object.type).flatMap { definition(of: $0, slot: fact.field) }
  }

  public func definition(of object: ObjectKind, named name: String) -> FactDefinition? {
    byName[Int(object.rawValue)][name].map { definitions[Int(object.rawValue)][$0] }
  }

  /// The slot of a fact; nil where it is not declared.
  public func slot(of object: ObjectKind, named name: String) -> UInt16? {
    definition(of: object, named: name)?.slot
  }

  /// The kinds of the facts that events may state, by qualified name (`person.custody`), for the
  /// mappings in `sources/*.yaml`.
  public var signatures: [String: FactSignature.Kind] {
    var result: [String: FactSignature.Kind] = [:]
    for object in [ObjectKind.event, .household, .person] {
      for fact in facts(of: object) {
        guard case .state = fact.origin, let kind = fact.type.signatureKind else { continue }
        result[fact.qualifiedName] = kind
      }
    }
    return result
  }
}
