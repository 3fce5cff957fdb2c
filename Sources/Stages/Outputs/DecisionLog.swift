import Crypto
import Policy
import Records
import Situation
import Vocabulary

/// What a decision record says happened.
enum DecisionKind: String {
  case opened, amended, confirmed, withdrawn
  /// A shadow or draft rule fired, or took it back.
  case shadow
  case shadowWithdrawn = "shadow-withdrawn"
  /// A matching event within the dedup window of an answered referral.
  case suppressed
  case feedbackImpossible = "feedback-impossible"
}

/// The decision log: one chain of hashes for each household, so that a missing or changed record
/// shows (each record carries the hash of the one before it).
extension Desk {
  mutating func record(
    _ kind: DecisionKind, _ rule: CompiledRule, _ subject: CitizenID?, opening: Opening?,
    answer: Answer?, event: EventPosition?, reason: WithdrawalReason? = nil
  ) {
    household.decisionCount += 1
    let count = Int(household.decisionCount)
    let previous = household.decisionHash
    let texts = try? event.flatMap(file.event)?.texts()
    let value = decisionValue(kind, rule, subject, opening, answer, texts ?? nil, reason)
    let hash = Array(SHA256.hash(data: previous + value))
    household.decisionHash = hash
    let envelope = OutputBuilder.Envelope(
      topic: "decisions", key: pseudonym, revision: count, type: "decision", time: now,
      grade: grade(rule, opening), area: area,
      traceparent: (texts ?? nil)?.traceparent ?? opening.flatMap { self.traceparent(of: $0) })
    var output = OutputBuilder(source: settings.source).record(envelope, value)
    output.headers.append(.init("hash", hexadecimal(hash)))
    outbox.publish(output)
  }

  private func decisionValue(
    _ kind: DecisionKind, _ rule: CompiledRule, _ subject: CitizenID?, _ opening: Opening?,
    _ answer: Answer?, _ texts: EventTexts?, _ reason: WithdrawalReason?
  ) -> [UInt8] {
    let isConfidential = rule.isConfidential
    var json = JSONWriter()
    json.beginObject()
    json.field("decision", kind.rawValue)
    json.field("sequence", Int(household.decisionCount))
    json.field("household", pseudonym)
    json.field("rule", isConfidential ? "need" : rule.id)
    json.field("policy", pack.digest)
    json.field("reason", reason?.description)
    json.field("at", now)
    json.field("referrals", opening.map { referrals(of: $0) } ?? [])
    json.field("alerts", opening?.alerts.map(\.id) ?? [])
    json.beginObject(isConfidential ? "restricted" : "trace")
    json.field("rule", rule.id)
    json.field("ruleVersion", rule.version)
    json.field("subject", subject.map { settings.identifiers.identifier("P-", [$0.text]) })
    json.field("event", texts?.id)
    json.field("source", texts?.source)
    write(answer, rule, &json)
    json.endObject()
    json.field("previous", hexadecimal(household.decisionHash))
    json.endObject()
    return json.bytes
  }

  /// The urgency of what the decision is about, else the severity of what its rule sends.
  private func grade(_ rule: CompiledRule, _ opening: Opening?) -> (name: String, value: String)? {
    if let urgency = opening?.referrals.first?.urgency ?? rule.referrals.first?.urgency {
      return ("urgency", urgency.description)
    }
    return rule.alerts.first.map { ("severity", $0.severity.rawValue) }
  }

  /// An opening's referrals, with those to resources that are being placed.
  private func referrals(of opening: Opening) -> [String] {
    opening.referrals.map(\.id)
      + household.placements.awaited.filter { $0.belongs(to: opening) }.map(\.referral)
  }

  private func write(_ answer: Answer?, _ rule: CompiledRule, _ json: inout JSONWriter) {
    switch answer {
    case .holds:
      json.field("answer", "holds")
      json.array("clauses", rule.when) {
        $0.field("id", $1.id)
        $0.field("says", $1.says)
      }
    case .unknown(let missing):
      json.field("answer", "unknown")
      json.field("missing", evaluation.names(missing))
    case .fails(let failure):
      json.field("answer", "fails")
      json.field("clause", failure.clause(of: rule))
    case .failed(let failure, let code):
      json.field("answer", "error")
      json.field("clause", failure.clause(of: rule))
      json.field("code", code.rawValue)
    case nil: break
    }
  }
}
