/// Calls that are macros become nodes of their own while parsing.
extension Parser {
  mutating func call(
    _ name: String, nameSpan: Span, target: Expr?, _ arguments: [Expr], end: Span
  ) -> Expr {
    let span = (target?.span ?? nameSpan).joined(end)
    if let target {
      if let kind = Parser.loopKind(name, arguments.count) {
        return comprehension(kind, target, arguments, span, nameSpan)
      }
      if name == "bind", arguments.count == 3, case .ident("cel", _) = target.kind {
        guard let variable = variableName(arguments[0]) else {
          return make(.invalid, span, children: arguments)
        }
        return make(
          .bind(variable, arguments[1], arguments[2]), span, focus: nameSpan,
          children: [arguments[1], arguments[2]])
      }
      if name == "sortBy", arguments.count == 2 {
        return sortBy(target, arguments, span, nameSpan)
      }
      if name == "optMap" || name == "optFlatMap", arguments.count == 2 {
        guard let variable = variableName(arguments[0]) else {
          return make(.invalid, span, children: arguments)
        }
        return make(
          .optionalMap(target, variable, arguments[1], flat: name == "optFlatMap"), span,
          focus: nameSpan, children: [target, arguments[1]])
      }
    } else if name == "has", arguments.count == 1 {
      return has(arguments[0], span)
    }
    return make(
      .call(name, target: target, arguments: arguments), span, focus: nameSpan,
      children: (target.map { [$0] } ?? []) + arguments)
  }

  /// `list.sortBy(x, key)`: binds the list and sorts it by the list of its keys.
  private mutating func sortBy(
    _ target: Expr, _ arguments: [Expr], _ span: Span, _ focus: Span
  ) -> Expr {
    let list = "@sorted"
    let range = make(.ident(list, absolute: false), target.span)
    let keys = comprehension(.map, range, arguments, span, focus)
    let elements = make(.ident(list, absolute: false), target.span)
    let sorted = make(
      .call("@sortByKeys", target: nil, arguments: [elements, keys]), span, focus: focus,
      children: [elements, keys])
    return make(.bind(list, target, sorted), span, focus: focus, children: [target, sorted])
  }

  private mutating func has(_ argument: Expr, _ span: Span) -> Expr {
    guard case .select(let operand, let field, let optional, test: false) = argument.kind else {
      report(
        .macro, "has() takes a field, as in has(a.b)", argument.span)
      return make(.invalid, span, children: [argument])
    }
    return make(
      .select(operand, field: field, optional: optional, test: true), span,
      focus: argument.focus, children: [operand])
  }

  private static func loopKind(_ name: String, _ count: Int) -> ComprehensionKind? {
    switch (name, count) {
    case ("all", 2), ("all", 3): .all
    case ("exists", 2), ("exists", 3): .exists
    case ("exists_one", 2), ("existsOne", 2), ("exists_one", 3), ("existsOne", 3): .existsOne
    case ("filter", 2): .filter
    case ("map", 2), ("map", 3): .map
    case ("transformList", 3), ("transformList", 4): .transformList
    case ("transformMap", 3), ("transformMap", 4): .transformMap
    case ("transformMapEntry", 3), ("transformMapEntry", 4): .transformMapEntry
    default: nil
    }
  }

  private mutating func comprehension(
    _ kind: ComprehensionKind, _ range: Expr, _ arguments: [Expr], _ span: Span, _ focus: Span
  ) -> Expr {
    let variableCount =
      switch kind {
      case .all, .exists, .existsOne: arguments.count - 1
      case .filter, .map: 1
      case .transformList, .transformMap, .transformMapEntry: 2
      }
    var names: [String] = []
    for argument in arguments.prefix(variableCount) {
      guard let name = variableName(argument) else {
        return make(.invalid, span, focus: focus, children: [range] + arguments)
      }
      if names.contains(name) {
        report(.macro, "the two variables have one name", argument.span)
      }
      names.append(name)
    }
    let rest = Array(arguments.dropFirst(variableCount))
    let parts = Comprehension(
      kind: kind, range: range, variables: names,
      variableSpans: arguments.prefix(variableCount).map(\.span),
      condition: rest.count == 2 ? rest[0] : nil, body: rest[rest.count - 1])
    return make(
      .comprehension(parts), span, focus: focus, children: [range], inLoop: rest)
  }

  private mutating func variableName(_ expr: Expr) -> String? {
    if case .ident(let name, absolute: false) = expr.kind { return name }
    if case .invalid = expr.kind { return nil }
    report(
      .macro, "expected a simple variable name", expr.span,
      hint: "as in list.exists(x, x > 1)")
    return nil
  }
}
