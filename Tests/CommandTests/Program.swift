import Foundation

/// The built executable, run as a person or a script would.
struct Program {
  struct Result {
    let status: Int32
    let output: String
    let errors: String
  }

  /// Beside the test bundle, where the build puts it.
  static let executable = Bundle.main.bundleURL.appendingPathComponent("outreachd")
  static let repository = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    .deletingLastPathComponent().deletingLastPathComponent()
  static let policy = repository.appendingPathComponent("config/policy").path
  static let fixtures = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    .appendingPathComponent("Fixtures")

  /// Runs it to its end; `input` becomes standard input. Standard output goes to the file `output`
  /// where one is named, else into the result.
  static func run(
    _ arguments: [String], input: String = "", environment: [String: String] = [:],
    output: String? = nil
  ) throws -> Result {
    let directory = FileManager.default.temporaryDirectory
      .appendingPathComponent("outreachd-test-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: directory) }
    func file(_ name: String, _ text: String = "") throws -> FileHandle {
      let url = directory.appendingPathComponent(name)
      try Data(text.utf8).write(to: url)
      return try FileHandle(forUpdating: url)
    }
    let process = Process()
    process.executableURL = executable
    process.arguments = arguments
    process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
    // Files, not pipes: nobody has to read while the program writes.
    process.standardInput = try file("in", input)
    let out = try file("out")
    process.standardOutput = try output.map { try FileHandle(forWritingTo: URL(filePath: $0)) } ?? out
    process.standardError = try file("err")
    try process.run()
    process.waitUntilExit()
    func text(_ name: String) throws -> String {
      String(
        decoding: try Data(contentsOf: directory.appendingPathComponent(name)), as: UTF8.self)
    }
    return Result(
      status: process.terminationStatus, output: try text("out"), errors: try text("err"))
  }

  /// A configuration file in a directory of its own, removed by the caller.
  static func configuration(_ text: String) throws -> String {
    let directory = FileManager.default.temporaryDirectory
      .appendingPathComponent("outreachd-config-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
    let url = directory.appendingPathComponent("outreachd.yaml")
    try Data(text.utf8).write(to: url)
    return url.path
  }
}
