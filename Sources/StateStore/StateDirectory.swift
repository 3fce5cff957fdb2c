internal import Foundation
internal import Glibc
public import Streaming
internal import Synchronization

/// The directory of a daemon's local state: `<root>/<stage>/<partition>/` holds one environment.
/// One process at a time works on it.
public final class StateDirectory: StateOpener, Sendable {
  private let root: String
  private let boot: String
  private let lockDescriptor: Int32
  private let openPaths = Mutex<Set<String>>([])

  /// Takes the directory for this process, creating it where needed. `boot` identifies the
  /// machine's present boot; nil reads it from the kernel.
  public init(root: String, boot: String? = nil) throws(StateFailure) {
    self.root = root
    self.boot = boot ?? BootMarker.currentBoot()
    try StateDirectory.makeDirectory(root)
    lockDescriptor = Glibc.open(root + "/lock", O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
    guard lockDescriptor >= 0 else { throw StateFailure(.io, "lock: errno \(errno)") }
    guard flock(lockDescriptor, LOCK_EX | LOCK_NB) == 0 else {
      close(lockDescriptor)
      throw StateFailure(.locked, "another process uses the state directory")
    }
  }

  deinit { close(lockDescriptor) }

  public func open(
    _ channel: Channel, partition: Int32
  ) throws(StateFailure) -> (state: LMDBState, wiped: WipeReason?) {
    let directory = StateDirectory.path(root: root, channel, partition)
    guard openPaths.withLock({ $0.insert(directory).inserted }) else {
      throw StateFailure(.busy, "\(channel.topicSuffix)/\(partition) is open already")
    }
    do throws(StateFailure) {
      return try openTaken(directory, about: "\(channel.topicSuffix)/\(partition)")
    } catch {
      release(directory)
      throw error
    }
  }

  /// The partitions that have files under `root`, in order.
  public static func partitions(root: String) -> [(channel: Channel, partition: Int32)] {
    Channel.allCases.flatMap { channel in
      let names = try? FileManager.default.contentsOfDirectory(
        atPath: root + "/" + channel.topicSuffix)
      return (names ?? []).compactMap { Int32($0) }.sorted().map { (channel, $0) }
    }
  }

  static func path(root: String, _ channel: Channel, _ partition: Int32) -> String {
    "\(root)/\(channel.topicSuffix)/\(partition)"
  }

  private func openTaken(
    _ directory: String, about: String
  ) throws(StateFailure) -> (state: LMDBState, wiped: WipeReason?) {
    try StateDirectory.makeDirectory(directory)
    var wiped: WipeReason?
    let marker = BootMarker(directory: directory)
    if let left = marker.boot(), left != boot {
      try LMDBState.removeFiles(directory)
      wiped = .uncleanBoot
    }
    try marker.set(boot)
    let onClose: @Sendable () -> Void = { [self] in release(directory) }
    do throws(StateFailure) {
      return (try LMDBState(directory: directory, about: about, onClose: onClose), wiped)
    } catch {
      guard error.isMendedByRestore else { throw error }
      try LMDBState.removeFiles(directory)
      return (try LMDBState(directory: directory, about: about, onClose: onClose), .corrupt)
    }
  }

  private func release(_ directory: String) {
    openPaths.withLock { _ = $0.remove(directory) }
  }

  private static func makeDirectory(_ path: String) throws(StateFailure) {
    do {
      try FileManager.default.createDirectory(
        atPath: path, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
    } catch {
      throw StateFailure(.io, "cannot create a directory of the state")
    }
  }
}
