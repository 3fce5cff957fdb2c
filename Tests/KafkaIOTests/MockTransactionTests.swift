import CRdKafka
import Testing

@testable import KafkaIO

/// What the mock cluster can show about transactions: how failures surface, not isolation.
@Suite(.serialized) struct MockTransactionTests {
  // Kafka's numbers of requests.
  private let produceRequest: Int16 = 0
  private let initProducerID: Int16 = 22
  private let endTransaction: Int16 = 26

  private func make(_ cluster: MockCluster) throws -> KafkaProducer {
    try cluster.createTopic("out", partitions: 2)
    let producer = try KafkaProducer(
      transactionalID: "t", configuration: cluster.configuration(), logger: silent)
    try producer.initTransactions(limit: .seconds(10))
    return producer
  }

  private func code(_ raw: rd_kafka_resp_err_t) -> KafkaErrorCode { KafkaErrorCode(raw) }

  @Test func marksTellTheHighestOffsetOfEachTransaction() throws {
    let cluster = try MockCluster(logger: silent)
    let producer = try make(cluster)
    let first = producer.mark(KafkaPartition("out", 0))
    let second = producer.mark(KafkaPartition("out", 1))
    #expect(producer.mark(KafkaPartition("out", 0)) == first && first != second)
    try producer.beginTransaction()
    for index in 0..<2_000 {
      try producer.send("out", partition: 0, "k", "\(index)", mark: first)
      try producer.send("out", partition: 1, "k", "\(index)")
    }
    try producer.commitTransaction(limit: .seconds(10))
    #expect(producer.delivered(first) == 1_999 && producer.delivered(second) == nil)
    try producer.beginTransaction()
    #expect(producer.delivered(first) == nil)
    try producer.send("out", partition: 1, "k", "v", mark: second)
    try producer.commitTransaction(limit: .seconds(10))
    #expect(producer.delivered(first) == nil && producer.delivered(second) == 2_000)
    #expect(producer.pending == 0)
  }

  @Test func aFailedDeliverySurfacesOnCommitAndTheNextTransactionWorks() throws {
    let cluster = try MockCluster(logger: silent)
    let producer = try make(cluster)
    try producer.beginTransaction()
    cluster.failNext(apiKey: produceRequest, with: [code(RD_KAFKA_RESP_ERR_INVALID_MSG)])
    try producer.send("out", partition: 0, "k", "v")
    let failure = #expect(throws: KafkaFailure.self) {
      try producer.commitTransaction(limit: .seconds(10))
    }
    #expect(failure?.recovery == .abortBatch && failure?.outcomeUnknown == false)
    #expect(failure?.code == code(RD_KAFKA_RESP_ERR_INVALID_MSG))
    try producer.abortTransaction(limit: .seconds(10))
    // The broker misses the sequence number of the refused record: librdkafka finds out with the
    // next transaction, and raises its epoch. So at most one more abort is needed.
    var aborts = 0
    for _ in 0..<3 {
      try producer.beginTransaction()
      try producer.send("out", partition: 0, "k", "v")
      do {
        try producer.commitTransaction(limit: .seconds(10))
        break
      } catch {
        #expect(error.recovery == .abortBatch)
        aborts += 1
        try producer.abortTransaction(limit: .seconds(10))
      }
    }
    #expect(aborts <= 1)
  }

  @Test func permissionsAreFatalEvenWhereAnAbortIsAskedFor() throws {
    let cluster = try MockCluster(logger: silent)
    let producer = try make(cluster)
    try producer.beginTransaction()
    cluster.failNext(
      apiKey: produceRequest, with: [code(RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED)])
    try producer.send("out", partition: 0, "k", "v")
    let failure = #expect(throws: KafkaFailure.self) {
      try producer.commitTransaction(limit: .seconds(10))
    }
    #expect(failure?.recovery == .fatal)
  }

  @Test func aFencedCommitHasAnUnknownOutcomeAndTheClientIsFinished() throws {
    let cluster = try MockCluster(logger: silent)
    let producer = try make(cluster)
    try producer.beginTransaction()
    try producer.send("out", partition: 0, "k", "v")
    cluster.failNext(
      apiKey: endTransaction, with: [code(RD_KAFKA_RESP_ERR_INVALID_PRODUCER_EPOCH)])
    let failure = #expect(throws: KafkaFailure.self) {
      try producer.commitTransaction(limit: .seconds(10))
    }
    #expect(failure?.recovery == .fenced && failure?.outcomeUnknown == true)
    let next = #expect(throws: KafkaFailure.self) { try producer.beginTransaction() }
    #expect(next?.recovery == .fenced)
    let send = #expect(throws: KafkaFailure.self) { try producer.send("out", nil, "v") }
    #expect(send?.recovery == .fenced)
  }

  @Test func passingTroubleIsRetriedInside() throws {
    let cluster = try MockCluster(logger: silent)
    cluster.failNext(
      apiKey: initProducerID, with: [code(RD_KAFKA_RESP_ERR_CONCURRENT_TRANSACTIONS)])
    let producer = try make(cluster)
    try producer.beginTransaction()
    try producer.send("out", partition: 0, "k", "v")
    cluster.failNext(
      apiKey: endTransaction,
      with: [
        code(RD_KAFKA_RESP_ERR_COORDINATOR_NOT_AVAILABLE),
        code(RD_KAFKA_RESP_ERR_COORDINATOR_LOAD_IN_PROGRESS),
      ])
    try producer.commitTransaction(limit: .seconds(20))
  }

  @Test func aMissingBrokerEndsInATimeOutThatMayBeRetried() throws {
    let cluster = try MockCluster(logger: silent)
    try cluster.setBroker(1, up: false)
    let producer = try KafkaProducer(
      transactionalID: "t", configuration: cluster.configuration(), logger: silent)
    let started = ContinuousClock.now
    let failure = #expect(throws: KafkaFailure.self) {
      try producer.initTransactions(limit: .seconds(1))
    }
    #expect(failure?.recovery == .retry)
    #expect(ContinuousClock.now - started < .seconds(5))
    try cluster.setBroker(1, up: true)
    try producer.initTransactions(limit: .seconds(20))
  }

  @Test func aFullQueueIsWaitedForAndThenNamed() throws {
    let cluster = try MockCluster(logger: silent)
    try cluster.createTopic("out", partitions: 1)
    var configuration = cluster.configuration()
    configuration.producer.queueRecords = 100
    configuration.producer.queueFullTimeout = .milliseconds(300)
    let producer = try KafkaProducer(
      transactionalID: nil, configuration: configuration, logger: silent)
    // Room appears as records are delivered.
    for index in 0..<1_000 { try producer.send("out", partition: 0, nil, "\(index)") }
    try producer.flush(limit: .seconds(10))
    try cluster.setBroker(1, up: false)
    let failure = #expect(throws: KafkaFailure.self) {
      for index in 0..<1_000 { try producer.send("out", partition: 0, nil, "\(index)") }
    }
    #expect(failure?.code == .queueFull && failure?.recovery == .abortBatch)
    #expect(failure?.partition == KafkaPartition("out", 0))
    producer.purge()
    #expect(producer.pending == 0)
    // What was thrown away counts as not delivered until it is forgotten.
    let flush = #expect(throws: KafkaFailure.self) { try producer.flush(limit: .seconds(5)) }
    #expect(flush?.recovery == .abortBatch)
    producer.resetDeliveries()
    try producer.flush(limit: .seconds(5))
  }

  @Test func aRecordBeyondTheLimitIsRefusedAtOnce() throws {
    let cluster = try MockCluster(logger: silent)
    try cluster.createTopic("out", partitions: 1)
    var configuration = cluster.configuration()
    configuration.maxMessageBytes = 10_000
    let producer = try KafkaProducer(
      transactionalID: nil, configuration: configuration, logger: silent)
    let value = String(repeating: "x", count: 10_001)
    let failure = #expect(throws: KafkaFailure.self) { try producer.send("out", nil, value) }
    #expect(failure?.code == .messageTooLarge && failure?.recovery == .fatal)
    let topic = try producer.topic("out")
    let second = #expect(throws: KafkaFailure.self) {
      try bytes(value).withUnsafeBytes {
        try producer.produce(
          topic, key: nil, value: $0, headers: [KafkaHeader("h", bytes("1"))])
      }
    }
    #expect(second?.code == .messageTooLarge)
  }
}
