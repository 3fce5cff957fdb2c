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
    if rule.onUnknown == .review { checkReview(rule, draft) }
  }

  /// Where a missing fact decides, an advisor is asked, also by a rule that writes to others only:
  /// with the name of the rule and the evidence of its first entry (semantics 14).
  private func checkReview(_ rule: CompiledRule, _ draft: RuleDraft) {
    guard !rule.referrals.contains(where: { $0.to == .advisor }),
      let referral = rule.referrals.first, let place = draft.refer.first,
      !referral.isDisguised
    else { return }
    let clearance = clearance(of: .advisor)
    let reader = title(of: .advisor)
    let hint = "add 'on_unknown: skip', or 'disguise: need'"
    demand(
      rule.labels.union(choiceLabels(referral, rule)), clearance, place.yaml,
      "a review of this rule", reader, hint: hint)
    for (evidence, place) in zip(referral.evidence, place.evidence) {
      let labels = evidence.labels.union(valueLabels(evidence.value.dependencies, rule))
      demand(
        labels, clearance, place.value.yaml, "the evidence of a review", reader, hint: hint)
    }
  }

  private func check(_ referral: CompiledReferral, _ rule: CompiledRule, _ draft: RuleDraft.Refer) {
    if referral.to == .resource {
      if rule.isConfidential {
        draft.yaml.report(
          "confidential-rule", "a confidential rule never reaches a resource",
          hint: "the rule has a restricted alert or a disguised referral")
      }
      demand(
        rule.labels.union(choiceLabels(referral, rule)), clearance(of: .resource), draft.yaml,
        "that this rule holds", "a resource")
      return
    }
    let clearance = clearance(of: referral.to)
    let reader = title(of: referral.to)
    if let task = referral.task {
      let labels = task.labels.union(valueLabels(task.template.dependencies, rule))
      demand(labels, clearance, draft.task?.yaml ?? draft.yaml, "the task", reader)
    }
    for (evidence, place) in zip(referral.evidence, draft.evidence) {
      let labels = evidence.labels.union(valueLabels(evidence.value.dependencies, rule))
      demand(labels, clearance, place.value.yaml, "the evidence", reader)
    }
    for (program, what) in [(referral.from, "the date"), (referral.area, "the area")] {
      guard let program else { continue }
      var labels = compiler.labels(program.dependencies)
      // The day of a disguised referral may follow from its event, which it does not name.
      if !referral.isDisguised { labels.formUnion(valueLabels(program.dependencies, rule)) }
      demand(labels, clearance, draft.yaml, what, reader)
    }
    if !referral.isDisguised {
      demand(
        rule.labels.union(choiceLabels(referral, rule)), clearance, draft.yaml,
        "that this rule holds", reader,
        hint: "add 'disguise: need' to send only the neutral form")
    }
  }

  /// What it tells that the referral was made, where that depends on more than the rule.
  private func choiceLabels(_ referral: CompiledReferral, _ rule: CompiledRule) -> LabelSet {
    referral.when.map {
      compiler.labels($0.dependencies).union(valueLabels($0.dependencies, rule))
    } ?? []
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
    if let area = alert.area {
      let labels = compiler.labels(area.dependencies)
        .union(valueLabels(area.dependencies, rule))
      demand(labels, clearance, draft.yaml, "the area", reader, hint: hint)
    }
    demand(rule.labels, clearance, draft.yaml, "that this rule holds", reader, hint: hint)
  }

  /// What rules tell together: one that ends another's referrals shows in them, and a neutral form
  /// must not differ from the others.
  func checkTogether(_ compiled: [(draft: RuleDraft, rule: CompiledRule)]) {
    for (draft, rule) in compiled {
      for (name, yaml) in draft.closes {
        guard let closed = compiled.first(where: { $0.rule.id == name })?.rule else { continue }
        for referral in closed.referrals where !referral.isDisguised {
          demand(
            rule.labels, clearance(of: referral.to), yaml, "the end of \(name)",
            title(of: referral.to), hint: "leave it out, or let \(name) end by itself")
        }
      }
    }
    for (draft, rule) in compiled where draft.refer.count == rule.referrals.count {
      checkChoices(rule, draft)
    }
    var first: [ReferralReceiver: (rule: String, referral: CompiledReferral)] = [:]
    for (draft, rule) in compiled where draft.refer.count == rule.referrals.count {
      for (referral, place) in zip(rule.referrals, draft.refer) where referral.isDisguised {
        guard let model = first[referral.to] else {
          first[referral.to] = (rule.id, referral)
          continue
        }
        let isAlike =
          model.referral.task?.template.source == referral.task?.template.source
          && model.referral.category == referral.category
        guard !isAlike else { continue }
        (place.task?.yaml ?? place.yaml).report(
          "telling-neutral-form",
          "this neutral form differs from that of \(model.rule): who knows both could tell the cause",
          hint: "use the same task and category for all neutral forms to this receiver")
      }
    }
  }

  /// Where conditions choose among neutral forms to one receiver, their terms must not tell which.
  private func checkChoices(_ rule: CompiledRule, _ draft: RuleDraft) {
    for (at, referral) in rule.referrals.enumerated() where referral.isDisguised {
      for earlier in rule.referrals[..<at]
      where earlier.isDisguised && earlier.to == referral.to
        && (earlier.when != nil || referral.when != nil)
        && (earlier.urgency != referral.urgency || earlier.due != referral.due
          || (earlier.from == nil) != (referral.from == nil))
      {
        draft.refer[at].yaml.report(
          "telling-neutral-form",
          "which of the two neutral forms was sent shows in its urgency or its term",
          hint: "give both the same 'urgency', 'due' and 'from'")
      }
    }
  }

  func clearance(of receiver: ReferralReceiver) -> LabelSet {
    if receiver == .resource { return audiences.channel("referrals.resource")?.choice ?? [] }
    return audiences.referralClearance(of: receiver.rawValue)
  }

  private func title(of receiver: ReferralReceiver) -> String {
    audiences.audience(receiver.rawValue)?.title ?? receiver.rawValue
  }

  /// What every event has; any other field of the deciding event tells which of the triggers it was.
  private static let commonFields: Set<String> = [
    "date", "time", "own", "others", "person", "persons",
  ]

  private func valueLabels(_ dependencies: Dependencies, _ rule: CompiledRule) -> LabelSet {
    guard
      dependencies.fields.contains(where: {
        $0.typeID == ObjectKind.event.rawValue && !RuleCompiler.commonFields.contains($0.field)
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
