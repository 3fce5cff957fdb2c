import Records
import Vocabulary

/// What an advisor or a resource reports on a referral.
enum FeedbackKind: String, Sendable, CaseIterable {
  case accepted, started, visited, completed, declined, reassigned

  /// The kind behind an event type, nil for types that are no feedback.
  init?(type: EventTypeID) {
    guard let kind = FeedbackKind.allCases.first(where: { type == FeedbackKind.types[$0] }) else {
      return nil
    }
    self = kind
  }

  private static let types: [FeedbackKind: EventTypeID] = Dictionary(
    uniqueKeysWithValues: allCases.map { ($0, EventTypeID("referral." + $0.rawValue)) })
}

/// What a feedback does to a referral in its present state (semantics 17).
enum FeedbackEffect: Equatable, Sendable {
  /// The referral goes to this state.
  case move(ReferralState)
  /// The assignee passes: the next advisor or level, or the next candidate.
  case passOn
  /// A named advisor takes over.
  case reassign
  /// Not possible in this state: a decision record, nothing else.
  case impossible

  static func of(
    _ kind: FeedbackKind, on state: ReferralState, visitCompletes: Bool
  ) -> FeedbackEffect {
    guard state.isOpen else { return .impossible }
    switch kind {
    case .accepted: return state == .requested ? .move(.accepted) : .impossible
    case .started: return state == .inProgress ? .impossible : .move(.inProgress)
    case .visited: return .move(visitCompletes ? .completed : .inProgress)
    case .completed: return .move(.completed)
    case .declined: return .passOn
    case .reassigned: return .reassign
    }
  }
}
