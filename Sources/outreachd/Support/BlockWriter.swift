import Foundation

/// Writes to standard output in large blocks.
final class BlockWriter {
  private static let block = 1 << 18
  private let output: FileOutput
  private var buffer: [UInt8] = []
  /// Nothing more can be written: the reader at the other end is gone, or writing failed.
  private(set) var isBroken = false
  private var failure: CommandFailure?

  /// A closed pipe ends the writing quietly.
  init() {
    output = FileOutput.standard()
    buffer.reserveCapacity(BlockWriter.block + (1 << 16))
  }

  /// Appends to the block under way; written when it is large enough.
  func write(_ body: (inout [UInt8]) -> Void) {
    body(&buffer)
    if buffer.count >= BlockWriter.block { flush() }
  }

  func flush() {
    defer { buffer.removeAll(keepingCapacity: true) }
    guard !isBroken else { return }
    do {
      isBroken = try buffer.withUnsafeBytes { try output.write($0) == .closed }
    } catch {
      isBroken = true
      failure = error as? CommandFailure ?? CommandFailure(.internalError, "standard output")
    }
  }

  /// Writes the rest, and tells where anything could not be written.
  func finish() throws(CommandFailure) {
    flush()
    if let failure { throw failure }
  }
}
