/// The next offset of each owned input partition: committed, and with the transaction under way.
struct Positions {
  private struct Entry {
    /// Where a transaction that is aborted goes back to.
    var committed: Int64
    var next: Int64
    /// Whether the group has `committed` too, or has nothing and is to have nothing yet.
    var isInGroup: Bool
  }
  private let topics: [String]
  private var entries: [[Entry?]]

  /// `topics`: the subscription in order.
  init(topics: [String]) {
    self.topics = topics
    entries = Array(repeating: [], count: topics.count)
  }

  /// The next offset to process, nil where the partition is not owned.
  func next(topic: Int, partition: Int32) -> Int64? {
    guard entries.indices.contains(topic) else { return nil }
    let row = entries[topic]
    guard partition >= 0, Int(partition) < row.count else { return nil }
    return row[Int(partition)]?.next
  }

  func next(of partition: TopicPartition) -> Int64? {
    topics.firstIndex(of: partition.topic).flatMap {
      next(topic: $0, partition: partition.partition)
    }
  }

  /// Moves past a record in the transaction under way.
  mutating func advance(topic: Int, partition: Int32, past offset: Int64) {
    entries[topic][Int(partition)]?.next = offset + 1
  }

  /// Moves past what is no record, as `reached` says for all owned partitions.
  mutating func pass(_ reached: ([TopicPartition: Int64]) -> [TopicPartition: Int64]) {
    for (partition, offset) in reached(collect { $0.next }) {
      guard let topic = topics.firstIndex(of: partition.topic),
        let next = next(topic: topic, partition: partition.partition), next < offset
      else { continue }
      entries[topic][Int(partition.partition)]?.next = offset
    }
  }

  /// `isInGroup`: the group need not be told before the partition moves.
  mutating func own(_ partition: TopicPartition, from offset: Int64, isInGroup: Bool) {
    guard let topic = topics.firstIndex(of: partition.topic), partition.partition >= 0 else {
      return
    }
    let missing = Int(partition.partition) + 1 - entries[topic].count
    if missing > 0 { entries[topic] += Array(repeating: nil, count: missing) }
    entries[topic][Int(partition.partition)] = Entry(
      committed: offset, next: offset, isInGroup: isInGroup)
  }

  mutating func disown(_ partition: TopicPartition) {
    guard let topic = topics.firstIndex(of: partition.topic),
      Int(partition.partition) < entries[topic].count
    else { return }
    entries[topic][Int(partition.partition)] = nil
  }

  mutating func disownAll() { entries = entries.map { _ in [] } }

  /// How many partitions are owned.
  var count: Int { entries.reduce(0) { $0 + $1.count { $0 != nil } } }

  /// The partitions that moved in the transaction under way or are unknown to the group, and where
  /// to.
  var moved: [TopicPartition: Int64] {
    collect { $0.next != $0.committed || !$0.isInGroup ? $0.next : nil }
  }

  /// Whether the group has to be told of a position although nothing moved.
  var hasCorrections: Bool { entries.contains { $0.contains { $0?.isInGroup == false } } }

  /// The committed offsets of all owned partitions.
  var committed: [TopicPartition: Int64] { collect { $0.committed } }

  mutating func commit() {
    updateAll {
      $0.committed = $0.next
      $0.isInGroup = true
    }
  }
  mutating func drop() { updateAll { $0.next = $0.committed } }

  private mutating func updateAll(_ update: (inout Entry) -> Void) {
    for topic in entries.indices {
      for partition in entries[topic].indices {
        guard var entry = entries[topic][partition] else { continue }
        update(&entry)
        entries[topic][partition] = entry
      }
    }
  }

  private func collect(_ offset: (Entry) -> Int64?) -> [TopicPartition: Int64] {
    var result: [TopicPartition: Int64] = [:]
    for topic in entries.indices {
      for (partition, entry) in entries[topic].enumerated() {
        guard let value = entry.flatMap(offset) else { continue }
        result[TopicPartition(topics[topic], Int32(partition))] = value
      }
    }
    return result
  }
}
