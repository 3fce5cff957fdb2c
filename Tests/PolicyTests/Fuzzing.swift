import Foundation

/// How fuzzers of this module run: a bounded number of rounds, longer with OUTREACH_FUZZ_SECONDS,
/// other inputs with OUTREACH_FUZZ_SEED.
struct Fuzzing {
  private var state: UInt64
  private let end: ContinuousClock.Instant
  private var rounds: Int

  /// - Parameter rounds: at least so many.
  init(rounds: Int, seed: UInt64) {
    let environment = ProcessInfo.processInfo.environment
    let seconds = environment["OUTREACH_FUZZ_SECONDS"].flatMap { Double($0) } ?? 0
    end = ContinuousClock.now + .milliseconds(Int64(seconds * 1000))
    let given = environment["OUTREACH_FUZZ_SEED"].flatMap { UInt64($0) } ?? 0
    state = (seed ^ given &* 0x9E37_79B9_7F4A_7C15) | 1
    self.rounds = rounds
  }

  /// True for each round.
  mutating func goesOn() -> Bool {
    rounds -= 1
    return rounds >= 0 || ContinuousClock.now < end
  }

  /// A number from 0 to below `bound`; 0 where there is none.
  mutating func next(_ bound: Int) -> Int {
    state ^= state << 13
    state ^= state >> 7
    state ^= state << 17
    return bound > 0 ? Int(state % UInt64(bound)) : 0
  }
}
