import Testing
import Vocabulary

/// Most messages to a household are seen at the head of its state to change nothing, and a rule
/// that failed by what has not changed is not decided again. Both leave out only what has no effect.
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
}
