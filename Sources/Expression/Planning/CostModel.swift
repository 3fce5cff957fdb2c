/// The static worst-case cost of an expression.
struct CostModel {
  let tree: CheckedTree
  /// Length of a list nothing is known about.
  static let unknownCount = 16
  private static let limit = 1 << 40

  func cost(_ expr: Expr) -> Int {
    let sum: Int
    switch expr.kind {
    case .literal, .ident, .invalid:
      if case .variable(let variable)? = tree.reference(expr) {
        sum = 1 + (variable.definition?.cost ?? 0)
      } else {
        sum = 1
      }
    case .select(let operand, _, _, _): sum = 1 + cost(operand)
    case .index(let operand, let index, _): sum = 1 + cost(operand) + cost(index)
    case .call(_, let target, let arguments):
      var own = 1
      if case .function(_, let overloads, let isInstance)? = tree.reference(expr) {
        own = overloads.map(\.cost).max() ?? 1
        if isInstance, let target { own += cost(target) }
      }
      sum = own + arguments.reduce(0) { $0 + cost($1) }
    case .logic(_, let terms): sum = terms.reduce(0) { $0 + cost($1) }
    case .conditional(let a, let b, let c): sum = cost(a) + max(cost(b), cost(c))
    case .list(let elements): sum = 1 + elements.reduce(0) { $0 + cost($1.element) }
    case .map(let entries): sum = 1 + entries.reduce(0) { $0 + cost($1.key) + cost($1.value) }
    case .message(_, _, let fields): sum = 1 + fields.reduce(0) { $0 + cost($1.value) }
    case .comprehension(let parts):
      let round = 1 + cost(parts.body) + (parts.condition.map { cost($0) } ?? 0)
      let product = count(parts.range).multipliedReportingOverflow(by: round)
      sum = cost(parts.range) + (product.overflow ? CostModel.limit : product.partialValue)
    case .bind(_, let value, let body): sum = cost(value) + cost(body)
    case .optionalMap(let target, _, let body, _): sum = 1 + cost(target) + cost(body)
    }
    return min(sum, CostModel.limit)
  }

  /// Worst-case length of a list.
  private func count(_ expr: Expr) -> Int {
    switch expr.kind {
    case .list(let elements): return elements.count
    case .map(let entries): return entries.count
    case .comprehension(let parts): return count(parts.range)
    case .select:
      if case .field(_, let declaration)? = tree.reference(expr) { return declaration.maxCount }
      return CostModel.unknownCount
    default: return CostModel.unknownCount
    }
  }
}
