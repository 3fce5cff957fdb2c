import ArgumentParser
import Glibc

/// The one executable. Exit codes are those of `ProgramExit`.
@main struct Outreachd: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "outreachd",
    abstract: "Finds the people a policy is meant for, in a stream of events, exactly once.",
    subcommands: [SimulateCommand.self])

  static func main() {
    do {
      var command = try parseAsRoot()
      try command.run()
    } catch {
      leave(error)
    }
  }

  /// Says what went wrong (or the help that was asked for) and ends the program.
  private static func leave(_ error: any Error) -> Never {
    if let failure = error as? ProgramFailure {
      complain("outreachd: " + failure.message)
      Glibc.exit(failure.exit.rawValue)
    }
    if let code = error as? ExitCode { Glibc.exit(code.rawValue) }
    let code = exitCode(for: error)
    if code == .success {
      print(fullMessage(for: error))
      Glibc.exit(ProgramExit.done.rawValue)
    }
    complain(fullMessage(for: error))
    let isUsage = code == .validationFailure
    Glibc.exit((isUsage ? ProgramExit.usage : .internalError).rawValue)
  }

  private static func complain(_ text: String) { FileOutput.complain(text + "\n") }
}
