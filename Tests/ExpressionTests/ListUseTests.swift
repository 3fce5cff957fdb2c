import Expression
import Testing

/// What an expression asks of each element of a list alone, and how many elements it asks for.
@Suite struct ListUseTests {
  private static let signals =
    "household.visits.filter(v, v.weight > 0 && v.date <= event.date && (v.kind != 'x' || v.weight > 9))"

  @Test func conditionsThatNameTheElementOnlyAreFound() throws {
    let uses = try #require(ListUse.all(of: "visits", in: Self.signals, calling: "event"))
    #expect(uses.count == 1)
    #expect(uses.first?.variable == "household")
    #expect(
      uses.first?.conditions == ["event.weight > 0", "(event.kind != 'x' || event.weight > 9)"])
    #expect(ListUse.all(of: "others", in: Self.signals, calling: "event")?.count == 0)
  }

  @Test(arguments: [
    // Every element is seen.
    "size(household.visits) > 1", "household.visits[0].weight > 0", "has(household.visits)",
    "household.visits.all(v, v.weight > 0)", "household.visits.map(v, v.weight).sum() > 9",
    // Nothing is asked of an element alone, or not of each.
    "household.visits.filter(v, v.date <= today).size() > 1",
    "household.visits.filter(v, v.weight > 0 || v.date > today).size() > 1",
    "household.visits.exists(v, household.visits.all(w, w.date <= v.date))",
    "household.visits.filter(v, v.weight > 0).size() > size(household.visits)",
  ])
  func aListThatMayBeSeenWholeHasNone(text: String) {
    #expect(ListUse.all(of: "visits", in: text, calling: "event") == nil)
  }

  @Test func conditionsOfBothKindsOfLoopsCount() throws {
    let text = "household.visits.exists(v, v.weight > 1) || member.visits.filter(w, w.own).size() > 1"
    let uses = try #require(ListUse.all(of: "visits", in: text, calling: "it"))
    #expect(uses.map(\.variable) == ["household", "member"])
    #expect(uses.map(\.conditions) == [["it.weight > 1"], ["it.own"]])
  }

  @Test func howManyAreAskedForIsFoundThroughNames() throws {
    let names = ["signals": Self.signals, "recent": "signals"]
    let count = try #require(
      ListThreshold("size(recent) >= params.count", calling: "event", definitions: names))
    #expect(count.number == nil)
    #expect(count.limit == "params.count")
    #expect(count.use.conditions.first == "event.weight > 0")
    let sum = try #require(
      ListThreshold(
        "signals.map(s, s.weight * 2).sum() > 100", calling: "event", definitions: names))
    #expect(sum.number == "event.weight * 2")
    #expect(sum.limit == "100")
  }

  @Test(arguments: [
    "size(signals) == 2", "size(signals) <= 2", "size(signals) >= 2 || event.urgent",
    "signals.map(s, s.weight + event.weight).sum() >= 9", "size(household.visits) >= 2",
    "size(others) >= 2", "signals.exists(s, s.weight > 9)",
  ])
  func otherConditionsAskForNoNumber(text: String) {
    let names = ["signals": Self.signals]
    #expect(ListThreshold(text, calling: "event", definitions: names) == nil)
  }
}
