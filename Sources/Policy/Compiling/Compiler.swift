import Expression
import Vocabulary

/// Compiles expressions of a pack and reports their problems at their place in the file.
struct ExpressionCompiler {
  let facts: [FactDefinition]
  let parameters: [ParameterDefinition]
  /// Labels by fact: of a derived fact, what it reads less what it releases.
  var labels: [FactSlot: LabelSet] = [:]
  /// What a derived fact reads in the end.
  var closures: [FactSlot: ReadSet] = [:]

  /// Reports each problem of a failed compilation.
  static func report(_ failure: CompileFailure, _ draft: ExpressionDraft) {
    for diagnostic in failure.diagnostics {
      draft.yaml.report(
        diagnostic.code.rawValue, diagnostic.message, offset: diagnostic.span.start,
        length: max(1, diagnostic.span.end - diagnostic.span.start), hint: diagnostic.hint)
    }
  }

  func compile(
    _ draft: ExpressionDraft, _ environment: TypeEnvironment, expecting type: CELType?
  ) -> Program? {
    do throws(CompileFailure) {
      return try environment.compile(draft.text, expecting: type)
    } catch {
      ExpressionCompiler.report(error, draft)
      return nil
    }
  }

  func template(_ draft: ExpressionDraft, _ environment: TypeEnvironment) -> CompiledTemplate? {
    do throws(CompileFailure) {
      let template = try environment.compileTemplate(draft.text)
      return CompiledTemplate(template: template, labels: labels(template.dependencies))
    } catch {
      ExpressionCompiler.report(error, draft)
      return nil
    }
  }

  /// The labels of all that may be read.
  func labels(_ dependencies: Dependencies) -> LabelSet {
    var result: LabelSet = []
    for read in dependencies.fields {
      guard let object = ObjectKind(rawValue: read.typeID), object != .parameters else { continue }
      result.formUnion(labels[FactSlot(object, read.slot)] ?? [])
    }
    return result
  }

  /// All that is read, through derived facts as well.
  func reads(_ dependencies: Dependencies) -> ReadSet {
    var result = ReadSet()
    result.dependsOnTime = dependencies.dependsOnTime
    for read in dependencies.fields {
      guard let object = ObjectKind(rawValue: read.typeID) else { continue }
      if object == .parameters {
        result.parameters.insert(Int(read.slot))
        continue
      }
      let slot = FactSlot(object, read.slot)
      result.facts.insert(slot)
      if let closure = closures[slot] { result.formUnion(closure) }
    }
    return result
  }

  /// Enters a stored or builtin fact.
  mutating func enter(_ fact: FactDefinition) {
    let slot = FactSlot(fact.object, fact.slot)
    labels[slot] = fact.labels
    var closure = ReadSet()
    closure.dependsOnTime = fact.dependsOnTime
    if case .series(let events, _, _) = fact.origin { closure.eventTypes.formUnion(events) }
    closures[slot] = closure
  }
}

/// Compiles the derived facts in an order in which each comes after those it reads.
struct DerivedCompiler {
  private(set) var compiler: ExpressionCompiler
  private let drafts: [DerivedDraft]
  private var programs: [Program?]
  private var state: [Int]
  private(set) var derived: [DerivedFact?]
  private var slots: [FactSlot: Int] = [:]
  private let labels: LabelTable

  init(_ facts: FactDrafts, parameters: [ParameterDefinition]) {
    compiler = ExpressionCompiler(facts: facts.facts, parameters: parameters)
    drafts = facts.derived
    labels = facts.labels
    programs = Array(repeating: nil, count: drafts.count)
    state = Array(repeating: 0, count: drafts.count)
    derived = Array(repeating: nil, count: drafts.count)
    for fact in facts.facts {
      if case .derived(let index) = fact.origin {
        slots[FactSlot(fact.object, fact.slot)] = index
      } else {
        compiler.enter(fact)
      }
    }
  }

  /// Compiles all; afterwards `compiler` knows every fact's labels and reads.
  mutating func run() {
    let environments = PolicyEnvironment(facts: compiler.facts, parameters: compiler.parameters)
    var household = environments.environment(.household)
    var person = environments.environment(.member)
    household.comparesBirthdays = true
    person.comparesBirthdays = true
    for (at, draft) in drafts.enumerated() {
      switch draft.object {
      case .household:
        programs[at] = compiler.compile(
          draft.expression, household, expecting: draft.type.expressionType)
      case .person:
        programs[at] = compiler.compile(
          draft.expression, person, expecting: draft.type.expressionType)
      default:
        draft.expression.yaml.report(
          "bad-derived", "only facts of a household or a person can be derived")
      }
    }
    let order = slots.sorted { $0.value < $1.value }
    for (slot, index) in order { visit(slot, index) }
  }

  private mutating func visit(_ slot: FactSlot, _ index: Int) {
    guard state[index] == 0, let program = programs[index] else {
      if state[index] == 1 {
        drafts[index].expression.yaml.report(
          "fact-cycle", "'\(drafts[index].name)' is derived from itself")
      }
      return
    }
    state[index] = 1
    for read in program.dependencies.fields {
      guard let object = ObjectKind(rawValue: read.typeID) else { continue }
      let next = FactSlot(object, read.slot)
      if let nextIndex = slots[next] { visit(next, nextIndex) }
    }
    state[index] = 2
    guard let definition = compiler.facts.first(where: {
      $0.object == slot.object && $0.slot == slot.slot
    }) else { return }
    checkReleases(definition, program, drafts[index])
    let inherited = compiler.labels(program.dependencies).subtracting(definition.releases)
    compiler.labels[slot] = definition.labels.union(inherited)
    let reads = compiler.reads(program.dependencies)
    compiler.closures[slot] = reads
    derived[index] = DerivedFact(fact: slot, program: program, reads: reads)
  }

  /// A value that rests on nothing but facts with a label tells them, whatever it is called: a
  /// neutral form has another reason to be what it is.
  private func checkReleases(
    _ definition: FactDefinition, _ program: Program, _ draft: DerivedDraft
  ) {
    guard definition.releases != [] else { return }
    let read = program.dependencies.fields.compactMap { field -> LabelSet? in
      guard let object = ObjectKind(rawValue: field.typeID), object != .parameters else {
        return nil
      }
      // What only leads to the persons or events that are looked at is no reason.
      let type = compiler.facts.first { $0.object == object && $0.slot == field.slot }?.type
      let isWay = type.map { [.person, .persons, .programmes, .referrals].contains($0) } ?? false
      return isWay ? nil : compiler.labels[FactSlot(object, field.slot)] ?? []
    }
    let told = read.reduce(definition.releases) { $0.intersection($1) }
    guard !read.isEmpty, told != [] else { return }
    draft.expression.yaml.report(
      "disclosure",
      "'\(definition.qualifiedName)' releases '\(labelNames(told))' and reads nothing else: "
        + "its value tells it",
      hint: "let it rest on facts without the label as well, or do not release it")
  }

  private func labelNames(_ set: LabelSet) -> String {
    labels.names(set).joined(separator: ", ")
  }

  /// The definitions with the labels and the dependence on time that derivation gives them.
  var settledFacts: [FactDefinition] {
    compiler.facts.map { fact in
      let slot = FactSlot(fact.object, fact.slot)
      return FactDefinition(
        object: fact.object, name: fact.name, id: fact.id, slot: fact.slot, type: fact.type,
        origin: fact.origin, labels: compiler.labels[slot] ?? fact.labels,
        releases: fact.releases,
        dependsOnTime: fact.dependsOnTime || (compiler.closures[slot]?.dependsOnTime ?? false),
        maximumCount: fact.maximumCount, title: fact.title, unit: fact.unit, cite: fact.cite)
    }
  }
}
