import Vocabulary

/// What the overlays of districts say besides parameters.
struct OverlayDrafts {
  struct RuleStatusDraft {
    let district: String
    let rule: String
    let base: Int
    let status: RuleStatus
    let key: PositionedYAML
  }
  struct WeightsDraft {
    let district: String
    let base: Int
    let weights: [(indicator: String, weight: Int, key: PositionedYAML)]
    let yaml: PositionedYAML
  }
  var statuses: [RuleStatusDraft] = []
  var weights: [WeightsDraft] = []
}

/// Reads `districts/<code>/*.yaml`:
///
///     district: "310115"
///     name: 浦东新区
///     params: {dibao_line: [{from: .., value: .., cite: ..}]}
///     subdistricts: {"310115004": {params: {...}}}
///     rules: {A18: {base: 1, status: shadow, cite: ..}}
///     assessment: {base: 1, weights: {income: 30}}
///
/// `base` is the version of the city's rule or model that the overlay was written for: when the
/// city changes it, the overlay is stale and does not load until someone has looked at it.
struct OverlayReader {
  private(set) var drafts = OverlayDrafts()

  mutating func read(_ root: PositionedYAML, _ parameters: inout ParameterReader) {
    guard let file = root.mapping else { return }
    let district = file.string("district") ?? ""
    _ = file.string("name")
    let folder = root.source.file.split(separator: "/").dropFirst().first.map(String.init) ?? ""
    if !OverlayReader.isCode(district, digits: 6) || district != folder {
      file.optional("district")?.report(
        "bad-district", "'\(district)' is not the district of the folder '\(folder)'")
    }
    if let values = file.optional("params") { parameters.readOverlay(values, area: district) }
    for (key, value) in file.optional("subdistricts")?.mapping?.entries ?? [] {
      guard let code = key.string, let entry = value.mapping else { continue }
      if !OverlayReader.isCode(code, digits: 9) || !code.hasPrefix(district) {
        key.report("bad-district", "'\(code)' is not a sub-district of \(district)")
      }
      if let values = entry.optional("params") { parameters.readOverlay(values, area: code) }
      entry.finish()
    }
    readRules(file.optional("rules"), district)
    readWeights(file.optional("assessment"), district)
    file.finish()
  }

  private mutating func readRules(_ yaml: PositionedYAML?, _ district: String) {
    for (key, value) in yaml?.mapping?.entries ?? [] {
      guard let rule = key.string, let entry = value.mapping else { continue }
      let base = entry.integer("base", in: 1...100_000)
      let status = entry.required("status")?.word(RuleStatus.self, what: "a status")
      _ = entry.string("cite")
      entry.finish()
      guard let base, let status else { continue }
      drafts.statuses.append(
        OverlayDrafts.RuleStatusDraft(
          district: district, rule: rule, base: base, status: status, key: key))
    }
  }

  private mutating func readWeights(_ yaml: PositionedYAML?, _ district: String) {
    guard let yaml, let entry = yaml.mapping else { return }
    let base = entry.integer("base", in: 1...100_000)
    _ = entry.string("cite")
    var weights: [(indicator: String, weight: Int, key: PositionedYAML)] = []
    for (key, value) in entry.required("weights")?.mapping?.entries ?? [] {
      guard let name = key.string, let weight = value.integer(in: 0...1000) else { continue }
      weights.append((name, weight, key))
    }
    entry.finish()
    guard let base else { return }
    drafts.weights.append(
      OverlayDrafts.WeightsDraft(district: district, base: base, weights: weights, yaml: yaml))
  }

  static func isCode(_ text: String, digits: Int) -> Bool {
    text.utf8.count == digits && text.utf8.allSatisfy { $0 &- 0x30 <= 9 }
  }
}

extension OverlayDrafts {
  /// The local statuses of a rule; reports overlays written for another version of it.
  func localStatus(of rule: RuleDraft) -> [String: RuleStatus] {
    var result: [String: RuleStatus] = [:]
    for draft in statuses where draft.rule == rule.id {
      if draft.base != rule.version {
        draft.key.report(
          "stale-overlay",
          "written for version \(draft.base) of \(rule.id), which is now \(rule.version)",
          hint: "check the local change against the new version, then set 'base'")
      }
      if result.updateValue(draft.status, forKey: draft.district) != nil {
        draft.key.report("duplicate-overlay", "\(rule.id) already has a status in this district")
      }
    }
    return result
  }

  /// Reports overlays of rules that do not exist.
  func checkNames(_ rules: [RuleDraft]) {
    let names = Set(rules.map(\.id))
    for draft in statuses where !names.contains(draft.rule) {
      let hint = Suggestion.nearest(to: draft.rule, among: names).map { "did you mean '\($0)'?" }
      draft.key.report("stale-overlay", "the city has no rule '\(draft.rule)'", hint: hint)
    }
  }

  /// The weights by district in the order of the model's indicators.
  func localWeights(_ model: AssessmentModel) -> [String: [Int]] {
    var result: [String: [Int]] = [:]
    for draft in weights {
      if draft.base != model.version {
        draft.yaml.report(
          "stale-overlay",
          "written for version \(draft.base) of the assessment, which is now \(model.version)")
      }
      var values = model.indicators.map(\.weight)
      for (name, weight, key) in draft.weights {
        guard let at = model.indicators.firstIndex(where: { $0.id == name }) else {
          let hint = Suggestion.nearest(to: name, among: model.indicators.map(\.id))
            .map { "did you mean '\($0)'?" }
          key.report("stale-overlay", "the model has no indicator '\(name)'", hint: hint)
          continue
        }
        values[at] = weight
      }
      if result.updateValue(values, forKey: draft.district) != nil {
        draft.yaml.report("duplicate-overlay", "the district already has weights of its own")
      }
    }
    return result
  }
}
