import Foundation
import Testing

/// Two years of one household through `replay`, as a story that a policy officer can read: what
/// came in, what went out, to whom, why, and until when. `RECORD_GOLDEN=1` writes it anew.
@Suite struct TwoYearsTests {
  private static let fixtures = Program.fixtures.appendingPathComponent("two-years")

  @Test func story() throws {
    let events = try String(
      contentsOf: Self.fixtures.appendingPathComponent("events.ndjson"), encoding: .utf8)
    let result = try Program.run(
      [
        "replay", "--policy", Program.policy, "--directory",
        Self.fixtures.appendingPathComponent("directory.ndjson").path, "--until", "2026-04-01",
      ], input: events)
    #expect(result.status == 0, "\(result.errors)")
    let story = try Story(events: events, outputs: result.output).lines.joined(separator: "\n") + "\n"
    let file = Self.fixtures.appendingPathComponent("story.md")
    if ProcessInfo.processInfo.environment["RECORD_GOLDEN"] != nil {
      try Data(story.utf8).write(to: file)
      try Data(result.output.utf8).write(to: Self.fixtures.appendingPathComponent("outputs.ndjson"))
    }
    #expect(story == (try String(contentsOf: file, encoding: .utf8)))
    let golden = try String(
      contentsOf: Self.fixtures.appendingPathComponent("outputs.ndjson"), encoding: .utf8)
    #expect(Self.withoutDigest(result.output) == Self.withoutDigest(golden))
  }

  /// The digest of the pack changes with every word in it.
  private static func withoutDigest(_ text: String) -> String {
    text.replacing(/"policy":"[0-9a-f]+"/, with: #""policy":"""#).replacing(
      /"(previous|hash)":"[0-9a-f]*"/, with: "")
  }
}

/// Events and outputs as one story, by day.
private struct Story {
  private struct Entry {
    let time: String
    let text: String
  }

  private(set) var lines: [String] = [
    "# 一户两年", "",
    "来：进入系统的事件。出：系统发出的转介、预警。决定记录从略。",
  ]

  init(events: String, outputs: String) throws {
    var entries: [Entry] = []
    let incoming = try Story.objects(events).map { event in
      Entry(
        time: String((event["time"] as? String ?? "").prefix(19)), text: Story.event(event))
    }
    let outgoing = try Story.objects(outputs).compactMap { output -> Entry? in
      guard let text = Story.output(output) else { return nil }
      let time = (output["headers"] as? [String: String])?["ce_time"] ?? ""
      return Entry(time: String(time.prefix(19)), text: text)
    }
    var rest = outgoing[...]
    for entry in incoming {
      while let first = rest.first, first.time < entry.time {
        entries.append(first)
        rest.removeFirst()
      }
      entries.append(entry)
    }
    entries += rest
    var day = ""
    for entry in entries {
      if entry.time.prefix(10) != day {
        day = String(entry.time.prefix(10))
        lines += ["", "## \(day)（周\(Story.weekday(day))）", ""]
      }
      lines.append("- \(entry.time.suffix(8).prefix(5)) \(entry.text)")
    }
  }

  private static func objects(_ text: String) throws -> [[String: Any]] {
    try text.split(separator: "\n").compactMap {
      try JSONSerialization.jsonObject(with: Data($0.utf8)) as? [String: Any]
    }
  }

  private static func weekday(_ day: String) -> String {
    var calendar = Calendar(identifier: .gregorian)
    calendar.timeZone = .gmt
    let parts = day.split(separator: "-").compactMap { Int($0) }
    guard parts.count == 3,
      let date = calendar.date(
        from: DateComponents(year: parts[0], month: parts[1], day: parts[2]))
    else { return "?" }
    return ["日", "一", "二", "三", "四", "五", "六"][calendar.component(.weekday, from: date) - 1]
  }

  // MARK: In

  private static let kinds = [
    "window.transaction": "窗口业务", "notice.death": "死亡通报", "notice.marriage": "结婚登记",
    "notice.birth": "出生", "notice.custody": "羁押、服刑", "notice.employment": "就业、失业",
    "notice.disability": "残疾人证", "notice.illness": "大病、住院", "notice.income": "收入",
    "notice.medical-expense": "医疗费用", "notice.residence": "居住变动", "notice.retracted": "撤回",
    "household.composition": "家庭成员登记", "assistance.decision": "救助决定",
    "report.visit": "走访", "report.hotline": "热线", "referral.accepted": "反馈：接单",
    "referral.started": "反馈：开始办理", "referral.visited": "反馈：已走访",
    "referral.completed": "反馈：办结", "referral.declined": "反馈：不接",
  ]
  private static let words = [
    "lost": "失业", "granted": "批准", "applied": "申请", "exited": "退出", "detained": "拘留",
    "imprisoned": "服刑", "released": "释放", "hospitalised": "住院", "discharged": "出院",
    "serious": "门诊大病", "issued": "发证", "moved": "迁出", "dibao": "低保",
    "income-above": "收入超过标准", "requested": "待接单", "accepted": "已接单", "in-progress": "办理中",
    "completed": "已办结", "declined": "无人可接", "withdrawn": "撤销", "retracted": "依据被撤回",
    "no-longer-holds": "条件不再成立", "superseded": "被替代", "deceased": "本人死亡",
    "consent-withdrawn": "撤回同意", "advisor": "顾问", "subdistrict": "街镇", "district": "区",
    "child-desk": "儿童福利", "police": "公安", "firing": "发出", "resolved": "解除",
  ]
  private static let names = [
    "19840612": "父亲", "19860305": "妻子", "20140901": "孩子", "19530808": "老人",
    "19850101": "孩子生母", "20241201": "婴儿",
  ]

  private static func word(_ text: String) -> String { words[text] ?? text }

  private static func person(_ id: String) -> String { names[String(id.dropFirst(6).prefix(8))] ?? id }

  private static func event(_ event: [String: Any]) -> String {
    let type = (event["type"] as? String ?? "").replacing("cn.gov.sh.assist.", with: "")
    let data = event["data"] as? [String: Any] ?? [:]
    func text(_ key: String) -> String? { data[key] as? String }
    var parts: [String] = []
    if let id = text("person") ?? text("child") { parts.append(person(id)) }
    if let ids = data["persons"] as? [String] { parts.append(ids.map(person).joined(separator: "、")) }
    if let members = data["members"] as? [[String: Any]] {
      let people = members.compactMap { ($0["id"] as? String).map(person) }
      parts.append("\(people.joined(separator: "、"))，住\(text("committee") ?? "")")
    }
    if let applicant = (data["applicant"] as? [String: Any])?["id"] as? String {
      parts.append(person(applicant))
    }
    for key in ["programme", "state", "reason", "item"] {
      if let value = text(key) { parts.append(word(value)) }
    }
    if let by = text("by") { parts.append(by) }
    if let outcome = text("outcome") { parts.append(outcome) }
    if let consent = data["consent"] as? Bool { parts.append(consent ? "同意共享" : "撤回同意") }
    if let stable = data["stableIncome"] as? Bool { parts.append(stable ? "收入稳定" : "收入不稳定") }
    if let until = text("until") ?? text("benefitUntil") ?? text("expectedRelease") {
      parts.append("至\(until)")
    }
    if let date = text("date"), date != (event["time"] as? String ?? "").prefix(10) {
      parts.append("日期\(date)")
    }
    if let target = text("retracts") { parts.append("撤回\(target)") }
    if let target = event["supersedes"] as? String { parts.append("替代\(target)") }
    let kind = kinds[type] ?? type
    return "来 **\(kind)** \(parts.joined(separator: "，")) [\(event["id"] as? String ?? "")]"
  }

  // MARK: Out

  private static func title(_ rule: String) -> String {
    let file = URL(fileURLWithPath: Program.policy).appendingPathComponent("rules/\(rule).yaml")
    let text = (try? String(contentsOf: file, encoding: .utf8)) ?? ""
    let line = text.split(separator: "\n").first { $0.hasPrefix("title: ") }
    return line.map { String($0.dropFirst(7)) } ?? ""
  }

  private static func output(_ output: [String: Any]) -> String? {
    let topic = (output["topic"] as? String ?? "").replacing("assist.", with: "")
    let headers = output["headers"] as? [String: String] ?? [:]
    let data = (output["event"] as? [String: Any])?["data"] as? [String: Any] ?? [:]
    func text(_ key: String) -> String { data[key] as? String ?? "" }
    if topic.hasPrefix("alerts.") {
      let audience = (data["audience"] as? [String] ?? []).map(word).joined(separator: "、")
      return "出 预警 \(text("rule")) \(word(text("state"))) → \(audience)：\(text("message"))"
    }
    if topic == "deadletters" { return "出 退件 \(headers["assist_error_code"] ?? "")" }
    guard topic.hasPrefix("referrals.") else { return nil }
    var parts: [String] = []
    if topic.hasPrefix("referrals.resource") {
      let candidates = (data["candidates"] as? [String] ?? []).joined(separator: "、")
      parts.append("出 转介社会力量 → \(candidates.isEmpty ? "无" : candidates)")
    } else {
      let assignee = (data["assignee"] as? [String: Any])?["advisor"] as? String ?? ""
      let visit = (data["evidence"] as? [[String: Any]])?.first { $0["fact"] as? String == "visit" }
      let number = (visit?["value"] as? String).map { "（第\($0)次）" } ?? ""
      let rule = text("rule")
      let name = rule == "need" ? "需求" : "\(rule) \(title(rule))"
      parts.append("出 转介 \(name)\(number) → \(word(text("to")))（\(assignee)）")
    }
    let reason = data["reason"].map { "：\(word($0 as? String ?? ""))" } ?? ""
    parts.append("\(word(text("state")))\(reason)，第\(data["revision"] as? Int ?? 0)版")
    parts.append(headers["urgency"] ?? "")
    if let escalation = data["escalation"] as? Int, escalation > 0 {
      parts.append("已上报\(escalation == 1 ? "街镇" : "区")")
    }
    if data["review"] != nil { parts.append("待核实") }
    parts.append("期限\(text("dueAt").prefix(16).replacing("T", with: " "))")
    if data["revision"] as? Int == 1, !text("task").isEmpty { parts.append(text("task")) }
    return parts.joined(separator: "；")
  }
}
