/// One problem in a policy pack, with the place to look at.
///
/// The code is stable: scripts and tests may rely on it; texts may improve.
public struct PolicyDiagnostic: Error, Hashable, Sendable {
  public enum Severity: String, Sendable, Comparable {
    /// The pack does not load.
    case error
    /// The pack loads; `policy lint` reports it.
    case warning

    public static func < (a: Severity, b: Severity) -> Bool { a == .error && b == .warning }
  }

  /// Stable, kebab-case: `unknown-key`, `duplicate-key`, `missing-key`, `wrong-type` ...
  public var code: String
  public var severity: Severity
  /// Path relative to the pack directory.
  public var file: String
  /// From 1; 0 where the problem concerns the whole file.
  public var line: Int
  /// In code points, from 1; 0 where the problem concerns the whole line or file.
  public var column: Int
  /// Code points underlined, at least 1.
  public var length: Int
  public var message: String
  public var hint: String?
  /// The text of the line, without its line break; empty where there is none.
  public var sourceLine: String

  public init(
    code: String, severity: Severity = .error, file: String, line: Int = 0, column: Int = 0,
    length: Int = 1, message: String, hint: String? = nil, sourceLine: String = ""
  ) {
    self.code = code
    self.severity = severity
    self.file = file
    self.line = line
    self.column = column
    self.length = max(1, length)
    self.message = message
    self.hint = hint
    self.sourceLine = sourceLine
  }

  /// For people: place, severity, code, message, then the line with a caret, then the hint.
  public var rendered: String {
    var text = file
    if line > 0 { text += ":\(line)" }
    if line > 0, column > 0 { text += ":\(column)" }
    text += ": \(severity.rawValue)[\(code)]: \(message)\n"
    if line > 0, !sourceLine.isEmpty {
      let number = String(line)
      let gutter = String(repeating: " ", count: number.count)
      let excerpt = excerpt
      text += " \(number) | \(excerpt.text)\n"
      if column > 0 { text += " \(gutter) | \(excerpt.carets)\n" }
    }
    if let hint { text += "   = hint: \(hint)\n" }
    return text
  }

  /// Most code points of a line that are shown.
  private static let excerptLength = 240

  /// The line, or of a very long one the part around the problem; and below it blanks as wide as
  /// the text before the column, then carets. East Asian wide characters take two columns in a
  /// terminal.
  private var excerpt: (text: String, carets: String) {
    let all = Array(sourceLine.unicodeScalars)
    var start = max(0, min(column - 1, all.count))
    var shown = all[...]
    var before = ""
    if all.count > PolicyDiagnostic.excerptLength {
      let first = max(0, start - PolicyDiagnostic.excerptLength / 2)
      shown = all[first..<min(all.count, first + PolicyDiagnostic.excerptLength)]
      start -= first
      before = first > 0 ? "…" : ""
    }
    let after = shown.endIndex < all.count ? "…" : ""
    let scalars = Array(shown)
    let end = min(max(start + length, start + 1), max(scalars.count, start + 1))
    var carets = before.isEmpty ? "" : " "
    for scalar in scalars[..<start] {
      carets += scalar == "\t" ? "\t" : String(repeating: " ", count: displayWidth(scalar))
    }
    var width = 0
    for at in start..<end { width += at < scalars.count ? displayWidth(scalars[at]) : 1 }
    return (
      before + String(String.UnicodeScalarView(scalars)) + after,
      carets + String(repeating: "^", count: max(1, width))
    )
  }

  /// One JSON object on one line, keys in a fixed order.
  public var json: String {
    var fields = [
      "\"code\":\(jsonString(code))", "\"severity\":\(jsonString(severity.rawValue))",
      "\"file\":\(jsonString(file))", "\"line\":\(line)", "\"column\":\(column)",
      "\"length\":\(length)", "\"message\":\(jsonString(message))",
    ]
    if let hint { fields.append("\"hint\":\(jsonString(hint))") }
    if !sourceLine.isEmpty { fields.append("\"sourceLine\":\(jsonString(sourceLine))") }
    return "{" + fields.joined(separator: ",") + "}"
  }
}

extension PolicyDiagnostic: CustomStringConvertible {
  public var description: String { rendered }
}

/// Orders by file, line, column, code, so that reports do not depend on the order of checks.
extension PolicyDiagnostic: Comparable {
  public static func < (a: PolicyDiagnostic, b: PolicyDiagnostic) -> Bool {
    if a.file != b.file { return a.file < b.file }
    if a.line != b.line { return a.line < b.line }
    if a.column != b.column { return a.column < b.column }
    if a.code != b.code { return a.code < b.code }
    return a.message < b.message
  }
}

/// Collects the problems of one load. Used by one task at a time.
public final class DiagnosticCollector {
  public private(set) var diagnostics: [PolicyDiagnostic] = []
  private var seen: Set<PolicyDiagnostic> = []

  /// More than this many problems are not collected: a report of thousands helps nobody.
  public static let limit = 500

  public init() {}

  public func add(_ diagnostic: PolicyDiagnostic) {
    guard diagnostics.count < DiagnosticCollector.limit, seen.insert(diagnostic).inserted
    else { return }
    diagnostics.append(diagnostic)
  }

  public var hasErrors: Bool { diagnostics.contains { $0.severity == .error } }

  /// In order of file and place.
  public var sorted: [PolicyDiagnostic] { diagnostics.sorted() }
}

/// Columns a terminal gives to a character: 2 for CJK and full-width forms, else 1.
func displayWidth(_ scalar: Unicode.Scalar) -> Int {
  switch scalar.value {
  case 0x1100...0x115F, 0x2E80...0xA4CF, 0xAC00...0xD7A3, 0xF900...0xFAFF, 0xFE30...0xFE4F,
    0xFF00...0xFF60, 0xFFE0...0xFFE6, 0x20000...0x3FFFD:
    2
  default: 1
  }
}

/// A JSON string literal.
func jsonString(_ text: String) -> String {
  var out = "\""
  for scalar in text.unicodeScalars {
    switch scalar {
    case "\"": out += "\\\""
    case "\\": out += "\\\\"
    case "\n": out += "\\n"
    case "\r": out += "\\r"
    case "\t": out += "\\t"
    case _ where scalar.value < 0x20:
      let hex = String(scalar.value, radix: 16)
      out += "\\u" + String(repeating: "0", count: 4 - hex.count) + hex
    default: out.unicodeScalars.append(scalar)
    }
  }
  return out + "\""
}
