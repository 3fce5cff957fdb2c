/// Values by keys of bytes, in the order in which the keys came.
///
/// A hash table of its own: the hash of Swift's dictionaries takes in a key byte by byte. Keys hold
/// identifiers from outside, so the hash begins with a number that is another in every process:
/// nobody can make up keys that fall together.
public final class KeyedValues<Value> {
  /// A key is valid until everything is forgotten.
  public typealias Element = (key: UnsafeRawBufferPointer, value: Value)

  private var entries: [Element] = []
  /// By hash: the upper half of a hash and one more than the index of its entry; 0 is free. At most
  /// half of them are taken.
  private var slots: [UInt64] = Array(repeating: 0, count: 16)
  private let keys = ByteSlab()

  public init() {}

  /// The value of a key.
  public subscript(key: UnsafeRawBufferPointer) -> Value? {
    let slot = find(key).slot
    return slots[slot] == 0 ? nil : entries[index(slot)].value
  }

  /// The value of a key.
  public subscript(key: [UInt8]) -> Value? { key.span.withUnsafeBytes { self[$0] } }

  /// Sets the value of a key.
  public func set(_ key: [UInt8], _ value: Value) {
    key.span.withUnsafeBytes { set($0, value) }
  }

  /// Sets the value of a key.
  public func set(_ key: UnsafeRawBufferPointer, _ value: Value) {
    let found = find(key)
    guard slots[found.slot] == 0 else {
      entries[index(found.slot)].value = value
      return
    }
    entries.append((keys.copy(key), value))
    slots[found.slot] = found.tag | UInt64(entries.count)
    if entries.count * 2 > slots.count { grow() }
  }

  /// Forgets everything and keeps the capacity.
  public func removeAll() {
    guard !entries.isEmpty else { return }
    entries.removeAll(keepingCapacity: true)
    keys.removeAll()
    for slot in slots.indices { slots[slot] = 0 }
  }

  /// The slot of a key, or that in which it belongs, and the half of its hash that is kept.
  private func find(_ key: UnsafeRawBufferPointer) -> (slot: Int, tag: UInt64) {
    let hash = ByteHash.ofProcess(key)
    let tag = hash & ~0xFFFF_FFFF
    var slot = Int(truncatingIfNeeded: hash) & (slots.count - 1)
    while slots[slot] != 0 {
      if slots[slot] & ~0xFFFF_FFFF == tag, entries[index(slot)].key.isEqual(to: key) { break }
      slot = (slot + 1) & (slots.count - 1)
    }
    return (slot, tag)
  }

  private func index(_ slot: Int) -> Int { Int(slots[slot] & 0xFFFF_FFFF) - 1 }

  private func grow() {
    slots = Array(repeating: 0, count: slots.count * 2)
    for index in entries.indices {
      let found = find(entries[index].key)
      slots[found.slot] = found.tag | UInt64(index + 1)
    }
  }
}

extension KeyedValues: RandomAccessCollection {
  public var startIndex: Int { 0 }
  public var endIndex: Int { entries.count }
  public subscript(position: Int) -> Element { entries[position] }
}

/// A hash of bytes with random numbers of its own.
private struct ByteHash {
  /// That of this process.
  static let ofProcess = ByteHash()

  private let start = UInt64.random(in: .min ... .max)
  private let factor = UInt64.random(in: .min ... .max) | 1

  func callAsFunction(_ bytes: UnsafeRawBufferPointer) -> UInt64 {
    var hash = start ^ UInt64(truncatingIfNeeded: bytes.count)
    var at = 0
    while at &+ 8 <= bytes.count {
      hash = folded(hash ^ bytes.loadUnaligned(fromByteOffset: at, as: UInt64.self))
      at &+= 8
    }
    var rest: UInt64 = 0
    while at < bytes.count {
      rest = rest << 8 | UInt64(bytes[at])
      at &+= 1
    }
    return folded(folded(hash ^ rest))
  }

  /// The halves of a product laid on each other.
  private func folded(_ value: UInt64) -> UInt64 {
    let product = value.multipliedFullWidth(by: factor)
    return product.high ^ product.low
  }
}
