import ArgumentParser
import Foundation
import Logging
import Operations
import Policy

/// `outreachd check`: would the daemon run here?
struct CheckCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "check",
    abstract: "Check configuration, policy, topics and connectivity.",
    discussion: """
      Looks at everything and reports all it finds, then exits with 0 where nothing stands in the \
      way of `outreachd run`, else with 1. Changes nothing.

      EXAMPLES
        outreachd check --config /etc/outreachd/outreachd.yaml
        outreachd check --config config/outreachd.yaml --offline --json
      """)

  @OptionGroup var file: ConfigurationOption

  @Flag(help: "One JSON object on standard output.")
  var json = false

  @Flag(help: "Leave the brokers alone: check files only.")
  var offline = false

  func run() throws {
    let findings = Checker(path: file.config, offline: offline).run()
    let failed = findings.contains { $0.severity == .error }
    if json {
      let fields = [
        (name: "ok", json: failed ? "false" : "true"),
        (name: "findings", json: JSONText.list(findings.map(\.json))),
      ]
      print(JSONText.object(fields))
    } else {
      for finding in findings { print(finding.text, terminator: "") }
      print(findings.isEmpty ? "all is well" : "\(findings.count) finding(s)")
    }
    if failed { throw ExitCode(ExitStatus.findings.rawValue) }
  }
}

/// The checks, in the order in which `run` would meet them.
struct Checker {
  let path: String
  let offline: Bool
  private var findings: [Finding] = []

  init(path: String, offline: Bool) {
    self.path = path
    self.offline = offline
  }

  func run() -> [Finding] {
    var checker = self
    checker.check()
    return checker.findings
  }

  private mutating func check() {
    let configuration: DaemonConfiguration
    do throws(ConfigurationFailure) {
      configuration = try ConfigurationFile.load(
        path, environment: ProcessInfo.processInfo.environment)
    } catch {
      findings += error.diagnostics.map { Finding($0, .configuration) }
      return
    }
    checkKey(configuration)
    checkPolicy(configuration)
    checkState(configuration)
    let catalog = checkCatalog(configuration)
    guard !offline else { return }
    checkCluster(configuration, catalog)
  }

  private mutating func checkKey(_ configuration: DaemonConfiguration) {
    if configuration.identifierKey == .developmentKey {
      findings.append(
        Finding(
          .warning, .identifiers, "development-key",
          "identifiers use the public development key: for invented people only"))
    }
    do throws(CommandFailure) {
      _ = try Loading.identifierKey(configuration.identifierKey)
    } catch {
      findings.append(Finding(.error, .identifiers, "bad-key", error.message))
    }
  }

  private mutating func checkPolicy(_ configuration: DaemonConfiguration) {
    let url = URL(fileURLWithPath: configuration.policyDirectory, isDirectory: true)
    switch PolicyPack.load(directory: url, digest: Loading.hexDigest) {
    case .success(let pack): findings += pack.warnings.map { Finding($0, .policy) }
    case .failure(let problems): findings += problems.diagnostics.map { Finding($0, .policy) }
    }
  }

  /// The state directory, or the place where it will be made, must be writable.
  private mutating func checkState(_ configuration: DaemonConfiguration) {
    var path = configuration.stateDirectory
    while !path.isEmpty, path != "/", !FileManager.default.fileExists(atPath: path) {
      path = (path as NSString).deletingLastPathComponent
    }
    guard FileManager.default.isWritableFile(atPath: path.isEmpty ? "." : path) else {
      findings.append(
        Finding(
          .error, .state, "not-writable", "\(configuration.stateDirectory) cannot be written",
          hint: "it must belong to the user that runs the daemon"))
      return
    }
  }

  private mutating func checkCatalog(_ configuration: DaemonConfiguration) -> TopicCatalog? {
    switch TopicFiles.load(configuration.topicsDirectory) {
    case .success(let catalog): return catalog
    case .failure(let problems):
      findings += problems.diagnostics.map { Finding($0, .topics) }
      return nil
    }
  }

  private mutating func checkCluster(
    _ configuration: DaemonConfiguration, _ catalog: TopicCatalog?
  ) {
    var configuration = configuration
    // Somebody waits for the answer.
    configuration.kafka.requestTimeout = min(configuration.kafka.requestTimeout, .seconds(10))
    let cluster: Cluster
    do throws(CommandFailure) {
      let quiet = Logger(label: "check") { _ in SwiftLogNoOpLogHandler() }
      cluster = try Cluster(configuration.kafka, logger: quiet)
    } catch {
      findings.append(
        Finding(
          .error, .connectivity, "unreachable", error.message,
          hint: "kafka.brokers, and kafka.security"))
      return
    }
    guard let catalog else {
      let needed = ClusterTopics(prefix: configuration.kafka.prefix, known: cluster.partitions)
      findings += needed.problems.map { Finding(.error, .topics, "missing-topic", $0) }
      return
    }
    let comparison = TopicComparison(
      catalog: catalog, prefix: configuration.kafka.prefix, districts: configuration.districts,
      cluster: cluster, maximumRecordBytes: configuration.kafka.maximumRecordBytes)
    findings += comparison.findings
  }
}
