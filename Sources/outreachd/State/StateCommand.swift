import ArgumentParser
import Foundation
import Operations
import Policy
import Runtime
import StateStore
import Stages
import Streaming

/// `outreachd state`: the local state, without Kafka.
struct StateCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "state",
    abstract: "Look into the local state.",
    discussion: """
      Works offline, and beside a running daemon: it sees the state as of the last finished batch.

      EXAMPLES
        outreachd state stats --config config/outreachd.yaml
        outreachd state verify --config config/outreachd.yaml --stage households
      """,
    subcommands: [Verify.self, Stats.self, Export.self])

  /// Which partitions.
  struct Scope: ParsableArguments {
    @OptionGroup var file: ConfigurationOption
    @Option(help: "Only this stage: events, persons or households.")
    var stage: String?
    @Option(help: "Only this partition.")
    var partition: Int32?

    func validate() throws {
      if let stage, !Channel.allCases.contains(where: { $0.topicSuffix == stage }) {
        throw ValidationError("--stage takes events, persons or households")
      }
    }

    /// The state directory and its partitions in scope.
    func partitions(
      _ root: String
    ) throws(CommandFailure) -> [(channel: Channel, partition: Int32)] {
      guard FileManager.default.fileExists(atPath: root) else {
        throw CommandFailure(.configuration, "there is no state directory \(root)")
      }
      return StateDirectory.partitions(root: root).filter {
        (stage == nil || $0.channel.topicSuffix == stage)
          && (partition == nil || $0.partition == partition)
      }
    }
  }

  struct Stats: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Sizes and positions.",
      discussion: """
        EXAMPLES
          outreachd state stats --config config/outreachd.yaml
          outreachd state stats --config config/outreachd.yaml --stage persons --json
        """)
    @OptionGroup var scope: Scope
    @Flag(help: "One JSON object a partition.")
    var json = false

    func run() throws {
      let root = try scope.file.load().stateDirectory
      for (channel, partition) in try scope.partitions(root) {
        try StateCommand.reading(root, channel, partition) { inspector throws(StateFailure) in
          let sizes = try inspector.statistics()
          print(line(channel, partition, sizes, try inspector.meta()))
        }
      }
    }

    private func line(
      _ channel: Channel, _ partition: Int32, _ sizes: StateInspector.Statistics, _ meta: StateMeta?
    ) -> String {
      let place = "\(channel.topicSuffix)/\(partition)"
      let input = meta?.inputNext.map(String.init)
      guard json else {
        var text = "\(place): \(sizes.values) values, \(sizes.timers) timers, "
        text += "\(sizes.usedBytes / 1024) KiB"
        guard let meta else { return text + ", never written" }
        return text + ", changelog at \(meta.changelogNext), input at \(input ?? "-"), "
          + "clock \(meta.clock), saved \(meta.savedAt)"
      }
      var fields = [
        ("stage", JSONText.string(channel.topicSuffix)), ("partition", "\(partition)"),
        ("values", "\(sizes.values)"), ("timers", "\(sizes.timers)"),
        ("bytes", "\(sizes.usedBytes)"),
      ]
      if let meta {
        fields += [
          ("changelogNext", "\(meta.changelogNext)"), ("inputNext", input ?? "null"),
          ("sequence", "\(meta.sequence)"), ("clock", JSONText.string(meta.clock.description)),
          ("savedAt", JSONText.string(meta.savedAt.description)),
        ]
      }
      return JSONText.object(fields.map { (name: $0.0, json: $0.1) })
    }
  }

  struct Export: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Every key and value as NDJSON.",
      discussion: """
        One line a value: {"stage","partition","key","value"}, key and value as base64, in order \
        of keys. Holds personal data.

        EXAMPLES
          outreachd state export --config config/outreachd.yaml > state.ndjson
          outreachd state export --config config/outreachd.yaml --stage households --partition 0
        """)
    @OptionGroup var scope: Scope

    func run() throws {
      let root = try scope.file.load().stateDirectory
      let writer = BlockWriter()
      for (channel, partition) in try scope.partitions(root) where !writer.isBroken {
        let head =
          #"{"stage":"\#(channel.topicSuffix)","partition":\#(partition),"key":""#
        try StateCommand.reading(root, channel, partition) { inspector throws(StateFailure) in
          try inspector.forEachValue { key, value in
            writer.write { out in
              out += Array(head.utf8) + Data(key).base64EncodedData()
              out += Array(#"","value":""#.utf8) + Data(value).base64EncodedData()
              out += Array("\"}\n".utf8)
            }
            return !writer.isBroken
          }
        }
      }
      try writer.finish()
    }
  }

  /// Opens a partition's state for reading.
  static func reading(
    _ root: String, _ channel: Channel, _ partition: Int32,
    _ body: (StateInspector) throws(StateFailure) -> Void
  ) throws(CommandFailure) {
    do throws(StateFailure) {
      try body(try StateInspector(root: root, channel, partition: partition))
    } catch {
      throw CommandFailure(
        .internalError, "state \(channel.topicSuffix)/\(partition): \(error)")
    }
  }
}
