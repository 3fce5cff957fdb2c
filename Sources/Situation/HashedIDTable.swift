/// Numbers by ids that are hashes already (facts, event types): a hash table without hashing, asked
/// for every event and every changed fact.
public struct HashedIDTable: Sendable {
  @usableFromInline var keys: [UInt32] = []
  /// Nil where there is no key.
  @usableFromInline var values: [UInt64?] = []

  public init(_ entries: [UInt32: UInt64]) {
    var capacity = 16
    while capacity < entries.count * 4 { capacity *= 2 }
    keys = Array(repeating: 0, count: capacity)
    values = Array(repeating: nil, count: capacity)
    for (key, value) in entries {
      let at = slot(key)
      keys[at] = key
      values[at] = value
    }
  }

  @inlinable public subscript(key: UInt32) -> UInt64? { values[slot(key)] }

  /// Where the key is, or would be: less than half of the slots are taken.
  @inlinable func slot(_ key: UInt32) -> Int {
    let mask = keys.count - 1
    var at = Int(key) & mask
    while values[at] != nil, keys[at] != key { at = (at + 1) & mask }
    return at
  }
}
