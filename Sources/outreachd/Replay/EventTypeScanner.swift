/// Finds the value of the top-level `type` in a line without parsing it all, so that the line gets
/// its topic. The line may be broken; intake judges it later.
struct EventTypeScanner {
  private let bytes: UnsafeRawBufferPointer
  private var at = 0

  init(_ bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

  /// The text of the first top-level key `type` whose value is a string without escapes.
  mutating func type() -> UnsafeRawBufferPointer? {
    skipBlanks()
    guard take(0x7B) else { return nil }
    while true {
      skipBlanks()
      guard let key = string() else { return nil }
      skipBlanks()
      guard take(0x3A) else { return nil }
      skipBlanks()
      if key.elementsEqual("type".utf8) { return string() }
      guard skipValue() else { return nil }
      skipBlanks()
      guard take(0x2C) else { return nil }
    }
  }

  private mutating func skipBlanks() {
    while at < bytes.count, bytes[at] == 0x20 || bytes[at] &- 0x09 < 5 { at += 1 }
  }

  private mutating func take(_ byte: UInt8) -> Bool {
    guard at < bytes.count, bytes[at] == byte else { return false }
    at += 1
    return true
  }

  /// A string's raw content.
  private mutating func string() -> UnsafeRawBufferPointer? {
    guard take(0x22) else { return nil }
    let start = at
    while at < bytes.count {
      switch bytes[at] {
      case 0x22:
        defer { at += 1 }
        return UnsafeRawBufferPointer(rebasing: bytes[start..<at])
      case 0x5C: at += 2
      default: at += 1
      }
    }
    return nil
  }

  /// Skips a value of any kind: strings as a whole, brackets by counting.
  private mutating func skipValue() -> Bool {
    var depth = 0
    while at < bytes.count {
      switch bytes[at] {
      case 0x22:
        guard string() != nil else { return false }
        if depth == 0 { return true }
      case 0x7B, 0x5B:
        depth += 1
        at += 1
      case 0x7D, 0x5D:
        if depth == 0 { return true }
        depth -= 1
        at += 1
        if depth == 0 { return true }
      case 0x2C where depth == 0: return true
      default: at += 1
      }
    }
    return false
  }
}
