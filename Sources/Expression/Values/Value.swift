public import Vocabulary

/// A host object: what kind it is and which one of this evaluation.
public struct ObjectRef: Hashable, Sendable {
  /// The type's number in the `TypeEnvironment`.
  public let type: UInt16
  /// Which one; only the host knows what the number means.
  public let index: UInt32
  public init(type: UInt16, index: UInt32) {
    self.type = type
    self.index = index
  }
}

/// A list that the host owns and that is read element by element, without copying.
public struct HostList: Hashable, Sendable {
  /// Three numbers that only the host understands.
  public let kind: UInt16
  /// Which field, by its slot.
  public let field: UInt16
  /// Which one; only the host knows what the number means.
  public let index: UInt32
  public init(kind: UInt16, field: UInt16 = 0, index: UInt32 = 0) {
    self.kind = kind
    self.field = field
    self.index = index
  }
}

/// A point in time with nanoseconds, years 1 to 9999.
public struct Timestamp: Hashable, Comparable, Sendable {
  /// Seconds since 1970-01-01T00:00:00Z.
  public let seconds: Int64
  /// 0 to 999,999,999.
  public let nanoseconds: UInt32

  static let minSeconds: Int64 = -62_135_596_800
  static let maxSeconds: Int64 = 253_402_300_799

  /// Nil outside years 1 to 9999.
  public init?(seconds: Int64, nanoseconds: UInt32 = 0) {
    guard seconds >= Timestamp.minSeconds, seconds <= Timestamp.maxSeconds,
      nanoseconds < 1_000_000_000
    else { return nil }
    self.seconds = seconds
    self.nanoseconds = nanoseconds
  }

  /// Clamped to years 1 to 9999.
  public init(_ instant: Instant) {
    let seconds = instant.seconds
    self.seconds = max(Timestamp.minSeconds, min(Timestamp.maxSeconds, seconds))
    let rest = instant.microseconds.subtractingReportingOverflow(
      seconds.multipliedReportingOverflow(by: 1_000_000).partialValue)
    let clamped = self.seconds == seconds && !rest.overflow
    self.nanoseconds = clamped ? UInt32(max(0, min(999_999, rest.partialValue))) * 1000 : 0
  }

  /// Rounded down to the microsecond.
  public var instant: Instant {
    Instant(microseconds: seconds * 1_000_000 + Int64(nanoseconds / 1000))
  }

  public static func < (a: Timestamp, b: Timestamp) -> Bool {
    a.seconds != b.seconds ? a.seconds < b.seconds : a.nanoseconds < b.nanoseconds
  }
}

/// One missing fact: a field of an object.
public struct FactRef: Hashable, Sendable, Comparable {
  /// Whose fact is missing.
  public let object: ObjectRef
  /// Which field, by its slot.
  public let field: UInt16
  public init(object: ObjectRef, field: UInt16) {
    self.object = object
    self.field = field
  }
  public static func < (a: FactRef, b: FactRef) -> Bool {
    (a.object.type, a.object.index, a.field) < (b.object.type, b.object.index, b.field)
  }
}

/// The missing facts an unknown value depends on; one fact costs no allocation.
public struct UnknownSet: Sendable, Equatable {
  private enum Storage: Sendable {
    case one(FactRef)
    case many(Box)
  }
  private final class Box: Sendable {
    let facts: [FactRef]
    init(_ facts: [FactRef]) { self.facts = facts }
  }
  private let storage: Storage

  /// One missing fact.
  public init(_ fact: FactRef) { storage = .one(fact) }

  /// Several facts; nil for none.
  public init?(_ facts: some Sequence<FactRef>) {
    let sorted = Set(facts).sorted()
    guard let first = sorted.first else { return nil }
    storage = sorted.count == 1 ? .one(first) : .many(Box(sorted))
  }

  private init(sorted facts: [FactRef]) { storage = .many(Box(facts)) }

  private static func insert(_ fact: FactRef, into box: Box, _ whole: UnknownSet) -> UnknownSet {
    var facts = box.facts
    let at = facts.firstIndex { !($0 < fact) } ?? facts.count
    if at < facts.count, facts[at] == fact { return whole }
    facts.insert(fact, at: at)
    return UnknownSet(sorted: facts)
  }

  /// Sorted, without repeats.
  public var facts: [FactRef] {
    switch storage {
    case .one(let fact): [fact]
    case .many(let box): box.facts
    }
  }

  /// The facts of both.
  public func union(_ other: UnknownSet) -> UnknownSet {
    switch (storage, other.storage) {
    case (.one(let a), .one(let b)):
      return a == b ? self : UnknownSet(sorted: a < b ? [a, b] : [b, a])
    case (.many(let box), .one(let fact)): return UnknownSet.insert(fact, into: box, self)
    case (.one(let fact), .many(let box)): return UnknownSet.insert(fact, into: box, other)
    case (.many(let a), .many(let b)):
      return a === b ? self : UnknownSet(a.facts + b.facts) ?? self
    }
  }

  public static func == (a: UnknownSet, b: UnknownSet) -> Bool { a.facts == b.facts }
}

/// A value of the language. Small values are stored in place; copying one never counts references
/// except for owned texts and collections.
public enum Value: Sendable {
  case null
  case bool(Bool)
  case int(Int64)
  case uint(UInt64)
  case double(Double)
  case string(Text)
  case bytes(Text)
  case list(ListValue)
  case map(MapValue)
  case timestamp(Timestamp)
  /// Nanoseconds.
  case duration(Int64)
  case date(CivilDate)
  case type(TypeValue)
  case optional(OptionalValue)
  case object(ObjectRef)
  case hostList(HostList)
  /// Depends on missing facts.
  case unknown(UnknownSet)
  case error(EvaluationError)

  /// An owned copy of a string.
  public static func text(_ string: String) -> Value { .string(Text(string)) }
  /// A list of its own.
  public static func array(_ values: [Value]) -> Value { .list(ListValue(values)) }
  /// Unknown because of one field.
  public static func missing(_ object: ObjectRef, field: UInt16) -> Value {
    .unknown(UnknownSet(FactRef(object: object, field: field)))
  }

  @inline(__always)
  var isAbrupt: Bool {
    switch self {
    case .unknown, .error: true
    default: false
    }
  }

  /// The bool, or nil for anything else.
  public var boolValue: Bool? { if case .bool(let value) = self { value } else { nil } }
  /// The int, or nil for anything else.
  public var intValue: Int64? { if case .int(let value) = self { value } else { nil } }
  /// A copy of the string, or nil for anything else.
  public var stringValue: String? {
    if case .string(let value) = self { value.string } else { nil }
  }
  /// The date, or nil for anything else.
  public var dateValue: CivilDate? { if case .date(let value) = self { value } else { nil } }

  /// Without pointers into the host, to keep beyond the evaluation. Host lists stay references.
  public var owned: Value {
    if !isBorrowing { return self }
    var copier = OwnedCopier()
    return copier.copy(self)
  }

  /// Points into the host, or may do so.
  private var isBorrowing: Bool {
    switch self {
    case .string(.borrowed), .bytes(.borrowed), .map, .optional: true
    case .list(let list):
      list.elements.contains {
        switch $0 {
        case .string(.borrowed), .bytes(.borrowed), .list, .map, .optional: true
        default: false
        }
      }
    default: false
    }
  }
}

/// Copies what is borrowed; a collection that occurs several times is copied once.
private struct OwnedCopier {
  private var copies: [ObjectIdentifier: Value] = [:]

  mutating func copy(_ value: Value) -> Value {
    switch value {
    case .string(let text): return .string(text.owned)
    case .bytes(let text): return .bytes(text.owned)
    case .list(let list):
      return once(list) { copier in
        .list(ListValue(list.elements.map { copier.copy($0) }))
      }
    case .map(let map):
      return once(map) { copier in
        .map(
          MapValue(
            unchecked: map.keys.map { copier.copy($0) }, map.values.map { copier.copy($0) }))
      }
    case .optional(let optional):
      return once(optional) { copier in
        .optional(OptionalValue(optional.wrapped.map { copier.copy($0) }))
      }
    default: return value
    }
  }

  private mutating func once(
    _ object: AnyObject, _ make: (inout OwnedCopier) -> Value
  ) -> Value {
    let id = ObjectIdentifier(object)
    if let known = copies[id] { return known }
    let result = make(&self)
    copies[id] = result
    return result
  }
}

/// An immutable list.
public final class ListValue: Sendable {
  /// In order.
  public let elements: [Value]
  /// How many there are.
  public let count: Int
  public init(_ elements: [Value]) {
    self.elements = elements
    count = elements.count
  }
  static let empty = ListValue([])
}

/// A value that may be absent (`optional.of`, `optional.none`).
public final class OptionalValue: Sendable {
  /// Nil for none.
  public let wrapped: Value?
  public init(_ wrapped: Value?) { self.wrapped = wrapped }
  static let none = OptionalValue(nil)
}

/// A type as a value: its name without parameters, as `type(x)` shows it.
public final class TypeValue: Sendable, Hashable {
  /// As `string(type(x))` writes it.
  public let name: String
  init(_ name: String) { self.name = name }
  public static func == (a: TypeValue, b: TypeValue) -> Bool { a.name == b.name }
  public func hash(into hasher: inout Hasher) { hasher.combine(name) }

  static let null = TypeValue("null_type")
  static let bool = TypeValue("bool")
  static let int = TypeValue("int")
  static let uint = TypeValue("uint")
  static let double = TypeValue("double")
  static let string = TypeValue("string")
  static let bytes = TypeValue("bytes")
  static let list = TypeValue("list")
  static let map = TypeValue("map")
  static let timestamp = TypeValue("google.protobuf.Timestamp")
  static let duration = TypeValue("google.protobuf.Duration")
  static let date = TypeValue("date")
  static let type = TypeValue("type")
  static let optional = TypeValue("optional_type")
  static let object = TypeValue("object")
}

/// Why an evaluation has no value.
public final class EvaluationError: Error, Sendable, CustomStringConvertible {
  /// Stable codes of run-time errors.
  public enum Code: String, Sendable, CaseIterable {
    case noSuchOverload = "cel/no-such-overload"
    case noSuchKey = "cel/no-such-key"
    case noSuchField = "cel/no-such-field"
    case undeclared = "cel/undeclared"
    case divideByZero = "cel/divide-by-zero"
    case overflow = "cel/overflow"
    case range = "cel/range"
    case index = "cel/index"
    case duplicateKey = "cel/duplicate-key"
    case keyType = "cel/key-type"
    case conversion = "cel/conversion"
    case argument = "cel/argument"
    case regex = "cel/regex"
    case budget = "cel/budget"
    case size = "cel/size"
    case noValue = "cel/no-value"
    case host = "cel/host"
  }
  /// Stable name of the cause.
  public let code: Code
  /// Never holds values of facts: it may be logged.
  public let message: String

  public init(_ code: Code, _ message: String) {
    self.code = code
    self.message = message
  }

  public var description: String { "\(code.rawValue): \(message)" }

  /// A function was called with values of kinds that it does not take.
  public static let noSuchOverload = EvaluationError(.noSuchOverload, "no such overload")
  static let noSuchKey = EvaluationError(.noSuchKey, "no such key")
  static let noSuchField = EvaluationError(.noSuchField, "no such field")
  static let divideByZero = EvaluationError(.divideByZero, "division by zero")
  static let modulusByZero = EvaluationError(.divideByZero, "modulus by zero")
  static let overflow = EvaluationError(.overflow, "integer overflow")
  static let range = EvaluationError(.range, "range error")
  static let timeRange = EvaluationError(.range, "time out of range")
  static let dateRange = EvaluationError(.range, "date out of range")
  static let index = EvaluationError(.index, "index out of bounds")
  static let duplicateKey = EvaluationError(.duplicateKey, "repeated map key")
  static let keyType = EvaluationError(.keyType, "unsupported key type")
  static let conversion = EvaluationError(.conversion, "type conversion error")
  static let budget = EvaluationError(.budget, "iteration budget exceeded")
  static let size = EvaluationError(.size, "value too large")
  static let noValue = EvaluationError(.noValue, "optional.none() dereference")
}

extension Value {
  @inline(__always)
  static var noSuchOverload: Value { .error(.noSuchOverload) }

  static func failure(_ code: EvaluationError.Code, _ message: String) -> Value {
    .error(EvaluationError(code, message))
  }

  /// The type as a value.
  var typeValue: TypeValue {
    switch self {
    case .null: .null
    case .bool: .bool
    case .int: .int
    case .uint: .uint
    case .double: .double
    case .string: .string
    case .bytes: .bytes
    case .list, .hostList: .list
    case .map: .map
    case .timestamp: .timestamp
    case .duration: .duration
    case .date: .date
    case .type: .type
    case .optional: .optional
    case .object: .object
    case .unknown, .error: TypeValue("error")
    }
  }

  /// The union of two values that both are unknown or errors: unknown wins over an error, because
  /// once the facts are there the error may be gone.
  static func merge(_ a: Value, _ b: Value) -> Value {
    switch (a, b) {
    case (.unknown(let x), .unknown(let y)): .unknown(x.union(y))
    case (.unknown, _): a
    case (_, .unknown): b
    default: a
    }
  }
}
