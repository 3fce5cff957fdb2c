import Expression
import Vocabulary

/// Finds out which events can make a rule hold, from the conditions on the event's type, on its
/// state and kind and on what such an event lacks: everything else counts as unknown. What all of
/// these events have in common is what the rule tells whoever knows that it holds.
struct TriggerProbe {
  let facts: [FactDefinition]
  let sources: SourceCatalog

  /// Fields that name the variants of an event type.
  private static let variants = ["state", "kind"]

  /// An event of which only the type and its variant are known.
  private final class Host: FactHost {
    var known: [UInt16: Value] = [:]

    override func read(_ object: ObjectRef, field: UInt16) -> Value {
      if object.type == ObjectKind.event.rawValue, let value = known[field] { return value }
      return .missing(object, field: field)
    }
  }

  /// Those of the event types for which no condition is certain to fail and no exception certain to
  /// hold, whatever is true of the household.
  func possible(_ types: [String], when: [Program], unless: [Program]) -> [String] {
    let host = Host()
    let context = EvaluationContext(host: host, variableCapacity: capacity)
    return types.filter { type in
      variants(of: type).contains { known in
        let worlds = TriggerProbe.worlds(known, day: slot("date"))
        func outcomes(_ program: Program) -> [Decision] {
          worlds.map { world in
            host.known = world.known
            context.begin(today: world.today, now: Instant(startOf: world.today))
            for (slot, kind) in TriggerProbe.variables {
              context.set(variable: slot, .object(ObjectRef(type: kind.rawValue, index: 0)))
            }
            return program.decide(context)
          }
        }
        return !when.contains { TriggerProbe.isCertain(outcomes($0), .fails) }
          && !unless.contains { TriggerProbe.isCertain(outcomes($0), .holds) }
      }
    }
  }

  /// An event on a day that is not known, and on two days: what has no value on any day has none
  /// because of something that this type of event lacks.
  private static func worlds(
    _ known: [UInt16: Value], day slot: UInt16?
  ) -> [(known: [UInt16: Value], today: CivilDate)] {
    let days = ["2001-01-01", "2024-02-29"].compactMap { CivilDate($0) }
    return [(known, .earliest)]
      + days.map { day in
        var known = known
        if let slot { known[slot] = .date(day) }
        return (known, day.adding(days: 1))
      }
  }

  private enum Certainty { case holds, fails }

  /// Whether a condition comes out like this in every world; without a value it neither holds nor
  /// lets a rule hold.
  private static func isCertain(_ outcomes: [Decision], _ wanted: Certainty) -> Bool {
    var isOpen = false
    for (at, outcome) in outcomes.enumerated() {
      switch outcome {
      case .failed: continue
      case .holds where wanted == .holds, .fails where wanted == .fails:
        // Known on one day is known without the day only where the day does not count.
        if at > 0, isOpen { return false }
      case .unknown where at == 0: isOpen = true
      default: return false
      }
    }
    return true
  }

  private var capacity: Int { VariableSlot.firstLet + RuleCompiler.maximumLets }

  private static let variables: [(Int, ObjectKind)] = [
    (VariableSlot.household, .household), (VariableSlot.parameters, .parameters),
    (VariableSlot.member, .person), (VariableSlot.event, .event),
  ]

  /// What is known of an event of the type, for each of its variants: the type, the variant, and
  /// that it has nothing of what its source never states.
  private func variants(of type: String) -> [[UInt16: Value]] {
    guard let source = sources.event(type), let slot = slot("type") else { return [[:]] }
    let stated = Set(source.facts.map(\.fact))
    var base: [UInt16: Value] = [slot: .text(type)]
    for fact in facts where fact.object == .event && !stated.contains(fact.qualifiedName) {
      if case .state(.none) = fact.origin { base[fact.slot] = .null }
    }
    var known = [base]
    for name in TriggerProbe.variants {
      guard let slot = self.slot(name), let values = values(of: "event." + name, in: source) else {
        continue
      }
      known = known.flatMap { base in
        values.map { value in base.merging([slot: value]) { _, new in new } }
      }
    }
    return known
  }

  /// All values that a source can give a fact of the event, where it takes them as they are from a
  /// field of words.
  private func values(of fact: String, in source: EventSource) -> [Value]? {
    let mappings = source.facts.filter { $0.fact == fact }
    guard mappings.count == 1, let mapping = mappings.first, mapping.conditions.isEmpty,
      case .field(let path, absent: nil) = mapping.value, !path.isRelative,
      path.names.count == 1, let at = source.data.index(of: path.names[0]),
      case .word(let words) = source.data.fields[at].shape
    else { return nil }
    return words.map { .text($0) } + (source.data.fields[at].isOptional ? [.null] : [])
  }

  private func slot(_ name: String) -> UInt16? {
    facts.first { $0.object == .event && $0.name == name }?.slot
  }
}
