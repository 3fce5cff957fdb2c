extension StandardLibrary {
  private static let a = CELType.parameter("A")

  static func addLists(_ l: inout LibraryBuilder) {
    l.global(
      "lists.range", "lists_range", [.int], .list(.int), cost: 16,
      .unary { c, x in
        guard case .int(let count) = x else { return .noSuchOverload }
        guard count >= 0, count <= Int64(Arithmetic.maxElements) else { return .error(.size) }
        guard c.spend(Int(count)) else { return .error(.budget) }
        return .array((0..<count).map { .int($0) })
      })
    l.method(
      "slice", "list_slice", [.list(a), .int, .int], .list(a), cost: 8,
      .ternary {
        c, x, n, m in
        guard case .int(let start) = n, case .int(let end) = m else { return .noSuchOverload }
        return map(c, x) { elements in
          guard start >= 0, end >= start, end <= Int64(elements.count) else {
            return .failure(.index, "invalid slice")
          }
          return .array(Array(elements[Int(start)..<Int(end)]))
        }
      })
    l.method(
      "reverse", "list_reverse", [.list(a)], .list(a), cost: 8,
      .unary { c, x in
        map(c, x) { .array($0.reversed()) }
      })
    l.method(
      "distinct", "list_distinct", [.list(a)], .list(a), cost: 64,
      .unary { c, x in
        map(c, x) { distinct(c, $0) }
      })
    l.method(
      "flatten", "list_flatten", [.list(.list(a))], .list(a), cost: 32,
      .unary { c, x in
        flatten(c, x, 1)
      })
    l.method(
      "flatten", "list_flatten_depth", [.list(.dyn), .int], .list(.dyn), cost: 32,
      .binary {
        c, x, n in
        guard case .int(let depth) = n else { return .noSuchOverload }
        guard depth >= 0 else { return .failure(.argument, "negative depth") }
        return flatten(c, x, min(depth, 64))
      })
    l.method(
      "first", "list_first", [.list(a)], .optional(a),
      .unary { c, x in
        c.listCount(x) == 0
          ? .optional(.none) : .optional(OptionalValue(c.listElement(x, 0)))
      })
    l.method(
      "last", "list_last", [.list(a)], .optional(a),
      .unary { c, x in
        let count = c.listCount(x)
        return count == 0
          ? .optional(.none) : .optional(OptionalValue(c.listElement(x, count - 1)))
      })
    addSorts(&l)
    addSums(&l)
  }

  /// Applies a function to the elements of a list of either kind.
  private static func map(
    _ c: EvaluationContext, _ list: Value, _ body: ([Value]) -> Value
  ) -> Value {
    switch c.elements(list) {
    case .failure(let abrupt): return abrupt.value
    case .success(let elements):
      return c.spend(elements.count) ? body(elements) : .error(.budget)
    }
  }

  private static func distinct(_ c: EvaluationContext, _ elements: [Value]) -> Value {
    var result: [Value] = []
    var keys: Set<MapKey> = []
    for element in elements {
      if let key = MapKey(element) {
        if keys.insert(key).inserted { result.append(element) }
        continue
      }
      var isKnown = false
      for other in result where !isKnown {
        guard c.spend() else { return .error(.budget) }
        let equal = c.equals(element, other)
        guard case .bool(let same) = equal else { return equal }
        isKnown = same
      }
      if !isKnown { result.append(element) }
    }
    return .array(result)
  }

  private static func flatten(_ c: EvaluationContext, _ list: Value, _ depth: Int64) -> Value {
    var result: [Value] = []
    if let failure = flatten(c, list, depth, &result) { return failure }
    return .array(result)
  }

  private static func flatten(
    _ c: EvaluationContext, _ list: Value, _ depth: Int64, _ result: inout [Value]
  ) -> Value? {
    for i in 0..<c.listCount(list) {
      guard c.spend(), result.count <= Arithmetic.maxElements else { return .error(.budget) }
      let element = c.listElement(list, i)
      switch element {
      case .list, .hostList:
        if depth == 0 {
          result.append(element)
        } else if let failure = flatten(c, element, depth - 1, &result) {
          return failure
        }
      default:
        if element.isAbrupt { return element }
        result.append(element)
      }
    }
    return nil
  }

  private static func addSorts(_ l: inout LibraryBuilder) {
    l.method(
      "sort", "list_sort", [.list(a)], .list(a), cost: 64,
      .unary { c, x in
        map(c, x) { sort(c, $0, by: $0) }
      })
    // What the macro sortBy(x, key) calls: a list and the keys of its elements.
    l.global(
      "@sortByKeys", "list_sort_by", [.list(a), .list(.parameter("K"))], .list(a), cost: 64,
      .binary { c, x, y in
        switch c.elements(y) {
        case .failure(let abrupt): abrupt.value
        case .success(let keys): map(c, x) { sort(c, $0, by: keys) }
        }
      })
  }

  /// A stable sort of elements by keys of one comparable type.
  private static func sort(
    _ c: EvaluationContext, _ elements: [Value], by keys: [Value]
  ) -> Value {
    guard elements.count == keys.count else { return .noSuchOverload }
    for key in keys.dropFirst() where Numbers.relation(keys[0], key) == nil {
      return .failure(.argument, "the values to sort by have no common order")
    }
    if keys.count == 1, Numbers.relation(keys[0], keys[0]) == nil {
      return .failure(.argument, "the values to sort by have no order")
    }
    if keys.count <= 1 { return .array(elements) }
    guard c.spend(elements.count * (Int.bitWidth - elements.count.leadingZeroBitCount)) else {
      return .error(.budget)
    }
    let order = keys.indices.sorted {
      switch Numbers.relation(keys[$0], keys[$1]) {
      case .less: true
      case .greater: false
      default: $0 < $1
      }
    }
    return .array(order.map { elements[$0] })
  }

  private static func addSums(_ l: inout LibraryBuilder) {
    for type in [CELType.int, .uint, .double, .duration] {
      let zero: Value =
        switch type {
        case .int: .int(0)
        case .uint: .uint(0)
        case .double: .double(0)
        default: .duration(0)
        }
      l.method(
        "sum", "list_sum_\(type)", [.list(type)], type, cost: 16,
        .unary { c, x in
          map(c, x) { elements in
            // A list of unknown element type takes the zero of its first element.
            var total = elements.first == nil ? zero : nil
            for element in elements {
              total = total.map { Arithmetic.add(c, $0, element) } ?? Arithmetic.number(element)
              if let total, total.isAbrupt { return total }
            }
            return total ?? zero
          }
        })
    }
  }
}

extension Arithmetic {
  /// The value, where it can be summed up.
  static func number(_ value: Value) -> Value {
    switch value {
    case .int, .uint, .double, .duration: value
    default: .noSuchOverload
    }
  }
}
