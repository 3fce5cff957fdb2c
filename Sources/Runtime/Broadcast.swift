internal import Synchronization

/// Hands immutable snapshots (directory, policy) from the thread that reads a compacted topic to
/// the workers. Only the newest counts.
public final class BroadcastBox<Snapshot: Sendable>: Sendable {
  private struct Content {
    var snapshot: Snapshot?
    var version: UInt64 = 0
  }
  private let content = Mutex(Content())

  public init() {}

  /// Replaces the snapshot.
  public func publish(_ snapshot: Snapshot) {
    content.withLock {
      $0.snapshot = snapshot
      $0.version += 1
    }
  }

  /// The newest snapshot, if it is newer than `version`, which is raised.
  public func newer(than version: inout UInt64) -> Snapshot? {
    let content = content.withLock { $0 }
    guard content.version > version else { return nil }
    version = content.version
    return content.snapshot
  }
}

/// Builds the stages anew whenever a box holds a newer snapshot.
public final class BroadcastStages<Snapshot: Sendable>: StageSource {
  private let box: BroadcastBox<Snapshot>
  private let build: (Snapshot) -> StageSet
  private var version: UInt64 = 0

  /// `build` runs on the worker's thread; everything that can fail was checked before `publish`.
  public init(_ box: BroadcastBox<Snapshot>, build: @escaping (Snapshot) -> StageSet) {
    self.box = box
    self.build = build
  }

  public func refresh() -> StageSet? { box.newer(than: &version).map(build) }
}

/// Stages that never change.
public final class FixedStages: StageSource {
  private var stages: StageSet?
  public init(_ stages: StageSet) { self.stages = stages }

  public func refresh() -> StageSet? {
    defer { stages = nil }
    return stages
  }
}
