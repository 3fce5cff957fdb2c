/// Finds comparisons whose next change can be computed.
extension Planner {
  /// The comparison as a node that knows when it changes, where one side moves with time in a known
  /// way and the other does not depend on time.
  func timeComparison(_ op: CompareOperator, _ nodes: [Node], _ parts: [Expr]) -> Node? {
    guard tree.dependencies.dependsOnTime, parts.count == 2 else { return nil }
    let isOfDates = parts.allSatisfy { type($0) == .date }
    if let shape = shape(parts[0]), !dependsOnTime(parts[1]) {
      return TimeCompareNode(op, nodes[0], nodes[1], shape, isOfDates: isOfDates)
    }
    if let shape = shape(parts[1]), !dependsOnTime(parts[0]) {
      return TimeCompareNode(op.flipped, nodes[1], nodes[0], shape, isOfDates: isOfDates)
    }
    return nil
  }

  /// The comparison of a field that is an age with what does not depend on time, as a node that
  /// asks for one birthday only.
  func ageComparison(
    _ op: CompareOperator, _ nodes: [Node], _ parts: [Expr], _ plain: Node
  ) -> Node? {
    guard environment.comparesBirthdays, op != .equal, op != .notEqual,
      parts.allSatisfy({ type($0) == .int })
    else { return nil }
    if let birth = birth(parts[0], nodes[0]), !dependsOnTime(parts[1]) {
      return AgeFieldCompareNode(op, birth, nodes[1], plain)
    }
    if let birth = birth(parts[1], nodes[1]), !dependsOnTime(parts[0]) {
      return AgeFieldCompareNode(op.flipped, birth, nodes[0], plain)
    }
    return nil
  }

  /// The date of birth of the variable whose age an expression is.
  private func birth(_ expr: Expr, _ node: Node) -> Node? {
    guard case .field(let typeID, let declaration)? = tree.reference(expr),
      let birth = declaration.birth
    else { return nil }
    switch node {
    case let node as LocalFieldNode: return LocalFieldNode(node.slot, typeID, birth)
    case let node as VariableFieldNode: return VariableFieldNode(node.slot, typeID, birth)
    default: return nil
    }
  }

  /// How the value of an expression moves, or nil where that is not known.
  private func shape(_ expr: Expr) -> TimeShape? {
    switch tree.reference(expr) {
    case .today: return TimeShape(unit: .day, isIncreasing: true, form: .linear)
    case .now: return TimeShape(unit: .instant, isIncreasing: true, form: .linear)
    default: break
    }
    guard case .call(_, let target, let arguments) = expr.kind,
      case .function(let name, _, let isInstance)? = tree.reference(expr)
    else { return nil }
    let parts = (isInstance ? (target.map { [$0] } ?? []) : []) + arguments
    guard let first = parts.first else { return nil }
    if parts.count == 1 { return unaryShape(name, first) }
    guard parts.count == 2 else { return nil }
    return binaryShape(name, first, parts[1])
  }

  private func unaryShape(_ name: String, _ operand: Expr) -> TimeShape? {
    guard let inner = shape(operand) else { return nil }
    switch name {
    case "date":
      // The civil day of a moving timestamp.
      return inner.unit == .day
        ? inner : TimeShape(unit: .day, isIncreasing: inner.isIncreasing, form: .steps)
    case "year": return TimeShape(unit: .day, isIncreasing: inner.isIncreasing, form: .steps)
    case "at_start", "at_end":
      return TimeShape(unit: .day, isIncreasing: inner.isIncreasing, form: .steps)
    case "timestamp": return inner
    default: return nil
    }
  }

  private func binaryShape(_ name: String, _ a: Expr, _ b: Expr) -> TimeShape? {
    if let inner = shape(a), !dependsOnTime(b) {
      switch name {
      case "_+_", "_-_":
        return inner.form == .age
          ? TimeShape(unit: .day, isIncreasing: inner.isIncreasing, form: .steps) : inner
      case "addDays": return inner.unit == .day ? inner : nil
      case "addMonths", "addYears", "addWorkdays", "plus", "minus":
        return TimeShape(unit: .day, isIncreasing: inner.isIncreasing, form: .steps)
      case "age", "months", "workdays":
        return TimeShape(unit: .day, isIncreasing: !inner.isIncreasing, form: .steps)
      default: return nil
      }
    }
    if let inner = shape(b), !dependsOnTime(a) {
      switch name {
      case "_+_", "_-_":
        return TimeShape(
          unit: inner.unit, isIncreasing: name == "_+_" ? inner.isIncreasing : !inner.isIncreasing,
          form: inner.form == .age ? .steps : inner.form)
      case "age":
        if case .today? = tree.reference(b) {
          return TimeShape(unit: .day, isIncreasing: true, form: .age)
        }
        return TimeShape(unit: .day, isIncreasing: inner.isIncreasing, form: .steps)
      case "months", "workdays":
        return TimeShape(unit: .day, isIncreasing: inner.isIncreasing, form: .steps)
      default: return nil
      }
    }
    return nil
  }

  /// True where the value may change with time alone. Locals count as they are: what they were
  /// bound to has limited validity when it was evaluated.
  func dependsOnTime(_ expr: Expr) -> Bool {
    switch tree.reference(expr) {
    case .today, .now: return true
    case .field(_, let declaration) where declaration.dependsOnTime: return true
    case .function(_, let overloads, _) where overloads.contains(where: \.dependsOnTime):
      return true
    case .variable(let variable):
      return variable.definition?.dependencies.dependsOnTime ?? false
    default: break
    }
    switch expr.kind {
    case .literal, .ident, .invalid: return false
    case .select(let operand, _, _, _): return dependsOnTime(operand)
    case .index(let a, let b, _): return dependsOnTime(a) || dependsOnTime(b)
    case .call(_, let target, let arguments):
      return arguments.contains(where: dependsOnTime) || (target.map(dependsOnTime) ?? false)
    case .logic(_, let terms): return terms.contains(where: dependsOnTime)
    case .conditional(let a, let b, let c):
      return dependsOnTime(a) || dependsOnTime(b) || dependsOnTime(c)
    case .list(let elements): return elements.contains { dependsOnTime($0.element) }
    case .map(let entries):
      return entries.contains { dependsOnTime($0.key) || dependsOnTime($0.value) }
    case .message(_, _, let fields): return fields.contains { dependsOnTime($0.value) }
    case .comprehension(let parts):
      return dependsOnTime(parts.range) || dependsOnTime(parts.body)
        || (parts.condition.map(dependsOnTime) ?? false)
    case .bind(_, let value, let body): return dependsOnTime(value) || dependsOnTime(body)
    case .optionalMap(let target, _, let body, _):
      return dependsOnTime(target) || dependsOnTime(body)
    }
  }
}
