import Records
public import Streaming
public import Vocabulary

/// Decides one household's rules again and again, for the `bench` command: the code of the daemon
/// from the household's state in memory to the answers, without reading or writing the state. The
/// household is as a decision leaves it: with the answers of the one before.
public final class RuleBenchmark {
  private let engine: DecisionEngine
  private let overlay: StateOverlay
  private var visit: HouseholdsStage.Visit
  private let copies: PersonCopies
  private let changed: [FactID]

  /// How many of the pack's rules read the changed fact, and how many are decided for a household.
  public let rulesTouched: Int
  public let rules: Int

  /// - Parameters:
  ///   - state: holds the household as the Households stage left it.
  ///   - household: its number in the registry.
  ///   - changed: the one fact that changes, `person.employment` for example.
  /// - Throws: `DecodingFailure` where the state has no such household.
  public init(
    settings: StageSettings, state: any StateBase, household number: String, changed fact: String,
    now: Instant
  ) throws(DecodingFailure) {
    engine = DecisionEngine(settings: settings)
    overlay = StateOverlay(base: state)
    let key = HouseholdKey(registry: number)
    let household = try HouseholdState.load(key, overlay)
    guard !household.links.isEmpty else { throw DecodingFailure("no household \(number)") }
    copies = PersonCopies(of: key.text.utf8, household.people, overlay)
    visit = HouseholdsStage.Visit(household: household, now: now)
    changed = [FactID(fact)]
    let rulebook = Rulebook(pack: settings.pack)
    let mask = rulebook.mask(changed)
    rules = settings.pack.rules.count
    rulesTouched =
      rulebook.situationRules.count { mask.touches($0.reads) }
      + rulebook.eventRules.count { mask.touches($0.reads) }
  }

  /// Decides all rules. Not inlined, so that a profiler can tell it from the rest.
  @inline(never)
  public func decideAll() throws(DecodingFailure) { try decide(nil) }

  /// Decides the rules that read the one changed fact.
  public func decideChanged() throws(DecodingFailure) { try decide(changed) }

  private func decide(_ changes: [FactID]?) throws(DecodingFailure) {
    visit.household.pendingChanges = changes
    try copies.withViews { views throws(DecodingFailure) in
      var outbox = Outbox()
      engine.conclude(&visit, persons: views, decides: true, outbox: &outbox)
    }
  }
}
