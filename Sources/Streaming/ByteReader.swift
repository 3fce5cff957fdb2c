/// A record in state or on an internal topic does not decode: it was written by a newer version or
/// damaged. The runtime answers with a restore, never a trap.
public struct DecodingFailure: Error, Equatable, Sendable, CustomStringConvertible {
  public let what: String
  @inlinable public init(_ what: String) { self.what = what }
  public var description: String { "cannot decode \(what)" }
}

/// Reads what `ByteWriter` wrote from borrowed bytes. Every read is bounds-checked.
public struct ByteReader {
  @usableFromInline let bytes: UnsafeRawBufferPointer
  public var offset: Int

  /// `bytes` must stay valid while the reader is used.
  @inlinable public init(_ bytes: UnsafeRawBufferPointer, offset: Int = 0) {
    self.bytes = bytes
    self.offset = offset
  }

  // What is read for every event and field is inlined where it is used.

  @inlinable public var isAtEnd: Bool { offset >= bytes.count }
  @inlinable public var remaining: Int { bytes.count - offset }

  @inlinable @inline(__always)
  public mutating func u8() throws(DecodingFailure) -> UInt8 { try fixed() }
  @inlinable @inline(__always)
  public mutating func bool() throws(DecodingFailure) -> Bool { try u8() != 0 }
  @inlinable @inline(__always)
  public mutating func u16() throws(DecodingFailure) -> UInt16 { try fixed() }
  @inlinable @inline(__always)
  public mutating func u32() throws(DecodingFailure) -> UInt32 { try fixed() }
  @inlinable @inline(__always)
  public mutating func u64() throws(DecodingFailure) -> UInt64 { try fixed() }
  @inlinable @inline(__always)
  public mutating func i64() throws(DecodingFailure) -> Int64 {
    Int64(bitPattern: try fixed() as UInt64)
  }

  @inlinable public mutating func sortable() throws(DecodingFailure) -> Int64 {
    let raw: UInt64 = try fixed()
    return Int64(bitPattern: UInt64(bigEndian: raw) ^ (1 << 63))
  }

  @inlinable @inline(__always)
  public mutating func varint() throws(DecodingFailure) -> UInt64 {
    guard offset < bytes.count, bytes[offset] < 0x80 else { return try longVarint() }
    defer { offset += 1 }
    return UInt64(bytes[offset])
  }

  @usableFromInline mutating func longVarint() throws(DecodingFailure) -> UInt64 {
    var value: UInt64 = 0
    var shift: UInt64 = 0
    while shift < 64 {
      let byte = try u8()
      value |= UInt64(byte & 0x7F) << shift
      if byte < 0x80 { return value }
      shift += 7
    }
    throw DecodingFailure("varint")
  }

  @inlinable public mutating func signedVarint() throws(DecodingFailure) -> Int64 {
    let raw = try varint()
    return Int64(bitPattern: raw >> 1) ^ -Int64(bitPattern: raw & 1)
  }

  /// A count of elements that are at least one byte each.
  @inlinable @inline(__always)
  public mutating func count() throws(DecodingFailure) -> Int {
    let value = try varint()
    guard value <= UInt64(remaining) else { throw ByteReader.tooShort("count") }
    return Int(truncatingIfNeeded: value)
  }

  /// Borrowed bytes of a length-prefixed blob.
  @inlinable @inline(__always)
  public mutating func blob() throws(DecodingFailure) -> UnsafeRawBufferPointer {
    let length = try count()
    return try raw(length)
  }

  @inlinable @inline(__always)
  public mutating func raw(_ length: Int) throws(DecodingFailure) -> UnsafeRawBufferPointer {
    guard length >= 0, length <= remaining else { throw ByteReader.tooShort("bytes") }
    defer { offset &+= length }
    return UnsafeRawBufferPointer(start: bytes.baseAddress.map { $0 + offset }, count: length)
  }

  @usableFromInline @inline(never)
  static func tooShort(_ what: StaticString) -> DecodingFailure { DecodingFailure("\(what)") }

  /// The bytes that `body` reads over.
  @inlinable public mutating func passed(
    _ body: (inout ByteReader) throws(DecodingFailure) -> Void
  ) throws(DecodingFailure) -> UnsafeRawBufferPointer {
    let start = offset
    try body(&self)
    return UnsafeRawBufferPointer(rebasing: bytes[start..<offset])
  }

  @inlinable public mutating func string() throws(DecodingFailure) -> String {
    String(decoding: try blob(), as: UTF8.self)
  }

  @inlinable public mutating func optional<T>(
    _ body: (inout ByteReader) throws(DecodingFailure) -> T
  ) throws(DecodingFailure) -> T? {
    try bool() ? try body(&self) : nil
  }

  @inlinable public mutating func list<T>(
    _ body: (inout ByteReader) throws(DecodingFailure) -> T
  ) throws(DecodingFailure) -> [T] {
    let total = try count()
    var values: [T] = []
    values.reserveCapacity(total)
    for _ in 0..<total { values.append(try body(&self)) }
    return values
  }

  @inlinable @inline(__always)
  mutating func fixed<T: FixedWidthInteger>() throws(DecodingFailure) -> T {
    let size = MemoryLayout<T>.size
    guard size <= remaining, let start = bytes.baseAddress else {
      throw ByteReader.tooShort("integer")
    }
    defer { offset &+= size }
    return T(littleEndian: (start + offset).loadUnaligned(as: T.self))
  }
}
