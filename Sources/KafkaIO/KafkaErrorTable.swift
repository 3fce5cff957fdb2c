import CRdKafka

/// What every code means for this program: one row each, with the reason.
///
/// A test holds the table against librdkafka's own list, so that a newer library cannot bring a
/// code that nobody has thought about.
enum KafkaErrorTable {
  struct Row {
    let code: Int32
    let recovery: KafkaRecovery
    let reason: String

    init(_ code: rd_kafka_resp_err_t, _ recovery: KafkaRecovery, _ reason: String) {
      self.code = Int32(code.rawValue)
      self.recovery = recovery
      self.reason = reason
    }

    init(_ code: KafkaErrorCode, _ recovery: KafkaRecovery, _ reason: String) {
      self.code = code.rawValue
      self.recovery = recovery
      self.reason = reason
    }
  }

  /// The row of a code. A code without one stops the program: guessing could lose records.
  static func row(for code: KafkaErrorCode) -> Row {
    byCode[code.rawValue]
      ?? Row(code, .fatal, "a code this version does not know; nothing can be assumed about it")
  }

  static let rows: [Row] = own + local + broker

  private static let byCode: [Int32: Row] =
    Dictionary(rows.map { ($0.code, $0) }, uniquingKeysWith: { first, _ in first })

  /// Raised by this module.
  private static let own: [Row] = [
    Row(.openTransaction, .retry, "another producer's transaction is still open at the end"),
    Row(.offsetsWentBack, .restore, "records came out of order, so some may be missing"),
    Row(.logTruncated, .restore, "the topic ends before the position known here"),
    Row(.readTooSlow, .retry, "the end of the partition was not reached in time"),
  ]

  /// Raised by librdkafka itself.
  private static let local: [Row] = [
    Row(
      RD_KAFKA_RESP_ERR__BAD_MSG, .restore,
      "a record or answer could not be read; reading again shows whether it is the record"),
    Row(
      RD_KAFKA_RESP_ERR__BAD_COMPRESSION, .fatal,
      "the compression of a record is not supported by this build"),
    Row(
      RD_KAFKA_RESP_ERR__DESTROY, .fenced,
      "this client object was closed; only a new one can go on"),
    Row(
      RD_KAFKA_RESP_ERR__FAIL, .abortBatch,
      "an unspecified local failure; the work is undone and done again"),
    Row(
      RD_KAFKA_RESP_ERR__TRANSPORT, .retry,
      "the connection to a broker broke; librdkafka connects again"),
    Row(
      RD_KAFKA_RESP_ERR__CRIT_SYS_RESOURCE, .fatal,
      "the machine ran out of a resource such as threads or memory"),
    Row(
      RD_KAFKA_RESP_ERR__RESOLVE, .retry,
      "a broker's name did not resolve; name service may come back"),
    Row(
      RD_KAFKA_RESP_ERR__MSG_TIMED_OUT, .abortBatch,
      "a record was not accepted in time, so its transaction is incomplete"),
    Row(
      RD_KAFKA_RESP_ERR__PARTITION_EOF, .retry,
      "the end of a partition was reached, which is not a failure"),
    Row(
      RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION, .fatal,
      "the partition does not exist: topics differ from the configuration"),
    Row(RD_KAFKA_RESP_ERR__FS, .fatal, "a file could not be read or written"),
    Row(
      RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC, .fatal,
      "the topic does not exist: create it or correct its name"),
    Row(RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN, .retry, "no broker can be reached at the moment"),
    Row(RD_KAFKA_RESP_ERR__INVALID_ARG, .fatal, "an argument or a setting is not allowed"),
    Row(
      RD_KAFKA_RESP_ERR__TIMED_OUT, .retry,
      "no answer within the time limit; the operation may be called again"),
    Row(
      RD_KAFKA_RESP_ERR__QUEUE_FULL, .abortBatch,
      "the producer's queue stayed full beyond its limit: brokers accept too slowly"),
    Row(
      RD_KAFKA_RESP_ERR__ISR_INSUFF, .retry,
      "too few replicas are in sync to accept writes at the moment"),
    Row(RD_KAFKA_RESP_ERR__NODE_UPDATE, .retry, "a broker's address changed"),
    Row(
      RD_KAFKA_RESP_ERR__SSL, .fatal,
      "the TLS handshake failed: certificates or settings are wrong"),
    Row(RD_KAFKA_RESP_ERR__WAIT_COORD, .retry, "the coordinator is not known yet"),
    Row(RD_KAFKA_RESP_ERR__UNKNOWN_GROUP, .fatal, "the consumer has no group id"),
    Row(RD_KAFKA_RESP_ERR__IN_PROGRESS, .retry, "the operation is already running"),
    Row(RD_KAFKA_RESP_ERR__PREV_IN_PROGRESS, .retry, "an earlier operation has to finish first"),
    Row(
      RD_KAFKA_RESP_ERR__EXISTING_SUBSCRIPTION, .fatal,
      "subscribing and assigning by hand were mixed"),
    Row(RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS, .retry, "an event of a rebalance, not a failure"),
    Row(RD_KAFKA_RESP_ERR__REVOKE_PARTITIONS, .retry, "an event of a rebalance, not a failure"),
    Row(RD_KAFKA_RESP_ERR__CONFLICT, .fatal, "two uses of the client exclude each other"),
    Row(
      RD_KAFKA_RESP_ERR__STATE, .fatal,
      "the call is not allowed in the client's state: an error in this program"),
    Row(
      RD_KAFKA_RESP_ERR__UNKNOWN_PROTOCOL, .fatal,
      "the group's protocol is not known to this client"),
    Row(RD_KAFKA_RESP_ERR__NOT_IMPLEMENTED, .fatal, "this librdkafka cannot do it"),
    Row(RD_KAFKA_RESP_ERR__AUTHENTICATION, .fatal, "the broker refused name or password"),
    Row(RD_KAFKA_RESP_ERR__NO_OFFSET, .restore, "there is no stored offset where one was expected"),
    Row(RD_KAFKA_RESP_ERR__OUTDATED, .restore, "the answer belongs to an earlier assignment"),
    Row(
      RD_KAFKA_RESP_ERR__TIMED_OUT_QUEUE, .retry,
      "the request waited in a local queue beyond its limit"),
    Row(RD_KAFKA_RESP_ERR__UNSUPPORTED_FEATURE, .fatal, "the broker is too old for what is asked"),
    Row(RD_KAFKA_RESP_ERR__WAIT_CACHE, .retry, "metadata is being refreshed"),
    Row(RD_KAFKA_RESP_ERR__INTR, .retry, "the call was interrupted"),
    Row(RD_KAFKA_RESP_ERR__KEY_SERIALIZATION, .fatal, "a key could not be written"),
    Row(RD_KAFKA_RESP_ERR__VALUE_SERIALIZATION, .fatal, "a value could not be written"),
    Row(RD_KAFKA_RESP_ERR__KEY_DESERIALIZATION, .fatal, "a key could not be read"),
    Row(RD_KAFKA_RESP_ERR__VALUE_DESERIALIZATION, .fatal, "a value could not be read"),
    Row(RD_KAFKA_RESP_ERR__PARTIAL, .retry, "only a part of the answer arrived"),
    Row(RD_KAFKA_RESP_ERR__READ_ONLY, .fatal, "an object that may not be changed was changed"),
    Row(RD_KAFKA_RESP_ERR__NOENT, .fatal, "what was asked for does not exist"),
    Row(RD_KAFKA_RESP_ERR__UNDERFLOW, .restore, "a broker's answer was cut short"),
    Row(RD_KAFKA_RESP_ERR__INVALID_TYPE, .fatal, "a type is not allowed here"),
    Row(RD_KAFKA_RESP_ERR__RETRY, .retry, "librdkafka asks to call again"),
    Row(
      RD_KAFKA_RESP_ERR__PURGE_QUEUE, .abortBatch,
      "the record was discarded with its transaction before it was sent"),
    Row(
      RD_KAFKA_RESP_ERR__PURGE_INFLIGHT, .abortBatch,
      "the record was discarded with its transaction while it was sent"),
    Row(RD_KAFKA_RESP_ERR__FATAL, .fenced, "this client object is unusable after an earlier error"),
    Row(
      RD_KAFKA_RESP_ERR__INCONSISTENT, .abortBatch,
      "some records of the transaction were not delivered"),
    Row(
      RD_KAFKA_RESP_ERR__GAPLESS_GUARANTEE, .abortBatch,
      "going on would leave a gap in the order of records"),
    Row(
      RD_KAFKA_RESP_ERR__MAX_POLL_EXCEEDED, .abortBatch,
      "the consumer did not poll in time and left its group; it joins again by itself"),
    Row(RD_KAFKA_RESP_ERR__UNKNOWN_BROKER, .retry, "the broker is not known yet"),
    Row(RD_KAFKA_RESP_ERR__NOT_CONFIGURED, .fatal, "the function needs a setting that is missing"),
    Row(
      RD_KAFKA_RESP_ERR__FENCED, .fenced,
      "a newer producer has the same transactional id, or the transaction ran out of time"),
    Row(RD_KAFKA_RESP_ERR__APPLICATION, .fatal, "raised by this program"),
    Row(
      RD_KAFKA_RESP_ERR__ASSIGNMENT_LOST, .abortBatch,
      "the partitions were taken away before the work was committed"),
    Row(RD_KAFKA_RESP_ERR__NOOP, .retry, "nothing was to be done"),
    Row(
      RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET, .restore,
      "the position is outside what the topic keeps"),
  ]

  /// Answered by brokers.
  private static let broker: [Row] = [
    Row(RD_KAFKA_RESP_ERR_UNKNOWN, .abortBatch, "the broker failed without saying why"),
    Row(
      RD_KAFKA_RESP_ERR_OFFSET_OUT_OF_RANGE, .restore,
      "the position is outside what the topic keeps"),
    Row(
      RD_KAFKA_RESP_ERR_INVALID_MSG, .abortBatch,
      "a record was damaged on its way or lacks a key that compaction needs"),
    Row(
      RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART, .retry,
      "the topic is missing or not yet known to this broker"),
    Row(RD_KAFKA_RESP_ERR_INVALID_MSG_SIZE, .fatal, "a request has an impossible size"),
    Row(RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE, .retry, "the partition is choosing a leader"),
    Row(RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION, .retry, "the partition's leader moved"),
    Row(RD_KAFKA_RESP_ERR_REQUEST_TIMED_OUT, .retry, "the broker did not finish in time"),
    Row(RD_KAFKA_RESP_ERR_BROKER_NOT_AVAILABLE, .retry, "the broker is not up"),
    Row(RD_KAFKA_RESP_ERR_REPLICA_NOT_AVAILABLE, .retry, "the replica is not up"),
    Row(
      RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE, .fatal,
      "a record is larger than topic or client allow: raise max.message.bytes"),
    Row(RD_KAFKA_RESP_ERR_STALE_CTRL_EPOCH, .retry, "the cluster is changing its controller"),
    Row(
      RD_KAFKA_RESP_ERR_OFFSET_METADATA_TOO_LARGE, .fatal,
      "the text committed with an offset is too long"),
    Row(
      RD_KAFKA_RESP_ERR_NETWORK_EXCEPTION, .retry,
      "the broker closed the connection before it answered"),
    Row(
      RD_KAFKA_RESP_ERR_COORDINATOR_LOAD_IN_PROGRESS, .retry,
      "the coordinator is reading its log"),
    Row(RD_KAFKA_RESP_ERR_COORDINATOR_NOT_AVAILABLE, .retry, "the coordinator is not up"),
    Row(RD_KAFKA_RESP_ERR_NOT_COORDINATOR, .retry, "the coordinator moved"),
    Row(
      RD_KAFKA_RESP_ERR_TOPIC_EXCEPTION, .fatal,
      "the topic's name is not allowed, or it may not be written"),
    Row(
      RD_KAFKA_RESP_ERR_RECORD_LIST_TOO_LARGE, .fatal,
      "a batch is larger than a segment of the topic"),
    Row(
      RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS, .retry,
      "too few replicas are in sync to accept writes at the moment"),
    Row(
      RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS_AFTER_APPEND, .retry,
      "too few replicas confirmed; the write is repeated idempotently"),
    Row(RD_KAFKA_RESP_ERR_INVALID_REQUIRED_ACKS, .fatal, "the setting acks is not allowed"),
    Row(
      RD_KAFKA_RESP_ERR_ILLEGAL_GENERATION, .abortBatch,
      "the group moved on to a new generation; its new owner does this work"),
    Row(
      RD_KAFKA_RESP_ERR_INCONSISTENT_GROUP_PROTOCOL, .fatal,
      "members of the group use assignors that exclude each other"),
    Row(RD_KAFKA_RESP_ERR_INVALID_GROUP_ID, .fatal, "the group id is not allowed"),
    Row(
      RD_KAFKA_RESP_ERR_UNKNOWN_MEMBER_ID, .abortBatch,
      "the group forgot this member; it joins again by itself"),
    Row(
      RD_KAFKA_RESP_ERR_INVALID_SESSION_TIMEOUT, .fatal,
      "the session timeout is outside what the broker allows"),
    Row(
      RD_KAFKA_RESP_ERR_REBALANCE_IN_PROGRESS, .abortBatch,
      "the group is changing; offsets cannot be committed until it is done"),
    Row(RD_KAFKA_RESP_ERR_INVALID_COMMIT_OFFSET_SIZE, .fatal, "an offset commit is too large"),
    Row(RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED, .fatal, "no permission for the topic"),
    Row(RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED, .fatal, "no permission for the group"),
    Row(RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED, .fatal, "no permission for the cluster"),
    Row(
      RD_KAFKA_RESP_ERR_INVALID_TIMESTAMP, .fatal,
      "a record's timestamp is outside what the topic allows"),
    Row(
      RD_KAFKA_RESP_ERR_UNSUPPORTED_SASL_MECHANISM, .fatal,
      "the broker does not offer the configured mechanism"),
    Row(
      RD_KAFKA_RESP_ERR_ILLEGAL_SASL_STATE, .fatal,
      "the broker did not expect this step of signing in"),
    Row(
      RD_KAFKA_RESP_ERR_UNSUPPORTED_VERSION, .fatal,
      "broker and client have no common version of a request"),
    Row(RD_KAFKA_RESP_ERR_TOPIC_ALREADY_EXISTS, .fatal, "the topic exists already"),
    Row(RD_KAFKA_RESP_ERR_INVALID_PARTITIONS, .fatal, "the number of partitions is not allowed"),
    Row(
      RD_KAFKA_RESP_ERR_INVALID_REPLICATION_FACTOR, .fatal,
      "the replication factor exceeds the number of brokers"),
    Row(
      RD_KAFKA_RESP_ERR_INVALID_REPLICA_ASSIGNMENT, .fatal,
      "the assignment of replicas is not allowed"),
    Row(RD_KAFKA_RESP_ERR_INVALID_CONFIG, .fatal, "a topic setting is not allowed"),
    Row(RD_KAFKA_RESP_ERR_NOT_CONTROLLER, .retry, "the cluster's controller moved"),
    Row(RD_KAFKA_RESP_ERR_INVALID_REQUEST, .fatal, "the broker rejects the form of a request"),
    Row(
      RD_KAFKA_RESP_ERR_UNSUPPORTED_FOR_MESSAGE_FORMAT, .fatal,
      "the topic's record format is too old"),
    Row(RD_KAFKA_RESP_ERR_POLICY_VIOLATION, .fatal, "a policy of the cluster forbids it"),
    Row(
      RD_KAFKA_RESP_ERR_OUT_OF_ORDER_SEQUENCE_NUMBER, .abortBatch,
      "the broker misses an earlier record of this producer"),
    Row(RD_KAFKA_RESP_ERR_DUPLICATE_SEQUENCE_NUMBER, .retry, "the broker has the record already"),
    Row(
      RD_KAFKA_RESP_ERR_INVALID_PRODUCER_EPOCH, .fenced,
      "a newer producer has the same transactional id, or the transaction ran out of time"),
    Row(
      RD_KAFKA_RESP_ERR_INVALID_TXN_STATE, .fenced,
      "coordinator and client disagree about the transaction; only a new producer clears it"),
    Row(
      RD_KAFKA_RESP_ERR_INVALID_PRODUCER_ID_MAPPING, .fenced,
      "the coordinator forgot this producer after a long silence"),
    Row(
      RD_KAFKA_RESP_ERR_INVALID_TRANSACTION_TIMEOUT, .fatal,
      "the transaction time limit exceeds the broker's maximum"),
    Row(
      RD_KAFKA_RESP_ERR_CONCURRENT_TRANSACTIONS, .retry,
      "the transaction before is still being finished"),
    Row(
      RD_KAFKA_RESP_ERR_TRANSACTION_COORDINATOR_FENCED, .retry,
      "the transaction coordinator moved"),
    Row(
      RD_KAFKA_RESP_ERR_TRANSACTIONAL_ID_AUTHORIZATION_FAILED, .fatal,
      "no permission for the transactional id"),
    Row(RD_KAFKA_RESP_ERR_SECURITY_DISABLED, .fatal, "the cluster has no security features"),
    Row(
      RD_KAFKA_RESP_ERR_OPERATION_NOT_ATTEMPTED, .abortBatch,
      "a part of the request failed, so the rest was not tried"),
    Row(
      RD_KAFKA_RESP_ERR_KAFKA_STORAGE_ERROR, .retry,
      "a broker's disk failed; another replica takes over"),
    Row(
      RD_KAFKA_RESP_ERR_LOG_DIR_NOT_FOUND, .fatal,
      "the broker's settings name a missing directory"),
    Row(
      RD_KAFKA_RESP_ERR_SASL_AUTHENTICATION_FAILED, .fatal,
      "the broker refused name or password"),
    Row(
      RD_KAFKA_RESP_ERR_UNKNOWN_PRODUCER_ID, .abortBatch,
      "the broker no longer knows this producer's records; its epoch is raised"),
    Row(
      RD_KAFKA_RESP_ERR_REASSIGNMENT_IN_PROGRESS, .retry,
      "partitions are being moved between brokers"),
    Row(
      RD_KAFKA_RESP_ERR_DELEGATION_TOKEN_AUTH_DISABLED, .fatal,
      "the cluster has no delegation tokens"),
    Row(
      RD_KAFKA_RESP_ERR_DELEGATION_TOKEN_NOT_FOUND, .fatal,
      "the delegation token does not exist"),
    Row(
      RD_KAFKA_RESP_ERR_DELEGATION_TOKEN_OWNER_MISMATCH, .fatal,
      "the delegation token belongs to someone else"),
    Row(
      RD_KAFKA_RESP_ERR_DELEGATION_TOKEN_REQUEST_NOT_ALLOWED, .fatal,
      "this connection may not ask for delegation tokens"),
    Row(
      RD_KAFKA_RESP_ERR_DELEGATION_TOKEN_AUTHORIZATION_FAILED, .fatal,
      "no permission for the delegation token"),
    Row(RD_KAFKA_RESP_ERR_DELEGATION_TOKEN_EXPIRED, .fatal, "the delegation token has run out"),
    Row(RD_KAFKA_RESP_ERR_INVALID_PRINCIPAL_TYPE, .fatal, "the kind of principal is not supported"),
    Row(RD_KAFKA_RESP_ERR_NON_EMPTY_GROUP, .fatal, "the group still has members"),
    Row(RD_KAFKA_RESP_ERR_GROUP_ID_NOT_FOUND, .fatal, "the group does not exist"),
    Row(
      RD_KAFKA_RESP_ERR_FETCH_SESSION_ID_NOT_FOUND, .retry,
      "the broker dropped the fetch session; a new one is opened"),
    Row(
      RD_KAFKA_RESP_ERR_INVALID_FETCH_SESSION_EPOCH, .retry,
      "the fetch session is out of step; a new one is opened"),
    Row(
      RD_KAFKA_RESP_ERR_LISTENER_NOT_FOUND, .retry,
      "the leader does not offer this listener at the moment"),
    Row(RD_KAFKA_RESP_ERR_TOPIC_DELETION_DISABLED, .fatal, "the cluster forbids deleting topics"),
    Row(
      RD_KAFKA_RESP_ERR_FENCED_LEADER_EPOCH, .retry,
      "the partition's leader changed; metadata is refreshed"),
    Row(
      RD_KAFKA_RESP_ERR_UNKNOWN_LEADER_EPOCH, .retry,
      "the broker lags behind the partition's new leader"),
    Row(
      RD_KAFKA_RESP_ERR_UNSUPPORTED_COMPRESSION_TYPE, .fatal,
      "the broker does not support the compression"),
    Row(RD_KAFKA_RESP_ERR_STALE_BROKER_EPOCH, .retry, "the broker restarted meanwhile"),
    Row(RD_KAFKA_RESP_ERR_OFFSET_NOT_AVAILABLE, .retry, "the new leader does not know its end yet"),
    Row(RD_KAFKA_RESP_ERR_MEMBER_ID_REQUIRED, .retry, "the group hands out a member id first"),
    Row(RD_KAFKA_RESP_ERR_PREFERRED_LEADER_NOT_AVAILABLE, .retry, "the preferred leader is not up"),
    Row(
      RD_KAFKA_RESP_ERR_GROUP_MAX_SIZE_REACHED, .fatal,
      "the group has as many members as the broker allows"),
    Row(
      RD_KAFKA_RESP_ERR_FENCED_INSTANCE_ID, .fatal,
      "another process runs with this group.instance.id; joining would fence it in turn"),
    Row(
      RD_KAFKA_RESP_ERR_ELIGIBLE_LEADERS_NOT_AVAILABLE, .retry,
      "no replica can lead the partition at the moment"),
    Row(RD_KAFKA_RESP_ERR_ELECTION_NOT_NEEDED, .fatal, "an election was asked for without need"),
    Row(
      RD_KAFKA_RESP_ERR_NO_REASSIGNMENT_IN_PROGRESS, .fatal,
      "there is no move of partitions to cancel"),
    Row(
      RD_KAFKA_RESP_ERR_GROUP_SUBSCRIBED_TO_TOPIC, .fatal,
      "offsets of a topic the group reads cannot be deleted"),
    Row(
      RD_KAFKA_RESP_ERR_INVALID_RECORD, .fatal,
      "the broker rejects a record, for example one without key in a compacted topic"),
    Row(
      RD_KAFKA_RESP_ERR_UNSTABLE_OFFSET_COMMIT, .retry,
      "the group's offsets are part of a transaction still open"),
    Row(
      RD_KAFKA_RESP_ERR_THROTTLING_QUOTA_EXCEEDED, .retry,
      "the cluster limits the rate of requests"),
    Row(
      RD_KAFKA_RESP_ERR_PRODUCER_FENCED, .fenced,
      "a newer producer has the same transactional id"),
    Row(RD_KAFKA_RESP_ERR_RESOURCE_NOT_FOUND, .fatal, "what the request names does not exist"),
    Row(RD_KAFKA_RESP_ERR_DUPLICATE_RESOURCE, .fatal, "the request names the same thing twice"),
    Row(
      RD_KAFKA_RESP_ERR_UNACCEPTABLE_CREDENTIAL, .fatal,
      "the credential does not meet the cluster's rules"),
    Row(RD_KAFKA_RESP_ERR_INCONSISTENT_VOTER_SET, .fatal, "the brokers' quorum settings differ"),
    Row(
      RD_KAFKA_RESP_ERR_INVALID_UPDATE_VERSION, .fatal,
      "the version to update is not the present one"),
    Row(
      RD_KAFKA_RESP_ERR_FEATURE_UPDATE_FAILED, .fatal,
      "the cluster's features could not be changed"),
    Row(
      RD_KAFKA_RESP_ERR_PRINCIPAL_DESERIALIZATION_FAILURE, .fatal,
      "a broker could not read who sends the request"),
  ]
}
