public import Streaming

/// A record in the simulated log.
public struct SimulatedRecord: Equatable, Sendable {
  public let offset: Int64
  public let timestamp: Int64
  public let key: [UInt8]?
  public let value: [UInt8]?
  public let headers: [Header]
  /// The transaction it is part of, nil for none.
  let transaction: Int?
  /// The end of a transaction: takes an offset and is never delivered.
  let isControl: Bool
}

/// One partition: records by offset, with gaps where compaction took some out.
final class SimulatedPartition {
  private(set) var records: [SimulatedRecord] = []
  /// The first offset that retention has left.
  private(set) var start: Int64 = 0
  /// The offset after the last record.
  private(set) var end: Int64 = 0
  /// Undecided transactions and their first offset here.
  private var undecided: [Int: Int64] = [:]
  private var aborted: Set<Int> = []

  /// The offset up to which everything is decided: the limit of a read_committed reader.
  var lastStable: Int64 { undecided.values.min() ?? end }

  /// Appends a record and answers its offset.
  func append(
    key: [UInt8]?, value: [UInt8]?, headers: [Header], timestamp: Int64, transaction: Int?
  ) -> Int64 {
    if let transaction, undecided[transaction] == nil { undecided[transaction] = end }
    return add(key, value, headers, timestamp, transaction, isControl: false)
  }

  /// Writes the marker that decides a transaction here.
  func decide(_ transaction: Int, committed: Bool, timestamp: Int64) {
    guard undecided.removeValue(forKey: transaction) != nil else { return }
    if !committed { aborted.insert(transaction) }
    _ = add(nil, nil, [], timestamp, transaction, isControl: true)
  }

  /// Committed records from `offset` on, below the last stable offset, `max` at most, and the
  /// offset to go on from.
  func read(from offset: Int64, max: Int) -> (records: [SimulatedRecord], next: Int64) {
    let limit = lastStable
    var found: [SimulatedRecord] = []
    var index = firstIndex(at: offset)
    while index < records.count, found.count < max {
      let record = records[index]
      guard record.offset < limit else { break }
      if isVisible(record) { found.append(record) }
      index += 1
    }
    if index < records.count, records[index].offset < limit {
      return (found, records[index].offset)
    }
    return (found, Swift.max(offset, limit))
  }

  /// Deletes everything before `offset`.
  func trim(before offset: Int64) {
    start = Swift.max(start, min(offset, end))
    records.removeAll { $0.offset < start }
  }

  /// Keeps the last decided record of each key; markers and aborted records go.
  /// `droppingTombstones`: deleted keys leave no trace.
  func compact(droppingTombstones: Bool) {
    let limit = lastStable
    var last: [[UInt8]: Int64] = [:]
    for record in records where record.offset < limit && isVisible(record) {
      if let key = record.key { last[key] = record.offset }
    }
    records.removeAll { record in
      guard record.offset < limit else { return false }
      guard isVisible(record) else { return true }
      guard let key = record.key, last[key] == record.offset else { return true }
      return droppingTombstones && record.value == nil
    }
  }

  private func isVisible(_ record: SimulatedRecord) -> Bool {
    !record.isControl && !(record.transaction.map(aborted.contains) ?? false)
  }

  private func add(
    _ key: [UInt8]?, _ value: [UInt8]?, _ headers: [Header], _ timestamp: Int64,
    _ transaction: Int?, isControl: Bool
  ) -> Int64 {
    let record = SimulatedRecord(
      offset: end, timestamp: timestamp, key: key, value: value, headers: headers,
      transaction: transaction, isControl: isControl)
    records.append(record)
    end += 1
    return record.offset
  }

  private func firstIndex(at offset: Int64) -> Int {
    var low = 0
    var high = records.count
    while low < high {
      let middle = (low + high) / 2
      if records[middle].offset < offset { low = middle + 1 } else { high = middle }
    }
    return low
  }
}
