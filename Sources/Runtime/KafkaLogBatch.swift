internal import KafkaIO
public import Streaming

/// The records of one poll of a `KafkaLog`.
public struct KafkaLogBatch: RecordBatch {
  let batch: KafkaBatch
  let topicOfSlot: [Int]

  public var count: Int { batch.count }

  public func record(at index: Int) -> LogRecord {
    let record = batch[index]
    return LogRecord(
      topic: topicOfSlot[record.slot], partition: record.partition, offset: record.offset,
      timestamp: record.timestamp, key: record.key, value: record.value)
  }

  public func withHeaders<R>(
    at index: Int, _ body: (UnsafeBufferPointer<BorrowedHeader>) -> R
  ) -> R {
    let empty = UnsafeRawBufferPointer(start: nil, count: 0)
    var headers = batch[index].headers
    return withUnsafeTemporaryAllocation(of: BorrowedHeader.self, capacity: headers.count) { list in
      var count = 0
      while count < list.count, let header = headers.next() {
        list.initializeElement(
          at: count, to: BorrowedHeader(name: header.name, value: header.value ?? empty))
        count += 1
      }
      return body(UnsafeBufferPointer(rebasing: list[..<count]))
    }
  }
}
