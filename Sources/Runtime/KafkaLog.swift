public import KafkaIO
public import Logging
public import StateStore
public import Streaming

/// The worker's log on a Kafka cluster: a consumer in the group and a transactional producer, which
/// share their fate, and a reader of changelogs.
///
/// Joining happens in the first `poll`, so that a broker that is away at the start is waited for as
/// one that goes away later.
public final class KafkaLog: TransactionalLog {
  public typealias Batch = KafkaLogBatch

  /// How a worker takes part.
  public struct Settings: Sendable {
    public var group: String
    /// One for each worker of all daemons: a second producer under it fences the first.
    public var transactionalID: String
    /// How long a poll gathers records after the first.
    public var linger: Duration = .milliseconds(5)
    /// The longest time a commit or abort may take before it is tried again.
    public var transactionLimit: Duration = .seconds(15)
    /// The longest time a changelog may bring nothing: longer than `transactionTimeout`, since a
    /// dead owner's transaction is waited for.
    public var stallLimit: Duration = .seconds(120)
    /// Changelogs are read by a new owner only: by default the CPU counts more than the space.
    public var changelogCompression = KafkaConfiguration.Compression.none
    /// Says how to make a topic that is wanted and missing, by its full name; nil where it is not
    /// known, then the broker decides.
    public var missingTopic: @Sendable (String) -> KafkaTopicSpecification? = { _ in nil }

    public init(group: String, transactionalID: String) {
      self.group = group
      self.transactionalID = transactionalID
    }
  }

  private let settings: Settings
  private let layout: TopicLayout
  private let configuration: KafkaConfiguration
  private let logger: Logger
  private let admin: KafkaAdmin
  private let changelogTopics: Set<String>
  private let topicIndex: [String: Int]
  private let relay = RebalanceRelay()
  private var consumer: KafkaConsumer?
  private var producer: KafkaProducer?
  private var reader: KafkaReader?
  private var topics: [String: ProducedTopic] = [:]
  /// Where the last record went: thousands go to one changelog in a row.
  private var latestTopic: (name: String, topic: ProducedTopic)?
  /// Topics that the cluster is known to have.
  private var existingTopics: Set<String> = []
  /// The topic's index in the subscription, by the consumer's slot.
  private var topicOfSlot: [Int] = []
  private var isTransactionOpen = false

  /// A topic opened by the producer; of changelogs the delivered offsets are wanted.
  private final class ProducedTopic {
    let topic: KafkaTopic
    let isChangelog: Bool
    var marks: [Int32: KafkaDeliveryMark] = [:]
    init(topic: KafkaTopic, isChangelog: Bool) {
      self.topic = topic
      self.isChangelog = isChangelog
    }
  }

  /// Checks the configuration; connects later.
  public init(
    layout: TopicLayout, settings: Settings, configuration: KafkaConfiguration, logger: Logger
  ) throws(KafkaConfigurationError) {
    self.settings = settings
    self.layout = layout
    // Positions are always told. One that retention overtook while records waited must come to
    // light, as one that it overtook while the daemon was away does.
    var configuration = configuration
    configuration.consumer.offsetReset = .fail
    self.configuration = configuration
    self.logger = logger
    admin = try KafkaAdmin(configuration: configuration, logger: logger)
    changelogTopics = Set(Channel.allCases.map { layout.full($0.changelogTopic) })
    var index: [String: Int] = [:]
    for (position, topic) in layout.subscription.enumerated() { index[topic] = position }
    topicIndex = index
    // A producer made and dropped finds settings that librdkafka refuses.
    _ = try KafkaProducer(
      transactionalID: settings.transactionalID, configuration: configuration, logger: logger)
  }

  // MARK: Consuming

  public func poll(
    max: Int, milliseconds: Int, handler: some AssignmentHandler
  ) throws(LogFailure) -> KafkaLogBatch {
    try join()
    let consumer = try joined()
    relay.handler = handler
    defer { relay.handler = nil }
    let batch = try kafka { () throws(KafkaFailure) in
      try consumer.poll(
        maxRecords: max, wait: .milliseconds(milliseconds), linger: settings.linger)
    }
    if let failure = relay.takeFailure() { throw failure }
    for case .failure(let failure) in batch.events where failure.recovery != .retry {
      throw LogFailure(failure)
    }
    return KafkaLogBatch(batch: batch, topicOfSlot: topics(of: batch, consumer))
  }

  public func seek(_ positions: [TopicPartition: Int64]) throws(LogFailure) {
    let consumer = try joined()
    do throws(KafkaFailure) {
      try consumer.seek(kafkaOffsets(positions))
    } catch {
      // Such as `_STATE` for a partition that librdkafka does not read at the moment. Whatever the
      // reason, whoever joins again reads from where it says.
      guard error.recovery != .retry else { throw LogFailure(error) }
      throw LogFailure(.fenced, code: error.code.name, detail: error.description)
    }
  }

  public func committed(
    _ partitions: [TopicPartition]
  ) throws(LogFailure) -> [TopicPartition: Int64] {
    let consumer = try joined()
    let offsets = try kafka { () throws(KafkaFailure) in
      try consumer.committed(partitions.map(\.kafka))
    }
    var result: [TopicPartition: Int64] = [:]
    for (partition, offset) in offsets { result[TopicPartition(partition)] = offset }
    return result
  }

  public func bounds(
    _ partitions: [TopicPartition]
  ) throws(LogFailure) -> [TopicPartition: LogBounds] {
    let marks = try kafka { () throws(KafkaFailure) in
      try admin.watermarks(partitions.map(\.kafka), limit: configuration.requestTimeout)
    }
    return marks.reduce(into: [:]) { bounds, mark in
      bounds[TopicPartition(mark.key)] = LogBounds(start: mark.value.low, end: mark.value.high)
    }
  }

  public func restore(
    _ starts: [(partition: TopicPartition, offset: Int64)],
    _ body: (Int, ChangelogRecord) throws(LogFailure) -> Void
  ) throws(LogFailure) -> [Int64] {
    let reader = try changelogReader()
    var wanted: [KafkaPartition: KafkaStart] = [:]
    var indexOf: [KafkaPartition: Int] = [:]
    for (index, start) in starts.enumerated() {
      wanted[start.partition.kafka] = .offset(start.offset)
      indexOf[start.partition.kafka] = index
    }
    defer { reader.stopAll() }
    let reading = try kafka { () throws(KafkaFailure) in
      try reader.readToEnd(wanted, stallLimit: settings.stallLimit)
    }
    var indexOfSlot: [Int: Int] = [:]
    while let batch = try kafka({ () throws(KafkaFailure) in try reading.next() }) {
      for position in 0..<batch.count {
        let record = batch[position]
        if indexOfSlot[record.slot] == nil {
          indexOfSlot[record.slot] = reader.partition(ofSlot: record.slot).flatMap { indexOf[$0] }
        }
        guard let index = indexOfSlot[record.slot], let key = record.key else { continue }
        try body(index, ChangelogRecord(offset: record.offset, key: key, value: record.value))
      }
      batch.release()
    }
    return starts.map { max(reading.positions[$0.partition.kafka] ?? $0.offset, $0.offset) }
  }

  public func reached(_ positions: [TopicPartition: Int64]) -> [TopicPartition: Int64] {
    guard let reached = consumer?.reached(kafkaOffsets(positions)) else { return positions }
    return reached.reduce(into: [:]) { $0[TopicPartition($1.key)] = $1.value }
  }

  public func lag(_ partition: TopicPartition, position: Int64) -> Int64? {
    consumer?.lag(partition.kafka, behind: position)
  }

  // MARK: Producing

  public func begin() throws(LogFailure) {
    let producer = try opened()
    isTransactionOpen = true
    try kafka { () throws(KafkaFailure) in try producer.beginTransaction() }
  }

  public func produce(
    topic: String, partition: Int32?, key: UnsafeRawBufferPointer?,
    value: UnsafeRawBufferPointer?, headers: [Header]
  ) throws(LogFailure) {
    let producer = try opened()
    let target = try producedTopic(topic, producer)
    let mark = target.isChangelog ? self.mark(target, partition, producer) : nil
    try kafka { () throws(KafkaFailure) in
      if headers.isEmpty {
        try producer.produce(
          target.topic, partition: partition, key: key, value: value, mark: mark)
      } else {
        try producer.produce(
          target.topic, partition: partition, key: key, value: value,
          headers: headers.map { KafkaHeader($0.name, $0.value) }, mark: mark)
      }
    }
  }

  public func sendOffsets(_ offsets: [TopicPartition: Int64]) throws(LogFailure) {
    let producer = try opened()
    let consumer = try joined()
    try kafka { () throws(KafkaFailure) in
      try producer.sendOffsets(
        kafkaOffsets(offsets), group: try consumer.groupMetadata(),
        limit: settings.transactionLimit)
    }
  }

  public func commit() throws(LogFailure) {
    let producer = try opened()
    do throws(KafkaFailure) {
      try producer.commitTransaction(limit: settings.transactionLimit)
    } catch {
      // Whatever else librdkafka asks for: if the broker may have committed, only the committed
      // offsets tell, and joining again reads them.
      if error.outcomeUnknown, error.recovery == .abortBatch {
        throw LogFailure(.fenced, code: error.code.name, detail: error.description)
      }
      throw LogFailure(error)
    }
    isTransactionOpen = false
  }

  public func abort() throws(LogFailure) {
    guard isTransactionOpen else { return }
    let producer = try opened()
    try kafka { () throws(KafkaFailure) in
      try producer.abortTransaction(limit: settings.transactionLimit)
    }
    isTransactionOpen = false
  }

  public func producedThrough(_ partition: TopicPartition) -> Int64? {
    guard let mark = topics[partition.topic]?.marks[partition.partition] else { return nil }
    return producer?.delivered(mark).map { $0 + 1 }
  }

  // MARK: Life

  public func join() throws(LogFailure) {
    if consumer == nil || producer == nil { try rejoin() }
  }

  public var joinTimes: JoinTimes { relay.times }

  /// The group is joined beside the producer's start: partitions are taken over in `poll` only, so
  /// after the predecessor's transaction is decided.
  public func rejoin() throws(LogFailure) {
    drop()
    do throws(LogFailure) {
      let consumer = try configured { () throws(KafkaConfigurationError) in
        try KafkaConsumer(group: settings.group, configuration: configuration, logger: logger)
      }
      self.consumer = consumer
      consumer.delegate = relay
      relay.begin()
      try kafka { () throws(KafkaFailure) in try consumer.subscribe(layout.subscription) }
      producer = try startedProducer()
      relay.producerStarted()
    } catch {
      drop()
      throw error
    }
  }

  /// A producer that has decided what its predecessor left open.
  ///
  /// Where that was a transaction, the broker aborts it and lets the producer come back, for which
  /// librdkafka 2.0.2 waits half a second although the abort takes milliseconds. A new producer
  /// asks at once; the pauses grow up to librdkafka's own.
  private func startedProducer() throws(LogFailure) -> KafkaProducer {
    let end = ContinuousClock.now + settings.transactionLimit
    var patience = Duration.milliseconds(25)
    while true {
      let producer = try connectedProducer()
      guard try start(producer, patience, until: end) else {
        patience *= 2
        continue
      }
      return producer
    }
  }

  /// False where the producer had better be replaced.
  private func start(
    _ producer: KafkaProducer, _ patience: Duration, until end: ContinuousClock.Instant
  ) throws(LogFailure) -> Bool {
    while true {
      do throws(KafkaFailure) {
        // Cut short it goes on inside the producer, and the next call waits for the same answer.
        try producer.initTransactions(limit: patience)
        return true
      } catch {
        guard error.recovery == .retry, ContinuousClock.now < end else { throw LogFailure(error) }
        if error.code == .concurrentTransactions, patience < .milliseconds(500) { return false }
      }
    }
  }

  private func connectedProducer() throws(LogFailure) -> KafkaProducer {
    let producer = try configured { () throws(KafkaConfigurationError) in
      try KafkaProducer(
        transactionalID: settings.transactionalID, configuration: configuration, logger: logger)
    }
    producer.connect(limit: settings.transactionLimit)
    return producer
  }

  private func configured<Client>(
    _ make: () throws(KafkaConfigurationError) -> Client
  ) throws(LogFailure) -> Client {
    do throws(KafkaConfigurationError) {
      return try make()
    } catch {
      throw LogFailure(.fatal, code: "kafka-configuration", detail: error.description)
    }
  }

  public func close() { drop() }

  /// Leaves the group and lets go of the clients. An open transaction is decided by the next
  /// producer of the same transactional id, or by its timeout.
  private func drop() {
    consumer?.close()
    consumer = nil
    topics = [:]
    latestTopic = nil
    topicOfSlot = []
    producer = nil
    reader = nil
    isTransactionOpen = false
  }

  // MARK: Inside

  private func joined() throws(LogFailure) -> KafkaConsumer {
    guard let consumer else { throw LogFailure(.fenced, code: "not-joined") }
    return consumer
  }

  private func opened() throws(LogFailure) -> KafkaProducer {
    guard let producer else { throw LogFailure(.fenced, code: "not-joined") }
    return producer
  }

  private func changelogReader() throws(LogFailure) -> KafkaReader {
    if let reader { return reader }
    var quick = configuration
    quick.consumer.isolation = .readCommitted
    // The end of a changelog that has nothing new is then known soon.
    quick.consumer.fetchWait = .milliseconds(10)
    do throws(KafkaConfigurationError) {
      let reader = try KafkaReader(configuration: quick, logger: logger)
      self.reader = reader
      return reader
    } catch {
      throw LogFailure(.fatal, code: "kafka-configuration", detail: error.description)
    }
  }

  private func producedTopic(
    _ name: String, _ producer: KafkaProducer
  ) throws(LogFailure) -> ProducedTopic {
    if let latestTopic, latestTopic.name == name { return latestTopic.topic }
    let known = topics[name]
    let topic = if let known { known } else { try open(name, producer) }
    latestTopic = (name, topic)
    return topic
  }

  private func open(_ name: String, _ producer: KafkaProducer) throws(LogFailure) -> ProducedTopic {
    try makeIfMissing(name)
    let isChangelog = changelogTopics.contains(name)
    var compression = isChangelog ? settings.changelogCompression : nil
    // Frames are read at once and kept for days only: compressing them costs more than it saves.
    if layout.channel(ofInput: name) != nil { compression = KafkaConfiguration.Compression.none }
    let topic = try kafka { () throws(KafkaFailure) in
      try producer.topic(name, compression: compression)
    }
    let produced = ProducedTopic(topic: topic, isChangelog: isChangelog)
    topics[name] = produced
    return produced
  }

  /// Creates an output topic before its first record, as a new district needs it. Without this the
  /// record would wait for a topic that nobody makes, or get one with the broker's settings.
  private func makeIfMissing(_ name: String) throws(LogFailure) {
    guard !existingTopics.contains(name), let wanted = settings.missingTopic(name) else { return }
    let limit = configuration.requestTimeout
    existingTopics.formUnion(
      try kafka { () throws(KafkaFailure) in Set(try admin.topics(limit: limit).keys) })
    guard !existingTopics.contains(name) else { return }
    let outcome = try kafka { () throws(KafkaFailure) in
      try admin.createTopics([wanted], limit: limit)[name]
    }
    if case .failed(let failure) = outcome {
      guard failure.recovery == .fatal else { throw LogFailure(failure) }
      throw LogFailure(
        .fatal, code: "missing-topic",
        detail: "\(name) does not exist and cannot be created (\(failure.code.name)): "
          + "outreachd topics apply, with the district in topics.districts")
    }
    try kafka { () throws(KafkaFailure) in try admin.waitForTopics([name], limit: limit) }
    if outcome == .done { logger.notice("topic created", metadata: ["topic": "\(name)"]) }
    existingTopics.insert(name)
  }

  private func mark(
    _ target: ProducedTopic, _ partition: Int32?, _ producer: KafkaProducer
  ) -> KafkaDeliveryMark? {
    guard let partition else { return nil }
    if let mark = target.marks[partition] { return mark }
    let mark = producer.mark(KafkaPartition(target.topic.name, partition))
    target.marks[partition] = mark
    return mark
  }

  /// The index of the topic of each slot that the batch can name.
  private func topics(of batch: KafkaBatch, _ consumer: KafkaConsumer) -> [Int] {
    while let partition = consumer.partition(ofSlot: topicOfSlot.count) {
      topicOfSlot.append(topicIndex[partition.topic] ?? -1)
    }
    return topicOfSlot
  }

  private func kafkaOffsets(_ offsets: [TopicPartition: Int64]) -> [KafkaPartition: Int64] {
    var result: [KafkaPartition: Int64] = [:]
    for (partition, offset) in offsets { result[partition.kafka] = offset }
    return result
  }

  private func kafka<R>(_ call: () throws(KafkaFailure) -> R) throws(LogFailure) -> R {
    do throws(KafkaFailure) {
      return try call()
    } catch {
      throw LogFailure(error)
    }
  }
}

extension Worker where Log == KafkaLog, Opener == StateDirectory {
  /// As `run`; here the compiler knows all types and can specialise the whole loop for them.
  public func run() throws(WorkerStop) { try runUntilStopped() }
}

extension TopicPartition {
  init(_ partition: KafkaPartition) { self.init(partition.topic, partition.partition) }
  var kafka: KafkaPartition { KafkaPartition(topic, partition) }
}

extension LogFailure {
  /// Names a failure of Kafka by what the worker does. Where positions or state may differ from
  /// what Kafka holds, joining again opens the stores anew and reads offsets and changelogs.
  init(_ failure: KafkaFailure) {
    let recovery: Recovery =
      switch failure.recovery {
      case .retry: .retry
      case .abortBatch: .abort
      case .fenced, .restore: .fenced
      case .fatal: .fatal
      }
    self.init(recovery, code: failure.code.name, detail: failure.description)
  }
}
