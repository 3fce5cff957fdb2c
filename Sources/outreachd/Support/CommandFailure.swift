import KafkaIO
import Operations
import StateStore

/// Why a command ended, with its exit code. The text holds no record's content.
struct CommandFailure: Error {
  let status: ExitStatus
  /// Whole lines.
  let text: String

  init(_ status: ExitStatus, _ message: String) {
    self.status = status
    text = "outreachd: \(message)\n"
  }

  /// The message without the program's name and the line break.
  var message: String {
    let line = text.hasPrefix("outreachd: ") ? text.dropFirst(11) : text[...]
    return String(line.last == "\n" ? line.dropLast() : line)
  }

  /// Lines already rendered, such as diagnostics.
  init(_ status: ExitStatus, rendered: String) {
    self.status = status
    text = rendered
  }

  /// A failure of Kafka outside the workers: what cannot be reached is 69.
  init(_ failure: KafkaFailure, _ doing: String) {
    switch failure.recovery {
    case .retry: self.init(.brokerUnavailable, "\(doing): \(failure)")
    case .fatal, .abortBatch, .fenced, .restore: self.init(.internalError, "\(doing): \(failure)")
    }
  }

  init(_ failure: KafkaConfigurationError) { self.init(.configuration, "kafka: \(failure)") }

  init(_ failure: StateFailure, directory: String) {
    self.init(.internalError, "state directory \(directory): \(failure)")
  }
}
