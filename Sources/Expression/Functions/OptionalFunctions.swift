extension StandardLibrary {
  static func addOptionals(_ l: inout LibraryBuilder) {
    let a = CELType.parameter("A")
    let optional = CELType.optional(a)
    l.global("optional.none", "optional_none", [], optional, .nullary { _ in .optional(.none) })
    l.global(
      "optional.of", "optional_of", [a], optional,
      .unary { _, x in
        .optional(OptionalValue(x))
      })
    l.global(
      "optional.ofNonZeroValue", "optional_of_non_zero", [a], optional,
      .unary { c, x in
        .optional(isZero(c, x) ? .none : OptionalValue(x))
      })
    l.method(
      "hasValue", "optional_has_value", [optional], .bool,
      .unary { _, x in
        guard case .optional(let value) = x else { return .noSuchOverload }
        return .bool(value.wrapped != nil)
      })
    l.method(
      "value", "optional_value", [optional], a,
      .unary { _, x in
        guard case .optional(let value) = x else { return .noSuchOverload }
        return value.wrapped ?? .error(.noValue)
      })
    l.method(
      "or", "optional_or", [optional, optional], optional,
      .binary { _, x, y in
        guard case .optional(let value) = x, case .optional = y else { return .noSuchOverload }
        return value.wrapped == nil ? y : x
      })
    l.method(
      "orValue", "optional_or_value", [optional, a], a,
      .binary { _, x, y in
        guard case .optional(let value) = x else { return .noSuchOverload }
        return value.wrapped ?? y
      })
    let unwrap = FunctionOverload.Body.unary { c, x in
      switch c.elements(x) {
      case .failure(let abrupt): return abrupt.value
      case .success(let elements):
        var result: [Value] = []
        for element in elements {
          guard case .optional(let value) = element else { return .noSuchOverload }
          if let wrapped = value.wrapped { result.append(wrapped) }
        }
        return .array(result)
      }
    }
    l.global("optional.unwrap", "optional_unwrap", [.list(optional)], .list(a), cost: 8, unwrap)
    l.method("unwrapOpt", "optional_unwrap_opt", [.list(optional)], .list(a), cost: 8, unwrap)
  }

  private static func isZero(_ c: EvaluationContext, _ value: Value) -> Bool {
    switch value {
    case .null: true
    case .bool(let x): !x
    case .int(let x): x == 0
    case .uint(let x): x == 0
    case .double(let x): x == 0
    case .string(let x), .bytes(let x): x.count == 0
    case .list, .hostList: c.listCount(value) == 0
    case .map(let x): x.keys.isEmpty
    case .duration(let x): x == 0
    case .timestamp(let x): x.seconds == Timestamp.minSeconds && x.nanoseconds == 0
    case .optional(let x): x.wrapped == nil
    default: false
    }
  }
}
