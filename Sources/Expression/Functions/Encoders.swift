extension StandardLibrary {
  static func addEncoders(_ l: inout LibraryBuilder) {
    l.global(
      "base64.encode", "base64_encode", [.bytes], .string, cost: 8,
      .unary { c, x in
        guard case .bytes(let bytes) = x else { return .noSuchOverload }
        guard c.spend(bytes: bytes.count) else { return .error(.budget) }
        guard bytes.count <= Arithmetic.maxBytes / 2 else { return .error(.size) }
        return .string(Text(Base64.encode(bytes.array)))
      })
    l.global(
      "base64.decode", "base64_decode", [.string], .bytes, cost: 8,
      .unary { c, x in
        guard case .string(let text) = x else { return .noSuchOverload }
        guard c.spend(bytes: text.count) else { return .error(.budget) }
        return Base64.decode(text.array).map { .bytes(Text($0)) }
          ?? .failure(.conversion, "invalid base64")
      })
  }
}

/// Base64 of RFC 4648; padding may be left out when decoding.
enum Base64 {
  private static let alphabet = Array(
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)

  static func encode(_ bytes: [UInt8]) -> [UInt8] {
    var result: [UInt8] = []
    result.reserveCapacity((bytes.count + 2) / 3 * 4)
    for start in stride(from: 0, to: bytes.count, by: 3) {
      let chunk = bytes[start..<min(start + 3, bytes.count)]
      var word: UInt32 = 0
      for i in 0..<3 { word = word << 8 | (start + i < bytes.count ? UInt32(bytes[start + i]) : 0) }
      for i in 0..<4 {
        let isPad = i > chunk.count
        result.append(isPad ? 0x3D : alphabet[Int(word >> UInt32(18 - 6 * i)) & 63])
      }
    }
    return result
  }

  static func decode(_ text: [UInt8]) -> [UInt8]? {
    var end = text.count
    while end > 0, text[end - 1] == 0x3D, text.count - end < 2 { end -= 1 }
    if end != text.count, text.count % 4 != 0 { return nil }
    guard end % 4 != 1 else { return nil }
    var result: [UInt8] = []
    var word: UInt32 = 0
    var bits = 0
    for byte in text[..<end] {
      guard let digit = value(byte) else { return nil }
      word = (word << 6 | digit) & 0xFFFF
      bits += 6
      if bits >= 8 {
        bits -= 8
        result.append(UInt8(truncatingIfNeeded: word >> UInt32(bits)))
      }
    }
    return result
  }

  private static func value(_ byte: UInt8) -> UInt32? {
    switch byte {
    case 0x41...0x5A: UInt32(byte - 0x41)
    case 0x61...0x7A: UInt32(byte - 0x61 + 26)
    case 0x30...0x39: UInt32(byte - 0x30 + 52)
    case 0x2B: 62
    case 0x2F: 63
    default: nil
    }
  }
}
