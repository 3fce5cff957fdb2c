/// The checked tree as text: each node with its type, and what it stands for where that is more
/// than its name. For tests and for tools that show how an expression was understood.
extension CheckedTree: CustomStringConvertible {
  /// For example `_<_(member~Person^variable.age~int^0, 16~int)~bool^less_int_int`.
  public var description: String { text(syntax.root) }

  private func text(_ expr: Expr) -> String { "\(bare(expr))~\(type(expr))\(meaning(expr))" }

  private func meaning(_ expr: Expr) -> String {
    switch reference(expr) {
    case .variable(let variable): "^\(variable.definition == nil ? "variable" : "let")"
    case .field(_, let declaration): "^\(declaration.slot)"
    case .function(_, let overloads, _): "^" + overloads.map(\.id).joined(separator: "|")
    case .type: "^type"
    case .today, .now: "^time"
    case .local, nil: ""
    }
  }

  private func list(_ parts: [Expr]) -> String { parts.map { text($0) }.joined(separator: ", ") }

  private func bare(_ expr: Expr) -> String {
    switch expr.kind {
    case .literal: return syntax.source.text(expr.span)
    case .ident(let name, let absolute): return (absolute ? "." : "") + name
    case .select(let operand, let field, let optional, let test):
      if case .variable? = reference(expr) { return syntax.source.text(expr.span) }
      let inner = "\(text(operand)).\(optional ? "?" : "")\(field)"
      return test ? "has(\(inner))" : inner
    case .index(let operand, let index, let optional):
      return "\(text(operand))[\(optional ? "?" : "")\(text(index))]"
    case .call(let name, let target, let arguments):
      guard case .function(let function, _, let isInstance)? = reference(expr) else {
        return "\(name)(\(list(arguments)))"
      }
      let receiver = isInstance ? (target.map { text($0) + "." } ?? "") : ""
      return "\(receiver)\(function)(\(list(arguments)))"
    case .logic(let and, let terms): return "\(and ? "_&&_" : "_||_")(\(list(terms)))"
    case .conditional(let a, let b, let c): return "_?_:_(\(list([a, b, c])))"
    case .list(let elements):
      let parts = elements.map { ($0.optional ? "?" : "") + text($0.element) }
      return "[\(parts.joined(separator: ", "))]"
    case .map(let entries):
      let parts = entries.map { ($0.optional ? "?" : "") + "\(text($0.key)): \(text($0.value))" }
      return "{\(parts.joined(separator: ", "))}"
    case .message(let name, _, let fields): return "\(name){\(list(fields.map(\.value)))}"
    case .comprehension(let parts):
      let inner = (parts.condition.map { [$0] } ?? []) + [parts.body]
      let names = parts.variables.joined(separator: ", ")
      return "\(text(parts.range)).\(parts.kind.rawValue)(\(names), \(list(inner)))"
    case .bind(let name, let value, let body): return "cel.bind(\(name), \(list([value, body])))"
    case .optionalMap(let target, let name, let body, let flat):
      return "\(text(target)).\(flat ? "optFlatMap" : "optMap")(\(name), \(text(body)))"
    case .invalid: return "<invalid>"
    }
  }
}
