import Runtime
import Simulation
import Streaming

/// A log whose process dies at a given call: then nothing it is asked has an effect any more.
final class FaultyLog<Base: TransactionalLog>: TransactionalLog {
  typealias Batch = Base.Batch
  private let base: Base
  private var callsLeft: Int
  private(set) var isDead = false

  init(_ base: Base, diesAfter calls: Int = .max) {
    self.base = base
    callsLeft = calls
  }

  private func call<R>(_ body: () throws(LogFailure) -> R) throws(LogFailure) -> R {
    if callsLeft <= 0 { isDead = true }
    guard !isDead else { throw LogFailure(.fatal, code: SimulatedLog.crashCode) }
    callsLeft -= 1
    return try body()
  }

  func poll(
    max: Int, milliseconds: Int, handler: some AssignmentHandler
  ) throws(LogFailure) -> Base.Batch {
    try call { () throws(LogFailure) in
      try base.poll(max: max, milliseconds: milliseconds, handler: handler)
    }
  }
  func seek(_ positions: [TopicPartition: Int64]) throws(LogFailure) {
    try call { () throws(LogFailure) in try base.seek(positions) }
  }
  func committed(_ partitions: [TopicPartition]) throws(LogFailure) -> [TopicPartition: Int64] {
    try call { () throws(LogFailure) in try base.committed(partitions) }
  }
  func bounds(
    _ partitions: [TopicPartition]
  ) throws(LogFailure) -> [TopicPartition: LogBounds] {
    try call { () throws(LogFailure) in try base.bounds(partitions) }
  }
  func restore(
    _ starts: [(partition: TopicPartition, offset: Int64)],
    _ body: (Int, ChangelogRecord) throws(LogFailure) -> Void
  ) throws(LogFailure) -> [Int64] {
    try call { () throws(LogFailure) in try base.restore(starts, body) }
  }
  func reached(_ positions: [TopicPartition: Int64]) -> [TopicPartition: Int64] {
    isDead ? positions : base.reached(positions)
  }
  func lag(_ partition: TopicPartition, position: Int64) -> Int64? {
    isDead ? nil : base.lag(partition, position: position)
  }
  func begin() throws(LogFailure) {
    try call { () throws(LogFailure) in try base.begin() }
  }
  func produce(
    topic: String, partition: Int32?, key: UnsafeRawBufferPointer?,
    value: UnsafeRawBufferPointer?, headers: [Header]
  ) throws(LogFailure) {
    try call { () throws(LogFailure) in
      try base.produce(
        topic: topic, partition: partition, key: key, value: value, headers: headers)
    }
  }
  func sendOffsets(_ offsets: [TopicPartition: Int64]) throws(LogFailure) {
    try call { () throws(LogFailure) in try base.sendOffsets(offsets) }
  }
  func commit() throws(LogFailure) {
    try call { () throws(LogFailure) in try base.commit() }
  }
  func abort() throws(LogFailure) {
    try call { () throws(LogFailure) in try base.abort() }
  }
  func producedThrough(_ partition: TopicPartition) -> Int64? {
    isDead ? nil : base.producedThrough(partition)
  }
  func join() throws(LogFailure) {
    try call { () throws(LogFailure) in try base.join() }
  }
  var joinTimes: JoinTimes { base.joinTimes }
  func rejoin() throws(LogFailure) {
    try call { () throws(LogFailure) in try base.rejoin() }
  }
  func close() {
    if !isDead { base.close() }
  }
}
