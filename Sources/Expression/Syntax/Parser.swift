/// Parses the grammar of cel-spec with the macros of the standard library, optionals, bindings and
/// two-variable comprehensions.
public struct Parser {
  let source: SourceText
  let limits: Limits
  private let tokens: [Token]
  private var at = 0
  private var nesting = 0
  private var nextID = 0
  var diagnostics: [Diagnostic]

  /// Nothing useful comes after so many problems.
  private static let maxDiagnostics = 20

  /// Parses `text`. The tree is present even where there are problems (with invalid parts), so that
  /// the checker can find further ones; it must not be run then.
  public static func parse(
    _ text: String, limits: Limits = Limits()
  ) -> (tree: SyntaxTree, diagnostics: [Diagnostic]) {
    let source = SourceText(text)
    if source.byteCount > limits.sourceBytes {
      let problem = source.diagnostic(
        .tooLong,
        "the expression has \(source.byteCount) bytes, more than \(limits.sourceBytes)", Span(0, 0))
      let root = Expr(
        id: 0, span: Span(0, 0), kind: .invalid, depth: 1, loops: 0, focus: Span(0, 0))
      return (SyntaxTree(source: source, root: root, nodeCount: 1), [problem])
    }
    var lexer = Lexer(source)
    let tokens = lexer.tokens()
    var parser = Parser(
      source: source, limits: limits, tokens: tokens, diagnostics: lexer.diagnostics)
    let root = parser.expression()
    parser.expectEnd()
    let sorted = parser.diagnostics.sorted {
      ($0.span.start, $0.span.end) < ($1.span.start, $1.span.end)
    }
    return (
      SyntaxTree(source: source, root: root, nodeCount: parser.nextID),
      Array(sorted.prefix(maxDiagnostics))
    )
  }

  private init(source: SourceText, limits: Limits, tokens: [Token], diagnostics: [Diagnostic]) {
    self.source = source
    self.limits = limits
    self.tokens = tokens
    self.diagnostics = diagnostics
  }

  // MARK: Tokens

  private var token: Token { tokens[at] }

  private func isAt(_ punctuation: String) -> Bool { token.kind == .punctuation(punctuation) }

  @discardableResult
  private mutating func take() -> Token {
    let taken = tokens[at]
    if at + 1 < tokens.count { at += 1 }
    return taken
  }

  private mutating func take(_ punctuation: String) -> Bool {
    guard isAt(punctuation) else { return false }
    take()
    return true
  }

  private mutating func expect(_ punctuation: String, toClose opening: Span? = nil) {
    if take(punctuation) { return }
    unexpected("expected '\(punctuation)'")
    skip(to: [punctuation])
    _ = take(punctuation)
  }

  private mutating func expectEnd() {
    guard token.kind != .end else { return }
    var hint: String?
    if case .ident(let word) = token.kind {
      switch word {
      case "and", "AND": hint = "write `&&` for and"
      case "or", "OR": hint = "write `||` for or"
      case "is": hint = "write `==` to compare"
      default: break
      }
    }
    unexpected("expected an operator or the end", hint: hint)
  }

  mutating func report(
    _ code: DiagnosticCode, _ message: String, _ span: Span, hint: String? = nil
  ) {
    // One problem at one place is enough.
    if diagnostics.contains(where: { $0.span.start == span.start }) { return }
    diagnostics.append(source.diagnostic(code, message, span, hint: hint))
  }

  private mutating func unexpected(_ expected: String, hint: String? = nil) {
    let found =
      token.kind == .end ? "the expression ends" : "found '\(source.text(token.span))'"
    report(.syntax, "\(expected), but \(found)", token.span, hint: hint)
  }

  /// Skips to one of the marks at this level of brackets, or to a closing bracket or comma.
  private mutating func skip(to marks: [String]) {
    var depth = 0
    while token.kind != .end {
      if case .punctuation(let text) = token.kind {
        if depth == 0, marks.contains(text) || [",", ")", "]", "}"].contains(text) { return }
        if ["(", "[", "{"].contains(text) { depth += 1 }
        if [")", "]", "}"].contains(text) { depth -= 1 }
      }
      take()
    }
  }

  // MARK: Nodes

  mutating func make(
    _ kind: Expr.Kind, _ span: Span, focus: Span? = nil, children: [Expr] = [],
    inLoop: [Expr] = []
  ) -> Expr {
    var depth = 1
    var loops = 0
    for child in children {
      depth = max(depth, child.depth + 1)
      loops = max(loops, child.loops)
    }
    for child in inLoop {
      depth = max(depth, child.depth + 1)
      loops = max(loops, child.loops + 1)
    }
    if depth > limits.depth {
      report(.tooDeep, "the expression is nested deeper than \(limits.depth) levels", span)
    }
    if !inLoop.isEmpty, loops > limits.comprehensionNesting,
      !inLoop.contains(where: { $0.loops >= limits.comprehensionNesting + 1 })
    {
      report(
        .comprehensionNesting,
        "more than \(limits.comprehensionNesting) comprehensions inside one another",
        focus ?? span, hint: "name the inner result with a `let`")
    }
    let id = nextID
    nextID += 1
    return Expr(
      id: id, span: span, kind: kind, depth: depth, loops: loops, focus: focus ?? span)
  }

  private mutating func invalid(_ span: Span) -> Expr { make(.invalid, span) }

  // MARK: Grammar

  private mutating func expression() -> Expr {
    nesting += 1
    defer { nesting -= 1 }
    guard nesting <= limits.depth else {
      report(
        .tooDeep, "the expression is nested deeper than \(limits.depth) levels", token.span)
      // Nothing after this can be read: end here.
      at = tokens.count - 1
      return invalid(token.span)
    }
    let condition = binary(0)
    guard isAt("?") else { return condition }
    let mark = take().span
    let yes = binary(0)
    expect(":")
    let no = expression()
    return make(
      .conditional(condition, yes, no), condition.span.joined(no.span), focus: mark,
      children: [condition, yes, no])
  }

  private static let levels: [[String: String]] = [
    ["||": "_||_"],
    ["&&": "_&&_"],
    [
      "<": "_<_", "<=": "_<=_", ">": "_>_", ">=": "_>=_", "==": "_==_", "!=": "_!=_",
      "in": "@in",
    ],
    ["+": "_+_", "-": "_-_"],
    ["*": "_*_", "/": "_/_", "%": "_%_"],
  ]

  private func operatorName(_ level: Int) -> String? {
    switch token.kind {
    case .punctuation(let text): Parser.levels[level][text]
    case .ident("in"): Parser.levels[level]["in"]
    default: nil
    }
  }

  private mutating func binary(_ level: Int) -> Expr {
    guard level < Parser.levels.count else { return unary() }
    var left = binary(level + 1)
    if level < 2 {
      guard operatorName(level) != nil else { return left }
      let focus = token.span
      var terms = [left]
      while operatorName(level) != nil {
        take()
        terms.append(binary(level + 1))
      }
      let span = terms[0].span.joined(terms[terms.count - 1].span)
      return make(.logic(and: level == 1, terms), span, focus: focus, children: terms)
    }
    while let name = operatorName(level) {
      let mark = take().span
      let right = binary(level + 1)
      left = make(
        .call(name, target: nil, arguments: [left, right]), left.span.joined(right.span),
        focus: mark, children: [left, right])
    }
    return left
  }

  private mutating func unary() -> Expr {
    if isAt("!") {
      let start = token.span
      var count = 0
      while take("!") { count += 1 }
      let operand = postfix(negative: nil)
      guard count % 2 == 1 else { return operand }
      return make(
        .call("!_", target: nil, arguments: [operand]), start.joined(operand.span), focus: start,
        children: [operand])
    }
    guard isAt("-") else { return postfix(negative: nil) }
    let start = token.span
    var count = 0
    var last = start
    while isAt("-") {
      last = take().span
      count += 1
    }
    switch token.kind {
    case .int, .intMinMagnitude, .double:
      let operand = postfix(negative: last)
      guard count % 2 == 0 else { return operand }
      return make(
        .call("-_", target: nil, arguments: [operand]), start.joined(operand.span), focus: start,
        children: [operand])
    default:
      let operand = postfix(negative: nil)
      guard count % 2 == 1 else { return operand }
      return make(
        .call("-_", target: nil, arguments: [operand]), start.joined(operand.span), focus: start,
        children: [operand])
    }
  }

  private mutating func postfix(negative: Span?) -> Expr {
    var result = primary(negative: negative)
    while true {
      if isAt(".") {
        take()
        result = member(of: result)
      } else if isAt("[") {
        let open = take().span
        let optional = take("?")
        let index = expression()
        let end = token.span
        expect("]")
        result = make(
          .index(result, index, optional: optional), result.span.joined(end),
          focus: open.joined(end), children: [result, index])
      } else if isAt("{"), let (name, absolute) = Parser.qualifiedName(result) {
        result = message(name, absolute: absolute, start: result.span)
      } else {
        return result
      }
    }
  }

  private mutating func member(of operand: Expr) -> Expr {
    let optional = take("?")
    let span = token.span
    switch token.kind {
    case .ident(let name), .reserved(let name):
      take()
      if !optional, isAt("(") {
        let (arguments, end) = argumentList()
        return call(name, nameSpan: span, target: operand, arguments, end: end)
      }
      return select(operand, name, span, optional)
    case .quotedIdent(let name):
      take()
      return select(operand, name, span, optional)
    default:
      unexpected("expected a field or method name after '.'")
      return select(operand, "", span, optional)
    }
  }

  private mutating func select(
    _ operand: Expr, _ field: String, _ span: Span, _ optional: Bool
  ) -> Expr {
    if field.isEmpty { return invalid(operand.span.joined(span)) }
    return make(
      .select(operand, field: field, optional: optional, test: false),
      operand.span.joined(span), focus: span, children: [operand])
  }

  private mutating func argumentList() -> ([Expr], Span) {
    take()
    var arguments: [Expr] = []
    while !isAt(")"), token.kind != .end {
      arguments.append(expression())
      if !take(",") { break }
    }
    let end = token.span
    expect(")")
    return (arguments, end)
  }

  private mutating func primary(negative: Span?) -> Expr {
    let start = token.span
    switch token.kind {
    case .int(let value):
      take()
      return literal(.int(negative == nil ? value : 0 - value), start, negative)
    case .intMinMagnitude:
      take()
      if negative == nil {
        report(.literal, "the number is outside the range of int", start)
      }
      return literal(.int(.min), start, negative)
    case .uint(let value):
      take()
      return literal(.uint(value), start, nil)
    case .double(let value):
      take()
      return literal(.double(negative == nil ? value : -value), start, negative)
    case .string(let value):
      take()
      return literal(.string(value), start, nil)
    case .bytes(let value):
      take()
      return literal(.bytes(value), start, nil)
    case .punctuation("("):
      take()
      let inner = expression()
      let end = token.span
      expect(")")
      return Expr(
        id: inner.id, span: start.joined(end), kind: inner.kind, depth: inner.depth,
        loops: inner.loops, focus: inner.focus)
    case .punctuation("["): return list()
    case .punctuation("{"): return map()
    case .punctuation("."):
      take()
      guard case .ident(let name) = token.kind else {
        unexpected("expected a name after '.'")
        return invalid(start)
      }
      return name == "in" ? invalid(start) : ident(name, absolute: true, start: start)
    case .ident(let name) where name != "in":
      return ident(name, absolute: false, start: start)
    case .reserved(let word):
      take()
      report(.syntax, "'\(word)' is a reserved word", start)
      return invalid(start)
    default:
      unexpected("expected an expression")
      skip(to: [":", "?"])
      return invalid(start)
    }
  }

  private mutating func literal(_ value: Literal, _ span: Span, _ sign: Span?) -> Expr {
    make(.literal(value), sign.map { $0.joined(span) } ?? span)
  }

  private mutating func ident(_ name: String, absolute: Bool, start: Span) -> Expr {
    let span = take().span
    if isAt("(") {
      let (arguments, end) = argumentList()
      return call(
        absolute ? "." + name : name, nameSpan: span, target: nil, arguments, end: end)
    }
    if !absolute {
      switch name {
      case "true": return literal(.bool(true), span, nil)
      case "false": return literal(.bool(false), span, nil)
      case "null": return literal(.null, span, nil)
      default: break
      }
    }
    return make(.ident(name, absolute: absolute), start.joined(span), focus: span)
  }

  private mutating func list() -> Expr {
    let start = take().span
    var elements: [(element: Expr, optional: Bool)] = []
    while !isAt("]"), token.kind != .end {
      let optional = take("?")
      elements.append((expression(), optional))
      if !take(",") { break }
    }
    let end = token.span
    expect("]")
    return make(.list(elements), start.joined(end), children: elements.map(\.element))
  }

  private mutating func map() -> Expr {
    let start = take().span
    var entries: [(key: Expr, value: Expr, optional: Bool)] = []
    while !isAt("}"), token.kind != .end {
      let optional = take("?")
      let key = expression()
      expect(":")
      entries.append((key, expression(), optional))
      if !take(",") { break }
    }
    let end = token.span
    expect("}")
    return make(
      .map(entries), start.joined(end), children: entries.flatMap { [$0.key, $0.value] })
  }

  private mutating func message(_ name: String, absolute: Bool, start: Span) -> Expr {
    take()
    var fields: [(field: String, value: Expr, optional: Bool)] = []
    while !isAt("}"), token.kind != .end {
      let optional = take("?")
      switch token.kind {
      case .ident(let field), .reserved(let field), .quotedIdent(let field):
        take()
        expect(":")
        fields.append((field, expression(), optional))
      default:
        unexpected("expected a field name")
        skip(to: [])
      }
      if !take(",") { break }
    }
    let end = token.span
    expect("}")
    return make(
      .message(name, absolute: absolute, fields), start.joined(end), focus: start,
      children: fields.map(\.value))
  }

  /// `a.b.c` of a chain of plain names, or nil.
  static func qualifiedName(_ expr: Expr) -> (name: String, absolute: Bool)? {
    switch expr.kind {
    case .ident(let name, let absolute): return (name, absolute)
    case .select(let operand, let field, optional: false, test: false):
      guard let (base, absolute) = qualifiedName(operand) else { return nil }
      return (base + "." + field, absolute)
    default: return nil
    }
  }
}
