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
    let serves = [("人群", rule.groups), ("条款", rule.clauses)].filter { !$0.1.isEmpty }
    lines.append(
      "  对应方案：" + serves.map { "\($0) " + $1.joined(separator: "、") }.joined(separator: "；"))
    lines.append("  触发：" + trigger)
    lines.append("  对象：" + (rule.scope == .household ? "家庭" : "个人"))
    if let subject = rule.subject { lines.append("  限于：\(subject.source)") }
    lines.append("")
    if !rule.lets.isEmpty {
      lines.append("其中：")
      lines += rule.lets.map { "  \($0.name) = \(Self.line($0.program.source))" }
      lines.append("")
    }
    lines.append("条件（全部满足）：")
    for clause in rule.when { lines += condition(clause) }
    if !rule.unless.isEmpty {
      lines.append("除非（满足任何一项则不触发）：")
      for clause in rule.unless { lines += condition(clause) }
    }
    if let opens = rule.opensWhen { lines.append("仅在此时开出：\(Self.line(opens.source))") }
    if let day = rule.opensBy { lines.append("须在该日以前已满足：\(Self.line(day.source))") }
    lines.append("信息不全时：" + unknown)
    if !rule.closes.isEmpty {
      lines.append("同时了结：" + rule.closes.joined(separator: "、"))
    }
    if let window = rule.dedup.resolved(resolvedParameters), window.count > 0 {
      lines.append("办结后\(term(rule.dedup))内再次发生的，只作记录")
    }
    if !rule.terms.isEmpty {
      let titles = [
        "first": "首次回访", "next": "下次开出", "due": "完成时限", "ends": "至少回访",
        "subdistrict": "逾期报街镇", "district": "逾期报区",
      ]
      let terms = rule.terms.sorted { $0.key < $1.key }
        .map { "\(titles[$0.key] ?? $0.key) \(term($0.value))" }
      lines.append("期限：" + terms.joined(separator: "、"))
    }
    lines.append("")
    lines += outputs
    lines += facts
    lines += parameters
    return lines.joined(separator: "\n") + "\n"
  }

  var status: String {
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

  func term(_ setting: TermSetting) -> String {
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
      if let ahead {
        text += "，在 \(Self.line(ahead.to.source)) 之前\(term(ahead.opens))起，"
          + "至其后\(term(ahead.grace))"
      }
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
    ["  - \(clause.says) [\(clause.id)]", "      \(Self.line(clause.program.source))"]
  }

  private var unknown: String {
    switch rule.onUnknown {
    case .review:
      rule.reviewWhen == nil
        ? "由顾问核实" : "满足 \(Self.line(rule.reviewWhen?.source ?? "")) 的由顾问核实，其余不处理"
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
      var head = "转介\(receivers[referral.to] ?? "")：\(referral.urgency)，\(due(referral))"
      if let claim = claim(referral) {
        head += "，\(claim)内" + (referral.to == .resource ? "答复" : "接单")
      }
      if referral.isDisguised { head += "，只显示为一般需求" }
      lines.append(head)
      if let when = referral.when { lines.append("      仅当 \(Self.line(when.source))") }
      if let area = referral.area { lines.append("      发往 \(Self.line(area.source))") }
      if let task = referral.task { lines.append("      \(task.template.source)") }
      if !referral.needs.isEmpty { lines.append("      " + referral.needs.joined(separator: " ")) }
      lines += evidence(referral.evidence)
    }
    for alert in rule.alerts {
      let readers = alert.audiences.map { pack.audiences.audience($0)?.title ?? $0 }
      lines.append(
        "提醒\(readers.joined(separator: "、"))" + (alert.isRestricted ? "（限制范围）" : "") + "：")
      lines.append("      \(alert.message.template.source)")
      lines += evidence(alert.evidence)
    }
    return lines + [""]
  }

  private func due(_ referral: CompiledReferral) -> String {
    guard let from = referral.from else { return "开出后\(term(referral.due))内" }
    let isThatDay = referral.due.resolved(resolvedParameters)?.count == 0
    return "\(Self.line(from.source))" + (isThatDay ? " 当日截止" : " 之后\(term(referral.due))内")
  }

  /// How soon somebody has to take it; resources are asked by another term.
  private func claim(_ referral: CompiledReferral) -> String? {
    let name =
      referral.to == .resource
      ? "resource_answer" : "claim_" + referral.urgency.description.lowercased()
    return pack.parameters.index(of: name).map { term(.parameter($0)) }
  }

  private func evidence(_ items: [CompiledEvidence]) -> [String] {
    items.isEmpty ? [] : ["      依据：" + items.map(\.name).joined(separator: "、")]
  }

  /// An expression that is written over several lines, in one.
  static func line(_ source: String) -> String {
    source.split(whereSeparator: \.isWhitespace).joined(separator: " ").replacing(" .", with: ".")
  }

  /// Everything that the conditions read, derived facts and what these read.
  var factsRead: [FactDefinition] {
    rule.reads.facts.sorted().compactMap { pack.facts.definition(of: $0.object, slot: $0.slot) }
  }

  private var facts: [String] {
    guard !factsRead.isEmpty else { return [] }
    return ["读取的信息："]
      + factsRead.map { fact in
        let labels = pack.labels.names(fact.labels).joined(separator: " ")
        let mark =
          switch fact.origin {
          case .state(.unknown): "（未登记时为不明）"
          case .derived: "（推算）"
          default: ""
          }
        return "  - \(fact.title) \(fact.qualifiedName)"
          + (labels.isEmpty ? "" : " [\(labels)]") + mark
      }
  }

  var resolvedParameters: ResolvedParameters {
    pack.parameters.resolve(on: date, district: district, subdistrict: subdistrict)
  }

  /// A parameter that the rule reads, as it stands on the day in the place.
  struct ParameterInForce {
    let definition: ParameterDefinition
    /// Nil where it has none on that day.
    let value: ParameterValue?
    /// The document that sets the value; nil for derived ones.
    let source: DatedValue?
    /// The code of the area whose value it is; empty: the city's.
    let area: String
  }

  var parametersInForce: [ParameterInForce] {
    let values = resolvedParameters.values
    return rule.reads.parameters.sorted().map { at in
      let definition = pack.parameters.definitions[at]
      let overlays = pack.parameters.overlays
        .filter { $0.area == district || $0.area == subdistrict }
        .map { (area: $0.area, values: $0.values[at] ?? []) }
      let origins = ([(area: "", values: definition.values)] + overlays).compactMap { place in
        place.values.last { $0.from <= date }.map { (area: place.area, value: $0) }
      }
      // The narrowest area whose value it is: they combine by the greater, the lesser or the last.
      let origin = origins.last { $0.value.value == values[at] }
      return ParameterInForce(
        definition: definition, value: values[at], source: origin?.value,
        area: origin?.area ?? "")
    }
  }

  var place: String { subdistrict.isEmpty ? (district.isEmpty ? "全市" : district) : subdistrict }

  private var parameters: [String] {
    guard !rule.reads.parameters.isEmpty else { return [] }
    return ["参数（\(date)，\(place)）："]
      + parametersInForce.map { parameter in
        let definition = parameter.definition
        var marks: [String] = []
        if !parameter.area.isEmpty { marks.append("\(parameter.area)规定") }
        if let formula = definition.derivation { marks.append("= \(formula)") }
        if let source = parameter.source {
          marks += [source.cite] + (source.isVerified ? [] : ["待核定"])
        }
        let value = parameter.value.map { $0.text + definition.unit } ?? "当日未设定"
        return "  - \(definition.title) \(definition.name) = \(value)"
          + (marks.isEmpty ? "" : "（\(marks.joined(separator: "，"))）")
      }
  }
}
