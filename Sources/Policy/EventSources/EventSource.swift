/// A type of event as `sources/*.yaml` declares it: where it comes from, what its `data` looks
/// like, and which facts it states about whom. A pack adds types without code.
public struct EventSource: Equatable, Sendable {
  /// Without the prefix `cn.gov.sh.assist.`, such as `notice.death`.
  public var name: String
  /// For people; empty where the file gives none.
  public var title: String
  /// The in-topic it must come on, without the configured prefix; nil: any in-topic.
  public var topic: String?
  public var data: ObjectShape
  public var effective: EffectiveTime
  /// Facts of the event as a whole: every target's entry carries them.
  public var facts: [FactMapping]
  public var targets: [TargetMapping]
  /// The member list of a household composition.
  public var members: MemberMapping?
  /// The field with the id of the event of the same source that this one takes back.
  public var retracts: FieldPath?

  /// Whether a target may turn out to be unknown one stage later, so that the record as it came
  /// must travel along.
  public var keepsOriginal: Bool {
    targets.contains { $0.choices.contains { $0.kind == .referral } }
  }
}

/// When the facts of an event take effect (semantics 2).
public enum EffectiveTime: Equatable, Sendable {
  /// CloudEvents `time`.
  case time
  /// The start of a civil day or month, or an instant, in a field of `data`.
  case field(FieldPath)
}

/// The fields of an object in `data`. Fields that are not listed are ignored.
public struct ObjectShape: Equatable, Sendable {
  public var fields: [DataField]
  /// At least one of these must be present.
  public var anyOf: [String]

  public init(fields: [DataField], anyOf: [String] = []) {
    self.fields = fields
    self.anyOf = anyOf
  }

  /// The position of a field.
  public func index(of name: String) -> Int? { fields.firstIndex { $0.name == name } }
}

public struct DataField: Equatable, Sendable {
  public var name: String
  public var title: String
  public var isOptional: Bool
  public var shape: DataShape

  public init(name: String, title: String = "", isOptional: Bool, shape: DataShape) {
    self.name = name
    self.title = title
    self.isOptional = isOptional
    self.shape = shape
  }
}

/// What a value in `data` must look like.
public indirect enum DataShape: Equatable, Sendable {
  case bool
  /// `asText`: a string of decimal digits will do as well.
  case int(ClosedRange<Int>, asText: Bool)
  /// Yuan with at most two decimals, as a string or a plain JSON number.
  case money
  /// `YYYY-MM-DD`.
  case date(FutureDates)
  /// `YYYY-MM`; its effective time is the start of its first day.
  case month
  /// RFC 3339.
  case timestamp
  /// A citizen ID of 18 characters.
  case citizen
  /// Length in code points.
  case text(ClosedRange<Int>)
  /// A string of decimal digits, as many as one of these numbers.
  case code(digits: [Int])
  /// One of a list of words.
  case word([String])
  case list(ListShape)
  case object(ObjectShape)
}

public struct ListShape: Equatable, Sendable {
  public enum Uniqueness: Equatable, Sendable {
    case none
    case elements
    case field(String)
  }
  public var element: DataShape
  public var count: ClosedRange<Int>
  public var unique: Uniqueness

  public init(element: DataShape, count: ClosedRange<Int>, unique: Uniqueness = .none) {
    self.element = element
    self.count = count
    self.unique = unique
  }
}

/// Whether a date may lie more than a day after the event's `time` (semantics 2 and 36).
public enum FutureDates: Equatable, Sendable {
  case never
  case always
  /// Only while a field of the same object has one of these words.
  case when(field: String, words: [String])
}

/// The way to a field: `applicant.id` from the top of `data`, `.id` from the element of the list
/// a target goes through, `.` for that element itself.
public struct FieldPath: Equatable, Sendable {
  public var isRelative: Bool
  public var names: [String]

  public init(isRelative: Bool = false, names: [String]) {
    self.isRelative = isRelative
    self.names = names
  }

  public var text: String { (isRelative ? "." : "") + names.joined(separator: ".") }
}

/// A value written in a mapping.
public enum FactConstant: Equatable, Hashable, Sendable {
  /// Known to be absent; written `nothing`.
  case nothing
  case bool(Bool)
  case int(Int)
  case text(String)
}

/// One fact that an event states. Of several mappings of one fact under one target, the first that
/// states something counts; they follow each other.
public struct FactMapping: Equatable, Sendable {
  public enum Value: Equatable, Sendable {
    /// The field as it is; nothing where it is absent, or `absent`.
    case field(FieldPath, absent: FactConstant?)
    case constant(FactConstant)
    /// By the word in a field. A word that is not listed gives `otherwise`.
    case mapped(FieldPath, [String: Outcome], otherwise: Outcome)
    /// The elements of a list of persons other than the target itself.
    case others(FieldPath)
  }
  public enum Outcome: Equatable, Sendable {
    /// The word itself.
    case keep
    /// No statement.
    case omit
    case constant(FactConstant)
  }
  /// Qualified by whom it is about: `person.custody`, `event.state`.
  public var fact: String
  public var value: Value
  public var conditions: [FieldCondition]
}

/// A test of a field, under which a fact is stated or a target taken. All of a list must hold.
public struct FieldCondition: Equatable, Sendable {
  public enum Test: Equatable, Sendable {
    case present
    case absent
    case isTrue
    case isFalse
    case oneOf([String])
  }
  public var field: FieldPath
  public var test: Test
}

/// Whom an event is about, and what it says of them.
public struct TargetMapping: Equatable, Sendable {
  public enum Kind: String, CaseIterable, Sendable {
    case person, household, referral, address
  }
  public struct Choice: Equatable, Sendable {
    public var kind: Kind
    public var field: FieldPath
  }
  /// A list: one target for each element.
  public var each: FieldPath?
  /// The first whose field is present is the target.
  public var choices: [Choice]
  public var conditions: [FieldCondition]
  public var facts: [FactMapping]
}

/// Which fields of a list describe the members of a household.
public struct MemberMapping: Equatable, Sendable {
  public var each: FieldPath
  public var id: FieldPath
  public var relation: FieldPath
  public var name: FieldPath?
  public var guardians: FieldPath?
  public var hukou: FieldPath?
  public var selfCare: FieldPath?
}

/// What the mappings must know of a fact they state.
public enum FactSignature {
  public enum Owner: String, Sendable { case person, household, event }
  /// The kind of its value.
  public enum Kind: String, Sendable {
    case bool, int, money, date, instant, text, person, persons, texts
  }
}

/// All event types of a pack, by name.
public struct SourceCatalog: Equatable, Sendable {
  /// What every CloudEvents `type` begins with.
  public static let typePrefix = "cn.gov.sh.assist."

  /// In alphabetical order of their names.
  public let events: [EventSource]

  public init(events: [EventSource]) {
    self.events = events.sorted { $0.name.utf8.lexicographicallyPrecedes($1.name.utf8) }
  }

  public func event(_ name: String) -> EventSource? { events.first { $0.name == name } }

  /// The names of all types, for checks of rules.
  public var names: [String] { events.map(\.name) }
}
