/// The services that the events of a file are about, by log and event: each is found out once,
/// however often rules go through them.
struct EventServices {
  private var services: UnsafeMutablePointer<Unmanaged<Service>?>
  private var capacity = 64
  private var count = 0
  /// Where those of each log begin.
  private var starts: [Int] = []

  init() { services = .allocate(capacity: capacity) }

  func deallocate() { services.deallocate() }

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
      let larger = UnsafeMutablePointer<Unmanaged<Service>?>.allocate(capacity: 2 * end)
      larger.moveInitialize(from: services, count: count)
      services.deallocate()
      services = larger
      capacity = 2 * end
    }
    (services + count).initialize(repeating: nil, count: end - count)
    count = end
  }

  /// Where the service of an event of a log stands; nil: it is not known yet.
  @inline(__always)
  func place(of event: Int, in log: Int) -> UnsafeMutablePointer<Unmanaged<Service>?> {
    services + (starts[log] + event)
  }
}
