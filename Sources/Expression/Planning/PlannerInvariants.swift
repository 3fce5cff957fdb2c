/// Finds what is the same in all rounds of a loop.
extension Planner {
  /// The loop (from the outermost, 0) that should keep the value of an expression in its body, nil
  /// where that is not worth while or not possible.
  ///
  /// Calls, indexes and fields of computed objects are kept. Loops are not: they have their steps
  /// counted each time.
  func loopToKeep(_ expr: Expr) -> Int? {
    guard !invariants.isEmpty, isWorthKeeping(expr), let loops = loopsRead(expr),
      loops < invariants.count
    else { return nil }
    return loops
  }

  private func isWorthKeeping(_ expr: Expr) -> Bool {
    switch expr.kind {
    case .call(let name, _, _): return name != "known"
    case .index: return true
    case .select(let operand, _, let optional, let test):
      if optional || test { return false }
      if case .ident = operand.kind { return false }
      guard case .field? = tree.reference(expr) else { return false }
      return true
    default: return false
    }
  }

  /// How many loops around bind what an expression reads; nil where it has a loop or binds names
  /// itself.
  private func loopsRead(_ expr: Expr) -> Int? {
    switch expr.kind {
    case .literal, .invalid: return 0
    case .ident(let name, _):
      guard case .local? = tree.reference(expr) else { return 0 }
      return scope.last { $0.name == name }?.loops
    case .select(let operand, _, _, _):
      // A qualified name is no field of anything.
      if case .field? = tree.reference(expr) { return loopsRead(operand) }
      return tree.reference(expr) == nil ? loopsRead(operand) : 0
    case .index(let operand, let index, _): return most([operand, index])
    case .call(_, let target, let arguments):
      guard case .function(_, _, let isInstance)? = tree.reference(expr) else { return nil }
      return most((isInstance ? (target.map { [$0] } ?? []) : []) + arguments)
    case .logic(_, let terms): return most(terms)
    case .conditional(let condition, let yes, let no): return most([condition, yes, no])
    case .list(let elements): return most(elements.map(\.element))
    case .map(let entries): return most(entries.flatMap { [$0.key, $0.value] })
    case .message, .comprehension, .bind, .optionalMap: return nil
    }
  }

  private func most(_ parts: [Expr]) -> Int? {
    var most = 0
    for part in parts {
      guard let loops = loopsRead(part) else { return nil }
      most = max(most, loops)
    }
    return most
  }

  /// The most local names that are bound at once.
  func locals(in expr: Expr) -> Int {
    switch expr.kind {
    case .literal, .invalid, .ident: return 0
    case .select(let operand, _, _, _): return locals(in: operand)
    case .index(let operand, let index, _): return max(locals(in: operand), locals(in: index))
    case .call(_, let target, let arguments):
      return max(target.map(locals) ?? 0, arguments.map(locals).max() ?? 0)
    case .logic(_, let terms): return terms.map(locals).max() ?? 0
    case .conditional(let a, let b, let c):
      return max(locals(in: a), locals(in: b), locals(in: c))
    case .list(let elements): return elements.map { locals(in: $0.element) }.max() ?? 0
    case .map(let entries):
      return entries.map { max(locals(in: $0.key), locals(in: $0.value)) }.max() ?? 0
    case .message(_, _, let fields): return fields.map { locals(in: $0.value) }.max() ?? 0
    case .comprehension(let parts):
      let inside = max(locals(in: parts.body), parts.condition.map(locals) ?? 0)
      return max(locals(in: parts.range), parts.variables.count + inside)
    case .bind(_, let value, let body):
      return max(locals(in: value), 1 + locals(in: body))
    case .optionalMap(let target, _, let body, _):
      return max(locals(in: target), 1 + locals(in: body))
    }
  }
}
