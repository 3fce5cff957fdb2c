import Intake
import Policy
import Runtime
import Operations
import Stages
import Streaming
import Vocabulary

/// What deciding the rules of a pack on a household costs: four people on the books (a couple, a
/// child, a grandmother), with a year of incomes, medical expenses, window transactions, visits and
/// notices, nothing of which changes while it is decided again and again.
struct RuleBench {
  let policy: String

  /// The fastest of several rounds, in nanoseconds.
  struct Result {
    /// Loading and compiling the pack, files included.
    var load: Double
    /// Deciding all rules.
    var all: Double
    /// Deciding those that one changed fact (a member's employment) concerns.
    var changed: Double
    var rules: Int
    var touched: Int
  }

  static let household = "BENCH-1"
  static let now = "2026-03-10T10:00:00+08:00"
  static let changedFact = "person.employment"
  private static let father = "310180198001010013"
  private static let mother = "310180198202020023"
  private static let child = "310180201503030019"
  private static let grandmother = "310180195205050021"

  func run() throws -> Result {
    let load = try measure(rounds: 10, seconds: 0.05) { _ = try Loading.pack(policy) }
    let settings = StageSettings(
      pack: try Loading.pack(policy), directory: Directory(), identifiers: .development)
    guard let now = Instant(RuleBench.now) else { throw CommandFailure(.internalError, "clock") }
    let benchmark = try RuleBenchmark(
      settings: settings, state: try state(settings, now), household: RuleBench.household,
      changed: RuleBench.changedFact, now: now)
    let all = try measure(rounds: 10, seconds: 0.1) { try benchmark.decideAll() }
    let changed = try measure(rounds: 10, seconds: 0.1) { try benchmark.decideChanged() }
    return Result(
      load: load, all: all, changed: changed, rules: benchmark.rules,
      touched: benchmark.rulesTouched)
  }

  /// Nanoseconds of this thread's CPU for one call: the least of some rounds of about so many
  /// seconds. Other work on the machine counts little then.
  private func measure(
    rounds: Int, seconds: Double, _ body: () throws -> Void
  ) rethrows -> Double {
    var count = 1
    var best = Double.infinity
    for _ in 0..<rounds {
      while true {
        let start = CPUClock.nanoseconds()
        for _ in 0..<count { try body() }
        let nanoseconds = CPUClock.nanoseconds() - start
        best = min(best, nanoseconds / Double(count))
        if nanoseconds >= seconds * 1e9 { break }
        count *= 2
      }
    }
    return best
  }

  /// The state of Households after the household's story.
  private func state(_ settings: StageSettings, _ now: Instant) throws -> MemoryState {
    let pipeline = InlinePipeline(
      stages: StageSet(
        intake: try EventIntake(catalog: settings.pack.sources),
        stages: [RegisterStage(), PersonsStage(), HouseholdsStage(settings: settings)]))
    for (at, line) in RuleBench.story.enumerated() {
      let json =
        #"{"specversion":"1.0","id":"b-\#(at)","source":"urn:bench","#
        + #""type":"cn.gov.sh.assist.\#(line.type)","time":"\#(line.day)T09:00:00+08:00","#
        + #""data":\#(line.data)}"#
      let outputs = try Array(json.utf8).withUnsafeBytes { bytes in
        try pipeline.feed(
          InboundRecord(
            topic: "assist." + line.topic, topicSuffix: line.topic, partition: 0,
            offset: Int64(at), timestamp: 0, key: nil, value: bytes,
            headers: UnsafeBufferPointer(start: nil, count: 0)))
      }
      guard !outputs.contains(where: { $0.topic == "deadletters" }) else {
        throw CommandFailure(.configuration, "the pack in \(policy) rejects a '\(line.type)'")
      }
    }
    _ = try pipeline.advance(until: now)
    let state = MemoryState()
    let overlay = StateOverlay(base: state)
    for entry in pipeline.entries(.households) { overlay.put(entry.key, entry.value) }
    state.apply(overlay)
    return state
  }

  private typealias Line = (type: String, topic: String, day: String, data: String)

  private static var story: [Line] {
    let members =
      #"[{"id":"\#(father)","relation":"02","hukou":"310101"},"#
      + #"{"id":"\#(mother)","relation":"10","hukou":"310101"},"#
      + #"{"id":"\#(child)","relation":"20","hukou":"310101"},"#
      + #"{"id":"\#(grandmother)","relation":"52","hukou":"310101","selfCare":"partial"}]"#
    var lines: [Line] = [
      (
        "household.composition", "household.registry", "2025-03-01",
        #"{"household":"\#(household)","subdistrict":"310101002","committee":"310101002003","#
          + #""members":\#(members),"asOf":"2025-03-01"}"#
      ),
      (
        "notice.disability", "department.notices", "2025-03-20",
        #"{"person":"\#(grandmother)","state":"issued","date":"2025-03-20","category":4,"grade":3}"#
      ),
      (
        "notice.employment", "department.notices", "2025-04-01",
        #"{"person":"\#(father)","state":"employed","date":"2025-04-01"}"#
      ),
      (
        "notice.employment", "department.notices", "2025-04-02",
        #"{"person":"\#(mother)","state":"employed","date":"2025-04-02"}"#
      ),
      (
        "assistance.decision", "assistance.decisions", "2025-04-10",
        #"{"household":"\#(household)","applicant":"\#(father)","programme":"marginal","#
          + #""state":"granted","date":"2025-04-10","until":"2026-12-31"}"#
      ),
    ]
    for month in 4...12 {
      let day = "2025-\(month < 10 ? "0" : "")\(month)"
      for (person, amount) in [(father, "4100"), (mother, "2800.50")] {
        lines.append(
          (
            "notice.income", "department.notices", day + "-15",
            #"{"person":"\#(person)","month":"\#(day)","amount":"\#(amount)"}"#
          ))
      }
      if month % 3 == 0 {
        lines.append(
          (
            "notice.medical-expense", "department.notices", day + "-20",
            #"{"person":"\#(grandmother)","date":"\#(day)-20","selfPaid":"860"}"#
          ))
        lines.append(
          (
            "window.transaction", "window.transactions", day + "-22",
            #"{"transactionId":"t-\#(month)","centre":"310101002","line":"hsa","#
              + #""item":"年度累计医疗费用信息查询","stage":"submitted","#
              + #""applicant":{"id":"\#(mother)"}}"#
          ))
      }
    }
    lines.append(
      (
        "report.visit", "field.reports", "2026-02-10",
        #"{"about":{"household":"\#(household)"},"difficulties":["elder"],"date":"2026-02-10"}"#
      ))
    lines.append(
      (
        "window.transaction", "window.transactions", "2026-03-02",
        #"{"transactionId":"t-last","centre":"310101002","line":"mca","#
          + #""item":"老年综合津贴申领/敬老卡申领和发放","stage":"submitted","#
          + #""applicant":{"id":"\#(grandmother)"},"agent":{"id":"\#(mother)"}}"#
      ))
    return lines
  }
}
