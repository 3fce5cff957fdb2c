import Foundation
import Streaming
import Testing

/// A scenario of one household with referrals that people answer, told in lines.
final class Household {
  static let elder = FamilyTests.valid("310180194603050018")
  static let helper = FamilyTests.valid("310180197001010026")

  /// Two advisors of the committee, one officer at each level above, two resources.
  static let directory = [
    #"{"advisor":"C-1","name":"顾问甲","level":"committee","covers":["310101002001"],"capacity":40}"#,
    #"{"advisor":"C-2","name":"顾问乙","level":"committee","covers":["310101002001"],"capacity":1}"#,
    #"{"advisor":"S-1","name":"街道甲","level":"subdistrict","covers":["310101002"],"capacity":40}"#,
    #"{"advisor":"D-1","name":"区甲","level":"district","covers":["310101"],"capacity":40}"#,
    #"{"resource":"W-1","name":"社工甲","kind":"social-work","category":"service","needs":["elder"],"covers":["310101"],"capacity":9,"agreement":"Y-1"}"#,
    #"{"resource":"W-2","name":"社工乙","kind":"society","category":"service","needs":["elder"],"covers":["310101"],"capacity":9,"agreement":"Y-2"}"#,
  ]

  let scenario: Scenario

  /// An elder who lives with somebody who is not family.
  init(directory: [String] = Household.directory, asOf: String = "2025-12-01") throws {
    scenario = try Scenario(directory: directory)
    try scenario.event(
      "household.composition", "\(asOf)T09:00:00+08:00",
      FamilyTests.composition(
        asOf: asOf, members: [(Household.elder, "02"), (Household.helper, "99")]))
  }

  /// The latest published value of the referral of a rule to a receiver; `resource` goes by topic.
  func referral(_ rule: String, to receiver: String) throws -> String {
    let found = scenario.outputs.last { output in
      receiver == "resource"
        ? output.topic.hasPrefix("referrals.resource")
        : output.topic.hasPrefix("referrals.advisor") && output.text("rule") == rule
          && output.text("to") == receiver
    }
    return try #require(found).text("referral")
  }

  @discardableResult
  func feedback(
    _ kind: String, on referral: String, by: String, _ time: String, _ rest: String = "",
    id: String? = nil
  ) throws -> [OutputRecord] {
    try scenario.event(
      "referral.\(kind)", time,
      #"{"referral":"\#(referral)","by":"\#(by)","date":"\#(time.prefix(10))"\#(rest)}"#, id: id)
  }
}

extension OutputRecord {
  /// An output as a reader of its topic sees it, without texts: who, what state, why, to whom.
  var told: String? {
    func field(_ name: String) -> String? {
      (json[name] as? String).map { "\(name) \($0)" }
    }
    if topic.hasPrefix("referrals.") {
      let assignee = (json["assignee"] as? [String: Any])?["advisor"] as? String
      let candidates = (json["candidates"] as? [String]).map { "[\($0.joined(separator: " "))]" }
      let escalation = (json["escalation"] as? Int).flatMap { $0 > 0 ? "escalation \($0)" : nil }
      let reason = (json["reason"] as? String).map { "(\($0))" }
      let visit = (json["evidence"] as? [[String: Any]])?.first { $0["fact"] as? String == "visit" }
      let number = (visit?["value"] as? String).map { "visit \($0)" }
      let parts: [String?] = [
        json["rule"] as? String ?? "-", number, json["to"] as? String ?? "resource",
        "\(text("state"))/\(json["revision"] ?? 0)", reason, header("urgency"), escalation,
        (assignee ?? candidates).map { "→ \($0)" },
      ]
      return parts.compactMap { $0 }.joined(separator: " ")
    }
    if topic.hasPrefix("alerts.") {
      let audience = (json["audience"] as? [String] ?? []).joined(separator: "+")
      return "alert \(text("rule")) \(text("state")) → \(audience) (\(topic.dropFirst(7)))"
    }
    if topic == "deadletters" { return "dead letter \(header("assist_error_code") ?? "?")" }
    if text("decision") == "feedback-impossible" { return "decision record feedback-impossible" }
    return nil
  }
}
