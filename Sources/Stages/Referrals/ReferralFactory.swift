import Expression
import Policy
import Records
import Situation
import Vocabulary

/// Builds referrals and alerts from a rule's entries. The rule's variables are set.
extension Desk {
  /// Where the household lives at the present viewpoint.
  var area: Area {
    let locality = situation.locality
    return Area(
      district: locality.district, subdistrict: locality.subdistrict,
      committee: locality.committee)
  }

  /// The areas an entry goes to: its `area` expression's, else the household's own.
  ///
  /// An area that an entry names is that of the event's day: a move is told to the street that was
  /// left, also where the new composition came before the notice (semantics 3).
  func targetAreas(_ entry: CompiledReferral, _ scene: Scene) -> [Area] {
    guard let program = entry.area else { return [area] }
    if let position = scene.event, let event = file.event(position) {
      situation.look(from: .day(of: event.effective, event: position))
    }
    evaluation.begin(scene.rule, subject: scene.subject, event: scene.event)
    let codes = situation.texts(program.evaluate(situation.context))
    if let position = scene.event { situation.look(from: .now(now, event: position)) }
    return codes.compactMap(Area.init(code:))
  }

  /// The areas that an opening's entry goes to: of each event it rests on, or of the situation.
  func targetAreas(_ entry: CompiledReferral, of scene: Scene) -> [Area] {
    let events = scene.opening.triggers.compactMap(file.position)
    guard !events.isEmpty else { return targetAreas(entry, scene) }
    var areas: [Area] = []
    for event in events {
      var scene = scene
      scene.event = event
      for area in targetAreas(entry, scene) where !areas.contains(area) { areas.append(area) }
    }
    return areas
  }

  /// Whether an entry's own condition holds; one that hangs on a missing fact does not.
  func isWanted(_ entry: CompiledReferral, _ scene: Scene) -> Bool {
    guard let condition = entry.when else { return true }
    evaluation.begin(scene.rule, subject: scene.subject, event: scene.event)
    if case .holds = condition.decide(situation.context) { return true }
    return false
  }

  /// The identifier of a scene's referral (semantics 12); `code` is the receiver's area. Resources
  /// of several categories are several receivers.
  func identifier(
    _ entry: CompiledReferral, _ receiver: Receiver, _ code: String, _ scene: Scene
  ) -> String {
    let isOneOfMany =
      receiver == .resource && scene.rule.referrals.count { $0.to == .resource } > 1
    let name = isOneOfMany ? "\(receiver)/\(entry.category.rawValue)" : receiver.description
    return settings.identifiers.referral(
      rule: scene.rule.id, receiver: name, area: code,
      household: household.key.text,
      subject: scene.subject.map { file.persons[$0].id.text } ?? "",
      ordinal: Int(scene.opening.ordinal))
  }

  /// A referral of a rule's entry; nil where no resource can take it.
  ///
  /// - Parameters:
  ///   - missing: what a review asks for; `isReview` where none of it may be named.
  ///   - candidates: resources in order, as Register chose them; nil: chosen here, without regard to
  ///     what they have taken on.
  func makeReferral(
    _ entry: CompiledReferral, _ position: Int, _ area: Area, _ scene: Scene,
    missing: [String] = [], isReview: Bool = false, candidates: [String]? = nil
  ) -> Referral? {
    let isReview = isReview || !missing.isEmpty
    let receiver: Receiver = isReview ? .advisor : Receiver(entry.to)
    let level = receiver.level
    let id = identifier(entry, receiver, level.map { area.code(for: $0) } ?? area.district, scene)
    let subject = scene.subject.map { file.persons[$0].id }
    var referral = Referral(
      id: id, revision: 1, state: .requested, reason: nil, bundle: bundle(scene),
      receiver: receiver, entry: UInt8(clamping: position), area: area.code,
      urgency: urgency(entry, scene), openedAt: scene.at,
      dueAt: scene.due ?? dueAt(entry, scene), claimFrom: now, escalation: 0, overdueAt: nil,
      details: KeptDetails(
        ReferralDetails(
          assignee: "", category: entry.category.rawValue, programmes: entry.programmes,
          needs: entry.needs, task: text(entry.task, scene),
          evidence: evidence(entry.evidence, scene) + scene.extra,
          history: [HistoryItem(at: now, what: "requested", by: settings.source)],
          review: isReview, missing: missing)))
    if isReview {
      referral.urgency = max(referral.urgency.lowered, .p2)
      referral.missing = shareable(missing)
      referral.task = reviewTask(referral.missing)
    }
    referral.overdueAt = referral.dueAt
    return assign(&referral, level, area, subject, candidates) ? referral : nil
  }

  /// Chooses the assignee, or the candidates of a resource referral; false where no resource can
  /// take it.
  private func assign(
    _ referral: inout Referral, _ level: Advisor.Level?, _ area: Area, _ subject: CitizenID?,
    _ candidates: [String]?
  ) -> Bool {
    let advisor = router.assign(
      from: level ?? .committee, area: area, household: household.key, on: now.date)
    guard level == nil else {
      referral.assignee = advisor.advisor
      referral.assigneeLevel = advisor.level
      referral.escalation = advisor.escalation
      return true
    }
    referral.contactThrough = advisor.advisor
    referral.candidates =
      candidates
      ?? router.candidates(
        category: referral.category, needs: referral.needs, area: area, on: now.date,
        consent: consent(of: subject)
      ).map(\.resource)
    return !referral.candidates.isEmpty
  }

  /// Whether the subject, or for the household its members, consented to disclosure; nil where
  /// nobody said so.
  func consent(of subject: CitizenID?) -> Bool? {
    subject.flatMap { household.consent[$0] } ?? household.householdConsent
  }

  /// The referrals that one event opens for a household share a bundle.
  private func bundle(_ scene: Scene) -> String {
    let cause = scene.event.flatMap(file.event)?.key ?? household.pendingCause
    let name = cause.map { "\($0.high)/\($0.low)" } ?? "\(scene.rule.id)/\(scene.opening.ordinal)"
    return settings.identifiers.bundle(event: name, household: household.key.text)
  }

  /// The entry's urgency, one level more where the event says that it is urgent (semantics 25).
  func urgency(_ entry: CompiledReferral, _ scene: Scene) -> Urgency {
    guard let position = scene.event, situation.isUrgent(position) else { return entry.urgency }
    return entry.urgency.raised
  }

  /// The deadline: the term from the opening, or from the entry's `from` date.
  func dueAt(_ entry: CompiledReferral, _ scene: Scene) -> Instant {
    guard let term = entry.due.resolved(situation.resolvedParameters) else {
      return Term(0, .days).deadline(from: scene.at, calendar: pack.calendar)
    }
    evaluation.begin(scene.rule, subject: scene.subject, event: scene.event)
    if let program = entry.from, let date = program.evaluate(situation.context).dateValue {
      return Instant(endOf: term.date(from: date, calendar: pack.calendar))
    }
    return term.deadline(from: scene.at, calendar: pack.calendar)
  }

  /// A text with its expressions filled in; a part whose facts are missing says which, as far as
  /// an advisor may know of it.
  func text(_ template: CompiledTemplate?, _ scene: Scene) -> String {
    guard let template else { return "" }
    evaluation.begin(scene.rule, subject: scene.subject, event: scene.event)
    let (facts, clearance) = (pack.facts, advisorClearance)
    let toCheck = { (missing: UnknownSet) in
      let known = missing.facts.compactMap(facts.definition).filter {
        clearance.isSuperset(of: $0.labels)
      }
      return "（\(known.first?.title ?? "")待核实）"
    }
    switch template.template.render(situation.context, unknown: toCheck) {
    case .text(let text): return text
    case .unknown, .failed: return scene.rule.isConfidential ? "" : scene.rule.title
    }
  }

  /// The missing facts that an advisor may know to be missing: naming others would tell what the
  /// rule is about.
  private func shareable(_ missing: [String]) -> [String] {
    let clearance = advisorClearance
    return missing.filter { name in
      pack.facts.definition(qualified: name).map { clearance.isSuperset(of: $0.labels) } ?? false
    }
  }

  private var advisorClearance: LabelSet {
    (pack.audiences.audience("advisor")?.clearance ?? [])
      .intersection(pack.audiences.channel("referrals.advisor")?.clearance ?? [])
  }

  /// What an advisor is asked where facts are missing.
  private func reviewTask(_ missing: [String]) -> String {
    let titles = missing.compactMap { pack.facts.definition(qualified: $0)?.title }
    return titles.isEmpty
      ? "该户情况尚不清楚，请上门了解并反馈，以便判断是否需要帮助。"
      : "请核实并反馈：\(titles.joined(separator: "、"))，以便判断是否需要帮助。"
  }

  /// The facts an output shows; a fact without a value is left out.
  func evidence(_ items: [CompiledEvidence], _ scene: Scene) -> [Evidence] {
    items.compactMap { item in
      evaluation.begin(scene.rule, subject: scene.subject, event: scene.event, tracing: true)
      let value = item.value.evaluate(situation.context)
      guard let shown = situation.shown(value), !shown.isEmpty else { return nil }
      let origin = situation.origin(of: situation.context.trace) ?? scene.event
      let event = origin.flatMap(file.event)
      let texts = try? event?.texts()
      return Evidence(
        fact: item.name, value: shown, event: texts?.id, source: texts?.source,
        at: event?.effective)
    }
  }

  /// Whether an opening rests on an event of a kind whose alerts are always restricted.
  private func restsOnRestricted(_ scene: Scene) -> Bool {
    guard let owned = pack.audiences.channel("alerts.restricted")?.owns, !owned.isEmpty else {
      return false
    }
    let events = scene.opening.triggers.compactMap(file.position) + [scene.event].compactMap(\.self)
    return events.contains { position in
      let type = situation.typeName(of: position) ?? ""
      return !owned.isDisjoint(with: pack.facts.eventLabels[type] ?? [])
    }
  }

  func makeAlert(_ entry: CompiledAlert, _ position: Int, _ scene: Scene) -> Alert {
    let subject = scene.subject.map { file.persons[$0].id }
    evaluation.begin(scene.rule, subject: scene.subject, event: scene.event)
    let id = settings.identifiers.alert(
      rule: scene.rule.id + (position == 0 ? "" : "/\(position)"), household: household.key.text,
      subject: subject?.text ?? "", ordinal: Int(scene.opening.ordinal))
    let isRestricted =
      entry.isRestricted || isChild(scene.subject) || restsOnRestricted(scene)
    let code = entry.area.flatMap { program in
      situation.texts(program.evaluate(situation.context)).first.flatMap(Area.init(code:))
    }
    return Alert(
      id: id, entry: UInt8(clamping: position), revision: 1, firing: true, openedAt: now,
      message: text(entry.message, scene), evidence: evidence(entry.evidence, scene),
      topic: isRestricted ? "alerts.restricted" : "alerts.\((code ?? area).district)",
      traceparent: traceparent(scene.event))
  }

  func isChild(_ subject: Int?) -> Bool {
    subject.map { file.persons[$0].id.birthDate.age(on: now.date) < 18 } ?? false
  }

  func traceparent(_ event: EventPosition?) -> String? {
    (try? event.flatMap(file.event)?.texts())??.traceparent
  }
}

extension FactCatalogue {
  /// A fact by its qualified name, such as `person.income`.
  func definition(qualified name: String) -> FactDefinition? {
    let parts = name.split(separator: ".", maxSplits: 1)
    guard parts.count == 2, let object = ObjectKind(name: String(parts[0])) else { return nil }
    return definition(of: object, named: String(parts[1]))
  }
}

extension Receiver {
  init(_ receiver: ReferralReceiver) {
    self =
      switch receiver {
      case .advisor: .advisor
      case .subdistrict: .subdistrict
      case .district: .district
      case .resource: .resource
      }
  }

  /// The lowest level that works on it, nil for resources.
  var level: Advisor.Level? {
    switch self {
    case .advisor: .committee
    case .subdistrict: .subdistrict
    case .district: .district
    case .resource: nil
    }
  }
}

extension Area {
  /// From a code of 6, 9 or 12 digits.
  init?(code: String) {
    guard [6, 9, 12].contains(code.utf8.count), code.utf8.allSatisfy({ $0 &- 0x30 <= 9 }) else {
      return nil
    }
    func prefix(_ digits: Int) -> String { String(Substring(code.utf8.prefix(digits))) }
    self.init(
      district: prefix(6), subdistrict: code.utf8.count >= 9 ? prefix(9) : "",
      committee: code.utf8.count == 12 ? code : "")
  }
}
