internal import Yams

/// Checks before the YAML parser sees a text, and the translation of its errors.
enum YAMLGuard {
  /// Limits that keep the recursive parser's stack and time bounded. The depth is estimated from
  /// above: brackets inside quotes count as well.
  static func check(_ source: YAMLSource) -> PolicyDiagnostic? {
    guard source.text.utf8.count <= YAMLSource.maximumBytes else {
      return PolicyDiagnostic(
        code: "yaml-too-large", file: source.file,
        message: "the file has more than \(YAMLSource.maximumBytes) bytes")
    }
    var scan = YAMLScan(source: source)
    return scan.problem()
  }

  static func diagnostic(for error: any Error, in source: YAMLSource) -> PolicyDiagnostic {
    guard let error = error as? YamlError else {
      return PolicyDiagnostic(
        code: "yaml-syntax", file: source.file, message: "the file is not valid YAML")
    }
    switch error {
    case .duplicatedKeysInMapping(let duplicates, let context):
      let names = duplicates.map { "'\($0)'" }.joined(separator: ", ")
      return source.diagnostic(
        "duplicate-key", "key \(names) occurs twice in one mapping", line: context.mark.line,
        column: context.mark.column, length: duplicates.first?.unicodeScalars.count ?? 1,
        hint: "remove one of them")
    case .scanner(_, let problem, let mark, _), .parser(_, let problem, let mark, _),
      .composer(_, let problem, let mark, _):
      return source.diagnostic(
        "yaml-syntax", "not valid YAML: \(problem)", line: mark.line, column: mark.column,
        hint: "a text with ': ', ' #' or a leading special character needs quotes")
    case .reader(let problem, _, _, _):
      return PolicyDiagnostic(
        code: "yaml-syntax", file: source.file, message: "not valid YAML: \(problem)")
    default:
      return PolicyDiagnostic(
        code: "yaml-syntax", file: source.file, message: "the file is not valid YAML")
    }
  }
}

/// Maps an offset in a scalar's value to a place in the file.
struct ScalarPosition {
  let source: YAMLSource
  let style: Node.Scalar.Style
  let line: Int
  let column: Int
  let text: String

  func position(of offset: Int) -> (line: Int, column: Int) {
    switch style {
    case .singleQuoted, .doubleQuoted: quoted(offset)
    case .literal: literal(offset)
    case .folded: (line, column)
    default: plain(offset)
    }
  }

  private func plain(_ offset: Int) -> (line: Int, column: Int) {
    let here = source.line(line).unicodeScalars.dropFirst(column - 1)
    guard here.starts(with: text.unicodeScalars) else { return (line, column) }
    return (line, column + offset)
  }

  private func quoted(_ offset: Int) -> (line: Int, column: Int) {
    let scalars = Array(source.line(line).unicodeScalars)
    var at = column
    var left = offset
    while left > 0, at < scalars.count {
      let scalar = scalars[at]
      if style == .doubleQuoted, scalar == "\\" {
        at += escapeLength(scalars, at)
      } else if style == .singleQuoted, scalar == "'" {
        guard at + 1 < scalars.count, scalars[at + 1] == "'" else { break }
        at += 2
      } else if scalar == "\"", style == .doubleQuoted {
        break
      } else {
        at += 1
      }
      left -= 1
    }
    // The value goes on in further lines: point at its start.
    return left > 0 && at >= scalars.count ? (line, column) : (line, at + 1)
  }

  private func escapeLength(_ scalars: [Unicode.Scalar], _ at: Int) -> Int {
    guard at + 1 < scalars.count else { return 1 }
    return switch scalars[at + 1] {
    case "x": 4
    case "u": 6
    case "U": 10
    default: 2
    }
  }

  private func literal(_ offset: Int) -> (line: Int, column: Int) {
    let before = text.unicodeScalars.prefix(offset)
    let row = before.count { $0 == "\n" }
    let inRow = before.reversed().prefix { $0 != "\n" }.count
    let number = line + 1 + row
    // The block's indentation is that of its first line that is not blank.
    var indentation = 0
    for content in source.text.unicodeScalars.split(
      omittingEmptySubsequences: false, whereSeparator: { $0 == "\n" }
    ).dropFirst(line) {
      if content.contains(where: { $0 != " " }) {
        indentation = content.prefix { $0 == " " }.count
        break
      }
    }
    return (number, indentation + inRow + 1)
  }
}

/// One pass over the bytes of a text, before the parser sees it: how deep it nests, and whether it
/// has anchors or aliases.
private struct YAMLScan {
  private let source: YAMLSource
  private var line = 1
  /// Brackets open.
  private var flow = 0
  /// Marks of nesting at the start of the line.
  private var leading = 0
  private var isLeading = true
  /// In code points, from 1.
  private var column = 0
  private var atValueStart = true
  private var isComment = false
  private var last: UInt8 = 0x20

  init(source: YAMLSource) { self.source = source }

  mutating func problem() -> PolicyDiagnostic? {
    var text = source.text
    return text.withUTF8 { bytes in
      for (at, byte) in bytes.enumerated() {
        let next = at + 1 < bytes.count ? bytes[at + 1] : 0x0A
        if let problem = visit(byte, next) { return problem }
      }
      return nil
    }
  }

  private mutating func visit(_ byte: UInt8, _ next: UInt8) -> PolicyDiagnostic? {
    defer { last = byte }
    if byte == 0x0A || (byte == 0x0D && next != 0x0A) {
      startLine()
      return nil
    }
    if byte & 0xC0 != 0x80 { column += 1 }
    countNesting(byte)
    if flow > YAMLSource.maximumDepth || leading > 4 * YAMLSource.maximumDepth {
      return source.diagnostic(
        "yaml-too-deep", "nested deeper than \(YAMLSource.maximumDepth)", line: line, column: 1)
    }
    guard !isComment, isAlias(byte, next) else { return nil }
    return source.diagnostic(
      "yaml-alias", "anchors and aliases are not used in policy packs", line: line,
      column: column, hint: "write the value out; quote a text that begins with & or *")
  }

  private mutating func startLine() {
    line += 1
    leading = 0
    isLeading = true
    column = 0
    atValueStart = true
    isComment = false
  }

  private mutating func countNesting(_ byte: UInt8) {
    switch byte {
    case 0x5B, 0x7B: flow += 1
    case 0x5D, 0x7D: flow = max(0, flow - 1)
    default: break
    }
    switch byte {
    case 0x20, 0x2D, 0x3F, 0x3A: if isLeading { leading += 1 }  // blank - ? :
    default: isLeading = false
    }
  }

  /// An anchor or alias at the start of a value.
  private mutating func isAlias(_ byte: UInt8, _ next: UInt8) -> Bool {
    switch byte {
    case 0x26, 0x2A:  // & *
      let isEnd = next == 0x0A || next == 0x0D
      if atValueStart, !isEnd, next != 0x20, next != byte, next != 0x3D { return true }
      atValueStart = false
    case 0x20: break
    case 0x23:  // #
      if column == 1 || last == 0x20 { isComment = true }
    case 0x2C, 0x5B, 0x7B: atValueStart = true
    case 0x3A, 0x2D, 0x3F: atValueStart = next == 0x20
    default: atValueStart = false
    }
    return false
  }
}
