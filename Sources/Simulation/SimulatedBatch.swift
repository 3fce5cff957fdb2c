public import Runtime
public import Streaming

/// The records of one poll in memory of their own, which is overwritten when the batch ends: a
/// borrowed pointer kept too long is found out.
public final class SimulatedBatch: RecordBatch {
  private var records: [LogRecord] = []
  private var headers: [[BorrowedHeader]] = []
  private var blocks: [UnsafeMutableRawBufferPointer] = []
  private static let overwritten: UInt8 = 0xDD

  init(_ polled: [(topic: Int, partition: Int32, record: SimulatedRecord)]) {
    for (topic, partition, record) in polled {
      let key = record.key.map { borrow($0) }
      let value = record.value.map { borrow($0) }
      headers.append(
        record.headers.map {
          BorrowedHeader(name: borrow(Array($0.name.utf8)), value: borrow($0.value))
        })
      records.append(
        LogRecord(
          topic: topic, partition: partition, offset: record.offset,
          timestamp: record.timestamp, key: key, value: value))
    }
  }

  deinit { invalidate() }

  public var count: Int { records.count }
  public func record(at index: Int) -> LogRecord { records[index] }

  public func withHeaders<R>(
    at index: Int, _ body: (UnsafeBufferPointer<BorrowedHeader>) -> R
  ) -> R {
    headers[index].withUnsafeBufferPointer(body)
  }

  func invalidate() {
    for block in blocks {
      block.initializeMemory(as: UInt8.self, repeating: SimulatedBatch.overwritten)
      block.deallocate()
    }
    blocks.removeAll()
  }

  private func borrow(_ bytes: [UInt8]) -> UnsafeRawBufferPointer {
    let block = UnsafeMutableRawBufferPointer.allocate(byteCount: max(bytes.count, 1), alignment: 1)
    block.copyBytes(from: bytes)
    blocks.append(block)
    return UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(block)[..<bytes.count])
  }
}
