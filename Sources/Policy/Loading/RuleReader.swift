import Vocabulary

/// Reads a file of `rules/`. The keys are those of the contract, and:
///
/// - `engine`, `terms`: the engine opens; the rule gives texts, terms and receivers.
/// - `subject`: an expression giving the person or persons that a member rule is about.
/// - `review_when`: a review is opened only where this holds.
/// - `opens_when`: a situation rule opens only while this holds too; an open referral stays.
/// - `opens_by`: a date. After it the rule holds only where it held at the end of that day too, by
///   the dates from which facts count; when they arrived does not matter.
/// - `holds_now: false`: an event rule's conditions need not hold any more when it is decided.
/// - `looks_ahead: {to, opens, grace}`: opens the term `opens` before the date `to`, also for an
///   old event.
/// - `closes`: rules whose open referrals about the same subject end when this one opens.
/// - `outlives_subject`: the death of its subject does not withdraw it.
/// - of a referral: `from` (an expression: the day `due` counts from), `area` (an expression: the
///   code of the area it goes to), `when` (made only where this holds at the opening), `needs`,
///   `disguise: need` (a neutral form on advisor topics). To `resource` one for each category.
/// - of an alert: `restricted: true`, `area`, `evidence`.
struct RuleReader {
  private let file: YAMLMapping

  /// Nil where the text is no mapping.
  static func read(_ root: PositionedYAML) -> RuleDraft? {
    guard let file = root.mapping else { return nil }
    return RuleReader(file: file).rule(root)
  }

  private func rule(_ root: PositionedYAML) -> RuleDraft? {
    let id = file.string("rule")
    let version = file.integer("version", in: 1...100_000)
    let effective = file.required("effective")?.mapping
    let from = readDate(effective?.required("from"))
    let until = effective?.optional("to").flatMap { readDate($0) }
    effective?.finish()
    let serves = file.required("serves")?.mapping
    let groups = words(serves?.optional("groups"), PolicyWords.groups, "a group of the plan")
    let clauses = words(serves?.optional("clauses"), PolicyWords.clauses, "a clause of the plan")
    serves?.finish()
    let engine = file.optional("engine")?.word(EngineRole.self, what: "a role of the engine")
    let draft = RuleDraft(
      yaml: root, id: id ?? "", version: version ?? 0, title: file.nonEmptyString("title") ?? "",
      status: file.required("status")?.word(RuleStatus.self, what: "a status") ?? .draft,
      owner: file.nonEmptyString("owner") ?? "", from: from ?? .earliest, until: until, groups: groups,
      clauses: clauses, basis: basis(),
      scope: file.required("scope")?.word(RuleScope.self, what: "a scope") ?? .household,
      engine: engine, terms: terms(), events: named("events"),
      subject: expression(file.optional("subject")), lets: lets(), when: conditions("when"),
      unless: conditions("unless"), hold: term(file.optional("hold")),
      onUnknown: file.optional("on_unknown")?.word(
        UnknownPolicy.self, what: "review, fire or skip") ?? .review,
      reviewWhen: expression(file.optional("review_when")),
      opensWhen: expression(file.optional("opens_when")),
      opensBy: expression(file.optional("opens_by")),
      holdsNow: file.boolean("holds_now", default: true), looksAhead: looksAhead(),
      closes: named("closes"), outlivesSubject: file.boolean("outlives_subject", default: false),
      refer: file.sequence("refer").compactMap(refer), alerts: alerts(),
      dedup: dedup())
    _ = file.optionalString("note")
    file.finish()
    check(draft)
    return id == nil ? nil : draft
  }

  private func check(_ draft: RuleDraft) {
    let expected = draft.yaml.source.file.split(separator: "/").last ?? ""
    if !draft.id.isEmpty, expected != draft.id + ".yaml" {
      file.optional("rule")?.report(
        "rule-file-name", "rule '\(draft.id)' stands in '\(expected)'",
        hint: "a rule's file is named after it: \(draft.id).yaml")
    }
    if draft.engine == nil, draft.when.isEmpty {
      (file.key("when") ?? draft.yaml).report("missing-key", "'when' has no condition")
    }
    if !draft.events.isEmpty, let hold = draft.hold {
      hold.yaml.report("contradictory-keys", "'hold' is for rules without 'events'")
    }
    if !draft.events.isEmpty {
      for key in ["opens_when", "opens_by"] {
        file.optional(key)?.report("contradictory-keys", "'\(key)' is for rules without 'events'")
      }
    }
    if draft.events.isEmpty {
      for key in ["holds_now", "looks_ahead"] {
        file.optional(key)?.report("contradictory-keys", "'\(key)' needs 'events'")
      }
    }
    if draft.scope == .household, let subject = draft.subject {
      subject.yaml.report("contradictory-keys", "'subject' needs 'scope: member'")
    }
    if file.optional("refer") == nil, file.optional("alert") == nil {
      draft.yaml.report("missing-key", "the rule has neither 'refer' nor 'alert'")
    }
    if let until = draft.until, until < draft.from {
      file.optional("effective")?.report("bad-date", "the rule ends before it begins")
    }
    var categories: Set<HelpCategory> = []
    for refer in draft.refer where refer.to == .resource {
      guard !categories.insert(refer.category).inserted else { continue }
      refer.yaml.report(
        "duplicate-receiver", "the rule refers to resources of this category twice")
    }
    var ids: Set<String> = []
    for clause in draft.when + draft.unless where !ids.insert(clause.id).inserted {
      clause.yaml.report("duplicate-clause", "clause '\(clause.id)' occurs twice")
    }
  }

  private func words(_ yaml: PositionedYAML?, _ words: [String], _ what: String) -> [String] {
    (yaml?.sequence ?? []).compactMap { $0.word(words, what: what) }
  }

  private func named(_ key: String) -> [(name: String, yaml: PositionedYAML)] {
    file.sequence(key).compactMap { yaml in yaml.string.map { ($0, yaml) } }
  }

  private func basis() -> [LegalBasis] {
    (file.required("basis")?.sequence ?? []).compactMap { yaml in
      guard let entry = yaml.mapping else { return nil }
      let basis = LegalBasis(
        cite: entry.nonEmptyString("cite") ?? "", clause: entry.optionalString("clause") ?? "")
      entry.finish()
      return basis
    }
  }

  private func expression(_ yaml: PositionedYAML?) -> ExpressionDraft? {
    guard let yaml, let text = yaml.string else { return nil }
    return ExpressionDraft(text: text, yaml: yaml)
  }

  private func term(_ yaml: PositionedYAML?) -> TermDraft? {
    guard let yaml else { return nil }
    if let text = yaml.string, text.hasPrefix("params.") {
      return TermDraft(value: .parameter(String(text.dropFirst(7))), yaml: yaml)
    }
    return readTerm(yaml).map { TermDraft(value: .literal($0), yaml: yaml) }
  }

  private func terms() -> [(name: String, term: TermDraft)] {
    (file.optional("terms")?.mapping?.entries ?? []).compactMap { key, value in
      guard let name = key.string, let term = term(value) else { return nil }
      return (name, term)
    }
  }

  private func lets() -> [(name: String, expression: ExpressionDraft, key: PositionedYAML)] {
    (file.optional("let")?.mapping?.entries ?? []).compactMap { key, value in
      guard let name = key.string, let expression = expression(value) else { return nil }
      guard FactReader.isName(name) else {
        key.report("bad-name", "'\(name)' is not a name")
        return nil
      }
      return (name, expression, key)
    }
  }

  private func conditions(_ key: String) -> [RuleDraft.Clause] {
    file.sequence(key).compactMap { yaml in
      guard let entry = yaml.mapping else { return nil }
      let id = entry.nonEmptyString("id")
      let that = expression(entry.required("that"))
      let says = entry.nonEmptyString("says")
      entry.finish()
      guard let id, let that, let says else { return nil }
      return RuleDraft.Clause(id: id, that: that, says: says, yaml: yaml)
    }
  }

  private func looksAhead() -> RuleDraft.LookAhead? {
    guard let entry = file.optional("looks_ahead")?.mapping else { return nil }
    let to = expression(entry.required("to"))
    let opens = term(entry.required("opens"))
    let grace = term(entry.optional("grace"))
    entry.finish()
    return to.map { RuleDraft.LookAhead(to: $0, opens: opens, grace: grace) }
  }

  private func dedup() -> TermDraft? {
    guard let entry = file.optional("dedup")?.mapping else { return nil }
    let window = term(entry.required("window"))
    entry.finish()
    return window
  }

  private func evidence(_ yaml: PositionedYAML?) -> [RuleDraft.Evidence] {
    (yaml?.sequence ?? []).compactMap { element in
      if element.isScalar {
        return expression(element).map { RuleDraft.Evidence(name: nil, value: $0) }
      }
      guard let entry = element.mapping else { return nil }
      let name = entry.string("fact")
      let value = expression(entry.required("value"))
      entry.finish()
      guard let value else { return nil }
      return RuleDraft.Evidence(name: name, value: value)
    }
  }

  private func refer(_ yaml: PositionedYAML) -> RuleDraft.Refer? {
    guard let entry = yaml.mapping else { return nil }
    let to = entry.required("to")?.word(ReferralReceiver.self, what: "a receiver")
    let urgency = entry.required("urgency")?.word(
      Urgency.allCases.map(\.description), what: "an urgency"
    ).flatMap { Urgency($0) }
    let disguise = entry.optional("disguise")?.word(["need"], what: "a neutral form")
    let refer = RuleDraft.Refer(
      yaml: yaml, to: to ?? .advisor, urgency: urgency ?? .p4, due: term(entry.required("due")),
      from: expression(entry.optional("from")), area: expression(entry.optional("area")),
      category: entry.required("category")?.word(HelpCategory.self, what: "a category of help")
        ?? .policy,
      programmes: words(entry.optional("programmes"), PolicyWords.programmes, "a programme"),
      needs: words(entry.optional("needs"), PolicyWords.difficulties, "a kind of difficulty"),
      isDisguised: disguise != nil, when: expression(entry.optional("when")),
      task: expression(entry.optional("task")), evidence: evidence(entry.optional("evidence")))
    if to == .resource {
      for key in ["task", "evidence", "area", "programmes"] {
        entry.optional(key)?.report(
          "resource-disclosure", "a resource never receives '\(key)'",
          hint: "only category, needs and the area go out")
      }
      if refer.needs.isEmpty { yaml.report("missing-key", "'needs' is missing") }
    } else if refer.task == nil {
      yaml.report("missing-key", "'task' is missing")
    }
    entry.finish()
    return to == nil ? nil : refer
  }

  private func alerts() -> [RuleDraft.Alert] {
    guard let yaml = file.optional("alert") else { return [] }
    return (yaml.isSequence ? yaml.sequence ?? [] : [yaml]).compactMap { yaml in
      guard let entry = yaml.mapping else { return nil }
      let alert = RuleDraft.Alert(
        yaml: yaml,
        severity: entry.required("severity")?.word(AlertSeverity.self, what: "a severity")
          ?? .info,
        audiences: words(
          entry.required("audience"), AudienceReader.names.filter { $0 != "resource" },
          "an audience of alerts"),
        isRestricted: entry.boolean("restricted", default: false),
        message: expression(entry.required("message")),
        area: expression(entry.optional("area")), evidence: evidence(entry.optional("evidence")))
      if alert.audiences.isEmpty { yaml.report("missing-value", "no audience is given") }
      entry.finish()
      return alert
    }
  }
}
