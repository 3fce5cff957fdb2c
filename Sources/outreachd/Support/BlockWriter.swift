import Foundation

/// Writes to a file descriptor in large blocks.
final class BlockWriter {
  private static let block = 1 << 18
  private let descriptor: Int32
  private var buffer: [UInt8] = []
  /// The reader at the other end is gone, or the disk is full.
  private(set) var isBroken = false

  init(descriptor: Int32) {
    self.descriptor = descriptor
    buffer.reserveCapacity(BlockWriter.block + (1 << 16))
  }

  /// Appends to the block under way; written when it is large enough.
  func write(_ body: (inout [UInt8]) -> Void) {
    body(&buffer)
    if buffer.count >= BlockWriter.block { flush() }
  }

  func flush() {
    buffer.withUnsafeBytes { all in
      var at = 0
      while at < all.count, !isBroken {
        let count = Foundation.write(descriptor, all.baseAddress.map { $0 + at }, all.count - at)
        if count < 0, errno == EINTR { continue }
        if count <= 0 { isBroken = true } else { at += count }
      }
    }
    buffer.removeAll(keepingCapacity: true)
  }
}
