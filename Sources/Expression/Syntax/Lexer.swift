/// A token of the language.
struct Token {
  enum Kind: Equatable {
    case end
    case ident(String)
    /// A name in backquotes, allowed only as a field.
    case quotedIdent(String)
    case int(Int64)
    /// `9223372036854775808`, valid only after a minus sign.
    case intMinMagnitude
    case uint(UInt64)
    case double(Double)
    case string(String)
    case bytes([UInt8])
    case punctuation(String)
    case reserved(String)
    case invalid
  }
  let kind: Kind
  let span: Span
}

/// Splits a source into tokens; what it cannot read is reported and skipped.
struct Lexer {
  private let source: SourceText
  private var at = 0
  private(set) var diagnostics: [Diagnostic] = []

  init(_ source: SourceText, at start: Int = 0) {
    self.source = source
    at = start
  }

  /// The offset of the closing brace that ends an expression which starts at `start`, or nil; those
  /// of strings and of map literals do not count.
  static func closingBrace(_ source: SourceText, from start: Int) -> Int? {
    var lexer = Lexer(source, at: start)
    var depth = 0
    while true {
      let token = lexer.next()
      switch token.kind {
      case .end: return nil
      case .punctuation("{"): depth += 1
      case .punctuation("}"):
        if depth == 0 { return token.span.start }
        depth -= 1
      default: break
      }
    }
  }

  /// Words the grammar keeps for other languages; they are valid as fields.
  static let reserved: Set<String> = [
    "as", "break", "const", "continue", "else", "for", "function", "if", "import", "let", "loop",
    "package", "namespace", "return", "var", "void", "while",
  ]

  private static let pairs: [UInt64: String] = {
    var result: [UInt64: String] = [:]
    for text in ["==", "!=", "<=", ">=", "&&", "||"] {
      let key = text.unicodeScalars.reduce(UInt64(0)) { $0 << 32 | UInt64($1.value) }
      result[key] = text
    }
    return result
  }()

  private static let singles: [UInt32: String] = {
    var result: [UInt32: String] = [:]
    for scalar in "+-*/%<>!?:.,()[]{}".unicodeScalars { result[scalar.value] = String(scalar) }
    return result
  }()

  mutating func tokens() -> [Token] {
    var result: [Token] = []
    while true {
      let token = next()
      if token.kind == .invalid { continue }
      result.append(token)
      if token.kind == .end { return result }
    }
  }

  private func peek(_ ahead: Int = 0) -> UInt32 {
    at + ahead < source.scalars.count ? source.scalars[at + ahead] : 0
  }

  private mutating func next() -> Token {
    skipBlank()
    let start = at
    guard at < source.scalars.count else { return Token(kind: .end, span: Span(at, at)) }
    let c = peek()
    if let literal = quoted() { return literal }
    if Lexer.isLetter(c) { return word() }
    if Lexer.isDigit(c) || (c == 0x2E && Lexer.isDigit(peek(1))) { return number() }
    if c == 0x60 { return backquoted() }
    if let text = Lexer.pairs[UInt64(c) << 32 | UInt64(peek(1))] {
      at += 2
      return Token(kind: .punctuation(text), span: Span(start, at))
    }
    if let text = Lexer.singles[c] {
      at += 1
      return Token(kind: .punctuation(text), span: Span(start, at))
    }
    at += 1
    let hint: String? =
      switch c {
      case 0x3D: "write `==` to compare"
      case 0x26: "write `&&` for and"
      case 0x7C: "write `||` for or"
      case 0xFF08, 0xFF09, 0xFF0C, 0xFF1A, 0xFF1B, 0x201C, 0x201D, 0x2018, 0x2019, 0xFF1F, 0xFF01:
        "use the ASCII character, not the full-width one"
      default: nil
      }
    report(
      .token, "the character '\(source.text(from: start, to: at))' has no meaning here",
      start, hint: hint)
    // What was meant is clear: go on with that, to tell only this problem.
    let meant: String? =
      switch c {
      case 0x3D: "=="
      case 0x26: "&&"
      case 0x7C: "||"
      case 0xFF08: "("
      case 0xFF09: ")"
      case 0xFF0C: ","
      default: nil
      }
    return Token(kind: meant.map(Token.Kind.punctuation) ?? .invalid, span: Span(start, at))
  }

  private mutating func skipBlank() {
    while at < source.scalars.count {
      let c = peek()
      if c == 0x20 || c == 0x09 || c == 0x0A || c == 0x0C || c == 0x0D {
        at += 1
      } else if c == 0x2F, peek(1) == 0x2F {
        while at < source.scalars.count, peek() != 0x0A { at += 1 }
      } else {
        return
      }
    }
  }

  private mutating func report(
    _ code: DiagnosticCode, _ message: String, _ start: Int, hint: String? = nil
  ) {
    diagnostics.append(source.diagnostic(code, message, Span(start, at), hint: hint))
  }

  private mutating func word() -> Token {
    let start = at
    while Lexer.isLetter(peek()) || Lexer.isDigit(peek()) { at += 1 }
    let text = source.text(from: start, to: at)
    let kind: Token.Kind = Lexer.reserved.contains(text) ? .reserved(text) : .ident(text)
    return Token(kind: kind, span: Span(start, at))
  }

  private mutating func backquoted() -> Token {
    let start = at
    at += 1
    while at < source.scalars.count, peek() != 0x60, peek() != 0x0A { at += 1 }
    guard peek() == 0x60 else {
      report(.token, "the quoted name does not end", start)
      return Token(kind: .invalid, span: Span(start, at))
    }
    let text = source.text(from: start + 1, to: at)
    at += 1
    let plain = text.unicodeScalars.allSatisfy {
      Lexer.isLetter($0.value) || Lexer.isDigit($0.value) || "./- ".unicodeScalars.contains($0)
    }
    guard plain, !text.isEmpty else {
      report(.token, "a quoted name has only letters, digits, '_', '.', '-', '/' and spaces", start)
      return Token(kind: .invalid, span: Span(start, at))
    }
    return Token(kind: .quotedIdent(text), span: Span(start, at))
  }

  private mutating func number() -> Token {
    let start = at
    if peek() == 0x30, peek(1) == 0x78 || peek(1) == 0x58 {
      at += 2
      let digits = at
      while Lexer.isHex(peek()) { at += 1 }
      return integer(source.text(from: digits, to: at), radix: 16, start: start)
    }
    while Lexer.isDigit(peek()) { at += 1 }
    var isDouble = false
    if peek() == 0x2E, Lexer.isDigit(peek(1)) {
      isDouble = true
      at += 1
      while Lexer.isDigit(peek()) { at += 1 }
    }
    if peek() == 0x65 || peek() == 0x45 {
      let sign = peek(1) == 0x2B || peek(1) == 0x2D ? 1 : 0
      if Lexer.isDigit(peek(1 + sign)) {
        isDouble = true
        at += 1 + sign
        while Lexer.isDigit(peek()) { at += 1 }
      }
    }
    let text = source.text(from: start, to: at)
    guard isDouble else { return integer(text, radix: 10, start: start) }
    let full = text.hasPrefix(".") ? "0" + text : text
    guard let value = Double(full), value.isFinite else {
      report(.literal, "the number \(text) is out of range", start)
      return Token(kind: .double(0), span: Span(start, at))
    }
    return Token(kind: .double(value), span: Span(start, at))
  }

  private mutating func integer(_ digits: String, radix: Int, start: Int) -> Token {
    if peek() == 0x75 || peek() == 0x55 {
      at += 1
      if let value = UInt64(digits, radix: radix) {
        return Token(kind: .uint(value), span: Span(start, at))
      }
      report(.literal, "the number is outside the range of uint", start)
      return Token(kind: .uint(0), span: Span(start, at))
    }
    if let value = Int64(digits, radix: radix) {
      return Token(kind: .int(value), span: Span(start, at))
    }
    if UInt64(digits, radix: radix) == UInt64(1) << 63 {
      return Token(kind: .intMinMagnitude, span: Span(start, at))
    }
    report(.literal, "the number is outside the range of int", start)
    return Token(kind: .int(0), span: Span(start, at))
  }

  /// A string or bytes literal with its prefix, or nil where none starts here.
  private mutating func quoted() -> Token? {
    var raw = false
    var bytes = false
    var ahead = 0
    while ahead < 2 {
      let c = peek(ahead)
      if c == 0x72 || c == 0x52, !raw {
        raw = true
      } else if c == 0x62 || c == 0x42, !bytes {
        bytes = true
      } else {
        break
      }
      ahead += 1
    }
    let quote = peek(ahead)
    guard quote == 0x22 || quote == 0x27 else { return nil }
    let start = at
    at += ahead
    let triple = peek(1) == quote && peek(2) == quote
    at += triple ? 3 : 1
    var decoder = LiteralDecoder(isBytes: bytes)
    while true {
      guard at < source.scalars.count, triple || (peek() != 0x0A && peek() != 0x0D) else {
        report(.token, "the \(bytes ? "bytes" : "string") literal does not end", start)
        break
      }
      let c = peek()
      if c == quote, !triple || (peek(1) == quote && peek(2) == quote) {
        at += triple ? 3 : 1
        break
      }
      if c == 0x5C, !raw {
        escape(&decoder)
      } else if c == 0x0D, triple {
        // Line ends inside a literal read the same on every system.
        at += peek(1) == 0x0A ? 2 : 1
        decoder.append(scalar: 0x0A)
      } else {
        decoder.append(scalar: c)
        at += 1
      }
    }
    return Token(
      kind: bytes ? .bytes(decoder.bytes) : .string(decoder.text), span: Span(start, at))
  }

  private mutating func escape(_ decoder: inout LiteralDecoder) {
    let start = at
    at += 1
    let c = peek()
    at += 1
    switch c {
    case 0x61: decoder.append(scalar: 7)
    case 0x62: decoder.append(scalar: 8)
    case 0x66: decoder.append(scalar: 12)
    case 0x6E: decoder.append(scalar: 10)
    case 0x72: decoder.append(scalar: 13)
    case 0x74: decoder.append(scalar: 9)
    case 0x76: decoder.append(scalar: 11)
    case 0x5C, 0x3F, 0x22, 0x27, 0x60: decoder.append(scalar: c)
    case 0x78, 0x58: numeric(&decoder, start, digits: 2, radix: 16, isByte: true)
    case 0x75 where !decoder.isBytes:
      numeric(&decoder, start, digits: 4, radix: 16, isByte: false)
    case 0x55 where !decoder.isBytes:
      numeric(&decoder, start, digits: 8, radix: 16, isByte: false)
    case 0x30...0x33:
      at -= 1
      numeric(&decoder, start, digits: 3, radix: 8, isByte: true)
    default:
      at = min(at, source.scalars.count)
      report(
        .literal, "unknown escape '\(source.text(from: start, to: at))'", start,
        hint: "write `\\\\` for a backslash, or a raw string r'...'")
    }
  }

  private mutating func numeric(
    _ decoder: inout LiteralDecoder, _ start: Int, digits: Int, radix: Int, isByte: Bool
  ) {
    let first = at
    var count = 0
    while count < digits, Lexer.isHex(peek()) {
      at += 1
      count += 1
    }
    guard count == digits, let value = UInt32(source.text(from: first, to: at), radix: radix),
      !isByte || value <= 0xFF
    else {
      report(.literal, "the escape '\(source.text(from: start, to: at))' is not complete", start)
      return
    }
    if isByte, decoder.isBytes {
      decoder.append(byte: UInt8(value))
    } else if Unicode.Scalar(value) != nil {
      decoder.append(scalar: value)
    } else {
      report(.literal, "the escape is not a Unicode code point", start)
    }
  }

  static func isLetter(_ c: UInt32) -> Bool {
    (0x61...0x7A).contains(c) || (0x41...0x5A).contains(c) || c == 0x5F
  }
  static func isDigit(_ c: UInt32) -> Bool { (0x30...0x39).contains(c) }
  static func isHex(_ c: UInt32) -> Bool {
    isDigit(c) || (0x61...0x66).contains(c) || (0x41...0x46).contains(c)
  }
}

/// Collects the contents of a string or bytes literal.
private struct LiteralDecoder {
  let isBytes: Bool
  private var scalars = String.UnicodeScalarView()
  private(set) var bytes: [UInt8] = []

  init(isBytes: Bool) { self.isBytes = isBytes }

  var text: String { String(scalars) }

  mutating func append(scalar value: UInt32) {
    guard let scalar = Unicode.Scalar(value) else { return }
    if isBytes { bytes.append(contentsOf: String(scalar).utf8) } else { scalars.append(scalar) }
  }

  mutating func append(byte: UInt8) { bytes.append(byte) }
}
