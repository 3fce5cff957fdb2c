import Expression
import Foundation

/// The tagged values and types of the conformance files.
enum ConformanceValues {
  static func type(_ json: Any) -> CELType? {
    if let name = json as? String { return CELType(name) }
    guard let object = json as? [String: Any], let (key, value) = object.first else { return nil }
    switch key {
    case "list": return type(value).map(CELType.list)
    case "map":
      guard let pair = value as? [Any], pair.count == 2, let k = type(pair[0]),
        let v = type(pair[1])
      else { return nil }
      return .map(k, v)
    case "wrapper": return type(value).map(CELType.nullable)
    case "param": return (value as? String).map(CELType.parameter)
    case "type": return type(value).map(CELType.type) ?? .type(.dyn)
    case "abstract":
      guard let pair = value as? [Any], pair.count == 2, let name = pair[0] as? String,
        let parts = pair[1] as? [Any]
      else { return nil }
      let types = parts.compactMap { type($0) }
      guard types.count == parts.count else { return nil }
      return name == "optional_type" && types.count == 1
        ? .optional(types[0]) : .opaque(name, types)
    default: return nil
    }
  }

  static func value(_ json: Any) -> Value? {
    guard let object = json as? [String: Any], let (key, value) = object.first else { return nil }
    let text = value as? String
    switch key {
    case "null": return .null
    case "bool": return (value as? Bool).map(Value.bool)
    case "int64": return text.flatMap { Int64($0) }.map(Value.int)
    case "uint64": return text.flatMap { UInt64($0) }.map(Value.uint)
    case "double": return text.flatMap { Double($0) }.map(Value.double)
    case "string": return text.map(Value.text)
    case "bytes":
      return text.flatMap { Data(base64Encoded: $0) }.map { data in
        Array(data).withUnsafeBufferPointer { .bytes(Text(copying: $0)) }
      }
    case "list":
      guard let elements = value as? [Any] else { return nil }
      let values = elements.compactMap { ConformanceValues.value($0) }
      return values.count == elements.count ? .array(values) : nil
    case "map": return map(value as? [Any] ?? [])
    case "timestamp", "duration", "type": return text.flatMap { evaluate(key, $0) }
    default: return nil
    }
  }

  private static func map(_ entries: [Any]) -> Value? {
    var keys: [Value] = []
    var values: [Value] = []
    for case let pair as [Any] in entries where pair.count == 2 {
      guard let k = value(pair[0]), let v = value(pair[1]) else { return nil }
      keys.append(k)
      values.append(v)
    }
    guard case .success(let map) = MapValue.make(keys, values) else { return nil }
    return .map(map)
  }

  private static func evaluate(_ kind: String, _ text: String) -> Value? {
    let source = kind == "type" ? text : "\(kind)('\(text)')"
    guard let program = try? TypeEnvironment().compile(source) else { return nil }
    return program.evaluate(EvaluationContext(host: FactHost()))
  }

  /// Exact equality of kinds; doubles bit by bit, NaN equal to NaN, maps unordered.
  static func same(_ a: Value, _ b: Value) -> Bool {
    switch (a, b) {
    case (.null, .null): true
    case (.bool(let x), .bool(let y)): x == y
    case (.int(let x), .int(let y)): x == y
    case (.uint(let x), .uint(let y)): x == y
    case (.double(let x), .double(let y)): x.bitPattern == y.bitPattern || x.isNaN && y.isNaN
    case (.string(let x), .string(let y)), (.bytes(let x), .bytes(let y)): x == y
    case (.timestamp(let x), .timestamp(let y)): x == y
    case (.duration(let x), .duration(let y)): x == y
    case (.type(let x), .type(let y)): x == y
    case (.list(let x), .list(let y)):
      x.elements.count == y.elements.count
        && zip(x.elements, y.elements).allSatisfy { same($0, $1) }
    case (.map(let x), .map(let y)):
      x.keys.count == y.keys.count
        && zip(x.keys, x.values).allSatisfy { key, value in
          y.find(key).map { same(value, $0) } ?? false
        }
    case (.optional(let x), .optional(let y)):
      x.wrapped == nil
        ? y.wrapped == nil
        : y.wrapped.map { other in x.wrapped.map { same($0, other) } ?? false } ?? false
    default: false
    }
  }

  static func describe(_ value: Value) -> String {
    switch value {
    case .error(let error): "error \(error)"
    case .string(let text): "string \(text)"
    case .list(let list): "[" + list.elements.map(describe).joined(separator: ", ") + "]"
    case .map(let map):
      "{"
        + zip(map.keys, map.values).map { "\(describe($0)): \(describe($1))" }
        .joined(separator: ", ") + "}"
    default: "\(value)"
    }
  }
}
