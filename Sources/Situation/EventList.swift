public import Policy
public import Records
import Vocabulary

/// A list of events of persons as a fact shows it: which events of a log it may show at any
/// viewpoint.
public struct EventList: Equatable, Sendable {
  public let types: [EventTypeID]
  /// The field by whose value several events count once, the last of them.
  private let key: FactID?
  /// It shows an event to its applicant only.
  private let isOfApplicants: Bool

  /// Nil for other facts.
  public init?(_ fact: FactDefinition) {
    switch (fact.object, fact.origin) {
    case (.person, .series(let events, _, let key)):
      types = events.map { EventTypeID($0) }
      self.key = key.map { FactID("event." + $0) }
      isOfApplicants = false
    case (.household, .builtin) where fact.name == HouseholdBuiltin.signalEvents.rawValue:
      types = SituationSchema.windowSeries.types
      key = SituationSchema.windowSeries.key
      isOfApplicants = true
    default: return nil
    }
  }

  /// Whether it may show an event of a person.
  ///
  /// - Parameter hint: see `EventLogView.field(_:of:near:)`.
  public func mayShow(_ index: Int, of person: PersonView, near hint: inout Int) -> Bool {
    guard types.contains(person.log.event(index).type) else { return false }
    return !isOfApplicants
      || person.log.field(SituationSchema.applicant, of: index, near: &hint)?.person == person.id
  }

  /// The index of the first event of its types in a log at or after an index; the number of events
  /// where there is none.
  public func first(in log: EventLogView, from start: Int) -> Int {
    log.firstEvent(of: types, from: start)
  }

  /// Whether an event takes the place of another in the list.
  public func areOne(_ index: Int, _ other: Int, in log: EventLogView) -> Bool {
    guard types.contains(log.event(index).type), types.contains(log.event(other).type) else {
      return false
    }
    var hint = 0
    return areOne(key(of: index, in: log, near: &hint), key(of: other, in: log, near: &hint))
  }

  /// By what an event of its types takes the place of others; nil where it takes none.
  ///
  /// - Parameter hint: see `EventLogView.field(_:of:near:)`.
  public func key(of index: Int, in log: EventLogView, near hint: inout Int) -> FieldView? {
    guard let key else { return nil }
    return log.stated(key, of: index, near: &hint)
  }

  /// Whether events with two keys take each other's place.
  public func areOne(_ key: FieldView?, _ other: FieldView?) -> Bool {
    guard let key, let other else { return false }
    return key.saysTheSame(as: other)
  }
}
