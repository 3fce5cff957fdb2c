import CRdKafka
import Testing

@testable import KafkaIO

@Suite struct KafkaFailureTests {
  struct Case: Sendable, CustomTestStringConvertible {
    let code: Int32
    var fatal = false
    var retriable = false
    var abort = false
    let expected: KafkaRecovery
    var testDescription: String {
      "\(KafkaErrorCode(rawValue: code).name) fatal \(fatal) retriable \(retriable) abort \(abort)"
    }
    init(
      _ code: rd_kafka_resp_err_t, _ expected: KafkaRecovery, fatal: Bool = false,
      retriable: Bool = false, abort: Bool = false
    ) {
      self.code = Int32(code.rawValue)
      self.fatal = fatal
      self.retriable = retriable
      self.abort = abort
      self.expected = expected
    }
  }

  @Test(arguments: [
    // Codes alone.
    Case(RD_KAFKA_RESP_ERR__TRANSPORT, .retry),
    Case(RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN, .retry),
    Case(RD_KAFKA_RESP_ERR_COORDINATOR_LOAD_IN_PROGRESS, .retry),
    Case(RD_KAFKA_RESP_ERR_CONCURRENT_TRANSACTIONS, .retry),
    Case(RD_KAFKA_RESP_ERR_NOT_COORDINATOR, .retry),
    Case(RD_KAFKA_RESP_ERR__MSG_TIMED_OUT, .abortBatch),
    Case(RD_KAFKA_RESP_ERR__QUEUE_FULL, .abortBatch),
    Case(RD_KAFKA_RESP_ERR_ILLEGAL_GENERATION, .abortBatch),
    Case(RD_KAFKA_RESP_ERR_UNKNOWN_MEMBER_ID, .abortBatch),
    Case(RD_KAFKA_RESP_ERR_REBALANCE_IN_PROGRESS, .abortBatch),
    Case(RD_KAFKA_RESP_ERR__MAX_POLL_EXCEEDED, .abortBatch),
    Case(RD_KAFKA_RESP_ERR__FENCED, .fenced),
    Case(RD_KAFKA_RESP_ERR_PRODUCER_FENCED, .fenced),
    Case(RD_KAFKA_RESP_ERR_INVALID_PRODUCER_EPOCH, .fenced),
    Case(RD_KAFKA_RESP_ERR_INVALID_PRODUCER_ID_MAPPING, .fenced),
    Case(RD_KAFKA_RESP_ERR__FATAL, .fenced),
    Case(RD_KAFKA_RESP_ERR_OFFSET_OUT_OF_RANGE, .restore),
    Case(RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET, .restore),
    Case(RD_KAFKA_RESP_ERR_FENCED_INSTANCE_ID, .fatal),
    Case(RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED, .fatal),
    Case(RD_KAFKA_RESP_ERR__AUTHENTICATION, .fatal),
    Case(RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE, .fatal),
    // A request for an abort beats a retry, not a fence.
    Case(RD_KAFKA_RESP_ERR__TIMED_OUT, .retry, retriable: true),
    Case(RD_KAFKA_RESP_ERR__TIMED_OUT, .abortBatch, abort: true),
    Case(RD_KAFKA_RESP_ERR__TIMED_OUT, .abortBatch, retriable: true, abort: true),
    Case(RD_KAFKA_RESP_ERR__INCONSISTENT, .abortBatch, abort: true),
    Case(RD_KAFKA_RESP_ERR__FENCED, .fenced, fatal: true),
    Case(RD_KAFKA_RESP_ERR__FENCED, .fenced, abort: true),
    Case(RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED, .fatal, abort: true),
    Case(RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED, .fatal, fatal: true),
    // A client that is unusable for another reason is replaced.
    Case(RD_KAFKA_RESP_ERR_OUT_OF_ORDER_SEQUENCE_NUMBER, .fenced, fatal: true),
    Case(RD_KAFKA_RESP_ERR_UNKNOWN_PRODUCER_ID, .abortBatch, abort: true),
    // librdkafka says `_STATE` with the retriable flag while it has no producer id.
    Case(RD_KAFKA_RESP_ERR__STATE, .retry, retriable: true),
    Case(RD_KAFKA_RESP_ERR__STATE, .fatal),
  ])
  func codeAndFlagsDecideTheRecovery(_ row: Case) {
    let failure = KafkaFailure(
      KafkaErrorCode(rawValue: row.code), operation: "test", isFatal: row.fatal,
      isRetriable: row.retriable, requiresAbort: row.abort)
    #expect(failure.recovery == row.expected)
    #expect(!failure.reason.isEmpty)
  }

  @Test func everyCodeOfTheLibraryIsInTheTableOnce() {
    var descriptions: UnsafePointer<rd_kafka_err_desc>?
    var count = 0
    rd_kafka_get_err_descs(&descriptions, &count)
    let known = Set(KafkaErrorTable.rows.map(\.code))
    #expect(known.count == KafkaErrorTable.rows.count)
    var checked = 0
    for index in 0..<count {
      // The list is an array by code with holes in it, and names its own ends.
      guard let entry = descriptions?[index], entry.desc != nil, entry.name != nil else { continue }
      let code = Int32(entry.code.rawValue)
      let name = String(cString: entry.name)
      if ["_BEGIN", "_END", "END_ALL", "NO_ERROR"].contains(name) || code == 0 { continue }
      #expect(known.contains(code), "\(name)")
      checked += 1
    }
    #expect(checked > 130)
  }

  @Test func anUnknownCodeIsFatal() {
    let failure = KafkaFailure(KafkaErrorCode(rawValue: 31_000), operation: "test")
    #expect(failure.recovery == .fatal)
  }

  @Test func publicTextsHoldTheTableNotWhatTheLibrarySaid() {
    let failure = KafkaFailure(
      KafkaErrorCode(RD_KAFKA_RESP_ERR_INVALID_RECORD), operation: "produce",
      partition: KafkaPartition("t", 3), detail: "record with key 310101190001010011 refused")
    #expect(
      failure.description
        == "produce failed at t[3]: INVALID_RECORD, fatal: "
        + "the broker rejects a record, for example one without key in a compacted topic")
    #expect(!"\(failure)".contains("310101190001010011"))
    #expect(failure.debugDescription.contains("310101190001010011"))
  }
}

@Suite struct PartitionerTests {
  @Test func murmur2AgreesWithTheLibrary() {
    var generator = SystemRandomNumberGenerator()
    for length in 0..<70 {
      let key = (0..<length).map { _ in UInt8.random(in: .min ... .max, using: &generator) }
      key.withUnsafeBytes { key in
        for partitions: Int32 in [1, 2, 7, 8, 64] {
          let theirs = rd_kafka_msg_partitioner_murmur2(
            nil, key.baseAddress, key.count, partitions, nil, nil)
          #expect(murmur2Partition(key: key, partitions: partitions) == theirs)
        }
      }
    }
    // Values of Kafka's own unit test.
    let known: [(String, Int32)] = [
      ("21", -973_932_308), ("foobar", -790_332_482), ("a-little-bit-long-string", -985_981_536),
      ("a-little-bit-longer-string", -1_486_304_829),
      ("lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58_897_971),
    ]
    for (key, hash) in known {
      let ours = Array(key.utf8).withUnsafeBytes { Int32(bitPattern: murmur2($0)) }
      #expect(ours == hash)
    }
    #expect([UInt8]().withUnsafeBytes { murmur2Partition(key: $0, partitions: 0) } == 0)
  }

  @Test func continuityTellsNextGapAndBack() {
    var continuity = KafkaOffsetContinuity()
    #expect(continuity.observe(10) == .next)
    #expect(continuity.observe(11) == .next)
    #expect(continuity.observe(14) == .gap(2))
    #expect(continuity.observe(14) == .back(expected: 15))
    #expect(continuity.observe(3) == .back(expected: 15))
    #expect(continuity.observe(15) == .next && continuity.expected == 16)
    var fromStart = KafkaOffsetContinuity(expected: 5)
    #expect(fromStart.observe(4) == .back(expected: 5))
  }

  @Test func durationsBecomeMillisecondsWithinBounds() {
    #expect(Duration.milliseconds(1500).milliseconds == 1500)
    #expect(Duration.microseconds(1).milliseconds == 1)
    #expect(Duration.zero.milliseconds == 0 && Duration.seconds(-3).milliseconds == 0)
    #expect(Duration.seconds(1 << 40).milliseconds == Int32.max)
  }
}
