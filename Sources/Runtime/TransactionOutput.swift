internal import StateStore
internal import Streaming
internal import Vocabulary

/// Sends what the stages decide within one transaction: outputs at once, internal records packed in
/// one frame for each partition of a channel, and at the end the changelogs.
struct TransactionOutput {
  private let layout: TopicLayout
  private var frames: [[FrameWriter]]
  private var changelogKey: [UInt8] = []
  private var fullNames: [String: String] = [:]

  /// Counted since the last `takeCounts`.
  private(set) var counts = OutputCounts()

  init(layout: TopicLayout) {
    self.layout = layout
    let row = Array(repeating: FrameWriter(), count: Int(layout.partitions))
    frames = Array(repeating: row, count: Channel.allCases.count)
  }

  /// Sends the content of `outbox`, made at `clock`, and empties it.
  mutating func dispatch(
    _ outbox: inout Outbox, clock: Instant, to log: some TransactionalLog
  ) throws(LogFailure) {
    for record in outbox.internalRecords {
      let partition = Partitioner.partition(of: record.key, count: layout.partitions)
      let channel = Int(record.channel.rawValue)
      frames[channel][Int(partition)].append(record.payload, clock: clock)
      if frames[channel][Int(partition)].byteCount >= FrameWriter.softLimit {
        try flushFrame(record.channel, partition, to: log)
      }
    }
    for output in outbox.outputs { try send(output, to: log) }
    outbox.removeAll()
  }

  /// Sends the frames begun.
  mutating func flushFrames(to log: some TransactionalLog) throws(LogFailure) {
    for channel in Channel.allCases {
      for partition in 0..<layout.partitions {
        try flushFrame(channel, partition, to: log)
      }
    }
  }

  /// Sends an overlay's writes and the record that says where they stand, which comes last: its
  /// offset is the store's position.
  mutating func sendChangelog(
    _ overlay: StateOverlay, meta: StateMeta, channel: Channel, partition: Int32,
    to log: some TransactionalLog
  ) throws(LogFailure) {
    let topic = fullName(channel.changelogTopic)
    for (key, value) in overlay.writes {
      ChangelogKey.write(key, to: &changelogKey)
      try TransactionOutput.produce(log, topic, partition, changelogKey, value)
    }
    counts.changelogRecords += overlay.writes.count + 1
    try TransactionOutput.produce(
      log, topic, partition, ChangelogKey.meta, meta.changelogValue)
  }

  /// Forgets frames begun: the transaction is aborted.
  mutating func drop() {
    for channel in frames.indices {
      for partition in frames[channel].indices { frames[channel][partition].removeAll() }
    }
    counts = OutputCounts()
  }

  /// What was sent since the last call.
  mutating func takeCounts() -> OutputCounts {
    defer { counts = OutputCounts() }
    return counts
  }

  private mutating func flushFrame(
    _ channel: Channel, _ partition: Int32, to log: some TransactionalLog
  ) throws(LogFailure) {
    let index = Int(channel.rawValue)
    guard frames[index][Int(partition)].recordCount > 0 else { return }
    counts.frames += 1
    let topic = fullName(channel.inputTopic)
    try frames[index][Int(partition)].flush { (bytes) throws(LogFailure) in
      try log.produce(topic: topic, partition: partition, key: nil, value: bytes, headers: [])
    }
  }

  private mutating func send(
    _ output: OutputRecord, to log: some TransactionalLog
  ) throws(LogFailure) {
    counts.add(output)
    try TransactionOutput.produce(
      log, fullName(output.topic), nil, output.key, output.value, output.headers)
  }

  private mutating func fullName(_ suffix: String) -> String {
    if let name = fullNames[suffix] { return name }
    let name = layout.full(suffix)
    fullNames[suffix] = name
    return name
  }

  private static func produce(
    _ log: some TransactionalLog, _ topic: String, _ partition: Int32?, _ key: [UInt8]?,
    _ value: [UInt8]?, _ headers: [Header] = []
  ) throws(LogFailure) {
    try withBytes(key) { (key) throws(LogFailure) in
      try withBytes(value) { (value) throws(LogFailure) in
        try log.produce(
          topic: topic, partition: partition, key: key, value: value, headers: headers)
      }
    }
  }
}

/// What a transaction sent.
struct OutputCounts {
  var frames = 0
  var changelogRecords = 0
  /// By the first component of the topic's name: `referrals`, `alerts`, `decisions`,
  /// `deadletters`.
  var outputs: [String: Int] = [:]

  mutating func add(_ output: OutputRecord) {
    let kind = output.topic.prefix { $0 != "." }
    outputs[String(kind), default: 0] += 1
  }
}

/// Calls `body` with the bytes, or nil where there are none.
private func withBytes(
  _ bytes: [UInt8]?, _ body: (UnsafeRawBufferPointer?) throws(LogFailure) -> Void
) throws(LogFailure) {
  guard let bytes else { return try body(nil) }
  try bytes.span.withUnsafeBytes { (bytes) throws(LogFailure) in try body(bytes) }
}
