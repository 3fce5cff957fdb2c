/// A growing buffer of text bytes, written without an allocation for each piece.
///
/// All texts of the city are its own, so nothing here escapes JSON: `string` takes only text
/// without quotes, backslashes and control characters.
public struct ByteText: ~Copyable {
  private var base: UnsafeMutableRawPointer
  private var capacity: Int
  /// Bytes written so far.
  public private(set) var count = 0

  public init(reserving capacity: Int = 1024) {
    self.capacity = max(64, capacity)
    base = UnsafeMutableRawPointer.allocate(byteCount: self.capacity, alignment: 8)
  }

  deinit { base.deallocate() }

  /// Lends the bytes for the length of `body`.
  public borrowing func withBytes<R>(_ body: (UnsafeRawBufferPointer) throws -> R) rethrows -> R {
    try body(UnsafeRawBufferPointer(start: base, count: count))
  }

  /// A copy of the bytes.
  public var array: [UInt8] { Array(UnsafeRawBufferPointer(start: base, count: count)) }

  /// Empties the buffer and keeps its capacity.
  public mutating func removeAll() { count = 0 }

  /// Drops everything after the first `length` bytes.
  mutating func truncate(to length: Int) { count = min(count, max(0, length)) }

  subscript(index: Int) -> UInt8 { base.load(fromByteOffset: index, as: UInt8.self) }

  @inline(__always)
  private mutating func make(room: Int) {
    if count + room > capacity { grow(room) }
  }

  @inline(never)
  private mutating func grow(_ room: Int) {
    let larger = max(capacity * 2, count + room)
    let fresh = UnsafeMutableRawPointer.allocate(byteCount: larger, alignment: 8)
    fresh.copyMemory(from: base, byteCount: count)
    base.deallocate()
    base = fresh
    capacity = larger
  }

  @inline(__always)
  mutating func add(_ text: StaticString) {
    let length = text.utf8CodeUnitCount
    make(room: length)
    (base + count).copyMemory(from: text.utf8Start, byteCount: length)
    count += length
  }

  @inline(__always)
  mutating func add(_ bytes: [UInt8]) {
    make(room: bytes.count)
    bytes.withUnsafeBytes { raw in
      if let start = raw.baseAddress {
        (base + count).copyMemory(from: start, byteCount: raw.count)
      }
    }
    count += bytes.count
  }

  /// Appends another buffer.
  public mutating func add(_ other: borrowing ByteText) {
    make(room: other.count)
    (base + count).copyMemory(from: other.base, byteCount: other.count)
    count += other.count
  }

  @inline(__always)
  mutating func byte(_ value: UInt8) {
    make(room: 1)
    base.storeBytes(of: value, toByteOffset: count, as: UInt8.self)
    count += 1
  }

  /// Appends one byte, for example a line feed between lines.
  public mutating func append(_ value: UInt8) { byte(value) }

  mutating func add(_ text: String) {
    var text = text
    text.withUTF8 { utf8 in
      make(room: utf8.count)
      if let start = utf8.baseAddress {
        (base + count).copyMemory(from: start, byteCount: utf8.count)
      }
      count += utf8.count
    }
  }

  /// A decimal number.
  mutating func decimal(_ value: Int) {
    if value < 0 { byte(0x2D) }
    var rest = value.magnitude
    var width = 1
    var probe = rest
    while probe >= 10 {
      probe /= 10
      width += 1
    }
    make(room: width)
    for at in stride(from: count + width - 1, through: count, by: -1) {
      base.storeBytes(
        of: UInt8(truncatingIfNeeded: rest % 10) + 0x30, toByteOffset: at, as: UInt8.self)
      rest /= 10
    }
    count += width
  }

  /// The last `width` decimal digits of a non-negative number.
  @inline(__always)
  mutating func digits(_ value: Int, _ width: Int) {
    make(room: width)
    var rest = UInt(truncatingIfNeeded: value)
    var at = count + width
    while at > count {
      at -= 1
      base.storeBytes(
        of: UInt8(truncatingIfNeeded: rest % 10) + 0x30, toByteOffset: at, as: UInt8.self)
      rest /= 10
    }
    count += width
  }

  /// Overwrites one byte.
  mutating func set(_ value: UInt8, at index: Int) {
    base.storeBytes(of: value, toByteOffset: index, as: UInt8.self)
  }
}
