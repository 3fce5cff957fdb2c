/// The functions every expression may use.
enum StandardLibrary {
  static let functions: [String: [FunctionOverload]] = {
    var library = LibraryBuilder()
    addOperators(&library)
    addConversions(&library)
    addTime(&library)
    addDates(&library)
    addStrings(&library)
    addMath(&library)
    addLists(&library)
    addOptionals(&library)
    addEncoders(&library)
    return library.functions
  }()
}

/// Collects overloads by name.
struct LibraryBuilder {
  private(set) var functions: [String: [FunctionOverload]] = [:]

  /// A global function.
  mutating func global(
    _ name: String, _ id: String, _ parameters: [CELType], _ result: CELType, cost: Int = 1,
    _ body: FunctionOverload.Body
  ) {
    functions[name, default: []].append(
      FunctionOverload(id: id, parameters, result, cost: cost, body))
  }

  /// A function called on a receiver, the first parameter.
  mutating func method(
    _ name: String, _ id: String, _ parameters: [CELType], _ result: CELType, cost: Int = 1,
    needsContext: Bool = false, _ body: FunctionOverload.Body
  ) {
    functions[name, default: []].append(
      FunctionOverload(
        id: id, parameters, result, isInstance: true, cost: cost, needsContext: needsContext, body))
  }

  mutating func add(_ name: String, _ overload: FunctionOverload) {
    functions[name, default: []].append(overload)
  }
}

extension StandardLibrary {
  private static let a = CELType.parameter("A")
  private static let b = CELType.parameter("B")

  static func addOperators(_ l: inout LibraryBuilder) {
    l.global(
      "!_", "logical_not", [.bool], .bool,
      .unary { _, x in
        if case .bool(let value) = x { .bool(!value) } else { .noSuchOverload }
      })
    for type in [CELType.int, .double, .duration] {
      l.global("-_", "negate_\(type)", [type], type, .unary(Arithmetic.negate))
    }
    for name in ["_==_", "_!=_"] {
      let negated = name == "_!=_"
      l.global(
        name, negated ? "not_equals" : "equals", [a, a], .bool,
        .binary { c, x, y in
          let result = c.equals(x, y)
          if case .bool(let equal) = result { return .bool(equal != negated) }
          return result
        })
    }
    addComparisons(&l)
    for type in [
      CELType.int, .uint, .double, .string, .bytes, .duration, .list(a),
    ] {
      l.global("_+_", "add_\(type)", [type, type], type, .binary(Arithmetic.add))
    }
    l.global(
      "_+_", "add_timestamp_duration", [.timestamp, .duration], .timestamp,
      .binary(Arithmetic.add))
    l.global(
      "_+_", "add_duration_timestamp", [.duration, .timestamp], .timestamp,
      .binary(Arithmetic.add))
    for type in [CELType.int, .uint, .double, .duration] {
      l.global("_-_", "subtract_\(type)", [type, type], type, .binary(Arithmetic.subtract))
    }
    l.global("_-_", "subtract_date", [.date, .date], .int, .binary(Arithmetic.subtract))
    l.global(
      "_-_", "subtract_timestamp", [.timestamp, .timestamp], .duration,
      .binary(Arithmetic.subtract))
    l.global(
      "_-_", "subtract_timestamp_duration", [.timestamp, .duration], .timestamp,
      .binary(Arithmetic.subtract))
    for type in [CELType.int, .uint, .double] {
      l.global("_*_", "multiply_\(type)", [type, type], type, .binary(Arithmetic.multiply))
      l.global("_/_", "divide_\(type)", [type, type], type, .binary(Arithmetic.divide))
    }
    for type in [CELType.int, .uint] {
      l.global("_%_", "modulo_\(type)", [type, type], type, .binary(Arithmetic.modulo))
    }
    l.global("@in", "in_list", [a, .list(a)], .bool, cost: 16, .binary(Arithmetic.contains))
    l.global("@in", "in_map", [a, .map(a, b)], .bool, cost: 2, .binary(Arithmetic.contains))
    l.global("known", "known", [a], .bool, .unary { _, _ in .bool(true) })
  }

  private static func addComparisons(_ l: inout LibraryBuilder) {
    let same: [CELType] = [
      .bool, .int, .uint, .double, .string, .bytes, .timestamp, .duration, .date,
    ]
    var pairs = same.map { [$0, $0] }
    for x in [CELType.int, .uint, .double] {
      for y in [CELType.int, .uint, .double] where x != y { pairs.append([x, y]) }
    }
    for name in ["_<_", "_<=_", "_>_", "_>=_"] {
      guard let op = CompareOperator(name) else { continue }
      for pair in pairs {
        l.global(
          name, "\(op)_\(pair[0])_\(pair[1])", pair, .bool,
          .binary { _, x, y in
            Numbers.relation(x, y).map { .bool(op.holds($0)) } ?? .noSuchOverload
          })
      }
    }
  }
}
