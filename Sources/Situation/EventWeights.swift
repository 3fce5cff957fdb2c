/// What the events of a file weigh, by log and event: each is found out once, however often rules
/// go through them.
struct EventWeights {
  private var weights: UnsafeMutablePointer<Int?>
  private var capacity = 64
  private var count = 0
  /// Where the weights of each log begin.
  private var starts: [Int] = []

  init() { weights = .allocate(capacity: capacity) }

  func deallocate() { weights.deallocate() }

  /// Forgets everything.
  mutating func removeAll() {
    starts.removeAll(keepingCapacity: true)
    count = 0
  }

  /// Takes up the next log, of so many events.
  mutating func add(_ events: Int) {
    starts.append(count)
    let end = count + events
    if end > capacity {
      let larger = UnsafeMutablePointer<Int?>.allocate(capacity: 2 * end)
      larger.moveInitialize(from: weights, count: count)
      weights.deallocate()
      weights = larger
      capacity = 2 * end
    }
    (weights + count).initialize(repeating: nil, count: end - count)
    count = end
  }

  /// Where the weight of an event of a log lies; nil: it is not known yet.
  @inline(__always)
  func place(of event: Int, in log: Int) -> UnsafeMutablePointer<Int?> {
    weights + (starts[log] + event)
  }
}
