import Testing
import Vocabulary

@testable import Stages

/// Transcripts of the ladder of visits after an exit: what has opened by which day.
@Suite struct FollowUpPlanTests {
  private func plan(
    made: [String] = [], stable: [(String, Bool)] = [], today: String
  ) throws -> FollowUpPlan {
    FollowUpPlan(
      exit: try #require(CivilDate("2025-01-31")),
      made: try made.map { try #require(CivilDate($0)) },
      stableIncome: try stable.map { (try #require(CivilDate($0.0)), $0.1) },
      today: try #require(CivilDate(today)), calendar: WorkCalendar())
  }

  private func text(_ plan: FollowUpPlan) -> [String] {
    plan.visits.map { visit in
      let made = visit.made.map { " made \($0)" } ?? ""
      return "\(visit.number): opens \(visit.opens) due \(visit.due)\(made)"
    } + [plan.nextOpens.map { "next \($0)" } ?? "ended"]
  }

  @Test func firstVisitOpensAtTheExit() throws {
    #expect(
      try text(plan(today: "2025-01-31")) == ["1: opens 2025-01-31 due 2025-02-28", "next 2025-05-28"])
  }

  @Test func nextVisitOpensThreeMonthsAfterTheLast() throws {
    #expect(
      try text(plan(made: ["2025-02-10"], today: "2025-05-10")) == [
        "1: opens 2025-01-31 due 2025-02-28 made 2025-02-10",
        "2: opens 2025-05-10 due 2025-08-10", "next 2025-11-10",
      ])
  }

  @Test func missedVisitCountsFromItsDueDate() throws {
    #expect(
      try text(plan(today: "2025-05-28")) == [
        "1: opens 2025-01-31 due 2025-02-28", "2: opens 2025-05-28 due 2025-08-28",
        "next 2025-11-28",
      ])
  }

  @Test func lateVisitCountsWhereItWasMade() throws {
    #expect(
      try text(plan(made: ["2025-03-20"], today: "2025-06-20")) == [
        "1: opens 2025-01-31 due 2025-02-28 made 2025-03-20",
        "2: opens 2025-06-20 due 2025-09-20", "next 2025-12-20",
      ])
  }

  /// Not after the first of several visits: the next is due three to six months after the last.
  @Test func anotherVisitPutsTheNextOff() throws {
    #expect(
      try text(plan(made: ["2025-02-10", "2025-04-30"], today: "2025-07-29")) == [
        "1: opens 2025-01-31 due 2025-02-28 made 2025-02-10", "next 2025-07-30",
      ])
    #expect(
      try text(plan(made: ["2025-02-10", "2025-04-30", "2025-08-01"], today: "2025-08-02")) == [
        "1: opens 2025-01-31 due 2025-02-28 made 2025-02-10",
        "2: opens 2025-07-30 due 2025-10-30 made 2025-08-01", "next 2025-11-01",
      ])
  }

  @Test func endsOnlyAfterAYearWithAStableIncome() throws {
    let visits = ["2025-02-10", "2025-05-20", "2025-09-01", "2025-12-15"]
    let stable = [("2025-12-15", true)]
    #expect(try plan(made: visits, stable: stable, today: "2026-06-01").nextOpens == nil)
    #expect(try plan(made: visits, stable: stable, today: "2026-06-01").visits.count == 4)
    let unstable = [("2025-09-01", true), ("2025-12-15", false)]
    #expect(
      try text(plan(made: visits, stable: unstable, today: "2026-03-15")).suffix(2) == [
        "5: opens 2026-03-15 due 2026-06-15", "next 2026-09-15",
      ])
  }
}

@Suite struct FeedbackTests {
  /// Every transition of the referral's life, as a table (semantics 17).
  @Test(arguments: [
    ("requested", "accepted", "accepted"), ("requested", "started", "in-progress"),
    ("requested", "visited", "in-progress"), ("requested", "completed", "completed"),
    ("requested", "declined", "pass on"), ("requested", "reassigned", "reassign"),
    ("accepted", "accepted", "impossible"), ("accepted", "started", "in-progress"),
    ("accepted", "visited", "in-progress"), ("accepted", "completed", "completed"),
    ("accepted", "declined", "pass on"), ("accepted", "reassigned", "reassign"),
    ("in-progress", "accepted", "impossible"), ("in-progress", "started", "impossible"),
    ("in-progress", "visited", "in-progress"), ("in-progress", "completed", "completed"),
    ("in-progress", "declined", "pass on"), ("in-progress", "reassigned", "reassign"),
    ("completed", "accepted", "impossible"), ("completed", "completed", "impossible"),
    ("completed", "reassigned", "impossible"), ("declined", "accepted", "impossible"),
    ("withdrawn", "completed", "impossible"), ("withdrawn", "declined", "impossible"),
    ("failed", "started", "impossible"),
  ])
  func transition(state: String, feedback: String, expected: String) throws {
    let states: [ReferralState] = [
      .requested, .accepted, .inProgress, .completed, .declined, .withdrawn, .failed,
    ]
    let from = try #require(states.first { $0.description == state })
    let kind = try #require(FeedbackKind(rawValue: feedback))
    let text =
      switch FeedbackEffect.of(kind, on: from, visitCompletes: false) {
      case .move(let state): state.description
      case .passOn: "pass on"
      case .reassign: "reassign"
      case .impossible: "impossible"
      }
    #expect(text == expected)
  }

  @Test func aVisitCompletesTheLadder() {
    #expect(FeedbackEffect.of(.visited, on: .requested, visitCompletes: true) == .move(.completed))
  }
}
