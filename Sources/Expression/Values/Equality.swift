/// Equality and order of values.
extension EvaluationContext {
  /// Equality as `==` has it: across numeric types by value; values of different kinds are not
  /// equal. An error or unknown comes from the budget or from host elements.
  func equals(_ a: Value, _ b: Value) -> Value {
    switch (a, b) {
    case (.int(let x), .int(let y)): return .bool(x == y)
    case (.string(let x), .string(let y)), (.bytes(let x), .bytes(let y)): return .bool(x == y)
    case (.bool(let x), .bool(let y)): return .bool(x == y)
    case (.null, .null): return .bool(true)
    case (.date(let x), .date(let y)): return .bool(x == y)
    case (.timestamp(let x), .timestamp(let y)): return .bool(x == y)
    case (.duration(let x), .duration(let y)): return .bool(x == y)
    case (.object(let x), .object(let y)): return .bool(x == y)
    case (.type(let x), .type(let y)): return .bool(x == y)
    case (.map(let x), .map(let y)): return equals(x, y)
    case (.list, .list), (.list, .hostList), (.hostList, .list), (.hostList, .hostList):
      return equalLists(a, b)
    case (.optional(let x), .optional(let y)):
      guard let p = x.wrapped, let q = y.wrapped else {
        return .bool(x.wrapped == nil && y.wrapped == nil)
      }
      return equals(p, q)
    default:
      if a.isAbrupt || b.isAbrupt { return a.isAbrupt ? a : b }
      return .bool(Numbers.compare(a, b) == .equal)
    }
  }

  private func equals(_ a: MapValue, _ b: MapValue) -> Value {
    guard a.keys.count == b.keys.count else { return .bool(false) }
    for i in a.keys.indices {
      guard spend() else { return .error(.budget) }
      guard let other = b.find(a.keys[i]) else { return .bool(false) }
      let equal = equals(a.values[i], other)
      guard case .bool(true) = equal else { return equal }
    }
    return .bool(true)
  }

  private func equalLists(_ a: Value, _ b: Value) -> Value {
    let count = listCount(a)
    guard count == listCount(b) else { return .bool(false) }
    for i in 0..<count {
      guard spend() else { return .error(.budget) }
      let equal = equals(listElement(a, i), listElement(b, i))
      guard case .bool(true) = equal else { return equal }
    }
    return .bool(true)
  }

  /// Length of a list of either kind; 0 for anything else.
  @inline(__always)
  func listCount(_ list: Value) -> Int {
    switch list {
    case .list(let value): value.elements.count
    case .hostList(let value): count(value)
    default: 0
    }
  }

  /// `index` is within the count.
  @inline(__always)
  func listElement(_ list: Value, _ index: Int) -> Value {
    switch list {
    case .list(let value): value.elements[index]
    case .hostList(let value): element(value, at: index)
    default: .noSuchOverload
    }
  }

  /// The elements of a list of either kind, or the error, unknown or budget failure.
  func elements(_ list: Value) -> Result<[Value], AbruptValue> {
    switch list {
    case .list(let value): return .success(value.elements)
    case .hostList(let value):
      let count = count(value)
      guard spend(count) else { return .failure(AbruptValue(.error(.budget))) }
      var result: [Value] = []
      result.reserveCapacity(count)
      for i in 0..<count {
        let element = element(value, at: i)
        if element.isAbrupt { return .failure(AbruptValue(element)) }
        result.append(element)
      }
      return .success(result)
    default: return .failure(AbruptValue(list.isAbrupt ? list : .noSuchOverload))
    }
  }
}

/// An error or unknown in the place of a result.
struct AbruptValue: Error {
  let value: Value
  init(_ value: Value) { self.value = value }
}

/// Order of numbers across their types, and of other comparable values.
enum Numbers {
  enum Order {
    case less, equal, greater
    /// NaN, or values that have no order between them.
    case none
  }

  @inline(__always)
  static func order<T: Comparable>(_ a: T, _ b: T) -> Order {
    a < b ? .less : (a == b ? .equal : .greater)
  }

  /// Numeric order; `.none` where one is no number.
  static func compare(_ a: Value, _ b: Value) -> Order {
    switch (a, b) {
    case (.int(let x), .int(let y)): return order(x, y)
    case (.uint(let x), .uint(let y)): return order(x, y)
    case (.double(let x), .double(let y)):
      return x < y ? .less : (x == y ? .equal : (x > y ? .greater : .none))
    case (.int(let x), .uint(let y)): return x < 0 ? .less : order(UInt64(x), y)
    case (.uint(let x), .int(let y)): return y < 0 ? .greater : order(x, UInt64(y))
    case (.double(let x), .int(let y)): return compare(x, y)
    case (.int(let x), .double(let y)): return flip(compare(y, x))
    case (.double(let x), .uint(let y)): return compare(x, y)
    case (.uint(let x), .double(let y)): return flip(compare(y, x))
    default: return .none
    }
  }

  private static func flip(_ order: Order) -> Order {
    switch order {
    case .less: .greater
    case .greater: .less
    default: order
    }
  }

  /// The integer is rounded to the nearest double, as the specification's tests have it.
  private static func compare(_ x: Double, _ y: some FixedWidthInteger) -> Order {
    let other = Double(y)
    return x < other ? .less : (x == other ? .equal : (x > other ? .greater : .none))
  }

  /// The order `<` uses; nil where the operator takes no such values.
  static func relation(_ a: Value, _ b: Value) -> Order? {
    switch (a, b) {
    case (.int(let x), .int(let y)): return order(x, y)
    case (.string(let x), .string(let y)), (.bytes(let x), .bytes(let y)):
      let result = x.compare(y)
      return result < 0 ? .less : (result == 0 ? .equal : .greater)
    case (.bool(let x), .bool(let y)): return order(x ? 1 : 0, y ? 1 : 0)
    case (.date(let x), .date(let y)): return order(x, y)
    case (.timestamp(let x), .timestamp(let y)): return order(x, y)
    case (.duration(let x), .duration(let y)): return order(x, y)
    case (.int, .uint), (.int, .double), (.uint, .uint), (.uint, .int), (.uint, .double),
      (.double, .double), (.double, .int), (.double, .uint):
      return compare(a, b)
    default: return nil
    }
  }
}
