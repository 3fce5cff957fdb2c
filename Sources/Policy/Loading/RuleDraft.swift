import Vocabulary

/// A rule as its file says it, before its expressions are compiled.
struct RuleDraft {
  struct Clause {
    let id: String
    var that: ExpressionDraft
    let says: String
    let yaml: PositionedYAML
  }
  struct Evidence {
    /// Name shown; nil: the title of the fact that `value` reads.
    let name: String?
    let value: ExpressionDraft
  }
  struct Refer {
    let yaml: PositionedYAML
    let to: ReferralReceiver
    let urgency: Urgency
    let due: TermDraft?
    let from: ExpressionDraft?
    let area: ExpressionDraft?
    let category: HelpCategory
    let programmes: [String]
    let needs: [String]
    let isDisguised: Bool
    var when: ExpressionDraft?
    let task: ExpressionDraft?
    let evidence: [Evidence]
  }
  struct Alert {
    let yaml: PositionedYAML
    let severity: AlertSeverity
    let audiences: [String]
    let isRestricted: Bool
    let message: ExpressionDraft?
    let area: ExpressionDraft?
    let evidence: [Evidence]
  }
  struct LookAhead {
    var to: ExpressionDraft
    let opens: TermDraft?
    let grace: TermDraft?
  }

  var yaml: PositionedYAML
  var id: String
  var version: Int
  var title: String
  var status: RuleStatus
  var owner: String
  var from: CivilDate
  var until: CivilDate?
  var groups: [String]
  var clauses: [String]
  var basis: [LegalBasis]
  var scope: RuleScope
  var engine: EngineRole?
  var terms: [(name: String, term: TermDraft)]
  var events: [(name: String, yaml: PositionedYAML)]
  var subject: ExpressionDraft?
  var lets: [(name: String, expression: ExpressionDraft, key: PositionedYAML)]
  var when: [Clause]
  var unless: [Clause]
  var hold: TermDraft?
  var onUnknown: UnknownPolicy
  var reviewWhen: ExpressionDraft?
  var opensWhen: ExpressionDraft?
  var opensBy: ExpressionDraft?
  var holdsNow: Bool
  var looksAhead: LookAhead?
  var closes: [(name: String, yaml: PositionedYAML)]
  var outlivesSubject: Bool
  var refer: [Refer]
  var alerts: [Alert]
  var dedup: TermDraft?
}

/// A term or the name of a parameter (`params.x`) with its place.
struct TermDraft {
  enum Value {
    case literal(Term)
    case parameter(String)
  }
  let value: Value
  let yaml: PositionedYAML
}

/// Words that outputs and events use (contract sections 3 and 4).
enum PolicyWords {
  static let difficulties = [
    "income", "illness", "disability", "unemployment", "housing", "education", "care", "child",
    "elder", "psychological", "legal", "disaster", "other",
  ]
  static let programmes = [
    "dibao", "tekun", "marginal", "rigid-expense", "temporary", "medical", "education", "housing",
    "employment",
  ]
  static let groups = ["1.1", "1.2", "1.3", "1.4"]
  static let clauses = [
    "1.1", "1.2", "1.3", "1.4", "2.1", "2.2", "2.3", "2.4", "3.1", "3.2", "3.3", "3.4", "3.5",
    "4.1", "4.2", "4.3", "4.4", "4.5",
  ]
}
