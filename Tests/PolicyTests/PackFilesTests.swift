import Foundation
import Testing

@testable import Policy

/// Reading a pack from a directory: nothing that looks like a part of it is passed over.
@Suite struct PackFilesTests {
  /// A directory with a pack, removed afterwards.
  private func withPack(_ body: (URL) throws -> Void) throws {
    let manager = FileManager.default
    let root = manager.temporaryDirectory.appendingPathComponent("pack-\(UUID().uuidString)")
    defer { try? manager.removeItem(at: root) }
    for (path, text) in SmallPack().files {
      let file = root.appendingPathComponent(path)
      try manager.createDirectory(
        at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
      try Data(text.utf8).write(to: file)
    }
    try body(root)
  }

  private func codes(_ root: URL) -> [String] {
    switch PackFiles.read(directory: root) {
    case .success: []
    case .failure(let problems): problems.diagnostics.map { "\($0.file) \($0.code)" }
    }
  }

  @Test func aDirectoryIsReadAsItIs() throws {
    try withPack { root in
      try Data("notes".utf8).write(to: root.appendingPathComponent("README.md"))
      try Data("x".utf8).write(to: root.appendingPathComponent("rules/.hidden.yaml"))
      let files = try PackFiles.read(directory: root).get()
      #expect(files.files.map(\.path) == SmallPack().files.keys.sorted())
      // The directory itself may be a link.
      let link = root.deletingLastPathComponent().appendingPathComponent("link-\(UUID().uuidString)")
      try FileManager.default.createSymbolicLink(at: link, withDestinationURL: root)
      defer { try? FileManager.default.removeItem(at: link) }
      #expect(try PackFiles.read(directory: link).get().files.count == files.files.count)
    }
  }

  @Test func linksAndOtherEndingsAreProblems() throws {
    try withPack { root in
      let rule = root.appendingPathComponent("rules/X01.yaml")
      let other = root.appendingPathComponent("X01.txt")
      try FileManager.default.moveItem(at: rule, to: other)
      try FileManager.default.createSymbolicLink(at: rule, withDestinationURL: other)
      #expect(codes(root) == ["rules/X01.yaml symbolic-link"])
    }
    try withPack { root in
      try FileManager.default.createSymbolicLink(
        at: root.appendingPathComponent("rules/loop"), withDestinationURL: root)
      #expect(codes(root) == ["rules/loop symbolic-link"])
    }
    try withPack { root in
      try FileManager.default.moveItem(
        at: root.appendingPathComponent("rules/X01.yaml"),
        to: root.appendingPathComponent("rules/X01.yml"))
      #expect(codes(root) == ["rules/X01.yml unknown-file"])
    }
  }

  @Test func bytesThatAreNoTextAreProblems() throws {
    try withPack { root in
      try Data([0xFF, 0xFE, 0x61]).write(to: root.appendingPathComponent("rules/X02.yaml"))
      #expect(codes(root) == ["rules/X02.yaml not-utf8"])
    }
    try withPack { root in
      try Data(repeating: 0x23, count: YAMLSource.maximumBytes + 1)
        .write(to: root.appendingPathComponent("rules/X02.yaml"))
      #expect(codes(root) == ["rules/X02.yaml yaml-too-large"])
    }
  }
}
