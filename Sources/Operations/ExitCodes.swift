/// The exit codes of `outreachd`.
public enum ExitStatus: Int32, Sendable {
  case done = 0
  /// Findings, or a failed check.
  case findings = 1
  case usage = 2
  case brokerUnavailable = 69
  case internalError = 70
  case configuration = 78
}
