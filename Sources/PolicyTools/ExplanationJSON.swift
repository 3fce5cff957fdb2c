import Foundation
import Policy

/// An explanation for scripts: one JSON object with what `text` shows, and the codes behind it.
extension RuleExplanation {
  public var json: String {
    var object: [String: Any] = [
      "rule": rule.id, "version": rule.version, "title": rule.title, "owner": rule.owner,
      "status": rule.status(in: district).rawValue, "effectiveFrom": rule.effectiveFrom.description,
      "isEffective": rule.isEffective(on: date), "groups": rule.groups, "clauses": rule.clauses,
      "basis": rule.basis.map { ["cite": $0.cite, "clause": $0.clause] },
      "scope": rule.scope == .household ? "household" : "member", "events": rule.eventTypes,
      "let": rule.lets.map { ["name": $0.name, "expression": Self.line($0.program.source)] },
      "when": rule.when.map(clause), "unless": rule.unless.map(clause),
      "onUnknown": rule.onUnknown.rawValue, "closes": rule.closes,
      "referrals": rule.referrals.map(referral), "alerts": rule.alerts.map(alert),
      "facts": factsRead.map(fact), "parameters": parametersInForce.map(parameter),
      "date": date.description, "place": district.isEmpty ? "" : place,
    ]
    object["effectiveTo"] = rule.effectiveTo?.description
    for (name, program) in [
      ("subject", rule.subject), ("reviewWhen", rule.reviewWhen), ("opensWhen", rule.opensWhen),
      ("opensBy", rule.opensBy),
    ] {
      object[name] = program.map { Self.line($0.source) }
    }
    object["dedup"] = rule.dedup.resolved(resolvedParameters)?.description
    object["terms"] = rule.terms.compactMapValues { $0.resolved(resolvedParameters)?.description }
    let options: JSONSerialization.WritingOptions = [.sortedKeys, .withoutEscapingSlashes]
    let bytes = (try? JSONSerialization.data(withJSONObject: object, options: options)) ?? Data()
    return String(decoding: bytes, as: UTF8.self)
  }

  private func clause(_ clause: CompiledClause) -> [String: Any] {
    ["id": clause.id, "says": clause.says, "expression": Self.line(clause.program.source)]
  }

  private func referral(_ referral: CompiledReferral) -> [String: Any] {
    var object: [String: Any] = [
      "to": referral.to.rawValue, "urgency": referral.urgency.description,
      "category": referral.category.rawValue, "programmes": referral.programmes,
      "needs": referral.needs, "isDisguised": referral.isDisguised,
      "evidence": referral.evidence.map(\.name),
    ]
    object["due"] = referral.due.resolved(resolvedParameters)?.description
    object["from"] = referral.from.map { Self.line($0.source) }
    object["area"] = referral.area.map { Self.line($0.source) }
    object["when"] = referral.when.map { Self.line($0.source) }
    object["task"] = referral.task?.template.source
    return object
  }

  private func alert(_ alert: CompiledAlert) -> [String: Any] {
    [
      "severity": alert.severity.rawValue, "audience": alert.audiences,
      "isRestricted": alert.isRestricted, "message": alert.message.template.source,
      "evidence": alert.evidence.map(\.name),
    ]
  }

  private func fact(_ fact: FactDefinition) -> [String: Any] {
    var object: [String: Any] = [
      "fact": fact.qualifiedName, "title": fact.title, "type": fact.type.rawValue,
      "unit": fact.unit, "labels": pack.labels.names(fact.labels), "cite": fact.cite,
    ]
    switch fact.origin {
    case .state(let preset): object["mayBeUnknown"] = preset == .unknown
    case .derived(let at): object["derive"] = Self.line(pack.derived[at].program.source)
    case .series(let events, let keep, _):
      object["events"] = events
      object["keep"] = keep.description
    case .builtin: break
    }
    return object
  }

  private func parameter(_ parameter: ParameterInForce) -> [String: Any] {
    let definition = parameter.definition
    var object: [String: Any] = [
      "name": definition.name, "title": definition.title, "type": definition.type.rawValue,
      "unit": definition.unit, "area": parameter.area,
    ]
    object["value"] = parameter.value?.text
    object["derive"] = definition.derivation
    object["from"] = parameter.source?.from.description
    object["cite"] = parameter.source?.cite
    object["isVerified"] = parameter.source?.isVerified
    return object
  }
}
