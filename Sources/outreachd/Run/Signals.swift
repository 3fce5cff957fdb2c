import Foundation

/// Waits for the signals that end the daemon. Blocked in every thread and taken by the main one, so
/// that no handler runs anywhere.
enum Signals {
  /// To be called before the first other thread exists; threads inherit the mask.
  static func block() {
    var set = endingSignals()
    pthread_sigmask(SIG_BLOCK, &set, nil)
    // A closed pipe is an error of the write, not the end of the process.
    signal(SIGPIPE, SIG_IGN)
  }

  /// The signal that came within the time, nil where none did.
  static func wait(milliseconds: Int) -> Int32? {
    var set = endingSignals()
    var limit = timespec(
      tv_sec: milliseconds / 1000, tv_nsec: milliseconds % 1000 * 1_000_000)
    let signal = sigtimedwait(&set, nil, &limit)
    return signal > 0 ? signal : nil
  }

  static func name(_ signal: Int32) -> String { signal == SIGTERM ? "SIGTERM" : "SIGINT" }

  private static func endingSignals() -> sigset_t {
    var set = sigset_t()
    sigemptyset(&set)
    sigaddset(&set, SIGTERM)
    sigaddset(&set, SIGINT)
    return set
  }
}
