import Policy
import Records
import Situation
import Vocabulary

/// A person of whom nothing is known, for asking what conditions say by the defaults of facts.
struct Stranger {
  private let situation: Situation
  private let pack: PolicyPack

  init(_ pack: PolicyPack) {
    self.pack = pack
    situation = Situation(schema: SituationSchema(pack: pack))
  }

  /// Whether a condition fails for the stranger for good, whatever the event.
  func fails(_ clause: CompiledClause, of rule: CompiledRule) -> Bool {
    let person = PersonRecord(id: CitizenID(validatedDigits: 0)).encoded()
    return person.span.withUnsafeBytes { bytes in
      guard let view = try? PersonView(bytes) else { return false }
      return EventLog().withView { log in
        situation.load(
          HouseholdFile(
            key: HouseholdKey(text: ""), compositions: [], log: log,
            persons: [PersonOnFile(id: view.id, view: view)], referrals: []),
          now: Instant(microseconds: 0))
        let evaluation = RuleEvaluation(situation: situation, pack: pack, needed: [])
        evaluation.begin(
          rule, subject: 0, event: EventPosition(owner: EventPosition.household, index: 0))
        if case .fails = clause.program.decide(situation.context) {
          return situation.context.validUntil == .distantFuture
        }
        return false
      }
    }
  }
}
