import Foundation

/// `"...".format([...])` with the clauses `%s %d %f %e %b %o %x %X %%`.
enum Format {
  static func apply(_ c: EvaluationContext, _ pattern: Text, _ values: [Value]) -> Value {
    var result: [UInt8] = []
    let bytes = pattern.array
    guard c.spend(bytes: bytes.count) else { return .error(.budget) }
    var at = 0
    var next = 0
    while at < bytes.count {
      guard bytes[at] == 0x25 else {
        result.append(bytes[at])
        at += 1
        continue
      }
      at += 1
      guard at < bytes.count else { return failure("unexpected end of string") }
      if bytes[at] == 0x25 {
        result.append(0x25)
        at += 1
        continue
      }
      var precision: Int?
      if bytes[at] == 0x2E {
        at += 1
        var places = 0
        while at < bytes.count, bytes[at] &- 0x30 <= 9 {
          places = min(1000, places * 10 + Int(bytes[at] &- 0x30))
          at += 1
        }
        precision = places
      }
      guard at < bytes.count else { return failure("unexpected end of string") }
      let clause = bytes[at]
      at += 1
      guard "sdfebox".utf8.contains(clause) || clause == 0x58 else {
        return failure("unrecognized formatting clause")
      }
      guard next < values.count else { return failure("index \(next) out of range") }
      switch text(c, clause, precision, values[next]) {
      case .failure(let abrupt): return abrupt.value
      case .success(let text): result += text
      }
      next += 1
      guard result.count <= Arithmetic.maxBytes else { return .error(.size) }
      guard c.spend() else { return .error(.budget) }
    }
    return .string(Text(result))
  }

  /// The clauses of a pattern without `%%`, or what is wrong with it.
  static func clauses(_ pattern: Text) -> Result<[UInt8], ClauseProblem> {
    let bytes = pattern.array
    var result: [UInt8] = []
    var at = 0
    while at < bytes.count {
      at += 1
      guard bytes[at - 1] == 0x25 else { continue }
      if at < bytes.count, bytes[at] == 0x25 {
        at += 1
        continue
      }
      if at < bytes.count, bytes[at] == 0x2E {
        at += 1
        while at < bytes.count, bytes[at] &- 0x30 <= 9 { at += 1 }
      }
      guard at < bytes.count else { return .failure(ClauseProblem(clause: "%")) }
      guard "sdfebox".utf8.contains(bytes[at]) || bytes[at] == 0x58 else {
        return .failure(ClauseProblem(clause: "%" + String(UnicodeScalar(bytes[at]))))
      }
      result.append(bytes[at])
      at += 1
    }
    return .success(result)
  }

  /// True where a clause takes values of the type.
  static func accepts(_ clause: UInt8, _ type: CELType) -> Bool {
    switch (clause, type) {
    case (_, .dyn), (_, .error), (0x73, _): true
    case (0x64, .int), (0x64, .uint), (0x64, .double): true
    case (0x66, .int), (0x66, .uint), (0x66, .double): true
    case (0x65, .int), (0x65, .uint), (0x65, .double): true
    case (0x62, .int), (0x62, .uint), (0x62, .bool), (0x6F, .int), (0x6F, .uint): true
    case (0x78, .int), (0x78, .uint), (0x78, .string), (0x78, .bytes): true
    case (0x58, .int), (0x58, .uint), (0x58, .string), (0x58, .bytes): true
    default: false
    }
  }

  struct ClauseProblem: Error {
    let clause: String
  }

  private static func failure(_ message: String) -> Value {
    .failure(.argument, "could not parse formatting clause: " + message)
  }

  private typealias Piece = Result<[UInt8], AbruptValue>

  private static func wrong(_ value: Value, _ clause: String) -> Piece {
    .failure(
      AbruptValue(
        .failure(.argument, "'\(clause)' cannot format a value of type \(value.typeValue.name)")))
  }

  private static func text(
    _ c: EvaluationContext, _ clause: UInt8, _ precision: Int?, _ value: Value
  ) -> Piece {
    switch clause {
    case 0x73:
      var writer = ValueText(c)
      return writer.write(value) ? .success(writer.bytes) : .failure(AbruptValue(writer.failure))
    case 0x64:
      switch value {
      case .int(let x): return .success(Array(String(x).utf8))
      case .uint(let x): return .success(Array(String(x).utf8))
      case .double(let x) where !x.isFinite: return .success(Array(Convert.text(of: x).utf8))
      default: return wrong(value, "%d")
      }
    case 0x66, 0x65: return decimal(value, precision ?? 6, scientific: clause == 0x65)
    case 0x62: return radix(value, 2, "%b", upper: false)
    case 0x6F: return radix(value, 8, "%o", upper: false)
    default: return hexadecimal(value, upper: clause == 0x58)
    }
  }

  private static func decimal(_ value: Value, _ precision: Int, scientific: Bool) -> Piece {
    let number: Double
    switch value {
    case .double(let x): number = x
    case .int(let x): number = Double(x)
    case .uint(let x): number = Double(x)
    default: return wrong(value, scientific ? "%e" : "%f")
    }
    guard number.isFinite else { return .success(Array(Convert.text(of: number).utf8)) }
    let text = String(format: "%.\(precision)\(scientific ? "e" : "f")", number)
    return .success(Array(text.utf8))
  }

  private static func radix(_ value: Value, _ radix: Int, _ name: String, upper: Bool) -> Piece {
    switch value {
    case .int(let x): return .success(Array(String(x, radix: radix, uppercase: upper).utf8))
    case .uint(let x): return .success(Array(String(x, radix: radix, uppercase: upper).utf8))
    case .bool(let x) where radix == 2: return .success([x ? 0x31 : 0x30])
    default: return wrong(value, name)
    }
  }

  private static func hexadecimal(_ value: Value, upper: Bool) -> Piece {
    switch value {
    case .string(let text), .bytes(let text):
      let digits = Array((upper ? "0123456789ABCDEF" : "0123456789abcdef").utf8)
      var result: [UInt8] = []
      for byte in text.array {
        result.append(digits[Int(byte >> 4)])
        result.append(digits[Int(byte & 15)])
      }
      return .success(result)
    default: return radix(value, 16, upper ? "%X" : "%x", upper: upper)
    }
  }
}

/// Writes any value as `%s` and text templates show it.
struct ValueText {
  private let context: EvaluationContext
  private(set) var bytes: [UInt8] = []
  private(set) var failure: Value = .null
  private var depth = 0

  /// Timestamps in Shanghai time with whole seconds, as in all outputs, instead of UTC.
  private let isLocal: Bool

  init(_ context: EvaluationContext, isLocal: Bool = false) {
    self.context = context
    self.isLocal = isLocal
  }

  mutating func append(_ literal: [UInt8]) { bytes += literal }

  /// False where there is no text; `failure` says why.
  mutating func write(_ value: Value) -> Bool {
    guard context.spend(), bytes.count <= Arithmetic.maxBytes, depth < 100 else {
      failure = .error(.budget)
      return false
    }
    depth += 1
    defer { depth -= 1 }
    switch value {
    case .null: bytes += Array("null".utf8)
    case .string(let text), .bytes(let text): text.withBytes { bytes += $0 }
    case .list, .hostList: return writeList(value)
    case .map(let map): return writeMap(map)
    case .timestamp(let time) where isLocal: bytes += Array(time.instant.description.utf8)
    case .type(let type): bytes += Array(type.name.utf8)
    case .unknown, .error:
      failure = value
      return false
    case .optional(let optional):
      guard let wrapped = optional.wrapped else {
        bytes += Array("none".utf8)
        return true
      }
      return write(wrapped)
    default:
      guard let text = Convert.plainText(value) else {
        failure = .failure(.argument, "a value of type \(value.typeValue.name) has no text")
        return false
      }
      bytes += Array(text.utf8)
    }
    return true
  }

  private mutating func writeList(_ list: Value) -> Bool {
    bytes.append(0x5B)
    for i in 0..<context.listCount(list) {
      if i > 0 { bytes += [0x2C, 0x20] }
      guard write(context.listElement(list, i)) else { return false }
    }
    bytes.append(0x5D)
    return true
  }

  /// Entries in order of their keys' texts.
  private mutating func writeMap(_ map: MapValue) -> Bool {
    var entries: [([UInt8], Value)] = []
    for (key, value) in zip(map.keys, map.values) {
      var writer = ValueText(context)
      guard writer.write(key) else {
        failure = writer.failure
        return false
      }
      entries.append((writer.bytes, value))
    }
    entries.sort { $0.0.lexicographicallyPrecedes($1.0) }
    bytes.append(0x7B)
    for (i, (key, value)) in entries.enumerated() {
      if i > 0 { bytes += [0x2C, 0x20] }
      bytes += key
      bytes += [0x3A, 0x20]
      guard write(value) else { return false }
    }
    bytes.append(0x7D)
    return true
  }
}
