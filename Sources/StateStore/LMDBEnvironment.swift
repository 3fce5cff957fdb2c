internal import CLMDB
internal import Foundation
internal import Streaming

/// An LMDB environment with the sub-databases of one partition's state. Not thread-safe.
///
/// Write-map without sync: a write is a store to mapped memory, which survives the end of the
/// process but not of the machine; `BootMarker` tells the two apart.
final class LMDBEnvironment {
  static let fileName = "data.mdb"
  private static let smallestMap = 64 << 20
  private static let greatestStep = 1 << 30

  let handle: OpaquePointer
  /// Key to value.
  let values: MDB_dbi
  /// Due (8 bytes, sortable) and owner to nothing.
  let timers: MDB_dbi
  /// Owner to due (8 bytes, sortable).
  let owners: MDB_dbi
  /// Names to bytes: `meta`, `about`.
  let meta: MDB_dbi
  private var mapSize: Int
  private var ground = PreparedGround()

  /// Opens or creates the environment in an existing directory. `readOnly` is for inspection
  /// beside a running daemon.
  init(directory: String, readOnly: Bool = false) throws(StateFailure) {
    let path = directory + "/" + LMDBEnvironment.fileName
    let fileSize = LMDBEnvironment.size(ofFile: path)
    var environment: OpaquePointer?
    try check(mdb_env_create(&environment), "create")
    guard let environment else { throw StateFailure(.io, "no environment") }
    mapSize = max(LMDBEnvironment.smallestMap, fileSize ?? 0)
    do throws(StateFailure) {
      try check(mdb_env_set_maxdbs(environment, 4), "sub-databases")
      try check(mdb_env_set_mapsize(environment, mapSize), "map size")
      let flags = readOnly ? MDB_RDONLY | MDB_NOTLS : MDB_WRITEMAP | MDB_NOSYNC | MDB_NOTLS
      let flagBits = UInt32(flags | MDB_NORDAHEAD)
      try check(mdb_env_open(environment, directory, flagBits, 0o600), "open")
      try LMDBEnvironment.checkExtent(environment, fileSize: fileSize)
      (values, timers, owners, meta) = try LMDBEnvironment.openDatabases(
        environment, readOnly: readOnly)
      handle = environment
    } catch {
      mdb_env_close(environment)
      throw error
    }
  }

  deinit { mdb_env_close(handle) }

  func begin(readOnly: Bool) throws(StateFailure) -> OpaquePointer {
    var transaction: OpaquePointer?
    try check(mdb_txn_begin(handle, nil, readOnly ? UInt32(MDB_RDONLY) : 0, &transaction), "begin")
    guard let transaction else { throw StateFailure(.io, "no transaction") }
    return transaction
  }

  /// Enlarges the map; no transaction may be open.
  func grow() throws(StateFailure) {
    // An inspecting process that was killed would keep pages from being used again for ever.
    var dead: Int32 = 0
    mdb_reader_check(handle, &dead)
    let step = min(mapSize, LMDBEnvironment.greatestStep)
    let size = mapSize + step
    try check(mdb_env_set_mapsize(handle, size), "grow")
    mapSize = size
  }

  /// Makes ready the pages that a transaction of so many writes may take behind those in use; no
  /// transaction may be open.
  func reserve(writes: Int) {
    var descriptor: mdb_filehandle_t = -1
    guard mdb_env_get_fd(handle, &descriptor) == MDB_SUCCESS else { return }
    ground.prepare(descriptor, used: usedBytes, writes: writes, mapSize: mapSize)
  }

  /// Writes everything through to the disk.
  func sync() throws(StateFailure) { try check(mdb_env_sync(handle, 1), "sync") }

  /// Bytes in use, without the free pages at the end of the map.
  var usedBytes: Int {
    var info = MDB_envinfo()
    var stat = MDB_stat()
    guard mdb_env_info(handle, &info) == MDB_SUCCESS, mdb_env_stat(handle, &stat) == MDB_SUCCESS
    else { return 0 }
    return (Int(info.me_last_pgno) + 1) * Int(stat.ms_psize)
  }

  private static func size(ofFile path: String) -> Int? {
    var status = stat()
    return stat(path, &status) == 0 ? Int(status.st_size) : nil
  }

  /// A file shorter than its own page count was cut off; reading it would meet pages of zeros.
  private static func checkExtent(
    _ environment: OpaquePointer, fileSize: Int?
  ) throws(StateFailure) {
    guard let fileSize, fileSize > 0 else { return }
    var info = MDB_envinfo()
    var stat = MDB_stat()
    try check(mdb_env_info(environment, &info), "info")
    try check(mdb_env_stat(environment, &stat), "stat")
    let extent = (Int(info.me_last_pgno) &+ 1).multipliedReportingOverflow(by: Int(stat.ms_psize))
    guard !extent.overflow, extent.partialValue <= fileSize else {
      throw StateFailure(.corrupt, "file is cut off")
    }
  }

  private static func openDatabases(
    _ environment: OpaquePointer, readOnly: Bool
  ) throws(StateFailure) -> (MDB_dbi, MDB_dbi, MDB_dbi, MDB_dbi) {
    var transaction: OpaquePointer?
    try check(
      mdb_txn_begin(environment, nil, readOnly ? UInt32(MDB_RDONLY) : 0, &transaction), "begin")
    func open(_ name: String) throws(StateFailure) -> MDB_dbi {
      var database: MDB_dbi = 0
      let flags = readOnly ? 0 : UInt32(MDB_CREATE)
      try check(mdb_dbi_open(transaction, name, flags, &database), "sub-database")
      return database
    }
    let result: (MDB_dbi, MDB_dbi, MDB_dbi, MDB_dbi)
    do throws(StateFailure) {
      result = (
        try open("values"), try open("timers"), try open("owners"), try open("meta")
      )
    } catch {
      mdb_txn_abort(transaction)
      throw error
    }
    try check(mdb_txn_commit(transaction), "commit")
    return result
  }
}

/// Turns an LMDB result into a failure.
func check(_ code: Int32, _ what: @autoclosure () -> String) throws(StateFailure) {
  if code != MDB_SUCCESS { throw stateFailure(code, what()) }
}

func stateFailure(_ code: Int32, _ what: String) -> StateFailure {
  let text = "\(what): \(String(cString: mdb_strerror(code)))"
  switch code {
  case MDB_CORRUPTED, MDB_PAGE_NOTFOUND, MDB_INVALID, MDB_VERSION_MISMATCH, MDB_PANIC,
    MDB_INCOMPATIBLE, MDB_BAD_TXN, MDB_BAD_DBI, MDB_CURSOR_FULL:
    return StateFailure(.corrupt, text)
  case MDB_BAD_VALSIZE: return StateFailure(.key, text)
  case ENOSPC, EDQUOT: return StateFailure(.diskFull, text)
  default: return StateFailure(.io, text)
  }
}

/// Calls `body` with an LMDB view of borrowed bytes.
func withLMDBValue<R>(
  _ bytes: UnsafeRawBufferPointer, _ body: (inout MDB_val) -> R
) -> R {
  var value = MDB_val(
    mv_size: bytes.count, mv_data: UnsafeMutableRawPointer(mutating: bytes.baseAddress))
  return body(&value)
}

extension MDB_val {
  /// The bytes, valid until the transaction ends or the page is written to.
  var bytes: UnsafeRawBufferPointer { UnsafeRawBufferPointer(start: mv_data, count: mv_size) }
}
