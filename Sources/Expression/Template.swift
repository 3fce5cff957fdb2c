/// A text with expressions: `"${member.name}，${yuan(member.income)}元"`; `$${` stands for `${`.
/// Timestamps appear in Shanghai time with whole seconds.
public struct Template: Sendable {
  enum Part: Sendable {
    case literal([UInt8])
    case expression(Program)
  }
  /// The text as written.
  public let source: String
  let parts: [Part]
  /// What all its expressions may read together.
  public let dependencies: Dependencies
  /// Static worst-case cost of all its expressions.
  public let cost: Int

  /// The text where it has no expressions.
  public var constant: String? {
    var bytes: [UInt8] = []
    for part in parts {
      guard case .literal(let text) = part else { return nil }
      bytes += text
    }
    return String(decoding: bytes, as: UTF8.self)
  }

  /// The outcome of filling in a template.
  public enum Rendering: Sendable {
    case text(String)
    case unknown(UnknownSet)
    case failed(EvaluationError)
  }

  /// Fills the template in. With `unknown`, its text stands for each part whose facts are missing;
  /// without, one such part makes the whole unknown.
  public func render(
    _ context: EvaluationContext, unknown: ((UnknownSet) -> String)? = nil
  ) -> Rendering {
    var writer = ValueText(context, isLocal: true)
    var missing: UnknownSet?
    for part in parts {
      switch part {
      case .literal(let bytes): writer.append(bytes)
      case .expression(let program):
        if writer.write(program.evaluate(context)) { continue }
        switch writer.failure {
        case .unknown(let set):
          if let unknown {
            writer.append(Array(unknown(set).utf8))
          } else {
            missing = missing?.union(set) ?? set
          }
        case .error(let error): return .failed(error)
        default: return .failed(.noSuchOverload)
        }
      }
    }
    if let missing { return .unknown(missing) }
    return .text(String(decoding: writer.bytes, as: UTF8.self))
  }
}

extension TypeEnvironment {
  /// Compiles a text template; positions of problems are those in the whole text.
  public func compileTemplate(_ text: String) throws(CompileFailure) -> Template {
    let source = SourceText(text)
    var diagnostics: [Diagnostic] = []
    var parts: [Template.Part] = []
    var dependencies = Dependencies()
    var cost = 0
    for piece in TemplateScanner.split(source, &diagnostics) {
      switch piece {
      case .literal(let text): parts.append(.literal(Array(text.utf8)))
      case .expression(let span):
        do throws(CompileFailure) {
          let program = try compile(source.text(span))
          if let problem = Self.noText(program.type, source, span) { diagnostics.append(problem) }
          dependencies.formUnion(program.dependencies)
          cost = min(cost + program.cost, Int.max / 2)
          parts.append(.expression(program))
        } catch {
          let start = source.position(span.start)
          diagnostics += error.diagnostics.map {
            $0.shifted(
              codePoints: span.start, lines: start.line - 1, columns: start.column - 1)
          }
        }
      }
    }
    guard diagnostics.isEmpty else {
      throw CompileFailure(source: source, diagnostics: Diagnostic.inOrder(diagnostics))
    }
    return Template(source: text, parts: parts, dependencies: dependencies, cost: cost)
  }

  private static func noText(
    _ type: CELType, _ source: SourceText, _ span: Span
  ) -> Diagnostic? {
    switch type {
    case .object, .map, .list, .optional, .opaque, .type, .null:
      var hint: String?
      if case .list = type { hint = "join a list of strings, as in x.join('、')" }
      if case .optional = type { hint = "give a value for the empty case with orValue(...)" }
      return source.diagnostic(
        .template, "a value of type \(type) has no text form", span, hint: hint)
    case .nullable(let inner): return noText(inner, source, span)
    default: return nil
    }
  }
}

/// Finds the expressions of a template.
enum TemplateScanner {
  enum Piece {
    case literal(String)
    /// Without the braces.
    case expression(Span)
  }

  static func split(_ source: SourceText, _ diagnostics: inout [Diagnostic]) -> [Piece] {
    let scalars = source.scalars
    var pieces: [Piece] = []
    var literal = ""
    var at = 0
    func isAt(_ offset: Int, _ text: String) -> Bool {
      let wanted = text.unicodeScalars.map(\.value)
      return offset + wanted.count <= scalars.count
        && Array(scalars[offset..<(offset + wanted.count)]) == wanted
    }
    while at < scalars.count {
      if isAt(at, "$${") {
        literal += "${"
        at += 3
      } else if isAt(at, "${") {
        if !literal.isEmpty { pieces.append(.literal(literal)) }
        literal = ""
        guard let end = Lexer.closingBrace(source, from: at + 2) else {
          diagnostics.append(
            source.diagnostic(
              .template, "'${' is not closed", Span(at, at + 2),
              hint: "write $${ for a literal '${'"))
          return pieces
        }
        pieces.append(.expression(Span(at + 2, end)))
        at = end + 1
      } else {
        literal += source.text(from: at, to: at + 1)
        at += 1
      }
    }
    if !literal.isEmpty { pieces.append(.literal(literal)) }
    return pieces
  }
}
