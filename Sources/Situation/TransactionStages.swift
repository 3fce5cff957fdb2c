public import Policy
public import Records
import Vocabulary

/// The stages of one window transaction (办理环节) as a rule sees them: a transaction counts once
/// (semantics 23), so that stages of one day that agree in all that the rule asks for are one event
/// to it.
public struct TransactionStages: Sendable {
  /// What the rule asks of events, and what tells transactions apart.
  private let facts: [FactID]

  /// - Parameter reads: what the rule reads.
  /// - Returns: nil where stages may differ to the rule whatever they state.
  public init?(of reads: ReadSet, _ catalogue: FactCatalogue) {
    // Any series but the list of transactions counts each event.
    let type = SituationSchema.windowTransaction
    guard !reads.eventTypes.contains(where: { EventTypeID($0) == type }) else { return nil }
    var facts: Set<FactID> = [SituationSchema.transaction, SituationSchema.applicant]
    for slot in reads.facts where slot.object == .event {
      guard let fact = catalogue.definition(of: slot.object, slot: slot.slot) else { return nil }
      switch fact.origin {
      case .state: facts.insert(fact.id)
      // What it is derived from is read as well.
      case .derived: break
      case .series: return nil
      case .builtin:
        switch EventBuiltin(rawValue: fact.name) {
        case .type, .date, .person, .persons, .own, .others: break
        case .service, .weight:
          facts.formUnion([
            SituationSchema.line, SituationSchema.item, SituationSchema.itemCode,
          ])
        case .time, nil: return nil
        }
      }
    }
    self.facts = facts.sorted()
  }

  /// Whether some other event of the log is a stage of the same transaction, of the same day, and
  /// the same to the rule.
  public func hasTwin(of index: Int, in log: EventLogView) -> Bool {
    let event = log.event(index)
    guard event.type == SituationSchema.windowTransaction else { return false }
    let date = event.effective.date
    func isOnThatDay(_ other: Int) -> Bool { log.event(other).effective.date == date }
    var day = index..<(index + 1)
    while day.lowerBound > 0, isOnThatDay(day.lowerBound - 1) {
      day = (day.lowerBound - 1)..<day.upperBound
    }
    while day.upperBound < log.eventCount, isOnThatDay(day.upperBound) {
      day = day.lowerBound..<(day.upperBound + 1)
    }
    return day.contains { $0 != index && areTwins($0, index, in: log) }
  }

  /// Whether two events of one day are stages of one transaction and the same to the rule.
  public func areTwins(_ index: Int, _ other: Int, in log: EventLogView) -> Bool {
    // What the later one states of a fact mostly lies behind what the earlier one does.
    let (earlier, later) = (min(index, other), max(index, other))
    let events = (log.event(earlier), log.event(later))
    guard events.0.type == events.1.type,
      log.field(SituationSchema.transaction, of: earlier) != nil,
      events.0.namesTheSamePersons(as: events.1)
    else { return false }
    var hint = -1
    return facts.allSatisfy { fact in
      let first = log.field(fact, of: earlier, near: &hint)
      let second = log.field(fact, of: later, near: &hint)
      return switch (first, second) {
      case (nil, nil): true
      case (let a?, let b?): a.saysTheSame(as: b)
      default: false
      }
    }
  }
}
