import Crypto
import Foundation
import Intake
import Operations
import Policy
import Runtime
import Stages
import Streaming

/// What the stages of every worker are built from: one policy, one directory, one key.
struct StageInputs: Sendable {
  var pack: PolicyPack
  var directory = Directory()
  var identifiers: IdentifierKey
  /// The largest event accepted, in bytes.
  var maximumEventBytes = EventIntake.defaultMaximumBytes

  /// New stage objects; one worker's thread uses them. Everything that depends on the pack was
  /// checked when it was loaded.
  func makeStages() throws(IntakeFailure) -> StageSet {
    let intake = try EventIntake(catalog: pack.sources, maximumBytes: maximumEventBytes)
    let settings = StageSettings(pack: pack, directory: directory, identifiers: identifiers)
    return StageSet(
      intake: intake,
      stages: [RegisterStage(), PersonsStage(), HouseholdsStage(settings: settings)])
  }
}

/// Loads what a command names by paths, with exit code 78 where it cannot be used.
enum Loading {
  /// A policy pack, whole.
  static func pack(_ directory: String) throws(CommandFailure) -> PolicyPack {
    let url = URL(fileURLWithPath: directory, isDirectory: true)
    switch PolicyPack.load(directory: url, digest: hexDigest) {
    case .success(let pack): return pack
    case .failure(let problems):
      let head = "outreachd: the policy in \(directory) does not load\n"
      throw CommandFailure(.configuration, rendered: problems.description + head)
    }
  }

  /// The key of identifiers: at least 16 bytes, a line break at the end ignored.
  static func identifierKey(
    _ source: DaemonConfiguration.IdentifierKeySource
  ) throws(CommandFailure) -> IdentifierKey {
    guard case .file(let path) = source else { return .development }
    guard var bytes = FileManager.default.contents(atPath: path).map(Array.init) else {
      throw CommandFailure(.configuration, "the identifier key \(path) cannot be read")
    }
    while bytes.last == 0x0A || bytes.last == 0x0D { bytes.removeLast() }
    guard bytes.count >= 16 else {
      throw CommandFailure(.configuration, "the identifier key \(path) has less than 16 bytes")
    }
    return IdentifierKey(secret: bytes)
  }

  /// A directory file: one advisor or resource a line.
  static func directory(_ path: String) throws(CommandFailure) -> Directory {
    guard let data = FileManager.default.contents(atPath: path) else {
      throw CommandFailure(.configuration, "the directory file \(path) cannot be read")
    }
    var directory = Directory()
    for (at, line) in data.split(separator: 0x0A, omittingEmptySubsequences: false).enumerated() {
      let bytes = line.last == 0x0D ? Array(line.dropLast()) : Array(line)
      guard !bytes.isEmpty else { continue }
      do {
        try directory.add(line: bytes)
      } catch {
        throw CommandFailure(
          .configuration, "\(path):\(at + 1): neither an advisor nor a resource")
      }
    }
    return directory
  }

  static func hexDigest(_ bytes: [UInt8]) -> String {
    SHA256.hash(data: bytes).map { byte in
      let text = String(byte, radix: 16)
      return byte < 16 ? "0" + text : text
    }.joined()
  }
}
