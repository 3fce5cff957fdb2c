import Expression
import Vocabulary

/// Finds out which events can make a rule hold, from the conditions on the event's type, state and
/// kind alone: everything else counts as unknown. What all of these events have in common is what
/// the rule tells whoever knows that it holds.
struct TriggerProbe {
  let facts: [FactDefinition]
  let sources: SourceCatalog

  /// Fields that name the variants of an event type.
  private static let variants = ["state", "kind"]

  /// An event of which only the type and its variant are known.
  private final class Host: FactHost {
    var known: [UInt16: Value] = [:]

    func read(_ object: ObjectRef, field: UInt16) -> Value {
      if object.type == ObjectKind.event.rawValue, let value = known[field] { return value }
      return .missing(object, field: field)
    }
    func count(_ list: HostList) -> Int { 0 }
    func element(_ list: HostList, at index: Int) -> Value {
      .error(EvaluationError(.host, "no such list"))
    }
  }

  /// Those of the event types for which no condition is certain to fail and no exception certain to
  /// hold, whatever is true of the household.
  func possible(_ types: [String], when: [Program], unless: [Program]) -> [String] {
    types.filter { type in
      variants(of: type).contains { known in
        let host = Host()
        host.known = known
        let context = EvaluationContext(host: host, variableCapacity: capacity)
        context.begin(today: .earliest, now: .distantPast)
        for (slot, kind) in TriggerProbe.variables {
          context.set(variable: slot, .object(ObjectRef(type: kind.rawValue, index: 0)))
        }
        let fails = when.contains { if case .fails = $0.decide(context) { true } else { false } }
        let excluded = unless.contains {
          if case .holds = $0.decide(context) { true } else { false }
        }
        return !fails && !excluded
      }
    }
  }

  private var capacity: Int { VariableSlot.firstLet + RuleCompiler.maximumLets }

  private static let variables: [(Int, ObjectKind)] = [
    (VariableSlot.household, .household), (VariableSlot.parameters, .parameters),
    (VariableSlot.member, .person), (VariableSlot.event, .event),
  ]

  /// What is known of an event of the type, for each of its variants.
  private func variants(of type: String) -> [[UInt16: Value]] {
    guard let source = sources.event(type), let slot = slot("type") else { return [[:]] }
    var known: [[UInt16: Value]] = [[slot: .text(type)]]
    for name in TriggerProbe.variants {
      guard let slot = self.slot(name) else { continue }
      guard let at = source.data.index(of: name) else {
        for index in known.indices { known[index][slot] = .null }
        continue
      }
      guard case .word(let words) = source.data.fields[at].shape else { continue }
      known = known.flatMap { base in
        words.map { word in base.merging([slot: .text(word)]) { _, new in new } }
      }
    }
    return known
  }

  private func slot(_ name: String) -> UInt16? {
    facts.first { $0.object == .event && $0.name == name }?.slot
  }
}
