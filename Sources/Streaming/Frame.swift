public import Vocabulary

/// The records that one transaction sends to one partition of an internal topic, in frames: each is
/// one Kafka message.
///
/// Layout of a frame: version (1 byte), then each record as the difference of its clock to the one
/// before (zigzag varint, microseconds, the first from 0) and a length-prefixed blob. Packing makes
/// the cost of an internal hop a memory copy a record.
public final class FrameWriter {
  /// A frame is closed when it reaches this size, so that no message nears the broker's limit.
  public static let softLimit = 256 * 1024
  static let version: UInt8 = 1
  /// A frame without records.
  public static let empty: [UInt8] = [version]

  private var writer = ByteWriter(reserving: 4096)
  private var clock: Int64 = 0
  /// Where each frame but the first begins.
  private var cuts: [Int] = []
  public private(set) var recordCount = 0

  public init() {}

  /// Of all frames.
  public var byteCount: Int { writer.count }

  /// How many messages there are to send.
  public var frameCount: Int { recordCount > 0 ? cuts.count + 1 : 0 }

  /// Appends one record made at `clock`.
  public func append(_ payload: UnsafeRawBufferPointer, clock now: Instant) {
    let isFull = writer.count - (cuts.last ?? 0) >= FrameWriter.softLimit
    if isFull { cuts.append(writer.count) }
    if isFull || recordCount == 0 {
      clock = 0
      writer.u8(FrameWriter.version)
    }
    writer.signedVarint(now.microseconds &- clock)
    clock = now.microseconds
    writer.blob(payload)
    recordCount += 1
  }

  /// As above.
  public func append(_ payload: [UInt8], clock now: Instant) {
    payload.span.withUnsafeBytes { append($0, clock: now) }
  }

  /// Calls `send` with each frame's bytes, valid during the call, unless nothing was appended; the
  /// writer is empty afterwards.
  public func flush<E: Error>(
    _ send: (UnsafeRawBufferPointer) throws(E) -> Void
  ) throws(E) {
    guard recordCount > 0 else { return }
    defer { removeAll() }
    try writer.withBytes { (bytes) throws(E) in
      var start = 0
      for end in cuts + [bytes.count] {
        try send(UnsafeRawBufferPointer(rebasing: bytes[start..<end]))
        start = end
      }
    }
  }

  /// Forgets what was appended: the transaction is aborted.
  public func removeAll() {
    writer.removeAll()
    cuts.removeAll(keepingCapacity: true)
    recordCount = 0
  }
}

/// Reads a frame in place.
public struct FrameReader {
  /// The sender's clock when the record read last was appended.
  public private(set) var clock = Instant(microseconds: 0)
  private var reader: ByteReader

  /// `bytes` must stay valid while the reader is used.
  public init(_ bytes: UnsafeRawBufferPointer) throws(DecodingFailure) {
    var reader = ByteReader(bytes)
    guard try reader.u8() == FrameWriter.version else { throw DecodingFailure("frame version") }
    self.reader = reader
  }

  /// The next record's bytes, nil at the end.
  public mutating func next() throws(DecodingFailure) -> UnsafeRawBufferPointer? {
    guard !reader.isAtEnd else { return nil }
    clock = Instant(microseconds: clock.microseconds &+ (try reader.signedVarint()))
    return try reader.blob()
  }
}
