public import Expression

/// An expression about one element of a list of events, which it calls `event`.
public struct ElementExpression: Sendable {
  public let program: Program
  public let reads: ReadSet
}

/// How a rule goes through a list of events.
public struct EventListUse: Sendable {
  /// The fact that is the list.
  public let list: FactSlot
  /// An event that fails one of them is to the rule as if it were not in the list.
  public let conditions: [ElementExpression]
}

/// A condition that a list has so many events, or that a number of each adds up to so much.
public struct EventThreshold: Sendable {
  /// The events that count at most.
  public let use: EventListUse
  /// What is added up; nil where events are counted.
  public let number: ElementExpression?
  public let limit: Limit

  public enum Limit: Sendable {
    case number(Int64)
    /// Index of a parameter.
    case parameter(Int)
  }
}

extension ReadSet {
  /// What is read besides a fact.
  public func without(_ slot: FactSlot, _ facts: FactCatalogue) -> ReadSet {
    var rest = self
    rest.facts.remove(slot)
    rest.eventTypes = []
    for slot in rest.facts {
      guard let fact = facts.definition(of: slot.object, slot: slot.slot) else { continue }
      if case .series(let events, _, _) = fact.origin { rest.eventTypes.formUnion(events) }
    }
    return rest
  }
}
