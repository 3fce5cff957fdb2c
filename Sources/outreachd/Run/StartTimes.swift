import Synchronization

/// How long the parts of the daemon's start took that all workers wait for.
final class StartTimes: Sendable {
  private let content = Mutex<[(name: String, milliseconds: Int)]>([])

  /// Does the part and notes its time.
  func measure<R, E>(_ part: String, _ body: () throws(E) -> R) throws(E) -> R {
    let begun = ContinuousClock.now
    let result = try body()
    note(part, since: begun)
    return result
  }

  /// Notes a part that began at `begun`.
  func note(_ part: String, since begun: ContinuousClock.Instant) {
    let milliseconds = (ContinuousClock.now - begun).wholeMilliseconds
    content.withLock { $0.append((part, milliseconds)) }
  }

  /// The parts noted so far, in their order.
  var parts: [(name: String, milliseconds: Int)] { content.withLock { $0 } }
}

extension Duration {
  /// Rounded down.
  var wholeMilliseconds: Int {
    Int(components.seconds) * 1000 + Int(components.attoseconds / 1_000_000_000_000_000)
  }
}
