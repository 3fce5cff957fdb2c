/// "Did you mean": the known name nearest to a misspelt one.
public enum Suggestion {
  /// The candidate with the smallest edit distance (insertions, deletions, substitutions and
  /// swaps of neighbours), where that is at most a third of the name's length and at least 1;
  /// ties go to the first in alphabetical order. One that differs only in capitals comes first.
  public static func nearest(to name: String, among candidates: some Sequence<String>) -> String? {
    let limit = max(1, name.unicodeScalars.count / 3)
    var best: (distance: Int, name: String)?
    for candidate in candidates {
      if candidate != name, candidate.lowercased() == name.lowercased() { return candidate }
      let distance = editDistance(name, candidate)
      guard distance > 0, distance <= limit else { continue }
      if let current = best, (current.distance, current.name) <= (distance, candidate) { continue }
      best = (distance, candidate)
    }
    return best?.name
  }

  /// Optimal string alignment distance over code points; texts over 64 code points count as far.
  static func editDistance(_ a: String, _ b: String) -> Int {
    let x = Array(a.unicodeScalars)
    let y = Array(b.unicodeScalars)
    guard x.count <= 64, y.count <= 64 else { return a == b ? 0 : 64 }
    if x.isEmpty || y.isEmpty { return max(x.count, y.count) }
    var beforeLast = [Int](repeating: 0, count: y.count + 1)
    var last = Array(0...y.count)
    for i in 1...x.count {
      var row = [Int](repeating: 0, count: y.count + 1)
      row[0] = i
      for j in 1...y.count {
        let cost = x[i - 1] == y[j - 1] ? 0 : 1
        row[j] = min(last[j] + 1, row[j - 1] + 1, last[j - 1] + cost)
        if i > 1, j > 1, x[i - 1] == y[j - 2], x[i - 2] == y[j - 1] {
          row[j] = min(row[j], beforeLast[j - 2] + 1)
        }
      }
      beforeLast = last
      last = row
    }
    return last[y.count]
  }
}
