public import Vocabulary

/// Whether a rule's outputs are sent.
public enum RuleStatus: String, CaseIterable, Sendable {
  /// Written; evaluated and counted, not sent.
  case draft
  /// Evaluated and counted, not sent.
  case shadow
  case active
  case retired
}

/// Whom one opening of a rule is about.
public enum RuleScope: String, CaseIterable, Sendable {
  case household
  /// Each person of `subject` (default: every member) for whom the rule holds.
  case member
}

/// What happens where a missing fact decides.
public enum UnknownPolicy: String, CaseIterable, Sendable {
  /// An advisor is asked to find out.
  case review
  /// As if the rule held.
  case fire
  /// As if the rule did not hold.
  case skip
}

/// Openings that the engine itself makes; the rule carries texts, terms and receivers.
public enum EngineRole: String, CaseIterable, Sendable {
  /// Visits after an exit, one after another (E02).
  case visitLadder = "visit-ladder"
  /// A visit of the ladder was missed (E03).
  case missedVisit = "missed-visit"
  /// A match with a social resource failed (F01).
  case socialMatch = "social-match"
  /// A referral was not taken or not finished in time (F02).
  case escalation
  /// An earlier notice was retracted (F03).
  case correction
}

/// A term written in a rule, or a parameter that holds one.
public enum TermSetting: Hashable, Sendable {
  case literal(Term)
  /// Index in the parameter table.
  case parameter(Int)

  /// The term under the parameters in force; nil where the parameter has no value then.
  public func resolved(_ parameters: ResolvedParameters) -> Term? {
    switch self {
    case .literal(let term): term
    case .parameter(let index): parameters.term(index)
    }
  }
}

/// Who receives a referral. Advisor, sub-district and district read the advisor topics.
public enum ReferralReceiver: String, CaseIterable, Sendable {
  case advisor, subdistrict, district, resource
}

/// Kind of help, as on the output.
public enum HelpCategory: String, CaseIterable, Sendable {
  case policy, material, service, psychological
}

public enum AlertSeverity: String, CaseIterable, Sendable {
  case critical, warning, info
}

/// A text of law or a document that a rule rests on.
public struct LegalBasis: Hashable, Sendable {
  public let cite: String
  /// Article, such as `11` or `一(三)`; empty where the whole document is meant.
  public let clause: String
}
