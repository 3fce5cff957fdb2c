/// The exit codes of all commands.
enum ProgramExit: Int32 {
  case done = 0
  /// Findings, or a failed check.
  case findings = 1
  case usage = 2
  case brokerUnavailable = 69
  case internalError = 70
  case configuration = 78
}

/// Ends a command with a message for people and a code for programs. The text holds nothing
/// personal.
struct ProgramFailure: Error {
  let exit: ProgramExit
  let message: String

  init(_ exit: ProgramExit, _ message: String) {
    self.exit = exit
    self.message = message
  }
}
