/// Appends the compact binary encoding used between stages and in state: little-endian fixed-width
/// integers, LEB128 lengths, zigzag for signed varints.
///
/// It writes to plain memory, so that a number costs a comparison and a store.
public struct ByteWriter: ~Copyable {
  @usableFromInline var base: UnsafeMutableRawPointer
  @usableFromInline var capacity: Int
  @usableFromInline var end = 0
  /// Whether the memory is the writer's own: else it is borrowed, until it becomes too small.
  @usableFromInline var isOwner: Bool

  @inlinable public init(reserving capacity: Int = 256) {
    self.capacity = max(capacity, 16)
    base = .allocate(byteCount: self.capacity, alignment: 1)
    isOwner = true
  }

  /// Writes to memory that must stay valid as long as the writer.
  @inlinable init(borrowing memory: UnsafeMutableRawBufferPointer) {
    let start = memory.baseAddress
    base = start ?? .allocate(byteCount: 16, alignment: 1)
    capacity = start == nil ? 16 : memory.count
    isOwner = start == nil
  }

  @inlinable deinit { if isOwner { base.deallocate() } }

  /// The number of bytes written.
  @inlinable public var count: Int { end }

  /// A copy of what was written.
  @inlinable public var bytes: [UInt8] { withBytes { [UInt8]($0) } }

  /// Calls `body` with what was written, valid during the call.
  @inlinable public borrowing func withBytes<R, Failure: Error>(
    _ body: (UnsafeRawBufferPointer) throws(Failure) -> R
  ) throws(Failure) -> R {
    try body(UnsafeRawBufferPointer(start: base, count: end))
  }

  /// Empties the buffer and keeps its capacity.
  @inlinable public mutating func removeAll() { end = 0 }

  @inlinable public mutating func u8(_ value: UInt8) { fixed(value) }
  @inlinable public mutating func bool(_ value: Bool) { u8(value ? 1 : 0) }
  @inlinable public mutating func u16(_ value: UInt16) { fixed(value) }
  @inlinable public mutating func u32(_ value: UInt32) { fixed(value) }
  @inlinable public mutating func u64(_ value: UInt64) { fixed(value) }
  @inlinable public mutating func i64(_ value: Int64) { fixed(UInt64(bitPattern: value)) }

  /// Big-endian, so that encoded keys sort as the numbers do.
  @inlinable public mutating func sortable(_ value: Int64) {
    fixed((UInt64(bitPattern: value) ^ (1 << 63)).byteSwapped)
  }

  @inlinable public mutating func varint(_ value: UInt64) {
    guard value >= 0x80 else { return u8(UInt8(truncatingIfNeeded: value)) }
    longVarint(value)
  }

  @usableFromInline mutating func longVarint(_ value: UInt64) {
    var rest = value
    while rest >= 0x80 {
      u8(UInt8(truncatingIfNeeded: rest) | 0x80)
      rest >>= 7
    }
    u8(UInt8(truncatingIfNeeded: rest))
  }

  @inlinable public mutating func signedVarint(_ value: Int64) {
    varint(UInt64(bitPattern: (value << 1) ^ (value >> 63)))
  }

  /// A length and the bytes.
  @inlinable public mutating func blob(_ value: some Collection<UInt8>) {
    varint(UInt64(value.count))
    raw(value)
  }

  /// A length and the UTF-8 bytes.
  @inlinable public mutating func string(_ value: some StringProtocol) { blob(value.utf8) }

  /// The bytes alone.
  @inlinable public mutating func raw(_ value: some Collection<UInt8>) {
    let isContiguous: Void? = value.withContiguousStorageIfAvailable {
      copy(UnsafeRawBufferPointer($0))
    }
    if isContiguous == nil { for byte in value { u8(byte) } }
  }

  @inlinable public mutating func raw(_ bytes: UnsafeRawBufferPointer) { copy(bytes) }

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

  /// The length of what `body` writes, and that.
  @inlinable public mutating func section(_ body: (inout ByteWriter) -> Void) {
    let start = end
    body(&self)
    let length = end - start
    // Behind it first, to make room in front.
    varint(UInt64(length))
    let prefix = end - start - length
    (base + start + prefix).copyMemory(from: base + start, byteCount: length)
    end = start
    varint(UInt64(length))
    end += length
  }

  @inlinable @inline(__always)
  mutating func fixed<T: FixedWidthInteger>(_ value: T) {
    if capacity &- end < MemoryLayout<T>.size { grow(MemoryLayout<T>.size) }
    (base + end).storeBytes(of: value.littleEndian, as: T.self)
    end &+= MemoryLayout<T>.size
  }

  @inlinable mutating func copy(_ bytes: UnsafeRawBufferPointer) {
    guard let start = bytes.baseAddress else { return }
    if capacity &- end < bytes.count { grow(bytes.count) }
    (base + end).copyMemory(from: start, byteCount: bytes.count)
    end &+= bytes.count
  }

  @usableFromInline @inline(never)
  mutating func grow(_ more: Int) {
    let larger = max(capacity * 2, end + more)
    let moved = UnsafeMutableRawPointer.allocate(byteCount: larger, alignment: 1)
    moved.copyMemory(from: base, byteCount: end)
    if isOwner { base.deallocate() }
    base = moved
    capacity = larger
    isOwner = true
  }
}

extension [UInt8] {
  /// What `body` writes. It is gathered on the stack where `capacity` is small and suffices.
  @inlinable public init(reserving capacity: Int, _ body: (inout ByteWriter) -> Void) {
    self = withUnsafeTemporaryAllocation(byteCount: Swift.max(capacity, 16), alignment: 1) {
      memory in
      var writer = ByteWriter(borrowing: memory)
      body(&writer)
      return writer.bytes
    }
  }
}
