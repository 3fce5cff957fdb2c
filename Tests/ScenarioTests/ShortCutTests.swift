import Histories
import Streaming
import Testing
import Vocabulary

@testable import Stages

/// Most messages to a household are seen at the head of its state to change nothing, and a rule is
/// decided only for what may have changed its answer. Both leave out only what has no effect. And
/// what one viewpoint takes over from another, or from what nobody has stated, is what it would
/// have worked out.
@Suite struct ShortCutTests {
  @Test(arguments: [21, 22, 23] as [UInt64])
  func whatIsLeftOutWouldHaveDecidedNothing(seed: UInt64) throws {
    let end = try #require(Instant("2026-02-15T00:00:00+08:00"))
    let city = try SmallCity(seed: seed, crowded: true)
    let short = try city.replay(until: end)
    let whole = try city.replay(until: end, takesShortCuts: false)
    #expect(short.outputs.count > 300)
    #expect(short.outputs.map(\.key) == whole.outputs.map(\.key))
    #expect(short.outputs == whole.outputs)
    #expect(short.kept == whole.kept)
  }

  /// The same of histories that meet most rules.
  @Test func soItIsWithRandomHistories() throws {
    let world = try World(pack: try Scenario.pack.get())
    let short = OrderCheck(world, bench: try Bench(world))
    let whole = OrderCheck(
      world,
      bench: try Bench(
        world, households: HouseholdsStage(settings: world.settings, takesShortCuts: false)))
    for seed in 1...60 as ClosedRange<UInt64> {
      let (mine, theirs) = (try short.outputs(seed: seed), try whole.outputs(seed: seed))
      #expect(mine == theirs, "seed \(seed)")
    }
  }
}
