internal import CLMDB
internal import Foundation
public import Streaming
public import Vocabulary

/// Looks into one partition's state without changing it, also beside a running daemon:
/// `state export`, `verify` and `stats`.
public final class StateInspector {
  private let environment: LMDBEnvironment
  private let transaction: OpaquePointer

  /// Opens the partition's files under `root` as they are now.
  public init(root: String, _ channel: Channel, partition: Int32) throws(StateFailure) {
    environment = try LMDBEnvironment(
      directory: StateDirectory.path(root: root, channel, partition), readOnly: true)
    transaction = try environment.begin(readOnly: true)
  }

  deinit { mdb_txn_abort(transaction) }

  /// Where the copy stands, nil where nothing was ever written.
  public func meta() throws(StateFailure) -> StateMeta? {
    guard let bytes = try read(MetaKey.meta, transaction, environment.meta) else { return nil }
    do throws(DecodingFailure) {
      return try StateMeta(storedValue: bytes)
    } catch {
      throw StateFailure(.corrupt, error.description)
    }
  }

  /// Visits keys and values in key order until `visit` answers false; the bytes are valid during
  /// the call.
  public func forEachValue(
    _ visit: (UnsafeRawBufferPointer, UnsafeRawBufferPointer) -> Bool
  ) throws(StateFailure) {
    try scan(transaction, environment.values) { key, value throws(StateFailure) in
      visit(key, value)
    }
  }

  /// Visits the timers in order until `visit` answers false.
  public func forEachTimer(_ visit: (Streaming.Timer) -> Bool) throws(StateFailure) {
    try scan(transaction, environment.timers) { key, _ throws(StateFailure) in
      visit(try TimerIndex.timer(ofKey: key))
    }
  }

  /// Sizes of a partition's state.
  public struct Statistics: Equatable, Sendable {
    public let values: Int
    public let timers: Int
    /// Bytes of the file in use.
    public let usedBytes: Int
  }

  public func statistics() throws(StateFailure) -> Statistics {
    Statistics(
      values: try count(environment.values), timers: try count(environment.timers),
      usedBytes: environment.usedBytes)
  }

  /// What does not fit together in a partition's state.
  public enum Finding: Equatable, Sendable {
    /// The index has no timer, or another one, where a value implies one.
    case timerMissing(owner: [UInt8], due: Instant)
    /// The index has a timer that no value implies.
    case timerExtra(owner: [UInt8], due: Instant)
    /// The two halves of the timer index disagree.
    case timerIndex(owner: [UInt8])
    /// There are values but nothing says where they stand.
    case noMeta
  }

  /// Checks that the timer index is what the values imply (`implied`: `Stage.timer(key:value:)`),
  /// that its two halves agree, and that the position is there.
  public func verify(
    implied: (UnsafeRawBufferPointer, UnsafeRawBufferPointer) -> Instant?
  ) throws(StateFailure) -> [Finding] {
    var findings: [Finding] = []
    var expected: [[UInt8]: Instant] = [:]
    var values = 0
    try forEachValue { key, value in
      values += 1
      if let due = implied(key, value) { expected[Array(key)] = due }
      return true
    }
    if values > 0, try meta() == nil { findings.append(.noMeta) }
    var timers: [Streaming.Timer] = []
    try forEachTimer {
      timers.append($0)
      return true
    }
    for timer in timers {
      if expected[timer.owner] == timer.due {
        expected[timer.owner] = nil
      } else {
        findings.append(.timerExtra(owner: timer.owner, due: timer.due))
      }
      let owned = try read(timer.owner, transaction, environment.owners)
      if owned.flatMap(TimerIndex.due(ofValue:)) != timer.due {
        findings.append(.timerIndex(owner: timer.owner))
      }
    }
    if try count(environment.owners) != timers.count { findings.append(.timerIndex(owner: [])) }
    for (owner, due) in expected.sorted(by: { $0.key.lexicographicallyPrecedes($1.key) }) {
      findings.append(.timerMissing(owner: owner, due: due))
    }
    return findings
  }

  private func count(_ database: MDB_dbi) throws(StateFailure) -> Int {
    var stat = MDB_stat()
    try check(mdb_stat(transaction, database, &stat), "stat")
    return Int(stat.ms_entries)
  }
}
