/// A static type.
public indirect enum CELType: Hashable, Sendable {
  case null, bool, int, uint, double, string, bytes, timestamp, duration, date
  /// Anything; checked when it runs.
  case dyn
  /// The type of an expression with a problem; fits everywhere, so that one problem is told once.
  case error
  case list(CELType)
  case map(CELType, CELType)
  case optional(CELType)
  /// The type of a type; `dyn` inside where unknown.
  case type(CELType)
  /// A host object by the name of its type.
  case object(String)
  /// A value of the type, or null.
  case nullable(CELType)
  /// A type without structure, as some declarations need.
  case opaque(String, [CELType])
  /// A type parameter of a declaration.
  case parameter(String)
  /// A parameter while it is being inferred. Never seen outside the checker.
  case variable(Int)
}

extension CELType: CustomStringConvertible {
  /// As policy texts write it: `list(string)`, `map(string, int)`, `optional(date)`.
  public var description: String {
    switch self {
    case .null: "null"
    case .bool: "bool"
    case .int: "int"
    case .uint: "uint"
    case .double: "double"
    case .string: "string"
    case .bytes: "bytes"
    case .timestamp: "timestamp"
    case .duration: "duration"
    case .date: "date"
    case .dyn, .variable: "dyn"
    case .error: "error"
    case .list(let element): "list(\(element))"
    case .map(let key, let value): "map(\(key), \(value))"
    case .optional(let inner): "optional(\(inner))"
    case .type(let inner): "type(\(inner))"
    case .object(let name): name
    case .nullable(let inner): "nullable(\(inner))"
    case .opaque(let name, let inner):
      name + (inner.isEmpty ? "" : "(" + inner.map(\.description).joined(separator: ", ") + ")")
    case .parameter(let name): name
    }
  }

  /// Parses what `description` writes, with `objects` as further names; nil for anything else.
  public init?(_ text: String, objects: Set<String> = []) {
    var rest = Substring(text)
    guard let type = CELType.parse(&rest, objects), rest.allSatisfy({ $0 == " " }) else {
      return nil
    }
    self = type
  }

  private static func parse(_ rest: inout Substring, _ objects: Set<String>) -> CELType? {
    rest = rest.drop { $0 == " " }
    let name = String(rest.prefix { $0.isLetter || $0.isNumber || $0 == "_" || $0 == "." })
    rest = rest.dropFirst(name.count)
    var arguments: [CELType] = []
    if rest.first == "(" {
      rest = rest.dropFirst()
      while true {
        guard let argument = parse(&rest, objects), arguments.count < 4 else { return nil }
        arguments.append(argument)
        rest = rest.drop { $0 == " " }
        guard let mark = rest.popFirst() else { return nil }
        if mark == ")" { break }
        guard mark == "," else { return nil }
      }
    }
    return make(name, arguments, objects)
  }

  private static func make(
    _ name: String, _ arguments: [CELType], _ objects: Set<String>
  ) -> CELType? {
    if arguments.isEmpty {
      if let simple = simpleTypes[name] { return simple }
      return objects.contains(name) ? .object(name) : nil
    }
    switch (name, arguments.count) {
    case ("list", 1): return .list(arguments[0])
    case ("map", 2): return .map(arguments[0], arguments[1])
    case ("optional", 1): return .optional(arguments[0])
    case ("type", 1): return .type(arguments[0])
    case ("nullable", 1): return .nullable(arguments[0])
    default: return nil
    }
  }

  private static let simpleTypes: [String: CELType] = [
    "null": .null, "bool": .bool, "int": .int, "uint": .uint, "double": .double,
    "string": .string, "bytes": .bytes, "timestamp": .timestamp, "duration": .duration,
    "date": .date, "dyn": .dyn, "list": .list(.dyn), "map": .map(.dyn, .dyn), "type": .type(.dyn),
  ]
}

extension CELType {
  var isDynOrError: Bool { self == .dyn || self == .error }

  /// A type without parts that only values of its own kind have.
  var isPlain: Bool {
    switch self {
    case .bool, .int, .uint, .double, .string, .bytes, .timestamp, .duration, .date: true
    default: false
    }
  }

  /// Replaces parameters by the given types.
  func replacing(_ parameters: [String: CELType]) -> CELType {
    switch self {
    case .parameter(let name): parameters[name] ?? self
    case .list(let e): .list(e.replacing(parameters))
    case .map(let k, let v): .map(k.replacing(parameters), v.replacing(parameters))
    case .optional(let e): .optional(e.replacing(parameters))
    case .type(let e): .type(e.replacing(parameters))
    case .nullable(let e): .nullable(e.replacing(parameters))
    case .opaque(let name, let inner): .opaque(name, inner.map { $0.replacing(parameters) })
    default: self
    }
  }

  var parameterNames: Set<String> {
    switch self {
    case .parameter(let name): [name]
    case .list(let e), .optional(let e), .type(let e), .nullable(let e): e.parameterNames
    case .map(let k, let v): k.parameterNames.union(v.parameterNames)
    case .opaque(_, let inner): inner.reduce(into: []) { $0.formUnion($1.parameterNames) }
    default: []
    }
  }

  /// True where a value of object type may hide in a value of this type.
  var mayHoldObject: Bool {
    switch self {
    case .object, .dyn: true
    case .list(let e), .optional(let e), .nullable(let e): e.mayHoldObject
    case .map(let k, let v): k.mayHoldObject || v.mayHoldObject
    default: false
    }
  }
}
