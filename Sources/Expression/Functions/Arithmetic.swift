import Vocabulary

/// `+ - * / %` and unary minus; every failure is an error value.
enum Arithmetic {
  /// Largest text or bytes value, in bytes.
  static let maxBytes = 1 << 20
  /// Largest list that an expression may build.
  static let maxElements = 1 << 16

  static func add(_ c: EvaluationContext, _ a: Value, _ b: Value) -> Value {
    switch (a, b) {
    case (.int(let x), .int(let y)):
      let (sum, overflow) = x.addingReportingOverflow(y)
      return overflow ? .error(.overflow) : .int(sum)
    case (.uint(let x), .uint(let y)):
      let (sum, overflow) = x.addingReportingOverflow(y)
      return overflow ? .error(.overflow) : .uint(sum)
    case (.double(let x), .double(let y)): return .double(x + y)
    case (.string(let x), .string(let y)): return concat(c, x, y).map(Value.string) ?? .error(.size)
    case (.bytes(let x), .bytes(let y)): return concat(c, x, y).map(Value.bytes) ?? .error(.size)
    case (.duration(let x), .duration(let y)):
      let (sum, overflow) = x.addingReportingOverflow(y)
      return overflow ? .error(.timeRange) : .duration(sum)
    case (.timestamp(let t), .duration(let d)), (.duration(let d), .timestamp(let t)):
      return TimeMath.add(t, d)
    case (.list, .list), (.list, .hostList), (.hostList, .list), (.hostList, .hostList):
      return concatLists(c, a, b)
    default: return .noSuchOverload
    }
  }

  /// Nil where the result would be too large or the budget is used up.
  private static func concat(_ c: EvaluationContext, _ x: Text, _ y: Text) -> Text? {
    let count = x.count + y.count
    guard count <= maxBytes, c.spend(1 + count / 64) else { return nil }
    return Text(count: count) { target in
      x.withBytes { source in
        for i in 0..<source.count { target[i] = source[i] }
      }
      let offset = x.count
      y.withBytes { source in
        for i in 0..<source.count { target[offset + i] = source[i] }
      }
    }
  }

  private static func concatLists(_ c: EvaluationContext, _ a: Value, _ b: Value) -> Value {
    switch (c.elements(a), c.elements(b)) {
    case (.success(let x), .success(let y)):
      guard x.count + y.count <= maxElements else { return .error(.size) }
      guard c.spend(x.count + y.count) else { return .error(.budget) }
      return .array(x + y)
    case (.failure(let p), .failure(let q)): return .merge(p.value, q.value)
    case (.failure(let p), _), (_, .failure(let p)): return p.value
    }
  }

  static func subtract(_ c: EvaluationContext, _ a: Value, _ b: Value) -> Value {
    switch (a, b) {
    case (.int(let x), .int(let y)):
      let (result, overflow) = x.subtractingReportingOverflow(y)
      return overflow ? .error(.overflow) : .int(result)
    case (.uint(let x), .uint(let y)):
      let (result, overflow) = x.subtractingReportingOverflow(y)
      return overflow ? .error(.overflow) : .uint(result)
    case (.double(let x), .double(let y)): return .double(x - y)
    case (.date(let x), .date(let y)): return .int(Int64(x.dayNumber) - Int64(y.dayNumber))
    case (.duration(let x), .duration(let y)):
      let (result, overflow) = x.subtractingReportingOverflow(y)
      return overflow ? .error(.timeRange) : .duration(result)
    case (.timestamp(let t), .duration(let d)):
      let (negated, overflow) = Int64(0).subtractingReportingOverflow(d)
      return overflow ? .error(.timeRange) : TimeMath.add(t, negated)
    case (.timestamp(let x), .timestamp(let y)): return TimeMath.difference(x, y)
    default: return .noSuchOverload
    }
  }

  static func multiply(_ c: EvaluationContext, _ a: Value, _ b: Value) -> Value {
    switch (a, b) {
    case (.int(let x), .int(let y)):
      let (result, overflow) = x.multipliedReportingOverflow(by: y)
      return overflow ? .error(.overflow) : .int(result)
    case (.uint(let x), .uint(let y)):
      let (result, overflow) = x.multipliedReportingOverflow(by: y)
      return overflow ? .error(.overflow) : .uint(result)
    case (.double(let x), .double(let y)): return .double(x * y)
    default: return .noSuchOverload
    }
  }

  static func divide(_ c: EvaluationContext, _ a: Value, _ b: Value) -> Value {
    switch (a, b) {
    case (.int(let x), .int(let y)):
      if y == 0 { return .error(.divideByZero) }
      let (result, overflow) = x.dividedReportingOverflow(by: y)
      return overflow ? .error(.overflow) : .int(result)
    case (.uint(let x), .uint(let y)): return y == 0 ? .error(.divideByZero) : .uint(x / y)
    case (.double(let x), .double(let y)): return .double(x / y)
    default: return .noSuchOverload
    }
  }

  static func modulo(_ c: EvaluationContext, _ a: Value, _ b: Value) -> Value {
    switch (a, b) {
    case (.int(let x), .int(let y)):
      if y == 0 { return .error(.modulusByZero) }
      let (result, overflow) = x.remainderReportingOverflow(dividingBy: y)
      return overflow ? .error(.overflow) : .int(result)
    case (.uint(let x), .uint(let y)): return y == 0 ? .error(.modulusByZero) : .uint(x % y)
    default: return .noSuchOverload
    }
  }

  static func negate(_ c: EvaluationContext, _ a: Value) -> Value {
    switch a {
    case .int(let x):
      let (result, overflow) = Int64(0).subtractingReportingOverflow(x)
      return overflow ? .error(.overflow) : .int(result)
    case .double(let x): return .double(-x)
    case .duration(let x):
      let (result, overflow) = Int64(0).subtractingReportingOverflow(x)
      return overflow ? .error(.timeRange) : .duration(result)
    default: return .noSuchOverload
    }
  }

  /// `value in container`.
  static func contains(_ c: EvaluationContext, _ value: Value, _ container: Value) -> Value {
    switch container {
    case .map(let map): return .bool(map.find(value) != nil)
    case .list, .hostList:
      var abrupt: Value?
      for i in 0..<c.listCount(container) {
        guard c.spend() else { return .error(.budget) }
        let equal = c.equals(value, c.listElement(container, i))
        switch equal {
        case .bool(true): return equal
        case .bool: break
        default: abrupt = abrupt.map { .merge($0, equal) } ?? equal
        }
      }
      return abrupt ?? .bool(false)
    default: return .noSuchOverload
    }
  }

  /// `container[key]`.
  static func index(_ c: EvaluationContext, _ container: Value, _ key: Value) -> Value {
    switch container {
    case .list, .hostList:
      guard let position = listIndex(key) else {
        return .failure(.index, "a list index is a whole number")
      }
      guard position >= 0, position < Int64(c.listCount(container)) else { return .error(.index) }
      return c.listElement(container, Int(position))
    case .map(let map): return map.find(key) ?? .error(.noSuchKey)
    default: return .noSuchOverload
    }
  }

  /// `container[?key]`: an optional.
  static func optionalIndex(_ c: EvaluationContext, _ container: Value, _ key: Value) -> Value {
    let result = index(c, container, key)
    switch result {
    case .error(let error) where error.code == .noSuchKey || error === EvaluationError.index:
      return .optional(.none)
    case .error, .unknown: return result
    default: return .optional(OptionalValue(result))
    }
  }

  private static func listIndex(_ key: Value) -> Int64? {
    switch key {
    case .int(let value): value
    case .uint(let value): Int64(exactly: value) ?? .max
    case .double(let value): Int64(exactly: value)
    default: nil
    }
  }
}

/// Arithmetic of timestamps.
enum TimeMath {
  private static let billion: Int64 = 1_000_000_000

  static func add(_ time: Timestamp, _ duration: Int64) -> Value {
    var seconds = time.seconds + duration / billion
    var nanoseconds = Int64(time.nanoseconds) + duration % billion
    if nanoseconds < 0 {
      nanoseconds += billion
      seconds -= 1
    } else if nanoseconds >= billion {
      nanoseconds -= billion
      seconds += 1
    }
    guard let sum = Timestamp(seconds: seconds, nanoseconds: UInt32(nanoseconds)) else {
      return .error(.timeRange)
    }
    return .timestamp(sum)
  }

  static func difference(_ a: Timestamp, _ b: Timestamp) -> Value {
    let seconds = a.seconds - b.seconds
    let product = seconds.multipliedReportingOverflow(by: billion)
    let rest = Int64(a.nanoseconds) - Int64(b.nanoseconds)
    let sum = product.partialValue.addingReportingOverflow(rest)
    return product.overflow || sum.overflow ? .error(.timeRange) : .duration(sum.partialValue)
  }
}
