import KafkaIO
import Logging
import Synchronization
import Testing

#if canImport(Glibc)
  import Glibc
#endif

@Suite(.serialized) struct MockClusterTests {
  @Test func recordsArriveAsTheyWereSent() throws {
    let cluster = try MockCluster(logger: silent)
    try cluster.createTopic("in", partitions: 1)
    let producer = try KafkaProducer(
      transactionalID: nil, configuration: cluster.configuration(), logger: silent)
    let topic = try producer.topic("in")
    let big = [UInt8](repeating: 7, count: 2 << 20)
    try bytes("k").withUnsafeBytes { key in
      try bytes("v").withUnsafeBytes { value in
        try producer.produce(
          topic, partition: 0, key: key, value: value,
          headers: [
            KafkaHeader("a", bytes("1")), KafkaHeader("a", bytes("2")), KafkaHeader("null", nil),
            KafkaHeader("empty", []),
          ], timestamp: 1_700_000_000_123)
      }
      try producer.produce(topic, partition: 0, key: key, value: nil)
      let empty = UnsafeRawBufferPointer(start: nil, count: 0)
      try producer.produce(topic, partition: 0, key: nil, value: empty)
      try big.withUnsafeBytes { try producer.produce(topic, partition: 0, key: key, value: $0) }
      try producer.produce(topic, partition: 0, key: key, value: nil, headers: [], timestamp: 5)
    }
    try producer.flush(limit: .seconds(10))

    let consumer = try KafkaConsumer(
      group: "g", configuration: cluster.configuration(), logger: silent)
    try consumer.assign([KafkaPartition("in", 0): .earliest])
    var seen = 0
    let end = ContinuousClock.now + .seconds(20)
    while seen < 5, ContinuousClock.now < end {
      let batch = try consumer.poll(maxRecords: 2)
      batch.forEach { record in
        #expect(record.offset == Int64(seen) && record.partition == 0 && record.topic == "in")
        #expect(consumer.partition(ofSlot: record.slot) == KafkaPartition("in", 0))
        switch record.offset {
        case 0:
          #expect(text(record.key) == "k" && text(record.value) == "v")
          #expect(record.timestamp == 1_700_000_000_123)
          let headers = record.headers.map { "\(text($0.name) ?? "")=\(text($0.value) ?? "-")" }
          #expect(headers == ["a=1", "a=2", "null=-", "empty="])
          #expect(text(record.header("a")) == "2" && record.header("empty")?.count == 0)
          #expect(record.header("null") == nil && record.header("none") == nil)
        case 1:
          #expect(text(record.key) == "k" && record.value == nil)
          #expect(record.headers.map(\.name).isEmpty && record.header("a") == nil)
        case 2: #expect(record.key == nil && record.value?.count == 0)
        case 3: #expect(record.value.map { $0.elementsEqual(big) } == true)
        default: #expect(record.value == nil && record.timestamp == 5)
        }
        seen += 1
      }
    }
    #expect(seen == 5)
  }

  @Test func batchesKeepOrderAndBorrowedBytesStayWhileHeld() throws {
    let cluster = try MockCluster(logger: silent)
    try cluster.createTopic("in", partitions: 4)
    let producer = try KafkaProducer(
      transactionalID: nil, configuration: cluster.configuration(), logger: silent)
    for index in 0..<8_000 {
      try producer.send("in", partition: Int32(index % 4), "\(index)", "value \(index)")
    }
    try producer.flush(limit: .seconds(20))
    let consumer = try KafkaConsumer(
      group: "g", configuration: cluster.configuration(), logger: silent)
    let partitions = (0..<4).map { KafkaPartition("in", Int32($0)) }
    try consumer.assign(Dictionary(uniqueKeysWithValues: partitions.map { ($0, .earliest) }))
    var held: [KafkaBatch] = []
    var count = 0
    let end = ContinuousClock.now + .seconds(30)
    while count < 8_000, ContinuousClock.now < end {
      let batch = try consumer.poll(maxRecords: 700)
      #expect(batch.count <= 700)
      count += batch.count
      held.append(batch)
    }
    #expect(count == 8_000)
    // All batches are read only now: what they lend must still be there.
    var continuity = (0..<4).map { _ in KafkaOffsetContinuity(expected: 0) }
    for batch in held {
      batch.forEach { record in
        #expect(continuity[Int(record.partition)].observe(record.offset) == .next)
        let index = Int(record.offset) * 4 + Int(record.partition)
        #expect(text(record.value) == "value \(index)")
      }
      batch.release()
      #expect(batch.count == 0)
    }
    #expect(continuity.map(\.expected) == [2000, 2000, 2000, 2000])
    #expect(try consumer.positions(of: partitions).values.allSatisfy { $0 == 2000 })
    consumer.close()
    consumer.close()
    #expect(throws: KafkaFailure.self) { try consumer.poll() }
  }

  @Test func aSmallPrefetchDoesNotStopTheFlow() throws {
    let cluster = try MockCluster(logger: silent)
    try cluster.createTopic("in", partitions: 2)
    var small = cluster.configuration()
    small.properties["batch.num.messages"] = "100"
    let producer = try KafkaProducer(transactionalID: nil, configuration: small, logger: silent)
    for index in 0..<20_000 { try producer.send("in", partition: Int32(index % 2), nil, "value") }
    try producer.flush(limit: .seconds(20))
    var configuration = cluster.configuration()
    configuration.consumer.prefetchRecords = 500
    configuration.properties["fetch.message.max.bytes"] = "8192"
    let consumer = try KafkaConsumer(group: "g", configuration: configuration, logger: silent)
    try consumer.assign([KafkaPartition("in", 0): .earliest, KafkaPartition("in", 1): .earliest])
    _ = try consumer.take(1)
    // Let the queues fill up, empty them, and see how long the next record takes. librdkafka alone
    // sleeps up to a second once both queues are full.
    var waited: Duration = .zero
    for _ in 0..<5 {
      usleep(200_000)
      _ = try consumer.poll(maxRecords: 20_000, wait: .zero)
      let started = ContinuousClock.now
      #expect(try consumer.poll(wait: .seconds(3)).count > 0)
      waited += ContinuousClock.now - started
    }
    #expect(waited < .seconds(1))
  }

  @Test func keysChoosePartitionsByMurmur2() throws {
    let cluster = try MockCluster(logger: silent)
    try cluster.createTopic("in", partitions: 8)
    let producer = try KafkaProducer(
      transactionalID: nil, configuration: cluster.configuration(), logger: silent)
    for index in 0..<200 { try producer.send("in", "key \(index)", "\(index)") }
    try producer.flush(limit: .seconds(10))
    let consumer = try KafkaConsumer(
      group: "g", configuration: cluster.configuration(), logger: silent)
    try consumer.assign(
      Dictionary(uniqueKeysWithValues: (0..<8).map { (KafkaPartition("in", $0), .earliest) }))
    let copies = try consumer.take(200)
    #expect(copies.count == 200)
    for copy in copies {
      let expected = bytes(copy.key ?? "").withUnsafeBytes {
        murmur2Partition(key: $0, partitions: 8)
      }
      #expect(copy.partition == expected)
    }
  }

  @Test func rebalanceTellsTheDelegateBeforeItIsAcknowledged() throws {
    let cluster = try MockCluster(logger: silent)
    try cluster.createTopic("in", partitions: 4)
    let all = (0..<4).map { KafkaPartition("in", Int32($0)) }
    var configuration = cluster.configuration()
    configuration.consumer.sessionTimeout = .seconds(6)
    let producer = try KafkaProducer(
      transactionalID: nil, configuration: configuration, logger: silent)
    for partition in all {
      for value in 0..<3 {
        try producer.send("in", partition: partition.partition, nil, "\(value)")
      }
    }
    try producer.flush(limit: .seconds(10))

    let first = try KafkaConsumer(group: "g", configuration: configuration, logger: silent)
    let journal = Journal()
    journal.starts = [all[1]: .offset(2)]
    var ownedWhileRevoked: [KafkaPartition] = []
    // On a busy machine more rebalances may follow.
    journal.onRevoked = { if ownedWhileRevoked.isEmpty { ownedWhileRevoked = $0.assignment } }
    first.delegate = journal
    try first.subscribe(["in"])
    let copies = try first.take(10)
    // Partition 1 began at its last record, as the delegate wished.
    #expect(copies.count == 10)
    #expect(copies.filter { $0.partition == 1 }.map(\.offset) == [2])
    #expect(journal.entries == [.assigned(all)])
    #expect(journal.assignments.allSatisfy { $0.committed == .none })

    let second = try KafkaConsumer(group: "g", configuration: configuration, logger: silent)
    let other = Journal()
    second.delegate = other
    try second.subscribe(["in"])
    let settled = try pollUntil([first, second]) {
      first.assignment.count == 2 && second.assignment.count == 2
    }
    #expect(settled)
    #expect(ownedWhileRevoked == all)
    #expect(Array(journal.entries.prefix(2)) == [.assigned(all), .revoked(all)])
    #expect(journal.entries.last == .assigned(first.assignment))
    #expect(Set(first.assignment + second.assignment) == Set(all))

    second.close()
    #expect(other.entries.last == .revoked(other.entries.isEmpty ? [] : lastAssigned(other)))
    let back = try pollUntil([first]) { first.assignment == all }
    #expect(back)
  }

  private func lastAssigned(_ journal: Journal) -> [KafkaPartition] {
    for case .assigned(let partitions) in journal.entries.reversed() { return partitions }
    return []
  }

  @Test func seekAndCommittedOffsetsGovernTheNextRead() throws {
    let cluster = try MockCluster(logger: silent)
    try cluster.createTopic("in", partitions: 1)
    let place = KafkaPartition("in", 0)
    let producer = try KafkaProducer(
      transactionalID: nil, configuration: cluster.configuration(), logger: silent)
    for index in 0..<100 { try producer.send("in", partition: 0, nil, "\(index)") }
    try producer.flush(limit: .seconds(10))
    var configuration = cluster.configuration()
    configuration.consumer.reportsEndOfPartition = true
    let consumer = try KafkaConsumer(group: "g", configuration: configuration, logger: silent)
    try consumer.assign([place: .offset(90)])
    #expect(try consumer.take(10).first?.offset == 90)
    #expect(try consumer.watermarks(place) == KafkaWatermarks(low: 0, high: 100))
    let admin = try KafkaAdmin(configuration: configuration, logger: silent)
    let marks = try admin.watermarks([place], limit: .seconds(10))
    #expect(marks == [place: KafkaWatermarks(low: 0, high: 100)])
    #expect(consumer.fetchedWatermarks(place)?.high == 100)
    #expect(consumer.lag(place, behind: 40) == 60 && consumer.lag(place, behind: 100) == 0)
    #expect(try consumer.positions(of: [place]) == [place: 100])
    try consumer.seek([place: 20])
    #expect(try consumer.positions(of: [place]) == [place: 20])
    #expect(try consumer.take(80).map(\.offset) == Array(20..<100))
    #expect(try consumer.committed([place]) == [:])
    try consumer.commit([place: 42])
    #expect(try consumer.committed([place]) == [place: 42])
    try consumer.rewindToCommitted()
    #expect(try consumer.take(58).map(\.offset) == Array(42..<100))
    var end: Int64?
    let ended = try pollEvents(consumer) { event in
      if case .endOfPartition(place, let offset) = event { end = offset }
      return end != nil
    }
    #expect(ended && end == 100)
    #expect(try consumer.groupMetadata() as KafkaGroupMetadata? != nil)
  }

  @Test func aPositionOutsideTheLogIsReportedWhereResetIsOff() throws {
    let cluster = try MockCluster(logger: silent)
    try cluster.createTopic("in", partitions: 1)
    let place = KafkaPartition("in", 0)
    let producer = try KafkaProducer(
      transactionalID: nil, configuration: cluster.configuration(), logger: silent)
    try producer.send("in", partition: 0, nil, "only")
    try producer.flush(limit: .seconds(10))
    var configuration = cluster.configuration()
    configuration.consumer.offsetReset = .fail
    let consumer = try KafkaConsumer(group: "g", configuration: configuration, logger: silent)
    try consumer.assign([place: .offset(7)])
    var found: KafkaFailure?
    let reported = try pollEvents(consumer) { event in
      if case .failure(let failure) = event { found = failure }
      return found != nil
    }
    #expect(reported)
    #expect(found?.code == .noOffsetToResetTo && found?.recovery == .restore)
    #expect(found?.partition == place)
  }

  private func pollEvents(
    _ consumer: KafkaConsumer, _ body: (KafkaEvent) -> Bool
  ) throws -> Bool {
    let end = ContinuousClock.now + .seconds(20)
    while ContinuousClock.now < end {
      for event in try consumer.poll().events where body(event) { return true }
    }
    return false
  }

  @Test func aBroadcastIsReadToItsEndAndThenFollowed() throws {
    let cluster = try MockCluster(logger: silent)
    try cluster.createTopic("directory", partitions: 2)
    let producer = try KafkaProducer(
      transactionalID: nil, configuration: cluster.configuration(), logger: silent)
    for (key, value) in [("a", "1"), ("b", "1"), ("a", "2"), ("c", "1"), ("b", nil)] {
      try producer.send("directory", key, value)
    }
    try producer.flush(limit: .seconds(10))
    var configuration = cluster.configuration()
    configuration.consumer.fetchWait = .milliseconds(10)
    let reader = try KafkaReader(configuration: configuration, logger: silent)
    let partitions = try reader.partitions(of: "directory")
    #expect(partitions == [KafkaPartition("directory", 0), KafkaPartition("directory", 1)])
    var table: [String: String] = [:]
    func apply(_ batch: KafkaBatch) {
      batch.forEach { record in table[text(record.key) ?? ""] = text(record.value) }
    }
    let reading = try reader.readToEnd(
      Dictionary(uniqueKeysWithValues: partitions.map { ($0, .earliest) }),
      stallLimit: .seconds(10))
    while let batch = try reading.next() { apply(batch) }
    #expect(table == ["a": "2", "c": "1"])
    #expect(reading.progress == KafkaReadProgress(records: 5))
    #expect(reading.positions.values.reduce(0, +) == 5)

    for (partition, offset) in reading.positions {
      try reader.start(partition, at: .offset(offset))
    }
    try producer.send("directory", "d", "1")
    try producer.send("directory", "a", nil)
    try producer.flush(limit: .seconds(10))
    let end = ContinuousClock.now + .seconds(10)
    while table != ["c": "1", "d": "1"], ContinuousClock.now < end { apply(try reader.poll()) }
    #expect(table == ["c": "1", "d": "1"])
    #expect(reader.reading == partitions)
    #expect(throws: KafkaFailure.self) { try reader.partitions(of: "no such topic") }
  }

  @Test func aChangelogIsReadFromWhereItsCopyStands() throws {
    let cluster = try MockCluster(logger: silent)
    try cluster.createTopic("log", partitions: 3)
    let producer = try KafkaProducer(
      transactionalID: nil, configuration: cluster.configuration(), logger: silent)
    for index in 0..<3_000 { try producer.send("log", partition: 1, "\(index % 50)", "\(index)") }
    try producer.flush(limit: .seconds(10))
    var configuration = cluster.configuration()
    configuration.consumer.fetchWait = .milliseconds(10)
    let reader = try KafkaReader(configuration: configuration, logger: silent)
    var offsets: [Int64] = []
    var progress: [KafkaReadProgress] = []
    let place = KafkaPartition("log", 1)
    func restore(from start: Int64) throws -> Int64 {
      offsets = []
      return try reader.readToEnd(
        place, from: start, stallLimit: .seconds(10), progress: { progress.append($0) }
      ) { batch in batch.forEach { offsets.append($0.offset) } }
    }
    #expect(try restore(from: 0) == 3_000)
    #expect(offsets == Array(0..<3_000))
    #expect(progress.last?.openPartitions == 0 && progress.last?.records == 3_000)
    #expect(try restore(from: 2_990) == 3_000)
    #expect(offsets == Array(2_990..<3_000))
    // Nothing new, and an empty partition: both end at once.
    #expect(try restore(from: 3_000) == 3_000)
    #expect(offsets.isEmpty && reader.reading.isEmpty)
    let empty = KafkaPartition("log", 2)
    #expect(try reader.readToEnd(empty, from: 0, stallLimit: .seconds(5)) { _ in } == 0)
    // A copy that is ahead of the log is not of this log.
    let failure = #expect(throws: KafkaFailure.self) { try restore(from: 3_001) }
    #expect(failure?.code == .logTruncated && failure?.recovery == .restore)
  }

  @Test func statisticsAndLogsAreRouted() throws {
    let cluster = try MockCluster(logger: silent)
    try cluster.createTopic("in", partitions: 1)
    var configuration = cluster.configuration(clientID: "tester")
    configuration.statisticsInterval = .milliseconds(100)
    let seen = Seen()
    let producer = try KafkaProducer(
      transactionalID: nil, configuration: configuration, logger: seen.logger
    ) { statistics in seen.note(statistics) }
    for index in 0..<10 { try producer.send("in", partition: 0, nil, "\(index)") }
    try producer.flush(limit: .seconds(10))
    let consumer = try KafkaConsumer(
      group: "g", configuration: configuration, logger: seen.logger
    ) { statistics in seen.note(statistics) }
    try consumer.assign([KafkaPartition("in", 0): .earliest])
    _ = try consumer.take(10)
    let end = ContinuousClock.now + .seconds(10)
    while ContinuousClock.now < end {
      producer.poll(wait: .milliseconds(50))
      _ = try consumer.poll(wait: .milliseconds(50))
      if seen.statistics.contains(where: { $0.receivedRecords == 10 && $0.lag.count == 1 }),
        seen.statistics.contains(where: { $0.sentRecords == 10 })
      { break }
    }
    let sender = seen.statistics.last { $0.client.contains("producer") }
    #expect(sender?.sentRecords == 10 && sender?.brokersUp == 1)
    #expect((sender?.sentBytes ?? 0) > 0)
    let receiver = seen.statistics.last { $0.client.contains("consumer") }
    #expect(receiver?.receivedRecords == 10)

    // Nobody listens there: librdkafka says so, with the client's name and no record.
    let lost = try KafkaProducer(
      transactionalID: nil, configuration: KafkaConfiguration(bootstrapServers: ["127.0.0.1:1"]),
      logger: seen.logger)
    let patience = ContinuousClock.now + .seconds(10)
    while seen.lines.isEmpty, ContinuousClock.now < patience { lost.poll(wait: .milliseconds(50)) }
    #expect(seen.lines.contains { $0.contains("127.0.0.1:1") })
  }
}

/// Collects statistics and log lines; shared with librdkafka's threads.
private final class Seen: Sendable {
  private let state = Mutex<(statistics: [KafkaStatistics], lines: [String])>(([], []))

  var statistics: [KafkaStatistics] { state.withLock { $0.statistics } }
  var lines: [String] { state.withLock { $0.lines } }

  func note(_ statistics: KafkaStatistics) { state.withLock { $0.statistics.append(statistics) } }
  func note(_ line: String) { state.withLock { $0.lines.append(line) } }

  var logger: Logger { Logger(label: "test") { _ in Handler(seen: self) } }

  struct Handler: LogHandler {
    let seen: Seen
    var metadata: Logger.Metadata = [:]
    var logLevel: Logger.Level = .debug
    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
      get { metadata[key] }
      set { metadata[key] = newValue }
    }
    func log(event: LogEvent) { seen.note("\(event.message)") }
  }
}
