/// Turns a checked tree into nodes: names become slots, constants are folded, and operations whose
/// types are known get nodes of their own.
struct Planner {
  let tree: CheckedTree
  let environment: TypeEnvironment
  /// Local names; `loops` is the number of loops around, with the one that binds the name.
  var scope: [(name: String, slot: Int, loops: Int)] = []
  var frameSize = 0
  /// For each loop around: where it keeps what is the same in all its rounds.
  var invariants: [[Int]] = []
  /// Where the next such value is kept: behind all local names.
  var nextInvariant = 0
  var variableCount = 0
  var diagnostics: [Diagnostic] = []
  /// For evaluating constants.
  let checkContext = EvaluationContext(host: FactHost(), variableCapacity: 1)

  static func plan(
    _ tree: CheckedTree, _ environment: TypeEnvironment, source: String
  ) -> (Program, [Diagnostic]) {
    var planner = Planner(tree: tree, environment: environment)
    planner.nextInvariant = planner.locals(in: tree.syntax.root)
    let root = planner.plan(tree.syntax.root)
    let cost = CostModel(tree: tree).cost(tree.syntax.root)
    if let limit = environment.limits.cost, cost > limit {
      planner.report(
        .cost, "the worst-case cost of \(cost) steps is above \(limit)", tree.syntax.root)
    }
    let program = Program(
      source: source, type: tree.type, dependencies: tree.dependencies, cost: cost, root: root,
      frameSize: max(planner.frameSize, planner.nextInvariant),
      variableCount: planner.variableCount)
    return (program, planner.diagnostics)
  }

  private init(tree: CheckedTree, environment: TypeEnvironment) {
    self.tree = tree
    self.environment = environment
  }

  mutating func report(
    _ code: DiagnosticCode, _ message: String, _ expr: Expr, hint: String? = nil
  ) {
    if environment.isLenient { return }
    diagnostics.append(
      tree.syntax.source.diagnostic(code, message, expr.span, hint: hint))
  }

  func type(_ expr: Expr) -> CELType { tree.type(expr) }

  mutating func plan(_ expr: Expr) -> Node {
    guard let loop = loopToKeep(expr) else { return planned(expr) }
    let around = invariants
    // Its parts are kept with it.
    invariants = []
    let node = planned(expr)
    invariants = around
    if node.constant != nil { return node }
    let slot = nextInvariant
    nextInvariant += 1
    invariants[loop].append(slot)
    return LoopInvariantNode(slot, node)
  }

  private mutating func planned(_ expr: Expr) -> Node {
    switch expr.kind {
    case .literal(let literal): return Planner.constant(Planner.value(of: literal))
    case .ident(let name, _): return name_(expr, name)
    case .select(let operand, let field, let optional, let test):
      return select(expr, operand, field, optional: optional, test: test)
    case .index(let operand, let index, let optional):
      let parts = [plan(operand), plan(index)]
      return fold(IndexNode(parts[0], parts[1], optional: optional), of: parts)
    case .call(let name, let target, let arguments):
      return call(expr, name, target, arguments)
    case .logic(let and, let terms): return logic(and: and, terms)
    case .conditional(let condition, let yes, let no):
      let test = plan(condition)
      if case .bool(let always)? = test.constant { return plan(always ? yes : no) }
      return ConditionalNode(test, plan(yes), plan(no))
    case .list(let elements):
      let nodes = elements.map { (node: plan($0.element), optional: $0.optional) }
      return fold(ListNode(nodes), of: nodes.map(\.node))
    case .map(let entries):
      let nodes = entries.map {
        (key: plan($0.key), value: plan($0.value), optional: $0.optional)
      }
      return fold(MapNode(nodes), of: nodes.flatMap { [$0.key, $0.value] })
    case .comprehension(let parts): return comprehension(parts)
    case .bind(let name, let value, let body):
      let bound = plan(value)
      return scoped([name]) { planner, slots in
        BindNode(slots[0], bound, planner.plan(body))
      }
    case .optionalMap(let target, let name, let body, let flat):
      let node = plan(target)
      return scoped([name]) { planner, slots in
        OptionalMapNode(node, slots[0], planner.plan(body), flat: flat)
      }
    case .message, .invalid:
      return ConstantNode(.failure(.undeclared, "the expression has an invalid part"))
    }
  }

  static func value(of literal: Literal) -> Value {
    switch literal {
    case .null: .null
    case .bool(let value): .bool(value)
    case .int(let value): .int(value)
    case .uint(let value): .uint(value)
    case .double(let value): .double(value)
    case .string(let value): .text(value)
    case .bytes(let value): .bytes(Text(value))
    }
  }

  static func constant(_ value: Value) -> Node {
    switch value {
    case .bool(let bool): BoolConstantNode(bool)
    case .int(let int): IntConstantNode(int)
    default: ConstantNode(value)
    }
  }

  /// The node, or its value where all inputs are constant and it has one.
  func fold(_ node: Node, of inputs: [Node]) -> Node {
    guard inputs.allSatisfy({ $0.constant != nil }) else { return node }
    checkContext.begin(today: .earliest, now: .distantPast, budget: 10_000)
    let value = node.value(checkContext)
    if value.isAbrupt { return node }
    return Planner.constant(value)
  }

  mutating func scoped(
    _ names: [String], _ body: (inout Planner, [Int]) -> Node
  ) -> Node {
    let slots = names.indices.map { scope.count + $0 }
    for (name, slot) in zip(names, slots) { scope.append((name, slot, invariants.count)) }
    frameSize = max(frameSize, scope.count)
    let node = body(&self, slots)
    scope.removeLast(names.count)
    return node
  }

  // MARK: Names and fields

  private mutating func name_(_ expr: Expr, _ name: String) -> Node {
    reference(expr) ?? ConstantNode(.failure(.undeclared, "'\(name)' is not declared"))
  }

  private mutating func reference(_ expr: Expr) -> Node? {
    switch tree.reference(expr) {
    case .local:
      guard case .ident(let name, _) = expr.kind,
        let local = scope.last(where: { $0.name == name })
      else { return nil }
      return LocalNode(local.slot)
    case .variable(let variable):
      variableCount = max(variableCount, variable.slot + 1)
      if let definition = variable.definition {
        variableCount = max(variableCount, definition.variableCount)
        return LazyVariableNode(variable.slot, definition)
      }
      return VariableNode(variable.slot)
    case .today: return TodayNode()
    case .now: return NowNode()
    case .type(let value): return ConstantNode(.type(value))
    default: return nil
    }
  }

  private mutating func select(
    _ expr: Expr, _ operand: Expr, _ field: String, optional: Bool, test: Bool
  ) -> Node {
    guard case .field(let typeID, let declaration)? = tree.reference(expr) else {
      if let known = reference(expr) { return known }
      if !optional, case .select(let inner, let name, optional: true, test: false) = operand.kind,
        test
      {
        // has(a.?b.c): absent where b is.
        let node = SelectNode(plan(inner), name, optional: true, test: false)
        return SelectNode(node, field, optional: false, test: true)
      }
      let node = plan(operand)
      return fold(SelectNode(node, field, optional: optional, test: test), of: [node])
    }
    let node = plan(operand)
    let slot = declaration.slot
    let isPlain = if case .object = type(operand) { true } else { false }
    let read: FieldNode =
      switch node {
      case _ where !isPlain: ComputedFieldNode(node, typeID, slot)
      case let local as LocalNode: LocalFieldNode(local.slot, typeID, slot)
      case let variable as VariableNode: VariableFieldNode(variable.slot, typeID, slot)
      default: ComputedFieldNode(node, typeID, slot)
      }
    if test { return HasFieldNode(read, declaration.type) }
    return optional ? OptionalFieldNode(read) : read
  }

  // MARK: Logic and loops

  private mutating func logic(and: Bool, _ terms: [Expr]) -> Node {
    var nodes: [Node] = []
    for term in terms {
      let node = plan(term)
      if case .bool(let value)? = node.constant {
        // A decisive constant decides alone; the other one changes nothing.
        if value != and { return BoolConstantNode(value) }
        continue
      }
      nodes.append(node)
    }
    if nodes.isEmpty { return BoolConstantNode(and) }
    if nodes.count == 1, terms.count > 1, type(terms[0]) == .bool {
      return StrictBoolNode(nodes[0])
    }
    return nodes.dropLast().reversed().reduce(nodes[nodes.count - 1]) {
      ChainNode($1, $0, decisive: !and)
    }
  }

  private mutating func comprehension(_ parts: Comprehension) -> Node {
    let range = plan(parts.range)
    invariants.append([])
    return scoped(parts.variables) { planner, slots in
      let slot = slots[slots.count - 1]
      let keySlot = slots.count == 2 ? slots[0] : -1
      let condition = parts.condition.map { planner.plan($0) }
      let body = planner.plan(parts.body)
      let kept = planner.invariants.removeLast()
      switch parts.kind {
      case .all, .exists:
        return QuantifierNode(
          range, slot: slot, keySlot: keySlot, invariants: kept, body: body,
          decisive: parts.kind == .exists)
      case .existsOne:
        return ExistsOneNode(range, slot: slot, keySlot: keySlot, invariants: kept, body: body)
      case .filter:
        return CollectNode(
          range, slot: slot, keySlot: keySlot, invariants: kept, condition: body, body: nil)
      case .map, .transformList:
        return CollectNode(
          range, slot: slot, keySlot: keySlot, invariants: kept, condition: condition, body: body)
      case .transformMap, .transformMapEntry:
        return TransformMapNode(
          range, slot: slot, keySlot: keySlot, invariants: kept, condition: condition, body: body,
          entries: parts.kind == .transformMapEntry)
      }
    }
  }
}
