/// Memory for bytes that are forgotten together, such as those of a transaction: laid one behind
/// the other in blocks that stay for the next. What was laid down does not move until then.
public final class ByteSlab {
  private static let smallestBlock = 4 << 10
  private static let greatestBlock = 256 << 10
  /// More than this is given back when everything is forgotten.
  private static let keptBytes = 8 << 20

  private var blocks: [UnsafeMutableRawBufferPointer] = []
  /// How many of the blocks are full or in use.
  private var taken = 0
  /// What is free of the block in use.
  private var free = UnsafeMutableRawBufferPointer(start: nil, count: 0)

  public init() {}

  deinit { for block in blocks { block.deallocate() } }

  /// Lays down a copy.
  public func copy(_ bytes: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer {
    guard let start = bytes.baseAddress, bytes.count > 0 else {
      return UnsafeRawBufferPointer(start: nil, count: 0)
    }
    let place = room(bytes.count)
    place.copyMemory(from: start, byteCount: bytes.count)
    return take(bytes.count)
  }

  /// Lays down what `body` writes, in place where it is no more than `capacity`. `body` must not
  /// use the slab itself.
  @inlinable
  public func write(
    reserving capacity: Int, _ body: (inout ByteWriter) -> Void
  ) -> UnsafeRawBufferPointer {
    var writer = ByteWriter(
      borrowing: UnsafeMutableRawBufferPointer(start: room(capacity), count: capacity))
    body(&writer)
    return writer.isOwner ? writer.withBytes { copy($0) } : take(writer.count)
  }

  /// Forgets everything and keeps the memory.
  public func removeAll() {
    guard taken > 0 else { return }
    var kept = 0
    var count = 0
    while count < blocks.count, kept < ByteSlab.keptBytes {
      kept += blocks[count].count
      count += 1
    }
    for block in blocks[count...] { block.deallocate() }
    blocks.removeSubrange(count...)
    taken = min(1, blocks.count)
    free = blocks.first ?? UnsafeMutableRawBufferPointer(start: nil, count: 0)
  }

  /// Where so many bytes can be written.
  @usableFromInline
  func room(_ count: Int) -> UnsafeMutableRawPointer {
    if free.count < max(count, 1) { nextBlock(max(count, 1)) }
    // There is room for a byte, so there is an address.
    return free.baseAddress.unsafelyUnwrapped
  }

  /// Lays down the first bytes of the room.
  @usableFromInline
  func take(_ count: Int) -> UnsafeRawBufferPointer {
    defer { free = UnsafeMutableRawBufferPointer(rebasing: free[count...]) }
    return UnsafeRawBufferPointer(start: free.baseAddress, count: count)
  }

  private func nextBlock(_ count: Int) {
    while taken < blocks.count {
      free = blocks[taken]
      taken += 1
      if free.count >= count { return }
    }
    let usual = min(ByteSlab.smallestBlock << min(blocks.count, 6), ByteSlab.greatestBlock)
    free = .allocate(byteCount: max(usual, count), alignment: 16)
    blocks.append(free)
    taken = blocks.count
  }
}
