internal import StateStore
internal import Streaming
internal import Vocabulary

/// Sends what the stages decide within one transaction: internal records packed in frames for each
/// partition of a channel, outputs, and the changelogs.
///
/// A partition is registered with the transaction at its first record. librdkafka (2.0.2) gathers
/// those of one millisecond in one request, and its main thread spins for that millisecond. So
/// partitions had better begin together: all waits for the end, unless it becomes very much, and
/// then the first record of every changelog comes before all else.
struct TransactionOutput {
  private let layout: TopicLayout
  /// By channel and partition.
  private var frames: [[FrameWriter]]
  /// Writers to put in the place of those that are handed out.
  private var spareWriters: [FrameWriter] = []
  /// Outputs that wait for the end of the transaction, and their bytes.
  private var waiting: [OutputRecord] = []
  private var waitingBytes = 0
  private static let waitingLimit = 1 << 20
  /// The bytes of frames that wait.
  private(set) var framedBytes = 0
  private var changelogKey: [UInt8] = []
  private var fullNames: [String: String] = [:]

  /// Counted since the last `takeCounts`.
  private(set) var counts = OutputCounts()

  init(layout: TopicLayout) {
    self.layout = layout
    frames = Channel.allCases.map { _ in (0..<layout.partitions).map { _ in FrameWriter() } }
  }

  /// Takes the content of `outbox`, made at `clock`, and empties it; sends the outputs where they
  /// have become too large to wait.
  mutating func dispatch(
    _ outbox: inout Outbox, clock: Instant, to log: some TransactionalLog
  ) throws(LogFailure) {
    outbox.eachInternal { channel, keyHash, payload in
      let partition = Partitioner.partition(ofHash: keyHash, count: layout.partitions)
      let frame = frames[Int(channel.rawValue)][Int(partition)]
      let before = frame.byteCount
      frame.append(payload, clock: clock)
      framedBytes += frame.byteCount - before
    }
    for output in outbox.outputs {
      waitingBytes += (output.key?.count ?? 0) + (output.value?.count ?? 0)
      waiting.append(output)
    }
    outbox.removeAll()
    if waitingBytes >= TransactionOutput.waitingLimit { try sendOutputs(to: log) }
  }

  /// Whether frames wait for a partition of a channel.
  func hasFrames(_ channel: Channel, _ partition: Int32) -> Bool {
    frames[Int(channel.rawValue)][Int(partition)].recordCount > 0
  }

  /// The frames that wait for a partition of a channel, for who takes them to their stage instead
  /// of the log, and gives the writer back.
  mutating func takeFrames(_ channel: Channel, _ partition: Int32) -> FrameWriter {
    let taken = frames[Int(channel.rawValue)][Int(partition)]
    frames[Int(channel.rawValue)][Int(partition)] = spareWriters.popLast() ?? FrameWriter()
    framedBytes -= taken.byteCount
    return taken
  }

  /// Takes a writer back whose frames were processed.
  mutating func giveBack(_ writer: FrameWriter) { spareWriters.append(writer) }

  /// Sends a mark to a partition of a channel, behind all frames sent before: an empty frame with a
  /// key.
  mutating func sendMark(
    _ number: UInt64, _ channel: Channel, _ partition: Int32, to log: some TransactionalLog
  ) throws(LogFailure) {
    try TransactionOutput.produce(
      log, fullName(channel.inputTopic), partition, Mark.key(number), FrameWriter.empty)
  }

  /// Sends the first of an overlay's writes.
  mutating func beginChangelog(
    _ overlay: StateOverlay, channel: Channel, partition: Int32, to log: some TransactionalLog
  ) throws(LogFailure) {
    guard let (key, value) = overlay.writes.first else { return }
    try send(key, value, to: fullName(channel.changelogTopic), partition, log)
  }

  /// Sends the rest of an overlay's writes and the record that says where they stand, which comes
  /// last: its offset is the store's position.
  mutating func endChangelog(
    _ overlay: StateOverlay, meta: StateMeta, channel: Channel, partition: Int32,
    to log: some TransactionalLog
  ) throws(LogFailure) {
    let topic = fullName(channel.changelogTopic)
    var isFirst = true
    for (key, value) in overlay.writes {
      if !isFirst { try send(key, value, to: topic, partition, log) }
      isFirst = false
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
    framedBytes = 0
    forgetOutputs()
    counts = OutputCounts()
  }

  /// What was sent since the last call.
  mutating func takeCounts() -> OutputCounts {
    defer { counts = OutputCounts() }
    return counts
  }

  /// Sends a write of an overlay.
  private mutating func send(
    _ key: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer?, to topic: String,
    _ partition: Int32, _ log: some TransactionalLog
  ) throws(LogFailure) {
    ChangelogKey.write(key, to: &changelogKey)
    try changelogKey.span.withUnsafeBytes { (key) throws(LogFailure) in
      try log.produce(topic: topic, partition: partition, key: key, value: value, headers: [])
    }
  }

  /// Sends the outputs that wait.
  mutating func sendOutputs(to log: some TransactionalLog) throws(LogFailure) {
    for output in waiting { try send(output, to: log) }
    forgetOutputs()
  }

  private mutating func forgetOutputs() {
    waiting.removeAll(keepingCapacity: true)
    waitingBytes = 0
  }

  /// Sends the frames that wait.
  mutating func sendFrames(to log: some TransactionalLog) throws(LogFailure) {
    for channel in Channel.allCases {
      let topic = fullName(channel.inputTopic)
      for partition in 0..<layout.partitions {
        let frame = frames[Int(channel.rawValue)][Int(partition)]
        counts.frames += frame.frameCount
        try frame.flush { (bytes) throws(LogFailure) in
          try log.produce(topic: topic, partition: partition, key: nil, value: bytes, headers: [])
        }
      }
    }
    framedBytes = 0
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
