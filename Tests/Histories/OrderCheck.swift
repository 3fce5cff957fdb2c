import Policy
import Stages
public import Streaming
import Vocabulary

/// Runs a history in the order in which it happened and in another one, and compares the final
/// state and the open referrals (semantics 26).
///
/// What the other order may do:
///
/// 1. Events of one arrival come in any order at all: over all topics, people and households,
///    retractions and superseders before or after their targets, and so do answers to referrals.
/// 2. Copies of an event come at any later point, also arrivals later, also with other content.
/// 3. In a *late* history each event may come any number of arrivals later.
///
/// What it may not do, and why:
///
/// - Bring an event to an *earlier* arrival: nobody knows the future.
/// - Answer a referral before it is out: that is a dead letter (semantics 17). The answer is given
///   to the same task, under the identifier that it has in each order, since identifiers count
///   what was opened and withdrawn on the way (semantics 12 and 26).
/// - Decide whether a match with a resource failed (F01, 17): a referral withdrawn and opened again
///   on the way is asked anew, an earlier answer to it is gone, and one that was open for a moment
///   in another district may have found nobody. F01 is never compared; nor, in a household where
///   it differs, are the rules that ask for open referrals (8).
/// - Answer before a consent of the same round: consent decides what others may be asked (16). Nor
///   before an answer to what hangs on other open referrals: once the last of these is answered it
///   is withdrawn, and an answer to it impossible (17).
/// - Answer F01 with another answer under way that opens it again: which came first decides whether
///   it is open. So nobody completes it.
/// - Complete a task of a situation rule before the last arrival. It stays quiet until its
///   condition has ceased once; whether it had ceased in between is a matter of what was known in
///   between.
/// - In a late history, which moves an event against the clock: be answered (dedup windows run
///   from the answer, 13), and bring an event more than 90 days after its day (28). Rules whose
///   outcome hangs on the clock at arrival are not compared there: those that look ahead (A12,
///   A13) and that open only before a date (A06, B02, D01, D02, E04). In other histories they are.
public struct OrderCheck {
  /// What an order came to.
  public struct Outcome: Sendable {
    public var events = 0
    /// Empty where both orders end alike.
    public var differences: [String] = []
    /// Rules with an open referral after some arrival, or in the end.
    public var rules: Set<String> = []
    /// What the history met besides, such as `withdrawn` or `duplicate`.
    public var marks: Set<String> = []
  }

  static let clockRules: Set<String> = ["A06", "A12", "A13", "B02", "D01", "D02", "E04"]
  static let openReferralRules: Set<String> = ["A02", "A18", "B01", "C02"]
  static let socialMatch = "F01"

  private let bench: Bench
  private let situationRules: Set<String>

  public init(_ world: World, bench: Bench) {
    self.bench = bench
    situationRules = Set(
      world.settings.pack.rules.filter {
        if case .situation = $0.trigger { true } else { false }
      }.map(\.id))
  }

  /// One history in two orders.
  public func check(seed: UInt64) throws -> Outcome {
    var check = Comparison(HistoryMaker.history(seed: seed), bench, situationRules)
    try check.perform()
    return check.outcome
  }

  /// What is published upon a history as it happened, without answers.
  public func outputs(seed: UInt64) throws -> [OutputRecord] {
    let history = HistoryMaker.history(seed: seed)
    let run = bench.run()
    for (index, instant) in history.arrivals.enumerated() {
      try run.advance(to: instant)
      for event in history.events where event.arrival == index {
        try run.feed(event, recorded: instant)
      }
    }
    try run.advance(to: history.end)
    return run.outputs
  }

  /// The same, told: what came, and what was published upon it.
  public func story(seed: UInt64) throws -> String {
    var check = Comparison(HistoryMaker.history(seed: seed), bench, situationRules)
    check.isTold = true
    try check.perform()
    return check.told.joined(separator: "\n") + "\n"
      + check.outcome.differences.joined(separator: "\n")
  }
}

/// A history under way in two orders.
private struct Comparison {
  let history: History
  let situationRules: Set<String>
  let isLate: Bool
  let straight: Run
  let other: Run
  var random: SplitMix
  var outcome = OrderCheck.Outcome()
  var isTold = false
  var told: [String] = []

  init(_ history: History, _ bench: Bench, _ situationRules: Set<String>) {
    self.history = history
    self.situationRules = situationRules
    isLate = !history.isAnswered && history.arrivals.count > 1
    straight = bench.run()
    other = bench.run()
    random = SplitMix(seed: ~history.seed)
  }

  mutating func perform() throws {
    // By arrival, what comes in each order.
    var inOrder = history.arrivals.map { _ in [HistoryEvent]() }
    var reordered = inOrder
    for event in history.events {
      inOrder[event.arrival].append(event)
      reordered[slipped(event)].append(event)
      addCopies(of: event, &reordered)
    }
    for (index, instant) in history.arrivals.enumerated() {
      reordered[index].shuffle(using: &random)
      try arrive(inOrder[index], at: instant, straight, "straight")
      try arrive(reordered[index], at: instant, other, "reordered")
      guard try compare(at: index) else { return }
      if history.isAnswered { try answer(at: index) }
    }
    for (run, name) in [(straight, "straight"), (other, "reordered")] {
      tell("== \(name) until \(history.end)")
      try advance(run, to: history.end)
    }
    _ = try compare(at: history.arrivals.count)
    outcome.events = straight.eventCount + other.eventCount
    noteMarks()
  }

  private mutating func slipped(_ event: HistoryEvent) -> Int {
    guard isLate, event.type != "household.composition", random.oneIn(3) else {
      return event.arrival
    }
    outcome.marks.insert("late")
    return event.arrival + random.below(history.arrivals.count - event.arrival)
  }

  private mutating func addCopies(of event: HistoryEvent, _ reordered: inout [[HistoryEvent]]) {
    guard random.oneIn(4) else { return }
    outcome.marks.insert("duplicate")
    let last = history.arrivals.count - 1
    reordered[last].append(event)
    let at = reordered.firstIndex {
      $0.contains { $0.id == event.id && $0.source == event.source }
    }
    if let at, at < last {
      var changed = event
      changed.data = event.data.replacing("granted", with: "exited")
      reordered[last].append(changed)
    }
  }

  private mutating func arrive(
    _ events: [HistoryEvent], at instant: Instant, _ run: Run, _ name: String
  ) throws {
    tell("== \(name) \(instant)")
    try advance(run, to: instant)
    for event in events { try feed(event, recorded: history.arrivals[event.arrival], run) }
  }

  private mutating func feed(_ event: HistoryEvent, recorded: Instant, _ run: Run) throws {
    let before = run.outputs.count
    try run.feed(event, recorded: recorded)
    guard isTold else { return }
    let replaced = event.supersedes.map { " supersedes \($0)" } ?? ""
    tell("> \(event.id) \(event.time.prefix(16)) \(event.type) \(event.data)\(replaced)")
    tellOutputs(of: run, from: before)
  }

  private mutating func advance(_ run: Run, to instant: Instant) throws {
    let before = run.outputs.count
    try run.advance(to: instant)
    if isTold { tellOutputs(of: run, from: before) }
  }

  private mutating func tellOutputs(of run: Run, from first: Int) {
    for record in run.outputs[first...] {
      let names = ["decision", "rule", "event", "to", "state", "reason", "referral", "household"]
      let fields = names.compactMap { record.value?.text(of: $0) }
      tell("    \(record.topic) \(fields.joined(separator: " "))")
    }
  }

  private mutating func tell(_ line: String) { if isTold { told.append(line) } }

  // MARK: Comparing

  /// False where the orders differ already.
  private mutating func compare(at index: Int) throws -> Bool {
    let one = try straight.settled()
    let two = try other.settled()
    outcome.rules.formUnion(one.open.map(\.task.rule))
    if one.open.contains(where: \.task.isReview) { outcome.marks.insert("review") }
    let isLast = index == history.arrivals.count
    if isLate, !isLast { return true }
    let found = one.differences(from: two)
    let searching = Set(found.filter { $0.rule == OrderCheck.socialMatch }.map(\.household))
    for difference in found {
      if let reason = freedom(of: difference, searching: searching) {
        outcome.marks.insert("left out: \(reason)")
      } else {
        outcome.differences.append("arrival \(index): \(difference.text)")
      }
    }
    for (run, settled) in [(straight, one), (other, two)] {
      let open = Set(run.published.filter { Comparison.openStates.contains($0.value) }.keys)
      if open != Set(settled.open.map(\.task.referral)) {
        outcome.differences.append("arrival \(index): published and kept referrals differ")
      }
    }
    return outcome.differences.isEmpty
  }

  /// Why the orders may differ in this; nil: they may not.
  private func freedom(
    of difference: Settled.Difference, searching: Set<String?>
  ) -> String? {
    guard let rule = difference.rule else { return nil }
    if rule == OrderCheck.socialMatch { return "F01" }
    if isLate, OrderCheck.clockRules.contains(rule) { return "\(rule), late" }
    if OrderCheck.openReferralRules.contains(rule), searching.contains(difference.household) {
      return "\(rule) beside F01"
    }
    return nil
  }

  private static let openStates: Set<String> = ["requested", "accepted", "in-progress"]

  private mutating func noteMarks() {
    let states = Set(straight.published.values)
    outcome.marks.formUnion(states)
    if history.arrivals.count > 1 { outcome.marks.insert("several arrivals") }
    let order = Dictionary(
      history.events.enumerated().map { ($1.id, $0) }, uniquingKeysWith: { a, _ in a })
    for event in history.events {
      if event.supersedes != nil { outcome.marks.insert("superseder") }
      guard event.type == "notice.retracted", let target = Array(event.data.utf8).text(of: "retracts")
      else { continue }
      outcome.marks.insert("retraction")
      if let at = order[target], let mine = order[event.id], mine < at {
        outcome.marks.insert("retraction before its target")
      }
    }
    for record in straight.outputs where record.topic == "deadletters" {
      outcome.marks.insert("dead letter")
    }
  }

  // MARK: Answering

  /// One answer as each order has it.
  private struct Answer {
    let straight: HistoryEvent
    let other: HistoryEvent
    let decidesOthers: Bool
    let hangsOnOthers: Bool
  }

  /// Advisors and resources answer some of the open tasks, in both orders the same.
  private mutating func answer(at index: Int) throws {
    var theirs = try other.settled().open
    let pairs = try straight.settled().open.compactMap { mine in
      // The same task in both orders; a rule that is not compared may have none in the other.
      theirs.firstIndex { $0.slot == mine.slot }.map { (mine.task, theirs.remove(at: $0).task) }
    }
    let at = history.arrivals[index].adding(seconds: 3600)
    var events: [Answer] = []
    for (mine, theirs) in pairs where random.below(3) > 0 {
      for (kind, rest) in answers(to: mine, isLast: index == history.arrivals.count - 1) {
        outcome.marks.insert("answer \(kind)")
        let id = "f\(index)-\(events.count)"
        events.append(
          Answer(
            straight: feedback(kind, rest, mine, id, at, index),
            other: feedback(kind, rest, theirs, id, at, index),
            decidesOthers: rest.contains("consent"),
            hangsOnOthers: OrderCheck.openReferralRules.contains(mine.rule)))
      }
    }
    for run in [straight, other] { try advance(run, to: at) }
    // Consent decides what others may be asked, and some hang on others; the rest come after them.
    func isFirst(_ event: Answer) -> Bool { event.decidesOthers || event.hangsOnOthers }
    let first = events.filter(\.decidesOthers) + events.filter { isFirst($0) && !$0.decidesOthers }
    var rest = events.filter { !isFirst($0) }
    tell("== straight, answers")
    for event in first + rest { try feed(event.straight, recorded: at, straight) }
    rest += rest.filter { _ in random.oneIn(4) }
    rest.shuffle(using: &random)
    tell("== reordered, answers")
    for event in first + rest { try feed(event.other, recorded: at, other) }
  }

  private mutating func answers(
    to task: SettledHousehold.Task, isLast: Bool
  ) -> [(kind: String, rest: String)] {
    let mayEnd = task.rule != "F01" && (isLast || !situationRules.contains(task.rule))
    switch random.below(10) {
    case 0: return [("accepted", "")]
    case 1: return [("started", "")]
    case 2: return [("visited", #","stableIncome":\#(random.oneIn(2))"#)]
    case 3 where mayEnd: return [("completed", #","outcome":"已落实""#)]
    // Out of order: whichever comes first, it ends completed.
    case 4 where mayEnd: return [("accepted", ""), ("completed", "")]
    case 5: return [("declined", #","reason":"人手不足""#)]
    case 6 where task.receiver != "resource": return [("reassigned", #","to":"S-1""#)]
    case 7: return [("accepted", #","consent":\#(random.oneIn(3))"#)]
    default: return []
    }
  }

  private func feedback(
    _ kind: String, _ rest: String, _ task: SettledHousehold.Task, _ id: String, _ at: Instant,
    _ index: Int
  ) -> HistoryEvent {
    let by = task.receiver == "resource" ? task.candidates.first ?? "-" : task.assignee
    return HistoryEvent(
      type: "referral.\(kind)", id: id, source: "urn:test:feedback", time: at.description,
      data: #"{"referral":"\#(task.referral)","by":"\#(by)","date":"\#(at.date)"\#(rest)}"#,
      supersedes: nil, arrival: index)
  }
}
