import Expression
public import Policy
import Vocabulary

/// Looks for what a loaded pack should not have, though it runs.
public struct PolicyLint {
  let pack: PolicyPack
  let cases: [TestCase]
  private var findings: [PolicyDiagnostic] = []

  /// Parameters that the engine asks for by name.
  static let engineParameters: Set<String> = [
    "event_window", "claim_p0", "claim_p1", "claim_p2", "claim_p3", "claim_p4", "overdue_second",
    "resource_answer", "k_anonymity", "needs_days",
  ]

  /// Facts that the engine shows or asks for by name.
  static let engineFacts: Set<String> = ["person.name", "person.phone", "person.dead"]

  public static func run(_ pack: PolicyPack, cases: [TestCase]) -> [PolicyDiagnostic] {
    var lint = PolicyLint(pack: pack, cases: cases)
    lint.findings = pack.warnings
    lint.checkRules()
    lint.checkParameters()
    lint.checkFacts()
    lint.checkAssessment()
    lint.checkExpectations()
    return lint.findings.sorted()
  }

  private init(pack: PolicyPack, cases: [TestCase]) {
    self.pack = pack
    self.cases = cases
  }

  private mutating func add(
    _ code: String, _ file: String, _ line: Int, _ message: String, hint: String? = nil
  ) {
    findings.append(
      PolicyDiagnostic(
        code: code, severity: .warning, file: file, line: line, message: message, hint: hint))
  }

  private mutating func checkRules() {
    for rule in pack.rules {
      if rule.basis.isEmpty || rule.basis.contains(where: { $0.cite.isEmpty }) {
        add("missing-citation", rule.file, rule.line, "\(rule.id) cites no law or document")
      }
      if rule.groups.isEmpty, rule.clauses.isEmpty {
        add("serves-nothing", rule.file, rule.line, "\(rule.id) serves no group and no clause")
      }
      checkTests(rule)
      for clause in rule.when where clause.program.constant?.boolValue == false {
        add(
          "never-fires", clause.file, clause.line,
          "\(rule.id) can never fire: '\(clause.id)' is always false")
      }
      for clause in rule.when + rule.unless {
        for warning in clause.program.warnings {
          let place = "\(rule.id), '\(clause.id)', column \(warning.column)"
          add(
            warning.code.rawValue, clause.file, clause.line, "\(place): \(warning.message)",
            hint: warning.hint)
        }
      }
      if let until = rule.effectiveTo, until < rule.effectiveFrom {
        add("never-fires", rule.file, rule.line, "\(rule.id) ends before it begins")
      }
      checkWords(rule)
      checkContradiction(rule)
      checkPeriods(rule)
    }
  }

  /// Texts that what they are compared with can never be.
  private mutating func checkWords(_ rule: CompiledRule) {
    let check = WordCheck(pack: pack)
    for clause in rule.when + rule.unless {
      for finding in check.findings(in: clause.program.source, eventTypes: rule.eventTypes) {
        add(
          "impossible-word", clause.file, clause.line,
          "\(rule.id), '\(clause.id)', column \(finding.comparison.column): \(finding.message)",
          hint: finding.hint)
      }
    }
    let others: [(String, Program?)] =
      rule.lets.map { ($0.name, $0.program) } + [
        ("subject", rule.subject), ("review_when", rule.reviewWhen),
        ("opens_when", rule.opensWhen), ("opens_by", rule.opensBy),
      ]
    for (name, program) in others {
      guard let program else { continue }
      for finding in check.findings(in: program.source, eventTypes: rule.eventTypes) {
        add(
          "impossible-word", rule.file, rule.line, "\(rule.id), '\(name)': \(finding.message)",
          hint: finding.hint)
      }
    }
  }

  /// Each rule wants a case in which it opens something, one in which it does not, and one in which
  /// a fact that may be missing decides.
  private mutating func checkTests(_ rule: CompiledRule) {
    let own = cases.filter { $0.belongs(to: rule.id) }
    guard !own.isEmpty else {
      add(
        "missing-tests", rule.file, rule.line, "\(rule.id) has no test",
        hint: "write tests/\(rule.id).yaml")
      return
    }
    if !own.contains(where: { $0.expects(rule.id) { $0.isLive && $0.isReview != true } }) {
      add("missing-test-kind", rule.file, rule.line, "no case of \(rule.id) expects it to open")
    }
    if own.allSatisfy({ $0.expects(rule.id, where: \.isLive) }) {
      add(
        "missing-test-kind", rule.file, rule.line,
        "no case of \(rule.id) expects it to stay closed",
        hint: "add a case that just misses one of its conditions")
    }
    let unknown = factsThatMayBeMissing(rule)
    if rule.onUnknown == .review, !unknown.isEmpty,
      !own.contains(where: { $0.expects(rule.id) { $0.isReview == true } })
    {
      add(
        "missing-test-kind", rule.file, rule.line,
        "no case of \(rule.id) expects a review, though it reads "
          + unknown.joined(separator: ", "),
        hint: "add a case in which it is not known, with 'review: true'")
    }
  }

  /// What the rule's conditions read directly and what nobody may have stated, by name; less what
  /// its own events always state.
  private func factsThatMayBeMissing(_ rule: CompiledRule) -> [String] {
    let stated = rule.eventTypes.compactMap(pack.sources.event).flatMap { source in
      source.facts + source.targets.flatMap(\.facts)
    }.filter { mapping in
      // A field of the event may be left out.
      if case .field(_, absent: nil) = mapping.value { false } else { true }
    }.map(\.fact)
    let read = (rule.when + rule.unless).flatMap { $0.program.dependencies.fields }
    return Set(
      read.compactMap { field -> String? in
        guard let object = ObjectKind(rawValue: field.typeID),
          let fact = pack.facts.definition(of: object, slot: field.slot),
          case .state(.unknown) = fact.origin, !stated.contains(fact.qualifiedName)
        else { return nil }
        return fact.qualifiedName
      }
    ).sorted()
  }

  /// Conditions that cannot all hold; the same condition as a demand and as an exception.
  private mutating func checkContradiction(_ rule: CompiledRule) {
    for (at, clause) in rule.when.enumerated() {
      for earlier in rule.when[..<at]
      where ConditionPair(earlier.program, clause.program).excludeEachOther {
        add(
          "never-fires", clause.file, clause.line,
          "\(rule.id) can never fire: '\(clause.id)' cannot hold where '\(earlier.id)' does")
      }
    }
    for clause in rule.when {
      for exception in rule.unless where exception.program.source == clause.program.source {
        add(
          "never-fires", clause.file, clause.line,
          "\(rule.id) demands '\(clause.id)' and excludes the same as '\(exception.id)'")
      }
    }
    for (at, clause) in rule.when.enumerated() {
      for earlier in rule.when[..<at] where earlier.program.source == clause.program.source {
        add(
          "repeated-clause", clause.file, clause.line,
          "'\(clause.id)' says the same as '\(earlier.id)'")
      }
    }
  }

  /// Everything that rules, the assessment and derived facts read.
  private var readParameters: Set<Int> {
    var read = pack.assessment.reads.parameters
    for rule in pack.rules {
      read.formUnion(rule.reads.parameters)
      for dependencies in Self.shown(rule) {
        for field in dependencies.fields where field.typeID == ObjectKind.parameters.rawValue {
          read.insert(Int(field.slot))
        }
      }
      for setting in Self.settings(rule) {
        if case .parameter(let index) = setting { read.insert(index) }
      }
    }
    for fact in pack.derived { read.formUnion(fact.reads.parameters) }
    return read
  }

  /// What the outputs of a rule read: texts, evidence, days and areas.
  private static func shown(_ rule: CompiledRule) -> [Dependencies] {
    let texts = rule.referrals.compactMap(\.task) + rule.alerts.map(\.message)
    let evidence = rule.referrals.flatMap(\.evidence) + rule.alerts.flatMap(\.evidence)
    let places = rule.referrals.flatMap { [$0.from, $0.area].compactMap(\.self) }
    return texts.map(\.template.dependencies) + evidence.map(\.value.dependencies)
      + places.map(\.dependencies)
  }

  private static func settings(_ rule: CompiledRule) -> [TermSetting] {
    var settings = rule.referrals.map(\.due) + Array(rule.terms.values) + [rule.dedup]
    switch rule.trigger {
    case .situation(let hold): settings.append(hold)
    case .event(_, _, let ahead?): settings += [ahead.opens, ahead.grace]
    default: break
    }
    return settings
  }

  /// Expectations of rules that the pack does not have can never come true, and those ignored hide
  /// nothing.
  private mutating func checkExpectations() {
    let names = (pack.rules + pack.retired).map(\.id) + ["need"]
    for item in cases {
      let expected = item.expected.map { ($0.rule, $0.line) }
      for (rule, line) in expected + item.ignored.sorted().map({ ($0, item.line) })
      where !names.contains(rule) {
        add(
          "unknown-rule", item.file, line, "the pack has no rule '\(rule)'",
          hint: Suggestion.nearest(to: rule, among: names).map { "did you mean '\($0)'?" })
      }
    }
  }

  private mutating func checkParameters() {
    let read = readParameters
    var derivedFrom: Set<String> = []
    for definition in pack.parameters.definitions {
      guard let formula = definition.derivation else { continue }
      for other in pack.parameters.definitions where formula.contains(other.name) {
        derivedFrom.insert(other.name)
      }
    }
    for (at, definition) in pack.parameters.definitions.enumerated() {
      let isUsed =
        read.contains(at) || Self.engineParameters.contains(definition.name)
        || derivedFrom.contains(definition.name)
      if !isUsed {
        add(
          "unused-parameter", definition.file, definition.line,
          "no rule reads the parameter '\(definition.name)'")
      }
      for value in definition.values where value.cite.isEmpty {
        add(
          "missing-citation", definition.file, definition.line,
          "the value of '\(definition.name)' from \(value.from) has no citation")
      }
    }
    for name in Self.engineParameters.sorted() where pack.parameters.index(of: name) == nil {
      add(
        "engine-default", "params/", 0,
        "the pack does not set '\(name)'; the engine's own default stands")
    }
  }

  /// A rule that is in force before a parameter it reads has a value cannot be decided until then.
  private mutating func checkPeriods(_ rule: CompiledRule) {
    for index in rule.reads.parameters.sorted() {
      let definition = pack.parameters.definitions[index]
      guard let first = definition.values.map(\.from).min(), first > rule.effectiveFrom else {
        continue
      }
      add(
        "parameter-gap", definition.file, definition.line,
        "'\(definition.name)' has no value before \(first), but \(rule.id) reads it from "
          + "\(rule.effectiveFrom) on")
    }
  }

  private mutating func checkFacts() {
    var read = pack.assessment.reads.facts
    for rule in pack.rules {
      read.formUnion(rule.reads.facts)
      for dependencies in Self.shown(rule) {
        for field in dependencies.fields {
          guard let object = ObjectKind(rawValue: field.typeID), object != .parameters else {
            continue
          }
          read.insert(FactSlot(object, field.slot))
        }
      }
    }
    for fact in pack.derived where read.contains(fact.fact) {
      read.formUnion(fact.reads.facts)
    }
    let check = WordCheck(pack: pack)
    for fact in pack.derived {
      let name = pack.facts.definition(of: fact.fact.object, slot: fact.fact.slot)?.qualifiedName
      for finding in check.findings(in: fact.program.source, eventTypes: []) {
        add(
          "impossible-word", "facts.yaml", 0, "'\(name ?? "")': \(finding.message)",
          hint: finding.hint)
      }
    }
    for object in [ObjectKind.person, .household] {
      for fact in pack.facts.facts(of: object) {
        guard !read.contains(FactSlot(object, fact.slot)) else { continue }
        switch fact.origin {
        case .derived, .series, .state:
          guard !Self.engineFacts.contains(fact.qualifiedName) else { continue }
          add("unused-fact", "facts.yaml", 0, "no rule reads '\(fact.qualifiedName)'")
        case .builtin: break
        }
      }
    }
  }

  /// Bands that can never be reached, levels without gaps.
  private mutating func checkAssessment() {
    let check = WordCheck(pack: pack)
    for indicator in pack.assessment.indicators {
      if indicator.bands.isEmpty {
        add("empty-table", "assessment/", 0, "indicator '\(indicator.id)' has no band")
      }
      for (at, band) in indicator.bands.enumerated() {
        for finding in check.findings(in: band.program.source, eventTypes: []) {
          add(
            "impossible-word", "assessment/", 0, "indicator '\(indicator.id)': \(finding.message)",
            hint: finding.hint)
        }
        for earlier in indicator.bands[..<at]
        where ConditionPair(earlier.program, band.program).secondImpliesFirst {
          add(
            "overlapping-bands", "assessment/", 0,
            "indicator '\(indicator.id)': '\(band.says)' can never be reached after "
              + "'\(earlier.says)'")
        }
      }
    }
    checkWeights()
    let years = pack.calendarYears.sorted()
    for (earlier, later) in zip(years, years.dropFirst()) where later > earlier + 1 {
      add(
        "calendar-gap", "calendar/", 0, "no calendar between \(earlier) and \(later)",
        hint: "add calendar/\(earlier + 1).yaml")
    }
    let most = pack.assessment.dimensions.reduce(0) { $0 + $1.cap }
    for level in pack.assessment.levels where level.from > most {
      add(
        "unreachable-level", "assessment/", 0,
        "level '\(level.id)' begins at \(level.from), above the highest score \(most)")
    }
  }

  /// An indicator that alone is worth more than its dimension may give never counts in full.
  private mutating func checkWeights() {
    let model = pack.assessment
    let city = ("city", model.indicators.map(\.weight))
    for (place, weights) in [city] + model.localWeights.sorted(by: { $0.key < $1.key }) {
      for (indicator, weight) in zip(model.indicators, weights) {
        let dimension = model.dimensions[indicator.dimension]
        guard weight > dimension.cap else { continue }
        add(
          "weight-above-cap", place == "city" ? "assessment/" : "districts/\(place)/", 0,
          "indicator '\(indicator.id)' weighs \(weight), but '\(dimension.id)' gives at most "
            + "\(dimension.cap)")
      }
    }
  }
}
