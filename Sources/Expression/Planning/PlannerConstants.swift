/// Problems of constant arguments, found before they are evaluated.
extension Planner {
  struct ConstantProblem {
    let code: DiagnosticCode
    let message: String
    let hint: String?
    let place: Expr
  }

  /// A constant argument that can never be valid.
  func constantProblem(
    _ name: String, _ overloads: [FunctionOverload], _ nodes: [Node], _ parts: [Expr]
  ) -> ConstantProblem? {
    if name == "format", nodes.count == 2, case .string(let pattern)? = nodes[0].constant {
      return formatProblem(pattern, parts)
    }
    guard let last = nodes.last, let place = parts.last, case .string(let text)? = last.constant
    else { return nil }
    switch (name, nodes.count) {
    case ("matches", 2):
      do throws(RegexProblem) {
        _ = try Regex(text)
      } catch {
        return ConstantProblem(
          code: .regex, message: "the regular expression does not compile: \(error.message)",
          hint: nil, place: place)
      }
    case ("plus", 2), ("minus", 2):
      if TermText.parse(text) == nil {
        return ConstantProblem(
          code: .constant, message: "'\(text.string)' is no term",
          hint: "a term is a number and a unit: 30m 4h 7d 3wd 6mo 1y", place: place)
      }
    case ("date", 1), ("timestamp", 1), ("duration", 1):
      if case .error? = overloads.first(where: { $0.parameters == [.string] })?
        .call(checkContext, [.string(text)])
      {
        let example =
          switch name {
          case "date": "2024-01-31"
          case "timestamp": "2024-01-31T08:00:00+08:00"
          default: "1h30m"
          }
        return ConstantProblem(
          code: .constant, message: "'\(text.string)' is no \(name)",
          hint: "as in \(name)('\(example)')", place: place)
      }
    default: break
    }
    return nil
  }

  private func formatProblem(_ pattern: Text, _ parts: [Expr]) -> ConstantProblem? {
    let clauses: [UInt8]
    switch Format.clauses(pattern) {
    case .success(let found): clauses = found
    case .failure(let problem):
      return ConstantProblem(
        code: .constant, message: "'\(problem.clause)' is no formatting clause",
        hint: "write %% for a percent sign", place: parts[0])
    }
    guard case .list(let elements) = parts[1].kind, !elements.contains(where: \.optional) else {
      return nil
    }
    if elements.count != clauses.count {
      return ConstantProblem(
        code: .constant,
        message: "formatting clauses: \(clauses.count), values: \(elements.count)",
        hint: nil, place: parts[1])
    }
    for (clause, element) in zip(clauses, elements)
    where !Format.accepts(clause, type(element.element)) {
      let name = "%" + String(UnicodeScalar(clause))
      return ConstantProblem(
        code: .constant, message: "'\(name)' does not take \(type(element.element))",
        hint: name == "%d" || name == "%f" ? "use %s for text" : nil, place: element.element)
    }
    return nil
  }
}
