import Foundation
import Vocabulary

/// What the demo has counted.
struct DemoTally {
  private(set) var sent = 0
  private(set) var feedback = 0
  private(set) var seconds = 0.0
  /// Outputs by kind.
  private(set) var outputs: [SeenOutput.Kind: Int] = [:]
  /// Different referrals, and the state of each.
  private(set) var states: [String: String] = [:]
  private(set) var deadLetters: [String: Int] = [:]
  /// Referrals opened, by rule.
  private(set) var rules: [String: Int] = [:]
  private(set) var totals = WorkerTotals()
  /// Events a second over the last interval, in and out.
  private(set) var ratePerSecond = (sent: 0, out: 0)
  private var latencies: [Double] = []
  /// When the first output was seen: events sent before it waited for the daemon to join its group.
  private var firstSeen: Double?
  private var measured: (at: Double, sent: Int, out: Int)?
  /// Names of rules, for people.
  let ruleTitles: [String: String]

  init(ruleTitles: [String: String]) { self.ruleTitles = ruleTitles }

  /// Counts an output; answers what is worth showing of it.
  mutating func take(_ output: SeenOutput, sentAt: Double?) -> DemoItem? {
    outputs[output.kind, default: 0] += 1
    firstSeen = firstSeen ?? DemoClock.now
    switch output.kind {
    case .deadLetter:
      deadLetters[output.errorCode ?? "?", default: 0] += 1
      return nil
    case .decision: return nil
    case .referral, .resourceReferral: return takeReferral(output, sentAt)
    case .alert:
      if output.revision == 1 { noteLatency(sentAt) }
      return DemoItem(alert: output, title: title(output.text("rule")))
    }
  }

  private mutating func takeReferral(_ output: SeenOutput, _ sentAt: Double?) -> DemoItem? {
    guard let id = output.text("referral"), let state = output.text("state") else { return nil }
    states[id] = state
    guard output.kind == .referral, output.revision == 1 else { return nil }
    rules[output.text("rule") ?? "?", default: 0] += 1
    noteLatency(sentAt)
    return DemoItem(referral: output, title: title(output.text("rule")))
  }

  private mutating func noteLatency(_ sentAt: Double?) {
    guard let sentAt, let firstSeen, sentAt > firstSeen else { return }
    latencies.append(DemoClock.now - sentAt)
  }

  private func title(_ rule: String?) -> String {
    guard let rule else { return "" }
    return ruleTitles[rule] ?? "需要关注"
  }

  /// Takes the daemon's counts over and computes rates since the last call.
  mutating func measure(_ totals: WorkerTotals, sent: Int, at now: Double) {
    self.totals = totals
    self.sent = sent
    let out = outputs.values.reduce(0, +)
    if let last = measured, now - last.at > 0.05 {
      let span = now - last.at
      ratePerSecond = (
        sent: Int(Double(sent - last.sent) / span), out: Int(Double(out - last.out) / span)
      )
    }
    measured = (now, sent, out)
  }

  mutating func finish(seconds: Double, sent: Int, feedback: Int) {
    self.seconds = seconds
    self.sent = sent
    self.feedback = feedback
  }

  /// Of the time from sending an event to reading the first revision of what it opened, in
  /// milliseconds; nil before the first.
  func latency(_ share: Double) -> Int? {
    guard !latencies.isEmpty else { return nil }
    let sorted = latencies.sorted()
    let index = min(sorted.count - 1, Int(Double(sorted.count) * share))
    return Int(sorted[index] * 1000)
  }

  func count(_ kind: SeenOutput.Kind) -> Int { outputs[kind] ?? 0 }

  /// Referrals in each state now, in order of states' names.
  var statesCounted: [(state: String, count: Int)] {
    Dictionary(grouping: states.values, by: \.self).map { ($0, $1.count) }.sorted { $0.0 < $1.0 }
  }
}

/// A referral or alert as the demo shows it: without personal data.
struct DemoItem {
  enum Kind: String { case referral, alert }
  let kind: Kind
  let id: String
  /// Urgency or severity.
  let grade: String
  let rule: String
  let title: String
  /// Family name and a star.
  let subject: String
  /// District, sub-district or committee code.
  let area: String
  /// The task or the message, names masked.
  let text: String
  let openedAt: String
  let dueAt: String
  /// Advisor or audience.
  let receiver: String

  init(referral: SeenOutput, title: String) {
    let household = referral.object("household")
    let name = referral.object("subject")["name"] as? String ?? ""
    kind = .referral
    id = referral.text("referral") ?? ""
    grade = referral.text("urgency") ?? ""
    rule = referral.text("rule") ?? ""
    self.title = title
    subject = Masking.name(name)
    let codes = ["committee", "subdistrict", "district"].compactMap { household[$0] as? String }
    area = codes.first { !$0.isEmpty } ?? ""
    text = Masking.text(referral.text("task") ?? "", name: name)
    openedAt = referral.text("openedAt") ?? ""
    dueAt = referral.text("dueAt") ?? ""
    receiver = referral.object("assignee")["advisor"] as? String ?? ""
  }

  init(alert: SeenOutput, title: String) {
    kind = .alert
    id = alert.text("alert") ?? ""
    grade = alert.text("severity") ?? ""
    rule = alert.text("rule") ?? ""
    self.title = title
    subject = alert.text("maskedSubject") ?? ""
    area = String(alert.topic.split(separator: ".").last ?? "")
    text = alert.text("message") ?? ""
    openedAt = alert.text("openedAt") ?? ""
    dueAt = ""
    receiver = (alert.fields["audience"] as? [String] ?? []).joined(separator: "、")
  }
}

/// Takes personal data out of what is shown.
enum Masking {
  /// Family name and a star.
  static func name(_ name: String) -> String { name.first.map { "\($0)*" } ?? "" }

  /// The text with the subject's name masked. Tasks name nobody else.
  static func text(_ text: String, name: String) -> String {
    name.isEmpty ? text : text.replacing(name, with: self.name(name))
  }
}
