public import Vocabulary

/// A policy pack, complete and checked: what the stages run on. Immutable; replaced as a whole.
public final class PolicyPack: Sendable {
  public let name: String
  public let version: String
  public let title: String
  public let authors: [String]
  /// Hexadecimal digest of all files of the pack; names the policy in outputs and decisions.
  public let digest: String
  public let labels: LabelTable
  public let facts: FactCatalogue
  public let derived: [DerivedFact]
  public let sources: SourceCatalog
  public let parameters: ParameterTable
  public let calendar: WorkCalendar
  /// The years that the calendar covers.
  public let calendarYears: [Int]
  public let services: ServiceCatalogue
  public let audiences: AudienceCatalogue
  public let assessment: AssessmentModel
  /// Active, shadow and draft rules in the order of their ids; retired ones are left out.
  public let rules: [CompiledRule]
  /// Retired rules, for what they opened while they were in force.
  public let retired: [CompiledRule]
  /// Warnings of the load.
  public let warnings: [PolicyDiagnostic]

  /// Least capacity of an evaluation context for this pack's programs.
  public let variableCapacity: Int

  init(
    name: String, version: String, title: String, authors: [String], digest: String,
    labels: LabelTable, facts: FactCatalogue, derived: [DerivedFact], sources: SourceCatalog,
    parameters: ParameterTable, calendar: WorkCalendar, calendarYears: [Int],
    services: ServiceCatalogue, audiences: AudienceCatalogue, assessment: AssessmentModel,
    rules: [CompiledRule], retired: [CompiledRule], warnings: [PolicyDiagnostic],
    variableCapacity: Int
  ) {
    self.name = name
    self.version = version
    self.title = title
    self.authors = authors
    self.digest = digest
    self.labels = labels
    self.facts = facts
    self.derived = derived
    self.sources = sources
    self.parameters = parameters
    self.calendar = calendar
    self.calendarYears = calendarYears
    self.services = services
    self.audiences = audiences
    self.assessment = assessment
    self.rules = rules
    self.retired = retired
    self.warnings = warnings
    self.variableCapacity = variableCapacity
  }

  public func rule(_ id: String) -> CompiledRule? { rules.first { $0.id == id } }

  /// The rule under which something was opened, in force or not.
  public func rule(thatOpened id: String) -> CompiledRule {
    rule(id) ?? retired.first { $0.id == id } ?? .removed(id)
  }

  /// The pack with another version of one of its rules.
  public func replacing(_ rule: CompiledRule) -> PolicyPack {
    PolicyPack(
      name: name, version: version, title: title, authors: authors, digest: digest,
      labels: labels, facts: facts, derived: derived, sources: sources, parameters: parameters,
      calendar: calendar, calendarYears: calendarYears, services: services, audiences: audiences,
      assessment: assessment, rules: rules.map { $0.id == rule.id ? rule : $0 }, retired: retired,
      warnings: warnings, variableCapacity: variableCapacity)
  }

  /// The rule with a role of the engine, if the pack has one.
  public func rule(_ role: EngineRole) -> CompiledRule? {
    rules.first {
      if case .engine(role, _) = $0.trigger { true } else { false }
    }
  }

  /// The rules that an event of a type (short name) triggers.
  public func rules(triggeredBy type: String) -> [CompiledRule] {
    rules.filter { $0.eventTypes.contains(type) }
  }

  /// The longest time that any series of the catalogue is read back.
  public var longestSeries: Term {
    var longest = Term(0, .days)
    for object in ObjectKind.allCases {
      for fact in facts.facts(of: object) {
        if case .series(_, let keep, _) = fact.origin,
          keep.nominalMinutes > longest.nominalMinutes
        {
          longest = keep
        }
      }
    }
    return longest
  }
}
