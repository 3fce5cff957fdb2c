import Foundation
import Streaming
import Testing

/// Cases in which the order of arrival once decided, each as small as it can be told. `OrderCheck`
/// found them.
@Suite struct OrderCaseTests {
  private static let elder = Household.elder
  private static let helper = Household.helper

  private static func composition(
    _ subdistrict: String = "310101002", asOf: String, hukou: String? = nil
  ) -> String {
    #"{"household":"HH-1","subdistrict":"\#(subdistrict)","committee":"\#(subdistrict)001","#
      + #""hukouSubdistrict":"\#(hukou ?? subdistrict)","address":"测试路1号","asOf":"\#(asOf)","#
      + #""members":[{"id":"\#(elder)","relation":"02","name":"测甲"},"#
      + #"{"id":"\#(helper)","relation":"99","name":"测乙"}]}"#
  }

  private static func decision(_ programme: String, _ state: String, _ date: String) -> String {
    #"{"household":"HH-1","applicant":"\#(elder)","programme":"\#(programme)","#
      + #""state":"\#(state)","date":"\#(date)"}"#
  }

  /// What is open for readers, as `told` tells it, without revisions.
  private static func open(_ scenario: Scenario) -> [String] {
    var latest: [String: OutputRecord] = [:]
    for output in scenario.outputs where output.topic.hasPrefix("referrals.") {
      latest[output.text("referral")] = output
    }
    return latest.values.filter {
      ["requested", "accepted", "in-progress"].contains($0.text("state"))
    }.map { output in
      let rule = output.text("rule").isEmpty ? "-" : output.text("rule")
      let to = output.text("to").isEmpty ? "resource" : output.text("to")
      return "\(rule) \(to) \(output.topic.suffix(6))"
    }.sorted()
  }

  private static let resources = [
    #"{"advisor":"D-1","level":"district","covers":["310101","310104","000000"],"capacity":40}"#,
    #"{"resource":"W-1","kind":"fund","category":"material","needs":["income"],"covers":["310101"],"capacity":9,"agreement":"Y"}"#,
  ]

  @Test func aResourceIsAskedWhenTheDistrictBecomesKnown() throws {
    let scenario = try Scenario(directory: OrderCaseTests.resources)
    try scenario.event(
      "assistance.decision", "2026-03-02T09:00:00+08:00",
      OrderCaseTests.decision("dibao", "rejected", "2026-03-02"))
    #expect(OrderCaseTests.open(scenario) == ["E01 advisor 000000"])
    try scenario.event(
      "household.composition", "2026-03-03T09:00:00+08:00",
      OrderCaseTests.composition(asOf: "2026-01-01"))
    #expect(OrderCaseTests.open(scenario) == ["- resource 310101", "E01 advisor 310101"])
  }

  @Test func whatNoResourceOfTheNewDistrictTakesIsOver() throws {
    let scenario = try Scenario(directory: OrderCaseTests.resources)
    try scenario.event(
      "household.composition", "2026-03-01T09:00:00+08:00",
      OrderCaseTests.composition(asOf: "2026-01-01"))
    try scenario.event(
      "assistance.decision", "2026-03-02T09:00:00+08:00",
      OrderCaseTests.decision("dibao", "rejected", "2026-03-02"))
    try scenario.event(
      "household.composition", "2026-03-03T09:00:00+08:00",
      OrderCaseTests.composition("310104003", asOf: "2026-03-03"))
    try scenario.advance(to: "2026-03-20T00:00:00+08:00")
    // The advisor looks for other help once; a resource that is no longer asked cannot be silent.
    #expect(OrderCaseTests.open(scenario) == ["E01 advisor 310104", "F01 advisor 310104"])
    try scenario.event(
      "household.composition", "2026-03-21T09:00:00+08:00",
      OrderCaseTests.composition("310101002", asOf: "2026-03-21"))
    #expect(
      OrderCaseTests.open(scenario) == [
        "- resource 310101", "E01 advisor 310101", "F01 advisor 310101",
      ])
    // The resource is asked again under the identifier of before, in the next revision.
    let asked = scenario.outputs.filter { $0.topic.hasPrefix("referrals.resource") }
    #expect(Set(asked.map { "\($0.text("referral"))/\($0.json["revision"] ?? 0)" }).count == asked.count)
    let taken = try scenario.event(
      "referral.accepted", "2026-03-22T09:00:00+08:00",
      #"{"referral":"\#(asked.last?.text("referral") ?? "")","by":"W-1","date":"2026-03-22"}"#)
    #expect(taken.first { $0.topic.hasPrefix("referrals.") }?.text("state") == "accepted")
  }

  /// A rule with work for the sub-district only: an advisor asks, then the sub-district works.
  @Test func aConfirmedReviewGoesToTheRulesOwnReceiver() throws {
    let household = try Household()
    let scenario = household.scenario
    try scenario.event(
      "assistance.decision", "2026-03-01T09:00:00+08:00",
      OrderCaseTests.decision("dibao", "granted", "2026-03-01"))
    func refuse(_ day: Int, _ rest: String, extra: String = "", id: String) throws {
      try scenario.event(
        "notice.job-offer", "2026-03-0\(day)T10:00:00+08:00",
        #"{"person":"\#(OrderCaseTests.helper)","state":"refused","date":"2026-03-0\#(day)"\#(rest)}"#,
        id: id, extra: extra)
    }
    let suitable = #","suitable":true,"goodReason":false"#
    try refuse(2, suitable, id: "o2")
    try refuse(3, suitable, id: "o3")
    try refuse(4, "", id: "o4")
    func refused() -> [String] { OrderCaseTests.open(scenario).filter { $0.hasPrefix("B04") } }
    #expect(refused() == ["B04 advisor 310101"])
    try scenario.event(
      "notice.job-offer", "2026-03-05T10:00:00+08:00",
      #"{"person":"\#(OrderCaseTests.helper)","state":"refused","date":"2026-03-04"\#(suitable)}"#,
      extra: #","supersedes":"o4""#)
    #expect(refused() == ["B04 subdistrict 310101"])
  }

  /// What a resource has done is not asked for again because the opening was taken back and came
  /// again within the dedup window.
  @Test func aReceiverThatAnsweredIsNotAskedAgain() throws {
    let household = try Household()
    let scenario = household.scenario
    try scenario.event(
      "notice.residence", "2026-03-02T09:00:00+08:00",
      #"{"person":"\#(OrderCaseTests.helper)","state":"missing","date":"2026-03-02"}"#)
    #expect(OrderCaseTests.open(scenario) == ["- resource 310101", "D03 advisor 310101"])
    let resource = try household.referral("D03", to: "resource")
    try household.feedback("completed", on: resource, by: "W-1", "2026-03-03T09:00:00+08:00")
    try scenario.event(
      "notice.residence", "2026-03-04T09:00:00+08:00",
      #"{"person":"\#(OrderCaseTests.helper)","state":"found","date":"2026-03-04"}"#)
    #expect(OrderCaseTests.open(scenario) == [])
    try scenario.event(
      "notice.residence", "2026-03-05T09:00:00+08:00",
      #"{"person":"\#(OrderCaseTests.helper)","state":"missing","date":"2026-03-05"}"#)
    #expect(OrderCaseTests.open(scenario) == ["D03 advisor 310101"])
  }

  @Test func aReportAboutAnAddressReachesItsHouseholdLater() throws {
    let scenario = try Scenario(directory: OrderCaseTests.resources)
    let report =
      #"{"about":{"address":"测试路1号"},"difficulties":["income"],"date":"2026-03-02"}"#
    try scenario.event("report.hotline", "2026-03-02T09:00:00+08:00", report, id: "r-1")
    let first = try #require(scenario.outputs.last { $0.topic.hasPrefix("referrals.") })
    #expect(OrderCaseTests.open(scenario) == ["E07 advisor 000000"])
    try scenario.event(
      "household.composition", "2026-03-03T09:00:00+08:00",
      OrderCaseTests.composition(asOf: "2026-01-01"))
    #expect(OrderCaseTests.open(scenario) == ["E07 advisor 310101"])
    let second = try #require(scenario.outputs.last { $0.topic.hasPrefix("referrals.") })
    #expect(second.text("openedAt") == first.text("openedAt"))
    try scenario.event(
      "notice.retracted", "2026-03-04T09:00:00+08:00", #"{"retracts":"r-1","reason":"误报"}"#)
    #expect(OrderCaseTests.open(scenario) == [])
  }

  @Test func aRetractionReachesAnAddressWithoutHousehold() throws {
    let scenario = try Scenario(directory: OrderCaseTests.resources)
    try scenario.event(
      "report.hotline", "2026-03-02T09:00:00+08:00",
      #"{"about":{"address":"测试路9号"},"difficulties":["income"],"date":"2026-03-02"}"#, id: "r-1")
    try scenario.event(
      "notice.retracted", "2026-03-04T09:00:00+08:00", #"{"retracts":"r-1","reason":"误报"}"#)
    #expect(OrderCaseTests.open(scenario) == [])
  }

  /// A19 goes to the street of registration; a correction of that street goes along.
  @Test func aReferralFollowsTheAreaThatItsRuleNames() throws {
    let scenario = try Scenario()
    try scenario.event(
      "household.composition", "2026-03-01T09:00:00+08:00",
      OrderCaseTests.composition(asOf: "2026-01-01", hukou: "310104003"))
    try scenario.event(
      "assistance.decision", "2026-03-02T09:00:00+08:00",
      OrderCaseTests.decision("dibao", "granted", "2026-03-02"))
    #expect(OrderCaseTests.open(scenario).contains("A19 subdistrict 310104"))
    try scenario.event(
      "household.composition", "2026-03-03T09:00:00+08:00",
      OrderCaseTests.composition(asOf: "2026-01-02", hukou: "310101013"))
    #expect(OrderCaseTests.open(scenario).filter { $0.hasPrefix("A19 sub") } == ["A19 subdistrict 310101"])
  }

  /// A new application is no re-entry, and a programme that ran out does not bring back the visits
  /// that its grant had ended (semantics 20).
  @Test func onlyAGrantEndsTheVisits() throws {
    let household = try Household()
    let scenario = household.scenario
    for (state, day) in [("granted", "01"), ("exited", "10"), ("applied", "20")] {
      try scenario.event(
        "assistance.decision", "2026-01-\(day)T09:00:00+08:00",
        OrderCaseTests.decision("dibao", state, "2026-01-\(day)"))
    }
    #expect(OrderCaseTests.open(scenario).contains("E02 advisor 310101"))
    try scenario.event(
      "assistance.decision", "2026-01-25T09:00:00+08:00",
      #"{"household":"HH-1","applicant":"\#(OrderCaseTests.elder)","programme":"marginal","state":"granted","date":"2026-01-25","until":"2026-02-20"}"#)
    #expect(!OrderCaseTests.open(scenario).contains("E02 advisor 310101"))
    try scenario.advance(to: "2026-06-01T00:00:00+08:00")
    #expect(!OrderCaseTests.open(scenario).contains("E02 advisor 310101"))
  }

  /// Nobody at any level: one revision, and the operator hears of it after each claim time.
  @Test func aReferralThatNobodyCanTakeDoesNotGrow() throws {
    let household = try Household(directory: [])
    try household.scenario.event(
      "notice.emergency", "2026-03-02T09:00:00+08:00",
      #"{"kind":"fire","date":"2026-03-02","persons":["\#(OrderCaseTests.elder)"]}"#)
    try household.scenario.advance(to: "2026-03-12T09:00:00+08:00")
    let referrals = household.scenario.outputs.filter { $0.topic.hasPrefix("referrals.") }
    #expect(Set(referrals.map { $0.text("referral") }).count == referrals.count)
    let alerts = household.scenario.outputs.filter { $0.topic.hasPrefix("alerts.") }
    // For each of two referrals: at once, then every half hour of ten days.
    #expect(alerts.count == 2 * (1 + 10 * 48))
    #expect(Set(alerts.map { $0.text("alert") }).count == alerts.count)
  }

  @Test func theOperatorHearsWhenTheLastAdvisorDeclines() throws {
    let household = try Household(directory: OrderCaseTests.resources)
    try household.scenario.event(
      "report.hotline", "2026-03-02T09:00:00+08:00",
      #"{"about":{"id":"\#(OrderCaseTests.elder)"},"difficulties":["income"],"date":"2026-03-02"}"#)
    let outputs = try household.feedback(
      "declined", on: try household.referral("E07", to: "advisor"), by: "D-1",
      "2026-03-02T09:30:00+08:00")
    #expect(
      outputs.compactMap(\.told) == [
        "E07 advisor requested/2 P1 escalation 2 → unassigned",
        "alert F02 firing → operator (310101)",
      ])
  }

  /// A review for households that are monitored ends with the open referral that made it so.
  @Test func anAnswerReDecidesTheRulesThatAskForOpenReferrals() throws {
    let scenario = try Scenario(directory: OrderCaseTests.resources)
    let patient = #""person":"\#(OrderCaseTests.elder)""#
    try scenario.event(
      "notice.illness", "2026-03-02T09:00:00+08:00",
      #"{\#(patient),"state":"serious","date":"2026-03-02"}"#)
    let illness = try #require(scenario.outputs.last { $0.text("rule") == "C01" && $0.topic.hasPrefix("ref") })
    try scenario.event(
      "notice.medical-expense", "2026-03-03T09:00:00+08:00",
      #"{\#(patient),"selfPaid":"60000.00","date":"2026-03-03"}"#)
    #expect(OrderCaseTests.open(scenario) == ["C01 advisor 000000", "C02 advisor 000000"])
    try scenario.event(
      "referral.completed", "2026-03-04T09:00:00+08:00",
      #"{"referral":"\#(illness.text("referral"))","by":"D-1","date":"2026-03-04"}"#)
    #expect(OrderCaseTests.open(scenario) == [])
  }

  /// A death ends what is open about the person for that reason, also where a notice behind it was
  /// corrected before.
  @Test func aDeathIsTheReason() throws {
    let household = try Household()
    func issue(_ grade: Int, _ extra: String = "") throws {
      try household.scenario.event(
        "notice.disability", "2026-03-0\(grade)T09:00:00+08:00",
        #"{"person":"\#(OrderCaseTests.helper)","state":"issued","date":"2026-03-01","category":4,"grade":\#(grade)}"#,
        id: "d-\(grade)", extra: extra)
    }
    try issue(1)
    try issue(2, #","supersedes":"d-1""#)
    let outputs = try household.scenario.event(
      "notice.death", "2026-03-05T09:00:00+08:00",
      #"{"person":"\#(OrderCaseTests.helper)","date":"2026-03-05"}"#)
    let ended = outputs.first { $0.text("rule") == "C04" && $0.text("state") == "withdrawn" }
    #expect(ended?.text("reason") == "deceased")
  }

  /// A notice that announced a date is answered once, however long it stays on file.
  @Test func anAnsweredReleaseDoesNotComeBack() throws {
    let household = try Household()
    let scenario = household.scenario
    try scenario.event(
      "notice.custody", "2026-01-10T09:00:00+08:00",
      #"{"person":"\#(OrderCaseTests.elder)","state":"imprisoned","date":"2026-01-10","termMonths":2,"expectedRelease":"2026-03-10"}"#)
    try scenario.advance(to: "2026-02-20T00:00:00+08:00")
    for to in ["subdistrict", "advisor"] {
      try household.feedback(
        "completed", on: try household.referral("need", to: to), by: "C-1",
        "2026-02-20T09:00:00+08:00")
    }
    #expect(OrderCaseTests.open(scenario).filter { $0.hasPrefix("need") } == [])
    try scenario.event(
      "notice.income", "2027-04-01T09:00:00+08:00",
      #"{"person":"\#(OrderCaseTests.elder)","month":"2027-03","amount":"3000.00"}"#)
    try scenario.event(
      "household.composition", "2027-04-02T09:00:00+08:00",
      OrderCaseTests.composition(asOf: "2027-04-01"))
    try scenario.event(
      "household.composition", "2027-04-03T09:00:00+08:00",
      OrderCaseTests.composition(asOf: "2027-04-02"))
    #expect(OrderCaseTests.open(scenario).filter { $0.hasPrefix("need") } == [])
  }

  /// What people have refused to have passed on is not passed on because the opening was taken back
  /// and came again; where it had stayed open nobody would be asked either.
  @Test func aResourceIsNotAskedAgainAfterARefusal() throws {
    let household = try Household()
    let scenario = household.scenario
    func residence(_ state: String, _ day: Int) throws {
      try scenario.event(
        "notice.residence", "2026-03-0\(day)T09:00:00+08:00",
        #"{"person":"\#(OrderCaseTests.helper)","state":"\#(state)","date":"2026-03-0\#(day)"}"#)
    }
    try residence("missing", 2)
    #expect(OrderCaseTests.open(scenario) == ["- resource 310101", "D03 advisor 310101"])
    try household.feedback(
      "accepted", on: try household.referral("D03", to: "advisor"), by: "C-1",
      "2026-03-03T09:00:00+08:00", #","consent":false"#)
    #expect(OrderCaseTests.open(scenario) == ["D03 advisor 310101", "F01 advisor 310101"])
    try residence("found", 4)
    try residence("missing", 5)
    #expect(OrderCaseTests.open(scenario) == ["D03 advisor 310101", "F01 advisor 310101"])
  }

  /// What was done upon a notice counts where its person lived then, also where that is known last.
  @Test(arguments: [false, true])
  func whatWasDoneGoesWithItsNotice(formerHomeComesLast: Bool) throws {
    let scenario = try Scenario(directory: OrderCaseTests.resources)
    try scenario.event(
      "notice.employment", "2026-03-02T09:00:00+08:00",
      #"{"person":"\#(OrderCaseTests.helper)","state":"lost","date":"2026-03-02"}"#)
    #expect(OrderCaseTests.open(scenario) == ["B01 advisor 000000"])
    let opened = try #require(scenario.outputs.last { $0.topic.hasPrefix("referrals.") })
    try scenario.event(
      "referral.completed", "2026-03-03T09:00:00+08:00",
      #"{"referral":"\#(opened.text("referral"))","by":"D-1","date":"2026-03-03"}"#)
    let later = OrderCaseTests.composition(asOf: "2026-03-04").replacing("HH-1", with: "HH-2")
    let homes = [OrderCaseTests.composition(asOf: "2026-01-01"), later]
    for home in formerHomeComesLast ? homes.reversed() : homes {
      try scenario.event("household.composition", "2026-03-05T09:00:00+08:00", home)
    }
    #expect(OrderCaseTests.open(scenario) == [])
    try scenario.event(
      "notice.employment", "2026-03-06T09:00:00+08:00",
      #"{"person":"\#(OrderCaseTests.helper)","state":"lost","date":"2026-03-01"}"#)
    #expect(OrderCaseTests.open(scenario) == [])
  }
}
