import Foundation

/// Reads lines of a file descriptor in large blocks and lends each one without a copy.
final class LineReader {
  /// A longer line ends the reading.
  static let limit = 64 << 20
  private static let block = 1 << 20

  enum Problem: Error, Equatable {
    case tooLong(line: Int)
    case unreadable(code: Int32)
  }

  private let descriptor: Int32
  private var buffer: UnsafeMutableRawBufferPointer
  private var start = 0
  private var end = 0
  /// Up to here the bytes after `start` hold no line break.
  private var searched = 0
  private var isAtEnd = false
  /// Lines handed out so far, blank ones included.
  private(set) var lineNumber = 0

  init(descriptor: Int32) {
    self.descriptor = descriptor
    buffer = .allocate(byteCount: LineReader.block, alignment: 64)
  }

  deinit { buffer.deallocate() }

  /// The next line without its line break; a carriage return before it is dropped. Valid until the
  /// next call; nil at the end.
  func next() throws(Problem) -> UnsafeRawBufferPointer? {
    while true {
      if let at = lineBreak() {
        defer { start = at + 1 }
        return take(upTo: at)
      }
      if isAtEnd {
        guard start < end else { return nil }
        defer { start = end }
        return take(upTo: end)
      }
      try fill()
    }
  }

  private func lineBreak() -> Int? {
    let from = start + searched
    guard from < end, let base = buffer.baseAddress,
      let found = memchr(base + from, 0x0A, end - from)
    else {
      searched = end - start
      return nil
    }
    searched = 0
    return UnsafeRawPointer(found) - UnsafeRawPointer(base)
  }

  private func take(upTo at: Int) -> UnsafeRawBufferPointer {
    lineNumber += 1
    searched = 0
    let last = at > start && buffer[at - 1] == 0x0D ? at - 1 : at
    return UnsafeRawBufferPointer(rebasing: buffer[start..<last])
  }

  private func fill() throws(Problem) {
    if start > 0 {
      if let base = buffer.baseAddress { memmove(base, base + start, end - start) }
      end -= start
      start = 0
    }
    if end == buffer.count {
      guard buffer.count < LineReader.limit else { throw .tooLong(line: lineNumber + 1) }
      let larger = UnsafeMutableRawBufferPointer.allocate(
        byteCount: buffer.count * 2, alignment: 64)
      larger.copyMemory(from: UnsafeRawBufferPointer(buffer))
      buffer.deallocate()
      buffer = larger
    }
    while true {
      let count = read(descriptor, buffer.baseAddress.map { $0 + end }, buffer.count - end)
      if count < 0, errno == EINTR { continue }
      guard count >= 0 else { throw .unreadable(code: errno) }
      isAtEnd = count == 0
      end += count
      return
    }
  }
}
