public import Policy
import Synchronization

/// Many histories, on all processors.
public struct OrderSurvey: Sendable {
  public private(set) var histories = 0
  public private(set) var events = 0
  /// By seed, the first few in full.
  public private(set) var differing: [(seed: UInt64, differences: [String])] = []
  /// In how many histories each rule had an open referral.
  public private(set) var rules: [String: Int] = [:]
  /// In how many histories each of these occurred.
  public private(set) var marks: [String: Int] = [:]

  mutating func add(_ outcome: OrderCheck.Outcome, seed: UInt64) {
    histories += 1
    events += outcome.events
    if !outcome.differences.isEmpty { differing.append((seed, outcome.differences)) }
    for rule in outcome.rules { rules[rule, default: 0] += 1 }
    for mark in outcome.marks { marks[mark, default: 0] += 1 }
  }

  mutating func add(_ other: OrderSurvey) {
    histories += other.histories
    events += other.events
    differing += other.differing
    rules.merge(other.rules, uniquingKeysWith: +)
    marks.merge(other.marks, uniquingKeysWith: +)
  }

  /// `100000 histories, 2400000 events, 0 differences`.
  public var summary: String {
    "\(histories) histories, \(events) events, \(differing.count) differences"
  }

  /// Checks `count` seeds from `first` on, `threads` at a time; fewer where `limit` is over before.
  public static func perform(
    pack: PolicyPack, first: UInt64, count: Int, threads: Int, limit: Duration? = nil,
    progress: @Sendable @escaping (Int) -> Void = { _ in }
  ) async throws -> OrderSurvey {
    let world = try World(pack: pack)
    let seeds = SeedCounter()
    let clock = ContinuousClock()
    let end = limit.map { clock.now.advanced(by: $0) }
    return try await withThrowingTaskGroup(of: OrderSurvey.self) { group in
      for _ in 0..<threads {
        group.addTask {
          let check = OrderCheck(world, bench: try Bench(world))
          var survey = OrderSurvey()
          while true {
            if let end, clock.now >= end { return survey }
            let index = seeds.next()
            guard index < count else { return survey }
            let seed = first + UInt64(index)
            survey.add(try check.check(seed: seed), seed: seed)
            progress(index + 1)
          }
        }
      }
      var all = OrderSurvey()
      for try await part in group { all.add(part) }
      all.differing.sort { $0.seed < $1.seed }
      return all
    }
  }
}

/// Hands out the seeds to the threads.
private final class SeedCounter: Sendable {
  private let count = Atomic<Int>(0)

  func next() -> Int { count.add(1, ordering: .relaxed).oldValue }
}

extension OrderSurvey {
  /// What the histories must have met, or they prove little.
  static let requiredMarks = [
    "withdrawn", "completed", "review", "duplicate", "late", "several arrivals", "superseder",
    "retraction", "retraction before its target", "answer accepted", "answer declined",
    "answer reassigned",
  ]

  /// Rules with referrals of their own, and occurrences, that no history met.
  public func uncovered(of pack: PolicyPack) -> [String] {
    pack.rules.filter { !$0.referrals.isEmpty && rules[$0.id] == nil }.map(\.id)
      + OrderSurvey.requiredMarks.filter { marks[$0] == nil }
  }
}
