import Streaming
import Vocabulary

/// The identity of an event in state: a 128-bit SipHash-2-4 of `(source, id)`.
///
/// The pair is one name space over all topics (semantics 39).
public struct EventKey: Hashable, Comparable, Sendable {
  public let high: UInt64
  public let low: UInt64

  public init(high: UInt64, low: UInt64) {
    self.high = high
    self.low = low
  }

  public init(source: some StringProtocol, id: some StringProtocol) {
    var text = ByteWriter(reserving: source.utf8.count + id.utf8.count + 1)
    text.raw(source.utf8)
    text.u8(0)
    text.raw(id.utf8)
    self = text.withBytes { EventKey(hashing: $0) }
  }

  /// Hashes `source`, a zero byte and `id` laid out in `bytes`.
  public init(hashing bytes: UnsafeRawBufferPointer) {
    high = sipHash24(bytes, key: (0x6f75_7472_6561_6368, 0x6576_656e_742e_6869))
    low = sipHash24(bytes, key: (0x6f75_7472_6561_6368, 0x6576_656e_742e_6c6f))
  }

  /// The 16 bytes, big-endian.
  public var bytes: [UInt8] { withBytes { Array($0) } }

  /// Calls `body` with the 16 bytes, big-endian, valid during the call.
  public func withBytes<R>(_ body: (UnsafeRawBufferPointer) -> R) -> R {
    let words = (high.bigEndian, low.bigEndian)
    return withUnsafeBytes(of: words) { body($0) }
  }

  public static func < (a: EventKey, b: EventKey) -> Bool {
    a.high != b.high ? a.high < b.high : a.low < b.low
  }
}

/// The stable identity of an event type in records: the 32-bit FNV-1a hash of its short name.
public struct EventTypeID: Hashable, Sendable {
  public let rawValue: UInt32
  @inlinable public init(rawValue: UInt32) { self.rawValue = rawValue }
  /// `name` without the prefix `cn.gov.sh.assist.`, such as `notice.death`.
  public init(_ name: String) { rawValue = FactID(name).rawValue }
}

/// SipHash-2-4 (Aumasson and Bernstein) with a 64-bit result.
func sipHash24(_ bytes: UnsafeRawBufferPointer, key: (UInt64, UInt64)) -> UInt64 {
  var v0 = key.0 ^ 0x736f_6d65_7073_6575
  var v1 = key.1 ^ 0x646f_7261_6e64_6f6d
  var v2 = key.0 ^ 0x6c79_6765_6e65_7261
  var v3 = key.1 ^ 0x7465_6462_7974_6573
  @inline(__always) func rotate(_ x: UInt64, _ n: UInt64) -> UInt64 { (x << n) | (x >> (64 - n)) }
  @inline(__always) func round() {
    v0 = v0 &+ v1
    v1 = rotate(v1, 13) ^ v0
    v0 = rotate(v0, 32)
    v2 = v2 &+ v3
    v3 = rotate(v3, 16) ^ v2
    v0 = v0 &+ v3
    v3 = rotate(v3, 21) ^ v0
    v2 = v2 &+ v1
    v1 = rotate(v1, 17) ^ v2
    v2 = rotate(v2, 32)
  }
  let whole = bytes.count & ~7
  var at = 0
  while at < whole {
    let word = UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: at, as: UInt64.self))
    v3 ^= word
    round()
    round()
    v0 ^= word
    at += 8
  }
  var last = UInt64(truncatingIfNeeded: bytes.count) << 56
  for i in whole..<bytes.count { last |= UInt64(bytes[i]) << UInt64((i - whole) * 8) }
  v3 ^= last
  round()
  round()
  v0 ^= last
  v2 ^= 0xff
  for _ in 0..<4 { round() }
  return v0 ^ v1 ^ v2 ^ v3
}
