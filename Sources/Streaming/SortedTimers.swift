import Vocabulary

/// A set of timers in ascending order, as sorted runs of bounded length: an insertion moves one run
/// at most, so hundreds of thousands of households stay cheap.
struct SortedTimers {
  private static let runLimit = 512
  private var runs: [[Timer]] = []

  /// The earliest timer.
  var first: Timer? { runs.first?.first }

  /// When it is due.
  var firstDue: Instant? { runs.isEmpty ? nil : runs[0].first?.due }

  mutating func removeAll() { runs.removeAll(keepingCapacity: true) }

  mutating func insert(_ timer: Timer) {
    guard !runs.isEmpty else {
      runs.append([timer])
      return
    }
    let run = min(runIndex(timer), runs.count - 1)
    let position = SortedTimers.lowerBound(runs[run], timer)
    if position < runs[run].count, runs[run][position] == timer { return }
    runs[run].insert(timer, at: position)
    if runs[run].count > SortedTimers.runLimit {
      let half = runs[run].count / 2
      let upper = Array(runs[run][half...])
      runs[run].removeSubrange(half...)
      runs.insert(upper, at: run + 1)
    }
  }

  mutating func remove(_ timer: Timer) {
    let run = runIndex(timer)
    guard run < runs.count else { return }
    let position = SortedTimers.lowerBound(runs[run], timer)
    guard position < runs[run].count, runs[run][position] == timer else { return }
    runs[run].remove(at: position)
    if runs[run].isEmpty { runs.remove(at: run) }
  }

  /// Up to `max` timers after `cursor` in ascending order.
  func page(after cursor: Timer?, max: Int) -> [Timer] {
    var run = 0
    var position = 0
    if let cursor {
      run = runIndex(cursor)
      guard run < runs.count else { return [] }
      position = SortedTimers.lowerBound(runs[run], cursor)
      if position < runs[run].count, runs[run][position] == cursor { position += 1 }
    }
    var page: [Timer] = []
    while run < runs.count, page.count < max {
      page += runs[run][position...].prefix(max - page.count)
      run += 1
      position = 0
    }
    return page
  }

  /// The first run whose last timer is not before `timer`; the number of runs if there is none.
  private func runIndex(_ timer: Timer) -> Int {
    var low = 0
    var high = runs.count
    while low < high {
      let middle = (low + high) / 2
      if let last = runs[middle].last, last < timer { low = middle + 1 } else { high = middle }
    }
    return low
  }

  private static func lowerBound(_ run: [Timer], _ timer: Timer) -> Int {
    var low = 0
    var high = run.count
    while low < high {
      let middle = (low + high) / 2
      if run[middle] < timer { low = middle + 1 } else { high = middle }
    }
    return low
  }
}
