import Streaming
import Testing

@Suite struct ByteComparisonTests {
  @Test func everyByteCountsAtEveryLength() {
    for length in 0...40 {
      let bytes = (0..<length).map { UInt8(truncatingIfNeeded: $0 * 7 + 1) }
      bytes.withUnsafeBytes { mine in
        bytes.withUnsafeBytes { #expect(mine.isEqual(to: $0)) }
        (bytes + [0]).withUnsafeBytes { #expect(!mine.isEqual(to: $0)) }
        for at in bytes.indices {
          var other = bytes
          other[at] ^= 0x10
          other.withUnsafeBytes { #expect(!mine.isEqual(to: $0), "\(length) \(at)") }
        }
      }
    }
  }
}
