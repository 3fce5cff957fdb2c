public import KafkaIO
public import Logging

/// Everything `outreachd run` needs to know, read from one YAML file and the environment.
/// Values are checked; files named here are not opened yet.
public struct DaemonConfiguration: Sendable {
  public var kafka = Kafka()
  /// The directory of the topics' descriptions.
  public var topicsDirectory = ""
  /// Codes of the districts with output topics of their own.
  public var districts: [String] = []
  public var policyDirectory = ""
  /// The directory of the local state, for this process alone.
  public var stateDirectory = ""
  public var identifierKey = IdentifierKeySource.developmentKey
  public var clock = Clock.wall
  public var workers = Workers()
  public var limits = Limits()
  public var logging = LogSettings()

  public init() {}

  public struct Kafka: Sendable {
    public var brokers: [String] = []
    /// Before every topic's name, without the dot.
    public var prefix = "assist"
    public var group = "outreachd"
    /// Names this process among those of the group. Two running processes must differ, the same
    /// process must keep it over a restart: its open transaction is then decided at once.
    public var instance = ""
    /// Whether the group remembers a member that is gone for less than the session timeout.
    public var staticMembership = true
    public var security = KafkaConfiguration.Security.plaintext
    public var sessionTimeout = Duration.seconds(10)
    public var requestTimeout = Duration.seconds(30)
    public var transactionTimeout = Duration.seconds(60)
    public var compression = KafkaConfiguration.Compression.lz4
    public var changelogCompression = KafkaConfiguration.Compression.none
    /// Bytes of the largest record produced, dead letters with their headers included.
    public var maximumRecordBytes = 4 << 20
    /// Further properties of librdkafka.
    public var properties: [String: String] = [:]

    /// The settings of one client. `worker` nil is a client outside the group.
    public func client(worker: Int? = nil) -> KafkaConfiguration {
      let name = worker.map { "\(group)-\(instance)-\($0)" } ?? "\(group)-\(instance)"
      var result = KafkaConfiguration(
        bootstrapServers: brokers, clientID: name, security: security)
      result.requestTimeout = requestTimeout
      result.compression = compression
      result.maxMessageBytes = maximumRecordBytes
      result.consumer.sessionTimeout = sessionTimeout
      result.consumer.instanceID = staticMembership && worker != nil ? name : nil
      result.producer.transactionTimeout = transactionTimeout
      result.producer.deliveryTimeout = transactionTimeout
      result.properties = properties
      return result
    }

    /// The transactional id of a worker: the same after a restart.
    public func transactionalID(worker: Int) -> String {
      "\(prefix)-\(group)-\(instance)-\(worker)"
    }
  }

  /// Where the key of identifiers and pseudonyms comes from.
  public enum IdentifierKeySource: Equatable, Sendable {
    case file(String)
    /// The public key that `replay` uses: whoever has it can test a guess at a person.
    case developmentKey
  }

  /// What moves `now`.
  public enum Clock: String, Sendable, CaseIterable {
    case wall, event
  }

  public struct Workers: Sendable {
    /// Threads, each with a consumer and a producer of its own.
    public var count = 1
    /// Messages of one poll, at most.
    public var pollRecords = 8_000
    /// Records of one transaction, about.
    public var transactionRecords = 20_000
    /// Timers of one transaction, at most.
    public var transactionTimers = 256
    /// The longest wait for records.
    public var pollWait = Duration.milliseconds(100)
  }

  public struct Limits: Sendable {
    /// Bytes of the largest event accepted.
    public var eventBytes = 1 << 20
    /// What to do about records of in-topics that retention deleted unread.
    public var lostInRecords = Loss.goOn
    /// The same for the daemon's own topics.
    public var lostInternalRecords = Loss.stop
    /// A local copy older than this is restored from its changelog.
    public var copyAge = Duration.seconds(12 * 3600)
  }

  public enum Loss: String, Sendable, CaseIterable {
    case goOn = "go-on"
    case stop
  }

  public struct LogSettings: Sendable {
    public var format = LogFormat.text
    public var level = Logger.Level.info
    /// How often a line with the counts is written; zero for never.
    public var statistics = Duration.seconds(60)

    public init() {}
  }
}

/// The form of log lines on standard error.
public enum LogFormat: String, Sendable, CaseIterable {
  case text, json
}
