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

  /// A result of the assessment.
  var isScore: Bool {
    switch self {
    case .score, .scoreUnknown, .scoreLevel, .scoreParts: true
    default: false
    }
  }
}

extension Situation {
  /// `slot` is that of a fact of households.
  func readHousehold(_ object: ObjectRef, _ slot: UInt16) -> Value {
    read(householdSources + Int(slot), of: EventPosition.household, object, slot) { builtin in
      onFile { householdBuiltin(builtin, $0, object, slot) }
    }
  }

  private func householdBuiltin(
    _ builtin: HouseholdBuiltin, _ file: HouseholdFile, _ object: ObjectRef, _ slot: UInt16
  ) -> Value {
    switch builtin {
    case .members:
      return list(of: .person, object, slot) { add in eachMember { add(UInt32($0)) } }
    case .known: return .bool(!file.compositions.isEmpty)
    case .since:
      return file.compositions.first.map { .date($0.asOf.date) } ?? Situation.absent
    case .district: return locality.texts.district
    case .subdistrict: return locality.texts.subdistrict
    case .committee: return locality.texts.committee
    case .hukouSubdistrict:
      rest(on: SituationSchema.hukouSubdistrict, in: file.log)
      return file.log.latestText(SituationSchema.hukouSubdistrict, at: view.instant)
        .map(Value.text) ?? .missing(object, field: slot)
    case .lastDeparture:
      rest(on: .nowhereElse)
      return people?.lastDeparture(from: locality).map(Value.date) ?? Situation.absent
    case .programmes:
      let count = programmesInView().count
      return list(of: .programme, object, slot) { add in
        for index in 0..<count { add(UInt32(index)) }
      }
    case .hasOpenReferral: return .bool(hasOpenReferral())
    case .referrals:
      return list(of: .referral, object, slot) { add in
        for index in file.referrals.indices where isInView(file.referrals[index]) {
          add(UInt32(index))
        }
      }
    case .score: return score { .int(Int64($0.points)) }
    case .scoreUnknown: return score { .int(Int64($0.unknown)) }
    case .scoreLevel:
      let model = schema.pack.assessment
      return score { model.level($0.points).map { .text($0.title) } ?? Situation.absent }
    case .scoreParts:
      return score { .array($0.parts.map { .text("\($0.title)\($0.points)（\($0.says)）") }) }
    case .needs: return .array(needs().map(Value.text))
    case .signalEvents:
      return list(of: .event, object, slot) { add in eachWindowTransaction { add($0.packed) } }
    }
  }

  /// Window transactions of the members as applicants, each transaction once with its last stage
  /// (semantics 23), oldest first.
  private func eachWindowTransaction(_ body: (EventPosition) -> Void) {
    guard let file else { return }
    let series = SituationSchema.windowSeries
    eachMember { index in
      let log = file.persons[index].view.log
      let id = file.persons[index].id
      eachEvent(of: index, log, series) { position in
        if log.stated(SituationSchema.applicant, of: position.index)?.person == id {
          body(position)
        }
      }
    }
  }

  func programmesInView() -> UnsafeBufferPointer<Programme> {
    let known = current._withUnsafeGuaranteedRef { $0.programmes }
    let programmes = known ?? findProgrammes()
    limitToProgrammes()
    return programmes.map { UnsafeBufferPointer($0) } ?? UnsafeBufferPointer(start: nil, count: 0)
  }

  private func findProgrammes() -> UnsafeMutableBufferPointer<Programme>? {
    guard sight.pointee.file != nil else { return nil }
    return current._withUnsafeGuaranteedRef { memory in
      if let kin = kinProgrammes() {
        memory.keep(kin.found, kin.standing)
      } else {
        let (programmes, standing) = Programme.list(sight.pointee.logs[0], at: view.instant)
        programmes.withUnsafeBufferPointer { memory.keep($0, standing) }
      }
      return memory.programmes
    }
  }

  /// The programmes as another viewpoint has found them, where they are the same.
  private func kinProgrammes() -> Found<UnsafeBufferPointer<Programme>>? {
    firstKin { place in
      place.pointee.memory._withUnsafeGuaranteedRef { memory in
        guard let programmes = memory.programmes, memory.programmesStand.covers(view.instant)
        else { return nil }
        return Found(UnsafeBufferPointer(programmes), memory.programmesStand)
      }
    }
  }

  /// What a programme says holds until the next decision takes effect or a programme ends.
  func limitToProgrammes() {
    rest(on: current._withUnsafeGuaranteedRef { $0.programmesStand })
  }

  /// A programme that was handed out at this viewpoint.
  func programme(_ index: Int) -> UnsafePointer<Programme>? {
    guard let programmes = current._withUnsafeGuaranteedRef({ $0.programmes }),
      index < programmes.count
    else { return nil }
    return programmes.baseAddress.map { UnsafePointer($0 + index) }
  }

  /// An open referral makes a household monitored only where its opening event came before the
  /// deciding one (semantics 27); a situation rule does not count its own.
  func hasOpenReferral() -> Bool {
    guard let file, !file.referrals.isEmpty else { return false }
    let deciding = view.event.flatMap(file.event)?.effective
    return file.referrals.contains { referral in
      guard referral.isOpen, isInView(referral) else { return false }
      if let deciding { return referral.openedBy < deciding }
      return referral.rule != decidingRule
    }
  }

  func isInView(_ referral: ReferralOnFile) -> Bool {
    !view.hidesLaterReferrals || referral.openedBy <= view.instant
  }

  /// Difficulties that windows, visits, tips and hotlines reported in the last year, sorted.
  private func needs() -> [String] {
    guard let file else { return [] }
    rest(on: .nowhereElse)
    let days = schema.needsDays.flatMap { resolvedParameters.number($0) }
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
    eachMember { collect(file.persons[$0].view.log) }
    return found.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
  }
}
