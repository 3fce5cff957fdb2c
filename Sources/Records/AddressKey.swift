/// The form in which addresses are compared: who reports an address and the registry that knows
/// who lives there rarely type it alike.
public enum AddressKey {
  /// Full-width forms become ASCII, letters upper case, white space and separators go, and so does
  /// the city's name at the start, which local texts leave out.
  public static func normalized(_ text: some StringProtocol) -> String {
    var result = String.UnicodeScalarView()
    for scalar in text.unicodeScalars {
      var value = scalar.value
      if (0xFF01...0xFF5E).contains(value) { value -= 0xFEE0 }
      if (0x61...0x7A).contains(value) { value -= 0x20 }
      guard let folded = Unicode.Scalar(value), !isSeparator(folded) else { continue }
      result.append(folded)
    }
    var folded = String(result)
    for city in ["上海市", "上海"] where folded.hasPrefix(city) {
      folded.removeFirst(city.count)
      break
    }
    return folded
  }

  private static func isSeparator(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar {
    case " ", "\t", "\n", "\r", ",", ".", ";", "\u{3000}", "\u{3001}", "\u{3002}", "\u{A0}": true
    default: false
    }
  }
}
