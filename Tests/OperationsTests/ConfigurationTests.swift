import Foundation
import KafkaIO
import Operations
import Policy
import Testing

/// A configuration that is complete, to which tests add lines.
private let minimal = """
  kafka:
    brokers: ["127.0.0.1:9092"]
  topics: {directory: topics}
  policy: {directory: policy}
  state: {directory: /var/lib/outreachd}
  identifiers: {key_file: key}

  """

private func parse(
  _ text: String, _ environment: [String: String] = [:]
) throws(ConfigurationFailure) -> DaemonConfiguration {
  try ConfigurationFile.parse(
    text, file: "o.yaml", directory: "/etc/o", environment: environment, hostName: "host-1",
    workingDirectory: "/home/me")
}

private func problems(_ text: String, _ environment: [String: String] = [:]) -> [String] {
  do throws(ConfigurationFailure) {
    _ = try parse(text, environment)
    return []
  } catch {
    return error.diagnostics.map { "\($0.line):\($0.column) \($0.code)" }
  }
}

@Suite struct ConfigurationTests {
  @Test func minimalHasDefaults() throws {
    let configuration = try parse(minimal)
    #expect(configuration.kafka.prefix == "assist")
    #expect(configuration.kafka.instance == "host-1")
    #expect(configuration.policyDirectory == "/etc/o/policy")
    #expect(configuration.stateDirectory == "/var/lib/outreachd")
    #expect(configuration.identifierKey == .file("/etc/o/key"))
    #expect(configuration.workers.transactionTimers == 256)
    let client = configuration.kafka.client(worker: 2)
    #expect(client.consumer.instanceID == "outreachd-host-1-2")
    #expect(configuration.kafka.client().consumer.instanceID == nil)
  }

  @Test func theFileInTheRepositoryIsValid() throws {
    let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
      .deletingLastPathComponent().deletingLastPathComponent()
    let path = root.appendingPathComponent("config/outreachd.yaml").path
    let configuration = try ConfigurationFile.load(
      path, environment: ["CREDENTIALS_DIRECTORY": "/run/credentials/o"], hostName: "h")
    #expect(configuration.identifierKey == .file("/run/credentials/o/identifier-key"))
    // Every key shown as a comment must be a key, with the default it names.
    let text = try String(contentsOfFile: path, encoding: .utf8)
    let shown = ConfigurationTests.uncommented(text)
    #expect(shown.contains("transaction_timers: 256"))
    let all = try ConfigurationFile.parse(
      shown, file: "all.yaml", directory: ".",
      environment: ["CREDENTIALS_DIRECTORY": "/c"], hostName: "h")
    #expect(all.workers.pollWait == DaemonConfiguration().workers.pollWait)
    #expect(all.limits.copyAge == DaemonConfiguration().limits.copyAge)
    #expect(all.kafka.maximumRecordBytes == DaemonConfiguration().kafka.maximumRecordBytes)
    #expect(all.kafka.compression == DaemonConfiguration().kafka.compression)
    #expect(all.kafka.changelogCompression == DaemonConfiguration().kafka.changelogCompression)
  }

  /// The file with every line `#key: value` switched on, but for the key that excludes another.
  private static func uncommented(_ text: String) -> String {
    text.split(separator: "\n", omittingEmptySubsequences: false).map { line -> String in
      let blanks = line.prefix { $0 == " " }
      let rest = line.dropFirst(blanks.count)
      guard rest.first == "#", let next = rest.dropFirst().first, next.isLowercase,
        !rest.contains("development_key")
      else { return String(line) }
      return String(blanks + rest.dropFirst())
    }.joined(separator: "\n")
  }

  @Test func unknownKeyHasPlaceAndHint() throws {
    let text = minimal.replacing("  brokers:", with: "  broker:")
    do throws(ConfigurationFailure) {
      _ = try parse(text)
      Issue.record("accepted")
    } catch {
      let report = error.description
      #expect(report.contains("o.yaml:2:3: error[unknown-key]: unknown key 'broker'"))
      #expect(report.contains("did you mean 'brokers'?"))
      #expect(report.contains("^^^^^^"))
    }
  }

  @Test(arguments: [
    ("kafka: {}\nkafka: {}\n", "1:1 duplicate-key"),
    (minimal + "clock: sun\n", "7:8 unknown-word"),
    (minimal + "workers: {count: 0}\n", "7:18 out-of-range"),
    (minimal + "workers: {poll_wait: 5}\n", "7:22 bad-duration"),
    (minimal + "limits: {event_size: 1 MB}\n", "7:22 bad-size"),
    (minimal + "limits: {event_size: 4MiB}\n", "1:1 contradiction"),
    (minimal + "logging: {level: loud}\n", "7:18 unknown-word"),
    (minimal.replacing("127.0.0.1:9092", with: "localhost"), "2:13 bad-address"),
    (minimal.replacing("{key_file: key}", with: "{}"), "1:1 missing-key"),
    (
      minimal.replacing("{key_file: key}", with: "{key_file: key, development_key: true}"),
      "6:14 contradiction"
    ),
    (
      minimal + "kafka2: 1\n", "7:1 unknown-key"
    ),
  ])
  func rejects(_ text: String, _ expected: String) {
    #expect(problems(text).contains(expected), "\(problems(text))")
  }

  @Test func secretsAreFilesOnly() throws {
    let security = """
        security:
          protocol: sasl-tls
          sasl: {mechanism: PLAIN, username: u, password: secret-word}

      """
    let text = minimal.replacing("topics:", with: security + "topics:")
    do throws(ConfigurationFailure) {
      _ = try parse(text)
      Issue.record("accepted")
    } catch {
      #expect(error.diagnostics.contains { $0.code == "secret-in-file" })
    }
    let good = text.replacing("password: secret-word", with: "password_file: \"credential:p\"")
    #expect(problems(good) == ["5:58 no-credentials"])
    let configuration = try parse(good, ["CREDENTIALS_DIRECTORY": "/run/c"])
    guard case .saslTLS(let sasl, let tls) = configuration.kafka.security else {
      Issue.record("no sasl")
      return
    }
    #expect(sasl.passwordFile == "/run/c/p")
    #expect(tls.authorityFile == nil)
    let over = try parse(
      good, ["CREDENTIALS_DIRECTORY": "/run/c", "OUTREACH_KAFKA_PASSWORD_FILE": "pw"])
    guard case .saslTLS(let other, _) = over.kafka.security else { return }
    #expect(other.passwordFile == "/home/me/pw")
  }

  @Test func environmentWins() throws {
    let configuration = try parse(
      minimal,
      [
        "OUTREACH_KAFKA_BROKERS": "a:1, b:2", "OUTREACH_KAFKA_PREFIX": "test",
        "OUTREACH_STATE_DIRECTORY": "state", "OUTREACH_IDENTIFIER_KEY_FILE": "/k",
        "OUTREACH_LOG_FORMAT": "json",
      ])
    #expect(configuration.kafka.brokers == ["a:1", "b:2"])
    #expect(configuration.kafka.prefix == "test")
    #expect(configuration.stateDirectory == "/home/me/state")
    #expect(configuration.identifierKey == .file("/k"))
    #expect(configuration.logging.format == .json)
    #expect(problems(minimal, ["OUTREACH_KAFKA_BROKERS": "a"]) == ["0:0 bad-variable"])
    #expect(problems(minimal, ["OUTREACH_KAFKA_PASSWORD_FILE": "p"]) == ["0:0 bad-variable"])
  }

  @Test func units() {
    #expect(Units.duration("250ms") == .milliseconds(250))
    #expect(Units.duration("12h") == .seconds(43_200))
    #expect(Units.duration("5") == nil)
    #expect(Units.duration("-5s") == nil)
    #expect(Units.duration("99999999999999999999s") == nil)
    #expect(Units.bytes("4MiB") == 4 << 20)
    #expect(Units.bytes("4MB") == nil)
    #expect(Units.text(.seconds(90)) == "90s")
    #expect(Units.text(.seconds(7200)) == "2h")
  }
}
