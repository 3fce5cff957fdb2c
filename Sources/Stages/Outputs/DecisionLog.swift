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
    let isConfidential = rule.isConfidential
    let texts = try? event.flatMap(file.event)?.texts()
    let body = JSONWriter.object { json in
      json.field("decision", kind.rawValue)
      json.field("sequence", count)
      json.field("household", pseudonym)
      json.field("rule", isConfidential ? "need" : rule.id)
      json.field("policy", pack.digest)
      json.field("reason", reason?.description)
      json.field("at", now.description)
      json.field("referrals", opening.map { referrals(of: $0) } ?? [])
      json.field("alerts", opening?.alerts.map(\.id) ?? [])
      json.object(isConfidential ? "restricted" : "trace") { trace in
        trace.field("rule", rule.id)
        trace.field("ruleVersion", rule.version)
        trace.field(
          "subject",
          subject.map { settings.identifiers.identifier("P-", [$0.text]) })
        trace.field("event", (texts ?? nil)?.id)
        trace.field("source", (texts ?? nil)?.source)
        write(answer, rule, &trace)
      }
      json.field("previous", hexadecimal(previous))
    }
    let hash = Array(SHA256.hash(data: previous + body))
    household.decisionHash = hash
    let envelope = OutputBuilder.Envelope(
      topic: "decisions", key: pseudonym, revision: count, type: "decision", time: now,
      grade: grade(rule, opening), area: area,
      traceparent: (texts ?? nil)?.traceparent ?? opening.flatMap { self.traceparent(of: $0) })
    var output = OutputBuilder(source: settings.source).record(envelope) { _ in }
    output.value = body
    output.headers.append(.init("hash", hexadecimal(hash)))
    outbox.publish(output)
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
    case .fails(let clause):
      json.field("answer", "fails")
      json.field("clause", clause)
    case .failed(let clause, let code):
      json.field("answer", "error")
      json.field("clause", clause)
      json.field("code", code)
    case nil: break
    }
  }
}
