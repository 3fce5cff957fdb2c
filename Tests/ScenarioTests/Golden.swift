import Foundation
import Testing

/// Texts on file that a test must give again, written anew where `RECORD_GOLDEN` is set.
enum Golden {
  static let directory = URL(filePath: #filePath).deletingLastPathComponent().appending(
    path: "Golden")

  static func expect(
    _ lines: [String], in name: String, sourceLocation: SourceLocation = #_sourceLocation
  ) throws {
    let file = directory.appending(path: name)
    let text = lines.joined(separator: "\n") + "\n"
    if ProcessInfo.processInfo.environment["RECORD_GOLDEN"] != nil {
      try Data(text.utf8).write(to: file)
    }
    let golden = try String(contentsOf: file, encoding: .utf8)
    guard text != golden else { return }
    let changes = text.split(separator: "\n", omittingEmptySubsequences: false).difference(
      from: golden.split(separator: "\n", omittingEmptySubsequences: false))
    let shown = changes.map { change in
      switch change {
      case .insert(let at, let line, _): "+\(at + 1) \(line)"
      case .remove(let at, let line, _): "-\(at + 1) \(line)"
      }
    }
    Issue.record("\(name): \(shown.prefix(20))", sourceLocation: sourceLocation)
  }
}
