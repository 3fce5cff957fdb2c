import ArgumentParser
import Foundation
import Logging
import Operations

/// `outreachd demo`: the whole way of an event in one process, without a server.
struct DemoCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "demo",
    abstract: "A small city, live: events in, referrals and alerts out. Needs no server.",
    discussion: """
      Starts a broker inside this process, lets an invented city live through some days, runs the \
      daemon on it and shows what it finds. Prints the broker's address first, so that another \
      terminal can read the topics meanwhile. Ends by itself, or on Ctrl-C.

      The broker is librdkafka's mock: it shows the flow, but isolates no transactions.

      EXAMPLES
        outreachd demo
        outreachd demo --seconds 10 --json
        outreachd demo --people 20000 --rate 1000
      """)

  @Option(help: "How long the city lives, in seconds.")
  var seconds = 30

  @Option(help: "Residents of the city.")
  var people = 3_000

  @Option(help: "Events a second.")
  var rate = 150

  @Option(help: "Another city.")
  var seed: UInt64 = 1

  @Option(help: "The policy pack's directory; found beside the executable where absent.")
  var policy: String?

  @Flag(help: "One JSON object a line: start, progress, referral, alert, summary.")
  var json = false

  @Flag(help: "Log lines of the daemon on standard error.")
  var verbose = false

  func validate() throws {
    guard (1...86_400).contains(seconds) else {
      throw ValidationError("--seconds takes 1 to 86400")
    }
    guard (10...1_000_000).contains(people) else {
      throw ValidationError("--people takes 10 to 1000000")
    }
    guard (1...20_000).contains(rate) else { throw ValidationError("--rate takes 1 to 20000") }
  }

  func run() throws {
    Signals.block()
    guard let policy = policy ?? DemoPaths.policy() else {
      throw CommandFailure(
        .configuration, "no policy pack found; name one with --policy, such as config/policy")
    }
    var settings = DaemonConfiguration.LogSettings()
    settings.level = verbose ? .info : .critical
    let demo = try Demo(
      options: Demo.Options(
        seconds: seconds, people: people, rate: rate, seed: seed, policyDirectory: policy),
      view: view(), logger: settings.logger("outreachd"))
    try demo.run()
  }

  private func view() -> any DemoView {
    if json { return JSONView() }
    return isatty(1) == 1 ? TerminalView() : PlainView()
  }
}

/// Where the pack of the repository, or of an installation, lies.
enum DemoPaths {
  static func policy() -> String? {
    let executable = (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe"))
    let places = [
      "config/policy", executable.map { ($0 as NSString).deletingLastPathComponent + "/policy" },
      executable.map { ($0 as NSString).deletingLastPathComponent + "/config/policy" },
      executable.map(repository), "/etc/outreachd/policy",
    ]
    return places.compactMap(\.self).first {
      FileManager.default.fileExists(atPath: $0 + "/pack.yaml")
    }
  }

  /// The executable is in `.build/<triple>/<configuration>/` of the repository.
  private static func repository(of executable: String) -> String {
    var path = executable as NSString
    for _ in 0..<4 { path = path.deletingLastPathComponent as NSString }
    return path.appendingPathComponent("config/policy")
  }
}
