import Foundation
import Stages
import Streaming
import Testing
import Vocabulary

/// What once depended on the order of arrival, told in several orders: each has to end alike.
@Suite struct OrderCauseTests {
  private static let elder = Household.elder
  private static let helper = Household.helper
  private static let other = FamilyTests.valid("310180198001010026")

  private struct Event {
    let id: String
    let type: String
    let day: String
    let data: String
    var replaces: String?
  }

  private static func composition(
    _ id: String, _ day: String, of household: String = "HH-1", asOf: String, hukou: String = "310101002",
    _ members: [String] = [elder, helper]
  ) -> Event {
    let list = members.enumerated().map { at, person in
      #"{"id":"\#(person)","relation":"\#(at == 0 ? "02" : "99")","name":"测甲"}"#
    }
    return Event(
      id: id, type: "household.composition", day: day,
      data: #"{"household":"\#(household)","subdistrict":"310101002","committee":"310101002001","#
        + #""hukouSubdistrict":"\#(hukou)","asOf":"\#(asOf)","members":[\#(list.joined(separator: ","))]}"#)
  }

  private static func notice(
    _ id: String, _ type: String, _ day: String, of person: String, _ rest: String = ""
  ) -> Event {
    Event(
      id: id, type: "notice.\(type)", day: day,
      data: #"{"person":"\#(person)","date":"\#(day)"\#(rest)}"#)
  }

  private static func decision(
    _ id: String, _ day: String, _ programme: String, _ state: String, of household: String = "HH-1",
    on date: String? = nil, _ rest: String = "", replaces: String? = nil
  ) -> Event {
    Event(
      id: id, type: "assistance.decision", day: day,
      data: #"{"household":"\#(household)","applicant":"\#(elder)","programme":"\#(programme)","#
        + #""state":"\#(state)","date":"\#(date ?? day)"\#(rest)}"#, replaces: replaces)
  }

  private static func retraction(_ id: String, _ day: String, of target: String) -> Event {
    Event(
      id: id, type: "notice.retracted", day: day, data: #"{"retracts":"\#(target)","reason":"误报"}"#)
  }

  private static func feed(_ events: [Event], _ scenario: Scenario) throws {
    for event in events {
      try scenario.event(
        event.type, "\(event.day)T09:00:00+08:00", event.data, id: event.id,
        extra: event.replaces.map { #","supersedes":"\#($0)""# } ?? "")
    }
  }

  /// The open referrals of some rules after the events, in each of the orders of their ids.
  private static func open(
    _ rules: Set<String>, _ events: [Event], _ orders: [String], until: String
  ) throws -> [[String]] {
    try orders.map { order in
      let scenario = try Scenario()
      let ids = order.split(separator: " ").map(String.init)
      try feed(ids.compactMap { id in events.first { $0.id == id } }, scenario)
      #expect(ids.count == events.count)
      try scenario.advance(to: "\(until)T00:00:00+08:00")
      return open(rules, scenario)
    }
  }

  /// Rule, receiver and state of what is open for readers.
  private static func open(_ rules: Set<String>, _ scenario: Scenario) -> [String] {
    var latest: [String: OutputRecord] = [:]
    for output in scenario.outputs where output.topic.hasPrefix("referrals.") {
      latest[output.text("referral")] = output
    }
    return latest.values.filter { rules.contains($0.text("rule")) }
      .map { "\($0.text("rule")) \($0.text("to")) \($0.text("state"))" }
      .filter { !$0.hasSuffix("withdrawn") && !$0.hasSuffix("completed") }.sorted()
  }

  // MARK: What rules read

  /// Signals are those of the living members.
  @Test func signalsEndWithThoseWhoGaveThem() throws {
    func business(_ id: String, _ day: String) -> Event {
      Event(
        id: id, type: "window.transaction", day: day,
        data: #"{"transactionId":"\#(id)","centre":"310101002","line":"mca","item":"临时救助申请","#
          + #""stage":"submitted","applicant":{"id":"\#(OrderCauseTests.elder)"}}"#)
    }
    let events = [
      OrderCauseTests.composition("home", "2026-03-01", asOf: "2026-01-01"),
      business("t1", "2026-03-02"), business("t2", "2026-03-05"),
      OrderCauseTests.notice("dead", "death", "2026-03-06", of: OrderCauseTests.elder),
    ]
    let open = try OrderCauseTests.open(
      ["E06"], events, ["home t1 t2 dead", "dead home t2 t1"], until: "2026-03-07")
    #expect(open == [[], []])
  }

  /// What opened by a situation was open before a death where the situation held before it, not
  /// where it was noticed before it (semantics 27).
  @Test func aSituationCountsFromWhenItHeld() throws {
    let events = [
      OrderCauseTests.composition("home", "2026-01-02", asOf: "2025-12-01"),
      OrderCauseTests.decision(
        "grant", "2026-01-05", "marginal", "granted", #","until":"2026-02-20""#),
      OrderCauseTests.notice("dead", "death", "2026-02-02", of: OrderCauseTests.helper),
    ]
    let open = try OrderCauseTests.open(
      ["A02"], events, ["home grant dead", "home dead grant", "dead grant home"],
      until: "2026-02-25")
    #expect(open == Array(repeating: ["A02 advisor requested"], count: 3))
  }

  /// A corrected notice opened the referral on its own day, not on that of the one it corrects.
  @Test func aCorrectedOpeningCountsFromItsNewDay() throws {
    func call(_ id: String, on date: String, replaces: String? = nil) -> Event {
      Event(
        id: id, type: "report.hotline", day: "2026-03-05",
        data: #"{"about":{"id":"\#(OrderCauseTests.elder)"},"difficulties":["income"],"#
          + #""date":"\#(date)"}"#, replaces: replaces)
    }
    let events = [
      OrderCauseTests.composition("home", "2026-01-02", asOf: "2025-12-01"),
      call("c1", on: "2026-03-05"), call("c2", on: "2026-03-01", replaces: "c1"),
      OrderCauseTests.notice("dead", "death", "2026-03-03", of: OrderCauseTests.helper),
    ]
    let open = try OrderCauseTests.open(
      ["A02"], events, ["home c1 dead c2", "home c2 dead c1", "dead c1 c2 home"],
      until: "2026-03-06")
    #expect(open == Array(repeating: ["A02 advisor requested"], count: 3))
  }

  /// A referral that only earlier ones of its own hold up falls with the first of them, however many
  /// events there are.
  @Test func whatHoldsItselfUpFallsAsAWhole() throws {
    let costs = (1...7).map { number in
      OrderCauseTests.notice(
        "c\(number)", "medical-expense", "2026-03-0\(number)", of: OrderCauseTests.elder,
        #","selfPaid":"800.00""#)
    }
    let events = costs + [
      OrderCauseTests.notice(
        "ill", "illness", "2026-02-20", of: OrderCauseTests.elder, #","state":"serious""#),
      OrderCauseTests.notice(
        "well", "illness", "2026-03-08", of: OrderCauseTests.elder, #","state":"ended""#),
    ]
    let open = try OrderCauseTests.open(
      ["C01", "C02"], events,
      ["ill c1 c2 c3 c4 c5 c6 c7 well", "well c1 c2 c3 c4 c5 c6 c7 ill"], until: "2026-03-09")
    #expect(open == [[], []])
  }

  /// Whoever moved without saying where to is asked, also where the street of before is not known.
  @Test func aReviewWithoutAnAreaGoesToTheOwnAdvisor() throws {
    let events = [
      OrderCauseTests.composition("then", "2026-01-02", asOf: "2025-12-01"),
      OrderCauseTests.composition("now", "2026-03-05", asOf: "2026-03-05"),
      OrderCauseTests.decision("grant", "2026-01-05", "dibao", "granted"),
      OrderCauseTests.notice(
        "moved", "residence", "2026-03-02", of: OrderCauseTests.helper, #","state":"moved""#),
    ]
    let open = try OrderCauseTests.open(
      ["A18"], events, ["then grant moved now", "now grant moved then"], until: "2026-03-06")
    #expect(open == Array(repeating: ["A18 advisor requested"], count: 2))
  }

  // MARK: Visits

  /// A visit before the exit is none of those after it, whether or not the exit was dated earlier
  /// first.
  @Test func aReportBeforeACorrectedExitDoesNotCount() throws {
    let events = [
      OrderCauseTests.composition("home", "2026-01-02", asOf: "2025-12-01"),
      OrderCauseTests.decision("grant", "2026-01-05", "dibao", "granted"),
      OrderCauseTests.decision("x1", "2026-02-01", "dibao", "exited"),
      Event(
        id: "seen", type: "report.visit", day: "2026-02-10",
        data: #"{"about":{"household":"HH-1"},"difficulties":[],"date":"2026-02-10"}"#),
      OrderCauseTests.decision(
        "x2", "2026-02-16", "dibao", "exited", on: "2026-02-15", replaces: "x1"),
    ]
    let open = try OrderCauseTests.open(
      ["E02"], events,
      ["home grant x1 seen x2", "home grant x1 x2 seen", "seen x2 x1 grant home"],
      until: "2026-02-17")
    #expect(open == Array(repeating: ["E02 advisor requested"], count: 3))
  }

  // MARK: Answers

  /// What was done upon an event is not asked for again upon the same event, however long ago.
  @Test func anAnswerStandsForItsEvent() throws {
    for isWithdrawnBetween in [false, true] {
      let household = try Household()
      let scenario = household.scenario
      try OrderCauseTests.feed(
        [
          OrderCauseTests.notice(
            "gone", "residence", "2026-03-02", of: OrderCauseTests.helper, #","state":"missing""#)
        ], scenario)
      try household.feedback(
        "completed", on: try household.referral("D03", to: "advisor"), by: "C-1",
        "2026-03-03T09:00:00+08:00")
      let found = OrderCauseTests.notice(
        "found", "residence", "2026-04-20", of: OrderCauseTests.helper, #","state":"found""#)
      let retracted = OrderCauseTests.retraction("not", "2026-04-21", of: "found")
      try OrderCauseTests.feed(
        isWithdrawnBetween ? [found, retracted] : [retracted, found], scenario)
      #expect(OrderCauseTests.open(["D03"], scenario) == [])
    }
  }

  /// An event that came while an answer stood is answered, also where a grant hides it for a while.
  @Test func anEventThatCameInTimeStaysAnswered() throws {
    func business(_ id: String, _ day: String) -> Event {
      Event(
        id: id, type: "window.transaction", day: day,
        data: #"{"transactionId":"\#(id)","centre":"310101002","line":"mca","item":"临时救助申请","#
          + #""stage":"submitted","applicant":{"id":"\#(OrderCauseTests.elder)"}}"#)
    }
    let third = business("t3", "2026-03-20")
    let grant = OrderCauseTests.decision(
      "grant", "2026-03-20", "marginal", "granted", #","until":"2026-04-20""#)
    for last in [[third, grant], [grant, third]] {
      let household = try Household()
      let scenario = household.scenario
      try OrderCauseTests.feed([business("t1", "2026-03-02"), business("t2", "2026-03-05")], scenario)
      try household.feedback(
        "completed", on: try household.referral("E06", to: "advisor"), by: "C-1",
        "2026-03-06T09:00:00+08:00")
      try OrderCauseTests.feed(last, scenario)
      try scenario.advance(to: "2026-05-01T00:00:00+08:00")
      #expect(OrderCauseTests.open(["E06"], scenario) == [])
    }
  }

  /// An event that has led to what is answered does not join what another one opens later.
  @Test func anAnsweredEventLeadsToNothingElse() throws {
    func call(_ id: String, _ day: String) -> Event {
      Event(
        id: id, type: "report.hotline", day: day,
        data: #"{"about":{"id":"\#(OrderCauseTests.elder)"},"difficulties":["income"],"#
          + #""date":"\#(day)"}"#)
    }
    let household = try Household()
    let scenario = household.scenario
    try OrderCauseTests.feed([call("c1", "2026-03-02")], scenario)
    try household.feedback(
      "completed", on: try household.referral("E07", to: "advisor"), by: "C-1",
      "2026-03-03T09:00:00+08:00")
    try OrderCauseTests.feed([call("c2", "2026-05-04")], scenario)
    #expect(OrderCauseTests.open(["E07"], scenario) == ["E07 advisor requested"])
    try OrderCauseTests.feed(
      [
        // A composition decides all anew.
        OrderCauseTests.composition("home", "2026-05-05", asOf: "2026-05-05"),
        OrderCauseTests.retraction("not", "2026-05-06", of: "c2"),
      ], scenario)
    #expect(OrderCauseTests.open(["E07"], scenario) == [])
  }

  // MARK: Homes

  /// A referral that comes back from a household that was none goes on as it was.
  @Test func whatIsUnderWayComesBackFromAHouseholdThatWasNone() throws {
    let scenario = try Scenario()
    try OrderCauseTests.feed(
      [
        Event(
          id: "fire", type: "notice.emergency", day: "2026-03-02",
          data: #"{"kind":"fire","date":"2026-03-02","persons":["\#(OrderCauseTests.elder)"]}"#)
      ], scenario)
    func answer(_ kind: String, _ receiver: String) throws {
      let referral = try #require(
        scenario.outputs.last { $0.text("rule") == "C03" && $0.text("to") == receiver })
      try scenario.event(
        "referral.\(kind)", "2026-03-02T10:00:00+08:00",
        #"{"referral":"\#(referral.text("referral"))","by":"D-1","date":"2026-03-02"}"#)
    }
    try answer("completed", "advisor")
    try answer("accepted", "subdistrict")
    try OrderCauseTests.feed(
      [OrderCauseTests.composition("home", "2026-03-03", asOf: "2026-01-01")], scenario)
    #expect(OrderCauseTests.open(["C03"], scenario) == ["C03 subdistrict accepted"])
    try OrderCauseTests.feed(
      [OrderCauseTests.retraction("not", "2026-03-04", of: "home")], scenario)
    #expect(OrderCauseTests.open(["C03"], scenario) == ["C03 subdistrict accepted"])
    try answer("started", "subdistrict")
    #expect(OrderCauseTests.open(["C03"], scenario) == ["C03 subdistrict in-progress"])
  }

  /// What was done while somebody's home was not known counts in the one of that time, also where
  /// it is told of after they have left it.
  @Test func whatWasDoneGoesToAFormerHome() throws {
    let scenario = try Scenario()
    try OrderCauseTests.feed(
      [
        Event(
          id: "fire", type: "notice.emergency", day: "2026-03-02",
          data: #"{"kind":"fire","date":"2026-03-02","persons":["\#(OrderCauseTests.helper)"]}"#)
      ], scenario)
    for receiver in ["advisor", "subdistrict"] {
      let referral = try #require(
        scenario.outputs.last { $0.text("rule") == "C03" && $0.text("to") == receiver })
      try scenario.event(
        "referral.completed", "2026-03-02T10:00:00+08:00",
        #"{"referral":"\#(referral.text("referral"))","by":"D-1","date":"2026-03-02"}"#)
    }
    try OrderCauseTests.feed(
      [
        OrderCauseTests.composition(
          "now", "2026-03-05", asOf: "2026-03-05", [OrderCauseTests.elder]),
        OrderCauseTests.composition("then", "2026-03-06", asOf: "2026-01-01"),
      ], scenario)
    #expect(OrderCauseTests.open(["C03"], scenario) == [])
  }

  /// An answer that stands for another event too goes along for that one.
  @Test func anAnswerGoesWithTheEventsThatItStandsFor() throws {
    func call(_ id: String, _ day: String, replaces: String? = nil) -> Event {
      Event(
        id: id, type: "report.hotline", day: day,
        data: #"{"about":{"id":"\#(OrderCauseTests.elder)"},"difficulties":["income"],"#
          + #""date":"2026-03-02"}"#, replaces: replaces)
    }
    let corrected = call("c2", "2026-03-04", replaces: "c1")
    let retracted = OrderCauseTests.retraction("not", "2026-03-04", of: "home")
    for last in [[corrected, retracted], [retracted, corrected]] {
      let scenario = try Scenario()
      try OrderCauseTests.feed(
        [
          OrderCauseTests.composition("home", "2026-03-01", asOf: "2026-01-01"),
          call("c1", "2026-03-02"),
        ], scenario)
      let opened = try #require(scenario.outputs.last { $0.text("rule") == "E07" && !$0.text("to").isEmpty })
      try scenario.event(
        "referral.completed", "2026-03-03T09:00:00+08:00",
        #"{"referral":"\#(opened.text("referral"))","by":"C-1","date":"2026-03-03"}"#)
      try OrderCauseTests.feed(last, scenario)
      #expect(OrderCauseTests.open(["E07"], scenario) == [])
    }
  }

  /// Of an opening that rests on two events one may turn out to belong elsewhere: what is under way
  /// goes on in both.
  @Test func oneOfTwoEventsGoesWithWhatIsUnderWay() throws {
    let scenario = try Scenario()
    let (elder, helper, other) = (
      OrderCauseTests.elder, OrderCauseTests.helper, OrderCauseTests.other
    )
    let third = FamilyTests.valid("310180199001010026")
    try OrderCauseTests.feed(
      [
        OrderCauseTests.composition(
          "two", "2026-01-02", of: "HH-2", asOf: "2025-12-01", [other, helper, third]),
        OrderCauseTests.decision("g1", "2026-01-05", "dibao", "granted"),
        OrderCauseTests.decision("g2", "2026-01-05", "dibao", "granted", of: "HH-2"),
        OrderCauseTests.notice("d1", "death", "2026-03-01", of: helper),
        OrderCauseTests.notice("d2", "death", "2026-03-02", of: third),
      ], scenario)
    let opened = try #require(scenario.outputs.last { $0.text("rule") == "A02" && !$0.text("to").isEmpty })
    try scenario.event(
      "referral.accepted", "2026-03-02T10:00:00+08:00",
      #"{"referral":"\#(opened.text("referral"))","by":"C-1","date":"2026-03-02"}"#)
    try OrderCauseTests.feed(
      [OrderCauseTests.composition("one", "2026-03-03", asOf: "2026-02-01", [elder, helper])], scenario)
    #expect(
      OrderCauseTests.open(["A02"], scenario) == ["A02 advisor accepted", "A02 advisor accepted"])
  }

  /// A household that somebody is going to move to does not wait for a handover that nobody sends,
  /// and the one that they leave decides on that day too.
  @Test func anAnnouncedMoveIsDecidedOnItsDay() throws {
    let scenario = try Scenario()
    try OrderCauseTests.feed(
      [
        OrderCauseTests.notice(
          "lost", "employment", "2026-03-01", of: OrderCauseTests.helper, #","state":"lost""#),
        OrderCauseTests.composition("one", "2026-03-01", asOf: "2026-01-01"),
        OrderCauseTests.composition(
          "two", "2026-03-02", of: "HH-2", asOf: "2026-03-03",
          [OrderCauseTests.other, OrderCauseTests.helper]),
      ], scenario)
    let day = try #require(Instant("2026-03-03T00:00:00+08:00"))
    #expect(try scenario.nextDecision(of: "HH-1") == day)
    try scenario.advance(to: "2026-03-03T01:00:00+08:00")
    #expect(try scenario.waitingHouseholds() == [])
  }

  // MARK: Corrections

  /// The middle of a chain of corrections takes back the first, also where it comes last.
  @Test(arguments: ["a b c", "a c b", "b a c", "b c a", "c a b", "c b a"])
  func aChainOfCorrectionsLeavesTheLast(order: String) throws {
    let events = [
      OrderCauseTests.decision("a", "2026-03-01", "dibao", "granted"),
      OrderCauseTests.decision("b", "2026-03-02", "marginal", "granted", replaces: "a"),
      OrderCauseTests.decision("c", "2026-03-03", "temporary", "granted", replaces: "b"),
    ]
    let scenario = try Scenario()
    try OrderCauseTests.feed(
      order.split(separator: " ").compactMap { id in events.first { $0.id == id } }, scenario)
    let household = try #require(
      scenario.pipeline.entries(.households).lazy.compactMap {
        try? SettledHousehold(key: $0.key, value: $0.value)
      }.first)
    #expect(household.events == ["c"])
  }

  // MARK: Areas

  /// What the street of arrival has done is not asked for again when a correction of the household's
  /// own street takes the move away and another one brings it back (seed 65288).
  @Test func aStreetThatIsDoneIsNotAskedAgain() throws {
    let scenario = try Scenario()
    func home(_ id: String, _ day: String, asOf: String, in street: String) -> Event {
      Event(
        id: id, type: "household.composition", day: day,
        data: #"{"household":"HH-1","subdistrict":"\#(street)","committee":"\#(street)001","#
          + #""hukouSubdistrict":"\#(street)","asOf":"\#(asOf)","members":["#
          + #"{"id":"\#(OrderCauseTests.elder)","relation":"02","name":"测甲"}]}"#)
    }
    try OrderCauseTests.feed(
      [
        home("a", "2026-03-01", asOf: "2026-01-01", in: "310101002"),
        OrderCauseTests.decision("grant", "2026-03-02", "dibao", "granted"),
        OrderCauseTests.notice(
          "moved", "residence", "2026-03-04", of: OrderCauseTests.elder,
          #","state":"moved","subdistrict":"310101020""#),
      ], scenario)
    func streets() -> [OutputRecord] {
      scenario.outputs.filter { $0.text("rule") == "A18" && $0.text("to") == "subdistrict" }
    }
    #expect(streets().count == 2)
    let arrival = try #require(streets().last)
    try scenario.event(
      "referral.completed", "2026-03-05T09:00:00+08:00",
      #"{"referral":"\#(arrival.text("referral"))","by":"C-1","date":"2026-03-05"}"#)
    try OrderCauseTests.feed(
      [home("b", "2026-03-06", asOf: "2026-02-20", in: "310101020")], scenario)
    #expect(OrderCauseTests.open(["A18"], scenario) == [])
    try OrderCauseTests.feed(
      [home("c", "2026-03-07", asOf: "2026-03-04", in: "310101002")], scenario)
    #expect(OrderCauseTests.open(["A18"], scenario) == ["A18 subdistrict requested"])
  }
}
