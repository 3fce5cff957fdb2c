internal import Foundation
public import Logging
internal import Vocabulary

/// Writes log lines to standard error, one `write` a line, so that lines of several threads never
/// mix.
///
/// What is logged are names, counts, codes and places; never an event's content. An error is
/// written by its public text only, which holds no payload by this program's rules.
public struct LineLogHandler: LogHandler {
  public var logLevel: Logger.Level
  public var metadata: Logger.Metadata = [:]
  private let label: String
  private let format: LogFormat
  private let write: @Sendable ([UInt8]) -> Void

  /// `write` is given whole lines with their line break.
  public init(
    label: String, format: LogFormat, level: Logger.Level,
    write: @escaping @Sendable ([UInt8]) -> Void = { StandardError.write($0) }
  ) {
    self.label = label
    self.format = format
    self.logLevel = level
    self.write = write
  }

  public subscript(metadataKey key: String) -> Logger.Metadata.Value? {
    get { metadata[key] }
    set { metadata[key] = newValue }
  }

  public func log(event: LogEvent) {
    var fields = metadata
    for (name, value) in event.metadata ?? [:] { fields[name] = value }
    var pairs = fields.sorted { $0.key < $1.key }.map { ($0.key, text(of: $0.value)) }
    if let error = event.error { pairs.append(("error", "\(error)")) }
    let now = LineLogHandler.now()
    let line =
      switch format {
      case .json: json(event, pairs, now)
      case .text: plain(event, pairs, now)
      }
    write(Array(line.utf8))
  }

  private func json(_ event: LogEvent, _ pairs: [(String, String)], _ now: Instant) -> String {
    var fields = [
      ("time", JSONText.string(now.description)),
      ("level", JSONText.string(event.level.rawValue)), ("logger", JSONText.string(label)),
      ("message", JSONText.string(event.message.description)),
    ]
    for (name, value) in pairs { fields.append((name, JSONText.string(value))) }
    return JSONText.object(fields) + "\n"
  }

  /// Line breaks within texts become blanks: a line is one event.
  private func plain(_ event: LogEvent, _ pairs: [(String, String)], _ now: Instant) -> String {
    var line = "\(now) \(event.level.rawValue) \(label): \(event.message)"
    for (name, value) in pairs {
      let isPlain = !value.isEmpty && value.utf8.allSatisfy { $0 > 0x20 && $0 != 0x22 }
      line += " \(name)=" + (isPlain ? value : JSONText.string(value))
    }
    return line.split(whereSeparator: \.isNewline).joined(separator: " ") + "\n"
  }

  private func text(of value: Logger.MetadataValue) -> String {
    switch value {
    case .string(let text): text
    case .stringConvertible(let value): value.description
    case .array(let values): values.map(text).joined(separator: ",")
    case .dictionary(let values):
      values.sorted { $0.key < $1.key }.map { "\($0.key)=\(text(of: $0.value))" }
        .joined(separator: ",")
    }
  }

  private static func now() -> Instant {
    var time = timespec()
    clock_gettime(CLOCK_REALTIME, &time)
    return Instant(seconds: Int64(time.tv_sec))
  }
}

/// The standard error stream, unbuffered.
public enum StandardError {
  public static func write(_ text: String) { write(Array(text.utf8)) }

  public static func write(_ bytes: [UInt8]) {
    bytes.withUnsafeBytes { all in
      var rest = all[...]
      while !rest.isEmpty {
        let part = UnsafeRawBufferPointer(rebasing: rest)
        let count = Foundation.write(2, part.baseAddress, part.count)
        if count < 0, errno == EINTR { continue }
        // Nobody is left to tell where standard error is gone.
        guard count > 0 else { return }
        rest = rest.dropFirst(count)
      }
    }
  }
}
