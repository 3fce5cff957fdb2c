import Glibc

/// Writes bytes to a file descriptor, all of them or until nobody reads any more.
struct FileOutput {
  enum Outcome {
    case written
    /// The reader is gone (a closed pipe): stop quietly.
    case closed
  }

  private let descriptor: Int32
  private let name: String

  /// Standard output; a closed pipe is then an outcome, not a signal.
  static func standard() -> FileOutput {
    signal(SIGPIPE, SIG_IGN)
    return FileOutput(descriptor: STDOUT_FILENO, name: "standard output")
  }

  /// Writes to standard error; where that fails nobody can be told.
  static func complain(_ text: String) {
    _ = try? FileOutput(descriptor: STDERR_FILENO, name: "standard error").write(text)
  }

  /// Replaces a file.
  static func file(_ path: String) throws -> FileOutput {
    let descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
    guard descriptor >= 0 else {
      throw CommandFailure(.internalError, "\(path): " + String(cString: strerror(errno)))
    }
    return FileOutput(descriptor: descriptor, name: path)
  }

  @discardableResult
  func write(_ bytes: UnsafeRawBufferPointer) throws(CommandFailure) -> Outcome {
    var start = 0
    while start < bytes.count {
      let rest = UnsafeRawBufferPointer(rebasing: bytes[start...])
      let count = Glibc.write(descriptor, rest.baseAddress, rest.count)
      if count > 0 {
        start += count
      } else if errno == EPIPE {
        return .closed
      } else if errno != EINTR {
        throw CommandFailure(.internalError, "\(name): " + String(cString: strerror(errno)))
      }
    }
    return .written
  }

  @discardableResult
  func write(_ text: String) throws -> Outcome {
    try Array(text.utf8).withUnsafeBytes { try write($0) }
  }

  func close() { Glibc.close(descriptor) }
}
