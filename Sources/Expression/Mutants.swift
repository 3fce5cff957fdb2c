/// An expression with one small change, to find out whether tests notice it.
public struct Mutant: Sendable, Hashable {
  /// Stable name of the kind of change.
  public enum Kind: String, Sendable, CaseIterable {
    /// `<` to `<=`, `==` to `!=` and so on.
    case comparison
    /// A term of `&&` or `||` left out.
    case term
    /// `&&` to `||` or the other way.
    case logic
    /// `!x` to `x`.
    case negation
    /// `exists` to `all` or the other way.
    case quantifier
    /// A number one larger or one smaller, `true` to `false`.
    case literal
    /// `+` to `-` or the other way.
    case arithmetic
    /// `x in y` negated.
    case membership
    /// A filter that lets everything pass.
    case filter
    /// `a ? b : c` to `b` or `c`.
    case conditional
  }
  /// What kind of change it is.
  public let kind: Kind
  /// The changed stretch of the original.
  public let span: Span
  /// What stands there instead.
  public let replacement: String
  /// The whole changed expression.
  public let text: String
  /// `'<' → '<='`, for reports.
  public let change: String
}

extension TypeEnvironment {
  /// All mutants of an expression that compile with the same result type, in order of position.
  /// None for an expression that does not compile itself.
  public func mutants(of text: String) -> [Mutant] {
    let (tree, problems) = check(text)
    guard problems.isEmpty else { return [] }
    var writer = MutantWriter(source: tree.syntax.source)
    writer.visit(tree.syntax.root)
    var seen: Set<String> = [text]
    return writer.mutants.sorted { ($0.span.start, $0.text) < ($1.span.start, $1.text) }.filter {
      guard seen.insert($0.text).inserted else { return false }
      return (try? compile($0.text, expecting: tree.type)) != nil
    }
  }
}

/// Walks a tree and writes its mutants.
private struct MutantWriter {
  let source: SourceText
  private(set) var mutants: [Mutant] = []

  private static let comparisons: [String: [String]] = [
    "_<_": ["<=", ">="], "_<=_": ["<", ">"], "_>_": [">=", "<="], "_>=_": [">", "<"],
    "_==_": ["!="], "_!=_": ["=="],
  ]

  init(source: SourceText) { self.source = source }

  private mutating func add(_ kind: Mutant.Kind, _ span: Span, _ replacement: String) {
    let end = source.scalars.count
    let text =
      source.text(from: 0, to: span.start) + replacement + source.text(from: span.end, to: end)
    mutants.append(
      Mutant(
        kind: kind, span: span, replacement: replacement, text: text,
        change: "'\(source.text(span))' → '\(replacement)'"))
  }

  mutating func visit(_ expr: Expr) {
    switch expr.kind {
    case .literal(let literal): self.literal(expr, literal)
    case .ident, .invalid: break
    case .select(let operand, _, _, _): visit(operand)
    case .index(let operand, let index, _):
      visit(operand)
      visit(index)
    case .call(let name, let target, let arguments): call(expr, name, target, arguments)
    case .logic(let and, let terms): logic(expr, and: and, terms)
    case .conditional(let condition, let yes, let no):
      for branch in [yes, no] { add(.conditional, expr.span, "(\(source.text(branch.span)))") }
      for part in [condition, yes, no] { visit(part) }
    case .list(let elements): for (element, _) in elements { visit(element) }
    case .map(let entries): for entry in entries { visit(entry.value) }
    case .message(_, _, let fields): for field in fields { visit(field.value) }
    case .comprehension(let parts): comprehension(expr, parts)
    case .bind(_, let value, let body):
      visit(value)
      visit(body)
    case .optionalMap(let target, _, let body, _):
      visit(target)
      visit(body)
    }
  }

  private mutating func literal(_ expr: Expr, _ literal: Literal) {
    switch literal {
    case .bool(let value): add(.literal, expr.span, value ? "false" : "true")
    case .int(let value):
      for step in [Int64(1), -1] {
        let (changed, overflow) = value.addingReportingOverflow(step)
        if !overflow { add(.literal, expr.span, String(changed)) }
      }
    default: break
    }
  }

  private mutating func call(
    _ expr: Expr, _ name: String, _ target: Expr?, _ arguments: [Expr]
  ) {
    for operators in MutantWriter.comparisons[name] ?? [] {
      add(.comparison, expr.focus, operators)
    }
    switch name {
    case "!_": add(.negation, expr.span, "(\(source.text(arguments[0].span)))")
    case "_+_": add(.arithmetic, expr.focus, "-")
    case "_-_": add(.arithmetic, expr.focus, "+")
    case "@in": add(.membership, expr.span, "!(\(source.text(expr.span)))")
    default: break
    }
    if let target { visit(target) }
    for argument in arguments { visit(argument) }
  }

  private mutating func logic(_ expr: Expr, and: Bool, _ terms: [Expr]) {
    // The spans of terms leave out parentheses around them, so the operators' places are not known:
    // the whole is written anew.
    let texts = terms.map { "(\(source.text($0.span)))" }
    add(.logic, expr.span, "(\(texts.joined(separator: and ? " || " : " && ")))")
    for term in terms {
      add(.term, term.span, and ? "true" : "false")
      visit(term)
    }
  }

  private mutating func comprehension(_ expr: Expr, _ parts: Comprehension) {
    switch parts.kind {
    case .exists: add(.quantifier, expr.focus, "all")
    case .all: add(.quantifier, expr.focus, "exists")
    case .filter: add(.filter, parts.body.span, "true")
    default: break
    }
    if let condition = parts.condition { add(.filter, condition.span, "true") }
    visit(parts.range)
    if let condition = parts.condition { visit(condition) }
    visit(parts.body)
  }
}
