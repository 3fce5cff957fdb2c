import Foundation

/// Runs something whenever a file of a pack changes. Compares the times and sizes of all files
/// twice a second: packs are small, and this works on every file system.
struct PackWatch {
  let directory: URL

  init(_ directory: String) {
    self.directory = URL(fileURLWithPath: directory, isDirectory: true)
  }

  /// Never returns: the command ends with Ctrl-C.
  func run(_ body: () -> Void) -> Never {
    var last: [String: String]?
    while true {
      let now = fingerprint()
      if now != last {
        last = now
        // A file or a pipe gets one answer below the other.
        if isatty(STDOUT_FILENO) == 1 { print("\u{1B}[2J\u{1B}[H", terminator: "") }
        body()
        fflush(nil)
      }
      Thread.sleep(forTimeInterval: 0.5)
    }
  }

  private func fingerprint() -> [String: String] {
    let keys: Set<URLResourceKey> = [.contentModificationDateKey, .fileSizeKey]
    guard
      let walk = FileManager.default.enumerator(
        at: directory, includingPropertiesForKeys: Array(keys), options: .skipsHiddenFiles)
    else { return [:] }
    var found: [String: String] = [:]
    for case let url as URL in walk where url.pathExtension == "yaml" {
      let values = try? url.resourceValues(forKeys: keys)
      let time = values?.contentModificationDate?.timeIntervalSince1970 ?? 0
      found[url.path] = "\(time) \(values?.fileSize ?? 0)"
    }
    return found
  }
}
