/// One way to call a function.
public struct FunctionOverload: Sendable {
  /// How an overload computes. Arguments are never unknown or errors (except for `lazy` ones).
  enum Body: Sendable {
    case nullary(@Sendable (EvaluationContext) -> Value)
    case unary(@Sendable (EvaluationContext, Value) -> Value)
    case binary(@Sendable (EvaluationContext, Value, Value) -> Value)
    case ternary(@Sendable (EvaluationContext, Value, Value, Value) -> Value)
    case variadic(@Sendable (EvaluationContext, [Value]) -> Value)
  }
  /// Unique name, such as `size_string`.
  public let id: String
  /// Types of the arguments, the receiver first.
  public let parameters: [CELType]
  /// Type of the result; parameters of the arguments' types may occur in it.
  public let result: CELType
  /// Called as `receiver.name(...)`.
  public let isInstance: Bool
  /// Static cost of one call, in steps.
  public let cost: Int
  /// The result changes with `today` or `now`; validity ends at midnight unless the function limits
  /// it itself.
  public let dependsOnTime: Bool
  /// Reads more of the context than the budget (the calendar, for example): never folded.
  let needsContext: Bool
  let body: Body

  /// An overload of the host. `implementation` gets as many values as there are parameters, none of
  /// them unknown or an error; it returns an error value rather than trap.
  public init(
    _ id: String, _ parameters: [CELType], _ result: CELType, isInstance: Bool = false,
    cost: Int = 1, dependsOnTime: Bool = false,
    implementation: @escaping @Sendable (EvaluationContext, [Value]) -> Value
  ) {
    self.init(
      id: id, parameters, result, isInstance: isInstance, cost: cost,
      dependsOnTime: dependsOnTime, needsContext: true, .variadic(implementation))
  }

  /// An overload of the host with two arguments, called without making a list of them.
  /// `implementation` returns `noSuchOverload` for values of other kinds than the parameters'.
  public init(
    _ id: String, _ parameters: [CELType], _ result: CELType,
    binary implementation: @escaping @Sendable (EvaluationContext, Value, Value) -> Value
  ) {
    self.init(id: id, parameters, result, needsContext: true, .binary(implementation))
  }

  init(
    id: String, _ parameters: [CELType], _ result: CELType, isInstance: Bool = false,
    cost: Int = 1, dependsOnTime: Bool = false, needsContext: Bool = false, _ body: Body
  ) {
    self.id = id
    self.parameters = parameters
    self.result = result
    self.isInstance = isInstance
    self.cost = cost
    self.dependsOnTime = dependsOnTime
    self.needsContext = needsContext
    self.body = body
  }

  /// Takes any number of arguments; the checker knows these functions by name.
  private var isVariadic: Bool { id == "math.greatest" || id == "math.least" }

  /// True where the values' kinds are those of the parameters (element types are not looked at).
  func accepts(_ values: [Value]) -> Bool {
    if isVariadic { return true }
    guard values.count == parameters.count else { return false }
    for (value, type) in zip(values, parameters) where !FunctionOverload.fits(value, type) {
      return false
    }
    return true
  }

  static func fits(_ value: Value, _ type: CELType) -> Bool {
    switch (type, value) {
    case (.dyn, _), (.parameter, _), (.error, _), (.variable, _), (.opaque, _): true
    case (.null, .null), (.bool, .bool), (.int, .int), (.uint, .uint), (.double, .double),
      (.string, .string), (.bytes, .bytes), (.timestamp, .timestamp), (.duration, .duration),
      (.date, .date), (.list, .list), (.list, .hostList), (.map, .map), (.type, .type),
      (.optional, .optional), (.object, .object), (.nullable, .null):
      true
    case (.nullable(let inner), _): fits(value, inner)
    default: false
    }
  }

  func call(_ context: EvaluationContext, _ values: [Value]) -> Value {
    switch (body, values.count) {
    case (.nullary(let f), 0): f(context)
    case (.unary(let f), 1): f(context, values[0])
    case (.binary(let f), 2): f(context, values[0], values[1])
    case (.ternary(let f), 3): f(context, values[0], values[1], values[2])
    case (.variadic(let f), _): f(context, values)
    default: .noSuchOverload
    }
  }
}
