public import Runtime
public import Streaming

/// A Kafka cluster in memory, deterministic and single-threaded: topics, groups, transactions with
/// producer epochs, aborts, markers that take an offset, the last stable offset, compaction and
/// retention. Time is a count of calls.
public final class SimulatedCluster {
  /// Ticks after which the coordinator aborts a transaction.
  public var transactionTimeout = 400
  /// Ticks after which a silent member is thrown out of its group.
  public var sessionTimeout = 600
  /// Ticks since the start.
  public private(set) var now = 0
  /// How many ticks the markers of the transaction ended next take, and whether the group's offsets
  /// go ahead of them.
  var markerDelay = (ticks: 0, offsetsFirst: false)

  private var topics: [String: [SimulatedPartition]] = [:]
  private var groups: [String: SimulatedGroup] = [:]
  private var producers: [String: Producer] = [:]
  private var pendingMarkers: [PendingMarkers] = []
  private var lastTransaction = 0
  private var lastIncarnation = 0

  private struct Producer {
    var epoch: Int
    var transaction: Transaction?
  }

  struct Transaction {
    let id: Int
    let startedAt: Int
    var partitions: Set<TopicPartition> = []
    var group: String?
    var offsets: [TopicPartition: Int64] = [:]
  }

  /// A decided transaction whose markers are not all written.
  private struct PendingMarkers {
    let producer: String
    var transaction: Transaction
    let committed: Bool
    let due: Int
  }

  public init() {}

  // MARK: Topics

  public func createTopic(_ name: String, partitions: Int32) {
    topics[name] = (0..<partitions).map { _ in SimulatedPartition() }
  }

  public func partitionCount(_ topic: String) -> Int32 { Int32(topics[topic]?.count ?? 0) }

  public var topicNames: [String] { topics.keys.sorted() }

  /// Appends a record outside of any transaction, to the partition of its key where none is named.
  public func append(
    _ topic: String, partition: Int32? = nil, key: [UInt8]?, value: [UInt8]?,
    headers: [Header] = []
  ) {
    let count = partitionCount(topic)
    let chosen = partition ?? key.map { Partitioner.partition(of: $0, count: count) } ?? 0
    _ = partitionOf(TopicPartition(topic, chosen))?.append(
      key: key, value: value, headers: headers, timestamp: Int64(now), transaction: nil)
  }

  /// What a read_committed reader sees of a topic, partition by partition.
  public func committedRecords(_ topic: String) -> [[SimulatedRecord]] {
    (topics[topic] ?? []).map { $0.read(from: $0.start, max: .max).records }
  }

  /// Deletes the records of a partition before `offset`.
  public func trim(_ partition: TopicPartition, before offset: Int64) {
    partitionOf(partition)?.trim(before: offset)
  }

  public func compact(_ topic: String, droppingTombstones: Bool = false) {
    for partition in topics[topic] ?? [] {
      partition.compact(droppingTombstones: droppingTombstones)
    }
  }

  /// The first offset of a partition, the offset after its last record, and the last stable one.
  public func bounds(_ partition: TopicPartition) -> (start: Int64, end: Int64, stable: Int64)? {
    partitionOf(partition).map { ($0.start, $0.end, $0.lastStable) }
  }

  /// A group's committed offsets.
  public func committedOffsets(group: String) -> [TopicPartition: Int64] {
    self.group(group).offsets
  }

  /// How many committed records of these topics a group has not committed an offset for, and how
  /// many transactions are decided but not written.
  public func outstanding(group: String, topics: [String]) -> Int {
    let offsets = self.group(group).offsets
    var count = pendingMarkers.count
    for topic in topics {
      for (index, partition) in (self.topics[topic] ?? []).enumerated() {
        let position = offsets[TopicPartition(topic, Int32(index))] ?? partition.start
        count += partition.read(from: position, max: .max).records.count
      }
    }
    return count
  }

  /// Sets or forgets a group's committed offset, as an operator's tool would.
  public func setOffset(group: String, _ partition: TopicPartition, _ offset: Int64?) {
    self.group(group).setOffset(partition, offset)
  }

  /// Throws a member out as when its session has expired; its transaction stays open.
  public func expireSession(of client: String, group: String) {
    guard let member = self.group(group).members[client] else { return }
    self.group(group).leave(client, incarnation: member.incarnation)
  }

  // MARK: Time

  /// One call's time goes by: markers are written, silent members and transactions expire.
  public func tick() {
    now += 1
    let due = pendingMarkers.filter { $0.due <= now }
    pendingMarkers.removeAll { $0.due <= now }
    for markers in due { write(markers) }
    for group in groups.values { group.expire(now: now, timeout: sessionTimeout) }
    for (id, producer) in producers {
      guard let transaction = producer.transaction,
        now - transaction.startedAt > transactionTimeout
      else { continue }
      producers[id]?.epoch += 1
      end(id, committed: false)
    }
  }

  // MARK: Used by SimulatedLog

  func partitionOf(_ partition: TopicPartition) -> SimulatedPartition? {
    guard let row = topics[partition.topic], partition.partition >= 0,
      Int(partition.partition) < row.count
    else { return nil }
    return row[Int(partition.partition)]
  }

  func group(_ name: String) -> SimulatedGroup {
    if let group = groups[name] { return group }
    let group = SimulatedGroup()
    groups[name] = group
    return group
  }

  func nextIncarnation() -> Int {
    lastIncarnation += 1
    return lastIncarnation
  }

  /// Takes the transactional id over: an open transaction of it is aborted, its producer fenced.
  func initProducer(_ id: String) -> Int {
    if producers[id]?.transaction != nil { end(id, committed: false) }
    writeAllMarkers(of: id)
    let epoch = (producers[id]?.epoch ?? 0) + 1
    producers[id] = Producer(epoch: epoch, transaction: nil)
    return epoch
  }

  func isCurrent(_ id: String, epoch: Int) -> Bool { producers[id]?.epoch == epoch }

  func begin(_ id: String) {
    writeAllMarkers(of: id)
    lastTransaction += 1
    producers[id]?.transaction = Transaction(id: lastTransaction, startedAt: now)
  }

  /// Appends to a partition within the open transaction and answers the offset.
  func appendInTransaction(
    _ id: String, _ partition: TopicPartition, key: [UInt8]?, value: [UInt8]?, headers: [Header]
  ) -> Int64? {
    guard let transaction = producers[id]?.transaction else { return nil }
    producers[id]?.transaction?.partitions.insert(partition)
    return partitionOf(partition)?.append(
      key: key, value: value, headers: headers, timestamp: Int64(now),
      transaction: transaction.id)
  }

  func addOffsets(_ id: String, group: String, _ offsets: [TopicPartition: Int64]) {
    producers[id]?.transaction?.group = group
    producers[id]?.transaction?.offsets.merge(offsets) { $1 }
  }

  /// Throws a member out and aborts its transaction, as when its process hangs for too long.
  func timeOut(client: String, incarnation: Int, group: String) {
    self.group(group).leave(client, incarnation: incarnation)
    guard producers[client]?.transaction != nil else { return }
    producers[client]?.epoch += 1
    end(client, committed: false)
  }

  func hasTransaction(_ id: String) -> Bool { producers[id]?.transaction != nil }

  /// Decides the open transaction; its markers follow.
  func end(_ id: String, committed: Bool) {
    guard let transaction = producers[id]?.transaction else { return }
    producers[id]?.transaction = nil
    var markers = PendingMarkers(
      producer: id, transaction: transaction, committed: committed, due: now + markerDelay.ticks)
    if markerDelay.ticks == 0 {
      write(markers)
    } else {
      if markerDelay.offsetsFirst {
        writeOffsets(markers)
        markers.transaction.group = nil
      }
      pendingMarkers.append(markers)
    }
    markerDelay = (0, false)
  }

  /// Whether a transaction that is not fully decided holds an offset of one of these partitions.
  func hasPendingOffsets(group: String, _ partitions: [TopicPartition]) -> Bool {
    let open = producers.values.compactMap(\.transaction) + pendingMarkers.map(\.transaction)
    return open.contains { transaction in
      transaction.group == group && partitions.contains { transaction.offsets[$0] != nil }
    }
  }

  /// A producer's next transaction waits for the markers of the one before.
  private func writeAllMarkers(of id: String) {
    let own = pendingMarkers.filter { $0.producer == id }
    pendingMarkers.removeAll { $0.producer == id }
    for markers in own { write(markers) }
  }

  private func write(_ markers: PendingMarkers) {
    let transaction = markers.transaction
    for partition in transaction.partitions.sorted() {
      partitionOf(partition)?.decide(
        transaction.id, committed: markers.committed, timestamp: Int64(now))
    }
    writeOffsets(markers)
  }

  private func writeOffsets(_ markers: PendingMarkers) {
    guard markers.committed, let group = markers.transaction.group else { return }
    self.group(group).commit(markers.transaction.offsets)
  }
}
