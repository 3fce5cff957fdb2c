public import Policy
public import Vocabulary

/// A rule in Chinese: its conditions, what it reads, the parameters in force, who is told what.
public struct RuleExplanation {
  let pack: PolicyPack
  let rule: CompiledRule
  let date: CivilDate
  let district: String
  let subdistrict: String

  public init(
    pack: PolicyPack, rule: CompiledRule, date: CivilDate, district: String, subdistrict: String
  ) {
    self.pack = pack
    self.rule = rule
    self.date = date
    self.district = district
    self.subdistrict = subdistrict
  }

  /// Several lines, for a terminal.
  public var text: String {
    var lines = ["\(rule.id) \(rule.title)（第\(rule.version)版，\(status)）"]
    lines.append("  主管：\(rule.owner)")
    lines.append(
      "  依据：" + rule.basis.map { $0.cite + ($0.clause.isEmpty ? "" : " " + $0.clause) }
        .joined(separator: "；"))
    lines.append(
      "  对应方案：" + (rule.groups + rule.clauses).joined(separator: "、"))
    lines.append("  触发：" + trigger)
    lines.append("  对象：" + (rule.scope == .household ? "家庭" : "个人"))
    lines.append("")
    lines.append("条件（全部满足）：")
    for clause in rule.when { lines += condition(clause) }
    if !rule.unless.isEmpty {
      lines.append("除非（满足任何一项则不触发）：")
      for clause in rule.unless { lines += condition(clause) }
    }
    lines.append("信息不全时：" + unknown)
    lines.append("")
    lines += outputs
    lines += facts
    lines += parameters
    return lines.joined(separator: "\n") + "\n"
  }

  private var status: String {
    let words: [RuleStatus: String] = [
      .draft: "草稿", .shadow: "试运行", .active: "启用", .retired: "停用",
    ]
    let local = rule.status(in: district)
    let word = words[local] ?? local.rawValue
    let period = "自\(rule.effectiveFrom)起" + (rule.effectiveTo.map { "至\($0)" } ?? "")
    return rule.isEffective(on: date) ? "\(word)，\(period)" : "\(word)，\(period)，当日不生效"
  }

  private func titles(_ types: [String]) -> String {
    types.map { name in
      let title = pack.sources.event(name)?.title ?? ""
      return title.isEmpty ? name : "\(title)（\(name)）"
    }.joined(separator: "、")
  }

  private func term(_ setting: TermSetting) -> String {
    let resolved = setting.resolved(resolvedParameters)
    guard let resolved else { return "未设定" }
    let units: [Term.Unit: String] = [
      .minutes: "分钟", .hours: "小时", .days: "天", .workingDays: "个工作日", .months: "个月",
      .years: "年",
    ]
    if resolved.count == 0 { return "当日" }
    return "\(resolved.count)\(units[resolved.unit] ?? "")"
  }

  private var trigger: String {
    switch rule.trigger {
    case .situation(let hold):
      let held = hold.resolved(resolvedParameters)?.count ?? 0
      return held == 0 ? "情况变化或时间推移时" : "情况持续\(term(hold))"
    case .event(let types, let holdsNow, let ahead):
      var text = "发生" + titles(types)
      if !holdsNow { text += "（此后情况变化不影响）" }
      if let ahead { text += "，提前\(term(ahead.opens))" }
      return text
    case .engine(let role, let types):
      let roles: [EngineRole: String] = [
        .visitLadder: "退出后的定期回访", .missedVisit: "回访逾期", .socialMatch: "社会力量对接未成",
        .escalation: "未及时接办或办结", .correction: "通知撤回或更正",
      ]
      let text = roles[role] ?? role.rawValue
      return types.isEmpty ? text : text + "，始于" + titles(types)
    }
  }

  private func condition(_ clause: CompiledClause) -> [String] {
    ["  - \(clause.says) [\(clause.id)]", "      \(clause.program.source)"]
  }

  private var unknown: String {
    switch rule.onUnknown {
    case .review:
      rule.reviewWhen == nil
        ? "由顾问核实" : "满足 \(rule.reviewWhen?.source ?? "") 的由顾问核实，其余不处理"
    case .fire: "视同满足"
    case .skip: "视同不满足"
    }
  }

  private var outputs: [String] {
    let receivers: [ReferralReceiver: String] = [
      .advisor: "社区救助顾问", .subdistrict: "街镇", .district: "区", .resource: "社会力量",
    ]
    var lines: [String] = []
    for referral in rule.referrals {
      let due = referral.from == nil ? "开出后" : "自\(referral.from?.source ?? "")起"
      lines.append(
        "转介\(receivers[referral.to] ?? "")：\(referral.urgency)，\(due)\(term(referral.due))内"
          + (referral.isDisguised ? "，只显示为一般需求" : ""))
      if let task = referral.task { lines.append("      \(task.template.source)") }
      if !referral.needs.isEmpty { lines.append("      " + referral.needs.joined(separator: " ")) }
    }
    for alert in rule.alerts {
      let readers = alert.audiences.map { pack.audiences.audience($0)?.title ?? $0 }
      lines.append(
        "提醒\(readers.joined(separator: "、"))" + (alert.isRestricted ? "（限制范围）" : "") + "：")
      lines.append("      \(alert.message.template.source)")
    }
    return lines + [""]
  }

  private var facts: [String] {
    let facts = rule.reads.facts.sorted().compactMap { slot in
      pack.facts.definition(of: slot.object, slot: slot.slot)
    }
    guard !facts.isEmpty else { return [] }
    return ["读取的信息："]
      + facts.map { fact in
        let labels = pack.labels.names(fact.labels).joined(separator: " ")
        return "  - \(fact.title) \(fact.qualifiedName)" + (labels.isEmpty ? "" : " [\(labels)]")
      }
  }

  private var resolvedParameters: ResolvedParameters {
    pack.parameters.resolve(on: date, district: district, subdistrict: subdistrict)
  }

  private var parameters: [String] {
    let values = resolvedParameters.values
    guard !rule.reads.parameters.isEmpty else { return [] }
    let place = subdistrict.isEmpty ? (district.isEmpty ? "全市" : district) : subdistrict
    return ["参数（\(date)，\(place)）："]
      + rule.reads.parameters.sorted().map { at in
        let definition = pack.parameters.definitions[at]
        let value = values[at]?.text ?? "未设定"
        let cite = definition.values.last { $0.from <= date }
        let mark = cite.map { $0.isVerified ? $0.cite : $0.cite + "，待核定" } ?? ""
        return "  - \(definition.title) \(definition.name) = \(value)\(definition.unit)"
          + (mark.isEmpty ? "" : "（\(mark)）")
      }
  }
}
