import CRdKafka

/// The partitions a client has seen, each under a small number (slot) that never changes, with the
/// offset its next record must have at least.
struct PartitionTable {
  struct Entry {
    let partition: KafkaPartition
    /// Records with a lower offset are an error; nil until the first record or start is known.
    var next: Int64?
    /// True while this client may deliver records of the partition.
    var isOwned = false
    /// True once a record was handed out since the last assignment or seek.
    var hasDelivered = false
  }

  private(set) var entries: [Entry] = []
  private var slotOf: [KafkaPartition: Int32] = [:]
  /// librdkafka's topic objects and partition numbers seen before. The object may be freed and its
  /// address reused, so a hit is confirmed by comparing the name.
  private var shortcuts: [Shortcut] = []
  private struct Shortcut {
    let topic: OpaquePointer
    let partition: Int32
    let slot: Int32
  }
  private var last: Shortcut?

  subscript(slot: Int32) -> Entry {
    get { entries[Int(slot)] }
    set { entries[Int(slot)] = newValue }
  }

  /// Notes how far a run of records of one partition led.
  mutating func advance(_ slot: Int32, to next: Int64?) {
    guard entries[Int(slot)].isOwned, entries[Int(slot)].next != next else { return }
    entries[Int(slot)].next = next
    entries[Int(slot)].hasDelivered = true
  }

  mutating func slot(of partition: KafkaPartition) -> Int32 {
    if let slot = slotOf[partition] { return slot }
    let slot = Int32(entries.count)
    entries.append(Entry(partition: partition))
    slotOf[partition] = slot
    return slot
  }

  func existingSlot(of partition: KafkaPartition) -> Int32? { slotOf[partition] }

  /// The slot of a message's partition. Records come in runs of one partition, so mostly this is
  /// one comparison.
  mutating func slot(topic: OpaquePointer, partition: Int32) -> Int32 {
    if let last, last.topic == topic, last.partition == partition { return last.slot }
    if let hit = shortcuts.first(where: { $0.topic == topic && $0.partition == partition }),
      isNamed(topic, entries[Int(hit.slot)].partition.topic)
    {
      last = hit
      return hit.slot
    }
    shortcuts.removeAll { $0.topic == topic && $0.partition == partition }
    let name = String(cString: rd_kafka_topic_name(topic))
    let found = slot(of: KafkaPartition(name, partition))
    let shortcut = Shortcut(topic: topic, partition: partition, slot: found)
    shortcuts.append(shortcut)
    last = shortcut
    return found
  }

  /// To be called where topic objects may have been freed: between polls.
  mutating func forgetLast() { last = nil }

  private func isNamed(_ topic: OpaquePointer, _ name: String) -> Bool {
    guard let text = rd_kafka_topic_name(topic) else { return false }
    var index = 0
    for byte in name.utf8 {
      guard UInt8(bitPattern: text[index]) == byte else { return false }
      index += 1
    }
    return text[index] == 0
  }
}

/// Whether offsets of one partition follow each other.
///
/// Topics written in transactions have gaps where markers and aborted records lie, so only a step
/// back is a sure sign of trouble; a gap in a topic written without transactions is one as well.
public struct KafkaOffsetContinuity: Sendable {
  public enum Finding: Equatable, Sendable {
    /// The expected offset, or the first one seen.
    case next
    /// So many offsets were skipped.
    case gap(Int64)
    /// The offset was delivered before, or lies before the start.
    case back(expected: Int64)
  }

  /// The lowest offset that may come next, nil before the first.
  public private(set) var expected: Int64?

  public init(expected: Int64? = nil) { self.expected = expected }

  public mutating func observe(_ offset: Int64) -> Finding {
    guard let expected else {
      self.expected = offset + 1
      return .next
    }
    if offset < expected { return .back(expected: expected) }
    self.expected = offset + 1
    return offset == expected ? .next : .gap(offset - expected)
  }
}
