extension StandardLibrary {
  static func addStrings(_ l: inout LibraryBuilder) {
    addSearches(&l)
    addPositions(&l)
    addRewrites(&l)
    addLists(ofStrings: &l)
    l.method(
      "format", "string_format", [.string, .list(.dyn)], .string, cost: 16,
      .binary {
        c, x, y in
        guard case .string(let pattern) = x else { return .noSuchOverload }
        switch c.elements(y) {
        case .failure(let abrupt): return abrupt.value
        case .success(let values): return Format.apply(c, pattern, values)
        }
      })
    l.global(
      "strings.quote", "strings_quote", [.string], .string, cost: 4,
      .unary { c, x in
        guard case .string(let text) = x else { return .noSuchOverload }
        guard c.spend(bytes: text.count) else { return .error(.budget) }
        return .text(quote(text.string))
      })
  }

  private static func addSearches(_ l: inout LibraryBuilder) {
    l.method(
      "startsWith", "starts_with", [.string, .string], .bool,
      .binary { _, x, y in
        guard case .string(let text) = x, case .string(let prefix) = y else {
          return .noSuchOverload
        }
        return .bool(
          text.withBytes { a in
            prefix.withBytes { b in
              b.count <= a.count && sameBytes(UnsafeBufferPointer(rebasing: a[..<b.count]), b)
            }
          })
      })
    l.method(
      "endsWith", "ends_with", [.string, .string], .bool,
      .binary { _, x, y in
        guard case .string(let text) = x, case .string(let suffix) = y else {
          return .noSuchOverload
        }
        return .bool(
          text.withBytes { a in
            suffix.withBytes { b in
              b.count <= a.count
                && sameBytes(UnsafeBufferPointer(rebasing: a[(a.count - b.count)...]), b)
            }
          })
      })
    l.method(
      "contains", "contains", [.string, .string], .bool, cost: 4,
      .binary { c, x, y in
        guard case .string(let text) = x, case .string(let part) = y else { return .noSuchOverload }
        guard c.spend(bytes: text.count, times: part.count / 8) else { return .error(.budget) }
        return .bool(text.withBytes { a in part.withBytes { b in contains(a, b) } })
      })
    for isMethod in [true, false] {
      let overload = FunctionOverload(
        id: isMethod ? "matches_method" : "matches", [.string, .string], .bool,
        isInstance: isMethod, cost: 32,
        .binary { c, x, y in
          guard case .string(let text) = x, case .string(let pattern) = y else {
            return .noSuchOverload
          }
          guard c.spend(1 + pattern.count / 8) else { return .error(.budget) }
          guard let regex = c.regexes.find(pattern) else {
            return .failure(.regex, "the regular expression does not compile")
          }
          return c.matches(text, regex)
        })
      l.add("matches", overload)
    }
  }

  static func contains(
    _ a: UnsafeBufferPointer<UInt8>, _ b: UnsafeBufferPointer<UInt8>
  ) -> Bool {
    guard let first = b.first else { return true }
    guard b.count <= a.count else { return false }
    for i in 0...(a.count - b.count) where a[i] == first {
      if sameBytes(UnsafeBufferPointer(rebasing: a[i..<(i + b.count)]), b) { return true }
    }
    return false
  }

  private static let outOfRange = Value.failure(.index, "index out of range")

  private static func addPositions(_ l: inout LibraryBuilder) {
    l.method(
      "charAt", "string_char_at", [.string, .int], .string, cost: 4,
      .binary { c, x, n in
        guard case .string(let text) = x, case .int(let index) = n else { return .noSuchOverload }
        guard c.spend(bytes: text.count) else { return .error(.budget) }
        let points = CodePoints(text)
        guard index >= 0, index <= Int64(points.count) else { return outOfRange }
        let at = Int(index)
        return .string(at == points.count ? Text("") : points.text(at, at + 1))
      })
    for isLast in [false, true] {
      let name = isLast ? "lastIndexOf" : "indexOf"
      l.method(
        name, "string_\(name)", [.string, .string], .int, cost: 4,
        .binary { c, x, y in
          indexOf(c, x, y, nil, isLast: isLast)
        })
      l.method(
        name, "string_\(name)_from", [.string, .string, .int], .int, cost: 4,
        .ternary {
          c, x, y, n in
          guard case .int(let from) = n else { return .noSuchOverload }
          return indexOf(c, x, y, from, isLast: isLast)
        })
    }
    l.method(
      "substring", "string_substring", [.string, .int], .string, cost: 4,
      .binary {
        c, x, n in
        guard case .string(let text) = x, case .int(let start) = n else { return .noSuchOverload }
        return substring(c, text, start, nil)
      })
    l.method(
      "substring", "string_substring_range", [.string, .int, .int], .string, cost: 4,
      .ternary {
        c, x, n, m in
        guard case .string(let text) = x, case .int(let start) = n, case .int(let end) = m else {
          return .noSuchOverload
        }
        return substring(c, text, start, end)
      })
  }

  private static func indexOf(
    _ c: EvaluationContext, _ x: Value, _ y: Value, _ from: Int64?, isLast: Bool
  ) -> Value {
    guard case .string(let text) = x, case .string(let part) = y else { return .noSuchOverload }
    guard c.spend(bytes: text.count, times: part.count / 8) else { return .error(.budget) }
    let points = CodePoints(text)
    if let from, from < 0 || from > Int64(points.count) { return outOfRange }
    let wanted = CodePoints(part)
    let found =
      isLast
      ? points.findLast(wanted, from: from.map { Int($0) } ?? points.count)
      : points.find(wanted, from: from.map { Int($0) } ?? 0)
    return .int(found.map { Int64($0) } ?? -1)
  }

  private static func substring(
    _ c: EvaluationContext, _ text: Text, _ start: Int64, _ end: Int64?
  ) -> Value {
    guard c.spend(bytes: text.count) else { return .error(.budget) }
    let points = CodePoints(text)
    guard start >= 0, start <= Int64(points.count) else { return outOfRange }
    let last = end ?? Int64(points.count)
    guard last >= 0, last <= Int64(points.count) else { return outOfRange }
    guard start <= last else {
      return .failure(.index, "the end lies before the start")
    }
    return .string(points.text(Int(start), Int(last)))
  }

  private static func addRewrites(_ l: inout LibraryBuilder) {
    for (name, low, delta) in [("lowerAscii", UInt8(0x41), 32), ("upperAscii", UInt8(0x61), -32)] {
      l.method(
        name, "string_\(name)", [.string], .string, cost: 4,
        .unary { c, x in
          guard case .string(let text) = x else { return .noSuchOverload }
          guard c.spend(bytes: text.count) else { return .error(.budget) }
          return .string(
            Text(count: text.count) { target in
              text.withBytes { source in
                for i in 0..<source.count {
                  let byte = source[i]
                  target[i] = byte &- low < 26 ? UInt8(truncatingIfNeeded: Int(byte) + delta) : byte
                }
              }
            })
        })
    }
    l.method(
      "trim", "string_trim", [.string], .string, cost: 4,
      .unary { c, x in
        guard case .string(let text) = x else { return .noSuchOverload }
        guard c.spend(bytes: text.count) else { return .error(.budget) }
        let points = CodePoints(text)
        var start = 0
        var end = points.count
        while start < end, isWhiteSpace(points.scalar(start)) { start += 1 }
        while end > start, isWhiteSpace(points.scalar(end - 1)) { end -= 1 }
        return .string(points.text(start, end))
      })
    l.method(
      "reverse", "string_reverse", [.string], .string, cost: 4,
      .unary { c, x in
        guard case .string(let text) = x else { return .noSuchOverload }
        guard c.spend(bytes: text.count) else { return .error(.budget) }
        let points = CodePoints(text)
        var result: [UInt8] = []
        result.reserveCapacity(points.bytes.count)
        for i in stride(from: points.count - 1, through: 0, by: -1) {
          result += points.bytes[points.offsets[i]..<points.offsets[i + 1]]
        }
        return .string(Text(result))
      })
    l.method(
      "replace", "string_replace", [.string, .string, .string], .string, cost: 8,
      .ternary {
        c, x, y, z in replace(c, x, y, z, -1)
      })
    l.method(
      "replace", "string_replace_limit", [.string, .string, .string, .int], .string, cost: 8,
      .variadic { c, values in
        guard values.count == 4, case .int(let limit) = values[3] else { return .noSuchOverload }
        return replace(c, values[0], values[1], values[2], limit)
      })
  }

  private static func replace(
    _ c: EvaluationContext, _ x: Value, _ y: Value, _ z: Value, _ limit: Int64
  ) -> Value {
    guard case .string(let text) = x, case .string(let old) = y, case .string(let new) = z else {
      return .noSuchOverload
    }
    guard c.spend(bytes: text.count, times: old.count / 8) else { return .error(.budget) }
    let source = text.array
    let part = old.array
    let insert = new.array
    var left = limit < 0 ? Int64.max : limit
    var result: [UInt8] = []
    var at = 0
    while at < source.count || part.isEmpty {
      let isStart = at == source.count || source[at] & 0xC0 != 0x80
      if left > 0, isStart, source[at...].starts(with: part) {
        result += insert
        left -= 1
        guard c.spend(1 + insert.count / 64) else { return .error(.budget) }
        if !part.isEmpty {
          at += part.count
          continue
        }
      }
      guard at < source.count else { break }
      result.append(source[at])
      at += 1
      guard result.count <= Arithmetic.maxBytes else { return .error(.size) }
    }
    guard result.count <= Arithmetic.maxBytes else { return .error(.size) }
    return .string(Text(result))
  }

  private static func quote(_ text: String) -> String {
    var result = "\""
    for scalar in text.unicodeScalars {
      switch scalar.value {
      case 7: result += "\\a"
      case 8: result += "\\b"
      case 12: result += "\\f"
      case 10: result += "\\n"
      case 13: result += "\\r"
      case 9: result += "\\t"
      case 11: result += "\\v"
      case 0x5C: result += "\\\\"
      case 0x22: result += "\\\""
      default: result.unicodeScalars.append(scalar)
      }
    }
    return result + "\""
  }

  private static func addLists(ofStrings l: inout LibraryBuilder) {
    l.method(
      "split", "string_split", [.string, .string], .list(.string), cost: 8,
      .binary {
        c, x, y in split(c, x, y, -1)
      })
    l.method(
      "split", "string_split_limit", [.string, .string, .int], .list(.string), cost: 8,
      .ternary {
        c, x, y, n in
        guard case .int(let limit) = n else { return .noSuchOverload }
        return split(c, x, y, limit)
      })
    l.method(
      "join", "list_join", [.list(.string)], .string, cost: 16,
      .unary { c, x in
        join(c, x, [])
      })
    l.method(
      "join", "list_join_string", [.list(.string), .string], .string, cost: 16,
      .binary {
        c, x, y in
        guard case .string(let separator) = y else { return .noSuchOverload }
        return join(c, x, separator.array)
      })
  }

  private static func split(
    _ c: EvaluationContext, _ x: Value, _ y: Value, _ limit: Int64
  ) -> Value {
    guard case .string(let text) = x, case .string(let separator) = y else {
      return .noSuchOverload
    }
    if limit == 0 { return .list(.empty) }
    if limit == 1 { return .array([x]) }
    guard c.spend(bytes: text.count, times: separator.count / 8) else { return .error(.budget) }
    let points = CodePoints(text)
    let mark = CodePoints(separator)
    let most = limit < 0 ? Int.max : Int(clamping: limit)
    var result: [Value] = []
    var start = 0
    while result.count < most - 1 {
      let next = mark.count == 0 ? start + 1 : points.find(mark, from: start)
      guard let end = next, mark.count > 0 || end < points.count else { break }
      guard c.spend(), result.count < Arithmetic.maxElements else { return .error(.budget) }
      result.append(.string(points.text(start, end)))
      start = end + mark.count
    }
    if mark.count > 0 || start < points.count {
      result.append(.string(points.text(start, points.count)))
    }
    return .array(result)
  }

  private static func join(_ c: EvaluationContext, _ x: Value, _ separator: [UInt8]) -> Value {
    switch c.elements(x) {
    case .failure(let abrupt): return abrupt.value
    case .success(let values):
      var result: [UInt8] = []
      for (i, value) in values.enumerated() {
        guard case .string(let text) = value else { return .noSuchOverload }
        guard c.spend(bytes: text.count + separator.count) else { return .error(.budget) }
        if i > 0 { result += separator }
        result += text.array
        guard result.count <= Arithmetic.maxBytes else { return .error(.size) }
      }
      return .string(Text(result))
    }
  }
}
