import ArgumentParser
import Foundation
import Operations

/// The entry point: parses, runs, and answers with the exit codes that scripts rely on.
@main
enum Main {
  static func main() {
    var status = run(Array(CommandLine.arguments.dropFirst()))
    // What was printed and cannot be written must not look like success.
    if fflush(nil) != 0, errno != EPIPE {
      StandardError.write("outreachd: standard output: \(String(cString: strerror(errno)))\n")
      if status == .done { status = .internalError }
    }
    exit(status.rawValue)
  }

  /// Runs the command line; what goes wrong is told on standard error.
  static func run(_ arguments: [String]) -> ExitStatus {
    do {
      var command = try Outreachd.parseAsRoot(arguments)
      try command.run()
      return .done
    } catch let failure as CommandFailure {
      StandardError.write(failure.text)
      return failure.status
    } catch let failure as ConfigurationFailure {
      StandardError.write(failure.description)
      return .configuration
    } catch let code as ExitCode {
      return ExitStatus(rawValue: code.rawValue) ?? .internalError
    } catch {
      return tell(error)
    }
  }

  /// Help and version are asked for and go to standard output; the rest is a usage error.
  private static func tell(_ error: any Error) -> ExitStatus {
    let text = Outreachd.fullMessage(for: error)
    if Outreachd.exitCode(for: error).isSuccess {
      if !text.isEmpty { print(text) }
      return .done
    }
    StandardError.write(text.isEmpty ? "outreachd: failed\n" : text + "\n")
    return Outreachd.exitCode(for: error) == .validationFailure ? .usage : .internalError
  }
}

/// The command line.
struct Outreachd: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "outreachd",
    abstract: "Finds the people a policy is meant for, and tells those who can help.",
    discussion: """
      Reads what happens in a city from Kafka (window transactions, notices, visits, decisions), \
      decides a policy pack's rules on what is known of each household, and publishes referrals \
      and alerts, each exactly once.

      EXAMPLES
        outreachd demo                                   a small city, live, no server needed
        outreachd check --config config/outreachd.yaml   is everything there to run?
        outreachd run --config config/outreachd.yaml     the daemon
        outreachd replay --policy config/policy < events.ndjson > outputs.ndjson

      EXIT CODES
        0 done    1 findings or failed check    2 usage    69 broker unavailable
        70 internal error    78 configuration error
      """,
    version: "outreachd \(outreachdVersion)",
    subcommands: [
      RunCommand.self, DemoCommand.self, CheckCommand.self, ReplayCommand.self,
      SimulateCommand.self, StateCommand.self, TopicsCommand.self, PolicyCommand.self,
      BenchCommand.self,
    ])
}

/// The release's number.
let outreachdVersion = "0.1.0"
