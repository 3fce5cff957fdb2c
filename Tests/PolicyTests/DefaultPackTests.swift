import Foundation
import Testing
import Vocabulary

@testable import Policy

/// The directory of the default pack in this checkout.
let defaultPackDirectory = URL(filePath: #filePath).deletingLastPathComponent()
  .deletingLastPathComponent().deletingLastPathComponent().appending(path: "config/policy")

@Suite struct DefaultPackTests {
  @Test func loadsWithoutProblems() throws {
    let result = PolicyPack.load(directory: defaultPackDirectory) { bytes in "\(bytes.count)" }
    if case .failure(let problems) = result {
      Issue.record("\(problems.diagnostics.count) problems:\n\(problems)")
      return
    }
    let pack = try result.get()
    #expect(pack.warnings == [])
    #expect(pack.rules.count == 45)
  }
}
