internal import Foundation

/// The file that says under which boot of the machine a store is in use.
///
/// LMDB without sync is exact after the end of the process, because the kernel holds the pages, but
/// not after the end of the machine. So the marker is on the disk before the first write of a boot
/// and goes only after everything was synced: a marker of another boot means that pages were lost.
/// A file of its own rather than a record in the store, whose pages reach the disk in any order.
struct BootMarker {
  let directory: String
  private var path: String { directory + "/in-use" }

  /// The identifier of the machine's present boot.
  static func currentBoot() -> String {
    let path = "/proc/sys/kernel/random/boot_id"
    let text = (try? String(contentsOfFile: path, encoding: .utf8)) ?? "unknown"
    return text.trimmingCharacters(in: .whitespacesAndNewlines)
  }

  /// The boot that left the marker, nil where the store was closed cleanly.
  func boot() -> String? {
    guard FileManager.default.fileExists(atPath: path) else { return nil }
    return (try? String(contentsOfFile: path, encoding: .utf8)) ?? ""
  }

  /// Sets the marker durably. Costs nothing where it stands already.
  func set(_ boot: String) throws(StateFailure) {
    if self.boot() == boot { return }
    let descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
    guard descriptor >= 0 else { throw StateFailure(.io, "marker: errno \(errno)") }
    defer { close(descriptor) }
    let bytes = Array(boot.utf8)
    guard write(descriptor, bytes, bytes.count) == bytes.count, fsync(descriptor) == 0 else {
      throw StateFailure(.io, "marker: errno \(errno)")
    }
    syncDirectory()
  }

  /// Removes the marker. If its removal does not reach the disk, the store is distrusted after a
  /// reboot, which costs a restore and no truth.
  func clear() {
    unlink(path)
    syncDirectory()
  }

  private func syncDirectory() {
    let descriptor = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard descriptor >= 0 else { return }
    fsync(descriptor)
    close(descriptor)
  }
}
