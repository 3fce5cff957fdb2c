internal import CLMDB
internal import Foundation
public import Streaming

/// The state of one partition of one stage in an LMDB environment. Values are read in place within
/// one read transaction for all reads between two writes. Not thread-safe: one worker owns it.
public final class LMDBState: PartitionState {
  public private(set) var meta: StateMeta?
  public private(set) var failure: StateFailure?

  private var environment: LMDBEnvironment?
  private let directory: String
  private let about: [UInt8]
  private let onClose: @Sendable () -> Void
  private var reading: OpaquePointer?
  /// Below this much free space a write could meet a page that the file system cannot back, and
  /// the process would die of it.
  private static let spareBytes: UInt64 = 64 << 20

  /// Opens the environment in `directory`, which must exist; `about` names stage and partition.
  init(
    directory: String, about: String, onClose: @escaping @Sendable () -> Void
  ) throws(StateFailure) {
    self.directory = directory
    self.about = [StateMeta.formatVersion] + Array(about.utf8)
    self.onClose = onClose
    let environment = try LMDBEnvironment(directory: directory)
    self.environment = environment
    self.meta = try LMDBState.readMeta(environment, about: self.about)
  }

  deinit { endReading() }

  public func withValue<R, Failure: Error>(
    _ key: UnsafeRawBufferPointer, _ body: (UnsafeRawBufferPointer?) throws(Failure) -> R
  ) throws(Failure) -> R {
    guard let environment, let transaction = readTransaction() else { return try body(nil) }
    var value = MDB_val()
    let code = withLMDBValue(key) { mdb_get(transaction, environment.values, &$0, &value) }
    if code == MDB_SUCCESS { return try body(value.bytes) }
    if code != MDB_NOTFOUND { fail(stateFailure(code, "get")) }
    return try body(nil)
  }

  public func keys(prefix: UInt8, after cursor: [UInt8]?, max: Int) -> [[UInt8]] {
    guard max > 0, let environment, let transaction = readTransaction() else { return [] }
    var keys: [[UInt8]] = []
    do throws(StateFailure) {
      try scan(transaction, environment.values, from: cursor ?? [prefix]) {
        key, _ throws(StateFailure) in
        guard key.first == prefix else { return false }
        if cursor.map({ !key.elementsEqual($0) }) ?? true { keys.append(Array(key)) }
        return keys.count < max
      }
    } catch {
      fail(error)
      return []
    }
    return keys
  }

  public func timers(after cursor: Streaming.Timer?, max: Int) -> [Streaming.Timer] {
    guard let environment, let transaction = readTransaction() else { return [] }
    do throws(StateFailure) {
      return try TimerIndex.page(transaction, environment, after: cursor, max: max)
    } catch {
      fail(error)
      return []
    }
  }

  public func apply(_ overlay: StateOverlay, meta: StateMeta) throws(StateFailure) {
    guard let environment else { throw StateFailure(.io, "closed") }
    endReading()
    try checkSpace()
    environment.reserve(writes: overlay.writes.count)
    while true {
      let transaction = try environment.begin(readOnly: false)
      let fits: Bool
      do throws(StateFailure) {
        fits = try write(overlay, meta, in: transaction, environment)
      } catch {
        mdb_txn_abort(transaction)
        throw error
      }
      if fits {
        // A failed commit has ended the transaction too.
        let code = mdb_txn_commit(transaction)
        if code == MDB_SUCCESS { break }
        guard code == MDB_MAP_FULL else { throw stateFailure(code, "commit") }
      } else {
        mdb_txn_abort(transaction)
      }
      try environment.grow()
    }
    self.meta = meta
  }

  public func wipe() throws(StateFailure) {
    endReading()
    guard environment != nil else { throw StateFailure(.io, "closed") }
    environment = nil
    try LMDBState.removeFiles(directory)
    environment = try LMDBEnvironment(directory: directory)
    meta = nil
    failure = nil
  }

  public func close(flush: Bool) {
    guard let environment else { return }
    endReading()
    var isFlushed = false
    if flush, failure == nil {
      // A failed flush leaves the marker, and the copy is distrusted after a reboot.
      do throws(StateFailure) {
        try environment.sync()
        isFlushed = true
      } catch {
        isFlushed = false
      }
    }
    self.environment = nil
    if isFlushed { BootMarker(directory: directory).clear() }
    onClose()
  }

  /// Deletes the environment's files in `directory`.
  static func removeFiles(_ directory: String) throws(StateFailure) {
    for name in [LMDBEnvironment.fileName, "lock.mdb"] {
      let path = directory + "/" + name
      if unlink(path) != 0, errno != ENOENT {
        throw StateFailure(.io, "remove: errno \(errno)")
      }
    }
  }

  // MARK: Transactions

  private func readTransaction() -> OpaquePointer? {
    if let reading { return reading }
    guard failure == nil, let environment else { return nil }
    do throws(StateFailure) {
      reading = try environment.begin(readOnly: true)
    } catch {
      fail(error)
    }
    return reading
  }

  private func endReading() {
    if let reading { mdb_txn_abort(reading) }
    reading = nil
  }

  private func fail(_ error: StateFailure) {
    if failure == nil { failure = error }
  }

  /// Writes everything; false where the map is too small.
  private func write(
    _ overlay: StateOverlay, _ meta: StateMeta, in transaction: OpaquePointer,
    _ environment: LMDBEnvironment
  ) throws(StateFailure) -> Bool {
    guard try SortedWrites(overlay.writes).put(transaction, environment.values) else {
      return false
    }
    for (owner, due) in overlay.timerWrites {
      guard try TimerIndex.set(transaction, environment, owner: Array(owner), due: due) else {
        return false
      }
    }
    guard try put(MetaKey.meta, meta.storedValue, transaction, environment.meta) else {
      return false
    }
    return try put(MetaKey.about, about, transaction, environment.meta)
  }

  private func checkSpace() throws(StateFailure) {
    var status = statvfs()
    guard statvfs(directory, &status) == 0 else { return }
    let free = UInt64(status.f_bavail).multipliedReportingOverflow(by: UInt64(status.f_frsize))
    if !free.overflow, free.partialValue < LMDBState.spareBytes {
      throw StateFailure(.diskFull, "less than \(LMDBState.spareBytes >> 20) MiB free")
    }
  }

  private static func readMeta(
    _ environment: LMDBEnvironment, about: [UInt8]
  ) throws(StateFailure) -> StateMeta? {
    let transaction = try environment.begin(readOnly: true)
    defer { mdb_txn_abort(transaction) }
    guard let stored = try read(MetaKey.about, transaction, environment.meta) else { return nil }
    guard stored.elementsEqual(about) else {
      throw StateFailure(.corrupt, "another stage's files or another release's")
    }
    guard let bytes = try read(MetaKey.meta, transaction, environment.meta) else { return nil }
    do throws(DecodingFailure) {
      return try StateMeta(storedValue: bytes)
    } catch {
      throw StateFailure(.corrupt, error.description)
    }
  }
}

/// The names of the records in the meta sub-database.
enum MetaKey {
  static let meta = Array("meta".utf8)
  static let about = Array("about".utf8)
}

/// Puts or deletes (nil) a value; false where the map is too small.
func put(
  _ key: [UInt8], _ value: [UInt8]?, _ transaction: OpaquePointer, _ database: MDB_dbi
) throws(StateFailure) -> Bool {
  let code = key.withUnsafeBytes { key in
    withLMDBValue(key) { key in
      guard let value else {
        let code = mdb_del(transaction, database, &key, nil)
        return code == MDB_NOTFOUND ? MDB_SUCCESS : code
      }
      return value.withUnsafeBytes { value in
        withLMDBValue(value) { mdb_put(transaction, database, &key, &$0, 0) }
      }
    }
  }
  if code == MDB_MAP_FULL { return false }
  try check(code, "put")
  return true
}

/// The value of a key, valid until the transaction ends or writes.
func read(
  _ key: [UInt8], _ transaction: OpaquePointer, _ database: MDB_dbi
) throws(StateFailure) -> UnsafeRawBufferPointer? {
  var value = MDB_val()
  let code = key.withUnsafeBytes { key in
    withLMDBValue(key) { mdb_get(transaction, database, &$0, &value) }
  }
  if code == MDB_NOTFOUND { return nil }
  try check(code, "get")
  return value.bytes
}
