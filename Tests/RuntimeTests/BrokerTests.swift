import Foundation
import KafkaIO
import Logging
import Runtime
import Simulation
import StateStore
import Streaming
import Testing
import Vocabulary

private let brokers = ProcessInfo.processInfo.environment["OUTREACH_TEST_BROKERS"]

/// The worker on a real broker and real files; runs where `OUTREACH_TEST_BROKERS` is set.
@Suite(.serialized, .enabled(if: brokers != nil)) struct BrokerTests {
  private let layout: TopicLayout
  private let kafka: KafkaConfiguration
  private let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
  private let root = NSTemporaryDirectory() + "worker-\(UUID().uuidString)"
  private static let partitions: Int32 = 4

  init() throws {
    let prefix = "runtime-\(UUID().uuidString.prefix(8))"
    layout = TopicLayout(
      prefix: prefix, inTopics: Harness.inTopics, partitions: BrokerTests.partitions)
    var kafka = KafkaConfiguration(
      bootstrapServers: (brokers ?? "").split(separator: ",").map(String.init))
    kafka.consumer.instanceID = "worker-0"
    kafka.consumer.fetchWait = .milliseconds(20)
    kafka.producer.transactionTimeout = .seconds(10)
    self.kafka = kafka
    try createTopics()
  }

  private func createTopics() throws {
    var topics = (Harness.inTopics + Harness.outTopics).map {
      KafkaTopicSpecification(layout.full($0), partitions: 2)
    }
    for channel in Channel.allCases {
      let count = Int(layout.partitions)
      topics.append(KafkaTopicSpecification(layout.full(channel.inputTopic), partitions: count))
      topics.append(
        KafkaTopicSpecification(
          layout.full(channel.changelogTopic), partitions: count,
          configs: ["cleanup.policy": "compact"]))
    }
    let admin = try KafkaAdmin(configuration: kafka, logger: logger)
    _ = try admin.createTopics(topics, limit: .seconds(20))
    try admin.waitForTopics(topics.map(\.name), limit: .seconds(20))
  }

  private func feed(_ events: [[UInt8]]) throws {
    let producer = try KafkaProducer(transactionalID: nil, configuration: kafka, logger: logger)
    for (index, event) in events.enumerated() {
      let topic = try producer.topic(layout.full(Harness.inTopics[index % 2]))
      try event.withUnsafeBytes { value in
        try producer.produce(topic, partition: Int32(index / 2 % 2), key: nil, value: value)
      }
    }
    try producer.flush(limit: .seconds(20))
  }

  private func outputs() throws -> [String] {
    let reader = try KafkaReader(configuration: kafka, logger: logger)
    var texts: [String] = []
    for topic in Harness.outTopics where topic != "deadletters" {
      for partition in try reader.partitions(of: layout.full(topic)) {
        _ = try reader.readToEnd(partition, from: 0, stallLimit: .seconds(20)) { batch in
          batch.forEach { texts.append(String(decoding: $0.value ?? .init(start: nil, count: 0), as: UTF8.self)) }
        }
      }
    }
    return texts.sorted()
  }

  /// What the pipeline makes of the same events.
  private func expected(_ events: [[UInt8]]) throws -> [String] {
    let pipeline = InlinePipeline(stages: Toy.stages())
    var outputs: [OutputRecord] = []
    for event in events {
      outputs += try event.withUnsafeBytes { bytes in
        try pipeline.feed(
          InboundRecord(
            topic: "", topicSuffix: "", partition: 0, offset: 0, timestamp: 0, key: nil,
            value: bytes, headers: UnsafeBufferPointer(start: nil, count: 0)))
      }
    }
    outputs += try pipeline.advance(until: Toy.start.adding(seconds: 100_000))
    return outputs.map { String(decoding: $0.value ?? [], as: UTF8.self) }.sorted()
  }

  /// One life of the worker: until it dies or has had nothing to do for a while. Answers whether
  /// it lived to the end.
  private func live(
    diesAfter calls: Int = .max, observer: @escaping (WorkerEvent) -> Void = { _ in }
  ) throws -> Bool {
    var configuration = WorkerConfiguration(layout: layout)
    configuration.clockMode = .event
    configuration.pollRecords = 200
    let settings = KafkaLog.Settings(group: layout.prefix, transactionalID: layout.prefix + "-0")
    let log = FaultyLog(
      try KafkaLog(layout: layout, settings: settings, configuration: kafka, logger: logger),
      diesAfter: calls)
    let worker = Worker(
      configuration: configuration, log: log, opener: try StateDirectory(root: root),
      source: FixedStages(Toy.stages()), observer: observer)
    var quiet = 0
    do {
      while quiet < 12 {
        quiet = try worker.runOnce() || worker.ownedPartitions == 0 ? 0 : quiet + 1
      }
    } catch {
      if log.isDead { return false }
      throw error
    }
    worker.shutDown()
    return true
  }

  @Test func exactlyOnceAcrossCrashes() throws {
    defer { try? FileManager.default.removeItem(atPath: root) }
    var events = (0..<1500).map {
      Toy.event($0, person: $0 % 60, household: $0 % 60 / 2, seconds: $0)
    }
    events.append(Toy.event(1_000_000, person: 99, household: 99, seconds: 99_999))
    try feed(events)
    var generator = SeededGenerator(seed: 3)
    var restored: [Int] = []
    for crash in 0..<5 {
      let calls = 60 + Int.random(in: 0..<2500, using: &generator)
      let survived = try live(diesAfter: calls) {
        if case .stateRestored(_, _, let records) = $0 { restored.append(records) }
      }
      if crash == 3 { try FileManager.default.removeItem(atPath: root) }
      if survived { break }
    }
    let finished = try live()
    #expect(finished)
    #expect(restored.count >= 12)
    let found = try outputs()
    let wanted = try expected(events)
    #expect(found == wanted)
    try verifyStores()
  }

  /// The stores hold what their changelogs hold, and the timers that follow from it.
  private func verifyStores() throws {
    let households = ToyHouseholds()
    for (channel, partition) in StateDirectory.partitions(root: root) {
      let inspector = try StateInspector(root: root, channel, partition: partition)
      let findings = try inspector.verify { key, value in
        channel == .households ? households.timer(key: key, value: value) : nil
      }
      #expect(findings == [])
    }
  }
}
