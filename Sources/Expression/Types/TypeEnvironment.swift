/// A field of a host object type.
public struct FieldDeclaration: Sendable, Hashable {
  public let name: String
  /// What the host is asked for.
  public let slot: UInt16
  /// Type of its value.
  public let type: CELType
  /// The host computes it from the time (an age, for example) and limits validity itself.
  public let dependsOnTime: Bool
  /// Worst-case length where it is a list, for the static cost.
  public let maxCount: Int
  /// Where it is the completed years of life on `today`: the slot of the object's date of birth.
  public let birth: UInt16?

  public init(
    _ name: String, slot: UInt16, _ type: CELType, dependsOnTime: Bool = false,
    maxCount: Int = 16, birth: UInt16? = nil
  ) {
    self.birth = birth
    self.name = name
    self.slot = slot
    self.type = type
    self.dependsOnTime = dependsOnTime
    self.maxCount = maxCount
  }
}

/// A host object type.
public struct ObjectDeclaration: Sendable {
  public let name: String
  /// `ObjectRef.type` of its objects.
  public let typeID: UInt16
  /// By name.
  public let fields: [String: FieldDeclaration]
}

/// A variable the caller sets, or one with a definition that is evaluated when first read.
public struct VariableDeclaration: Sendable {
  public let name: String
  /// Type of its value.
  public let type: CELType
  /// Index for `EvaluationContext.set(variable:_:)`.
  public let slot: Int
  /// A `let`: evaluated at most once between two `begin` calls, only when read.
  public let definition: Program?
}

/// The names an expression may use. The standard library is always there.
public struct TypeEnvironment: Sendable {
  /// Prefix under which unqualified names are looked up first.
  public var container = ""
  /// Declared object types by name.
  public private(set) var objects: [String: ObjectDeclaration] = [:]
  /// Declared variables by name.
  public private(set) var variables: [String: VariableDeclaration] = [:]
  private(set) var functions: [String: [FunctionOverload]]
  /// What an expression may cost before it runs.
  public var limits = Limits()
  /// Ages are compared by birthdays: that asks more of each comparison, but its answer stands until
  /// the birthday on which it changes, not only until the next one. For what is kept and shared.
  public var comparesBirthdays = false
  /// Turns type problems into run-time errors; only for tests of the language.
  public var isLenient = false

  /// The standard library, without objects and variables. `today` and `now` are built in.
  public init() { functions = StandardLibrary.functions }

  /// Declares or replaces an object type.
  public mutating func declareObject(
    _ name: String, typeID: UInt16, fields: [FieldDeclaration]
  ) {
    var byName: [String: FieldDeclaration] = [:]
    for field in fields { byName[field.name] = field }
    objects[name] = ObjectDeclaration(name: name, typeID: typeID, fields: byName)
  }

  /// Declares a variable and returns its slot; an existing name keeps its slot.
  @discardableResult
  public mutating func declareVariable(
    _ name: String, _ type: CELType, definition: Program? = nil
  ) -> Int {
    let slot = variables[name]?.slot ?? variables.count
    variables[name] = VariableDeclaration(
      name: name, type: type, slot: slot, definition: definition)
    return slot
  }

  /// Adds an overload to a function (`name` may be qualified, as in `math.abs`).
  public mutating func declareFunction(_ name: String, _ overload: FunctionOverload) {
    functions[name, default: []].append(overload)
  }

  /// Number of variable slots: the least capacity of a context.
  public var variableCount: Int { variables.count }

  /// Names from the most to the least qualified, as the container rules say.
  func candidates(_ name: String, absolute: Bool) -> [String] {
    if absolute || container.isEmpty { return [name] }
    var result: [String] = []
    var parts = container.split(separator: ".").map(String.init)
    while !parts.isEmpty {
      result.append(parts.joined(separator: ".") + "." + name)
      parts.removeLast()
    }
    return result + [name]
  }

  /// Types that can be named in an expression.
  static let typeNames: [String: (type: CELType, value: TypeValue)] = [
    "bool": (.bool, .bool), "int": (.int, .int), "uint": (.uint, .uint),
    "double": (.double, .double), "string": (.string, .string), "bytes": (.bytes, .bytes),
    "list": (.list(.dyn), .list), "map": (.map(.dyn, .dyn), .map),
    "null_type": (.null, .null), "type": (.type(.dyn), .type),
    "google.protobuf.Timestamp": (.timestamp, .timestamp),
    "google.protobuf.Duration": (.duration, .duration), "date": (.date, .date),
    "optional_type": (.optional(.dyn), .optional),
  ]
}
