/// A stretch of an expression's source, in code points from its start.
public struct Span: Hashable, Sendable {
  /// The first code point.
  public let start: Int
  /// One past the last code point; equal to `start` for an empty stretch.
  public let end: Int

  public init(_ start: Int, _ end: Int) {
    self.start = start
    self.end = max(start, end)
  }

  /// The smallest stretch that covers both.
  public func joined(_ other: Span) -> Span { Span(min(start, other.start), max(end, other.end)) }
}

/// One problem of an expression, found before it can run.
public struct Diagnostic: Error, Hashable, Sendable, CustomStringConvertible {
  /// Stable code such as `cel/undeclared`; the full list is `DiagnosticCode`.
  public let code: DiagnosticCode
  /// What is wrong, in one sentence without a final stop.
  public let message: String
  /// Where it is.
  public let span: Span
  /// Line of the start, from 1.
  public let line: Int
  /// Column of the start in code points, from 1.
  public let column: Int
  /// What to write instead, where that can be guessed.
  public let hint: String?

  /// `line:column: code: message (hint)`.
  public var description: String {
    "\(line):\(column): \(code.rawValue): \(message)" + (hint.map { " (\($0))" } ?? "")
  }

  /// The diagnostic moved by a number of code points, lines and columns: for an expression that is
  /// part of a longer text. `columns` applies to the first line only.
  public func shifted(codePoints: Int, lines: Int, columns: Int) -> Diagnostic {
    Diagnostic(
      code: code, message: message, span: Span(span.start + codePoints, span.end + codePoints),
      line: line + lines, column: line == 1 ? column + columns : column, hint: hint)
  }
}

/// Stable codes of problems found before an expression runs.
public enum DiagnosticCode: String, Sendable, CaseIterable {
  /// A character that starts no token, or a literal that does not end.
  case token = "cel/token"
  /// A malformed number, string or bytes literal.
  case literal = "cel/literal"
  /// Tokens in an order the grammar does not know.
  case syntax = "cel/syntax"
  /// A macro used with arguments of the wrong form.
  case macro = "cel/macro"
  /// Longer than the limit on the source.
  case tooLong = "cel/too-long"
  /// Nested deeper than the limit.
  case tooDeep = "cel/too-deep"
  /// More comprehensions inside one another than the limit.
  case comprehensionNesting = "cel/comprehension-nesting"
  /// A name that is not declared.
  case undeclared = "cel/undeclared"
  /// A function that is not declared.
  case undeclaredFunction = "cel/undeclared-function"
  /// A field the object type does not have.
  case undeclaredField = "cel/undeclared-field"
  /// No overload of the function takes arguments of these types.
  case noOverload = "cel/no-overload"
  /// A type that does not fit where it stands.
  case type = "cel/type"
  /// The whole expression has another type than its place asks for.
  case resultType = "cel/result-type"
  /// A regular expression that does not compile.
  case regex = "cel/regex"
  /// A literal argument that can never be valid (a date, a term, a time zone).
  case constant = "cel/constant"
  /// A text template with an unbalanced `${`.
  case template = "cel/template"
  /// The static worst-case cost is above the limit.
  case cost = "cel/cost"

  // Warnings (`TypeEnvironment.warnings(of:)`): what runs, but is hardly meant.

  /// A condition that can never hold.
  case never = "cel/never"
  /// A condition that always holds.
  case always = "cel/always"
  /// A term that another one already implies.
  case redundant = "cel/redundant"
  /// A loop variable that its body does not read.
  case unusedVariable = "cel/unused-variable"
}

/// The source text as code points, with its line starts.
public struct SourceText: Sendable {
  let scalars: [UInt32]
  private let lineStarts: [Int]
  /// Length in UTF-8 bytes.
  let byteCount: Int

  /// Splits a text into code points and lines.
  public init(_ text: String) {
    var scalars: [UInt32] = []
    var starts = [0]
    scalars.reserveCapacity(text.utf8.count)
    for scalar in text.unicodeScalars {
      scalars.append(scalar.value)
      if scalar.value == 0x0A { starts.append(scalars.count) }
    }
    self.scalars = scalars
    self.lineStarts = starts
    self.byteCount = text.utf8.count
  }

  /// Line and column of a code-point offset, both from 1.
  public func position(_ offset: Int) -> (line: Int, column: Int) {
    var low = 0
    var high = lineStarts.count - 1
    while low < high {
      let middle = (low + high + 1) / 2
      if lineStarts[middle] <= offset { low = middle } else { high = middle - 1 }
    }
    return (low + 1, offset - lineStarts[low] + 1)
  }

  func text(_ span: Span) -> String { text(from: span.start, to: span.end) }

  func text(from start: Int, to end: Int) -> String {
    var result = String.UnicodeScalarView()
    for value in scalars[max(0, start)..<min(scalars.count, max(start, end))] {
      result.append(Unicode.Scalar(value) ?? "\u{FFFD}")
    }
    return String(result)
  }

  func diagnostic(
    _ code: DiagnosticCode, _ message: String, _ span: Span, hint: String? = nil
  ) -> Diagnostic {
    let (line, column) = position(span.start)
    return Diagnostic(
      code: code, message: message, span: span, line: line, column: column, hint: hint)
  }

  /// The diagnostic with its source line and a caret under the place:
  /// ```
  /// rules/A05.yaml:12:9: cel/undeclared: ...
  ///   | member.agee < 16
  ///   |        ^^^^
  /// ```
  /// East Asian wide characters count as two columns, as terminals show them.
  public func render(_ diagnostic: Diagnostic, name: String = "") -> String {
    let line = lineText(diagnostic.line)
    var pad = ""
    for scalar in line.unicodeScalars.prefix(max(0, diagnostic.column - 1)) {
      pad += scalar == "\t" ? "\t" : (SourceText.isWide(scalar.value) ? "  " : " ")
    }
    let rest = line.unicodeScalars.dropFirst(max(0, diagnostic.column - 1))
    var carets = ""
    for scalar in rest.prefix(max(1, diagnostic.span.end - diagnostic.span.start)) {
      carets += SourceText.isWide(scalar.value) ? "^^" : "^"
    }
    let prefix = name.isEmpty ? "" : name + ":"
    return prefix + diagnostic.description + "\n  | " + line + "\n  | " + pad
      + (carets.isEmpty ? "^" : carets)
  }

  private func lineText(_ line: Int) -> String {
    guard line >= 1, line <= lineStarts.count else { return "" }
    let start = lineStarts[line - 1]
    var end = start
    while end < scalars.count, scalars[end] != 0x0A { end += 1 }
    return text(from: start, to: end)
  }

  static func isWide(_ value: UInt32) -> Bool {
    (0x1100...0x115F).contains(value) || (0x2E80...0xA4CF).contains(value)
      || (0xAC00...0xD7A3).contains(value) || (0xF900...0xFAFF).contains(value)
      || (0xFE30...0xFE4F).contains(value) || (0xFF00...0xFF60).contains(value)
      || (0xFFE0...0xFFE6).contains(value) || (0x20000...0x3FFFD).contains(value)
      || (0x1F300...0x1FAFF).contains(value)
  }
}
