internal import CLMDB
internal import Streaming
internal import Vocabulary

/// The timers of a partition, ordered by (due, owner). Derived from the values: never in the
/// changelog, rebuilt on restore.
enum TimerIndex {
  private static let dueBytes = 8

  /// Sets the owner's only timer or clears it; false where the map is too small.
  static func set(
    _ transaction: OpaquePointer, _ environment: LMDBEnvironment, owner: [UInt8], due: Instant?
  ) throws(StateFailure) -> Bool {
    if let old = try read(owner, transaction, environment.owners) {
      let key = Array(old) + owner
      if let due, key.starts(with: sortable(due)) { return true }
      guard try put(key, nil, transaction, environment.timers) else { return false }
    }
    guard let due else { return try put(owner, nil, transaction, environment.owners) }
    let sorted = sortable(due)
    guard try put(sorted + owner, [], transaction, environment.timers) else { return false }
    return try put(owner, sorted, transaction, environment.owners)
  }

  /// Up to `max` timers after `cursor`.
  static func page(
    _ transaction: OpaquePointer, _ environment: LMDBEnvironment, after cursor: Timer?, max: Int
  ) throws(StateFailure) -> [Timer] {
    var page: [Timer] = []
    let start = cursor.map { sortable($0.due) + $0.owner }
    try scan(transaction, environment.timers, from: start) { key, _ throws(StateFailure) in
      let timer = try timer(ofKey: key)
      if timer != cursor { page.append(timer) }
      return page.count < max
    }
    return page
  }

  /// The timer that an index key stands for.
  static func timer(ofKey key: UnsafeRawBufferPointer) throws(StateFailure) -> Timer {
    guard let due = due(ofValue: key) else { throw StateFailure(.corrupt, "timer key") }
    return Timer(due: due, owner: Array(key.dropFirst(dueBytes)))
  }

  /// The instant in the first eight bytes.
  static func due(ofValue bytes: UnsafeRawBufferPointer) -> Instant? {
    var reader = ByteReader(bytes)
    guard let due = try? reader.sortable() else { return nil }
    return Instant(microseconds: due)
  }

  private static func sortable(_ due: Instant) -> [UInt8] {
    [UInt8](reserving: dueBytes) { writer in
      writer.sortable(due.microseconds)
    }
  }
}

/// Visits the records of a sub-database in key order, from `start` (inclusive) on, until `visit`
/// answers false.
func scan(
  _ transaction: OpaquePointer, _ database: MDB_dbi, from start: [UInt8]? = nil,
  _ visit: (UnsafeRawBufferPointer, UnsafeRawBufferPointer) throws(StateFailure) -> Bool
) throws(StateFailure) {
  var cursor: OpaquePointer?
  try check(mdb_cursor_open(transaction, database, &cursor), "cursor")
  defer { mdb_cursor_close(cursor) }
  var key = MDB_val()
  var value = MDB_val()
  var code: Int32
  if let start, !start.isEmpty {
    code = start.withUnsafeBytes { bytes in
      withLMDBValue(bytes) { wanted in
        let code = mdb_cursor_get(cursor, &wanted, &value, MDB_SET_RANGE)
        key = wanted
        return code
      }
    }
  } else {
    code = mdb_cursor_get(cursor, &key, &value, MDB_FIRST)
  }
  while code == MDB_SUCCESS {
    guard try visit(key.bytes, value.bytes) else { return }
    code = mdb_cursor_get(cursor, &key, &value, MDB_NEXT)
  }
  if code != MDB_NOTFOUND { throw stateFailure(code, "scan") }
}
