/// A text with the byte offsets of its code points, for functions that count in them.
struct CodePoints {
  let bytes: [UInt8]
  /// Offset of each code point, and the length at the end.
  let offsets: [Int]

  init(_ text: Text) {
    bytes = text.array
    var offsets: [Int] = []
    offsets.reserveCapacity(bytes.count + 1)
    for i in bytes.indices where bytes[i] & 0xC0 != 0x80 { offsets.append(i) }
    offsets.append(bytes.count)
    self.offsets = offsets
  }

  var count: Int { offsets.count - 1 }

  func text(_ start: Int, _ end: Int) -> Text {
    bytes.withUnsafeBufferPointer {
      Text(copying: UnsafeBufferPointer(rebasing: $0[offsets[start]..<offsets[end]]))
    }
  }

  /// The code point at a position.
  func scalar(_ index: Int) -> UInt32 {
    CodePoints.decode(bytes, offsets[index], offsets[index + 1])
  }

  static func decode(_ bytes: [UInt8], _ start: Int, _ end: Int) -> UInt32 {
    let first = UInt32(bytes[start])
    switch end - start {
    case 2: return (first & 0x1F) << 6 | UInt32(bytes[start + 1] & 0x3F)
    case 3:
      return (first & 0x0F) << 12 | UInt32(bytes[start + 1] & 0x3F) << 6
        | UInt32(bytes[start + 2] & 0x3F)
    case 4:
      return (first & 0x07) << 18 | UInt32(bytes[start + 1] & 0x3F) << 12
        | UInt32(bytes[start + 2] & 0x3F) << 6 | UInt32(bytes[start + 3] & 0x3F)
    default: return first
    }
  }

  /// First position at or after `from` where `other` starts, or nil.
  func find(_ other: CodePoints, from: Int) -> Int? {
    guard other.count <= count, from <= count - other.count else { return nil }
    for i in from...(count - other.count) where matches(other, at: i) { return i }
    return nil
  }

  /// Last position at or before `from` where `other` starts, or nil.
  func findLast(_ other: CodePoints, from: Int) -> Int? {
    guard other.count <= count else { return nil }
    var i = min(from, count - other.count)
    while i >= 0 {
      if matches(other, at: i) { return i }
      i -= 1
    }
    return nil
  }

  private func matches(_ other: CodePoints, at index: Int) -> Bool {
    let start = offsets[index]
    guard start + other.bytes.count <= bytes.count else { return false }
    for j in other.bytes.indices where bytes[start + j] != other.bytes[j] { return false }
    return true
  }
}

extension EvaluationContext {
  /// Pays for work on texts: a step for every 32 bytes, or for every product of two lengths.
  func spend(bytes: Int, times other: Int = 1) -> Bool {
    let product = bytes.multipliedReportingOverflow(by: max(1, other))
    return spend(1 + (product.overflow ? Int.max / 64 : product.partialValue) / 32)
  }
}

/// White space as Unicode defines it.
func isWhiteSpace(_ scalar: UInt32) -> Bool {
  switch scalar {
  case 0x09...0x0D, 0x20, 0x85, 0xA0, 0x1680, 0x2000...0x200A, 0x2028, 0x2029, 0x202F, 0x205F,
    0x3000:
    true
  default: false
  }
}
