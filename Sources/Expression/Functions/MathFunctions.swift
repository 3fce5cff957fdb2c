extension StandardLibrary {
  static func addMath(_ l: inout LibraryBuilder) {
    for (name, isGreatest) in [("math.greatest", true), ("math.least", false)] {
      l.global(
        name, name, [.dyn], .dyn,
        .variadic { c, values in
          extremum(c, values, isGreatest: isGreatest)
        })
    }
    let roundings: [(String, FloatingPointRoundingRule)] = [
      ("ceil", .up), ("floor", .down), ("round", .toNearestOrAwayFromZero), ("trunc", .towardZero),
    ]
    for (name, rule) in roundings {
      l.global(
        "math.\(name)", "math_\(name)", [.double], .double,
        .unary { _, x in
          guard case .double(let value) = x else { return .noSuchOverload }
          return .double(value.rounded(rule))
        })
    }
    let tests: [(String, @Sendable (Double) -> Bool)] = [
      ("isNaN", { $0.isNaN }), ("isInf", { $0.isInfinite }), ("isFinite", { $0.isFinite }),
    ]
    for (name, test) in tests {
      l.global(
        "math.\(name)", "math_\(name)", [.double], .bool,
        .unary { _, x in
          guard case .double(let value) = x else { return .noSuchOverload }
          return .bool(test(value))
        })
    }
    for type in [CELType.int, .uint, .double] {
      l.global("math.abs", "math_abs_\(type)", [type], type, .unary { _, x in absolute(x) })
      l.global("math.sign", "math_sign_\(type)", [type], type, .unary { _, x in sign(x) })
      l.global(
        "math.sqrt", "math_sqrt_\(type)", [type], .double,
        .unary { _, x in
          switch x {
          case .int(let value): .double(Double(value).squareRoot())
          case .uint(let value): .double(Double(value).squareRoot())
          case .double(let value): .double(value.squareRoot())
          default: .noSuchOverload
          }
        })
    }
    addBits(&l)
  }

  private static func extremum(
    _ c: EvaluationContext, _ values: [Value], isGreatest: Bool
  ) -> Value {
    var candidates = values
    if values.count == 1 {
      switch values[0] {
      case .list, .hostList:
        switch c.elements(values[0]) {
        case .failure(let abrupt): return abrupt.value
        case .success(let elements): candidates = elements
        }
      default: break
      }
    }
    guard c.spend(candidates.count) else { return .error(.budget) }
    var best: Value?
    for value in candidates {
      switch value {
      case .int, .uint, .double: break
      default: return value.isAbrupt ? value : .noSuchOverload
      }
      guard let current = best else {
        best = value
        continue
      }
      let order = Numbers.compare(value, current)
      if order == (isGreatest ? .greater : .less) { best = value }
    }
    return best ?? .failure(.argument, "the list is empty")
  }

  private static func absolute(_ x: Value) -> Value {
    switch x {
    case .int(let value): value == .min ? .error(.overflow) : .int(abs(value))
    case .uint: x
    case .double(let value): .double(value.magnitude)
    default: .noSuchOverload
    }
  }

  private static func sign(_ x: Value) -> Value {
    switch x {
    case .int(let value): .int(value.signum())
    case .uint(let value): .uint(value == 0 ? 0 : 1)
    case .double(let value): value.isNaN ? x : .double(value > 0 ? 1 : (value < 0 ? -1 : 0))
    default: .noSuchOverload
    }
  }

  private static func addBits(_ l: inout LibraryBuilder) {
    let operations: [(String, @Sendable (UInt64, UInt64) -> UInt64)] = [
      ("bitAnd", { $0 & $1 }), ("bitOr", { $0 | $1 }), ("bitXor", { $0 ^ $1 }),
    ]
    for (name, operation) in operations {
      for type in [CELType.int, .uint] {
        l.global(
          "math.\(name)", "math_\(name)_\(type)", [type, type], type,
          .binary { _, x, y in
            switch (x, y) {
            case (.int(let a), .int(let b)):
              .int(Int64(bitPattern: operation(UInt64(bitPattern: a), UInt64(bitPattern: b))))
            case (.uint(let a), .uint(let b)): .uint(operation(a, b))
            default: .noSuchOverload
            }
          })
      }
    }
    for type in [CELType.int, .uint] {
      l.global(
        "math.bitNot", "math_bitNot_\(type)", [type], type,
        .unary { _, x in
          switch x {
          case .int(let value): .int(~value)
          case .uint(let value): .uint(~value)
          default: .noSuchOverload
          }
        })
      for isLeft in [true, false] {
        let name = isLeft ? "bitShiftLeft" : "bitShiftRight"
        l.global(
          "math.\(name)", "math_\(name)_\(type)", [type, .int], type,
          .binary { _, x, n in
            shift(x, n, isLeft: isLeft)
          })
      }
    }
  }

  /// Shifts fill with zeros, also to the right of a negative int.
  private static func shift(_ x: Value, _ n: Value, isLeft: Bool) -> Value {
    guard case .int(let count) = n else { return .noSuchOverload }
    guard count >= 0 else { return .failure(.argument, "negative offset") }
    let bits: UInt64
    switch x {
    case .int(let value): bits = UInt64(bitPattern: value)
    case .uint(let value): bits = value
    default: return .noSuchOverload
    }
    let shifted = count > 63 ? 0 : (isLeft ? bits << UInt64(count) : bits >> UInt64(count))
    if case .int = x { return .int(Int64(bitPattern: shifted)) }
    return .uint(shifted)
  }
}
