internal import KafkaIO
internal import Logging
internal import Policy

/// Reads the sections of the configuration file. A value with a problem keeps its default; the
/// problems are in the collector of the YAML values.
struct ConfigurationReader {
  let paths: PathResolver
  private var keyIsInFile = false

  init(paths: PathResolver) { self.paths = paths }

  mutating func read(_ root: YAMLMapping) -> DaemonConfiguration {
    var result = DaemonConfiguration()
    if let section = section(root, "kafka") { readKafka(section, &result.kafka) }
    result.topicsDirectory = directory(root, "topics") { result.districts = districts($0) }
    result.policyDirectory = directory(root, "policy")
    result.stateDirectory = directory(root, "state")
    if let section = section(root, "identifiers") { readKey(section, &result) }
    result.clock =
      root.optional("clock")?.word(DaemonConfiguration.Clock.self, what: "a clock") ?? .wall
    if let section = section(root, "workers") { readWorkers(section, &result.workers) }
    if let section = section(root, "limits") { readLimits(section, &result.limits) }
    if let section = section(root, "logging") { readLogging(section, &result.logging) }
    root.finish()
    return result
  }

  /// What can only be said when file and environment are put together.
  func checkWhole(
    _ configuration: DaemonConfiguration, _ root: YAMLMapping, keyIsGiven: Bool
  ) {
    let kafka = configuration.kafka
    if kafka.brokers.isEmpty {
      root.owner.report(
        "missing-key", "no broker is given",
        hint: "kafka: {brokers: [host:9092]}, or the variable OUTREACH_KAFKA_BROKERS")
    }
    if !keyIsInFile, !keyIsGiven {
      root.owner.report(
        "missing-key", "no key for identifiers is given",
        hint: "identifiers: {key_file: FILE}, or the variable OUTREACH_IDENTIFIER_KEY_FILE")
    }
    if kafka.transactionTimeout <= configuration.workers.pollWait {
      root.owner.report(
        "contradiction", "kafka.transaction_timeout must be longer than workers.poll_wait")
    }
    if configuration.limits.eventBytes + (64 << 10) > kafka.maximumRecordBytes {
      root.owner.report(
        "contradiction",
        "kafka.max_record must leave 64 KiB more than limits.event_size for a dead letter's headers"
      )
    }
  }

  // MARK: Sections

  private func readKafka(_ map: YAMLMapping, _ kafka: inout DaemonConfiguration.Kafka) {
    if let list = map.optional("brokers"), let brokers = list.strings {
      for (at, broker) in brokers.enumerated() where !ConfigurationReader.isAddress(broker) {
        list.sequence?[at].report(
          "bad-address", "'\(broker)' is not an address", hint: "host:port")
      }
      kafka.brokers = brokers
    }
    kafka.prefix = name(map, "prefix") ?? kafka.prefix
    kafka.group = name(map, "group") ?? kafka.group
    kafka.instance = name(map, "instance") ?? kafka.instance
    kafka.staticMembership = map.boolean("static_membership", default: kafka.staticMembership)
    if let section = section(map, "security") {
      kafka.security = SecurityReader(paths: paths).read(section) ?? .plaintext
    }
    kafka.sessionTimeout = duration(
      map, "session_timeout", .seconds(1)...(.seconds(1800)), kafka.sessionTimeout)
    kafka.requestTimeout = duration(
      map, "request_timeout", .seconds(1)...(.seconds(300)), kafka.requestTimeout)
    kafka.transactionTimeout = duration(
      map, "transaction_timeout", .seconds(1)...(.seconds(900)), kafka.transactionTimeout)
    kafka.compression = compression(map, "compression") ?? kafka.compression
    kafka.changelogCompression =
      compression(map, "changelog_compression") ?? kafka.changelogCompression
    kafka.maximumRecordBytes = bytes(
      map, "max_record", (64 << 10)...(256 << 20), kafka.maximumRecordBytes)
    if let properties = section(map, "properties") {
      for name in properties.names { kafka.properties[name] = properties.string(name) }
      properties.finish()
    }
    map.finish()
  }

  private func compression(
    _ map: YAMLMapping, _ key: String
  ) -> KafkaConfiguration.Compression? {
    map.optional(key)?.word(KafkaConfiguration.Compression.self, what: "a compression")
  }

  private mutating func readKey(_ map: YAMLMapping, _ result: inout DaemonConfiguration) {
    let file = map.optional("key_file")
    let development = map.boolean("development_key", default: false)
    if file != nil, development {
      map.owner.report("contradiction", "key_file and development_key exclude each other")
    }
    if let file, let text = file.string {
      // Without systemd the credential is missing; the variable may still name the file.
      if let path = paths.resolve(text) {
        keyIsInFile = true
        result.identifierKey = .file(path)
      }
    } else if development {
      keyIsInFile = true
      result.identifierKey = .developmentKey
    }
    map.finish()
  }

  private func readWorkers(_ map: YAMLMapping, _ workers: inout DaemonConfiguration.Workers) {
    workers.count = map.optionalInteger("count", in: 1...256) ?? workers.count
    workers.pollRecords =
      map.optionalInteger("poll_records", in: 1...100_000) ?? workers.pollRecords
    workers.transactionRecords =
      map.optionalInteger("transaction_records", in: 1...1_000_000) ?? workers.transactionRecords
    workers.transactionTimers =
      map.optionalInteger("transaction_timers", in: 1...100_000) ?? workers.transactionTimers
    workers.pollWait = duration(
      map, "poll_wait", .milliseconds(1)...(.seconds(10)), workers.pollWait)
    map.finish()
  }

  private func readLimits(_ map: YAMLMapping, _ limits: inout DaemonConfiguration.Limits) {
    limits.eventBytes = bytes(map, "event_size", 1024...(128 << 20), limits.eventBytes)
    limits.lostInRecords =
      map.optional("lost_in_records")?.word(DaemonConfiguration.Loss.self, what: "a choice")
      ?? limits.lostInRecords
    limits.lostInternalRecords =
      map.optional("lost_internal_records")?.word(DaemonConfiguration.Loss.self, what: "a choice")
      ?? limits.lostInternalRecords
    limits.copyAge = duration(
      map, "copy_age", .seconds(60)...(.seconds(30 * 86_400)), limits.copyAge)
    map.finish()
  }

  private func readLogging(_ map: YAMLMapping, _ logging: inout DaemonConfiguration.LogSettings) {
    logging.format =
      map.optional("format")?.word(LogFormat.self, what: "a format") ?? logging.format
    let words = Logger.Level.allCases.map(\.rawValue)
    logging.level =
      map.optional("level")?.word(words, what: "a level").flatMap(Logger.Level.init(rawValue:))
      ?? logging.level
    logging.statistics = duration(
      map, "statistics", .zero...(.seconds(86_400)), logging.statistics)
    map.finish()
  }

  // MARK: Values

  private func section(_ map: YAMLMapping, _ key: String) -> YAMLMapping? {
    map.optional(key)?.mapping
  }

  /// The path under `<key>: {directory: PATH}`, which must be there; `more` reads further keys.
  private func directory(
    _ root: YAMLMapping, _ key: String, more: (YAMLMapping) -> Void = { _ in }
  ) -> String {
    guard let map = root.required(key)?.mapping else { return "" }
    let path = map.string("directory")
    more(map)
    map.finish()
    return path.flatMap(paths.resolve) ?? ""
  }

  private func districts(_ map: YAMLMapping) -> [String] {
    var codes: [String] = []
    for element in map.sequence("districts") {
      guard let code = element.string else { continue }
      guard code.utf8.count == 6, code.utf8.allSatisfy({ $0 &- 0x30 <= 9 }) else {
        element.report("bad-district", "'\(code)' is not a district", hint: "six digits")
        continue
      }
      codes.append(code)
    }
    return codes
  }

  /// What Kafka allows in names.
  private func name(_ map: YAMLMapping, _ key: String) -> String? {
    guard let value = map.optional(key), let text = value.string else { return nil }
    guard ConfigurationReader.isName(text) else {
      value.report(
        "bad-name", "'\(text)' is not a name for Kafka",
        hint: "1 to 120 letters, digits, dots, hyphens and underscores")
      return nil
    }
    return text
  }

  private func duration(
    _ map: YAMLMapping, _ key: String, _ range: ClosedRange<Duration>, _ value: Duration
  ) -> Duration {
    guard let yaml = map.optional(key), let text = yaml.string else { return value }
    guard let parsed = Units.duration(text) else {
      yaml.report("bad-duration", "'\(text)' is not a duration", hint: "such as 250ms 10s 5m 12h")
      return value
    }
    guard range.contains(parsed) else {
      let limits = "\(Units.text(range.lowerBound)) to \(Units.text(range.upperBound))"
      yaml.report("out-of-range", "\(text) is outside \(limits)")
      return value
    }
    return parsed
  }

  private func bytes(
    _ map: YAMLMapping, _ key: String, _ range: ClosedRange<Int>, _ value: Int
  ) -> Int {
    guard let yaml = map.optional(key), let text = yaml.string else { return value }
    guard let parsed = Units.bytes(text) else {
      yaml.report("bad-size", "'\(text)' is not a size", hint: "such as 64KiB 4MiB")
      return value
    }
    guard range.contains(parsed) else {
      yaml.report(
        "out-of-range", "\(text) is outside \(range.lowerBound)B to \(range.upperBound)B")
      return value
    }
    return parsed
  }

  static func isName(_ text: String) -> Bool {
    (1...120).contains(text.utf8.count)
      && text.utf8.allSatisfy {
        ($0 | 0x20) &- 0x61 < 26 || $0 &- 0x30 <= 9 || $0 == 0x2D || $0 == 0x2E || $0 == 0x5F
      }
  }

  /// `host:port`, with IPv6 addresses in brackets.
  static func isAddress(_ text: String) -> Bool {
    guard let colon = text.lastIndex(of: ":"), colon != text.startIndex,
      let port = Int(text[text.index(after: colon)...]), (1...65_535).contains(port)
    else { return false }
    let host = text[..<colon]
    return !host.contains(where: \.isWhitespace)
      && (!host.contains(":") || (host.hasPrefix("[") && host.hasSuffix("]")))
  }
}
