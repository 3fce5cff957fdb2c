import ArgumentParser
import Foundation
import Operations
import Runtime
import StateStore
import Stages
import Streaming

extension StateCommand {
  /// `outreachd state verify`.
  struct Verify: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Check what must hold within the state.",
      discussion: """
        For each partition: there is a position, the timers are those that the values imply, and \
        both halves of the timer index agree. Exits with 1 where anything does not hold.

        EXAMPLES
          outreachd state verify --config config/outreachd.yaml
          outreachd state verify --config config/outreachd.yaml --stage persons --json
        """)

    @OptionGroup var scope: Scope
    @Flag(help: "One JSON object on standard output.")
    var json = false

    func run() throws {
      let configuration = try scope.file.load()
      let inputs = StageInputs(
        pack: try Loading.pack(configuration.policyDirectory), identifiers: .development)
      let stages = try inputs.makeStages().stages
      var findings: [String] = []
      var values = 0
      var checked = 0
      var progress = ProgressLine(besideOutput: true)
      for (channel, partition) in try scope.partitions(configuration.stateDirectory) {
        guard let stage = stages.first(where: { $0.channel == channel }) else { continue }
        checked += 1
        let place = "\(channel.topicSuffix)/\(partition)"
        progress.show { _ in "checking \(place)" }
        do throws(CommandFailure) {
          try StateCommand.reading(configuration.stateDirectory, channel, partition) {
            inspector throws(StateFailure) in
            values += try inspector.statistics().values
            let found = try inspector.verify { stage.timer(key: $0, value: $1) }
            findings += found.map { "\(place): \(Verify.text($0))" }
          }
        } catch {
          findings.append(error.message)
        }
      }
      progress.finish("checked in \(Int(progress.elapsed)) s")
      report(findings, values: values, partitions: checked)
      if !findings.isEmpty { throw ExitCode(ExitStatus.findings.rawValue) }
    }

    private func report(_ findings: [String], values: Int, partitions: Int) {
      if json {
        print(
          JSONText.object([
            ("ok", findings.isEmpty ? "true" : "false"), ("partitions", "\(partitions)"),
            ("values", "\(values)"),
            ("findings", JSONText.list(findings.map(JSONText.string))),
          ]))
      } else {
        for finding in findings { print(finding) }
        print("\(partitions) partition(s), \(values) values, \(findings.count) finding(s)")
      }
    }

    /// Without the owner's key, which names a person or household.
    private static func text(_ finding: StateInspector.Finding) -> String {
      switch finding {
      case .timerMissing(_, let due): "a value implies a timer at \(due) that is not there"
      case .timerExtra(_, let due): "a timer at \(due) is implied by no value"
      case .timerIndex: "the two halves of the timer index disagree"
      case .noMeta: "there are values but no position"
      }
    }
  }
}
