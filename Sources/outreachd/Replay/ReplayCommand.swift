import ArgumentParser
import Foundation
import Operations
import Vocabulary

/// `outreachd replay`: the daemon's stages on a virtual clock, without Kafka.
struct ReplayCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "replay",
    abstract: "Decide a file of events offline, on a virtual clock.",
    discussion: """
      Reads one structured CloudEvent a line from standard input and writes what the daemon would \
      publish, one line an output: {"topic","key","headers","event"}, in order of publication. A \
      dead letter has "event":{"bytes":base64}. The same input gives the same bytes.

      Virtual now is the latest `recordedtime`, else `time`, so far. Timers due on the way fire \
      first, each at its own instant. Empty lines are skipped. Dead letters do not change the exit \
      code.

      EXAMPLES
        outreachd replay --policy config/policy < events.ndjson > outputs.ndjson
        outreachd replay --policy config/policy --directory advisors.ndjson \\
          --until 2026-07-01T00:00:00+08:00 < events.ndjson
      """)

  @Option(help: "The policy pack's directory.")
  var policy: String

  @Option(help: "Advisors and resources, one JSON value of a directory topic a line.")
  var directory: String?

  @Option(
    help: """
      Let timers run on to this instant when the events are read: RFC 3339, or a date for the end \
      of that day in Shanghai.
      """)
  var until: String?

  @Option(help: "The key of identifiers (a file); without one a public development key.")
  var keyFile: String?

  @Option(help: "What topic names begin with.")
  var prefix = "assist"

  func validate() throws { _ = try until.map(ReplayCommand.instant) }

  func run() throws {
    let end = try until.map(ReplayCommand.instant)
    let key = try Loading.identifierKey(keyFile.map { .file($0) } ?? .developmentKey)
    var inputs = StageInputs(pack: try Loading.pack(policy), identifiers: key)
    if let directory { inputs.directory = try Loading.directory(directory) }
    let replay = try Replay(inputs: inputs, prefix: prefix, output: BlockWriter())
    try replay.run(LineReader(descriptor: 0), until: end)
  }

  static func instant(_ text: String) throws -> Instant {
    if let instant = Instant(text) { return instant }
    if let date = CivilDate(text) { return Instant(endOf: date) }
    throw ValidationError("--until: '\(text)' is neither an RFC 3339 time nor a date")
  }
}
