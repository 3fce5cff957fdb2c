import Foundation
import Streaming
import Testing

/// The state machine of referrals as transcripts: state × input → what is published
/// (semantics 17 and 32). Golden files; `RECORD_GOLDEN=1` writes them anew.
@Suite struct FeedbackTranscripts {
  private static let opened = "2026-03-02T09:00:00+08:00"
  private static let answered = "2026-03-02T09:10:00+08:00"
  private static let then = "2026-03-02T09:20:00+08:00"

  /// What a referral can be: its rule, its receiver, and who answers.
  private enum Kind: String, CaseIterable {
    case advisor, subdistrict, ladder, resource
    var rule: String {
      switch self {
      case .advisor: "E07"
      case .subdistrict: "C03"
      case .ladder: "E02"
      case .resource: "D03"
      }
    }
    var receiver: String { self == .ladder ? "advisor" : rawValue }
    var by: String {
      switch self {
      case .advisor, .ladder: "C-1"
      case .subdistrict: "S-1"
      case .resource: "W-1"
      }
    }
  }

  private static let states = [
    "requested", "accepted", "in-progress", "completed", "declined", "withdrawn",
  ]
  private static let inputs = [
    "accepted", "started", "visited", "completed", "declined", "reassigned",
  ]

  private static func open(_ kind: Kind) throws -> Household {
    let household = try Household()
    let scenario = household.scenario
    switch kind {
    case .advisor:
      try scenario.event(
        "report.hotline", opened,
        #"{"about":{"id":"\#(Household.elder)"},"difficulties":["income"],"date":"2026-03-02"}"#,
        id: "opener")
    case .subdistrict:
      try scenario.event(
        "notice.emergency", opened,
        #"{"kind":"fire","date":"2026-03-02","persons":["\#(Household.elder)"]}"#, id: "opener")
    case .ladder:
      for (id, state) in [("grant", "granted"), ("opener", "exited")] {
        try scenario.event(
          "assistance.decision", opened,
          #"{"household":"HH-1","applicant":"\#(Household.elder)","programme":"dibao","#
            + #""state":"\#(state)","date":"2026-03-\#(state == "exited" ? "02" : "01")"}"#, id: id)
      }
    case .resource:
      try scenario.event(
        "notice.death", opened, #"{"person":"\#(Household.helper)","date":"2026-03-01"}"#,
        id: "opener")
    }
    return household
  }

  /// Brings a fresh referral into a state; nil where its kind cannot be in it.
  private static func bring(
    _ kind: Kind, to state: String
  ) throws -> (household: Household, referral: String)? {
    let household = try open(kind)
    let referral = try household.referral(kind.rule, to: kind.receiver)
    switch state {
    case "accepted", "completed":
      try household.feedback(state, on: referral, by: kind.by, answered)
    case "in-progress": try household.feedback("started", on: referral, by: kind.by, answered)
    case "declined":
      guard kind == .resource else { return nil }
      for by in ["W-1", "W-2"] {
        try household.feedback("declined", on: referral, by: by, answered)
      }
    case "withdrawn":
      try household.scenario.event(
        "notice.retracted", answered, #"{"retracts":"opener","reason":"误报"}"#)
    default: break
    }
    return (household, referral)
  }

  private static func told(_ outputs: [OutputRecord]) -> String {
    let lines = outputs.compactMap(\.told)
    return lines.isEmpty ? "nothing" : lines.joined(separator: "; ")
  }

  private static func padded(_ text: String, _ width: Int) -> String {
    text.padding(toLength: width, withPad: " ", startingAt: 0)
  }

  @Test func everyFeedbackInEveryState() throws {
    var lines: [String] = []
    for kind in Kind.allCases {
      lines.append("# \(kind.rawValue) (\(kind.rule))")
      for state in FeedbackTranscripts.states {
        for input in FeedbackTranscripts.inputs {
          guard let (household, referral) = try FeedbackTranscripts.bring(kind, to: state) else {
            continue
          }
          let by = state == "declined" ? "W-2" : kind.by
          let outputs = try household.feedback(
            input, on: referral, by: by, FeedbackTranscripts.then,
            input == "reassigned" ? #","to":"C-2""# : "")
          lines.append(
            FeedbackTranscripts.padded(state, 11) + " × " + FeedbackTranscripts.padded(input, 10)
              + " → " + FeedbackTranscripts.told(outputs))
        }
      }
      lines.append("")
    }
    try Golden.expect(lines, in: "feedback-transitions.txt")
  }

  /// Feedback that comes twice, out of order, from another resource, about nothing.
  @Test func sequences() throws {
    var lines: [String] = []
    func tell(_ title: String, _ kind: Kind, _ steps: [(kind: String, by: String, rest: String)]) throws {
      lines.append("# \(title)")
      let household = try FeedbackTranscripts.open(kind)
      let referral = try household.referral(kind.rule, to: kind.receiver)
      for (index, step) in steps.enumerated() {
        let again = step.kind.hasSuffix("again")
        let name = again ? String(step.kind.dropLast(6)) : step.kind
        let outputs = try household.feedback(
          name, on: step.rest == "unknown" ? "R-NOBODY" : referral, by: step.by,
          "2026-03-02T09:\(20 + index):00+08:00", step.rest == "unknown" ? "" : step.rest,
          id: again ? "f-\(index - 1)" : "f-\(index)")
        lines.append(
          FeedbackTranscripts.padded("\(step.kind) by \(step.by)", 24) + " → "
            + FeedbackTranscripts.told(outputs))
      }
      lines.append("")
    }
    try tell("the same feedback twice", .advisor, [
      ("accepted", "C-1", ""), ("accepted again", "C-1", ""), ("completed", "C-1", ""),
      ("completed again", "C-1", ""),
    ])
    try tell("completed before accepted", .advisor, [
      ("completed", "C-1", ""), ("accepted", "C-1", ""), ("started", "C-1", ""),
    ])
    try tell("a visit before it was accepted", .advisor, [
      ("visited", "C-1", ""), ("accepted", "C-1", ""), ("completed", "C-1", ""),
    ])
    try tell("every advisor of the area declines", .advisor, [
      ("declined", "C-1", ""), ("declined", "C-2", ""), ("declined", "S-1", ""),
      ("declined", "D-1", ""), ("accepted", "D-1", ""),
    ])
    try tell("the first resource declines, the second accepts", .resource, [
      ("declined", "W-1", ""), ("accepted", "W-2", ""), ("completed", "W-2", ""),
    ])
    try tell("a resource that was never asked declines", .resource, [("declined", "W-9", "")])
    try tell("consent is withdrawn with an advisor's feedback", .resource, [
      ("accepted", "W-1", ""), ("accepted", "W-1", #","consent":false"#),
      ("completed", "W-1", ""),
    ])
    try tell("a visit completes the ladder's referral, a second visit is impossible", .ladder, [
      ("visited", "C-1", #","stableIncome":true"#), ("visited", "C-1", ""),
    ])
    try tell("an unknown referral", .advisor, [("accepted", "C-1", "unknown")])
    try Golden.expect(lines, in: "feedback-sequences.txt")
  }
}

/// What the clock does to a referral nobody answers: working days, the ladder to sub-district and
/// district, and one alert F02 for each step (semantics 18, 19 and 32). Over the Labour Day holiday
/// of 2026 (1 to 5 May, 9 May worked).
@Suite struct EscalationTranscripts {
  private func chronicle(_ household: Household, until: String) throws -> [String] {
    var lines: [String] = []
    let before = household.scenario.outputs.count
    try household.scenario.advance(to: until)
    for output in household.scenario.outputs[before...] {
      if let told = output.told { lines.append("  \(output.header("ce_time")?.prefix(19) ?? "") \(told)") }
    }
    return lines
  }

  /// A referral of each urgency, opened on the afternoon before the holiday.
  private func open(_ urgency: String, _ household: Household) throws -> [OutputRecord] {
    let time = "2026-04-30T16:00:00+08:00"
    switch urgency {
    case "P0":
      return try household.scenario.event(
        "notice.emergency", time,
        #"{"kind":"fire","date":"2026-04-30","persons":["\#(Household.elder)"]}"#)
    case "P1":
      return try household.scenario.event(
        "report.hotline", time,
        #"{"about":{"id":"\#(Household.elder)"},"difficulties":["income"],"date":"2026-04-30"}"#)
    case "P2":
      return try household.scenario.event(
        "notice.disability", time,
        #"{"person":"\#(Household.elder)","state":"issued","date":"2026-04-30","category":4,"grade":1}"#)
    case "P3":
      try household.scenario.event(
        "assistance.decision", time,
        #"{"household":"HH-1","applicant":"\#(Household.elder)","programme":"dibao","state":"granted","date":"2026-04-29"}"#)
      return try household.scenario.event(
        "notice.marriage", time,
        #"{"persons":["\#(Household.elder)","\#(FamilyTests.valid("310180195001010015"))"],"date":"2026-04-30"}"#)
    default:
      return try household.scenario.event(
        "assistance.decision", time,
        #"{"household":"HH-1","applicant":"\#(Household.elder)","programme":"temporary","state":"granted","date":"2026-04-30","until":"2026-05-08"}"#)
    }
  }

  private func due(_ outputs: [OutputRecord]) -> [String] {
    outputs.filter { $0.topic.hasPrefix("referrals") }.compactMap { output in
      output.told.map {
        "  \(output.header("ce_time")?.prefix(19) ?? "") \($0), due \(output.text("dueAt").prefix(19))"
      }
    }
  }

  @Test func nobodyClaims() throws {
    var lines: [String] = []
    for urgency in ["P0", "P1", "P2", "P3", "P4"] {
      let household = try Household()
      lines.append("# \(urgency), nobody claims it")
      lines += due(try open(urgency, household))
      lines += try chronicle(
        household, until: "2026-06-30T00:00:00+08:00")
      lines.append("")
    }
    try Golden.expect(lines, in: "escalation-unclaimed.txt")
  }

  @Test func claimedAndNotFinished() throws {
    var lines: [String] = []
    for urgency in ["P0", "P1", "P2", "P3", "P4"] {
      let household = try Household()
      lines.append("# \(urgency), claimed at once and never finished")
      let opened = try open(urgency, household)
      lines += due(opened)
      for output in opened where output.topic.hasPrefix("referrals.advisor") {
        try household.feedback(
          "accepted", on: output.text("referral"), by: "C-1", "2026-04-30T16:05:00+08:00")
      }
      lines += try chronicle(
        household, until: "2026-06-30T00:00:00+08:00")
      lines.append("")
    }
    try Golden.expect(lines, in: "escalation-unfinished.txt")
  }

  @Test func aResourceStaysSilent() throws {
    let household = try Household()
    var lines = ["# a resource does not answer"]
    lines += due(
      try household.scenario.event(
        "notice.death", "2026-04-30T16:00:00+08:00",
        #"{"person":"\#(Household.helper)","date":"2026-04-29"}"#))
    lines += try chronicle(
      household, until: "2026-05-20T00:00:00+08:00")
    try Golden.expect(lines, in: "escalation-resource.txt")
  }

  @Test func nobodyIsThere() throws {
    let household = try Household(directory: [])
    var lines = ["# no advisor at any level: the operator is told, again after each claim time"]
    lines += due(try open("P1", household))
    lines += try chronicle(
      household, until: "2026-05-02T00:00:00+08:00")
    try Golden.expect(lines, in: "escalation-unassigned.txt")
  }
}
