/// Why a local state could not be opened, read or written. `code` is stable; the text holds neither
/// keys nor values.
public struct StateFailure: Error, Equatable, Sendable, CustomStringConvertible {
  public enum Code: String, Sendable {
    /// The files are damaged or of another release: wipe them and restore from the changelog.
    case corrupt = "state-corrupt"
    /// Another process works on the directory.
    case locked = "state-locked"
    /// The partition is open already in this process.
    case busy = "state-busy"
    /// The file system has too little room left.
    case diskFull = "state-disk-full"
    /// A key is empty: a defect of the stage.
    case key = "state-key"
    /// The operating system refused an operation.
    case io = "state-io"
  }

  public let code: Code
  public let detail: String

  public init(_ code: Code, _ detail: String) {
    self.code = code
    self.detail = detail
  }

  /// Whether wiping the copy and reading the changelog mends it.
  public var isMendedByRestore: Bool { code == .corrupt }

  public var description: String { "\(code.rawValue): \(detail)" }
}
