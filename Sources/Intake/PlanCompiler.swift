internal import Policy
internal import Records
internal import Streaming
internal import Vocabulary

/// Turns event sources into flat plans. The sources were checked by the loader: a path that leads
/// nowhere compiles to one that finds nothing.
struct PlanCompiler {
  let arena = PlanArena()
  var objects: [ObjectPlan] = []
  var elements: [FieldPlan] = []
  var words: [NameTable] = []

  mutating func event(_ source: EventSource) -> EventPlan {
    let data = object(source.data)
    let context = Context(data: source.data, element: nil)
    var effective: PathPlan?
    if case .field(let path) = source.effective { effective = self.path(path, context) }
    let targets = source.targets.map { target($0, source.data) }
    return EventPlan(
      name: source.name, type: EventTypeID(source.name).rawValue, topic: source.topic, data: data,
      effective: effective, facts: facts(source.facts, context), targets: arena.copy(targets),
      targetCount: targets.count, members: source.members.map { members($0, source.data) },
      retracts: source.retracts.map { path($0, context) }, keepsOriginal: source.keepsOriginal)
  }

  // MARK: Data

  private mutating func object(_ shape: ObjectShape) -> Int {
    var fields: [FieldPlan] = []
    for field in shape.fields {
      var plan = check(field.shape, isOptional: field.isOptional)
      plan.name = arena.copy(field.name)
      if case .date(.when(let other, let allowed)) = field.shape,
        let index = shape.index(of: other), case .word(let known) = shape.fields[index].shape
      {
        plan.other = Int32(index)
        plan.allowed = arena.copy(known.map { allowed.contains($0) })
      }
      fields.append(plan)
    }
    let anyOf = shape.anyOf.compactMap { shape.index(of: $0) }.map { Int32($0) }
    objects.append(
      ObjectPlan(
        fields: arena.copy(fields), count: fields.count,
        names: NameTable(shape.fields.map(\.name), arena: arena), anyOf: arena.copy(anyOf),
        anyOfCount: anyOf.count,
        hasConditionalDates: fields.contains { $0.future == .conditional }))
    return objects.count - 1
  }

  private mutating func check(_ shape: DataShape, isOptional: Bool) -> FieldPlan {
    var plan = FieldPlan(name: .empty, check: .bool, isOptional: isOptional)
    switch shape {
    case .bool: plan.check = .bool
    case .money: plan.check = .money
    case .month: plan.check = .month
    case .timestamp: plan.check = .timestamp
    case .citizen: plan.check = .citizen
    case .int(let range, let asText):
      plan.check = asText ? .intOrText : .int
      plan.low = Int64(range.lowerBound)
      plan.high = Int64(range.upperBound)
    case .date(let future):
      plan.check = .date
      switch future {
      case .never: plan.future = .never
      case .always: plan.future = .always
      case .when: plan.future = .conditional
      }
    case .text(let range):
      plan.check = .text
      plan.low = Int64(range.lowerBound)
      plan.high = Int64(range.upperBound)
    case .code(let digits):
      plan.check = .code
      plan.digits = digits.reduce(0) { $0 | 1 << UInt64($1) }
    case .word(let list):
      plan.check = .word
      words.append(NameTable(list, arena: arena))
      plan.detail = Int32(words.count - 1)
    case .list(let list): self.list(list, &plan)
    case .object(let shape):
      plan.check = .object
      plan.detail = Int32(object(shape))
    }
    return plan
  }

  private mutating func list(_ list: ListShape, _ plan: inout FieldPlan) {
    plan.check = .list
    plan.low = Int64(list.count.lowerBound)
    plan.high = Int64(list.count.upperBound)
    let element = check(list.element, isOptional: false)
    elements.append(element)
    plan.detail = Int32(elements.count - 1)
    switch list.unique {
    case .none: plan.unique = .none
    case .elements: plan.unique = .elements
    case .field(let name):
      guard case .object(let shape) = list.element, let index = shape.index(of: name) else { break }
      plan.unique = .field
      plan.other = Int32(index)
    }
  }

  // MARK: Mappings

  private struct Context {
    var data: ObjectShape
    var element: DataShape?
  }

  private func path(_ path: FieldPath, _ context: Context) -> PathPlan {
    var steps: [Int32] = []
    var crossing = -1
    var shape = path.isRelative ? context.element : .object(context.data)
    for name in path.names {
      if case .list(let list) = shape, crossing < 0 {
        crossing = steps.count
        shape = list.element
      }
      guard case .object(let object) = shape, let index = object.index(of: name) else {
        steps = [-1]
        break
      }
      steps.append(Int32(index))
      shape = object.fields[index].shape
    }
    return PathPlan(
      isRelative: path.isRelative, steps: arena.copy(steps), count: steps.count,
      crossing: crossing)
  }

  /// The words of the field at a path.
  private func words(_ path: FieldPath, _ context: Context) -> [String] {
    let end = EventSource.resolve(path, data: context.data, element: context.element)
    if case .word(let words)? = end?.shape { return words }
    return []
  }

  private func conditions(_ list: [FieldCondition], _ context: Context) -> ConditionsPlan {
    let plans = list.map { condition in
      var plan = ConditionPlan(path: path(condition.field, context), test: .present)
      switch condition.test {
      case .present: plan.test = .present
      case .absent: plan.test = .absent
      case .isTrue: plan.test = .isTrue
      case .isFalse: plan.test = .isFalse
      case .oneOf(let allowed):
        plan.test = .oneOf
        plan.words = arena.copy(words(condition.field, context).map { allowed.contains($0) })
      }
      return plan
    }
    return ConditionsPlan(first: arena.copy(plans), count: plans.count)
  }

  private func encoded(_ constant: FactConstant) -> PlanText {
    let value: FactValue =
      switch constant {
      case .nothing: .none
      case .bool(let value): .bool(value)
      case .int(let value): .int(Int64(value))
      case .text(let value): .string(value)
      }
    let bytes = [UInt8](reserving: 32) { $0.factValue(value) }
    return PlanText(start: arena.copy(bytes), length: bytes.count)
  }

  private func facts(_ mappings: [FactMapping], _ context: Context) -> FactsPlan {
    let plans = mappings.map { fact($0, context) }
    return FactsPlan(first: arena.copy(plans), count: plans.count)
  }

  private func fact(_ mapping: FactMapping, _ context: Context) -> FactPlan {
    var plan = FactPlan(
      fact: FactID(mapping.fact).rawValue, operation: .constant,
      path: PathPlan(isRelative: false, steps: arena.copy([]), count: 0, crossing: -1),
      isSingle: false, conditions: conditions(mapping.conditions, context))
    switch mapping.value {
    case .constant(let constant): plan.constant = encoded(constant)
    case .field(let field, let absent):
      plan.operation = .field
      plan.path = path(field, context)
      plan.constant = absent.map { encoded($0) }
    case .others(let field):
      plan.operation = .others
      plan.path = path(field, context)
      if case .list(let list)? = EventSource.resolve(field, data: context.data, element: nil)?.shape
      {
        plan.isSingle = list.count.upperBound == 2
      }
    case .mapped(let field, let map, let otherwise):
      plan.operation = .mapped
      plan.path = path(field, context)
      var outcomes: [PlanText] = []
      let choices = words(field, context).map { word -> Int32 in
        switch map[word] ?? otherwise {
        case .keep: return -1
        case .omit: return -2
        case .constant(let constant):
          outcomes.append(encoded(constant))
          return Int32(outcomes.count - 1)
        }
      }
      plan.choices = arena.copy(choices)
      plan.outcomes = arena.copy(outcomes)
    }
    return plan
  }

  private func target(_ mapping: TargetMapping, _ data: ObjectShape) -> TargetPlan {
    let outer = Context(data: data, element: nil)
    let element = mapping.each.flatMap { EventSource.element(of: $0, in: data) }
    let context = Context(data: data, element: element)
    let choices = mapping.choices.map {
      TargetPlan.Choice(kind: PlanCompiler.kind($0.kind), path: path($0.field, context))
    }
    return TargetPlan(
      each: mapping.each.map { path($0, outer) }, choices: arena.copy(choices),
      choiceCount: choices.count, conditions: conditions(mapping.conditions, context),
      facts: facts(mapping.facts, context))
  }

  private static func kind(_ kind: TargetMapping.Kind) -> TargetPlan.Kind {
    switch kind {
    case .person: .person
    case .household: .household
    case .referral: .referral
    case .address: .address
    }
  }

  private func members(_ mapping: MemberMapping, _ data: ObjectShape) -> MembersPlan {
    let context = Context(
      data: data, element: EventSource.element(of: mapping.each, in: data))
    return MembersPlan(
      each: path(mapping.each, Context(data: data, element: nil)),
      id: path(mapping.id, context), relation: path(mapping.relation, context),
      name: mapping.name.map { path($0, context) },
      guardians: mapping.guardians.map { path($0, context) },
      hukou: mapping.hukou.map { path($0, context) },
      selfCare: mapping.selfCare.map { path($0, context) })
  }
}
