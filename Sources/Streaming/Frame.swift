public import Vocabulary

/// One Kafka message on an internal topic: all records that one transaction sends to one partition.
///
/// Layout: version (1 byte), the sender's clock (8 bytes), then each record as a length-prefixed
/// blob. Packing makes the per-record cost of an internal hop a memory copy.
public struct FrameWriter: Sendable {
  /// A frame is closed when it reaches this size, so that no message nears the broker's limit.
  public static let softLimit = 256 * 1024
  static let version: UInt8 = 1

  private var writer = ByteWriter(reserving: 4096)
  public private(set) var recordCount = 0

  public init() {}

  public var byteCount: Int { writer.count }

  public mutating func append(_ payload: [UInt8], clock: Instant) {
    if recordCount == 0 {
      writer.u8(FrameWriter.version)
      writer.i64(clock.microseconds)
    }
    writer.blob(payload)
    recordCount += 1
  }

  /// The frame's bytes, nil where nothing was appended; the writer is empty afterwards.
  public mutating func finish() -> [UInt8]? {
    guard recordCount > 0 else { return nil }
    defer {
      writer.removeAll()
      recordCount = 0
    }
    return writer.bytes
  }
}

/// Reads a frame in place.
public struct FrameReader {
  /// The sender's clock when the first record was appended.
  public let clock: Instant
  private var reader: ByteReader

  public init(_ bytes: UnsafeRawBufferPointer) throws(DecodingFailure) {
    var reader = ByteReader(bytes)
    guard try reader.u8() == FrameWriter.version else { throw DecodingFailure("frame version") }
    clock = Instant(microseconds: try reader.i64())
    self.reader = reader
  }

  /// The next record's bytes, nil at the end.
  public mutating func next() throws(DecodingFailure) -> UnsafeRawBufferPointer? {
    reader.isAtEnd ? nil : try reader.blob()
  }
}
