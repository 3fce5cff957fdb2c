internal import Glibc
public import Policy
internal import Streaming
internal import Vocabulary

/// Measures Intake alone: CPU time of one thread from the bytes of a window transaction to the
/// bytes of its message, validation included.
public enum IntakeBenchmark {
  public struct Report: Sendable {
    /// Events processed in the measured runs.
    public var events: Int
    /// Mean size of an event's value.
    public var bytesPerEvent: Double
    /// CPU time of the best run, per event.
    public var nanosecondsPerEvent: Double
    /// Events that were not accepted; 0 unless the pack does not know window transactions.
    public var rejected: Int
  }

  /// Processes `events` structured window transactions of about 550 bytes in each of `runs` runs.
  public static func run(
    catalog: SourceCatalog, events: Int = 200_000, runs: Int = 5
  ) throws(IntakeFailure) -> Report {
    let intake = try EventIntake(catalog: catalog)
    let samples = (0..<1000).map { Array(sample($0).utf8) }
    let size = samples.reduce(0) { $0 + $1.count }
    var best = Double.infinity
    var outbox = Outbox()
    var rejected = 0
    let wall = Instant("2024-03-01T12:00:00+08:00")
    for _ in 0..<max(1, runs) {
      let start = processorNanoseconds()
      var clock = Instant(seconds: 0)
      for at in 0..<events {
        samples[at % samples.count].withUnsafeBytes { value in
          let record = InboundRecord(
            topic: "assist.window.transactions", topicSuffix: "window.transactions", partition: 0,
            offset: Int64(at), timestamp: 0, key: nil, value: value,
            headers: UnsafeBufferPointer(start: nil, count: 0))
          clock = intake.process(record, now: clock, wall: wall, outbox: &outbox)
        }
        // A batch is sent on before the next.
        if at % 500 == 499 {
          rejected += outbox.outputs.count
          outbox.removeAll()
        }
      }
      best = min(best, processorNanoseconds() - start)
      rejected += outbox.outputs.count
      outbox.removeAll()
    }
    return Report(
      events: events * max(1, runs), bytesPerEvent: Double(size) / Double(samples.count),
      nanosecondsPerEvent: best / Double(max(1, events)), rejected: rejected)
  }

  /// CPU time of this thread.
  private static func processorNanoseconds() -> Double {
    var time = timespec()
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
    return Double(time.tv_sec) * 1e9 + Double(time.tv_nsec)
  }

  private static func sample(_ index: Int) -> String {
    let number = UInt64(31_010_119_600_101_000) + UInt64(index % 28) * 1000 + UInt64(index % 997)
    let id = CitizenID(validatedDigits: number).text
    let serial = 100_000 + index
    return """
      {"specversion":"1.0","id":"310101002-20240301-\(serial)","source":"/sh/centre/310101002",\
      "type":"cn.gov.sh.assist.window.transaction",\
      "time":"2024-03-01T09:30:\(index % 50 + 10)+08:00",\
      "recordedtime":"2024-03-01T09:31:00+08:00","data":{"transactionId":"T\(serial)",\
      "centre":"310101002","line":"mca","item":"临时救助申请","itemCode":"MCA-03",\
      "stage":"submitted","applicant":{"id":"\(id)","name":"张三","phone":"13800\(serial)"},\
      "residence":{"subdistrict":"310101002","committee":"310101002001","address":"南京东路1号"},\
      "amounts":{"selfPaid":"1234.50"}}}
      """
  }
}
