import Policy
import Records
import Vocabulary

/// The rules of a pack, arranged for deciding.
struct Rulebook {
  /// Rules without events, in order of id.
  let situationRules: [Situational]
  /// Rules with events, in order of id.
  let eventRules: [Eventful]
  private let byID: [String: CompiledRule]

  /// A situation rule and what can change its answer.
  struct Situational {
    let rule: CompiledRule
    let hold: TermSetting
    let reads: Set<FactID>
  }

  /// An event rule, the types that trigger it, and what can change its answer.
  struct Eventful {
    let rule: CompiledRule
    let types: Set<EventTypeID>
    let holdsNow: Bool
    let looksAhead: LookAhead?
    let reads: Set<FactID>
  }

  init(pack: PolicyPack) {
    var situational: [Situational] = []
    var eventful: [Eventful] = []
    for rule in pack.rules {
      let reads = Rulebook.changes(that: rule.reads, pack.facts)
      switch rule.trigger {
      case .situation(let hold):
        situational.append(Situational(rule: rule, hold: hold, reads: reads))
      case .event(let types, let holdsNow, let looksAhead):
        eventful.append(
          Eventful(
            rule: rule, types: Set(types.map { EventTypeID($0) }), holdsNow: holdsNow,
            looksAhead: looksAhead, reads: reads))
      case .engine: break
      }
    }
    situationRules = situational
    eventRules = eventful
    byID = Dictionary(pack.rules.map { ($0.id, $0) }, uniquingKeysWith: { first, _ in first })
  }

  func rule(_ id: String) -> CompiledRule? { byID[id] }

  /// Stands for "a referral of the household opened or ended" among changed facts.
  static let referralsChanged = FactID("household.referrals")

  /// The changes that can alter an answer: stored facts by their identity, series and computed
  /// facts by the types of events behind them.
  private static func changes(that reads: ReadSet, _ facts: FactCatalogue) -> Set<FactID> {
    var changes = Set(reads.eventTypes.map { FactID(rawValue: EventTypeID($0).rawValue) })
    for slot in reads.facts {
      guard let fact = facts.definition(of: slot.object, slot: slot.slot) else { continue }
      switch fact.origin {
      case .state: changes.insert(fact.id)
      case .series, .derived: break
      case .builtin:
        if slot.object == .programme || fact.type == .programmes {
          changes.formUnion(types("assistance.decision"))
        }
        if slot.object == .referral { changes.insert(referralsChanged) }
        changes.formUnion(computed[fact.name] ?? [])
      }
    }
    return changes
  }

  private static func types(_ names: String...) -> Set<FactID> {
    Set(names.map { FactID(rawValue: EventTypeID($0).rawValue) })
  }

  /// What each computed fact is computed from. A composition notice changes all of them.
  private static let computed: [String: Set<FactID>] = {
    let residence = types("notice.residence", "window.transaction")
    let leaving = types("notice.death", "notice.residence", "notice.birth")
    let reports = types("report.visit", "report.tip", "report.hotline", "window.transaction")
    return [
      "members": leaving, "is_member": leaving, "last_departure": leaving,
      "relation": types("notice.birth"), "self_care": types("report.visit"),
      "parents": types("notice.birth"), "known_parents": types("notice.birth"),
      "guardians": types("notice.birth", "notice.guardianship"),
      "moved_out": residence, "district": residence, "subdistrict": residence,
      "committee": residence, "programmes": types("assistance.decision"),
      "has_open_referral": [referralsChanged], "referrals": [referralsChanged],
      "needs": reports, "signal_events": types("window.transaction"),
      "score": [everything], "score_unknown": [everything],
    ]
  }()

  /// Stands for any change: the assessment reads most facts.
  static let everything = FactID("*")
}
