/// Appends the compact binary encoding used between stages and in state: little-endian fixed-width
/// integers, LEB128 lengths, zigzag for signed varints.
public struct ByteWriter: Sendable {
  public var bytes: [UInt8]

  @inlinable public init(reserving capacity: Int = 256) {
    bytes = []
    bytes.reserveCapacity(capacity)
  }

  @inlinable public var count: Int { bytes.count }

  /// Empties the buffer and keeps its capacity.
  @inlinable public mutating func removeAll() { bytes.removeAll(keepingCapacity: true) }

  @inlinable public mutating func u8(_ value: UInt8) { bytes.append(value) }
  @inlinable public mutating func bool(_ value: Bool) { bytes.append(value ? 1 : 0) }
  @inlinable public mutating func u16(_ value: UInt16) { fixed(value) }
  @inlinable public mutating func u32(_ value: UInt32) { fixed(value) }
  @inlinable public mutating func u64(_ value: UInt64) { fixed(value) }
  @inlinable public mutating func i64(_ value: Int64) { fixed(UInt64(bitPattern: value)) }

  /// Big-endian, so that encoded keys sort as the numbers do.
  @inlinable public mutating func sortable(_ value: Int64) {
    let shifted = UInt64(bitPattern: value) ^ (1 << 63)
    withUnsafeBytes(of: shifted.bigEndian) { bytes.append(contentsOf: $0) }
  }

  @inlinable public mutating func varint(_ value: UInt64) {
    var rest = value
    while rest >= 0x80 {
      bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
      rest >>= 7
    }
    bytes.append(UInt8(rest))
  }

  @inlinable public mutating func signedVarint(_ value: Int64) {
    varint(UInt64(bitPattern: (value << 1) ^ (value >> 63)))
  }

  /// A length and the bytes.
  @inlinable public mutating func blob(_ value: some Collection<UInt8>) {
    varint(UInt64(value.count))
    bytes.append(contentsOf: value)
  }

  /// A length and the UTF-8 bytes.
  @inlinable public mutating func string(_ value: some StringProtocol) {
    let utf8 = value.utf8
    varint(UInt64(utf8.count))
    bytes.append(contentsOf: utf8)
  }

  /// The bytes alone.
  @inlinable public mutating func raw(_ value: some Collection<UInt8>) { bytes.append(contentsOf: value) }

  /// Presence, then the value.
  @inlinable public mutating func optional<T>(_ value: T?, _ body: (inout ByteWriter, T) -> Void) {
    guard let value else { return u8(0) }
    u8(1)
    body(&self, value)
  }

  /// A count, then each element.
  @inlinable public mutating func list<T>(
    _ values: some Collection<T>, _ body: (inout ByteWriter, T) -> Void
  ) {
    varint(UInt64(values.count))
    for value in values { body(&self, value) }
  }

  @inlinable mutating func fixed(_ value: some FixedWidthInteger) {
    withUnsafeBytes(of: value.littleEndian) { bytes.append(contentsOf: $0) }
  }
}
