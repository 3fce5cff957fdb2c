import Expression

/// The disclosure check: what reaches a reader carries the labels of all that it was made from, and
/// that it came at all tells what decided it. Above the reader's clearance it does not compile.
extension RuleCompiler {
  func checkDisclosure(_ rule: CompiledRule, _ draft: RuleDraft) {
    // Where an entry did not compile, the pack does not load for that reason.
    if draft.refer.count == rule.referrals.count {
      for (referral, yaml) in zip(rule.referrals, draft.refer) { check(referral, rule, yaml) }
    }
    if draft.alerts.count == rule.alerts.count {
      for (alert, yaml) in zip(rule.alerts, draft.alerts) { check(alert, rule, yaml) }
    }
  }

  private func check(_ referral: CompiledReferral, _ rule: CompiledRule, _ draft: RuleDraft.Refer) {
    if referral.to == .resource {
      if rule.isConfidential {
        draft.yaml.report(
          "confidential-rule", "a confidential rule never reaches a resource",
          hint: "the rule has a restricted alert or a disguised referral")
      }
      let channel = audiences.channel("referrals.resource")
      demand(
        rule.labels.union(choiceLabels(referral)), channel?.choice ?? [], draft.yaml,
        "that this rule holds", "a resource")
      return
    }
    let audience = audiences.audience(referral.to.rawValue)?.clearance ?? []
    let channel = audiences.channel("referrals.advisor")?.clearance ?? []
    let clearance = audience.intersection(channel)
    let reader = audiences.audience(referral.to.rawValue)?.title ?? referral.to.rawValue
    if let task = referral.task {
      let labels = task.labels.union(valueLabels(task.template.dependencies, rule))
      demand(labels, clearance, draft.task?.yaml ?? draft.yaml, "the task", reader)
    }
    for (evidence, place) in zip(referral.evidence, draft.evidence) {
      let labels = evidence.labels.union(valueLabels(evidence.value.dependencies, rule))
      demand(labels, clearance, place.value.yaml, "the evidence", reader)
    }
    for program in [referral.from, referral.area].compactMap(\.self) where !referral.isDisguised {
      demand(compiler.labels(program.dependencies), clearance, draft.yaml, "the date", reader)
    }
    if !referral.isDisguised {
      demand(
        rule.labels.union(choiceLabels(referral)), clearance, draft.yaml, "that this rule holds", reader,
        hint: "add 'disguise: need' to send only the neutral form")
    }
  }

  /// What it tells that the referral was made, where that depends on more than the rule.
  private func choiceLabels(_ referral: CompiledReferral) -> LabelSet {
    referral.when.map { compiler.labels($0.dependencies) } ?? []
  }

  private func check(_ alert: CompiledAlert, _ rule: CompiledRule, _ draft: RuleDraft.Alert) {
    let clearance = audiences.alertClearance(
      audiences: alert.audiences, isRestricted: alert.isRestricted)
    let reader = alert.audiences.joined(separator: ", ")
    let hint = alert.isRestricted ? nil : "add 'restricted: true'"
    let message = alert.message
    demand(
      message.labels.union(valueLabels(message.template.dependencies, rule)), clearance,
      draft.message?.yaml ?? draft.yaml, "the message", reader, hint: hint)
    for (evidence, place) in zip(alert.evidence, draft.evidence) {
      let labels = evidence.labels.union(valueLabels(evidence.value.dependencies, rule))
      demand(labels, clearance, place.value.yaml, "the evidence", reader, hint: hint)
    }
    demand(rule.labels, clearance, draft.yaml, "that this rule holds", reader, hint: hint)
  }

  /// Type, state, kind and dates to come of the deciding event tell which of the triggers it was.
  private func valueLabels(_ dependencies: Dependencies, _ rule: CompiledRule) -> LabelSet {
    let telling: Set<String> = ["type", "state", "kind", "expected_end", "term_months"]
    guard
      dependencies.fields.contains(where: {
        $0.typeID == ObjectKind.event.rawValue && telling.contains($0.field)
      })
    else { return [] }
    return rule.eventTypes.reduce(into: LabelSet()) { $0.formUnion(eventLabels[$1] ?? []) }
  }

  private func demand(
    _ labels: LabelSet, _ clearance: LabelSet, _ place: PositionedYAML, _ what: String,
    _ reader: String, hint: String? = nil
  ) {
    let excess = labels.subtracting(clearance)
    guard !excess.isEmpty else { return }
    let names = labelTable.names(excess).joined(separator: ", ")
    place.report(
      "disclosure", "\(what) would tell \(reader) of '\(names)', above their clearance",
      hint: hint ?? "use a derived fact that releases the label, or leave it out")
  }
}
