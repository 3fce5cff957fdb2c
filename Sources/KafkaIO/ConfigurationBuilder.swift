import CRdKafka
import Glibc

/// Turns a `KafkaConfiguration` into librdkafka's own object, property by property.
struct ConfigurationBuilder {
  let configuration: KafkaConfiguration
  private let conf: OpaquePointer

  /// What a client of one kind adds; applied after the common settings.
  enum Role {
    /// `group` is nil for a reader that belongs to no group.
    case consumer(group: String?, KafkaConfiguration.Consumer)
    case producer(transactionalID: String?)
    /// For queries: sees the real end of a log, not the end of what is committed.
    case admin
    /// Owns a mock cluster and never connects itself.
    case unconnected
  }

  /// Properties with a meaning for exactly-once or for memory that must not change unseen.
  static let reserved: [String: String] = [
    "bootstrap.servers": "bootstrapServers", "metadata.broker.list": "bootstrapServers",
    "client.id": "clientID", "group.id": "given to the consumer",
    "group.instance.id": "consumer.instanceID", "transactional.id": "given to the producer",
    "enable.auto.commit": "offsets are committed in transactions only",
    "enable.auto.offset.store": "offsets are committed in transactions only",
    "isolation.level": "consumer.isolation", "enable.partition.eof": "reportsEndOfPartition",
    "auto.offset.reset": "consumer.offsetReset",
    "partition.assignment.strategy": "consumer.assignor",
    "session.timeout.ms": "consumer.sessionTimeout",
    "max.poll.interval.ms": "consumer.maxPollInterval",
    "enable.idempotence": "producers are always idempotent",
    "acks": "producers always wait for all replicas",
    "request.required.acks": "producers always wait for all replicas",
    "transaction.timeout.ms": "producer.transactionTimeout",
    "message.timeout.ms": "producer.deliveryTimeout",
    "delivery.timeout.ms": "producer.deliveryTimeout", "linger.ms": "producer.linger",
    "queue.buffering.max.ms": "producer.linger",
    "partitioner": "keys choose partitions by murmur2",
    "compression.type": "compression", "compression.codec": "compression",
    "message.max.bytes": "maxMessageBytes", "statistics.interval.ms": "statisticsInterval",
    "log.queue": "logs are routed by this module", "security.protocol": "security",
    "sasl.mechanism": "security", "sasl.mechanisms": "security", "sasl.username": "security",
    "sasl.password": "security with a password file",
    "ssl.key.password": "security with a password file",
    "ssl.keystore.password": "security with a password file",
    "ssl.key.pem": "security with a key file",
  ]

  /// Builds the object; the caller owns it.
  static func build(
    _ configuration: KafkaConfiguration, role: Role
  ) throws(KafkaConfigurationError) -> OpaquePointer {
    guard let conf = rd_kafka_conf_new() else {
      throw .clientRefused(reason: "out of memory")
    }
    let builder = ConfigurationBuilder(configuration: configuration, conf: conf)
    if case .unconnected = role { return conf }
    do throws(KafkaConfigurationError) {
      try builder.applyCommon()
      try builder.applySecurity()
      try builder.apply(role)
      try builder.applyFurtherProperties()
    } catch {
      rd_kafka_conf_destroy(conf)
      throw error
    }
    return conf
  }

  private func applyCommon() throws(KafkaConfigurationError) {
    let servers = configuration.bootstrapServers
    if servers.isEmpty || servers.contains("") { throw .missing(setting: "bootstrapServers") }
    if configuration.clientID.isEmpty { throw .missing(setting: "clientID") }
    try set("bootstrap.servers", servers.joined(separator: ","))
    try set("client.id", configuration.clientID)
    try set("socket.timeout.ms", max(configuration.requestTimeout.milliseconds, 10))
    try set("statistics.interval.ms", configuration.statisticsInterval.milliseconds)
    try set("message.max.bytes", configuration.maxMessageBytes)
    // Nagle's algorithm would add 40 ms to small transactions.
    try set("socket.nagle.disable", "true")
  }

  private func applySecurity() throws(KafkaConfigurationError) {
    switch configuration.security {
    case .plaintext:
      try set("security.protocol", "plaintext")
    case .tls(let tls):
      try set("security.protocol", "ssl")
      try apply(tls)
    case .saslPlaintext(let sasl):
      try set("security.protocol", "sasl_plaintext")
      try apply(sasl)
    case .saslTLS(let sasl, let tls):
      try set("security.protocol", "sasl_ssl")
      try apply(sasl)
      try apply(tls)
    }
  }

  private func apply(_ tls: KafkaConfiguration.TLS) throws(KafkaConfigurationError) {
    if (tls.certificateFile == nil) != (tls.keyFile == nil) {
      throw .contradiction("certificateFile and keyFile belong together")
    }
    if tls.keyPasswordFile != nil, tls.keyFile == nil {
      throw .contradiction("keyPasswordFile without keyFile")
    }
    if let file = tls.authorityFile { try set("ssl.ca.location", file) }
    if let file = tls.certificateFile { try set("ssl.certificate.location", file) }
    if let file = tls.keyFile { try set("ssl.key.location", file) }
    if let file = tls.keyPasswordFile {
      try set("ssl.key.password", try Self.secret(file), secret: true)
    }
    try set("ssl.endpoint.identification.algorithm", "https")
  }

  private func apply(_ sasl: KafkaConfiguration.SASL) throws(KafkaConfigurationError) {
    if sasl.username.isEmpty { throw .missing(setting: "security.username") }
    try set("sasl.mechanism", sasl.mechanism.rawValue)
    try set("sasl.username", sasl.username)
    try set("sasl.password", try Self.secret(sasl.passwordFile), secret: true)
  }

  private func apply(_ role: Role) throws(KafkaConfigurationError) {
    switch role {
    case .consumer(let group, let settings): try apply(group: group, settings)
    case .producer(let transactionalID): try apply(transactionalID: transactionalID)
    case .admin: try set("isolation.level", "read_uncommitted")
    case .unconnected: break
    }
  }

  private func apply(
    group: String?, _ settings: KafkaConfiguration.Consumer
  ) throws(KafkaConfigurationError) {
    if let group {
      if group.isEmpty { throw .missing(setting: "group") }
      try set("group.id", group)
      if let id = settings.instanceID { try set("group.instance.id", id) }
      try set("partition.assignment.strategy", settings.assignor.rawValue)
      try set("session.timeout.ms", settings.sessionTimeout.milliseconds)
      // Members hear of a rebalance in the answer to a heartbeat, and all wait for the last.
      let heartbeat = min(settings.sessionTimeout.milliseconds / 4, 500)
      try set("heartbeat.interval.ms", max(heartbeat, 100))
      let pollInterval = settings.maxPollInterval.milliseconds
      if pollInterval < settings.sessionTimeout.milliseconds {
        throw .contradiction("maxPollInterval is shorter than sessionTimeout")
      }
      try set("max.poll.interval.ms", pollInterval)
    }
    try set("enable.auto.commit", "false")
    try set("enable.auto.offset.store", "false")
    try set("auto.offset.reset", settings.offsetReset.rawValue)
    try set("isolation.level", settings.isolation.rawValue)
    try set("enable.partition.eof", settings.reportsEndOfPartition ? "true" : "false")
    try set("queued.min.messages", max(settings.prefetchRecords, 1))
    try set("queued.max.messages.kbytes", max(settings.prefetchBytes / 1024, 1))
    // One fetch may bring a partition's whole share; a larger single record comes all the same,
    // because brokers never cut a partition's first record.
    try set("fetch.message.max.bytes", min(max(settings.prefetchBytes / 2, 64 << 10), 16 << 20))
    try set("fetch.wait.max.ms", settings.fetchWait.milliseconds)
    try set("fetch.min.bytes", max(settings.fetchMinBytes, 1))
    // After a fetch error the default waits half a second, which a failover would feel.
    try set("fetch.error.backoff.ms", 100)
  }

  private func apply(transactionalID: String?) throws(KafkaConfigurationError) {
    let settings = configuration.producer
    if let id = transactionalID {
      if id.isEmpty { throw .missing(setting: "transactionalID") }
      try set("transactional.id", id)
      let limit = settings.transactionTimeout.milliseconds
      try set("transaction.timeout.ms", limit)
      try set("message.timeout.ms", min(settings.deliveryTimeout.milliseconds, limit))
      // librdkafka insists that no request outlives the transaction.
      let request = min(configuration.requestTimeout.milliseconds, limit)
      try set("socket.timeout.ms", max(request, 10))
    } else {
      try set("message.timeout.ms", settings.deliveryTimeout.milliseconds)
    }
    try set("enable.idempotence", "true")
    try set("acks", "all")
    try set("linger.ms", settings.linger.milliseconds)
    try set("queue.buffering.max.messages", settings.queueRecords)
    try set("queue.buffering.max.kbytes", max(settings.queueBytes / 1024, 1))
    try set("partitioner", "murmur2_random")
    try set("compression.type", configuration.compression.rawValue)
  }

  private func applyFurtherProperties() throws(KafkaConfigurationError) {
    for (name, value) in configuration.properties.sorted(by: { $0.key < $1.key }) {
      if let hint = Self.reserved[name] { throw .reservedProperty(name, hint: hint) }
      // Whether a property holds a secret is not known for all, so no value is ever repeated.
      try set(name, value, secret: true)
    }
  }

  private func set(_ name: String, _ value: some BinaryInteger) throws(KafkaConfigurationError) {
    try set(name, String(value))
  }

  private func set(
    _ name: String, _ value: String, secret: Bool = false
  ) throws(KafkaConfigurationError) {
    var text = [CChar](repeating: 0, count: 512)
    switch rd_kafka_conf_set(conf, name, value, &text, text.count) {
    case RD_KAFKA_CONF_OK: return
    case RD_KAFKA_CONF_UNKNOWN: throw .unknownProperty(name)
    default:
      let reason = secret ? "librdkafka does not accept it" : String(cBuffer: text)
      throw .invalidValue(property: name, reason: reason)
    }
  }

  /// The content of a secret's file without the newline at its end.
  static func secret(_ path: String) throws(KafkaConfigurationError) -> String {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else {
      throw .unreadableSecret(file: path, reason: String(cString: strerror(errno)))
    }
    defer { close(descriptor) }
    var bytes = [UInt8](repeating: 0, count: 4096)
    let count = read(descriptor, &bytes, bytes.count)
    guard count >= 0 else {
      throw .unreadableSecret(file: path, reason: String(cString: strerror(errno)))
    }
    if count == bytes.count { throw .unreadableSecret(file: path, reason: "longer than 4 KiB") }
    var content = bytes[..<count]
    while let last = content.last, last == 0x0a || last == 0x0d { content.removeLast() }
    guard !content.isEmpty else { throw .unreadableSecret(file: path, reason: "empty") }
    guard !content.contains(0), let text = String(validating: content, as: UTF8.self) else {
      throw .unreadableSecret(file: path, reason: "not a text")
    }
    return text
  }
}

extension String {
  /// A C string in a buffer that may not be terminated.
  init(cBuffer: [CChar]) {
    let bytes = cBuffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }
    self.init(decoding: bytes, as: UTF8.self)
  }
}
