import Runtime
import Simulation
import StateStore
import Streaming
import Testing
import Vocabulary

@Suite struct CrashTests {
  @Test func runWithoutFaultsDoesTheWork() throws {
    let outcome = try reference(events: 60)
    let revisions = outcome.outputs.filter { $0.key.hasPrefix("referrals") }.values.joined()
    #expect(Set(revisions).count == revisions.count)
    #expect(revisions.count > 40)
    #expect(outcome.outputs["deadletters"]?.isEmpty == false)
    // Every household woke three times, at instants of its own.
    let households = Set(revisions.map { $0.prefix { $0 != ":" } })
    #expect(outcome.outputs["alerts.x"]?.count == households.count * 3)
    #expect(outcome.timers.values.allSatisfy { $0.isEmpty })
  }

  /// The process dies once, at each call it makes, before and after the call's effect.
  @Test func crashAtEveryStep() throws {
    let expected = try reference(events: 12)
    let counting = Harness()
    counting.feed(12)
    counting.feedEnd()
    let whole = counting.start()
    _ = try counting.drain(whole)
    let steps = whole.faults.reached
    #expect(steps > 300)
    for step in 0..<steps {
      let harness = Harness()
      harness.feed(12)
      harness.feedEnd()
      let doomed = harness.start(faults: .crash(at: step))
      let survived = try harness.drain(doomed)
      #expect(!survived, "step \(step)")
      let heir = harness.start(seed: UInt64(step))
      let drained = try harness.drain(heir)
      #expect(drained)
      #expect(harness.outcome().differences(from: expected) == [], "step \(step)")
    }
  }

  /// As above, but the disk is lost with the process.
  @Test func crashAtEveryStepWithoutTheLocalCopy() throws {
    let expected = try reference(events: 8)
    for step in stride(from: 0, to: 600, by: 3) {
      let harness = Harness()
      harness.feed(8)
      harness.feedEnd()
      let doomed = harness.start(faults: .crash(at: step))
      _ = try harness.drain(doomed)
      harness.storages["a"]?.removeAll()
      let heir = harness.start(seed: UInt64(step))
      let drained = try harness.drain(heir)
      #expect(drained)
      #expect(harness.outcome().differences(from: expected) == [], "step \(step)")
    }
  }

  /// Everything goes wrong now and then, with weights drawn by seed.
  @Test(arguments: seedBatches(40))
  func randomFaults(batch: Int) throws {
    let expected = try reference(events: 40)
    for seed in (batch * 10)..<(batch * 10 + 10) {
      let harness = Harness()
      harness.feed(40)
      harness.feedEnd()
      try runWithFaults(harness, seed: UInt64(seed))
      let differences = harness.outcome().differences(from: expected)
      #expect(differences == [], "seed \(seed)")
      let isChangelogRight = harness.changelogState() == expected.state
      #expect(isChangelogRight, "seed \(seed)")
    }
  }

  private func runWithFaults(_ harness: Harness, seed: UInt64) throws {
    var generator = SeededGenerator(seed: seed)
    let weights = FaultWeights(&generator)
    for life in 0..<200 {
      let script = FaultScript(seed: seed &* 1000 &+ UInt64(life), weights: weights)
      // Faults end at some point, or the run never would.
      let faults = life < 20 ? Faults(script.fault) : Faults()
      let worker = harness.start(faults: faults, seed: seed &+ UInt64(life))
      do {
        // With many faults no transaction may ever succeed: the next life has others.
        let isDone = try harness.drain(worker, turns: 1000, mustEnd: life >= 20)
        if isDone, life >= 1 || weights.crash == 0 { return }
        worker.faults.kill()
      } catch let stop as WorkerStop {
        // Injected failures of the disk end the daemon with 70; the next life goes on.
        let isInjected = stop.detail.contains("injected") || stop.code.contains("injected")
        #expect(isInjected, "\(stop)")
        worker.faults.kill()
      }
      if generator.oneIn(6) { harness.storages["a"]?.removeAll() }
      if generator.oneIn(6) { harness.storages["a"]?.losePower() }
      if generator.oneIn(4) {
        for channel in Channel.allCases {
          harness.cluster.compact(harness.layout.full(channel.changelogTopic))
        }
      }
    }
  }
}

/// How often what goes wrong: once in so many steps, 0 for never.
struct FaultWeights {
  let crash: Int
  let retry: Int
  let abort: Int
  let fenced: Int
  let corrupt: Int
  let delay: Int
  let stall: Int

  init(_ generator: inout SeededGenerator) {
    func weight(_ range: ClosedRange<Int>) -> Int {
      generator.oneIn(3) ? 0 : Int.random(in: range, using: &generator)
    }
    crash = weight(50...800)
    retry = weight(10...200)
    abort = weight(30...400)
    fenced = weight(100...800)
    corrupt = weight(20...100)
    delay = weight(3...30)
    stall = weight(200...1000)
  }
}

/// Draws faults by seed.
final class FaultScript {
  private var generator: SeededGenerator
  private let weights: FaultWeights

  init(seed: UInt64, weights: FaultWeights) {
    generator = SeededGenerator(seed: seed)
    self.weights = weights
  }

  func fault(_ step: Step, _ moment: Moment, _ reached: Int) -> Fault? {
    if happens(weights.crash) { return .crash }
    if step == .applyState {
      return moment == .before && happens(weights.corrupt) ? .fail(.restore) : nil
    }
    if step == .openState || step == .wipeState { return nil }
    if step == .commit, moment == .before, happens(weights.delay) {
      return .delayMarkers(
        Int.random(in: 1...300, using: &generator), offsetsFirst: generator.oneIn(2))
    }
    if happens(weights.retry) { return .fail(.retry) }
    // A lost response of these is a retry; their effect is not undone by an abort.
    if moment == .after, [.commit, .abort, .poll, .rejoin].contains(step) { return nil }
    if happens(weights.abort), step != .rejoin { return .fail(.abort) }
    if happens(weights.fenced), step != .rejoin { return .fail(.fenced) }
    if happens(weights.stall) { return .stall }
    return nil
  }

  private func happens(_ weight: Int) -> Bool { weight > 0 && generator.oneIn(weight) }
}
