internal import Foundation
public import Policy

/// The configuration cannot be used; exit code 78. Every problem has its place.
public struct ConfigurationFailure: Error, Sendable, CustomStringConvertible {
  public let diagnostics: [PolicyDiagnostic]
  public init(_ diagnostics: [PolicyDiagnostic]) { self.diagnostics = diagnostics }
  public var description: String { diagnostics.map(\.rendered).joined() }
}

/// Reads the configuration file and what the environment puts over it.
public enum ConfigurationFile {
  /// Reads `path`. Paths in the file are relative to its directory, paths in the environment to
  /// `workingDirectory`.
  public static func load(
    _ path: String, environment: [String: String], hostName: String? = nil,
    workingDirectory: String? = nil
  ) throws(ConfigurationFailure) -> DaemonConfiguration {
    let text: String
    do {
      text = try String(contentsOfFile: path, encoding: .utf8)
    } catch {
      throw ConfigurationFailure([
        PolicyDiagnostic(
          code: "unreadable-file", file: path, message: "the file cannot be read as UTF-8 text")
      ])
    }
    let directory = (path as NSString).deletingLastPathComponent
    return try parse(
      text, file: path, directory: directory.isEmpty ? "." : directory, environment: environment,
      hostName: hostName, workingDirectory: workingDirectory)
  }

  /// Reads a configuration's text, `file` being its name in reports.
  public static func parse(
    _ text: String, file: String, directory: String = ".", environment: [String: String] = [:],
    hostName: String? = nil, workingDirectory: String? = nil
  ) throws(ConfigurationFailure) -> DaemonConfiguration {
    let collector = DiagnosticCollector()
    let source = YAMLSource(file: file, text: text)
    guard let yaml = PositionedYAML.parse(source, into: collector), let root = yaml.mapping else {
      throw ConfigurationFailure(collector.sorted)
    }
    let paths = PathResolver(
      directory: directory, credentials: environment["CREDENTIALS_DIRECTORY"])
    var reader = ConfigurationReader(paths: paths)
    var configuration = reader.read(root)
    var override = EnvironmentOverride(
      environment: environment, collector: collector,
      paths: PathResolver(
        directory: workingDirectory ?? ".", credentials: environment["CREDENTIALS_DIRECTORY"]))
    override.apply(to: &configuration)
    if configuration.kafka.instance.isEmpty {
      configuration.kafka.instance = hostName ?? ProcessInfo.processInfo.hostName
    }
    reader.checkWhole(configuration, root, keyIsGiven: override.keyIsGiven)
    guard !collector.hasErrors else { throw ConfigurationFailure(collector.sorted) }
    return configuration
  }
}

/// Makes paths absolute or relative to the working directory.
struct PathResolver {
  let directory: String
  /// Where systemd puts credentials of the unit.
  let credentials: String?
  static let credentialPrefix = "credential:"

  /// `credential:NAME` is a file of `$CREDENTIALS_DIRECTORY`; nil where that is not set.
  func resolve(_ path: String) -> String? {
    if path.hasPrefix(PathResolver.credentialPrefix) {
      guard let credentials, !credentials.isEmpty else { return nil }
      return credentials + "/" + path.dropFirst(PathResolver.credentialPrefix.count)
    }
    return path.hasPrefix("/") ? path : directory + "/" + path
  }
}
