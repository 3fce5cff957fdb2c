internal import KafkaIO

/// Passes rebalances on to the worker, and keeps what it throws until the poll returns.
final class RebalanceRelay: KafkaRebalanceDelegate {
  var handler: (any AssignmentHandler)?
  private(set) var times = JoinTimes()
  private var failure: LogFailure?
  /// When the group was joined, until it has told the first partitions.
  private var begun: ContinuousClock.Instant?

  /// The group is about to be joined.
  func begin() {
    times = JoinTimes()
    begun = ContinuousClock.now
  }

  func producerStarted() {
    if let begun { times.transactions = ContinuousClock.now - begun }
  }

  func takeFailure() -> LogFailure? {
    defer { failure = nil }
    return failure
  }

  func assigned(
    _ partitions: [KafkaAssignment], to consumer: KafkaConsumer
  ) -> [KafkaPartition: KafkaStart] {
    guard let handler else { return [:] }
    if let begun { times.group = ContinuousClock.now - begun }
    begun = nil
    do throws(LogFailure) {
      let starts = try handler.assigned(partitions.map { TopicPartition($0.partition) })
      var result: [KafkaPartition: KafkaStart] = [:]
      for (partition, offset) in starts { result[partition.kafka] = .offset(offset) }
      return result
    } catch {
      failure = error
      return [:]
    }
  }

  func revoked(_ partitions: [KafkaPartition], from consumer: KafkaConsumer) {
    handler?.revoked(partitions.map { TopicPartition($0) }, lost: false)
  }

  func lost(_ partitions: [KafkaPartition], from consumer: KafkaConsumer) {
    handler?.revoked(partitions.map { TopicPartition($0) }, lost: true)
  }
}
