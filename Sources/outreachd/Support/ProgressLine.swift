import Glibc

/// One line on standard error that is written over, five times a second, where it is a terminal;
/// nothing elsewhere.
struct ProgressLine {
  private let isTerminal: Bool
  private let began = ContinuousClock.now
  private var shown: ContinuousClock.Instant?
  private var drawn = false

  /// `besideOutput`: standard output carries data; where that is a terminal too, no line is shown
  /// between them.
  init(besideOutput: Bool) {
    isTerminal = isatty(STDERR_FILENO) != 0 && !(besideOutput && isatty(STDOUT_FILENO) != 0)
  }

  /// Seconds since the line was made.
  var elapsed: Double {
    let (seconds, attoseconds) = (ContinuousClock.now - began).components
    return Double(seconds) + Double(attoseconds) * 1e-18
  }

  /// Shows the text, made from the seconds elapsed, unless the last one is too fresh.
  mutating func show(_ text: (Double) -> String) {
    guard isTerminal else { return }
    let now = ContinuousClock.now
    if let shown, now - shown < .milliseconds(200) { return }
    shown = now
    drawn = true
    FileOutput.complain("\r\u{1B}[K" + text(elapsed))
  }

  /// Takes the line away and leaves `summary` in its place.
  mutating func finish(_ summary: String) {
    guard isTerminal else { return }
    FileOutput.complain((drawn ? "\r\u{1B}[K" : "") + summary + "\n")
  }
}

/// 1234567 as `1,234,567`.
func grouped(_ value: Int) -> String {
  var digits = String(value.magnitude)
  var parts: [Substring] = []
  while digits.count > 3 {
    parts.insert(Substring(String(digits.suffix(3))), at: 0)
    digits.removeLast(3)
  }
  return (value < 0 ? "-" : "") + ([Substring(digits)] + parts).joined(separator: ",")
}
