import Vocabulary

extension StandardLibrary {
  static func addConversions(_ l: inout LibraryBuilder) {
    let a = CELType.parameter("A")
    l.global("dyn", "to_dyn", [a], .dyn, .unary { _, x in x })
    l.global("type", "type", [a], .type(a), .unary { _, x in .type(x.typeValue) })
    for type in [CELType.int, .uint, .double, .string, .timestamp] {
      l.global("int", "int_\(type)", [type], .int, .unary { _, x in Convert.int(x) })
    }
    for type in [CELType.int, .uint, .double, .string] {
      l.global("uint", "uint_\(type)", [type], .uint, .unary { _, x in Convert.uint(x) })
      l.global("double", "double_\(type)", [type], .double, .unary { _, x in Convert.double(x) })
    }
    for type in [
      CELType.bool, .int, .uint, .double, .string, .bytes, .timestamp, .duration, .date,
    ] {
      l.global("string", "string_\(type)", [type], .string, .unary { _, x in Convert.string(x) })
    }
    for type in [CELType.string, .bytes] {
      l.global(
        "bytes", "bytes_\(type)", [type], .bytes,
        .unary { _, x in
          switch x {
          case .string(let text), .bytes(let text): .bytes(text)
          default: .noSuchOverload
          }
        })
    }
    for type in [CELType.bool, .string] {
      l.global("bool", "bool_\(type)", [type], .bool, .unary { _, x in Convert.bool(x) })
    }
    for type in [CELType.string, .int, .timestamp] {
      l.global(
        "timestamp", "timestamp_\(type)", [type], .timestamp,
        .unary { _, x in
          Convert.timestamp(x)
        })
    }
    for type in [CELType.string, .duration] {
      l.global(
        "duration", "duration_\(type)", [type], .duration,
        .unary { _, x in
          Convert.duration(x)
        })
    }
    for type in [CELType.string, .bytes, .list(a)] {
      addSize(&l, type)
    }
    addSize(&l, .map(a, .parameter("B")))
  }

  private static func addSize(_ l: inout LibraryBuilder, _ type: CELType) {
    let body = FunctionOverload.Body.unary { c, x in
      switch x {
      case .string(let text): .int(Int64(text.codePointCount))
      case .bytes(let bytes): .int(Int64(bytes.count))
      case .list, .hostList: .int(Int64(c.listCount(x)))
      case .map(let map): .int(Int64(map.keys.count))
      default: .noSuchOverload
      }
    }
    l.global("size", "size_\(type)", [type], .int, body)
    l.method("size", "\(type)_size", [type], .int, body)
  }
}

/// Conversions between the types.
enum Convert {
  static func int(_ x: Value) -> Value {
    switch x {
    case .int: return x
    case .uint(let value): return Int64(exactly: value).map(Value.int) ?? .error(.range)
    case .double(let value):
      guard value > -9_223_372_036_854_775_808.0, value < 9_223_372_036_854_775_808.0 else {
        return .error(.range)
      }
      return .int(Int64(value))
    case .string(let text): return Int64(text.string).map(Value.int) ?? .error(.conversion)
    case .timestamp(let time): return .int(time.seconds)
    default: return .noSuchOverload
    }
  }

  static func uint(_ x: Value) -> Value {
    switch x {
    case .uint: return x
    case .int(let value): return UInt64(exactly: value).map(Value.uint) ?? .error(.range)
    case .double(let value):
      guard value >= 0, value < 18_446_744_073_709_551_616.0 else { return .error(.range) }
      return .uint(UInt64(value))
    case .string(let text): return UInt64(text.string).map(Value.uint) ?? .error(.conversion)
    default: return .noSuchOverload
    }
  }

  static func double(_ x: Value) -> Value {
    switch x {
    case .double: return x
    case .int(let value): return .double(Double(value))
    case .uint(let value): return .double(Double(value))
    case .string(let text): return Double(text.string).map(Value.double) ?? .error(.conversion)
    default: return .noSuchOverload
    }
  }

  static func bool(_ x: Value) -> Value {
    switch x {
    case .bool: return x
    case .string(let text):
      switch text.string {
      case "1", "t", "T", "true", "TRUE", "True": return .bool(true)
      case "0", "f", "F", "false", "FALSE", "False": return .bool(false)
      default: return .error(.conversion)
      }
    default: return .noSuchOverload
    }
  }

  static func timestamp(_ x: Value) -> Value {
    switch x {
    case .timestamp: return x
    case .int(let seconds):
      return Timestamp(seconds: seconds).map(Value.timestamp) ?? .error(.timeRange)
    case .string(let text):
      return TimeText.timestamp(text).map(Value.timestamp)
        ?? .failure(.conversion, "no RFC 3339 timestamp of the years 1 to 9999")
    default: return .noSuchOverload
    }
  }

  static func duration(_ x: Value) -> Value {
    switch x {
    case .duration: return x
    case .string(let text):
      return TimeText.duration(text).map(Value.duration)
        ?? .failure(.conversion, "no duration such as '1h30m'")
    default: return .noSuchOverload
    }
  }

  static func string(_ x: Value) -> Value {
    switch x {
    case .string: return x
    case .bytes(let bytes):
      let isValid = bytes.withBytes { isValidUTF8($0) }
      return isValid ? .string(bytes) : .failure(.conversion, "invalid UTF-8")
    default: return plainText(x).map(Value.text) ?? .noSuchOverload
    }
  }

  /// The text of a scalar other than string and bytes.
  static func plainText(_ x: Value) -> String? {
    switch x {
    case .bool(let value): value ? "true" : "false"
    case .int(let value): String(value)
    case .uint(let value): String(value)
    case .double(let value): text(of: value)
    case .timestamp(let time): TimeText.string(time)
    case .duration(let value): TimeText.string(duration: value)
    case .date(let date): date.description
    default: nil
    }
  }

  /// The shortest decimal that reads back as the same number; `1e+21` and beyond with exponent.
  static func text(of value: Double) -> String {
    if value.isNaN { return "NaN" }
    if value.isInfinite { return value < 0 ? "-Infinity" : "Infinity" }
    let magnitude = value.magnitude
    if value == 0 { return value.sign == .minus ? "-0" : "0" }
    var text = value.description
    if text.hasSuffix(".0") { text.removeLast(2) }
    guard let mark = text.firstIndex(of: "e") else { return text }
    guard magnitude < 1e21, magnitude >= 1e-7 else { return text }
    return expand(String(text[..<mark]), exponent: Int(text[text.index(after: mark)...]) ?? 0)
  }

  /// Writes `digits` times a power of ten without exponent.
  private static func expand(_ mantissa: String, exponent: Int) -> String {
    let sign = mantissa.hasPrefix("-") ? "-" : ""
    let parts = mantissa.drop { $0 == "-" }.split(separator: ".")
    let whole = parts.first.map(String.init) ?? "0"
    let places = parts.count > 1 ? String(parts[1]) : ""
    let digits = whole + places
    let point = whole.count + exponent
    if point <= 0 { return sign + "0." + String(repeating: "0", count: -point) + digits }
    if point >= digits.count {
      return sign + digits + String(repeating: "0", count: point - digits.count)
    }
    return sign + digits.prefix(point) + "." + digits.dropFirst(point)
  }

  static func isValidUTF8(_ bytes: UnsafeBufferPointer<UInt8>) -> Bool {
    String(validating: bytes, as: UTF8.self) != nil
  }
}
