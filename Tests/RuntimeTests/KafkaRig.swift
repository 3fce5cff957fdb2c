import Foundation
import KafkaIO
import Logging
import Runtime
import StateStore
import Streaming
import Testing
import Vocabulary

/// Topics of the toy topology on a cluster, and workers on them with files of their own.
struct KafkaRig {
  static let partitions: Int32 = 4
  let layout: TopicLayout
  let kafka: KafkaConfiguration
  let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
  let root = NSTemporaryDirectory() + "worker-\(UUID().uuidString)"

  init(_ cluster: KafkaConfiguration) {
    let prefix = "runtime-\(UUID().uuidString.prefix(8))"
    layout = TopicLayout(
      prefix: prefix, inTopics: Harness.inTopics, partitions: KafkaRig.partitions)
    var kafka = cluster
    kafka.consumer.fetchWait = .milliseconds(20)
    kafka.producer.transactionTimeout = .seconds(10)
    self.kafka = kafka
  }

  func removeFiles() { try? FileManager.default.removeItem(atPath: root) }

  private func topics(without missing: String?) -> [KafkaTopicSpecification] {
    var topics = (Harness.inTopics + Harness.outTopics).filter { $0 != missing }.map {
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
    return topics
  }

  /// Makes the topics on a real cluster, but for one of the output topics.
  func createTopics(without missing: String? = nil) throws {
    let topics = topics(without: missing)
    let admin = try KafkaAdmin(configuration: kafka, logger: logger)
    _ = try admin.createTopics(topics, limit: .seconds(20))
    try admin.waitForTopics(topics.map(\.name), limit: .seconds(20))
  }

  /// Makes the topics in the embedded broker.
  func createTopics(on cluster: MockCluster) throws {
    for topic in topics(without: nil) {
      try cluster.createTopic(topic.name, partitions: topic.partitions)
    }
  }

  func feed(_ events: [[UInt8]]) throws {
    let producer = try KafkaProducer(transactionalID: nil, configuration: kafka, logger: logger)
    for (index, event) in events.enumerated() {
      let topic = try producer.topic(layout.full(Harness.inTopics[index % 2]))
      try event.withUnsafeBytes { value in
        try producer.produce(topic, partition: Int32(index / 2 % 2), key: nil, value: value)
      }
    }
    try producer.flush(limit: .seconds(20))
  }

  func outputs() throws -> [String] {
    let reader = try KafkaReader(configuration: kafka, logger: logger)
    let empty = UnsafeRawBufferPointer(start: nil, count: 0)
    var texts: [String] = []
    for topic in Harness.outTopics where topic != "deadletters" {
      for partition in try reader.partitions(of: layout.full(topic)) {
        _ = try reader.readToEnd(partition, from: 0, stallLimit: .seconds(20)) { batch in
          batch.forEach { texts.append(String(decoding: Array($0.value ?? empty), as: UTF8.self)) }
        }
      }
    }
    return texts.sorted()
  }

  /// What the pipeline makes of the same events.
  func expected(_ events: [[UInt8]]) throws -> [String] {
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
  func live(
    diesAfter calls: Int = .max, statistics: StatisticsBox = StatisticsBox(),
    missingTopic: @escaping @Sendable (String) -> KafkaTopicSpecification? = { _ in nil },
    observer: @escaping (WorkerEvent) -> Void = { _ in }
  ) throws -> Bool {
    var configuration = WorkerConfiguration(layout: layout)
    configuration.clockMode = .event
    configuration.pollRecords = 200
    var settings = KafkaLog.Settings(group: layout.prefix, transactionalID: layout.prefix + "-0")
    settings.missingTopic = missingTopic
    let log = FaultyLog(
      try KafkaLog(layout: layout, settings: settings, configuration: kafka, logger: logger),
      diesAfter: calls)
    let worker = Worker(
      configuration: configuration, log: log, opener: try StateDirectory(root: root),
      source: FixedStages(Toy.stages()), statistics: statistics, observer: observer)
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

  /// The stores hold what their changelogs hold, and the timers that follow from it.
  func verifyStores() throws {
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
