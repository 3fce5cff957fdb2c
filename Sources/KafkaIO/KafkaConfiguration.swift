/// How to reach a Kafka cluster, and limits of memory and time. A plain value; checked when a
/// client is made from it.
public struct KafkaConfiguration: Sendable {
  /// Brokers to ask first, `host:port`.
  public var bootstrapServers: [String]
  /// Shown in the brokers' logs and quotas.
  public var clientID: String
  public var security: Security
  /// The longest a request may wait for a broker, and the bound of blocking queries.
  public var requestTimeout: Duration = .seconds(30)
  /// How often librdkafka reports statistics; zero turns them off.
  public var statisticsInterval: Duration = .zero
  /// The largest record to produce, in bytes. Topics and brokers have limits of their own.
  public var maxMessageBytes: Int = 4 << 20
  public var compression: Compression = .none
  public var consumer = Consumer()
  public var producer = Producer()
  /// Further librdkafka properties. What this module sets itself is refused here.
  public var properties: [String: String] = [:]

  public init(
    bootstrapServers: [String], clientID: String = "outreachd", security: Security = .plaintext
  ) {
    self.bootstrapServers = bootstrapServers
    self.clientID = clientID
    self.security = security
  }

  public enum Compression: String, Sendable, CaseIterable {
    case none, gzip, snappy, lz4, zstd
  }

  /// How the connection is protected and who we are.
  public enum Security: Sendable {
    case plaintext
    case tls(TLS)
    /// A password over an open connection: for a broker on the same host or a protected network.
    case saslPlaintext(SASL)
    case saslTLS(SASL, TLS)
  }

  /// Certificates, as files in PEM. Without `authorityFile` the system's authorities are trusted.
  public struct TLS: Sendable {
    public var authorityFile: String?
    public var certificateFile: String?
    public var keyFile: String?
    /// A file that holds the password of `keyFile`; a newline at its end is ignored.
    public var keyPasswordFile: String?

    public init(
      authorityFile: String? = nil, certificateFile: String? = nil, keyFile: String? = nil,
      keyPasswordFile: String? = nil
    ) {
      self.authorityFile = authorityFile
      self.certificateFile = certificateFile
      self.keyFile = keyFile
      self.keyPasswordFile = keyPasswordFile
    }
  }

  /// Name and password. The password is read from a file and appears nowhere else.
  public struct SASL: Sendable {
    public enum Mechanism: String, Sendable, CaseIterable {
      case plain = "PLAIN"
      case scramSHA256 = "SCRAM-SHA-256"
      case scramSHA512 = "SCRAM-SHA-512"
    }
    public var mechanism: Mechanism
    public var username: String
    /// A file that holds the password; a newline at its end is ignored.
    public var passwordFile: String

    public init(mechanism: Mechanism, username: String, passwordFile: String) {
      self.mechanism = mechanism
      self.username = username
      self.passwordFile = passwordFile
    }
  }

  public enum Isolation: String, Sendable {
    /// Records of transactions that are open or were aborted are not seen.
    case readCommitted = "read_committed"
    case readUncommitted = "read_uncommitted"
  }

  /// How partitions are given to the members of a group.
  public enum Assignor: String, Sendable {
    /// Eager. Partition p of all topics with equal counts goes to the same member, which the
    /// stages of this program rely on.
    case range
    case roundRobin = "roundrobin"
    /// Keeps what can stay with its member while the rest moves. The mock cluster never hands a
    /// partition over with it.
    case cooperativeSticky = "cooperative-sticky"
  }

  /// What happens where a position does not exist.
  public enum OffsetReset: String, Sendable {
    case earliest, latest
    /// Reported as an event with the code `noOffsetToResetTo`; nothing is read.
    case fail = "error"
  }

  public struct Consumer: Sendable {
    public var isolation: Isolation = .readCommitted
    public var assignor: Assignor = .range
    public var offsetReset: OffsetReset = .earliest
    /// `group.instance.id`: a member that comes back under this name within the session time gets
    /// its partitions back without a rebalance.
    public var instanceID: String?
    public var sessionTimeout: Duration = .seconds(10)
    /// The longest pause between two polls; beyond it the group takes the partitions away.
    public var maxPollInterval: Duration = .seconds(300)
    /// Report when the end of a partition is reached.
    public var reportsEndOfPartition = false
    /// Records and bytes fetched ahead for each partition. Memory is at most partitions times
    /// bytes, plus one record.
    public var prefetchRecords: Int = 20_000
    public var prefetchBytes: Int = 4 << 20
    /// How long a broker may hold a fetch back until `fetchMinBytes` are there.
    public var fetchWait: Duration = .milliseconds(100)
    public var fetchMinBytes: Int = 1
    public init() {}
  }

  public struct Producer: Sendable {
    /// How long a record may wait for others of its batch. A flush or commit does not wait.
    public var linger: Duration = .milliseconds(20)
    /// The broker aborts a transaction that is open longer.
    public var transactionTimeout: Duration = .seconds(60)
    /// The longest time from `produce` to the broker's confirmation.
    public var deliveryTimeout: Duration = .seconds(60)
    /// Records and bytes that may wait in memory.
    public var queueRecords: Int = 200_000
    public var queueBytes: Int = 128 << 20
    /// How long `produce` waits for room in the queue before it gives up.
    public var queueFullTimeout: Duration = .seconds(30)
    public init() {}
  }
}

/// Why a client could not be made from a configuration. Texts never hold a secret.
public enum KafkaConfigurationError: Error, Equatable, Sendable, CustomStringConvertible {
  /// A value that must not be empty is.
  case missing(setting: String)
  /// librdkafka has no such property.
  case unknownProperty(String)
  /// librdkafka does not accept the value.
  case invalidValue(property: String, reason: String)
  /// The property is set by this module; the hint says which setting to use.
  case reservedProperty(String, hint: String)
  /// Two settings exclude each other.
  case contradiction(String)
  /// A file with a secret could not be read, or is empty.
  case unreadableSecret(file: String, reason: String)
  /// librdkafka refused the settings as a whole.
  case clientRefused(reason: String)

  public var description: String {
    switch self {
    case .missing(let setting): "Kafka setting \(setting) is missing"
    case .unknownProperty(let name): "unknown librdkafka property \(name)"
    case .invalidValue(let property, let reason): "invalid value for \(property): \(reason)"
    case .reservedProperty(let name, let hint): "property \(name) may not be set here: \(hint)"
    case .contradiction(let what): "contradicting Kafka settings: \(what)"
    case .unreadableSecret(let file, let reason): "secret file \(file): \(reason)"
    case .clientRefused(let reason): "librdkafka refuses the settings: \(reason)"
    }
  }
}
