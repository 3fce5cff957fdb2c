import Expression

/// Finds out how the expressions of a rule go through lists of events.
struct EventListCompiler {
  let compiler: ExpressionCompiler
  /// Has a variable for an element.
  let environment: TypeEnvironment
  let parameterNames: [String: Int]

  private static let element = "event"

  /// How programs go through each list that they read themselves; a list of which they may see any
  /// event is left out.
  func uses(in programs: [Program]) -> [FactSlot: [EventListUse]] {
    var uses: [FactSlot: [EventListUse]] = [:]
    for list in lists(read: programs) {
      let slot = FactSlot(list.object, list.slot)
      let found = programs.compactMap {
        ListUse.all(of: list.name, in: $0.source, calling: EventListCompiler.element)
      }
      guard found.count == programs.count else { continue }
      uses[slot] = found.flatMap(\.self).map { use($0, of: slot) }
    }
    return uses
  }

  /// What a condition asks of how many events there are, where it asks nothing else.
  func threshold(of condition: Program, _ lets: [LetBinding]) -> EventThreshold? {
    let lists = lists(read: [condition])
    if lists.isEmpty { return nil }
    let definitions = Dictionary(
      lets.map { ($0.name, $0.program.source) }, uniquingKeysWith: { first, _ in first })
    guard let found = ListThreshold(
        condition.source, calling: EventListCompiler.element, definitions: definitions),
      let limit = limit(found.limit),
      let list = lists.first(where: { $0.name == found.use.field })
    else { return nil }
    var number: ElementExpression?
    if let added = found.number {
      number = expression(added, .int)
      if number == nil { return nil }
    }
    return EventThreshold(
      use: use(found.use, of: FactSlot(list.object, list.slot)), number: number, limit: limit)
  }

  /// The lists of events that are no other facts' doing. Two of one name cannot be told apart.
  private func lists(read programs: [Program]) -> [FactDefinition] {
    let read = programs.reduce(into: Set<FieldRead>()) { $0.formUnion($1.dependencies.fields) }
    return compiler.facts.filter { fact in
      guard fact.type == .events, isPlain(fact) else { return false }
      return read.contains { $0.typeID == fact.object.rawValue && $0.slot == fact.slot }
        && !compiler.facts.contains { $0.name == fact.name && $0.object != fact.object }
    }
  }

  private func isPlain(_ fact: FactDefinition) -> Bool {
    switch fact.origin {
    case .series, .builtin: true
    case .state, .derived: false
    }
  }

  private func use(_ use: ListUse, of list: FactSlot) -> EventListUse {
    EventListUse(
      list: list,
      conditions: use.conditions.compactMap { expression($0, .bool) })
  }

  private func expression(_ text: String, _ type: CELType) -> ElementExpression? {
    guard let program = try? environment.compile(text, expecting: type) else { return nil }
    return ElementExpression(program: program, reads: compiler.reads(program.dependencies))
  }

  private func limit(_ text: String) -> EventThreshold.Limit? {
    if let number = Int64(text) { return .number(number) }
    let parts = text.split(separator: ".", omittingEmptySubsequences: false)
    guard parts.count == 2, parts[0] == "params", let index = parameterNames[String(parts[1])]
    else { return nil }
    return .parameter(index)
  }
}
