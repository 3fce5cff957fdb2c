import Testing

@testable import KafkaIO

#if canImport(Glibc)
  import Glibc
#endif

/// Brokers of a real cluster, from the environment.
let testBrokers: [String] = {
  guard let text = getenv("OUTREACH_TEST_BROKERS") else { return [] }
  return String(cString: text).split(separator: ",").map(String.init)
}()

/// What only a real broker can show. Names are unique, so that runs may share the cluster.
@Suite(
  .serialized,
  .enabled(if: !testBrokers.isEmpty, "needs a Kafka broker: set OUTREACH_TEST_BROKERS=host:port"))
struct BrokerTests {
  private let limit: Duration = .seconds(20)

  private var configuration: KafkaConfiguration {
    var configuration = KafkaConfiguration(bootstrapServers: testBrokers, clientID: "kafkaio-test")
    configuration.consumer.fetchWait = .milliseconds(20)
    configuration.consumer.sessionTimeout = .seconds(6)
    return configuration
  }

  private func makeTopic(
    _ base: String, partitions: Int = 1, configs: [String: String] = [:]
  ) throws -> String {
    let name = uniqueName(base)
    let admin = try KafkaAdmin(configuration: configuration, logger: silent)
    let outcome = try admin.createTopics(
      [KafkaTopicSpecification(name, partitions: partitions, replication: 1, configs: configs)],
      limit: limit)
    #expect(outcome == [name: .done])
    try admin.waitForTopics([name], limit: limit)
    return name
  }

  private func makeProducer(_ id: String?) throws -> KafkaProducer {
    let producer = try KafkaProducer(
      transactionalID: id, configuration: configuration, logger: silent)
    if id != nil { try producer.initTransactions(limit: limit) }
    return producer
  }

  private func read(_ topic: String, _ isolation: KafkaConfiguration.Isolation) throws -> [String] {
    var settings = configuration
    settings.consumer.isolation = isolation
    let reader = try KafkaReader(configuration: settings, logger: silent)
    var values: [String] = []
    _ = try reader.readToEnd(KafkaPartition(topic, 0), from: 0, stallLimit: limit) { batch in
      batch.forEach { values.append(text($0.value) ?? "-") }
    }
    return values
  }

  @Test func topicsAreMadeListedDescribedAndDeleted() throws {
    let admin = try KafkaAdmin(configuration: configuration, logger: silent)
    let name = try makeTopic(
      "admin", partitions: 3, configs: ["cleanup.policy": "compact", "segment.ms": "60000"])
    #expect(
      try admin.topics(limit: limit)[name] == KafkaTopicDescription(name: name, partitions: 3))
    let settings = try admin.settings(ofTopic: name, limit: limit)
    #expect(settings["cleanup.policy"] == KafkaTopicSetting(value: "compact", isDefault: false))
    #expect(settings["segment.ms"]?.value == "60000")
    #expect(settings["compression.type"]?.isDefault == true)
    let again = try admin.createTopics(
      [
        KafkaTopicSpecification(name, partitions: 1),
        KafkaTopicSpecification(uniqueName("bad"), partitions: 1, configs: ["no.such": "1"]),
      ], limit: limit)
    #expect(again[name] == .alreadySo)
    let failed = again.values.compactMap {
      if case .failed(let failure) = $0 { failure } else { nil }
    }
    #expect(failed.count == 1 && failed.first?.recovery == .fatal)
    #expect(try admin.deleteTopics([name], limit: limit) == [name: .done])
    #expect(try admin.deleteTopics([uniqueName("none")], limit: limit).values.first == .alreadySo)
    let missing = #expect(throws: KafkaFailure.self) {
      try admin.waitForTopics([uniqueName("never")], limit: .milliseconds(200))
    }
    #expect(missing?.code == .timedOut)
  }

  @Test func aConsumerOfADeletedTopicStillEnds() throws {
    let name = try makeTopic("deleted")
    let producer = try makeProducer(nil)
    for index in 0..<5_000 { try producer.send(name, partition: 0, nil, "\(index)") }
    try producer.flush(limit: limit)
    let consumer = try KafkaConsumer(
      group: uniqueName("group"), configuration: configuration, logger: silent)
    try consumer.subscribe([name])
    #expect(try consumer.take(1).count > 0)
    let admin = try KafkaAdmin(configuration: configuration, logger: silent)
    #expect(try admin.deleteTopics([name], limit: limit) == [name: .done])
    for _ in 0..<20 { _ = try consumer.poll(maxRecords: 1, wait: .milliseconds(50)) }
    let started = ContinuousClock.now
    consumer.close()
    #expect(ContinuousClock.now - started < .seconds(15))
  }

  @Test func committedReadersSeeNeitherAbortedNorOpenTransactions() throws {
    let topic = try makeTopic("isolation")
    let producer = try makeProducer(uniqueName("tx"))
    for (value, commits) in [("1", true), ("2", false), ("3", true)] {
      try producer.beginTransaction()
      try producer.send(topic, partition: 0, "k", value)
      if commits {
        try producer.commitTransaction(limit: limit)
      } else {
        _ = try? producer.flush(limit: limit)
        try producer.abortTransaction(limit: limit)
      }
    }
    #expect(try read(topic, .readCommitted) == ["1", "3"])
    #expect(try read(topic, .readUncommitted) == ["1", "2", "3"])

    // An open transaction: ends differ by isolation, and a committed read waits, with a name.
    try producer.beginTransaction()
    try producer.send(topic, partition: 0, "k", "4")
    try producer.flush(limit: limit)
    let place = KafkaPartition(topic, 0)
    let admin = try KafkaAdmin(configuration: configuration, logger: silent)
    let reader = try KafkaReader(configuration: configuration, logger: silent)
    let stable = try reader.watermarks(place).high
    let real = try admin.watermarks(place, limit: limit).high
    #expect(stable == 6 && real == 7)
    #expect(
      try admin.watermarks([place], limit: limit) == [place: KafkaWatermarks(low: 0, high: 7)])
    let failure = #expect(throws: KafkaFailure.self) {
      try reader.readToEnd(place, from: 0, stallLimit: .seconds(1)) { _ in }
    }
    #expect(failure?.code == .openTransaction && failure?.recovery == .retry)
    #expect(failure?.partition == place)
    try producer.commitTransaction(limit: limit)
    #expect(try read(topic, .readCommitted) == ["1", "3", "4"])
  }

  @Test func aRestoreReadsOverAnAbortedTailAndWaitsForOpenTransactions() throws {
    let topic = try makeTopic("changelog")
    let place = KafkaPartition(topic, 0)
    let producer = try makeProducer(uniqueName("tx"))
    let mark = producer.mark(place)
    try producer.beginTransaction()
    for index in 0..<100 { try producer.send(topic, partition: 0, "\(index)", "v", mark: mark) }
    try producer.commitTransaction(limit: limit)
    #expect(producer.delivered(mark) == 99)
    try producer.beginTransaction()
    for index in 0..<50 { try producer.send(topic, partition: 0, "\(index)", "aborted") }
    try producer.flush(limit: limit)
    try producer.abortTransaction(limit: limit)

    let reader = try KafkaReader(configuration: configuration, logger: silent)
    var count = 0
    let next = try reader.readToEnd(place, from: 0, stallLimit: limit) { count += $0.count }
    // 100 records, their marker, 50 aborted ones and theirs.
    #expect(count == 100 && next == 152)
    #expect(try reader.readToEnd(place, from: next, stallLimit: limit) { count += $0.count } == 152)
    #expect(count == 100)

    // Open while the read begins, committed while it waits.
    try producer.beginTransaction()
    for index in 0..<10 { try producer.send(topic, partition: 0, "\(index)", "late") }
    try producer.flush(limit: limit)
    let reading = try reader.readToEnd([place: .offset(next)], stallLimit: limit)
    var waited = 0
    var late = 0
    while let batch = try reading.next() {
      late += batch.count
      waited += 1
      if waited == 3 {
        #expect(late == 0)
        try producer.commitTransaction(limit: limit)
      }
    }
    #expect(late == 10 && waited >= 3)
    #expect(reading.positions[place] ?? 0 >= 162)
  }

  @Test func offsetsTravelInTheTransaction() throws {
    let input = try makeTopic("in", partitions: 2)
    let output = try makeTopic("out")
    let group = uniqueName("group")
    let feeder = try makeProducer(nil)
    for index in 0..<40 { try feeder.send(input, partition: Int32(index % 2), nil, "\(index)") }
    try feeder.flush(limit: limit)

    let consumer = try KafkaConsumer(group: group, configuration: configuration, logger: silent)
    let journal = Journal()
    consumer.delegate = journal
    try consumer.subscribe([input])
    #expect(try consumer.take(40).count == 40)
    let producer = try makeProducer(uniqueName("tx"))
    let places = [KafkaPartition(input, 0), KafkaPartition(input, 1)]

    try producer.beginTransaction()
    try producer.send(output, partition: 0, "k", "aborted")
    try producer.sendOffsets(
      [places[0]: 20, places[1]: 20], group: consumer.groupMetadata(), limit: limit)
    try producer.abortTransaction(limit: limit)
    #expect(try consumer.committed(places) == [:])
    try consumer.rewindToCommitted()
    #expect(try consumer.take(40).count == 40)

    try producer.beginTransaction()
    try producer.send(output, partition: 0, "k", "committed")
    let positions = try consumer.positions(of: places)
    #expect(positions == [places[0]: 20, places[1]: 20])
    try producer.sendOffsets(positions, group: consumer.groupMetadata(), limit: limit)
    try producer.commitTransaction(limit: limit)
    #expect(try consumer.committed(places) == [places[0]: 20, places[1]: 20])
    #expect(try read(output, .readCommitted) == ["committed"])
    let left = try consumer.groupMetadata()
    consumer.close()
    #expect(journal.entries == [.assigned(places), .revoked(places)])

    // The next member starts there.
    try feeder.send(input, partition: 0, nil, "new")
    try feeder.flush(limit: limit)
    let next = try KafkaConsumer(group: group, configuration: configuration, logger: silent)
    try next.subscribe([input])
    #expect(try next.take(1).map(\.value) == ["new"])
    // A member that left cannot commit any more, and who is no member gets no identity: the
    // broker would not check it.
    try producer.beginTransaction()
    let failure = #expect(throws: KafkaFailure.self) {
      try producer.sendOffsets([places[0]: 1], group: left, limit: limit)
    }
    #expect(failure?.recovery == .abortBatch)
    try producer.abortTransaction(limit: limit)
    #expect(try next.committed(places)[places[0]] == 20)
    let stranger = try KafkaConsumer(group: group, configuration: configuration, logger: silent)
    try stranger.subscribe([input])
    let refused = #expect(throws: KafkaFailure.self) { try stranger.groupMetadata() }
    #expect(refused?.recovery == .abortBatch)
    #expect(try next.groupMetadata().generation ?? -1 >= 0)
  }

  @Test func aSecondProducerFencesTheFirst() throws {
    let topic = try makeTopic("fencing")
    let id = uniqueName("tx")
    let first = try makeProducer(id)
    try first.beginTransaction()
    try first.send(topic, partition: 0, "k", "first")
    try first.flush(limit: limit)
    let second = try makeProducer(id)
    let failure = #expect(throws: KafkaFailure.self) { try first.commitTransaction(limit: limit) }
    #expect(failure?.recovery == .fenced)
    let after = #expect(throws: KafkaFailure.self) { try first.beginTransaction() }
    #expect(after?.recovery == .fenced)
    try second.beginTransaction()
    try second.send(topic, partition: 0, "k", "second")
    try second.commitTransaction(limit: limit)
    #expect(try read(topic, .readCommitted) == ["second"])
  }

  @Test func aTransactionThatRanOutOfTimeIsFencedAndANewProducerGoesOn() throws {
    let topic = try makeTopic("timeout")
    let id = uniqueName("tx")
    var settings = configuration
    settings.producer.transactionTimeout = .seconds(1)
    let slow = try KafkaProducer(transactionalID: id, configuration: settings, logger: silent)
    try slow.initTransactions(limit: limit)
    try slow.beginTransaction()
    try slow.send(topic, partition: 0, "k", "slow")
    try slow.flush(limit: limit)
    // The broker looks for such transactions every few seconds, and then the end moves on.
    let place = KafkaPartition(topic, 0)
    let reader = try KafkaReader(configuration: configuration, logger: silent)
    let end = ContinuousClock.now + .seconds(30)
    while try reader.watermarks(place).high < 2, ContinuousClock.now < end { usleep(100_000) }
    let failure = #expect(throws: KafkaFailure.self) { try slow.commitTransaction() }
    #expect(failure?.recovery == .fenced, "\(failure?.debugDescription ?? "")")
    let next = try makeProducer(id)
    try next.beginTransaction()
    try next.send(topic, partition: 0, "k", "next")
    try next.commitTransaction()
    #expect(try read(topic, .readCommitted) == ["next"])
  }

  @Test(arguments: [
    KafkaConfiguration.Assignor.range, KafkaConfiguration.Assignor.cooperativeSticky,
  ])
  func aRevocationMayCommitBeforeThePartitionsMove(
    _ assignor: KafkaConfiguration.Assignor
  ) throws {
    let input = try makeTopic("in", partitions: 4)
    let group = uniqueName("group")
    var settings = configuration
    settings.consumer.assignor = assignor
    let feeder = try makeProducer(nil)
    for index in 0..<400 { try feeder.send(input, partition: Int32(index % 4), nil, "\(index)") }
    try feeder.flush(limit: limit)
    let producer = try makeProducer(uniqueName("tx"))
    let first = try KafkaConsumer(group: group, configuration: settings, logger: silent)
    let journal = Journal()
    first.delegate = journal
    try first.subscribe([input])
    #expect(try first.take(400).count == 400)

    // The transaction is open when the partitions are asked back, and commits in the callback.
    try producer.beginTransaction()
    var problem: KafkaFailure?
    var revokedOnce = false
    let limit = self.limit
    journal.onRevoked = { consumer in
      guard !revokedOnce else { return }
      revokedOnce = true
      do throws(KafkaFailure) {
        try producer.sendOffsets(
          try consumer.positions(of: consumer.assignment), group: try consumer.groupMetadata(),
          limit: limit)
        try producer.commitTransaction(limit: limit)
      } catch {
        problem = error
      }
    }
    let second = try KafkaConsumer(group: group, configuration: settings, logger: silent)
    let other = Journal()
    second.delegate = other
    try second.subscribe([input])
    let settled = try pollUntil([first, second]) {
      first.assignment.count == 2 && second.assignment.count == 2
    }
    #expect(settled && revokedOnce && problem == nil)
    #expect(other.assignments.filter { $0.committed == .offset(100) }.count == 2)
    // A cooperative member keeps what stays with it; an eager one gives all back.
    let all = (0..<4).map { KafkaPartition(input, $0) }
    switch assignor {
    case .cooperativeSticky:
      #expect(journal.entries.dropFirst().first == .revoked(second.assignment))
    default:
      #expect(journal.entries.dropFirst().first == .revoked(all))
    }
    // Nothing is read twice and nothing is left out.
    for index in 0..<40 { try feeder.send(input, partition: Int32(index % 4), nil, "n\(index)") }
    try feeder.flush(limit: self.limit)
    var values: [String] = []
    let end = ContinuousClock.now + .seconds(20)
    while values.count < 40, ContinuousClock.now < end {
      for consumer in [first, second] {
        try consumer.poll(wait: .milliseconds(20)).forEach { values.append(text($0.value) ?? "") }
      }
    }
    #expect(values.sorted() == (0..<40).map { "n\($0)" }.sorted())
  }

  @Test func aStaticMemberComesBackWithoutARebalance() throws {
    let input = try makeTopic("in", partitions: 2)
    let group = uniqueName("group")
    var settings = configuration
    settings.consumer.instanceID = "instance-1"
    let feeder = try makeProducer(nil)
    for index in 0..<10 { try feeder.send(input, partition: Int32(index % 2), nil, "\(index)") }
    try feeder.flush(limit: limit)
    let first = try KafkaConsumer(group: group, configuration: settings, logger: silent)
    try first.subscribe([input])
    #expect(try first.take(10).count == 10)
    first.close(leavingGroup: false)
    let started = ContinuousClock.now
    let second = try KafkaConsumer(group: group, configuration: settings, logger: silent)
    try second.subscribe([input])
    #expect(try second.take(10).count == 10)
    #expect(ContinuousClock.now - started < .seconds(4))

    // A third process with the same name takes over, and the second learns that it is out.
    let third = try KafkaConsumer(group: group, configuration: settings, logger: silent)
    try third.subscribe([input])
    #expect(try third.take(10).count == 10)
    var found: KafkaFailure?
    let end = ContinuousClock.now + .seconds(15)
    while found == nil, ContinuousClock.now < end {
      do {
        for case .failure(let failure) in try second.poll().events { found = failure }
      } catch { found = error }
    }
    #expect(found?.code == .fencedInstanceID, "\(found?.debugDescription ?? "nothing")")
    #expect(found?.recovery == .fatal)
  }

  @Test func aLargeRecordPassesAndPositionsPastRetentionAreNamed() throws {
    let topic = try makeTopic("large", configs: ["max.message.bytes": "4000000"])
    let producer = try makeProducer(nil)
    let value = String(repeating: "x", count: 2 << 20)
    try producer.send(topic, partition: 0, nil, "small")
    try producer.send(topic, partition: 0, nil, value)
    try producer.send(topic, partition: 0, nil, "small")
    try producer.flush(limit: limit)
    var settings = configuration
    settings.consumer.prefetchBytes = 256 << 10
    settings.consumer.offsetReset = .fail
    let consumer = try KafkaConsumer(
      group: uniqueName("group"), configuration: settings, logger: silent)
    let place = KafkaPartition(topic, 0)
    try consumer.assign([place: .earliest])
    let sizes = try consumer.take(3).map { $0.value?.count ?? 0 }
    #expect(sizes == [5, 2 << 20, 5])
    try consumer.assign([place: .offset(1_000)])
    var found: KafkaFailure?
    let end = ContinuousClock.now + .seconds(15)
    while found == nil, ContinuousClock.now < end {
      for case .failure(let failure) in try consumer.poll().events { found = failure }
    }
    #expect(found?.recovery == .restore && found?.partition == place)
  }
}

@Suite(
  .enabled(if: !testBrokers.isEmpty, "needs a Kafka broker: set OUTREACH_TEST_BROKERS=host:port"))
struct RelayBenchmarkTests {
  @Test func theFloorIsMeasuredOverSeveralPasses() throws {
    var benchmark = RelayBenchmark(
      configuration: KafkaConfiguration(bootstrapServers: testBrokers))
    benchmark.records = 5_000
    benchmark.passes = 2
    benchmark.partitions = 2
    var heard = 0
    let result = try benchmark.run(prefix: uniqueName("bench"), logger: silent) { _ in heard += 1 }
    #expect(heard == 2 && result.passes.map(\.records) == [5_000, 5_000])
    #expect(result.passes.allSatisfy { $0.transactions >= 1 && $0.cpuSeconds > 0 })
    #expect(result.cpuMicrosecondsPerRecordAndPass > 0)
  }
}
