import CRdKafka

/// What the program does about a failure of Kafka.
public enum KafkaRecovery: String, Hashable, Sendable, CaseIterable {
  /// Nothing was lost or decided: the same call may be made again after a pause.
  case retry
  /// The transaction cannot commit: abort it, drop what it changed in memory, read its input again
  /// from the group's committed offsets. The clients stay usable.
  case abortBatch
  /// Another client took this one's place, or Kafka forgot it: throw both clients and all
  /// partitions away and join again with new ones.
  case fenced
  /// Positions or local state may differ from what Kafka holds: drop what is in memory, read the
  /// committed offsets, and bring the local state up to date from the changelog.
  case restore
  /// Settings, permissions or the program are wrong: only a person can help, so stop.
  case fatal
}

/// A code of librdkafka or of a broker, or one of our own below -1000.
public struct KafkaErrorCode: RawRepresentable, Hashable, Sendable {
  public let rawValue: Int32
  public init(rawValue: Int32) { self.rawValue = rawValue }
  init(_ code: rd_kafka_resp_err_t) { rawValue = Int32(code.rawValue) }

  /// A read ran into its time limit because another producer's transaction stays open.
  public static let openTransaction = KafkaErrorCode(rawValue: -1001)
  /// Records came twice or went back: the consumer's positions cannot be trusted.
  public static let offsetsWentBack = KafkaErrorCode(rawValue: -1002)
  /// The topic's end lies before the position asked for: the topic was emptied or made anew.
  public static let logTruncated = KafkaErrorCode(rawValue: -1003)
  /// A read to the end of a partition ran into its time limit for another reason.
  public static let readTooSlow = KafkaErrorCode(rawValue: -1004)

  /// A code as librdkafka's header declares it.
  public static let offsetOutOfRange = KafkaErrorCode(RD_KAFKA_RESP_ERR_OFFSET_OUT_OF_RANGE)
  /// The position does not exist (any more) and `offsetReset` is `.fail`.
  public static let noOffsetToResetTo = KafkaErrorCode(RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET)
  public static let timedOut = KafkaErrorCode(RD_KAFKA_RESP_ERR__TIMED_OUT)
  public static let queueFull = KafkaErrorCode(RD_KAFKA_RESP_ERR__QUEUE_FULL)
  public static let topicAlreadyExists = KafkaErrorCode(RD_KAFKA_RESP_ERR_TOPIC_ALREADY_EXISTS)
  public static let unknownTopicOrPartition =
    KafkaErrorCode(RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART)
  public static let fencedProducer = KafkaErrorCode(RD_KAFKA_RESP_ERR__FENCED)
  public static let fencedInstanceID = KafkaErrorCode(RD_KAFKA_RESP_ERR_FENCED_INSTANCE_ID)
  public static let messageTooLarge = KafkaErrorCode(RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE)
  /// The transaction before is still being decided: come back.
  public static let concurrentTransactions =
    KafkaErrorCode(RD_KAFKA_RESP_ERR_CONCURRENT_TRANSACTIONS)
  public static let wrongState = KafkaErrorCode(RD_KAFKA_RESP_ERR__STATE)

  /// librdkafka's value for this code; own codes have none.
  var raw: rd_kafka_resp_err_t? {
    rawValue > -1000 ? rd_kafka_resp_err_t(rawValue: rawValue) : nil
  }

  /// The stable name, such as `_FENCED` or `OPEN_TRANSACTION`.
  public var name: String {
    switch self {
    case .openTransaction: "OPEN_TRANSACTION"
    case .offsetsWentBack: "OFFSETS_WENT_BACK"
    case .logTruncated: "LOG_TRUNCATED"
    case .readTooSlow: "READ_TOO_SLOW"
    default: raw.map { String(cString: rd_kafka_err2name($0)) } ?? "UNKNOWN_\(rawValue)"
    }
  }
}

/// A failure of Kafka, named by what the program does about it.
///
/// `description` is fit for logs and holds no payload, key or secret: operation, code, the reason
/// from the table and the partition. What librdkafka said is in `debugDescription` only.
public struct KafkaFailure: Error, Hashable, Sendable, CustomStringConvertible,
  CustomDebugStringConvertible
{
  public let recovery: KafkaRecovery
  public let code: KafkaErrorCode
  /// What was being done, such as `commit transaction`.
  public let operation: String
  /// Why the code means this recovery.
  public let reason: String
  public let partition: KafkaPartition?
  /// True where a commit failed after it may have reached the broker: compare the group's
  /// committed offsets before treating the transaction as undone.
  public let outcomeUnknown: Bool
  let detail: String

  /// Classifies a code. The flags are those of librdkafka's error object.
  public init(
    _ code: KafkaErrorCode, operation: String, isFatal: Bool = false, isRetriable: Bool = false,
    requiresAbort: Bool = false, outcomeUnknown: Bool = false, partition: KafkaPartition? = nil,
    detail: String = ""
  ) {
    let row = KafkaErrorTable.row(for: code)
    self.code = code
    self.operation = operation
    self.partition = partition
    self.outcomeUnknown = outcomeUnknown
    self.detail = detail
    reason = row.reason
    recovery = KafkaFailure.recovery(
      row: row.recovery, isFatal: isFatal, isRetriable: isRetriable, requiresAbort: requiresAbort)
  }

  /// The one place where flags and table meet.
  ///
  /// 1. Fenced, restore and fatal codes stay what they are: aborting does not help a client without
  ///    permission or with a successor. (Restoring and rejoining include the abort.) Only where
  ///    librdkafka itself offers to retry a fatal code, such as `_STATE` while it gets a producer
  ///    id, the offer is taken.
  /// 2. A fatal flag on any other code means this client object is unusable, not the program:
  ///    rejoin with a new one.
  /// 3. Then an abort asked for, then a retry offered, then the table.
  static func recovery(
    row: KafkaRecovery, isFatal: Bool, isRetriable: Bool, requiresAbort: Bool
  ) -> KafkaRecovery {
    switch row {
    case .fatal where isRetriable && !isFatal: return requiresAbort ? .abortBatch : .retry
    case .fenced, .restore, .fatal: return row
    case .retry, .abortBatch:
      if isFatal { return .fenced }
      if requiresAbort { return .abortBatch }
      if isRetriable { return .retry }
      return row
    }
  }

  public var description: String {
    let place = partition.map { " at \($0)" } ?? ""
    let unknown = outcomeUnknown ? ", outcome unknown" : ""
    return "\(operation) failed\(place): \(code.name), \(recovery.rawValue)\(unknown): \(reason)"
  }

  public var debugDescription: String {
    detail.isEmpty ? description : "\(description) (librdkafka: \(detail))"
  }
}

extension KafkaFailure {
  init(_ code: rd_kafka_resp_err_t, _ operation: String, partition: KafkaPartition? = nil) {
    self.init(KafkaErrorCode(code), operation: operation, partition: partition)
  }

  /// Takes over an error object of librdkafka and destroys it; nil where there was none.
  init?(
    consuming error: OpaquePointer?, _ operation: String, outcomeUnknown: Bool = false,
    cause: rd_kafka_resp_err_t = RD_KAFKA_RESP_ERR_NO_ERROR
  ) {
    guard let error else { return nil }
    defer { rd_kafka_error_destroy(error) }
    // The code of the first failed delivery says more than "some messages failed delivery".
    let own = rd_kafka_error_code(error)
    let failedDelivery =
      own == RD_KAFKA_RESP_ERR__INCONSISTENT && cause != RD_KAFKA_RESP_ERR_NO_ERROR
    self.init(
      KafkaErrorCode(failedDelivery ? cause : own), operation: operation,
      isFatal: rd_kafka_error_is_fatal(error) != 0,
      isRetriable: rd_kafka_error_is_retriable(error) != 0,
      requiresAbort: rd_kafka_error_txn_requires_abort(error) != 0,
      // A record that was not delivered keeps librdkafka from asking the broker to commit.
      outcomeUnknown: outcomeUnknown && cause == RD_KAFKA_RESP_ERR_NO_ERROR,
      detail: rd_kafka_error_string(error).map { String(cString: $0) } ?? "")
  }
}

/// Throws where librdkafka answers with a code.
func check(
  _ code: rd_kafka_resp_err_t, _ operation: String, partition: KafkaPartition? = nil
) throws(KafkaFailure) {
  guard code != RD_KAFKA_RESP_ERR_NO_ERROR else { return }
  throw KafkaFailure(code, operation, partition: partition)
}

/// Throws where librdkafka answers with an error object, and destroys it.
func check(error: OpaquePointer?, _ operation: String) throws(KafkaFailure) {
  if let failure = KafkaFailure(consuming: error, operation) { throw failure }
}
