import CRdKafka

/// Takes records in batches from one of librdkafka's queues; shared by consumer and reader.
///
/// A class, because librdkafka calls back into the owner (rebalance) while a poll is running: no
/// access to a stored property may be open across a C call.
final class RecordPoller {
  private let client: ClientHandle
  private let queue: OpaquePointer
  private var current: KafkaBatch?
  private var isPolling = false
  var table = PartitionTable()
  /// Slots assigned by a callback inside the present batch call.
  private var fresh: Set<Int32> = []
  /// Called with slots whose records were dropped and must be fetched again.
  var refetch: ((Set<Int32>) -> [KafkaEvent])?
  private var burst: PrefetchBurst

  /// Takes over the queue.
  init(client: ClientHandle, queue: OpaquePointer, settings: KafkaConfiguration.Consumer) {
    self.client = client
    self.queue = queue
    burst = PrefetchBurst(records: settings.prefetchRecords, bytes: settings.prefetchBytes)
  }

  deinit { rd_kafka_queue_destroy(queue) }

  // MARK: Ownership

  /// From now on records of the partition are delivered, none below `offset`.
  func own(_ partition: KafkaPartition, from offset: Int64?) {
    let slot = table.slot(of: partition)
    table[slot].isOwned = true
    table[slot].next = offset
    table[slot].hasDelivered = false
    if isPolling { fresh.insert(slot) }
  }

  /// Records of the partition that are still on their way are dropped.
  func disown(_ partition: KafkaPartition) {
    guard let slot = table.existingSlot(of: partition) else { return }
    table[slot].isOwned = false
    table[slot].next = nil
    table[slot].hasDelivered = false
  }

  var owned: [KafkaPartition] { table.entries.filter(\.isOwned).map(\.partition) }

  // MARK: Polling

  /// Returns what is there at once, or else waits up to `wait` for a first record or event; then
  /// gathers up to `maxRecords`, for at most `linger` more.
  func poll(
    maxRecords: Int, wait: Duration, linger: Duration, operation: String
  ) throws(KafkaFailure) -> KafkaBatch {
    guard !isPolling else {
      throw KafkaFailure(RD_KAFKA_RESP_ERR__STATE, operation)
    }
    isPolling = true
    defer { isPolling = false }
    try client.checkUsable(operation)
    let batch = emptyBatch(capacity: max(maxRecords, 1))
    table.forgetLast()
    drain(into: batch, 0)
    if batch.isEmpty, wait > .zero {
      if let message = awaitFirst(wait) {
        sort(message, into: batch)
        drain(into: batch, 0)
      }
    }
    if batch.count > 0, linger > .zero { drain(into: batch, linger.milliseconds) }
    try client.checkUsable(operation)
    return batch
  }

  /// Waits for a first message.
  ///
  /// After a run of records that filled librdkafka's prefetch, its broker thread may be asleep: it
  /// stops fetching when all queues are full, and 2.0.2 looks again only after a second or on its
  /// next other business. A small request to the leader is such business.
  private func awaitFirst(_ wait: Duration) -> KafkaBatch.Message? {
    let deadline = Deadline(wait)
    if burst.mayHaveStalled {
      let grace = min(wait, .milliseconds(5))
      if let message = rd_kafka_consume_queue(queue, grace.milliseconds) { return message }
      let behind = partitionsBehind()
      for partition in behind.prefix(4) {
        _ = try? client.watermarks(partition, limit: min(wait, .milliseconds(200)))
      }
      if behind.isEmpty { burst.reset() }
    } else {
      burst.reset()
    }
    return rd_kafka_consume_queue(queue, deadline.remaining.milliseconds)
  }

  /// Partitions with records in the log that are not handed out yet, in random order, so that all
  /// leaders get their turn.
  private func partitionsBehind() -> [KafkaPartition] {
    table.entries.filter { entry in
      guard entry.isOwned, let next = entry.next else { return false }
      return (client.fetchedWatermarks(entry.partition)?.high ?? 0) > next
    }.map(\.partition).shuffled()
  }

  /// Drops the poller's own hold on the last batch.
  func releaseBatch() {
    if isKnownUniquelyReferenced(&current) { current?.release() }
    current = nil
  }

  /// The last batch, emptied, where nobody holds it any more; else a new one.
  private func emptyBatch(capacity: Int) -> KafkaBatch {
    if isKnownUniquelyReferenced(&current), let current {
      current.reset(capacity: capacity)
      return current
    }
    let batch = KafkaBatch(client: client, capacity: capacity)
    current = batch
    return batch
  }

  /// One batch call.
  ///
  /// A rebalance may run inside it, after it took records: librdkafka 2.0.2 purges those of revoked
  /// partitions only where its own message about that arrives in the same call, and
  /// `rd_kafka_yield` in the callback makes the call lose a record. So records of partitions no
  /// longer owned are dropped here, and a partition that was assigned inside the call starts over:
  /// what the call took of it may be from before.
  private func drain(into batch: KafkaBatch, _ milliseconds: Int32) {
    let free = batch.free
    guard free.count > 0, let base = free.baseAddress else { return }
    fresh.removeAll(keepingCapacity: true)
    let first = batch.count
    let taken = rd_kafka_consume_batch_queue(queue, milliseconds, base, free.count)
    guard taken > 0 else { return }
    sort(free[..<taken], into: batch)
    guard !fresh.isEmpty else { return }
    var startOver: Set<Int32> = []
    for index in first..<batch.count where fresh.contains(Int32(batch[index].slot)) {
      startOver.insert(Int32(batch[index].slot))
    }
    guard !startOver.isEmpty else { return }
    _ = batch.drop(from: first) { startOver.contains($0) }
    if let refetch { batch.events += refetch(startOver) }
  }

  /// Sorts messages into records and events. Slot and expected offset are looked up once for each
  /// run of records of one partition.
  private func sort(
    _ messages: Slice<UnsafeMutableBufferPointer<KafkaBatch.Message?>>, into batch: KafkaBatch
  ) {
    var topic: OpaquePointer?
    var partition: Int32 = -1
    var slot: Int32 = -1
    var isOwned = false
    var next: Int64?
    var bytes = 0
    let first = batch.count
    for message in messages {
      guard let message else { continue }
      guard message.pointee.err == RD_KAFKA_RESP_ERR_NO_ERROR, let from = message.pointee.rkt
      else {
        event(from: message, into: batch)
        continue
      }
      if from != topic || message.pointee.partition != partition {
        if slot >= 0 { table.advance(slot, to: next) }
        topic = from
        partition = message.pointee.partition
        slot = table.slot(topic: from, partition: partition)
        isOwned = table[slot].isOwned
        next = table[slot].next
      }
      let offset = message.pointee.offset
      guard isOwned else {
        rd_kafka_message_destroy(message)
        continue
      }
      if let expected = next, offset < expected {
        let failure = KafkaFailure(
          .offsetsWentBack, operation: "consume", partition: table[slot].partition,
          detail: "offset \(offset), expected \(expected) or more")
        batch.events.append(.failure(failure))
        rd_kafka_message_destroy(message)
        continue
      }
      next = offset + 1
      bytes &+= message.pointee.len
      batch.append(message, slot: slot)
    }
    if slot >= 0 { table.advance(slot, to: next) }
    burst.add(records: batch.count - first, bytes: bytes)
  }

  private func sort(_ message: KafkaBatch.Message, into batch: KafkaBatch) {
    var single: KafkaBatch.Message? = message
    withUnsafeMutablePointer(to: &single) {
      sort(UnsafeMutableBufferPointer(start: $0, count: 1)[...], into: batch)
    }
  }

  /// Turns a message that is no record into an event, and destroys it.
  private func event(from message: KafkaBatch.Message, into batch: KafkaBatch) {
    defer { rd_kafka_message_destroy(message) }
    let code = message.pointee.err
    if code == RD_KAFKA_RESP_ERR__FATAL {
      // The poll throws the error behind it.
      client.context.hasFatalError = true
      return
    }
    var partition: KafkaPartition?
    if let topic = message.pointee.rkt {
      let slot = table.slot(topic: topic, partition: message.pointee.partition)
      partition = table[slot].partition
      // Late news of a partition that was given away.
      if message.pointee.partition >= 0, !table[slot].isOwned { return }
    }
    if code == RD_KAFKA_RESP_ERR__PARTITION_EOF {
      guard let partition else { return }
      batch.events.append(.endOfPartition(partition, offset: message.pointee.offset))
      return
    }
    let text = rd_kafka_message_errstr(message).map { String(cString: $0) } ?? ""
    batch.events.append(
      .failure(
        KafkaFailure(
          KafkaErrorCode(code), operation: "consume", partition: partition, detail: text)))
  }
}

/// How much was handed out since the queue was last found empty: less than one partition's share
/// of prefetched records cannot have stopped the fetching.
struct PrefetchBurst {
  private let recordLimit: Int
  private let byteLimit: Int
  private var records = 0
  private var bytes = 0

  init(records: Int, bytes: Int) {
    recordLimit = records
    byteLimit = bytes
  }

  var mayHaveStalled: Bool { records >= recordLimit || bytes >= byteLimit }

  mutating func add(records count: Int, bytes size: Int) {
    records &+= count
    bytes &+= size
  }

  mutating func reset() {
    records = 0
    bytes = 0
  }
}
