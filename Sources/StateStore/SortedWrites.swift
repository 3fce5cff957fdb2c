internal import CLMDB
internal import Foundation
internal import Streaming

/// What an overlay writes, by key: so each page is visited once, and mostly from its neighbour.
struct SortedWrites {
  private struct Place {
    /// The first eight bytes of the key, which mostly tell keys apart.
    let head: UInt64
    let index: Int
  }

  private let writes: KeyedValues<UnsafeRawBufferPointer?>
  private let order: [Place]

  init(_ writes: KeyedValues<UnsafeRawBufferPointer?>) {
    self.writes = writes
    var order: [Place] = []
    order.reserveCapacity(writes.count)
    for index in writes.indices {
      order.append(Place(head: SortedWrites.head(of: writes[index].key), index: index))
    }
    order.sort { a, b in
      if a.head != b.head { return a.head < b.head }
      return SortedWrites.precedes(writes[a.index].key, writes[b.index].key)
    }
    self.order = order
  }

  /// Writes and deletes; false where the map is too small.
  func put(_ transaction: OpaquePointer, _ database: MDB_dbi) throws(StateFailure) -> Bool {
    var cursor: OpaquePointer?
    try check(mdb_cursor_open(transaction, database, &cursor), "cursor")
    var deleted: [UnsafeRawBufferPointer] = []
    for place in order {
      let (key, value) = writes[place.index]
      guard let value else {
        deleted.append(key)
        continue
      }
      let code = withLMDBValue(key) { key in
        withLMDBValue(value) { mdb_cursor_put(cursor, &key, &$0, 0) }
      }
      guard code == MDB_SUCCESS else {
        mdb_cursor_close(cursor)
        if code == MDB_MAP_FULL { return false }
        throw stateFailure(code, "put")
      }
    }
    mdb_cursor_close(cursor)
    for key in deleted {
      guard try StateStore.put(Array(key), nil, transaction, database) else { return false }
    }
    return true
  }

  private static func precedes(
    _ a: UnsafeRawBufferPointer, _ b: UnsafeRawBufferPointer
  ) -> Bool {
    guard let first = a.baseAddress, let second = b.baseAddress else { return a.count < b.count }
    let order = memcmp(first, second, min(a.count, b.count))
    return order != 0 ? order < 0 : a.count < b.count
  }

  private static func head(of key: UnsafeRawBufferPointer) -> UInt64 {
    if key.count >= 8 { return UInt64(bigEndian: key.loadUnaligned(as: UInt64.self)) }
    var head: UInt64 = 0
    for at in 0..<8 { head = head << 8 | UInt64(at < key.count ? key[at] : 0) }
    return head
  }
}
