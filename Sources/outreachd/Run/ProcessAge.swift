import Foundation

/// How long this process has been running.
enum ProcessAge {
  /// Milliseconds since the kernel started the process, in steps of its clock tick (10 ms).
  static var milliseconds: Int {
    guard let stat = try? String(contentsOfFile: "/proc/self/stat", encoding: .utf8),
      let end = stat.lastIndex(of: ")")
    else { return 0 }
    // The command's name may hold blanks; what follows it is the third field.
    let fields = stat[stat.index(after: end)...].split(separator: " ")
    guard fields.count > 19, let ticks = Int(fields[19]) else { return 0 }
    var now = timespec()
    clock_gettime(CLOCK_BOOTTIME, &now)
    let perSecond = max(1, Int(sysconf(Int32(_SC_CLK_TCK))))
    return now.tv_sec * 1000 + now.tv_nsec / 1_000_000 - ticks * 1000 / perSecond
  }
}
