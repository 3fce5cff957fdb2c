import Foundation
import KafkaIO
import Logging
import Runtime
import Simulation
import Streaming
import Testing

private let brokers = ProcessInfo.processInfo.environment["OUTREACH_TEST_BROKERS"]

/// The worker on a real broker and real files; runs where `OUTREACH_TEST_BROKERS` is set.
@Suite(.serialized, .enabled(if: brokers != nil)) struct BrokerTests {
  @Test func exactlyOnceAcrossCrashes() throws {
    var cluster = KafkaConfiguration(
      bootstrapServers: (brokers ?? "").split(separator: ",").map(String.init))
    cluster.consumer.instanceID = "worker-0"
    let rig = KafkaRig(cluster)
    defer { rig.removeFiles() }
    try rig.createTopics()
    var events = (0..<1500).map {
      Toy.event($0, person: $0 % 60, household: $0 % 60 / 2, seconds: $0)
    }
    events.append(Toy.event(1_000_000, person: 99, household: 99, seconds: 99_999))
    try rig.feed(events)
    var generator = SeededGenerator(seed: 3)
    var restored: [Int] = []
    for crash in 0..<5 {
      let calls = 60 + Int.random(in: 0..<2500, using: &generator)
      let survived = try rig.live(
        diesAfter: calls,
        observer: {
          if case .stateRestored(_, _, let records) = $0 { restored.append(records) }
        })
      if crash == 3 { rig.removeFiles() }
      if survived { break }
    }
    let statistics = StatisticsBox()
    let finished = try rig.live(statistics: statistics)
    #expect(finished)
    // Transaction markers lie behind the last records and are no work.
    #expect(statistics.snapshot.lag == 0)
    #expect(restored.count >= 12)
    let found = try rig.outputs()
    let wanted = try rig.expected(events)
    #expect(found == wanted)
    try rig.verifyStores()
  }
}

/// Positions that the log no longer has; a broker's retention moves on while records are waiting.
@Suite(.serialized, .enabled(if: brokers != nil)) struct RetentionTests {
  /// Starts every partition at its first offset, whatever the group or the log says.
  private final class FromTheBeginning: AssignmentHandler {
    func assigned(
      _ partitions: [TopicPartition]
    ) throws(LogFailure) -> [TopicPartition: Int64] {
      Dictionary(partitions.map { ($0, 0) }) { first, _ in first }
    }
    func revoked(_ partitions: [TopicPartition], lost: Bool) {}
  }

  /// The log must not move the position by itself, since the loss would then not be noticed.
  @Test func aPositionThatRetentionOvertookIsNamed() throws {
    let rig = KafkaRig(
      KafkaConfiguration(
        bootstrapServers: (brokers ?? "").split(separator: ",").map(String.init)))
    defer { rig.removeFiles() }
    try rig.createTopics()
    try rig.feed((0..<40).map { Toy.event($0, person: $0, household: $0, seconds: $0) })
    let admin = try KafkaAdmin(configuration: rig.kafka, logger: rig.logger)
    let place = KafkaPartition(rig.layout.full(Harness.inTopics[0]), 0)
    try admin.deleteRecords(before: [place: 5], limit: .seconds(20))
    let log = try KafkaLog(
      layout: rig.layout,
      settings: KafkaLog.Settings(group: rig.layout.prefix, transactionalID: rig.layout.prefix),
      configuration: rig.kafka, logger: rig.logger)
    defer { log.close() }
    let handler = FromTheBeginning()
    let end = ContinuousClock.now + .seconds(20)
    var failure: LogFailure?
    while failure == nil, ContinuousClock.now < end {
      do throws(LogFailure) {
        _ = try log.poll(max: 100, milliseconds: 200, handler: handler)
      } catch {
        failure = error
      }
    }
    #expect(failure?.recovery == .fenced)
    #expect(failure?.code == "_AUTO_OFFSET_RESET")
    // A partition that is not read cannot be rewound; that is no reason to end the daemon.
    let unread = TopicPartition(rig.layout.full(Harness.outTopics[0]), 0)
    let refusal = #expect(throws: LogFailure.self) { try log.seek([unread: 0]) }
    #expect(refusal?.recovery == .fenced)
  }
}

/// Outputs whose topic nobody made, such as those of a new district.
@Suite(.serialized, .enabled(if: brokers != nil)) struct MissingTopicTests {
  private let events = (0..<40).map {
    Toy.event($0, person: $0 % 20, household: $0 % 20 / 2, seconds: $0)
  }

  private func rig(without missing: String) throws -> KafkaRig {
    let rig = KafkaRig(
      KafkaConfiguration(
        bootstrapServers: (brokers ?? "").split(separator: ",").map(String.init)))
    try rig.createTopics(without: missing)
    try rig.feed(events)
    return rig
  }

  @Test func isMadeAsDeclaredBeforeItsFirstRecord() throws {
    let missing = "referrals.advisor.1"
    let rig = try rig(without: missing)
    defer { rig.removeFiles() }
    let name = rig.layout.full(missing)
    let finished = try rig.live(missingTopic: { wanted in
      wanted == name ? KafkaTopicSpecification(wanted, partitions: 3) : nil
    })
    #expect(finished)
    let admin = try KafkaAdmin(configuration: rig.kafka, logger: rig.logger)
    #expect(try admin.topics(limit: .seconds(10))[name]?.partitions == 3)
    #expect(!(try rig.outputs()).isEmpty)
  }

  /// A broker that refuses must not leave a worker that tries for ever.
  @Test func stopsTheWorkerWhereItCannotBeMade() throws {
    let missing = "referrals.advisor.1"
    let rig = try rig(without: missing)
    defer { rig.removeFiles() }
    let name = rig.layout.full(missing)
    let stop = #expect(throws: WorkerStop.self) {
      try rig.live(missingTopic: { wanted in
        wanted == name ? KafkaTopicSpecification(wanted, partitions: 1, replication: 99) : nil
      })
    }
    #expect(stop?.code == "missing-topic")
    #expect(stop?.detail.contains("outreachd topics apply") == true)
    // Nothing of the batch was committed: with the topic there, everything is worked off.
    let admin = try KafkaAdmin(configuration: rig.kafka, logger: rig.logger)
    _ = try admin.createTopics([KafkaTopicSpecification(name, partitions: 2)], limit: .seconds(10))
    try admin.waitForTopics([name], limit: .seconds(10))
    #expect(try rig.live())
    #expect(!(try rig.outputs()).isEmpty)
  }
}

/// The worker on librdkafka's embedded broker, which proves that the pieces fit and nothing about
/// exactly-once.
@Suite struct EmbeddedBrokerTests {
  @Test func doesTheWork() throws {
    let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
    let cluster = try MockCluster(logger: logger)
    let rig = KafkaRig(cluster.configuration())
    defer { rig.removeFiles() }
    try rig.createTopics(on: cluster)
    var events = (0..<200).map {
      Toy.event($0, person: $0 % 20, household: $0 % 20 / 2, seconds: $0)
    }
    events.append(Toy.event(1_000_000, person: 99, household: 99, seconds: 99_999))
    try rig.feed(events)
    let finished = try rig.live()
    #expect(finished)
    let found = try rig.outputs()
    let wanted = try rig.expected(events)
    #expect(found == wanted)
    try rig.verifyStores()
  }
}
