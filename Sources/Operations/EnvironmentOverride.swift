internal import KafkaIO
internal import Logging
internal import Policy

/// Environment variables that win over the file: what differs between machines of one
/// configuration, and where secrets lie.
struct EnvironmentOverride {
  let environment: [String: String]
  let collector: DiagnosticCollector
  let paths: PathResolver
  /// Whether a variable names the key of identifiers.
  private(set) var keyIsGiven = false

  init(environment: [String: String], collector: DiagnosticCollector, paths: PathResolver) {
    self.environment = environment
    self.collector = collector
    self.paths = paths
  }

  mutating func apply(to configuration: inout DaemonConfiguration) {
    if let text = value("OUTREACH_KAFKA_BROKERS") {
      let brokers = text.split(separator: ",").map { $0.trimmingBlanks }
      if brokers.allSatisfy(ConfigurationReader.isAddress), !brokers.isEmpty {
        configuration.kafka.brokers = brokers
      } else {
        report("OUTREACH_KAFKA_BROKERS", "is not a list of host:port")
      }
    }
    setName("OUTREACH_KAFKA_PREFIX", &configuration.kafka.prefix)
    setName("OUTREACH_KAFKA_GROUP", &configuration.kafka.group)
    setName("OUTREACH_KAFKA_INSTANCE", &configuration.kafka.instance)
    setPath("OUTREACH_STATE_DIRECTORY", &configuration.stateDirectory)
    setPath("OUTREACH_POLICY_DIRECTORY", &configuration.policyDirectory)
    var key = ""
    setPath("OUTREACH_IDENTIFIER_KEY_FILE", &key)
    if !key.isEmpty {
      keyIsGiven = true
      configuration.identifierKey = .file(key)
    }
    applyPassword(to: &configuration.kafka)
    applyLogging(to: &configuration.logging)
  }

  private func applyPassword(to kafka: inout DaemonConfiguration.Kafka) {
    let name = "OUTREACH_KAFKA_PASSWORD_FILE"
    var path = ""
    setPath(name, &path)
    guard !path.isEmpty else { return }
    switch kafka.security {
    case .saslPlaintext(var sasl):
      sasl.passwordFile = path
      kafka.security = .saslPlaintext(sasl)
    case .saslTLS(var sasl, let tls):
      sasl.passwordFile = path
      kafka.security = .saslTLS(sasl, tls)
    case .plaintext, .tls: report(name, "has no meaning without sasl in kafka.security")
    }
  }

  private func applyLogging(to logging: inout DaemonConfiguration.LogSettings) {
    if let text = value("OUTREACH_LOG_FORMAT") {
      if let format = LogFormat(rawValue: text) {
        logging.format = format
      } else {
        report("OUTREACH_LOG_FORMAT", "is neither text nor json")
      }
    }
    if let text = value("OUTREACH_LOG_LEVEL") {
      if let level = Logger.Level(rawValue: text) {
        logging.level = level
      } else {
        report("OUTREACH_LOG_LEVEL", "is not a level")
      }
    }
  }

  /// An empty variable counts as absent.
  private func value(_ name: String) -> String? {
    environment[name].flatMap { $0.isEmpty ? nil : $0 }
  }

  private func setName(_ variable: String, _ target: inout String) {
    guard let text = value(variable) else { return }
    guard ConfigurationReader.isName(text) else {
      return report(variable, "is not a name for Kafka")
    }
    target = text
  }

  private func setPath(_ variable: String, _ target: inout String) {
    guard let text = value(variable) else { return }
    guard let path = paths.resolve(text) else {
      return report(variable, "needs CREDENTIALS_DIRECTORY, which is not set")
    }
    target = path
  }

  private func report(_ variable: String, _ problem: String) {
    collector.add(
      PolicyDiagnostic(
        code: "bad-variable", file: "environment", message: "\(variable) \(problem)"))
  }
}

extension Substring {
  /// Without blanks at both ends.
  fileprivate var trimmingBlanks: String {
    String(drop { $0 == " " }.reversed().drop { $0 == " " }.reversed())
  }
}
