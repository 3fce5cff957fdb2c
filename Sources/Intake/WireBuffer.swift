internal import Vocabulary

/// Writes the encoding of `Streaming.ByteWriter` into memory that is kept from event to event.
final class WireBuffer {
  private var base: UnsafeMutablePointer<UInt8>
  private var capacity = 8192
  private(set) var count = 0

  init() { base = .allocate(capacity: capacity) }

  deinit { base.deallocate() }

  func removeAll() { count = 0 }

  /// What was written, valid until more is written.
  var bytes: UnsafeRawBufferPointer { UnsafeRawBufferPointer(start: base, count: count) }

  @inline(__always)
  private func reserve(_ more: Int) {
    if count + more > capacity { grow(more) }
  }

  @inline(never)
  private func grow(_ more: Int) {
    let larger = max(capacity * 2, count + more)
    let moved = UnsafeMutablePointer<UInt8>.allocate(capacity: larger)
    moved.update(from: base, count: count)
    base.deallocate()
    base = moved
    capacity = larger
  }

  @inline(__always)
  func u8(_ value: UInt8) {
    reserve(1)
    base[count] = value
    count += 1
  }

  @inline(__always)
  func fixed<T: FixedWidthInteger>(_ value: T) {
    let size = MemoryLayout<T>.size
    reserve(size)
    UnsafeMutableRawPointer(base + count).storeBytes(of: value.littleEndian, as: T.self)
    count += size
  }

  @inline(__always)
  func varint(_ value: UInt64) {
    reserve(10)
    var rest = value
    while rest >= 0x80 {
      base[count] = UInt8(truncatingIfNeeded: rest) | 0x80
      count += 1
      rest >>= 7
    }
    base[count] = UInt8(truncatingIfNeeded: rest)
    count += 1
  }

  @inline(__always)
  func signedVarint(_ value: Int64) {
    varint(UInt64(bitPattern: (value << 1) ^ (value >> 63)))
  }

  @inline(__always)
  func raw(_ text: PlanText) {
    reserve(text.length)
    (base + count).update(from: text.start, count: text.length)
    count += text.length
  }

  /// A length and the bytes.
  @inline(__always)
  func blob(_ text: PlanText) {
    varint(UInt64(text.length))
    raw(text)
  }

  func blob(_ bytes: UnsafeRawBufferPointer) {
    varint(UInt64(bytes.count))
    guard let start = bytes.baseAddress else { return }
    raw(PlanText(start: start.assumingMemoryBound(to: UInt8.self), length: bytes.count))
  }

  func string(_ text: String) {
    var text = text
    text.withUTF8 { blob(UnsafeRawBufferPointer($0)) }
  }

  /// Overwrites a byte written before, such as a count that was not known yet.
  @inline(__always)
  func patch(_ value: UInt8, at offset: Int) { base[offset] = value }
}
