import Expression
import Policy
import Records
import Vocabulary

/// Facts of households that Situation computes.
enum HouseholdBuiltin: String, CaseIterable {
  case members, known, since, district, subdistrict, committee
  case hukouSubdistrict = "hukou_subdistrict"
  case lastDeparture = "last_departure"
  case programmes
  case hasOpenReferral = "has_open_referral"
  case referrals, score
  case scoreUnknown = "score_unknown"
  case scoreLevel = "score_level"
  case scoreParts = "score_parts"
  case needs
  case signalEvents = "signal_events"
}

extension Situation {
  func readHousehold(_ object: ObjectRef, _ slot: UInt16) -> Value {
    guard let file, let reader = schema.household(slot) else { return Situation.noObject }
    switch reader {
    case .state(let fact, let type, let fallback):
      return value(stored(file.log, fact), type, fallback, object, slot)
    case .series(let series):
      return list(object, slot) {
        .events(events(of: EventPosition.household, file.log, series))
      }
    case .derived(let program): return derived(object, slot, program)
    case .builtin(let builtin): return householdBuiltin(builtin, object, slot)
    }
  }

  private func householdBuiltin(
    _ builtin: HouseholdBuiltin, _ object: ObjectRef, _ slot: UInt16
  ) -> Value {
    guard let file, let people else { return Situation.noObject }
    switch builtin {
    case .members: return list(object, slot) { .persons(members) }
    case .known: return .bool(!file.compositions.isEmpty)
    case .since:
      return file.compositions.first.map { .date($0.asOf.date) } ?? Situation.absent
    case .district: return schema.text(district)
    case .subdistrict: return .text(area.subdistrict)
    case .committee: return .text(area.committee)
    case .hukouSubdistrict:
      return people.latestText(file.log, SituationSchema.hukouSubdistrict).map(Value.text)
        ?? .missing(object, field: slot)
    case .lastDeparture:
      return people.lastDeparture(area: area).map(Value.date) ?? Situation.absent
    case .programmes:
      let found = programmesInView()
      return list(object, slot) { .programmes(found.count) }
    case .hasOpenReferral: return .bool(hasOpenReferral())
    case .referrals: return list(object, slot) { .referrals(Array(file.referrals.indices)) }
    case .score: return score(object, slot) { .int(Int64($0.points)) }
    case .scoreUnknown: return score(object, slot) { .int(Int64($0.unknown)) }
    case .scoreLevel:
      let model = schema.pack.assessment
      return score(object, slot) {
        model.level($0.points).map { .text($0.title) } ?? Situation.absent
      }
    case .scoreParts:
      return score(object, slot) {
        .array($0.parts.map { .text("\($0.title)\($0.points)（\($0.says)）") })
      }
    case .needs: return .array(needs().map(Value.text))
    case .signalEvents: return list(object, slot) { .events(windowTransactions()) }
    }
  }

  /// Window transactions of the members as applicants, each transaction once with its last stage
  /// (semantics 23), oldest first.
  private func windowTransactions() -> [EventPosition] {
    guard let file else { return [] }
    let series = SeriesReader(
      types: [SituationSchema.windowTransaction], keep: Term(6, .months),
      key: SituationSchema.transaction)
    return members.flatMap { index in
      let log = file.persons[index].view.log
      return events(of: index, log, series).filter {
        log.stated(SituationSchema.applicant, of: $0.index)?.person == file.persons[index].id
      }
    }
  }

  func programmesInView() -> [Programme] {
    if memory.programmes == nil, let file {
      memory.programmes = Programme.list(file.log, at: view.instant)
    }
    if let validUntil = memory.programmes?.validUntil { limit(validUntil) }
    return memory.programmes?.programmes ?? []
  }

  /// An open referral makes a household monitored only where its opening event came before the
  /// deciding one (semantics 27); a situation rule does not count its own.
  private func hasOpenReferral() -> Bool {
    guard let file else { return false }
    let deciding = view.event.flatMap(file.event)?.effective
    return file.referrals.contains { referral in
      guard referral.isOpen else { return false }
      if let deciding { return referral.openedBy < deciding }
      return referral.rule != decidingRule
    }
  }

  /// Difficulties that windows, visits, tips and hotlines reported in the last year, sorted.
  private func needs() -> [String] {
    guard let file else { return [] }
    let days = schema.pack.parameters.index(of: "needs_days").flatMap {
      resolvedParameters.number($0)
    }
    let oldest = Instant(startOf: view.today.adding(days: -Int(clamping: days ?? 365)))
    var found: Set<String> = []
    func collect(_ log: EventLogView) {
      for index in log.fields(of: SituationSchema.difficulties) {
        let field = log.field(index)
        guard field.event.effective <= view.instant, field.event.effective >= oldest,
          case .strings(let words)? = try? field.value()
        else { continue }
        found.formUnion(words)
      }
    }
    collect(file.log)
    for index in members { collect(file.persons[index].view.log) }
    return found.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
  }
}
