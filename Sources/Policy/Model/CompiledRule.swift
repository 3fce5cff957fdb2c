public import Expression
public import Vocabulary

/// The fixed variable slots of every environment of a pack. Let-names follow.
public enum VariableSlot {
  /// The deciding household (`ObjectKind.household`).
  public static let household = 0
  /// The parameters in force (`ObjectKind.parameters`).
  public static let parameters = 1
  /// The person of a member rule or of a person's derived fact; null in household rules.
  public static let member = 2
  /// The deciding event; null in situation rules.
  public static let event = 3
  /// Where let-names begin.
  public static let firstLet = 4
}

/// A fact of an object by its slot.
public struct FactSlot: Hashable, Comparable, Sendable {
  public let object: ObjectKind
  public let slot: UInt16
  public init(_ object: ObjectKind, _ slot: UInt16) {
    self.object = object
    self.slot = slot
  }
  public static func < (a: FactSlot, b: FactSlot) -> Bool {
    (a.object.rawValue, a.slot) < (b.object.rawValue, b.slot)
  }
}

/// What an expression or a rule depends on, through derived facts as well.
public struct ReadSet: Hashable, Sendable {
  /// All facts read, derived ones and those that they read.
  public internal(set) var facts: Set<FactSlot> = []
  /// Indexes of parameters read.
  public internal(set) var parameters: Set<Int> = []
  /// Short names of the event types in the series that are read.
  public internal(set) var eventTypes: Set<String> = []
  /// The answer may change with time alone.
  public internal(set) var dependsOnTime = false

  mutating func formUnion(_ other: ReadSet) {
    facts.formUnion(other.facts)
    parameters.formUnion(other.parameters)
    eventTypes.formUnion(other.eventTypes)
    dependsOnTime = dependsOnTime || other.dependsOnTime
  }
}

/// A text with expressions in it.
public struct CompiledTemplate: Sendable {
  public let template: Template
  /// The labels of what it reads.
  public let labels: LabelSet
}

/// A condition of a rule. An object, so that going through a rule's conditions copies nothing.
public final class CompiledClause: Sendable {
  public let id: String
  /// What it means, in Chinese.
  public let says: String
  public let program: Program
  /// What this clause reads.
  public let reads: ReadSet
  /// Where it asks nothing but how many events there are.
  public let threshold: EventThreshold?
  public let file: String
  public let line: Int

  init(
    id: String, says: String, program: Program, reads: ReadSet, threshold: EventThreshold?,
    file: String, line: Int
  ) {
    self.id = id
    self.says = says
    self.program = program
    self.reads = reads
    self.threshold = threshold
    self.file = file
    self.line = line
  }
}

/// One entry of an evidence list.
public struct CompiledEvidence: Sendable {
  /// Name shown as `fact`.
  public let name: String
  public let value: Program
  /// The stored or derived fact that it shows, where the value is one fact of `household`, `member`
  /// or `event`: its last event is the evidence's source.
  public let fact: FactSlot?
  public let labels: LabelSet
}

/// A referral that an opening of a rule makes.
public struct CompiledReferral: Sendable {
  public let to: ReferralReceiver
  public let urgency: Urgency
  public let due: TermSetting
  /// The day that `due` counts from; nil: from the opening.
  public let from: Program?
  /// The code (6, 9 or 12 digits) of the area it goes to; nil: where the household lives.
  public let area: Program?
  public let category: HelpCategory
  public let programmes: [String]
  /// Kinds of difficulty, for resources.
  public let needs: [String]
  /// On advisor topics as `rule: "need"`, without version, clauses and evidence.
  public let isDisguised: Bool
  /// Open only while this holds too; nil: as long as the rule does.
  public let when: Program?
  /// Nil for resources, which get no text.
  public let task: CompiledTemplate?
  public let evidence: [CompiledEvidence]
  /// Whether the evidence names the events behind it and who sent them: not where that could tell
  /// the reader what the evidence itself must not.
  public let namesOrigins: Bool
}

/// An alert that an opening of a rule makes.
public struct CompiledAlert: Sendable {
  public let severity: AlertSeverity
  public let audiences: [String]
  /// Always on `alerts.restricted`. Alerts about someone under 18 go there as well.
  public let isRestricted: Bool
  public let message: CompiledTemplate
  public let area: Program?
  public let evidence: [CompiledEvidence]
  /// As of a referral.
  public let namesOrigins: Bool
}

/// How a rule comes to be decided.
public enum RuleTrigger: Sendable {
  /// Holds or does not hold; opens after it has held for `hold`, closes when it no longer holds.
  case situation(hold: TermSetting)
  /// Decided for each event of these types (short names). `holdsNow`: its conditions must hold now
  /// as well as at the end of the event's day.
  case event(types: [String], holdsNow: Bool, looksAhead: LookAhead?)
  /// Opened by the engine; `types` are the events that start it (E02), if any.
  case engine(EngineRole, types: [String])
}

/// For event rules about a day to come.
public struct LookAhead: Sendable {
  /// The day looked ahead to.
  public let to: Program
  /// How long before it the rule opens, at the start of the day; at once where that has passed.
  public let opens: TermSetting
  /// How long after it the rule may still open.
  public let grace: TermSetting
}

/// A named value of a rule, evaluated when first read.
public struct LetBinding: Sendable {
  public let name: String
  /// Variable slot.
  public let slot: Int
  public let program: Program
}

/// A rule ready to run.
public final class CompiledRule: Sendable {
  public let id: String
  public let version: Int
  public let title: String
  public let status: RuleStatus
  public let owner: String
  /// First and last day on which it opens anything.
  public let effectiveFrom: CivilDate
  public let effectiveTo: CivilDate?
  public let groups: [String]
  public let clauses: [String]
  public let basis: [LegalBasis]
  public let scope: RuleScope
  public let trigger: RuleTrigger
  /// The person or persons it may be about (member rules); nil: the members of the household.
  public let subject: Program?
  public let lets: [LetBinding]
  /// All must hold.
  public let when: [CompiledClause]
  /// None may hold.
  public let unless: [CompiledClause]
  /// The programs of `when` and of `unless`, for deciding.
  public let conditions: ProgramRow
  public let exceptions: ProgramRow
  public let onUnknown: UnknownPolicy
  /// A review is opened only where this holds; nil: always.
  public let reviewWhen: Program?
  /// A situation rule opens only while this holds as well; an open referral stays without it.
  public let opensWhen: Program?
  /// The last day on which a situation rule can come to hold: after it the rule holds only where
  /// it held at the end of that day too, judged by the dates from which facts count (semantics 4
  /// and 26: not by the clock at which they arrived). Nil, or without a value: any day.
  public let opensBy: Program?
  public let referrals: [CompiledReferral]
  public let alerts: [CompiledAlert]
  /// Rules whose open referrals about the same subject this one ends (`superseded`).
  public let closes: [String]
  /// The death of its subject does not withdraw it.
  public let outlivesSubject: Bool
  /// Zero where there is none.
  public let dedup: TermSetting
  /// Terms of the engine, by name.
  public let terms: [String: TermSetting]
  /// Everything that can change whether it holds (conditions, subject, lets, look-ahead).
  public let reads: ReadSet
  /// How that goes through lists of events; a list that is not here may be seen whole.
  public let eventLists: [FactSlot: [EventListUse]]
  /// What knowing that the rule holds tells.
  public let labels: LabelSet
  /// What the events behind an opening tell, whichever they are: their senders give their kind
  /// away.
  public let originLabels: LabelSet
  /// Its outputs on advisor topics are disguised or it has a restricted alert.
  public let isConfidential: Bool
  /// Districts where it is off or in shadow by an overlay, by six-digit code.
  public let localStatus: [String: RuleStatus]
  public let file: String
  public let line: Int

  init(
    id: String, version: Int, title: String, status: RuleStatus, owner: String,
    effectiveFrom: CivilDate, effectiveTo: CivilDate?, groups: [String], clauses: [String],
    basis: [LegalBasis], scope: RuleScope, trigger: RuleTrigger, subject: Program?,
    lets: [LetBinding], when: [CompiledClause], unless: [CompiledClause],
    onUnknown: UnknownPolicy, reviewWhen: Program?, opensWhen: Program?,
    opensBy: Program?,
    referrals: [CompiledReferral], alerts: [CompiledAlert], closes: [String],
    outlivesSubject: Bool, dedup: TermSetting, terms: [String: TermSetting], reads: ReadSet,
    eventLists: [FactSlot: [EventListUse]], labels: LabelSet, originLabels: LabelSet,
    isConfidential: Bool, localStatus: [String: RuleStatus], file: String, line: Int
  ) {
    self.id = id
    self.version = version
    self.title = title
    self.status = status
    self.owner = owner
    self.effectiveFrom = effectiveFrom
    self.effectiveTo = effectiveTo
    self.groups = groups
    self.clauses = clauses
    self.basis = basis
    self.scope = scope
    self.trigger = trigger
    self.subject = subject
    self.lets = lets
    self.when = when
    self.unless = unless
    conditions = ProgramRow(when.map(\.program))
    exceptions = ProgramRow(unless.map(\.program))
    self.onUnknown = onUnknown
    self.reviewWhen = reviewWhen
    self.opensWhen = opensWhen
    self.opensBy = opensBy
    self.referrals = referrals
    self.alerts = alerts
    self.closes = closes
    self.outlivesSubject = outlivesSubject
    self.dedup = dedup
    self.terms = terms
    self.reads = reads
    self.eventLists = eventLists
    self.labels = labels
    self.originLabels = originLabels
    self.isConfidential = isConfidential
    self.localStatus = localStatus
    self.file = file
    self.line = line
  }

  /// The status in a district.
  public func status(in district: String) -> RuleStatus { localStatus[district] ?? status }

  /// Whether it may open on a day.
  public func isEffective(on date: CivilDate) -> Bool {
    effectiveFrom <= date && date <= (effectiveTo ?? .latest)
  }

  /// The event types that trigger it; empty for situation rules.
  public var eventTypes: [String] {
    switch trigger {
    case .situation: []
    case .event(let types, _, _), .engine(_, let types): types
    }
  }
}

extension CompiledRule {
  /// What stands for a rule that a newer pack no longer has, so that what it opened can be taken
  /// back. Nothing is known of it, so nothing is told of it.
  public static func removed(_ id: String) -> CompiledRule {
    CompiledRule(
      id: id, version: 0, title: "", status: .retired, owner: "", effectiveFrom: .earliest,
      effectiveTo: nil, groups: [], clauses: [], basis: [], scope: .household,
      trigger: .situation(hold: .literal(Term(0, .days))), subject: nil, lets: [], when: [],
      unless: [], onUnknown: .skip, reviewWhen: nil, opensWhen: nil, opensBy: nil, referrals: [],
      alerts: [], closes: [], outlivesSubject: false, dedup: .literal(Term(0, .days)), terms: [:],
      reads: ReadSet(), eventLists: [:], labels: [], originLabels: LabelSet(rawValue: .max),
      isConfidential: true, localStatus: [:], file: "", line: 0)
  }
}

/// A derived fact ready to run: variables `household`, `params` and, for persons, `member`.
public struct DerivedFact: Sendable {
  public let fact: FactSlot
  public let program: Program
  public let reads: ReadSet
}
