import Runtime
import Simulation
import StateStore
import Streaming
import Testing
import Vocabulary

/// Each way in which log, group or disk can let the worker down, by its name.
@Suite struct NamedCaseTests {
  private let expected: Harness.Outcome

  init() throws { expected = try reference(events: 30) }

  /// A harness with the workload of `expected`.
  private func loaded() -> Harness {
    let harness = Harness()
    harness.feed(30)
    harness.feedEnd()
    return harness
  }

  private func expectRight(_ harness: Harness, _ comment: String = "") {
    #expect(harness.outcome().differences(from: expected) == [], "\(comment)")
  }

  /// Runs a daemon until it is done.
  private func finish(_ harness: Harness, faults: Faults = Faults()) throws {
    let life = harness.start(faults: faults)
    let drained = try harness.drain(life)
    #expect(drained)
  }

  /// Does something to the harness's cluster or disk after some turns of a daemon that then dies.
  private func interrupt(_ harness: Harness, turns: Int, _ change: (Harness) -> Void) throws {
    let life = harness.start()
    for _ in 0..<turns { try life.worker.runOnce() }
    life.faults.kill()
    change(harness)
  }

  private func wiped(_ harness: Harness, _ reason: WipeReason) -> Bool {
    harness.events.contains { event in
      if case .stateWiped(_, _, reason) = event { true } else { false }
    }
  }

  // MARK: The log

  /// A second daemon takes the same identity while a transaction of the first is open.
  @Test(arguments: [Step.begin, .produce, .sendOffsets, .commit])
  func fencing(step: Step) throws {
    let harness = loaded()
    var new: Harness.Life?
    var calls = 0
    let faults = Faults { reached, moment, _ in
      guard reached == step, moment == .before else { return nil }
      calls += 1
      if calls == 3 { new = harness.start("a") }
      return nil
    }
    let old = harness.start("old", client: "a", faults: faults)
    for _ in 0..<200 where new == nil { try old.worker.runOnce() }
    #expect(harness.events.contains(.workerRejoined(code: "producer-fenced")))
    old.faults.kill()
    let heir = try #require(new)
    let drained = try harness.drain(heir)
    #expect(drained)
    expectRight(harness)
  }

  @Test(arguments: [Step.sendOffsets, .commit, .committed, .begin, .seek])
  func coordinatorMoves(step: Step) throws {
    let harness = loaded()
    var refusals = 0
    let faults = Faults { reached, moment, _ in
      guard reached == step, moment == .before, refusals % 4 != 3 else {
        refusals += reached == step && moment == .before ? 1 : 0
        return nil
      }
      refusals += 1
      return .fail(.retry)
    }
    try finish(harness, faults: faults)
    expectRight(harness)
    let third = WorkerEvent.callRetried(code: "injected-retry", attempt: 3)
    #expect(step == .seek || harness.events.contains(third))
  }

  /// The answer to a commit is lost, and the call made again finds it done.
  @Test func commitResponseIsLost() throws {
    let harness = loaded()
    var lost = 0
    let faults = Faults { step, moment, _ in
      guard step == .commit, moment == .after else { return nil }
      lost += 1
      return lost % 2 == 1 ? .fail(.retry) : nil
    }
    try finish(harness, faults: faults)
    expectRight(harness)
  }

  /// The answer to a commit never comes: the worker reads the truth from the log.
  @Test func commitOutcomeIsUnknown() throws {
    for moment in Moment.allCases {
      let harness = loaded()
      var calls = 0
      let faults = Faults { step, reached, _ in
        guard step == .commit, reached == moment else { return nil }
        calls += 1
        return (4...8).contains(calls) ? .fail(.retry) : nil
      }
      try finish(harness, faults: faults)
      #expect(harness.events.contains(.workerRejoined(code: "commit-outcome-unknown")))
      expectRight(harness, "\(moment)")
    }
  }

  @Test func brokerIsAwayForLong() throws {
    let harness = loaded()
    let faults = Faults { _, _, reached in
      (100..<400).contains(reached) ? .fail(.retry) : nil
    }
    try finish(harness, faults: faults)
    expectRight(harness)
  }

  /// The group moves on while a transaction is open: its offsets are refused, or it is aborted by
  /// the coordinator, and the partitions are read again by whoever gets them.
  @Test(arguments: [Step.begin, .produce, .sendOffsets, .commit], Moment.allCases)
  func rebalanceInMidTransaction(step: Step, moment: Moment) throws {
    let harness = loaded()
    var reachedStep = 0
    let faults = Faults { reached, at, _ in
      guard reached == step, at == moment else { return nil }
      reachedStep += 1
      return reachedStep == 3 ? .stall : nil
    }
    let slow = harness.start("slow", faults: faults)
    let other = harness.start("a")
    for _ in 0..<60 {
      try slow.worker.runOnce()
      try other.worker.runOnce()
    }
    slow.worker.shutDown()
    let drained = try harness.drain(other)
    #expect(drained)
    expectRight(harness)
  }

  /// A dead owner's transaction holds offsets and changelog records: its heir waits for the
  /// coordinator to decide.
  @Test(arguments: [Moment.before, .after])
  func undecidedTransactionOfAFormerOwner(moment: Moment) throws {
    let harness = loaded()
    harness.cluster.transactionTimeout = 3000
    var calls = 0
    let step = moment == .before ? Step.commit : .sendOffsets
    let faults = Faults { reached, at, _ in
      guard reached == step, at == moment else { return nil }
      calls += 1
      return calls == 3 ? .crash : nil
    }
    let dead = harness.start("dead", faults: faults)
    let survived = try harness.drain(dead)
    #expect(!survived)
    let before = harness.cluster.now
    try finish(harness)
    #expect(harness.cluster.now - before > 2500)
    expectRight(harness)
  }

  /// The markers of a commit come late, after the group's offsets: the changelog's end is known
  /// only by its real end, not by what is stable.
  @Test func markersComeAfterTheOffsets() throws {
    let harness = loaded()
    let faults = Faults { step, moment, reached in
      if step == .commit, moment == .before { return .delayMarkers(100, offsetsFirst: true) }
      return step == .commit && moment == .after && reached > 150 ? .crash : nil
    }
    let dead = harness.start("dead", faults: faults)
    let survived = try harness.drain(dead)
    #expect(!survived)
    try finish(harness)
    expectRight(harness)
  }

  /// Compaction takes markers and superseded records out, also those that positions point to.
  @Test func controlRecordsVanish() throws {
    let harness = loaded()
    for turns in [5, 6, 7, 8] {
      try interrupt(harness, turns: turns) { harness in
        for channel in Channel.allCases {
          harness.cluster.compact(
            harness.layout.full(channel.changelogTopic), droppingTombstones: turns % 2 == 0)
        }
        if turns == 7 { harness.storages["a"]?.removeAll() }
      }
    }
    try finish(harness)
    expectRight(harness)
  }

  @Test func committedOffsetIsPastRetention() throws {
    let harness = loaded()
    let topic = harness.layout.full(Harness.inTopics[0])
    try interrupt(harness, turns: 8) { _ in }
    let partition = TopicPartition(topic, 0)
    let committed = try #require(
      harness.cluster.committedOffsets(group: Harness.group)[partition])
    for _ in 0..<5 { harness.cluster.append(topic, partition: 0, key: nil, value: [1]) }
    let end = harness.cluster.bounds(partition)?.end ?? 0
    harness.cluster.trim(partition, before: end - 2)
    try finish(harness)
    #expect(harness.events.contains(.recordsLost(partition, count: end - 2 - committed)))

    harness.configuration.lostInRecords = .stop
    harness.cluster.append(topic, partition: 0, key: nil, value: [1])
    harness.cluster.append(topic, partition: 0, key: nil, value: [1])
    harness.cluster.trim(partition, before: end + 2)
    let life = harness.start()
    let stop = #expect(throws: WorkerStop.self) { try life.worker.runOnce() }
    #expect(stop?.code == "records-lost")
  }

  /// Retention deletes records while a daemon that is behind has yet to read them.
  @Test(arguments: [LossPolicy.goOn, .stop])
  func retentionOvertakesARunningDaemon(policy: LossPolicy) throws {
    let harness = Harness()
    harness.configuration.lostInRecords = policy
    let partition = TopicPartition(harness.layout.full(Harness.inTopics[0]), 0)
    harness.feed(8)
    let life = harness.start()
    #expect(try harness.drain(life))
    let read = try #require(
      harness.cluster.committedOffsets(group: Harness.group)[partition])
    for _ in 0..<6 {
      harness.cluster.append(partition.topic, partition: 0, key: nil, value: [1])
    }
    harness.cluster.trim(partition, before: read + 4)
    if policy == .stop {
      let stop = #expect(throws: WorkerStop.self) { _ = try harness.drain(life) }
      #expect(stop?.code == "records-lost")
    } else {
      #expect(try harness.drain(life))
    }
    #expect(harness.events.contains(.recordsLost(partition, count: 4)))
  }

  @Test func groupForgetsItsOffsets() throws {
    let harness = loaded()
    let input = harness.layout.input(.households, 1)
    try interrupt(harness, turns: 12) { harness in
      harness.cluster.setOffset(group: Harness.group, input, nil)
      harness.cluster.setOffset(group: Harness.group, harness.layout.input(.persons, 0), 0)
    }
    try finish(harness)
    #expect(harness.events.contains { if case .positionCorrected = $0 { true } else { false } })
    expectRight(harness)
  }

  @Test func changelogIsLost() throws {
    let harness = loaded()
    try interrupt(harness, turns: 12) { harness in
      harness.storages["a"]?.removeAll()
      let changelog = harness.layout.full(Channel.persons.changelogTopic)
      harness.cluster.createTopic(changelog, partitions: 3)
    }
    let life = harness.start()
    let stop = #expect(throws: WorkerStop.self) { for _ in 0..<5 { try life.worker.runOnce() } }
    #expect(stop?.code == "changelog-lost")
  }

  // MARK: The disk

  @Test func localCopyIsAheadOfTheChangelog() throws {
    let harness = loaded()
    try interrupt(harness, turns: 12) { harness in
      var meta = harness.storages["a"]?.meta(.persons, 0)
      meta?.changelogNext += 1000
      harness.storages["a"]?.setMeta(.persons, 0, meta)
    }
    try finish(harness)
    #expect(harness.events.contains(.stateWiped(.persons, partition: 0, .aheadOfChangelog)))
    expectRight(harness)
  }

  @Test func machineGoesDown() throws {
    let harness = loaded()
    try interrupt(harness, turns: 12) { $0.storages["a"]?.losePower() }
    try finish(harness)
    #expect(harness.events.contains(.stateWiped(.events, partition: 2, .uncleanBoot)))
    expectRight(harness)
  }

  @Test func localCopyIsTooOld() throws {
    let harness = loaded()
    try interrupt(harness, turns: 12) { $0.clock.now = $0.clock.now.adding(seconds: 13 * 3600) }
    try finish(harness)
    #expect(harness.events.contains(.stateWiped(.events, partition: 0, .tooOld)))
    expectRight(harness)
  }

  @Test func aStoredValueIsDamaged() throws {
    let harness = Harness()
    harness.feed(30)
    let first = harness.start()
    _ = try harness.drain(first)
    first.faults.kill()
    for partition in 0..<harness.layout.partitions {
      // Others may never be read again.
      for (key, _) in harness.storages["a"]?.entries(.persons, partition) ?? []
      where key.starts(with: "count:".utf8) {
        harness.storages["a"]?.overwrite(.persons, partition, key: key, value: [255])
      }
    }
    harness.feed(30, from: 30)
    harness.feedEnd()
    try finish(harness)
    #expect(wiped(harness, .undecodable))
    #expect(harness.outcome().differences(from: try reference(events: 60)) == [])
  }

  /// A frame that never decodes: restored once, then the daemon stops and skips nothing.
  @Test func aFrameIsDamaged() throws {
    let harness = loaded()
    let input = harness.layout.input(.events, 1)
    harness.cluster.append(input.topic, partition: 1, key: nil, value: [77, 1, 2])
    let life = harness.start()
    let stop = #expect(throws: WorkerStop.self) { _ = try harness.drain(life) }
    #expect(stop?.code == "undecodable")
    #expect(stop?.detail.contains("events-1 at 0") == true)
    #expect(harness.events.contains(.stateWiped(.events, partition: 1, .undecodable)))
    #expect(harness.events.last == .workerStopped(code: "undecodable"))
    #expect((harness.cluster.committedOffsets(group: Harness.group)[input] ?? 0) == 0)
  }

  @Test func aStoreFailsAfterTheCommit() throws {
    let harness = loaded()
    var applies = 0
    let faults = Faults { step, moment, _ in
      guard step == .applyState, moment == .before else { return nil }
      applies += 1
      return applies % 5 == 0 ? .fail(.restore) : nil
    }
    try finish(harness, faults: faults)
    #expect(wiped(harness, .corrupt))
    expectRight(harness)
  }
}
