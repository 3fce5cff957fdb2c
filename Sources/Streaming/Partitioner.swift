/// Finds a key's partition as Kafka's Java clients do (murmur2), so that any client and any release
/// finds the same one.
public enum Partitioner {
  /// The partition of `key` among `count` (at least 1).
  public static func partition(of key: UnsafeRawBufferPointer, count: Int32) -> Int32 {
    partition(ofHash: murmur2(key), count: count)
  }

  /// The partition of a key with such a `murmur2`.
  public static func partition(ofHash hash: UInt32, count: Int32) -> Int32 {
    Int32(bitPattern: hash & 0x7FFF_FFFF) % max(count, 1)
  }

  /// The partition of `key` among `count` (at least 1).
  public static func partition(of key: [UInt8], count: Int32) -> Int32 {
    key.withUnsafeBytes { partition(of: $0, count: count) }
  }

  /// MurmurHash2 with the seed of Kafka's `Utils.murmur2`.
  public static func murmur2(_ bytes: UnsafeRawBufferPointer) -> UInt32 {
    let m: UInt32 = 0x5BD1_E995
    var hash = 0x9747_B28C ^ UInt32(truncatingIfNeeded: bytes.count)
    let words = bytes.count / 4
    for word in 0..<words {
      var k = UInt32(
        littleEndian: bytes.loadUnaligned(fromByteOffset: word * 4, as: UInt32.self))
      k = k &* m
      k ^= k >> 24
      k = k &* m
      hash = (hash &* m) ^ k
    }
    let tail = words * 4
    let left = bytes.count - tail
    if left == 3 { hash ^= UInt32(bytes[tail + 2]) << 16 }
    if left >= 2 { hash ^= UInt32(bytes[tail + 1]) << 8 }
    if left >= 1 {
      hash ^= UInt32(bytes[tail])
      hash = hash &* m
    }
    hash ^= hash >> 13
    hash = hash &* m
    hash ^= hash >> 15
    return hash
  }
}
