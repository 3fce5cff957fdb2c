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
    if let problem = checkDepth(source) { return problem }
    for (at, line) in source.lines.enumerated() {
      if let column = aliasColumn(Array(line.unicodeScalars)) {
        return source.diagnostic(
          "yaml-alias", "anchors and aliases are not used in policy packs", line: at + 1,
          column: column, hint: "write the value out; quote a text that begins with & or *")
      }
    }
    return nil
  }

  private static func checkDepth(_ source: YAMLSource) -> PolicyDiagnostic? {
    var flow = 0
    for (at, line) in source.lines.enumerated() {
      var leading = 0
      var isLeading = true
      for scalar in line.unicodeScalars {
        switch scalar {
        case "[", "{": flow += 1
        case "]", "}": flow = max(0, flow - 1)
        default: break
        }
        if isLeading, scalar == " " || scalar == "-" || scalar == "?" || scalar == ":" {
          leading += 1
        } else {
          isLeading = false
        }
        if flow > YAMLSource.maximumDepth || leading > 4 * YAMLSource.maximumDepth {
          return source.diagnostic(
            "yaml-too-deep", "nested deeper than \(YAMLSource.maximumDepth)", line: at + 1,
            column: 1)
        }
      }
    }
    return nil
  }

  /// The column of an anchor or alias at the start of a value, if the line has one.
  private static func aliasColumn(_ line: [Unicode.Scalar]) -> Int? {
    var atValueStart = true
    for (at, scalar) in line.enumerated() {
      let next: Unicode.Scalar? = at + 1 < line.count ? line[at + 1] : nil
      switch scalar {
      case "&", "*":
        if atValueStart, let next, next != " ", next != scalar, next != "=" { return at + 1 }
        atValueStart = false
      case " ": continue
      case "#": if at == 0 || line[at - 1] == " " { return nil }
      case ",", "[", "{": atValueStart = true
      case ":", "-", "?": atValueStart = next == " "
      default: atValueStart = false
      }
    }
    return nil
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
    for at in (line + 1)...max(line + 1, source.lines.count) {
      let content = source.line(at)
      if content.contains(where: { $0 != " " }) {
        indentation = content.unicodeScalars.prefix { $0 == " " }.count
        break
      }
    }
    return (number, indentation + inRow + 1)
  }
}
