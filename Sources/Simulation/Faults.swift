public import Runtime

/// The steps at which a simulated process can fail: each call through a port.
public enum Step: String, CaseIterable, Sendable {
  case poll, seek, committed, bounds, restore, begin, produce, sendOffsets, commit, abort, rejoin
  case openState, applyState, wipeState
}

/// Before the step had any effect, or after it had all of it.
public enum Moment: String, CaseIterable, Sendable { case before, after }

/// What goes wrong at a step.
public enum Fault: Equatable, Sendable {
  /// The process dies: nothing it calls has an effect any more.
  case crash
  /// The call fails; `after` the step, its response was lost.
  case fail(Recovery)
  /// The log takes this many ticks to write the markers of a transaction ended now; the group's
  /// offsets are decided at once or with the markers.
  case delayMarkers(Int, offsetsFirst: Bool)
  /// The process hangs until its session and its transaction have timed out.
  case stall
}

/// Decides what goes wrong, and when. One process's life has one of these.
public final class Faults {
  /// How often a step was reached, counting both moments.
  public private(set) var reached = 0
  /// The process is dead.
  public private(set) var isDead = false
  private let script: (Step, Moment, Int) -> Fault?

  /// `script` answers what goes wrong at a step and moment, given how many were reached before.
  public init(_ script: @escaping (Step, Moment, Int) -> Fault? = { _, _, _ in nil }) {
    self.script = script
  }

  /// Crashes when `count` steps and moments were reached.
  public static func crash(at count: Int) -> Faults {
    Faults { _, _, reached in reached == count ? .crash : nil }
  }

  func fault(_ step: Step, _ moment: Moment) -> Fault? {
    guard !isDead else { return .crash }
    let fault = script(step, moment, reached)
    reached += 1
    if fault == .crash { isDead = true }
    return fault
  }

  /// The process is killed from outside.
  public func kill() { isDead = true }
}
