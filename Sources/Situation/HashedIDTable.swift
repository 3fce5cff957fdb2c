/// Numbers by ids that are hashes already (facts, event types): a hash table without hashing, asked
/// for every event and every changed fact. To ask it counts no references.
public final class HashedIDTable: @unchecked Sendable {
  // Unchecked: the memory is written in `init` only.

  @usableFromInline struct Entry {
    @usableFromInline var key: UInt32
    @usableFromInline var isTaken: Bool
    @usableFromInline var value: UInt64

    @usableFromInline init(key: UInt32, isTaken: Bool, value: UInt64) {
      self.key = key
      self.isTaken = isTaken
      self.value = value
    }
  }
  @usableFromInline let entries: UnsafeMutablePointer<Entry>
  @usableFromInline let mask: Int

  public init(_ numbers: [UInt32: UInt64]) {
    var capacity = 16
    while capacity < numbers.count * 4 { capacity *= 2 }
    mask = capacity - 1
    entries = .allocate(capacity: capacity)
    entries.initialize(
      repeating: Entry(key: 0, isTaken: false, value: 0), count: capacity)
    for (key, value) in numbers {
      entries[slot(key)] = Entry(key: key, isTaken: true, value: value)
    }
  }

  deinit { entries.deallocate() }

  @inlinable @inline(__always)
  public subscript(key: UInt32) -> UInt64? {
    let entry = entries + slot(key)
    return entry.pointee.isTaken ? entry.pointee.value : nil
  }

  /// Where the key is, or would be: less than half of the slots are taken.
  @inlinable @inline(__always)
  func slot(_ key: UInt32) -> Int {
    var at = Int(key) & mask
    while entries[at].isTaken, entries[at].key != key { at = (at &+ 1) & mask }
    return at
  }
}
