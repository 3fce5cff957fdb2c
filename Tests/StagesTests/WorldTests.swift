import Streaming
import Testing

@testable import Stages

/// What has to be swept when policy or directory change, also in the middle of a sweep.
@Suite struct WorldTests {
  private func world(
    _ policy: String, advisors: [String], resources: [String] = []
  ) -> World {
    var world = World()
    world.policy = policy
    world.advisors = advisors.map(World.hash).sorted()
    world.resources = resources.map(World.hash).sorted()
    return world
  }

  @Test func onlyRemovalsAndPoliciesAskForASweep() {
    let known = world("p1", advisors: ["a", "b"], resources: ["w"])
    #expect(known.becoming(world("p1", advisors: ["a", "b", "c"], resources: ["w", "x"])).sweep == nil)
    let removed = known.becoming(world("p1", advisors: ["a", "c"])).sweep
    #expect(removed?.lost(advisor: "b") == true)
    #expect(removed?.lost(advisor: "a") == false)
    #expect(removed?.lost(resource: "w") == true)
    #expect(removed?.policyChanged == false)
    #expect(known.becoming(world("p2", advisors: ["a", "b"], resources: ["w"])).sweep?.policyChanged == true)
  }

  @Test func aChangeDuringASweepStartsOverWithBoth() throws {
    var under = world("p1", advisors: ["a", "b", "c"]).becoming(world("p2", advisors: ["b", "c"]))
    under.sweep?.cursor = Array("h=HH-5".utf8)
    let next = try #require(under.becoming(world("p2", advisors: ["c"])).sweep)
    #expect(next.cursor.isEmpty)
    #expect(next.policyChanged)
    #expect(next.lost(advisor: "a") && next.lost(advisor: "b") && !next.lost(advisor: "c"))
  }

  @Test func whoCameBackWasNeverLost() {
    let under = world("p1", advisors: ["a", "b"]).becoming(world("p1", advisors: ["b"]))
    #expect(under.sweep != nil)
    #expect(under.becoming(world("p1", advisors: ["a", "b"])).sweep == nil)
  }

  @Test func anUnknownWorldIsSweptOnce() {
    let first = World().becoming(world("p1", advisors: ["a"]))
    #expect(first.sweep?.policyChanged == true)
    #expect(first.sweep?.goneAdvisors == [])
  }

  @Test func itReadsAsItWasWritten() throws {
    var under = world("p1", advisors: ["a", "b"], resources: ["w"]).becoming(world("p2", advisors: ["b"]))
    under.sweep?.cursor = [1, 2, 3]
    for value in [under, world("p1", advisors: []), World()] {
      #expect(try value.encoded().withUnsafeBytes { try World($0) } == value)
    }
    #expect(throws: DecodingFailure.self) { try [9, 9].withUnsafeBytes { try World($0) } }
  }
}
