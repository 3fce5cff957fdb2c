import Foundation
import Runtime
import Simulation
import Streaming
import Testing

@Suite struct BroadcastTests {
  @Test func onlyTheNewestSnapshotCounts() {
    let box = BroadcastBox<Int>()
    var version: UInt64 = 0
    #expect(box.newer(than: &version) == nil)
    box.publish(1)
    box.publish(2)
    #expect(box.newer(than: &version) == 2)
    #expect(box.newer(than: &version) == nil)
    box.publish(3)
    #expect(box.newer(than: &version) == 3)
  }

  /// The worker does not join before it has its first policy, and takes a new one between batches.
  @Test func workersWaitForTheFirstSnapshotAndTakeTheNext() throws {
    let harness = Harness()
    harness.feed(20)
    let box = BroadcastBox<Int>()
    var built: [Int] = []
    let source = BroadcastStages(box) { snapshot in
      built.append(snapshot)
      return Toy.stages()
    }
    let log = SimulatedLog(
      harness.cluster, client: "a", group: Harness.group, topics: harness.layout.subscription)
    let worker = Worker(
      configuration: harness.configuration, log: log, opener: SimulatedDisk(SimulatedStorage()),
      source: source, clock: harness.clock, pause: { _ in })
    for _ in 0..<3 { #expect(try worker.runOnce() == false) }
    #expect(worker.ownedPartitions == 0 && built.isEmpty)
    box.publish(7)
    for _ in 0..<3 { try worker.runOnce() }
    #expect(worker.ownedPartitions == 9)
    box.publish(8)
    for _ in 0..<30 { try worker.runOnce() }
    #expect(built == [7, 8])
    #expect(harness.isDrained)
  }
}
