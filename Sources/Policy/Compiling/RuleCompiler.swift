import Expression
import Vocabulary

/// Compiles a rule draft; reports every problem and returns nil where there was one.
struct RuleCompiler {
  let compiler: ExpressionCompiler
  let environments: PolicyEnvironment
  let parameterNames: [String: Int]
  let sources: SourceCatalog
  let eventLabels: [String: LabelSet]
  let labelTable: LabelTable
  let audiences: AudienceCatalogue

  static let maximumLets = 32

  /// The environment with the rule's let-names, and their bindings.
  private func bindings(
    _ draft: RuleDraft, _ base: TypeEnvironment
  ) -> (environment: TypeEnvironment, lets: [LetBinding]) {
    var environment = base
    var lets: [LetBinding] = []
    for (name, expression, key) in draft.lets {
      guard environment.variables[name] == nil, name != "today", name != "now" else {
        key.report("duplicate-name", "'\(name)' is already defined")
        continue
      }
      guard lets.count < RuleCompiler.maximumLets else {
        key.report("too-many-lets", "more than \(RuleCompiler.maximumLets) names")
        break
      }
      guard let program = compiler.compile(expression, environment, expecting: nil) else {
        // Later expressions may use the name: one problem is told once.
        environment.declareVariable(name, .dyn)
        continue
      }
      let slot = environment.declareVariable(name, program.type, definition: program)
      lets.append(LetBinding(name: name, slot: slot, program: program))
    }
    return (environment, lets)
  }

  /// The environment of one of a rule's expressions, which may use the first `names` let-names.
  func environment(_ draft: RuleDraft, names: Int, hasMember: Bool) -> TypeEnvironment {
    let scope = PolicyScope(member: hasMember, event: !draft.events.isEmpty)
    var visible = draft
    visible.lets = Array(draft.lets.prefix(names))
    return bindings(visible, environments.environment(scope)).environment
  }

  func compile(_ draft: RuleDraft, overlay: [String: RuleStatus]) -> CompiledRule? {
    let scope = PolicyScope(member: draft.scope == .member, event: !draft.events.isEmpty)
    let subjectScope = PolicyScope(member: false, event: !draft.events.isEmpty)
    let (environment, lets) = bindings(draft, environments.environment(scope))
    for (name, yaml) in draft.events where sources.event(name) == nil {
      let short = name.hasPrefix(SourceCatalog.typePrefix)
        ? String(name.dropFirst(SourceCatalog.typePrefix.utf8.count)) : name
      let near =
        sources.event(short) == nil ? Suggestion.nearest(to: short, among: sources.names) : short
      let hint = near.map { "did you mean '\($0)'?" }
      yaml.report("unknown-event", "no source declares the event type '\(name)'", hint: hint)
    }
    let subject = draft.subject.flatMap { subject in
      self.subject(subject, environments.environment(subjectScope))
    }
    let lists = EventListCompiler(
      compiler: compiler, environment: environments.environment(.event),
      parameterNames: parameterNames)
    let when = draft.when.compactMap { clause($0, environment, lists, lets) }
    let unless = draft.unless.compactMap { clause($0, environment, lists, lets) }
    let reviewWhen = draft.reviewWhen.flatMap {
      compiler.compile($0, environment, expecting: .bool)
    }
    let opensWhen = draft.opensWhen.flatMap {
      compiler.compile($0, environment, expecting: .bool)
    }
    let opensBy = draft.opensBy.flatMap {
      compiler.compile($0, environment, expecting: .date)
    }
    let looksAhead = draft.looksAhead.flatMap { lookAhead($0, environment) }
    var reads = ReadSet()
    var labels = triggerLabels(draft, when: when, unless: unless)
    let single = [subject, reviewWhen, opensWhen, opensBy, looksAhead?.to].compactMap(\.self)
    let deciding = when.map(\.program) + unless.map(\.program) + single
    for program in deciding {
      reads.formUnion(compiler.reads(program.dependencies))
      labels.formUnion(compiler.labels(program.dependencies))
    }
    let types = draft.events.map(\.name)
    let referrals = draft.refer.compactMap { referral($0, environment, types) }
    // What decides on a referral is decided again like the rule, but does not tell of its cause.
    let following = referrals.compactMap(\.when)
    for condition in following { reads.formUnion(compiler.reads(condition.dependencies)) }
    let alerts = draft.alerts.compactMap { alert($0, environment, types) }
    let terms = draft.terms.compactMap { name, term in setting(term).map { (name, $0) } }
    let rule = CompiledRule(
      id: draft.id, version: draft.version, title: draft.title, status: draft.status,
      owner: draft.owner, effectiveFrom: draft.from, effectiveTo: draft.until,
      groups: draft.groups, clauses: draft.clauses, basis: draft.basis, scope: draft.scope,
      trigger: trigger(draft, looksAhead), subject: subject, lets: lets, when: when,
      unless: unless, onUnknown: draft.onUnknown, reviewWhen: reviewWhen,
      opensWhen: opensWhen, opensBy: opensBy, referrals: referrals, alerts: alerts,
      closes: draft.closes.map(\.name), outlivesSubject: draft.outlivesSubject,
      dedup: draft.dedup.flatMap(setting) ?? .literal(Term(0, .days)),
      terms: Dictionary(terms, uniquingKeysWith: { first, _ in first }), reads: reads,
      eventLists: lists.uses(in: deciding + following + lets.map(\.program)), labels: labels,
      originLabels: origins(reads, types).union(
        origins(referrals.flatMap(\.evidence) + alerts.flatMap(\.evidence), types)),
      isConfidential: referrals.contains { $0.isDisguised } || alerts.contains { $0.isRestricted },
      localStatus: overlay, file: draft.yaml.source.file, line: draft.yaml.line)
    checkDisclosure(rule, draft)
    return rule
  }

  /// What the name of the rule tells of its trigger: with several possible triggers only what all
  /// have in common.
  private func triggerLabels(
    _ draft: RuleDraft, when: [CompiledClause], unless: [CompiledClause]
  ) -> LabelSet {
    let types = draft.events.map(\.name)
    let told = Set(types.map { eventLabels[$0] ?? [] })
    // Where all tell the same it does not matter which of them can be.
    if told.count < 2 { return told.first ?? [] }
    let probe = TriggerProbe(facts: compiler.facts, sources: sources)
    let possible = probe.possible(
      types, when: when.map(\.program), unless: unless.map(\.program))
    // Where the probe sees none that could, it may be any one of them.
    if possible.isEmpty { return origins(ReadSet(), types) }
    let sets = possible.map { eventLabels[$0] ?? [] }
    guard let first = sets.first else { return [] }
    return sets.dropFirst().reduce(first) { $0.intersection($1) }
  }

  private func trigger(_ draft: RuleDraft, _ looksAhead: LookAhead?) -> RuleTrigger {
    let types = draft.events.map(\.name)
    if let role = draft.engine { return .engine(role, types: types) }
    if types.isEmpty {
      return .situation(hold: draft.hold.flatMap(setting) ?? .literal(Term(0, .days)))
    }
    return .event(types: types, holdsNow: draft.holdsNow, looksAhead: looksAhead)
  }

  private func setting(_ draft: TermDraft) -> TermSetting? {
    switch draft.value {
    case .literal(let term): return .literal(term)
    case .parameter(let name):
      guard let index = parameterNames[name] else {
        let hint = Suggestion.nearest(to: name, among: parameterNames.keys)
          .map { "did you mean 'params.\($0)'?" }
        draft.yaml.report("unknown-parameter", "there is no parameter '\(name)'", hint: hint)
        return nil
      }
      guard environments.parameters[index].type == .term else {
        draft.yaml.report("wrong-type", "parameter '\(name)' is not a term")
        return nil
      }
      return .parameter(index)
    }
  }

  private func subject(_ draft: ExpressionDraft, _ environment: TypeEnvironment) -> Program? {
    guard let program = compiler.compile(draft, environment, expecting: nil) else { return nil }
    let person = CELType.object(ObjectKind.person.name)
    guard program.type == person || program.type == .list(person) else {
      draft.yaml.report(
        "wrong-type", "'subject' is a person or a list of persons, not \(program.type)")
      return nil
    }
    return program
  }

  private func clause(
    _ draft: RuleDraft.Clause, _ environment: TypeEnvironment, _ lists: EventListCompiler,
    _ lets: [LetBinding]
  ) -> CompiledClause? {
    guard let program = compiler.compile(draft.that, environment, expecting: .bool) else {
      return nil
    }
    if let constant = program.constant?.boolValue {
      draft.that.yaml.report(
        "constant-clause", "this condition is always \(constant)", severity: .warning)
    }
    return CompiledClause(
      id: draft.id, says: draft.says, program: program,
      reads: compiler.reads(program.dependencies),
      threshold: lists.threshold(of: program, lets), file: draft.yaml.source.file,
      line: draft.that.yaml.line)
  }

  private func lookAhead(
    _ draft: RuleDraft.LookAhead, _ environment: TypeEnvironment
  ) -> LookAhead? {
    guard let to = compiler.compile(draft.to, environment, expecting: .date),
      let opens = draft.opens.flatMap(setting)
    else { return nil }
    return LookAhead(
      to: to, opens: opens, grace: draft.grace.flatMap(setting) ?? .literal(Term(90, .days)))
  }

  private func evidence(
    _ draft: RuleDraft.Evidence, _ environment: TypeEnvironment
  ) -> CompiledEvidence? {
    guard let program = compiler.compile(draft.value, environment, expecting: nil) else {
      return nil
    }
    let fact = directFact(draft.value.text)
    guard let name = draft.name ?? fact?.title else {
      draft.value.yaml.report(
        "unnamed-evidence", "evidence that is not a single fact needs a name",
        hint: "write {fact: 名称, value: ...}")
      return nil
    }
    return CompiledEvidence(
      name: name, value: program, fact: fact.map { FactSlot($0.object, $0.slot) },
      labels: compiler.labels(program.dependencies))
  }

  /// The fact that `household.x`, `member.x` or `event.x` names.
  private func directFact(_ text: String) -> FactDefinition? {
    let parts = text.split(separator: ".", omittingEmptySubsequences: false)
    guard parts.count == 2 else { return nil }
    let kinds: [Substring: ObjectKind] = [
      "household": .household, "member": .person, "event": .event,
    ]
    guard let kind = kinds[parts[0]] else { return nil }
    return compiler.facts.first { $0.object == kind && $0.name == parts[1] }
  }

  /// What the events behind pieces of evidence tell: those that trigger the rule, and those that
  /// state what the values rest on, also where a neutral form does not pass it on.
  private func origins(_ evidence: [CompiledEvidence], _ types: [String]) -> LabelSet {
    var reads = ReadSet()
    for item in evidence { reads.formUnion(compiler.reads(item.value.dependencies)) }
    return origins(reads, types)
  }

  private func origins(_ reads: ReadSet, _ types: [String]) -> LabelSet {
    var result = types.reduce(into: LabelSet()) { $0.formUnion(eventLabels[$1] ?? []) }
    for slot in reads.facts { result.formUnion(compiler.labels[slot] ?? []) }
    return result
  }

  private func area(_ draft: ExpressionDraft?, _ environment: TypeEnvironment) -> Program? {
    draft.flatMap { compiler.compile($0, environment, expecting: .string) }
  }

  private func referral(
    _ draft: RuleDraft.Refer, _ environment: TypeEnvironment, _ types: [String]
  ) -> CompiledReferral? {
    let task = draft.task.flatMap { compiler.template($0, environment) }
    let from = draft.from.flatMap { compiler.compile($0, environment, expecting: .date) }
    guard let due = draft.due.flatMap(setting) else { return nil }
    let evidence = draft.evidence.compactMap { self.evidence($0, environment) }
    return CompiledReferral(
      to: draft.to, urgency: draft.urgency, due: due, from: from,
      area: area(draft.area, environment), category: draft.category,
      programmes: draft.programmes, needs: draft.needs, isDisguised: draft.isDisguised,
      when: draft.when.flatMap { compiler.compile($0, environment, expecting: .bool) },
      task: task, evidence: evidence,
      // A review of any entry goes to an advisor.
      namesOrigins: clearance(of: draft.to).intersection(clearance(of: .advisor))
        .isSuperset(of: origins(evidence, types)))
  }

  private func alert(
    _ draft: RuleDraft.Alert, _ environment: TypeEnvironment, _ types: [String]
  ) -> CompiledAlert? {
    guard let message = draft.message.flatMap({ compiler.template($0, environment) }) else {
      return nil
    }
    let evidence = draft.evidence.compactMap { self.evidence($0, environment) }
    let clearance = audiences.alertClearance(
      audiences: draft.audiences, isRestricted: draft.isRestricted)
    return CompiledAlert(
      severity: draft.severity, audiences: draft.audiences, isRestricted: draft.isRestricted,
      message: message, area: area(draft.area, environment), evidence: evidence,
      namesOrigins: clearance.isSuperset(of: origins(evidence, types)))
  }
}
