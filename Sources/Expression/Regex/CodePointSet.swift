/// A set of code points of a regular expression.
struct CodePointSet: Sendable {
  var ranges: [ClosedRange<UInt32>]
  var isNegated = false
  var ignoresCase = false
  /// Unicode general categories that belong to it.
  var categories: Set<Unicode.GeneralCategory> = []
  /// Further sets inside brackets.
  var members: [CodePointSet] = []

  init(
    ranges: [ClosedRange<UInt32>], isNegated: Bool = false, ignoresCase: Bool = false
  ) {
    self.ranges = ranges
    self.isNegated = isNegated
    self.ignoresCase = ignoresCase
  }

  /// The only code point in the set, if there is one and case counts.
  var single: UInt32? {
    guard ranges.count == 1, ranges[0].count == 1, !isNegated, !ignoresCase, members.isEmpty,
      categories.isEmpty
    else { return nil }
    return ranges[0].lowerBound
  }

  func contains(_ c: UInt32) -> Bool {
    var found = includes(c)
    if !found, ignoresCase {
      for other in CodePointSet.caseVariants(c) where includes(other) { found = true }
    }
    return found != isNegated
  }

  private func includes(_ c: UInt32) -> Bool {
    for range in ranges where range.contains(c) { return true }
    if !categories.isEmpty, let scalar = Unicode.Scalar(c),
      categories.contains(scalar.properties.generalCategory)
    {
      return true
    }
    for member in members where member.contains(c) { return true }
    return false
  }

  /// Code points that differ from `c` in case only (simple case folding).
  static func caseVariants(_ c: UInt32) -> [UInt32] {
    if c < 0x80 {
      let isLetter = (c | 0x20) &- 0x61 < 26
      if !isLetter { return [] }
      // The Kelvin sign and the long s fold to k and s.
      if c | 0x20 == 0x6B { return [c ^ 0x20, 0x212A] }
      if c | 0x20 == 0x73 { return [c ^ 0x20, 0x17F] }
      return [c ^ 0x20]
    }
    guard let scalar = Unicode.Scalar(c) else { return [] }
    var result: [UInt32] = []
    for mapping in [scalar.properties.lowercaseMapping, scalar.properties.uppercaseMapping] {
      let scalars = mapping.unicodeScalars
      if scalars.count == 1, let only = scalars.first, only.value != c {
        result.append(only.value)
        let back = only.properties.lowercaseMapping.unicodeScalars
        if back.count == 1, let lower = back.first { result.append(lower.value) }
      }
    }
    return result
  }

  static func perl(_ letter: UInt32) -> [ClosedRange<UInt32>]? {
    switch letter {
    case 0x64: [0x30...0x39]
    case 0x73: [0x09...0x0A, 0x0C...0x0D, 0x20...0x20]
    case 0x77: [0x30...0x39, 0x41...0x5A, 0x5F...0x5F, 0x61...0x7A]
    default: nil
    }
  }

  static func posix(_ name: String) -> [ClosedRange<UInt32>]? {
    switch name {
    case "alnum": [0x30...0x39, 0x41...0x5A, 0x61...0x7A]
    case "alpha": [0x41...0x5A, 0x61...0x7A]
    case "ascii": [0...0x7F]
    case "blank": [0x09...0x09, 0x20...0x20]
    case "cntrl": [0...0x1F, 0x7F...0x7F]
    case "digit": [0x30...0x39]
    case "graph": [0x21...0x7E]
    case "lower": [0x61...0x7A]
    case "print": [0x20...0x7E]
    case "punct": [0x21...0x2F, 0x3A...0x40, 0x5B...0x60, 0x7B...0x7E]
    case "space": [0x09...0x0D, 0x20...0x20]
    case "upper": [0x41...0x5A]
    case "word": [0x30...0x39, 0x41...0x5A, 0x5F...0x5F, 0x61...0x7A]
    case "xdigit": [0x30...0x39, 0x41...0x46, 0x61...0x66]
    default: nil
    }
  }

  /// A general category (`L`, `Lu`, `Nd` ...) or one of the scripts in use here; nil for others.
  static func unicode(_ name: String) -> CodePointSet? {
    if name == "Any" { return CodePointSet(ranges: [0...0x10FFFF]) }
    if let ranges = scripts[name] { return CodePointSet(ranges: ranges) }
    let found = categories.filter { $0.0.hasPrefix(name) && !name.isEmpty }.map(\.1)
    guard !found.isEmpty else { return nil }
    var set = CodePointSet(ranges: [])
    set.categories = Set(found)
    return set
  }

  private static let categories: [(String, Unicode.GeneralCategory)] = [
    ("Lu", .uppercaseLetter), ("Ll", .lowercaseLetter), ("Lt", .titlecaseLetter),
    ("Lm", .modifierLetter), ("Lo", .otherLetter), ("Mn", .nonspacingMark),
    ("Mc", .spacingMark), ("Me", .enclosingMark), ("Nd", .decimalNumber), ("Nl", .letterNumber),
    ("No", .otherNumber), ("Pc", .connectorPunctuation), ("Pd", .dashPunctuation),
    ("Ps", .openPunctuation), ("Pe", .closePunctuation), ("Pi", .initialPunctuation),
    ("Pf", .finalPunctuation), ("Po", .otherPunctuation), ("Sm", .mathSymbol),
    ("Sc", .currencySymbol), ("Sk", .modifierSymbol), ("So", .otherSymbol),
    ("Zs", .spaceSeparator), ("Zl", .lineSeparator), ("Zp", .paragraphSeparator),
    ("Cc", .control), ("Cf", .format), ("Cs", .surrogate), ("Co", .privateUse),
  ]

  /// Ranges of Unicode's Scripts.txt.
  private static let scripts: [String: [ClosedRange<UInt32>]] = [
    "Han": [
      0x2E80...0x2E99, 0x2E9B...0x2EF3, 0x2F00...0x2FD5, 0x3005...0x3005, 0x3007...0x3007,
      0x3021...0x3029, 0x3038...0x303B, 0x3400...0x4DBF, 0x4E00...0x9FFF, 0xF900...0xFA6D,
      0xFA70...0xFAD9, 0x16FE2...0x16FE3, 0x16FF0...0x16FF1, 0x20000...0x2A6DF,
      0x2A700...0x2B739, 0x2B740...0x2B81D, 0x2B820...0x2CEA1, 0x2CEB0...0x2EBE0,
      0x2EBF0...0x2EE5D, 0x2F800...0x2FA1D, 0x30000...0x3134A, 0x31350...0x323AF,
    ],
    "Latin": [
      0x41...0x5A, 0x61...0x7A, 0xAA...0xAA, 0xBA...0xBA, 0xC0...0xD6, 0xD8...0xF6, 0xF8...0x2B8,
      0x2E0...0x2E4, 0x1D00...0x1D25, 0x1D2C...0x1D5C, 0x1D62...0x1D65, 0x1D6B...0x1D77,
      0x1D79...0x1DBE, 0x1E00...0x1EFF, 0x2071...0x2071, 0x207F...0x207F, 0x2090...0x209C,
      0x212A...0x212B, 0x2132...0x2132, 0x214E...0x214E, 0x2160...0x2188, 0x2C60...0x2C7F,
      0xA722...0xA787, 0xA78B...0xA7CA, 0xA7F2...0xA7FF, 0xAB30...0xAB5A, 0xAB5C...0xAB64,
      0xFB00...0xFB06, 0xFF21...0xFF3A, 0xFF41...0xFF5A,
    ],
    "Greek": [
      0x370...0x373, 0x375...0x377, 0x37A...0x37D, 0x37F...0x37F, 0x384...0x384, 0x386...0x386,
      0x388...0x3E1, 0x3F0...0x3FF, 0x1F00...0x1FFE, 0x2126...0x2126,
    ],
    "Cyrillic": [
      0x400...0x484, 0x487...0x52F, 0x1C80...0x1C88, 0x1D2B...0x1D2B, 0x1D78...0x1D78,
      0x2DE0...0x2DFF, 0xA640...0xA69F,
    ],
    "Hiragana": [0x3041...0x3096, 0x309D...0x309F],
    "Katakana": [
      0x30A1...0x30FA, 0x30FD...0x30FF, 0x31F0...0x31FF, 0xFF66...0xFF6F, 0xFF71...0xFF9D,
    ],
    "Hangul": [
      0x1100...0x11FF, 0x302E...0x302F, 0x3131...0x318E, 0x3200...0x321E, 0x3260...0x327E,
      0xA960...0xA97C, 0xAC00...0xD7A3, 0xD7B0...0xD7C6, 0xD7CB...0xD7FB, 0xFFA0...0xFFDC,
    ],
  ]
}
