/// Writes JSON with keys in the order given. Small on purpose: for log lines and reports.
public enum JSONText {
  /// A string literal.
  public static func string(_ text: String) -> String {
    var out: [UInt8] = []
    out.reserveCapacity(text.utf8.count + 2)
    append(text.utf8, to: &out)
    return String(decoding: out, as: UTF8.self)
  }

  /// Appends a string literal; the bytes must be UTF-8.
  public static func append(_ text: some Sequence<UInt8>, to out: inout [UInt8]) {
    out.append(0x22)
    for byte in text {
      switch byte {
      case 0x22, 0x5C:
        out.append(0x5C)
        out.append(byte)
      case 0x0A: out.append(contentsOf: [0x5C, 0x6E])
      case 0x0D: out.append(contentsOf: [0x5C, 0x72])
      case 0x09: out.append(contentsOf: [0x5C, 0x74])
      case 0..<0x20:
        out.append(contentsOf: [0x5C, 0x75, 0x30, 0x30, hex(byte >> 4), hex(byte & 15)])
      default: out.append(byte)
      }
    }
    out.append(0x22)
  }

  /// An object from names and values that are JSON already.
  public static func object(_ fields: [(name: String, json: String)]) -> String {
    "{" + fields.map { string($0.name) + ":" + $0.json }.joined(separator: ",") + "}"
  }

  /// A list of values that are JSON already.
  public static func list(_ values: [String]) -> String {
    "[" + values.joined(separator: ",") + "]"
  }

  private static func hex(_ nibble: UInt8) -> UInt8 {
    nibble < 10 ? 0x30 + nibble : 0x57 + nibble
  }
}
