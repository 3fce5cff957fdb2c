/// Comprehensions and `optMap`.
extension Checker {
  mutating func comprehension(_ expr: Expr, _ parts: Comprehension) -> CELType {
    let range = substitution.apply(visit(parts.range))
    let (first, second) = elementTypes(range, parts.range)
    var names: [(String, CELType)]
    if parts.variables.count == 2 {
      names = [(parts.variables[0], first), (parts.variables[1], second)]
    } else {
      var only = first
      if case .map = range {} else { only = second }
      names = [(parts.variables[0], only)]
    }
    let single = names[0].1
    return scoped(names) { checker in
      if let condition = parts.condition {
        checker.requireBool(condition, "the condition of '\(parts.kind.rawValue)'")
      }
      switch parts.kind {
      case .all, .exists, .existsOne:
        checker.requireBool(parts.body, "the condition of '\(parts.kind.rawValue)'")
        return .bool
      case .filter:
        checker.requireBool(parts.body, "the condition of 'filter'")
        return .list(single)
      case .map, .transformList: return .list(checker.visit(parts.body))
      case .transformMap: return .map(first, checker.visit(parts.body))
      case .transformMapEntry:
        let type = checker.substitution.apply(checker.visit(parts.body))
        switch type {
        case .map: return type
        case .dyn, .error: return .map(.dyn, .dyn)
        default:
          checker.report(
            .type, "transformMapEntry makes maps, not \(checker.shown(type))", parts.body.span)
          return checker.failure
        }
      }
    }
  }

  /// Index or key, and element or value.
  private mutating func elementTypes(_ range: CELType, _ expr: Expr) -> (CELType, CELType) {
    switch range {
    case .list(let element): return (.int, element)
    case .map(let key, let value): return (key, value)
    case .variable:
      _ = substitution.assign(.dyn, to: range)
      return (.dyn, .dyn)
    case .dyn: return (.dyn, .dyn)
    case .error: return (failure, failure)
    default:
      report(
        .type, "only a list or a map can be looped over, not \(shown(range))", expr.span)
      return (failure, failure)
    }
  }

  mutating func optionalMap(
    _ target: Expr, _ name: String, _ body: Expr, flat: Bool
  ) -> CELType {
    let type = visit(target)
    let inner = substitution.fresh()
    var variable = inner
    if !substitution.assign(type, to: .optional(inner)) {
      report(
        .type, "\(flat ? "optFlatMap" : "optMap") needs an optional, not \(shown(type))",
        target.span)
      variable = failure
    }
    return scoped([(name, substitution.apply(variable))]) { checker in
      let result = checker.visit(body)
      guard flat else { return .optional(result) }
      let wrapped = checker.substitution.fresh()
      if checker.substitution.assign(result, to: .optional(wrapped)) {
        return checker.substitution.apply(.optional(wrapped))
      }
      checker.report(
        .type, "optFlatMap needs a body that gives an optional", body.span,
        hint: "use optMap for a plain value")
      return checker.failure
    }
  }
}

/// The known name most like `name`, if any is alike enough, as a hint.
func suggestion(_ name: String, _ known: [String]) -> String? {
  let wanted = Array(name.unicodeScalars)
  guard wanted.count <= 64 else { return nil }
  var best: (distance: Int, name: String)?
  for candidate in known.sorted() where candidate != name {
    let other = Array(candidate.unicodeScalars)
    let limit = max(1, min(wanted.count, other.count) / 3)
    guard abs(other.count - wanted.count) <= limit else { continue }
    var distance = editDistance(wanted, other)
    if candidate.lowercased() == name.lowercased() { distance = 0 }
    if distance <= limit, distance < best?.distance ?? .max { best = (distance, candidate) }
  }
  return best.map { "did you mean '\($0.name)'?" }
}

/// Edits (insert, delete, replace, swap of neighbours) between two names.
private func editDistance(_ a: [Unicode.Scalar], _ b: [Unicode.Scalar]) -> Int {
  var beforeLast: [Int] = []
  var last = Array(0...b.count)
  for i in 0..<a.count {
    var row = [i + 1]
    for j in 0..<b.count {
      var cost = min(last[j + 1] + 1, row[j] + 1, last[j] + (a[i] == b[j] ? 0 : 1))
      if i > 0, j > 0, a[i] == b[j - 1], a[i - 1] == b[j] {
        cost = min(cost, beforeLast[j - 1] + 1)
      }
      row.append(cost)
    }
    beforeLast = last
    last = row
  }
  return last[b.count]
}
