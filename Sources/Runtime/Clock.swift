internal import Foundation
public import Vocabulary

/// Tells the time of day.
public protocol WallClock: AnyObject {
  var now: Instant { get }
}

/// The machine's clock.
public final class SystemClock: WallClock {
  public init() {}
  public var now: Instant {
    var time = timespec()
    clock_gettime(CLOCK_REALTIME, &time)
    return Instant(microseconds: Int64(time.tv_sec) * 1_000_000 + Int64(time.tv_nsec) / 1000)
  }
}

/// What moves a worker's `now`.
public enum ClockMode: String, Sendable {
  /// The wall clock, and events ahead of it (semantics 1).
  case wall
  /// Events only: backfill and tests.
  case event
}

/// Sleeps on the calling thread.
public func sleepThread(milliseconds: Int) { usleep(UInt32(clamping: milliseconds * 1000)) }
