import Streaming
import Vocabulary

/// Writes JSON with keys in the order given, so that equal outputs are equal bytes.
///
/// Objects begin and end by calls of their own: a closure would take along a copy of what it writes.
struct JSONWriter: ~Copyable {
  private var out = ByteWriter(reserving: 2048)
  private var needsComma = false

  /// What was written.
  var bytes: [UInt8] { out.bytes }

  mutating func beginObject() { open(UInt8(ascii: "{")) }
  mutating func endObject() { close(UInt8(ascii: "}")) }
  mutating func beginArray() { open(UInt8(ascii: "[")) }
  mutating func endArray() { close(UInt8(ascii: "]")) }

  /// Names need no escape.
  mutating func key(_ name: StaticString) {
    separate()
    out.u8(UInt8(ascii: "\""))
    out.raw(UnsafeRawBufferPointer(start: name.utf8Start, count: name.utf8CodeUnitCount))
    out.u8(UInt8(ascii: "\""))
    out.u8(UInt8(ascii: ":"))
    needsComma = false
  }

  mutating func value(_ string: String) {
    separate()
    text(string)
  }

  /// As RFC 3339.
  mutating func value(_ instant: Instant) {
    separate()
    out.u8(UInt8(ascii: "\""))
    withUnsafeTemporaryAllocation(byteCount: Instant.textLength, alignment: 1) { text in
      instant.write(to: text.bindMemory(to: UInt8.self))
      out.raw(UnsafeRawBufferPointer(text))
    }
    out.u8(UInt8(ascii: "\""))
  }

  mutating func value(_ number: Int) {
    separate()
    out.raw(String(number).utf8)
  }

  mutating func value(_ flag: Bool) {
    separate()
    out.raw((flag ? "true" : "false").utf8)
  }

  mutating func field(_ name: StaticString, _ string: String) {
    key(name)
    value(string)
  }

  /// Leaves the key out where there is no value.
  mutating func field(_ name: StaticString, _ string: String?) {
    if let string { field(name, string) }
  }

  mutating func field(_ name: StaticString, _ instant: Instant) {
    key(name)
    value(instant)
  }

  mutating func field(_ name: StaticString, _ number: Int) {
    key(name)
    value(number)
  }

  mutating func field(_ name: StaticString, _ flag: Bool) {
    key(name)
    value(flag)
  }

  mutating func field(_ name: StaticString, _ strings: [String]) {
    key(name)
    beginArray()
    for string in strings { value(string) }
    endArray()
  }

  mutating func beginObject(_ name: StaticString) {
    key(name)
    beginObject()
  }

  mutating func array<T>(_ name: StaticString, _ values: [T], _ body: (inout JSONWriter, T) -> Void) {
    key(name)
    beginArray()
    for value in values {
      beginObject()
      body(&self, value)
      endObject()
    }
    endArray()
  }

  private mutating func open(_ byte: UInt8) {
    separate()
    out.u8(byte)
    needsComma = false
  }

  private mutating func close(_ byte: UInt8) {
    out.u8(byte)
    needsComma = true
  }

  private mutating func separate() {
    if needsComma { out.u8(UInt8(ascii: ",")) }
    needsComma = true
  }

  private mutating func text(_ string: String) {
    out.u8(UInt8(ascii: "\""))
    var string = string
    string.withUTF8 { utf8 in
      let bytes = UnsafeRawBufferPointer(utf8)
      if JSONWriter.needsEscape(bytes) { writeEscaped(bytes) } else { out.raw(bytes) }
    }
    out.u8(UInt8(ascii: "\""))
  }

  private mutating func writeEscaped(_ bytes: UnsafeRawBufferPointer) {
    for byte in bytes {
      if JSONWriter.needsEscape(byte) { escape(byte) } else { out.u8(byte) }
    }
  }

  private static func needsEscape(_ byte: UInt8) -> Bool {
    byte < 0x20 || byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\")
  }

  /// Whether any of some bytes needs an escape; eight of them are looked at together.
  private static func needsEscape(_ bytes: UnsafeRawBufferPointer) -> Bool {
    let each: UInt64 = 0x0101_0101_0101_0101
    let quote = each &* UInt64(UInt8(ascii: "\""))
    let backslash = each &* UInt64(UInt8(ascii: "\\"))
    var at = 0
    while at + 8 <= bytes.count {
      let word = bytes.loadUnaligned(fromByteOffset: at, as: UInt64.self)
      // A byte below a limit borrows when that is taken from it, which its highest bit then shows.
      let control = (word &- each &* 0x20) & ~word
      let quotes = ((word ^ quote) &- each) & ~(word ^ quote)
      let backslashes = ((word ^ backslash) &- each) & ~(word ^ backslash)
      if (control | quotes | backslashes) & (each &* 0x80) != 0 { return true }
      at += 8
    }
    return bytes[at...].contains(where: needsEscape)
  }

  private mutating func escape(_ byte: UInt8) {
    switch byte {
    case UInt8(ascii: "\""): out.raw([0x5C, 0x22])
    case UInt8(ascii: "\\"): out.raw([0x5C, 0x5C])
    case 0x0A: out.raw([0x5C, 0x6E])
    case 0x0D: out.raw([0x5C, 0x72])
    case 0x09: out.raw([0x5C, 0x74])
    default:
      let hex = Array("0123456789abcdef".utf8)
      out.raw(Array("\\u00".utf8) + [hex[Int(byte >> 4)], hex[Int(byte & 15)]])
    }
  }
}
