internal import Streaming

/// How records get from stage to stage.
///
/// What goes through the log comes back a transaction later. A worker that owns all partitions can
/// hand records on within the transaction: a stage then costs neither the log's work nor the time
/// of a commit. The log keeps two orders, which must stay: no record overtakes another of the same
/// sender, and an effect never comes before its cause. With the partitions of several workers the
/// second one rests on the log alone, so there everything goes through it. A worker that has become
/// the only one first has to read what was sent through the log before: it sends a mark to each
/// partition. Former owners' transactions are decided by then, so that whatever they sent lies
/// before the marks.
enum Passage: Equatable {
  /// Through the log.
  case log
  /// Through the log, until all marks are read.
  case levelling
  /// Within the transaction.
  case direct
}

/// What a worker knows of its latest mark in a partition.
enum Mark: Equatable {
  /// It is still to be sent, behind what was sent last.
  case due
  case sent(UInt64)
  case read

  /// The key of a mark's message, an empty frame: a number that no other mark has.
  static func key(_ number: UInt64) -> [UInt8] {
    withUnsafeBytes(of: number.littleEndian) { Array($0) }
  }

  static func number(_ key: UnsafeRawBufferPointer) -> UInt64? {
    guard key.count == 8 else { return nil }
    return UInt64(littleEndian: key.loadUnaligned(as: UInt64.self))
  }
}
