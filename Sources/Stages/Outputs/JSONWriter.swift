import Streaming

/// Writes JSON with keys in the order given, so that equal outputs are equal bytes.
struct JSONWriter: ~Copyable {
  private var out = ByteWriter(reserving: 2048)
  private var needsComma = false

  static func object(_ body: (inout JSONWriter) -> Void) -> [UInt8] {
    var writer = JSONWriter()
    writer.beginObject()
    body(&writer)
    writer.endObject()
    return writer.out.bytes
  }

  mutating func beginObject() { open(UInt8(ascii: "{")) }
  mutating func endObject() { close(UInt8(ascii: "}")) }
  mutating func beginArray() { open(UInt8(ascii: "[")) }
  mutating func endArray() { close(UInt8(ascii: "]")) }

  mutating func key(_ name: String) {
    separate()
    text(name)
    out.u8(UInt8(ascii: ":"))
    needsComma = false
  }

  mutating func value(_ string: String) {
    separate()
    text(string)
  }

  mutating func value(_ number: Int) {
    separate()
    out.raw(String(number).utf8)
  }

  mutating func value(_ flag: Bool) {
    separate()
    out.raw((flag ? "true" : "false").utf8)
  }

  mutating func field(_ name: String, _ string: String) {
    key(name)
    value(string)
  }

  /// Leaves the key out where there is no value.
  mutating func field(_ name: String, _ string: String?) {
    if let string { field(name, string) }
  }

  mutating func field(_ name: String, _ number: Int) {
    key(name)
    value(number)
  }

  mutating func field(_ name: String, _ flag: Bool) {
    key(name)
    value(flag)
  }

  mutating func field(_ name: String, _ strings: [String]) {
    key(name)
    beginArray()
    for string in strings { value(string) }
    endArray()
  }

  mutating func object(_ name: String, _ body: (inout JSONWriter) -> Void) {
    key(name)
    beginObject()
    body(&self)
    endObject()
  }

  mutating func array<T>(_ name: String, _ values: [T], _ body: (inout JSONWriter, T) -> Void) {
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
      // What needs no escape is written in one piece.
      var start = 0
      for at in utf8.indices where JSONWriter.needsEscape(utf8[at]) {
        out.raw(UnsafeBufferPointer(rebasing: utf8[start..<at]))
        escape(utf8[at])
        start = at + 1
      }
      out.raw(UnsafeBufferPointer(rebasing: utf8[start...]))
    }
    out.u8(UInt8(ascii: "\""))
  }

  private static func needsEscape(_ byte: UInt8) -> Bool {
    byte < 0x20 || byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\")
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
