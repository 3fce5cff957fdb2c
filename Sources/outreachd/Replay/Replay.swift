import Foundation
import Intake
import Operations
import Policy
import Runtime
import Streaming
import Vocabulary

/// Feeds lines to the stages and writes what they publish.
final class Replay {
  private let pipeline: InlinePipeline
  private let prefix: String
  private let writer: BlockWriter
  private let line: OutputLine
  /// The in-topic of each event type, by full type name.
  private let topics: [[UInt8]: String]
  /// Records so far of each in-topic: the offsets they would have in one partition.
  private var offsets: [String: Int64] = [:]
  /// Outputs written.
  private(set) var outputCount = 0

  static let defaultTopic = "window.transactions"
  private static let contentType = Array("content-type".utf8)
  private static let structured = Array("application/cloudevents+json".utf8)

  init(inputs: StageInputs, prefix: String, output: BlockWriter) throws(CommandFailure) {
    do throws(IntakeFailure) {
      pipeline = InlinePipeline(stages: try inputs.makeStages())
    } catch {
      throw CommandFailure(.internalError, "intake: \(error)")
    }
    self.prefix = prefix
    writer = output
    line = OutputLine(prefix: prefix)
    var topics: [[UInt8]: String] = [:]
    for event in inputs.pack.sources.events {
      guard let topic = event.topic else { continue }
      topics[Array((SourceCatalog.typePrefix + event.name).utf8)] = topic
    }
    self.topics = topics
  }

  /// Reads all lines, then lets timers run on until `end`.
  func run(_ lines: LineReader, until end: Instant?) throws(CommandFailure) {
    var progress = ProgressLine(besideOutput: true)
    while let bytes = try next(lines) {
      if bytes.isEmpty { continue }
      try feed(bytes, line: lines.lineNumber)
      if writer.isBroken { return try writer.finish() }
      progress.show { summary(lines, $0) }
    }
    defer { progress.finish(summary(lines, progress.elapsed)) }
    if let end {
      progress.show { _ in "timers up to \(end) ..." }
      do throws(DecodingFailure) {
        write(try pipeline.advance(until: end))
      } catch {
        throw CommandFailure(.internalError, "after the last line: \(error)")
      }
    }
    try writer.finish()
  }

  private func summary(_ lines: LineReader, _ seconds: Double) -> String {
    let rate = Int(Double(lines.lineNumber) / max(seconds, 0.001))
    // Before the first accepted event there is no clock.
    let clock = pipeline.now == .distantPast ? "-" : pipeline.now.description
    return "\(clock)  \(grouped(lines.lineNumber)) lines  \(grouped(outputCount)) outputs  "
      + "\(grouped(rate))/s"
  }

  private func next(_ lines: LineReader) throws(CommandFailure) -> UnsafeRawBufferPointer? {
    do throws(LineReader.Problem) {
      return try lines.next()
    } catch {
      writer.flush()
      switch error {
      case .tooLong(let line):
        throw CommandFailure(
          .internalError, "line \(line) is longer than \(LineReader.limit >> 20) MiB")
      case .unreadable(let code):
        throw CommandFailure(
          .internalError, "standard input cannot be read: " + String(cString: strerror(code)))
      }
    }
  }

  /// Feeds one line as the record it would be in its topic.
  private func feed(_ bytes: UnsafeRawBufferPointer, line: Int) throws(CommandFailure) {
    var scanner = EventTypeScanner(bytes)
    let suffix = scanner.type().flatMap { topics[Array($0)] } ?? Replay.defaultTopic
    let offset = offsets[suffix, default: 0]
    offsets[suffix] = offset + 1
    let clock = pipeline.now.microseconds
    let result = Replay.withStructuredHeader { headers -> Result<[OutputRecord], DecodingFailure> in
      let record = InboundRecord(
        topic: "\(prefix).\(suffix)", topicSuffix: suffix, partition: 0, offset: offset,
        timestamp: max(0, clock / 1000), key: nil, value: bytes, headers: headers)
      do throws(DecodingFailure) {
        return .success(try pipeline.feed(record))
      } catch {
        return .failure(error)
      }
    }
    switch result {
    case .success(let outputs): write(outputs)
    case .failure(let failure):
      writer.flush()
      throw CommandFailure(.internalError, "line \(line): \(failure)")
    }
  }

  private func write(_ outputs: [OutputRecord]) {
    for output in outputs {
      writer.write { line.append(output, to: &$0) }
      outputCount += 1
    }
  }

  private static func withStructuredHeader<R>(
    _ body: (UnsafeBufferPointer<BorrowedHeader>) -> R
  ) -> R {
    contentType.withUnsafeBytes { name in
      structured.withUnsafeBytes { value in
        withUnsafeTemporaryAllocation(of: BorrowedHeader.self, capacity: 1) { headers in
          headers.initializeElement(at: 0, to: BorrowedHeader(name: name, value: value))
          return body(UnsafeBufferPointer(headers))
        }
      }
    }
  }
}
