/// A parsed regular expression.
indirect enum RegexTree {
  case empty
  case set(CodePointSet)
  case assertion(RegexAssertion)
  case sequence([RegexTree])
  case alternatives([RegexTree])
  case repetition(RegexTree, Int, Int?)
}

enum RegexAssertion: Sendable {
  case textStart, textEnd, lineStart, lineEnd, wordBoundary, notWordBoundary
}

/// Why a pattern does not compile, and where (in code points).
struct RegexProblem: Error {
  let message: String
  let offset: Int
}

/// Parses the syntax of RE2: no backreferences, no lookaround; `\d \s \w` are ASCII.
struct RegexParser {
  private struct Flags {
    var ignoresCase = false
    var dotMatchesNewline = false
    var multiline = false
  }

  private let scalars: [UInt32]
  private var at = 0
  private var flags = Flags()
  private var depth = 0

  static let maxRepeat = 1000
  private static let maxDepth = 100

  static func parse(_ pattern: Text) throws(RegexProblem) -> RegexTree {
    var parser = RegexParser(scalars: pattern.string.unicodeScalars.map(\.value))
    let tree = try parser.alternatives()
    if parser.at < parser.scalars.count { throw parser.problem("unmatched ')'") }
    return tree
  }

  private init(scalars: [UInt32]) { self.scalars = scalars }

  private var next: UInt32? { at < scalars.count ? scalars[at] : nil }

  private func isAt(_ text: StaticString) -> Bool {
    text.withUTF8Buffer { wanted in
      guard at + wanted.count <= scalars.count else { return false }
      for i in 0..<wanted.count where scalars[at + i] != UInt32(wanted[i]) { return false }
      return true
    }
  }

  private func problem(_ message: String) -> RegexProblem {
    RegexProblem(message: message, offset: min(at, scalars.count))
  }

  private mutating func alternatives() throws(RegexProblem) -> RegexTree {
    depth += 1
    defer { depth -= 1 }
    guard depth <= RegexParser.maxDepth else { throw problem("groups are nested too deep") }
    var branches = [try sequence()]
    while next == 0x7C {
      at += 1
      branches.append(try sequence())
    }
    return branches.count == 1 ? branches[0] : .alternatives(branches)
  }

  private mutating func sequence() throws(RegexProblem) -> RegexTree {
    var items: [RegexTree] = []
    while let c = next, c != 0x7C, c != 0x29 {
      if isAt("\\Q") {
        quoted(&items)
        // A quantifier after \E applies to the last character.
        if let last = items.popLast() { items.append(try quantified(last)) }
        continue
      }
      guard let atom = try self.atom() else { continue }
      items.append(try quantified(atom))
    }
    return items.isEmpty ? .empty : (items.count == 1 ? items[0] : .sequence(items))
  }

  private mutating func quoted(_ items: inout [RegexTree]) {
    at += 2
    while let c = next {
      if isAt("\\E") {
        at += 2
        return
      }
      items.append(.set(single(c)))
      at += 1
    }
  }

  /// One item, or nil for a flag group such as `(?i)`.
  private mutating func atom() throws(RegexProblem) -> RegexTree? {
    guard let c = next else { throw problem("unexpected end") }
    at += 1
    switch c {
    case 0x28: return try group()
    case 0x5B: return .set(try bracket())
    case 0x2E:
      return .set(
        CodePointSet(
          ranges: flags.dotMatchesNewline
            ? [0...0x10FFFF] : [0...0x09, 0x0B...0x10FFFF]))
    case 0x5E: return .assertion(flags.multiline ? .lineStart : .textStart)
    case 0x24: return .assertion(flags.multiline ? .lineEnd : .textEnd)
    case 0x2A, 0x2B, 0x3F:
      at -= 1
      throw problem("nothing to repeat")
    case 0x5C: return try escape()
    default: return .set(single(c))
    }
  }

  private func single(_ c: UInt32) -> CodePointSet {
    CodePointSet(ranges: [c...c], ignoresCase: flags.ignoresCase)
  }

  private mutating func group() throws(RegexProblem) -> RegexTree? {
    let outer = flags
    if next == 0x3F {
      at += 1
      if isAt("P<") || isAt("<") {
        if isAt("<=") || isAt("<!") { throw problem("lookbehind is not supported") }
        at += isAt("P<") ? 2 : 1
        let start = at
        while let c = next, Lexer.isLetter(c) || Lexer.isDigit(c) { at += 1 }
        guard at > start, next == 0x3E else { throw problem("invalid group name") }
        at += 1
      } else if isAt("=") || isAt("!") {
        throw problem("lookahead is not supported")
      } else if try flagGroup() {
        return nil
      }
    }
    let inner = try alternatives()
    guard next == 0x29 else { throw problem("missing ')'") }
    at += 1
    flags = outer
    return inner
  }

  /// Reads `i`, `m`, `s`, `U` up to `:` (false) or `)` (true: the flags hold on).
  private mutating func flagGroup() throws(RegexProblem) -> Bool {
    var isOn = true
    while let c = next {
      at += 1
      switch c {
      case 0x69: flags.ignoresCase = isOn
      case 0x6D: flags.multiline = isOn
      case 0x73: flags.dotMatchesNewline = isOn
      // Greediness does not change whether there is a match.
      case 0x55: break
      case 0x2D where isOn: isOn = false
      case 0x3A: return false
      case 0x29: return true
      default:
        at -= 1
        throw problem("unknown group flag")
      }
    }
    throw problem("missing ')'")
  }

  private mutating func quantified(_ atom: RegexTree) throws(RegexProblem) -> RegexTree {
    var result = atom
    var count = 0
    while let c = next {
      var range: (Int, Int?)?
      switch c {
      case 0x2A: range = (0, nil)
      case 0x2B: range = (1, nil)
      case 0x3F: range = (0, 1)
      case 0x7B: range = try braces()
      default: return result
      }
      guard let (low, high) = range else { return result }
      if c != 0x7B { at += 1 }
      count += 1
      if count > 1 { throw problem("a repetition of a repetition needs a group") }
      // Lazy forms match the same texts.
      if next == 0x3F { at += 1 }
      result = .repetition(result, low, high)
    }
    return result
  }

  /// `{n}`, `{n,}` or `{n,m}`; nil where the brace is a plain character.
  private mutating func braces() throws(RegexProblem) -> (Int, Int?)? {
    let start = at
    at += 1
    guard let low = number() else {
      at = start
      return nil
    }
    var high: Int? = low
    if next == 0x2C {
      at += 1
      if next == 0x7D {
        high = nil
      } else if let most = number() {
        high = most
      } else {
        at = start
        return nil
      }
    }
    guard next == 0x7D else {
      at = start
      return nil
    }
    at += 1
    guard low <= RegexParser.maxRepeat, high ?? 0 <= RegexParser.maxRepeat, low <= high ?? low
    else {
      throw problem("invalid repetition count")
    }
    return (low, high)
  }

  private mutating func number() -> Int? {
    let start = at
    var value = 0
    while let c = next, Lexer.isDigit(c), at - start < 6 {
      value = value * 10 + Int(c - 0x30)
      at += 1
    }
    return at > start ? value : nil
  }

  // MARK: Escapes and classes

  private mutating func escape() throws(RegexProblem) -> RegexTree {
    guard let c = next else { throw problem("trailing backslash") }
    switch c {
    case 0x41:
      at += 1
      return .assertion(.textStart)
    case 0x7A:
      at += 1
      return .assertion(.textEnd)
    case 0x62:
      at += 1
      return .assertion(.wordBoundary)
    case 0x42:
      at += 1
      return .assertion(.notWordBoundary)
    default:
      if let set = try classEscape() { return .set(set) }
      return .set(single(try characterEscape()))
    }
  }

  /// `\d`, `\pL`, `\p{Han}` ..., or nil; `at` is after the backslash.
  private mutating func classEscape() throws(RegexProblem) -> CodePointSet? {
    guard let c = next else { return nil }
    if let ranges = CodePointSet.perl(c | 0x20) {
      at += 1
      return CodePointSet(ranges: ranges, isNegated: c & 0x20 == 0)
    }
    guard c == 0x70 || c == 0x50 else { return nil }
    at += 1
    var name = ""
    if next == 0x7B {
      at += 1
      while let d = next, d != 0x7D {
        name.unicodeScalars.append(Unicode.Scalar(d) ?? "?")
        at += 1
      }
      guard next == 0x7D else { throw problem("missing '}'") }
      at += 1
    } else if let d = next {
      name.unicodeScalars.append(Unicode.Scalar(d) ?? "?")
      at += 1
    }
    var isNegated = c == 0x50
    if name.hasPrefix("^") {
      name.removeFirst()
      isNegated.toggle()
    }
    guard var set = CodePointSet.unicode(name) else {
      throw problem("unknown character class '\(name)'")
    }
    set.isNegated = isNegated
    return set
  }

  /// A single character after a backslash.
  private mutating func characterEscape() throws(RegexProblem) -> UInt32 {
    guard let c = next else { throw problem("trailing backslash") }
    at += 1
    switch c {
    case 0x61: return 7
    case 0x66: return 12
    case 0x74: return 9
    case 0x6E: return 10
    case 0x72: return 13
    case 0x76: return 11
    case 0x78: return try hexEscape()
    case 0x30...0x37:
      // One to three octal digits; a single one other than 0 would be a backreference.
      var value = c - 0x30
      var digits = 1
      while digits < 3, let d = next, (0x30...0x37).contains(d) {
        value = value * 8 + (d - 0x30)
        digits += 1
        at += 1
      }
      if digits == 1, c != 0x30 { throw problem("backreferences are not supported") }
      return value
    default:
      if Lexer.isLetter(c) && c != 0x5F || Lexer.isDigit(c) {
        at -= 1
        throw problem("unknown escape")
      }
      return c
    }
  }

  private mutating func hexEscape() throws(RegexProblem) -> UInt32 {
    var text = ""
    if next == 0x7B {
      at += 1
      while let d = next, d != 0x7D, text.utf8.count < 9 {
        text.unicodeScalars.append(Unicode.Scalar(d) ?? "?")
        at += 1
      }
      guard next == 0x7D else { throw problem("missing '}'") }
      at += 1
    } else {
      while text.utf8.count < 2, let d = next, Lexer.isHex(d) {
        text.unicodeScalars.append(Unicode.Scalar(d) ?? "?")
        at += 1
      }
      guard text.utf8.count == 2 else { throw problem("invalid hexadecimal escape") }
    }
    guard let value = UInt32(text, radix: 16), value <= 0x10FFFF else {
      throw problem("invalid hexadecimal escape")
    }
    return value
  }

  private mutating func bracket() throws(RegexProblem) -> CodePointSet {
    var set = CodePointSet(ranges: [], ignoresCase: flags.ignoresCase)
    if next == 0x5E {
      set.isNegated = true
      at += 1
    }
    var isFirst = true
    while let c = next, c != 0x5D || isFirst {
      isFirst = false
      if isAt("[:"), let members = try posixClass() {
        set.members.append(members)
        continue
      }
      if c == 0x5C {
        at += 1
        if let inner = try classEscape() {
          set.members.append(inner)
          continue
        }
        at -= 1
      }
      let low = try bracketCharacter()
      var high = low
      if next == 0x2D, at + 1 < scalars.count, scalars[at + 1] != 0x5D {
        at += 1
        high = try bracketCharacter()
      }
      guard low <= high else { throw problem("invalid character range") }
      set.ranges.append(low...high)
    }
    guard next == 0x5D else { throw problem("missing ']'") }
    at += 1
    return set
  }

  private mutating func bracketCharacter() throws(RegexProblem) -> UInt32 {
    guard let c = next else { throw problem("missing ']'") }
    at += 1
    return c == 0x5C ? try characterEscape() : c
  }

  private mutating func posixClass() throws(RegexProblem) -> CodePointSet? {
    var end = at + 2
    var name = ""
    var isNegated = false
    while end < scalars.count, Lexer.isLetter(scalars[end]) || scalars[end] == 0x5E {
      if scalars[end] == 0x5E {
        isNegated = true
      } else {
        name.unicodeScalars.append(Unicode.Scalar(scalars[end]) ?? "?")
      }
      end += 1
    }
    guard end + 1 < scalars.count, scalars[end] == 0x3A, scalars[end + 1] == 0x5D else {
      return nil
    }
    guard let ranges = CodePointSet.posix(name) else {
      throw problem("unknown character class '\(name)'")
    }
    at = end + 2
    return CodePointSet(ranges: ranges, isNegated: isNegated)
  }
}
