import Testing

@testable import KafkaIO

#if canImport(Glibc)
  import Glibc
#endif

/// Members come and go while records are relayed in transactions: each record arrives once.
@Suite(
  .serialized,
  .enabled(if: !testBrokers.isEmpty, "needs a Kafka broker: set OUTREACH_TEST_BROKERS=host:port"))
struct RebalanceStressTests {
  /// A consumer and a transactional producer that share their fate.
  private final class Relay: KafkaRebalanceDelegate {
    let consumer: KafkaConsumer
    let producer: KafkaProducer
    let output: String
    private(set) var isOpen = false
    private var mustRewind = false
    private(set) var aborts = 0
    private(set) var revocations = 0
    private var steps = 0
    /// Whether a revocation aborts what is open instead of committing it.
    let abortsOnRevocation: Bool

    init(
      _ configuration: KafkaConfiguration, group: String, input: String, output: String,
      abortsOnRevocation: Bool
    ) throws {
      producer = try KafkaProducer(
        transactionalID: uniqueName("relay"), configuration: configuration, logger: silent)
      consumer = try KafkaConsumer(group: group, configuration: configuration, logger: silent)
      self.output = output
      self.abortsOnRevocation = abortsOnRevocation
      try producer.initTransactions(limit: .seconds(20))
      consumer.delegate = self
      try consumer.subscribe([input])
    }

    /// Set where the clients have to be replaced; what was open is undone.
    private(set) var isFenced = false

    private func failed(_ failure: KafkaFailure) {
      switch failure.recovery {
      case .abortBatch: break
      case .fenced: isFenced = true
      default: Issue.record("\(failure.debugDescription)")
      }
    }

    /// Takes one batch in; every few batches commits.
    func step() throws {
      if mustRewind {
        mustRewind = false
        try consumer.rewindToCommitted()
      }
      let batch = try consumer.poll(maxRecords: 300, wait: .milliseconds(5))
      for case .failure(let failure) in batch.events where failure.recovery != .retry {
        Issue.record("\(failure.debugDescription)")
      }
      // After an abort inside the poll what it returned is read again from the committed offsets.
      guard !mustRewind, batch.count > 0 else { return }
      if !isOpen {
        try producer.beginTransaction()
        isOpen = true
      }
      let topic = try producer.topic(output)
      try batch.forEach { record throws(KafkaFailure) in
        try producer.produce(topic, partition: 0, key: record.key, value: record.value)
      }
      steps += 1
      if steps % 7 == 0 { finish(commits: steps % 21 != 0) }
    }

    func finish(commits: Bool) {
      guard isOpen else { return }
      isOpen = false
      do throws(KafkaFailure) {
        guard commits else {
          try producer.abortTransaction()
          aborts += 1
          mustRewind = true
          return
        }
        try producer.sendOffsets(
          try consumer.positions(of: consumer.assignment), group: try consumer.groupMetadata(),
          limit: .seconds(20))
        try producer.commitTransaction()
      } catch {
        failed(error)
        aborts += 1
        mustRewind = true
        guard !isFenced else { return }
        do throws(KafkaFailure) { try producer.abortTransaction() } catch { failed(error) }
      }
    }

    func assigned(
      _ partitions: [KafkaAssignment], to consumer: KafkaConsumer
    ) -> [KafkaPartition: KafkaStart] { [:] }

    func revoked(_ partitions: [KafkaPartition], from consumer: KafkaConsumer) {
      revocations += 1
      finish(commits: !abortsOnRevocation)
    }

    func lost(_ partitions: [KafkaPartition], from consumer: KafkaConsumer) {
      finish(commits: false)
    }
  }

  @Test(arguments: [
    KafkaConfiguration.Assignor.range, KafkaConfiguration.Assignor.cooperativeSticky,
  ])
  func eachRecordArrivesOnce(_ assignor: KafkaConfiguration.Assignor) throws {
    var configuration = KafkaConfiguration(bootstrapServers: testBrokers)
    configuration.consumer.assignor = assignor
    configuration.consumer.fetchWait = .milliseconds(10)
    let total = 30_000
    let input = uniqueName("stress-in")
    let output = uniqueName("stress-out")
    let admin = try KafkaAdmin(configuration: configuration, logger: silent)
    _ = try admin.createTopics(
      [
        KafkaTopicSpecification(input, partitions: 6, replication: 1),
        KafkaTopicSpecification(output, partitions: 1, replication: 1),
      ], limit: .seconds(20))
    try admin.waitForTopics([input, output], limit: .seconds(20))
    let feeder = try KafkaProducer(
      transactionalID: nil, configuration: configuration, logger: silent)
    let group = uniqueName("stress")
    var relays: [Relay] = []
    var fed = 0
    var turn = 0
    var revocations = 0
    let end = ContinuousClock.now + .seconds(90)
    while ContinuousClock.now < end {
      for _ in 0..<40 where fed < total {
        try feeder.send(input, partition: Int32(fed % 6), nil, "\(fed)")
        fed += 1
      }
      feeder.poll()
      // Up to three members; one comes or goes every so often.
      if relays.isEmpty || turn % 120 == 0 && relays.count < 3 {
        relays.append(
          try Relay(
            configuration, group: group, input: input, output: output,
            abortsOnRevocation: relays.count % 2 == 0))
      } else if turn % 200 == 199, relays.count > 1 {
        let leaving = relays.removeFirst()
        leaving.consumer.close()
        revocations += leaving.revocations
      }
      for relay in relays { try relay.step() }
      for relay in relays where relay.isFenced { relay.consumer.close() }
      relays.removeAll { $0.isFenced }
      turn += 1
      if fed == total, turn % 20 == 0 {
        for relay in relays { relay.finish(commits: true) }
        if try committed(relays, input) == total { break }
      }
    }
    #expect(fed == total && revocations + relays.reduce(0) { $0 + $1.revocations } > 3)
    for relay in relays { relay.consumer.close() }
    let reader = try KafkaReader(configuration: configuration, logger: silent)
    var seen = [Int](repeating: 0, count: total)
    _ = try reader.readToEnd(
      KafkaPartition(output, 0), from: 0, stallLimit: .seconds(20)
    ) { batch in batch.forEach { seen[Int(text($0.value) ?? "") ?? 0] += 1 } }
    #expect(seen.filter { $0 == 0 }.count == 0, "records missing")
    #expect(seen.filter { $0 > 1 }.count == 0, "records twice")
    _ = try admin.deleteTopics([input, output], limit: .seconds(20))
  }

  /// How many input records the group has committed.
  private func committed(_ relays: [Relay], _ input: String) throws -> Int {
    guard let relay = relays.first else { return 0 }
    let all = (0..<6).map { KafkaPartition(input, Int32($0)) }
    return Int(try relay.consumer.committed(all).values.reduce(0, +))
  }
}
