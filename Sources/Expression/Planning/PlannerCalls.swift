/// Calls and operators.
extension Planner {
  mutating func call(
    _ expr: Expr, _ name: String, _ target: Expr?, _ arguments: [Expr]
  ) -> Node {
    guard case .function(let function, let overloads, let isInstance)? = tree.reference(expr)
    else { return ConstantNode(.failure(.undeclared, "'\(name)' is not declared")) }
    let parts = (isInstance ? (target.map { [$0] } ?? []) : []) + arguments
    let nodes = parts.map { plan($0) }
    let types = parts.map { type($0) }
    if let special = operation(function, nodes, types, parts) {
      return fold(special, of: nodes)
    }
    if function == "known", nodes.count == 1 { return KnownNode(nodes[0]) }
    if let problem = constantProblem(function, overloads, nodes, parts) {
      report(problem.code, problem.message, problem.place, hint: problem.hint)
    }
    if let special = specialised(function, overloads, nodes, types) {
      return fold(special, of: nodes)
    }
    let node = plain(function, overloads, nodes)
    if overloads.contains(where: { $0.dependsOnTime }) { return TimeBoundNode(node) }
    if overloads.contains(where: { $0.needsContext }) || nodes.isEmpty && !isFoldable(function) {
      return node
    }
    return fold(node, of: nodes)
  }

  private func isFoldable(_ function: String) -> Bool { function == "optional.none" }

  private func plain(
    _ name: String, _ overloads: [FunctionOverload], _ nodes: [Node]
  ) -> Node {
    if overloads.count == 1 {
      switch (overloads[0].body, nodes.count) {
      case (.unary(let f), 1): return UnaryCallNode(f, nodes[0])
      case (.binary(let f), 2): return BinaryCallNode(f, nodes[0], nodes[1])
      default: break
      }
    }
    let missing =
      overloads.isEmpty
      ? EvaluationError(.undeclared, "there is no function '\(name)' for these values")
      : .noSuchOverload
    return CallNode(overloads, nodes, missing: missing)
  }

  /// Operators, which have nodes of their own for the common types.
  private func operation(
    _ name: String, _ nodes: [Node], _ types: [CELType], _ parts: [Expr]
  ) -> Node? {
    switch (name, nodes.count) {
    case ("_==_", 2), ("_!=_", 2), ("_<_", 2), ("_<=_", 2), ("_>_", 2), ("_>=_", 2):
      guard let op = CompareOperator(name) else { return nil }
      if let timed = timeComparison(op, nodes, parts) { return timed }
      let plain =
        op == .equal || op == .notEqual
        ? equality(op, nodes, types) : comparison(op, nodes, types)
      return ageComparison(op, nodes, parts, plain) ?? plain
    case ("!_", 1): return NotNode(nodes[0])
    case ("-_", 1):
      // The least int has no opposite: that fails in both ways.
      return types == [.int]
        ? IntArithmeticNode(.subtract, IntConstantNode(0), nodes[0])
        : UnaryCallNode(Arithmetic.negate, nodes[0])
    case ("_+_", 2), ("_-_", 2), ("_*_", 2), ("_/_", 2): return arithmetic(name, nodes, types)
    case ("_%_", 2): return BinaryCallNode(Arithmetic.modulo, nodes[0], nodes[1])
    case ("@in", 2):
      if case .list(let list)? = nodes[1].constant,
        let node = InConstantsNode(nodes[0], list.elements)
      {
        return node
      }
      return BinaryCallNode(Arithmetic.contains, nodes[0], nodes[1])
    default: return nil
    }
  }

  private func equality(
    _ op: CompareOperator, _ nodes: [Node], _ types: [CELType]
  ) -> Node {
    let negated = op == .notEqual
    if types == [.int, .int] || types == [.date, .date] { return comparison(op, nodes, types) }
    if case .string(let text)? = nodes[1].constant {
      return TextConstantEqualsNode(nodes[0], text, negated: negated)
    }
    if case .string(let text)? = nodes[0].constant {
      return TextConstantEqualsNode(nodes[1], text, negated: negated)
    }
    return EqualsNode(nodes[0], nodes[1], negated: negated)
  }

  private func comparison(
    _ op: CompareOperator, _ nodes: [Node], _ types: [CELType]
  ) -> Node {
    if types == [.int, .int] {
      if case .int(let value)? = nodes[1].constant {
        return FieldCompareNode(op, nodes[0], value) ?? IntConstantCompareNode(op, nodes[0], value)
      }
      if case .int(let value)? = nodes[0].constant {
        return FieldCompareNode(op.flipped, nodes[1], value)
          ?? IntConstantCompareNode(op.flipped, nodes[1], value)
      }
      return IntCompareNode(op, nodes[0], nodes[1])
    }
    if types == [.date, .date] { return DateCompareNode(op, nodes[0], nodes[1]) }
    return CompareNode(op, nodes[0], nodes[1])
  }

  private func arithmetic(_ name: String, _ nodes: [Node], _ types: [CELType]) -> Node {
    if types == [.int, .int] {
      switch name {
      case "_+_": return IntArithmeticNode(.add, nodes[0], nodes[1])
      case "_-_": return IntArithmeticNode(.subtract, nodes[0], nodes[1])
      case "_/_": return IntArithmeticNode(.divide, nodes[0], nodes[1])
      default: return IntArithmeticNode(.multiply, nodes[0], nodes[1])
      }
    }
    switch name {
    case "_+_": return BinaryCallNode(Arithmetic.add, nodes[0], nodes[1])
    case "_-_":
      if types == [.date, .date] { return DateDifferenceNode(nodes[0], nodes[1]) }
      return BinaryCallNode(Arithmetic.subtract, nodes[0], nodes[1])
    case "_/_": return BinaryCallNode(Arithmetic.divide, nodes[0], nodes[1])
    default: return BinaryCallNode(Arithmetic.multiply, nodes[0], nodes[1])
    }
  }

  /// Functions that do more at planning time than to be called.
  private func specialised(
    _ name: String, _ overloads: [FunctionOverload], _ nodes: [Node], _ types: [CELType]
  ) -> Node? {
    if name == "age", nodes.count == 2, nodes[1] is TodayNode { return AgeTodayNode(nodes[0]) }
    if name == "matches", nodes.count == 2, case .string(let pattern)? = nodes[1].constant,
      let regex = try? Regex(pattern)
    {
      return MatchesNode(nodes[0], regex)
    }
    if name == "or" || name == "orValue", nodes.count == 2, overloads.count == 1 {
      return OptionalOrNode(nodes[0], nodes[1], unwraps: name == "orValue")
    }
    if types == [.date, .int], let steps = DateStepNode(name, nodes[0], nodes[1]) { return steps }
    if let fused = fused(name, nodes, types) { return fused }
    if name == "size", nodes.count == 1, case .list = types[0] { return ListSizeNode(nodes[0]) }
    return nil
  }

  /// A function of a list that is made only for it.
  private func fused(_ name: String, _ nodes: [Node], _ types: [CELType]) -> Node? {
    guard nodes.count == 1, let list = nodes[0] as? CollectNode else { return nil }
    if name == "size", let condition = list.condition, list.isFilter {
      return FilteredCountNode(list, condition: condition)
    }
    if name == "sum", types == [.list(.int)], !list.isFilter {
      return IntSumNode(list)
    }
    return nil
  }
}
