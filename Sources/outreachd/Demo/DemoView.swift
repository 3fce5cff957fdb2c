import Foundation
import Operations
import Vocabulary

/// What is known when the demo begins.
struct DemoStart {
  let brokers: String
  let people: Int
  let seconds: Int
  let exampleTopic: String

  /// A command that reads a topic meanwhile.
  var example: String { "kcat -C -b \(brokers) -t \(exampleTopic) -u -q" }
}

/// How the demo shows itself.
protocol DemoView: AnyObject {
  /// Seconds between two calls of `progress`.
  var interval: Double { get }
  func begin(_ start: DemoStart)
  func show(_ item: DemoItem)
  func progress(_ tally: DemoTally, secondsLeft: Int, city: Instant?)
  func end(_ tally: DemoTally)
}

/// Lines for pipes and logs.
final class PlainView: DemoView {
  let interval = 1.0
  /// More items in one second than this are counted only.
  private static let itemsPerInterval = 5
  private var shown = 0

  func begin(_ start: DemoStart) {
    Self.write("broker \(start.brokers), \(start.people) people, \(start.seconds) s")
    Self.write(start.example)
  }

  func show(_ item: DemoItem) {
    shown += 1
    guard shown <= PlainView.itemsPerInterval else { return }
    Self.write(DemoText.line(item))
  }

  func progress(_ tally: DemoTally, secondsLeft: Int, city: Instant?) {
    shown = 0
    Self.write(DemoText.counts(tally, city: city))
  }

  func end(_ tally: DemoTally) { for line in DemoText.summary(tally) { Self.write(line) } }

  private static func write(_ line: String) {
    FileHandle.standardOutput.write(Data((line + "\n").utf8))
  }
}

/// A few lines that are drawn anew, over the newest referrals and alerts.
final class TerminalView: DemoView {
  let interval = 0.25
  private var referrals: [DemoItem] = []
  private var alerts: [DemoItem] = []
  private var drawnLines = 0
  private static let referralLines = 10
  private static let alertLines = 6

  func begin(_ start: DemoStart) {
    let lines = [
      "\u{1B}[1moutreachd demo\u{1B}[0m  \(start.people) people, \(start.seconds) s, "
        + "broker \u{1B}[1m\(start.brokers)\u{1B}[0m",
      "in another terminal:  \(start.example)", "",
    ]
    write(lines.joined(separator: "\n") + "\n")
  }

  func show(_ item: DemoItem) {
    switch item.kind {
    case .referral: referrals = Array(([item] + referrals).prefix(TerminalView.referralLines))
    case .alert: alerts = Array(([item] + alerts).prefix(TerminalView.alertLines))
    }
  }

  func progress(_ tally: DemoTally, secondsLeft: Int, city: Instant?) {
    let width = TerminalView.columns()
    var lines = [DemoText.counts(tally, city: city) + "  \(secondsLeft) s left", ""]
    lines.append("转介 referrals")
    lines += padded(referrals, TerminalView.referralLines)
    lines.append("预警 alerts")
    lines += padded(alerts, TerminalView.alertLines)
    var text = drawnLines > 0 ? "\u{1B}[\(drawnLines)A" : ""
    for line in lines { text += "\u{1B}[2K" + DisplayText.clipped(line, to: width) + "\n" }
    drawnLines = lines.count
    write(text)
  }

  func end(_ tally: DemoTally) {
    write("\n" + DemoText.summary(tally).joined(separator: "\n") + "\n")
  }

  private func padded(_ items: [DemoItem], _ count: Int) -> [String] {
    let lines = items.map { "  " + DemoText.line($0) }
    return lines + Array(repeating: "", count: max(0, count - lines.count))
  }

  private func write(_ text: String) { FileHandle.standardOutput.write(Data(text.utf8)) }

  private static func columns() -> Int {
    var size = winsize()
    guard ioctl(1, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 20 else { return 100 }
    return Int(size.ws_col) - 1
  }
}

/// Texts that the views share.
enum DemoText {
  static func counts(_ tally: DemoTally, city: Instant?) -> String {
    let time = city.map { String($0.description.prefix(16)).replacing("T", with: " ") } ?? "-"
    let rate = tally.ratePerSecond
    var text = "\(time)  in \(tally.sent) (\(rate.sent)/s)"
    text += "  out \(tally.outputs.values.reduce(0, +)) (\(rate.out)/s):"
    text += " referrals \(tally.count(.referral)) resources \(tally.count(.resourceReferral))"
    text += " alerts \(tally.count(.alert)) decisions \(tally.count(.decision))"
    text += " dead letters \(tally.count(.deadLetter))"
    if let latency = tally.latency(0.5) { text += "  latency \(latency) ms" }
    return text
  }

  static func line(_ item: DemoItem) -> String {
    let mark = item.kind == .referral ? "转介" : "预警"
    let time = item.openedAt.dropFirst(5).prefix(11).replacing("T", with: " ")
    let subject = item.subject.isEmpty ? "" : " \(item.subject)"
    return "\(mark) \(time) \(item.grade) \(item.rule) \(item.title)｜\(item.area)\(subject)"
      + " → \(item.receiver)｜\(item.text)"
  }

  static func summary(_ tally: DemoTally) -> [String] {
    var lines = [
      "in             \(tally.sent) events in \(Int(tally.seconds.rounded())) s, "
        + "\(tally.feedback) of them answers to referrals",
      "referrals      \(tally.count(.referral)) revisions to advisors, "
        + "\(tally.count(.resourceReferral)) to resources",
    ]
    let states = tally.statesCounted.map { "\($0.state) \($0.count)" }.joined(separator: ", ")
    if !states.isEmpty { lines.append("  now          \(states)") }
    let rules = tally.rules.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value)" }
    if !rules.isEmpty { lines.append("  by rule      \(rules.joined(separator: ", "))") }
    lines.append("alerts         \(tally.count(.alert))")
    lines.append("decisions      \(tally.count(.decision))")
    let codes = tally.deadLetters.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value)" }
    lines.append(
      "dead letters   \(tally.count(.deadLetter))"
        + (codes.isEmpty ? "" : ": " + codes.joined(separator: ", ")))
    if let median = tally.latency(0.5), let tail = tally.latency(0.99) {
      lines.append("latency        p50 \(median) ms, p99 \(tail) ms, event to referral or alert")
    }
    return lines
  }
}

/// One JSON object a line.
final class JSONView: DemoView {
  let interval = 1.0

  func begin(_ start: DemoStart) {
    write([
      ("kind", JSONText.string("start")), ("brokers", JSONText.string(start.brokers)),
      ("people", "\(start.people)"), ("seconds", "\(start.seconds)"),
      ("example", JSONText.string(start.example)),
    ])
  }

  func show(_ item: DemoItem) {
    var fields = [("kind", item.kind.rawValue), ("id", item.id), ("rule", item.rule)]
    fields += [(item.kind == .referral ? "urgency" : "severity", item.grade)]
    fields += [("title", item.title), ("area", item.area), ("subject", item.subject)]
    fields += [("to", item.receiver), ("text", item.text), ("openedAt", item.openedAt)]
    if !item.dueAt.isEmpty { fields.append(("dueAt", item.dueAt)) }
    write(fields.map { ($0.0, JSONText.string($0.1)) })
  }

  func progress(_ tally: DemoTally, secondsLeft: Int, city: Instant?) {
    var fields = [("kind", JSONText.string("progress")), ("secondsLeft", "\(secondsLeft)")]
    if let city { fields.append(("cityTime", JSONText.string(city.description))) }
    write(fields + counts(tally))
  }

  func end(_ tally: DemoTally) {
    var fields = [("kind", JSONText.string("summary"))] + counts(tally)
    fields.append(("feedback", "\(tally.feedback)"))
    fields.append(("states", object(tally.statesCounted.map { ($0.state, $0.count) })))
    fields.append(("rules", object(tally.rules.sorted { $0.key < $1.key })))
    fields.append(("deadLetterCodes", object(tally.deadLetters.sorted { $0.key < $1.key })))
    write(fields)
  }

  private func counts(_ tally: DemoTally) -> [(String, String)] {
    var fields = [
      ("in", "\(tally.sent)"), ("processed", "\(tally.totals.recordsIn)"),
      ("referrals", "\(tally.count(.referral))"),
      ("resourceReferrals", "\(tally.count(.resourceReferral))"),
      ("alerts", "\(tally.count(.alert))"), ("decisions", "\(tally.count(.decision))"),
      ("deadLetters", "\(tally.count(.deadLetter))"),
    ]
    if let value = tally.latency(0.5) { fields.append(("latencyP50Milliseconds", "\(value)")) }
    if let value = tally.latency(0.99) { fields.append(("latencyP99Milliseconds", "\(value)")) }
    return fields
  }

  private func object(_ counts: some Sequence<(key: String, value: Int)>) -> String {
    JSONText.object(counts.map { ($0.key, "\($0.value)") })
  }

  private func write(_ fields: [(String, String)]) {
    FileHandle.standardOutput.write(
      Data((JSONText.object(fields.map { (name: $0.0, json: $0.1) }) + "\n").utf8))
  }
}

/// Texts of wide and narrow characters.
enum DisplayText {
  /// Columns a terminal gives to a character: 2 for CJK and full-width forms.
  static func width(_ scalar: Unicode.Scalar) -> Int {
    switch scalar.value {
    case 0x1100...0x115F, 0x2E80...0xA4CF, 0xAC00...0xD7A3, 0xF900...0xFAFF, 0xFE30...0xFE4F,
      0xFF00...0xFF60, 0xFFE0...0xFFE6, 0x20000...0x3FFFD:
      2
    default: 1
    }
  }

  /// As much of the text as fits; an ellipsis where it is cut.
  static func clipped(_ text: String, to columns: Int) -> String {
    var used = 0
    var result = ""
    for scalar in text.unicodeScalars {
      used += width(scalar)
      if used > columns - 1, scalar != text.unicodeScalars.last { return result + "…" }
      result.unicodeScalars.append(scalar)
    }
    return result
  }
}
