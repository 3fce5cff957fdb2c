internal import Yams

/// A YAML text of a pack with the name it is reported under.
public final class YAMLSource: Sendable {
  /// Path relative to the pack directory.
  public let file: String
  public let text: String

  /// Largest text accepted, in bytes.
  public static let maximumBytes = 1 << 20
  /// Deepest nesting accepted.
  public static let maximumDepth = 64

  public init(file: String, text: String) {
    self.file = file
    self.text = text
  }

  /// The text of a line counted from 1; empty outside the text. Looked for each time: most texts
  /// have no problem to show.
  public func line(_ number: Int) -> String {
    guard number >= 1 else { return "" }
    let scalars = text.unicodeScalars
    var start = scalars.startIndex
    for _ in 1..<number {
      guard let end = scalars[start...].firstIndex(where: YAMLSource.isBreak) else { return "" }
      start = YAMLSource.afterBreak(end, scalars)
    }
    let end = scalars[start...].firstIndex(where: YAMLSource.isBreak) ?? scalars.endIndex
    return String(scalars[start..<end])
  }

  /// What ends a line for the YAML parser.
  private static func isBreak(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar {
    case "\n", "\r", "\u{85}", "\u{2028}", "\u{2029}": true
    default: false
    }
  }

  private static func afterBreak(
    _ index: String.Index, _ scalars: String.UnicodeScalarView
  ) -> String.Index {
    let next = scalars.index(after: index)
    let isPair = scalars[index] == "\r" && next < scalars.endIndex && scalars[next] == "\n"
    return isPair ? scalars.index(after: next) : next
  }

  /// A diagnostic at a place of this text.
  public func diagnostic(
    _ code: String, _ message: String, line: Int, column: Int, length: Int = 1,
    hint: String? = nil, severity: PolicyDiagnostic.Severity = .error
  ) -> PolicyDiagnostic {
    PolicyDiagnostic(
      code: code, severity: severity, file: file, line: line, column: column, length: length,
      message: message, hint: hint, sourceLine: self.line(line))
  }
}

/// A YAML value that knows where it stands, so that every problem can be shown at its place.
///
/// Reading is typed and strict: a scalar is what the reader asks for, never what YAML guesses
/// (`no` is not a Boolean, `1:30` not a number). Anchors, aliases and several documents in a file
/// are rejected: a policy text says what it says where it stands.
public struct PositionedYAML {
  /// The file the value stands in.
  public let source: YAMLSource
  let node: Node
  let collector: DiagnosticCollector

  /// Parses a text. Nil when it is not YAML at all, has duplicate keys or is over a limit; the
  /// problems are in `collector` then.
  public static func parse(_ source: YAMLSource, into collector: DiagnosticCollector)
    -> PositionedYAML?
  {
    if let problem = YAMLGuard.check(source) {
      collector.add(problem)
      return nil
    }
    do {
      // Without guessing at types, which nothing here asks for and which is slow; as is asking the
      // environment for an encoding, once for each file.
      guard let node = try Yams.compose(yaml: source.text, .basic, .default, .utf8) else {
        collector.add(
          PolicyDiagnostic(code: "yaml-empty", file: source.file, message: "the file is empty"))
        return nil
      }
      return PositionedYAML(source: source, node: node, collector: collector)
    } catch {
      collector.add(YAMLGuard.diagnostic(for: error, in: source))
      return nil
    }
  }

  /// From 1.
  public var line: Int { node.mark?.line ?? 0 }
  /// In code points, from 1.
  public var column: Int { node.mark?.column ?? 0 }

  /// Reports a problem at this value.
  public func report(
    _ code: String, _ message: String, hint: String? = nil,
    severity: PolicyDiagnostic.Severity = .error
  ) {
    collector.add(
      source.diagnostic(
        code, message, line: line, column: column, length: underline, hint: hint,
        severity: severity))
  }

  /// Reports a problem at a code point range of this scalar's text, for example in an expression.
  public func report(
    _ code: String, _ message: String, offset: Int, length: Int, hint: String? = nil,
    severity: PolicyDiagnostic.Severity = .error
  ) {
    let place = position(ofCodePoint: offset)
    let room = max(1, source.line(place.line).unicodeScalars.count - place.column + 1)
    collector.add(
      source.diagnostic(
        code, message, line: place.line, column: place.column, length: min(max(1, length), room),
        hint: hint, severity: severity))
  }

  /// Code points of the value on its first line, for the caret.
  private var underline: Int {
    guard case .scalar(let scalar) = node else { return 1 }
    let width = scalar.string.unicodeScalars.prefix { $0 != "\n" }.count
    let room = source.line(line).unicodeScalars.count - column + 1
    let quoted = scalar.style == .singleQuoted || scalar.style == .doubleQuoted
    if scalar.style == .literal || scalar.style == .folded { return 1 }
    return max(1, min(width + (quoted ? 2 : 0), room))
  }

  /// What kind of value this is, for messages.
  public var kind: String {
    switch node {
    case .mapping: "a mapping"
    case .sequence: "a list"
    case .scalar: isNull ? "nothing" : "a scalar"
    case .alias: "an alias"
    }
  }

  /// An empty plain scalar, `null` or `~`.
  public var isNull: Bool {
    guard case .scalar(let scalar) = node, isPlain(scalar) else { return false }
    return ["", "null", "~", "Null", "NULL"].contains(scalar.string)
  }

  public var isMapping: Bool { node.mapping != nil }
  public var isSequence: Bool { node.sequence != nil }
  public var isScalar: Bool { node.scalar != nil && !isNull }

  // MARK: Typed reading. Each reports `wrong-type` and returns nil where the value does not fit.

  /// A text: any scalar but null.
  public var string: String? {
    guard case .scalar(let scalar) = node, !isNull else { return wrong("a text") }
    return scalar.string
  }

  /// `true` or `false`.
  public var boolean: Bool? {
    guard case .scalar(let scalar) = node, isPlain(scalar) else { return wrong("true or false") }
    switch scalar.string {
    case "true": return true
    case "false": return false
    default: return wrong("true or false")
    }
  }

  /// A decimal integer within the given range.
  public func integer(in range: ClosedRange<Int>) -> Int? {
    guard case .scalar(let scalar) = node, isPlain(scalar), let value = Int(scalar.string) else {
      return wrong("a whole number")
    }
    guard range.contains(value) else {
      report(
        "out-of-range", "\(value) is outside \(range.lowerBound) to \(range.upperBound)")
      return nil
    }
    return value
  }

  /// A mapping, whose keys must all be asked for before `finish()`.
  public var mapping: YAMLMapping? {
    guard case .mapping(let mapping) = node else { return wrong("a mapping") }
    var entries: [(key: PositionedYAML, value: PositionedYAML)] = []
    for (key, value) in mapping {
      let key = PositionedYAML(source: source, node: key, collector: collector)
      guard key.node.scalar != nil else {
        key.report("wrong-type", "a key must be a text")
        continue
      }
      entries.append((key, PositionedYAML(source: source, node: value, collector: collector)))
    }
    return YAMLMapping(owner: self, entries: entries)
  }

  /// The elements of a list.
  public var sequence: [PositionedYAML]? {
    guard case .sequence(let sequence) = node else { return wrong("a list") }
    return sequence.map { PositionedYAML(source: source, node: $0, collector: collector) }
  }

  /// The elements of a list, or the value itself where it is a single scalar.
  public var sequenceOrScalar: [PositionedYAML]? { isScalar ? [self] : sequence }

  /// A list of texts.
  public var strings: [String]? {
    guard let elements = sequence else { return nil }
    let texts = elements.compactMap(\.string)
    return texts.count == elements.count ? texts : nil
  }

  /// One of the given words; suggests the nearest one otherwise.
  public func word(_ words: [String], what: String) -> String? {
    guard let text = string else { return nil }
    if words.contains(text) { return text }
    let hint =
      Suggestion.nearest(to: text, among: words).map { "did you mean '\($0)'?" }
      ?? "one of: " + words.joined(separator: " ")
    report("unknown-word", "'\(text)' is not \(what)", hint: hint)
    return nil
  }

  /// One case of a string enumeration.
  public func word<E: RawRepresentable & CaseIterable>(_ type: E.Type, what: String) -> E?
  where E.RawValue == String {
    word(E.allCases.map(\.rawValue), what: what).flatMap(E.init(rawValue:))
  }

  private func wrong<T>(_ expected: String) -> T? {
    report("wrong-type", "expected \(expected), found \(found)")
    return nil
  }

  private var found: String {
    guard case .scalar(let scalar) = node, !isNull else { return kind }
    let text = scalar.string.unicodeScalars.prefix(40)
    return "'" + String(String.UnicodeScalarView(text)).replacing("\n", with: " ") + "'"
  }

  func isPlain(_ scalar: Node.Scalar) -> Bool { scalar.style == .plain || scalar.style == .any }

  /// Where a code point of this scalar's text stands in the file. Exact for plain, quoted and
  /// literal scalars; the start of the value otherwise.
  public func position(ofCodePoint offset: Int) -> (line: Int, column: Int) {
    guard case .scalar(let scalar) = node, offset >= 0 else { return (line, column) }
    return ScalarPosition(
      source: source, style: scalar.style, line: line, column: column, text: scalar.string
    ).position(of: offset)
  }
}

/// A mapping read key by key. Keys nobody asked for are unknown.
public final class YAMLMapping {
  /// The mapping as a value, for reports about the whole.
  public let owner: PositionedYAML
  /// Keys and values in the order of the file.
  public let entries: [(key: PositionedYAML, value: PositionedYAML)]
  /// The names of all keys in the order of the file.
  public let names: [String]
  /// Every name asked for, present or not. Mappings are small: no sets.
  private var asked: [String] = []

  init(owner: PositionedYAML, entries: [(key: PositionedYAML, value: PositionedYAML)]) {
    self.owner = owner
    self.entries = entries
    names = entries.map { $0.key.node.scalar?.string ?? "" }
  }

  /// The value of a key, or nil where it is absent. A key with a null value counts as absent.
  public func optional(_ name: String) -> PositionedYAML? {
    asked.append(name)
    guard let at = names.firstIndex(of: name), !entries[at].value.isNull else { return nil }
    return entries[at].value
  }

  /// The value of a key; reports `missing-key` where it is absent.
  public func required(_ name: String) -> PositionedYAML? {
    if let value = optional(name) { return value }
    if let at = names.firstIndex(of: name) {
      entries[at].key.report("missing-value", "'\(name)' has no value")
    } else {
      owner.report("missing-key", "'\(name)' is missing")
    }
    return nil
  }

  /// The key itself, for reports about it.
  public func key(_ name: String) -> PositionedYAML? {
    names.firstIndex(of: name).map { entries[$0].key }
  }

  public func string(_ name: String) -> String? { required(name)?.string }
  /// A text for people or a name, which must not be empty.
  public func nonEmptyString(_ name: String) -> String? {
    guard let value = required(name), let text = value.string else { return nil }
    if text.isEmpty { value.report("missing-value", "'\(name)' is empty") }
    return text
  }
  public func optionalString(_ name: String) -> String? { optional(name)?.string }
  public func boolean(_ name: String, default value: Bool) -> Bool {
    optional(name)?.boolean ?? value
  }
  public func strings(_ name: String) -> [String] { optional(name)?.strings ?? [] }
  public func sequence(_ name: String) -> [PositionedYAML] { optional(name)?.sequence ?? [] }
  public func integer(_ name: String, in range: ClosedRange<Int>) -> Int? {
    required(name)?.integer(in: range)
  }
  public func optionalInteger(_ name: String, in range: ClosedRange<Int>) -> Int? {
    optional(name)?.integer(in: range)
  }

  /// Reports every key that was not asked for, with the nearest known one. To be called when
  /// reading is done.
  public func finish() {
    for (name, entry) in zip(names, entries) where !asked.contains(name) {
      let known = Set(asked)
      let hint =
        Suggestion.nearest(to: name, among: known.subtracting(names))
        .map { "did you mean '\($0)'?" } ?? "known keys: " + known.sorted().joined(separator: " ")
      entry.key.report("unknown-key", "unknown key '\(name)'", hint: hint)
    }
  }
}
