/// The stable identity of a fact in records and state: the 32-bit FNV-1a hash of its name, so that
/// stored records outlive a reordering of `facts.yaml`. The pack loader rejects two names with one
/// hash.
public struct FactID: Hashable, Comparable, Sendable {
  public let rawValue: UInt32
  @inlinable public init(rawValue: UInt32) { self.rawValue = rawValue }

  public init(_ name: String) {
    var hash: UInt32 = 2_166_136_261
    for byte in name.utf8 { hash = (hash ^ UInt32(byte)) &* 16_777_619 }
    self.rawValue = hash
  }

  public static func < (a: FactID, b: FactID) -> Bool { a.rawValue < b.rawValue }
}
