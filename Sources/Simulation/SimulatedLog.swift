public import Runtime
public import Streaming

/// One process's view of a `SimulatedCluster`: a consumer in a group and a transactional producer,
/// with faults at every call.
public final class SimulatedLog: TransactionalLog {
  public typealias Batch = SimulatedBatch

  private let cluster: SimulatedCluster
  /// Names the transactional producer and the static member.
  private let client: String
  private let groupName: String
  private let topics: [String]
  private let faults: Faults
  private var generator: SeededGenerator
  private var incarnation: Int
  private var epoch: Int
  private var generation = 0
  private var positions: [TopicPartition: Int64] = [:]
  private var queued: [Queued] = []
  private var produced: [TopicPartition: Int64] = [:]
  private var batch: SimulatedBatch?
  private var isTransactionOpen = false

  private struct Queued {
    let partition: TopicPartition
    let key: [UInt8]?
    let value: [UInt8]?
    let headers: [Header]
  }

  /// How long a wait for other transactions to be decided may take, in ticks.
  private static let patience = 5000

  /// A new life of `client`: it fences the one before. `seed` decides batch sizes and when queued
  /// records reach the log.
  public init(
    _ cluster: SimulatedCluster, client: String, group: String, topics: [String],
    faults: Faults = Faults(), seed: UInt64 = 0
  ) {
    self.cluster = cluster
    self.client = client
    self.groupName = group
    self.topics = topics
    self.faults = faults
    generator = SeededGenerator(seed: seed)
    incarnation = cluster.nextIncarnation()
    epoch = cluster.initProducer(client)
    cluster.group(group).join(client, incarnation: incarnation, topics: topics, now: cluster.now)
  }

  // MARK: Consuming

  public func poll(
    max: Int, milliseconds: Int, handler: some AssignmentHandler
  ) throws(LogFailure) -> SimulatedBatch {
    try enter(.poll)
    batch?.invalidate()
    let group = cluster.group(groupName)
    let answer = group.ask(
      client, incarnation: incarnation, now: cluster.now, partitions: cluster.partitionCount)
    switch answer {
    case .stay: break
    case .wait: return deliver([])
    case .giveUp:
      giveUp(handler, lost: false)
      group.joinAgain(client)
      return deliver([])
    case .thrownOut:
      giveUp(handler, lost: true)
      incarnation = cluster.nextIncarnation()
      group.join(client, incarnation: incarnation, topics: topics, now: cluster.now)
      return deliver([])
    case .assigned(let partitions):
      generation = group.generation
      positions = [:]
      let starts = try handler.assigned(partitions)
      for partition in partitions {
        positions[partition] = starts[partition] ?? group.offsets[partition] ?? 0
      }
    }
    let (fetched, next) = try fetch(max: max)
    try leave(.poll)
    positions = next
    return deliver(fetched)
  }

  public func seek(_ wanted: [TopicPartition: Int64]) throws(LogFailure) {
    try enter(.seek)
    for (partition, offset) in wanted where positions[partition] != nil {
      positions[partition] = offset
    }
    try leave(.seek)
  }

  public func committed(
    _ partitions: [TopicPartition]
  ) throws(LogFailure) -> [TopicPartition: Int64] {
    try enter(.committed)
    try wait("undecided-offsets") {
      !cluster.hasPendingOffsets(group: groupName, partitions)
    }
    let offsets = cluster.group(groupName).offsets
    try leave(.committed)
    return offsets.filter { partitions.contains($0.key) }
  }

  public func bounds(
    _ partitions: [TopicPartition]
  ) throws(LogFailure) -> [TopicPartition: LogBounds] {
    try enter(.bounds)
    var bounds: [TopicPartition: LogBounds] = [:]
    for partition in partitions {
      let found = try existing(partition)
      bounds[partition] = LogBounds(start: found.start, end: found.end)
    }
    try leave(.bounds)
    return bounds
  }

  public func restore(
    _ starts: [(partition: TopicPartition, offset: Int64)],
    _ body: (Int, ChangelogRecord) throws(LogFailure) -> Void
  ) throws(LogFailure) -> [Int64] {
    var ends: [Int64] = []
    for (index, start) in starts.enumerated() {
      try enter(.restore)
      let found = try existing(start.partition)
      let end = found.end
      try wait("undecided-changelog") { found.lastStable >= end }
      guard start.offset >= found.start else {
        throw LogFailure(.fenced, code: "offset-out-of-range")
      }
      let records = found.read(from: start.offset, max: .max).records
      for record in records where record.offset < end {
        try deliver(record) { (record) throws(LogFailure) in try body(index, record) }
      }
      ends.append(max(start.offset, end))
      try leave(.restore)
    }
    return ends
  }

  public func reached(_ positions: [TopicPartition: Int64]) -> [TopicPartition: Int64] {
    positions.reduce(into: [:]) { $0[$1.key] = max($1.value, self.positions[$1.key] ?? 0) }
  }

  public func lag(_ partition: TopicPartition, position: Int64) -> Int64? {
    cluster.bounds(partition).map { $0.stable - position }
  }

  // MARK: Producing

  public func begin() throws(LogFailure) {
    try enter(.begin)
    try checkEpoch()
    cluster.begin(client)
    isTransactionOpen = true
    try leave(.begin)
  }

  public func produce(
    topic: String, partition: Int32?, key: UnsafeRawBufferPointer?,
    value: UnsafeRawBufferPointer?, headers: [Header]
  ) throws(LogFailure) {
    try enter(.produce)
    let count = cluster.partitionCount(topic)
    guard count > 0 else { throw LogFailure(.fatal, code: "unknown-topic", detail: topic) }
    let chosen = partition ?? key.map { Partitioner.partition(of: $0, count: count) } ?? 0
    queued.append(
      Queued(
        partition: TopicPartition(topic, chosen), key: key.map { Array($0) },
        value: value.map { Array($0) }, headers: headers))
    if generator.oneIn(4) { try flush() }
    try leave(.produce)
  }

  public func sendOffsets(_ offsets: [TopicPartition: Int64]) throws(LogFailure) {
    try enter(.sendOffsets)
    try checkEpoch()
    let group = cluster.group(groupName)
    guard group.accepts(client, incarnation: incarnation, generation: generation) else {
      throw LogFailure(.abort, code: "illegal-generation")
    }
    cluster.addOffsets(client, group: groupName, offsets)
    try leave(.sendOffsets)
  }

  public func commit() throws(LogFailure) {
    try enter(.commit)
    if isTransactionOpen {
      try flush()
      try checkEpoch()
      cluster.end(client, committed: true)
      isTransactionOpen = false
    }
    try leave(.commit)
  }

  public func abort() throws(LogFailure) {
    try enter(.abort)
    queued.removeAll()
    try checkEpoch()
    if isTransactionOpen { cluster.end(client, committed: false) }
    isTransactionOpen = false
    try leave(.abort)
  }

  public func producedThrough(_ partition: TopicPartition) -> Int64? {
    // An acknowledgement can be missing: the position may lag.
    generator.oneIn(8) ? nil : produced[partition]
  }

  // MARK: Life

  /// Joining was done at the start of this life.
  public func join() throws(LogFailure) {}

  public var joinTimes: JoinTimes { JoinTimes() }

  public func rejoin() throws(LogFailure) {
    try enter(.rejoin)
    cluster.group(groupName).leave(client, incarnation: incarnation)
    positions = [:]
    queued.removeAll()
    produced = [:]
    isTransactionOpen = false
    epoch = cluster.initProducer(client)
    incarnation = cluster.nextIncarnation()
    cluster.group(groupName).join(
      client, incarnation: incarnation, topics: topics, now: cluster.now)
    try leave(.rejoin)
  }

  public func close() {
    guard !faults.isDead else { return }
    cluster.group(groupName).leave(client, incarnation: incarnation)
    batch?.invalidate()
  }

  // MARK: Inside

  private typealias Fetched = (topic: Int, partition: Int32, record: SimulatedRecord)

  /// Records of the assigned partitions, and the positions after them.
  private func fetch(max: Int) throws(LogFailure) -> ([Fetched], [TopicPartition: Int64]) {
    var positions = self.positions
    var room = Int.random(in: 1...Swift.max(1, min(max, 40)), using: &generator)
    var fetched: [Fetched] = []
    for partition in positions.keys.sorted().shuffled(using: &generator) where room > 0 {
      guard let topic = topics.firstIndex(of: partition.topic),
        let found = cluster.partitionOf(partition), let position = positions[partition]
      else { continue }
      guard position >= found.start else {
        throw LogFailure(.fenced, code: "offset-out-of-range", detail: "\(partition)")
      }
      let (records, next) = found.read(from: position, max: room)
      positions[partition] = next
      room -= records.count
      fetched += records.map { (topic, partition.partition, $0) }
    }
    return (fetched, positions)
  }

  private func deliver(_ fetched: [Fetched]) -> SimulatedBatch {
    let batch = SimulatedBatch(fetched)
    self.batch = batch
    return batch
  }

  private func deliver(
    _ record: SimulatedRecord, _ body: (ChangelogRecord) throws(LogFailure) -> Void
  ) throws(LogFailure) {
    let key = record.key ?? []
    try key.span.withUnsafeBytes { (key) throws(LogFailure) in
      guard let value = record.value else {
        return try body(ChangelogRecord(offset: record.offset, key: key, value: nil))
      }
      try value.span.withUnsafeBytes { (value) throws(LogFailure) in
        try body(ChangelogRecord(offset: record.offset, key: key, value: value))
      }
    }
  }

  private func giveUp(_ handler: some AssignmentHandler, lost: Bool) {
    let held = positions.keys.sorted()
    positions = [:]
    if !held.isEmpty { handler.revoked(held, lost: lost) }
  }

  private func flush() throws(LogFailure) {
    try checkEpoch()
    for record in queued {
      let offset = cluster.appendInTransaction(
        client, record.partition, key: record.key, value: record.value, headers: record.headers)
      if let offset { produced[record.partition] = offset + 1 }
    }
    queued.removeAll()
  }

  private func checkEpoch() throws(LogFailure) {
    guard cluster.isCurrent(client, epoch: epoch) else {
      throw LogFailure(.fenced, code: "producer-fenced")
    }
  }

  private func existing(_ partition: TopicPartition) throws(LogFailure) -> SimulatedPartition {
    guard let found = cluster.partitionOf(partition) else {
      throw LogFailure(.fatal, code: "unknown-topic", detail: partition.topic)
    }
    return found
  }

  /// Lets time go by until `condition` holds.
  private func wait(_ code: String, _ condition: () -> Bool) throws(LogFailure) {
    var ticks = 0
    while !condition() {
      guard ticks < SimulatedLog.patience else { throw LogFailure(.retry, code: code) }
      cluster.tick()
      ticks += 1
    }
  }

  private func enter(_ step: Step) throws(LogFailure) {
    if !faults.isDead { cluster.tick() }
    try act(on: faults.fault(step, .before))
  }

  private func leave(_ step: Step) throws(LogFailure) {
    try act(on: faults.fault(step, .after))
  }

  private func act(on fault: Fault?) throws(LogFailure) {
    switch fault {
    case nil: return
    case .crash: throw LogFailure(.fatal, code: SimulatedLog.crashCode)
    case .fail(let recovery): throw LogFailure(recovery, code: "injected-\(recovery.rawValue)")
    case .delayMarkers(let ticks, let offsetsFirst):
      cluster.markerDelay = (ticks, offsetsFirst)
    case .stall:
      cluster.timeOut(client: client, incarnation: incarnation, group: groupName)
    }
  }

  /// The code of the failure with which a dead process answers every call.
  public static let crashCode = "crashed"
}
