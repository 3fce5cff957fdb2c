extension UnsafeRawBufferPointer {
  /// Whether both hold the same bytes; eight are compared at a time.
  public func isEqual(to other: UnsafeRawBufferPointer) -> Bool {
    guard count == other.count else { return false }
    var at = 0
    while at + 8 <= count {
      let mine = loadUnaligned(fromByteOffset: at, as: UInt64.self)
      guard mine == other.loadUnaligned(fromByteOffset: at, as: UInt64.self) else { return false }
      at += 8
    }
    if at == count { return true }
    if count >= 8 {
      // The last eight, some of them once more.
      return loadUnaligned(fromByteOffset: count - 8, as: UInt64.self)
        == other.loadUnaligned(fromByteOffset: count - 8, as: UInt64.self)
    }
    while at < count {
      guard self[at] == other[at] else { return false }
      at += 1
    }
    return true
  }
}
