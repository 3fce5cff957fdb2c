/// A place where an expression compares a field with texts: `event.state == 'detained'`,
/// `m.illness != 'none'`, `event.kind in ['fire', 'other']`, `'care' in household.needs`.
public struct TextComparison: Sendable {
  /// The name that the path begins with and the fields after it: `["event", "state"]`.
  public let path: [String]
  /// The field is a list in which the text is looked for.
  public let isMembership: Bool
  public let text: String
  /// Where the text stands in the expression, from 1.
  public let column: Int

  /// All of an expression, in the order in which they are written.
  public static func all(in source: String) -> [TextComparison] {
    let (tree, problems) = Parser.parse(source, limits: .lifted)
    guard problems.isEmpty else { return [] }
    var finder = Finder(source: tree.source)
    finder.visit(tree.root)
    return finder.found.sorted { $0.column < $1.column }
  }
}

private struct Finder {
  let source: SourceText
  var found: [TextComparison] = []

  init(source: SourceText) { self.source = source }

  mutating func visit(_ expr: Expr) {
    if case .call(let name, _, let arguments) = expr.kind, arguments.count == 2 {
      comparison(name, arguments[0], arguments[1])
    }
    for part in expr.parts { visit(part) }
  }

  private mutating func comparison(_ name: String, _ left: Expr, _ right: Expr) {
    switch name {
    case "_==_", "_!=_":
      add(left, right, isMembership: false)
      add(right, left, isMembership: false)
    case "@in":
      add(right, left, isMembership: true)
      guard case .list(let elements) = right.kind else { return }
      for (element, _) in elements { add(left, element, isMembership: false) }
    default: break
    }
  }

  private mutating func add(_ field: Expr, _ constant: Expr, isMembership: Bool) {
    guard let path = Finder.path(field), path.count > 1,
      case .literal(.string(let text)) = constant.kind
    else { return }
    let column = source.position(constant.span.start).column
    found.append(
      TextComparison(path: path, isMembership: isMembership, text: text, column: column))
  }

  private static func path(_ expr: Expr) -> [String]? {
    switch expr.kind {
    case .ident(let name, _): [name]
    case .select(let operand, let field, _, test: false): path(operand).map { $0 + [field] }
    default: nil
    }
  }
}
