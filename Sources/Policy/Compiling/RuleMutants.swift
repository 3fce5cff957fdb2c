public import Expression

/// A rule with one small change in one of its expressions, to see whether tests notice it.
public struct RuleMutant: Sendable {
  /// What was changed.
  public enum Change: Sendable, Hashable {
    /// The whole condition became `true` or `false`.
    case clause(holds: Bool)
    /// A part of an expression became something else: `'<' → '<='`.
    case expression(Mutant.Kind, String)
  }

  /// The rule as changed.
  public let rule: CompiledRule
  /// Where in the rule: the id of a clause, `let name`, `subject`, `opens_when`, `opens_by`,
  /// `review_when`, `looks_ahead`, `refer 1` (the condition of the first entry).
  public let part: String
  /// What the changed clause means, in Chinese; empty for other parts.
  public let says: String
  public let change: Change
  /// The changed stretch in the pack.
  public let file: String
  public let line: Int
  public let column: Int
}

extension PolicyPack {
  /// The mutants of the rules whose ids are given (of all rules for nil), in order of rule and
  /// place; none for a pack that does not load.
  ///
  /// Every condition is once replaced by `true` and once by `false`. With `expressions`, every
  /// expression that decides something (conditions, names of `let`, `subject`, `opens_when`,
  /// `opens_by`, `review_when`, `looks_ahead.to`, `when` of a referral) is changed in each way that
  /// `Mutant.Kind` lists and that still compiles. Texts, evidence and areas are not changed.
  public static func mutants(
    of files: PackFiles, rules: Set<String>? = nil, expressions: Bool
  ) -> [RuleMutant] {
    var loader = PolicyLoader(files: files)
    guard loader.load(digest: { _ in "" }) != nil, !loader.collector.hasErrors,
      let workshop = loader.workshop
    else { return [] }
    return workshop.drafts.filter {
      $0.status != .retired && (rules?.contains($0.id) ?? true)
    }.sorted { $0.id < $1.id }.flatMap { workshop.mutants(of: $0, expressions: expressions) }
  }
}

/// The drafts of a pack's rules and what compiles them.
struct RuleWorkshop {
  let compiler: RuleCompiler
  let drafts: [RuleDraft]
  /// The district overlays of a rule's status.
  let localStatus: [String: [String: RuleStatus]]

  /// One expression of a rule that can be written anew.
  private struct Place {
    let part: String
    let says: String
    let expression: ExpressionDraft
    /// Position among the rule's conditions and exceptions, for whole clauses.
    let isClause: Bool
    let rewrite: (inout RuleDraft, ExpressionDraft) -> Void
    /// How many of the rule's names the expression may use.
    let names: Int
    let hasMember: Bool
  }

  func mutants(of draft: RuleDraft, expressions: Bool) -> [RuleMutant] {
    var result: [RuleMutant] = []
    for place in places(draft) where expressions || place.isClause {
      if place.isClause {
        for holds in [true, false] {
          result += mutant(draft, place, text: String(holds), .clause(holds: holds), at: 0)
        }
      }
      guard expressions else { continue }
      let environment = compiler.environment(
        draft, names: place.names, hasMember: place.hasMember)
      for mutant in environment.mutants(of: place.expression.text)
      // A clause that is a single `x || y` or `!x` may become a constant: that was done already.
      where !(place.isClause && (mutant.text == "true" || mutant.text == "false")) {
        result += self.mutant(
          draft, place, text: mutant.text, .expression(mutant.kind, mutant.change),
          at: mutant.span.start)
      }
    }
    return result
  }

  private func mutant(
    _ draft: RuleDraft, _ place: Place, text: String, _ change: RuleMutant.Change, at offset: Int
  ) -> [RuleMutant] {
    var changed = draft
    place.rewrite(&changed, ExpressionDraft(text: text, yaml: place.expression.yaml))
    guard let rule = compiler.compile(changed, overlay: localStatus[draft.id] ?? [:]) else {
      return []
    }
    let position = place.expression.yaml.position(ofCodePoint: offset)
    return [
      RuleMutant(
        rule: rule, part: place.part, says: place.says, change: change,
        file: draft.yaml.source.file, line: position.line, column: position.column)
    ]
  }

  private func places(_ draft: RuleDraft) -> [Place] {
    let all = draft.lets.count
    let member = draft.scope == .member
    var places: [Place] = []
    func add(
      _ part: String, _ path: WritableKeyPath<RuleDraft, ExpressionDraft?>, names: Int,
      hasMember: Bool
    ) {
      guard let expression = draft[keyPath: path] else { return }
      places.append(
        Place(
          part: part, says: "", expression: expression, isClause: false,
          rewrite: { $0[keyPath: path] = $1 }, names: names, hasMember: hasMember))
    }
    add("subject", \.subject, names: 0, hasMember: false)
    for (at, binding) in draft.lets.enumerated() {
      places.append(
        Place(
          part: "let " + binding.name, says: "", expression: binding.expression, isClause: false,
          rewrite: { $0.lets[at].expression = $1 }, names: at, hasMember: member))
    }
    for path in [\RuleDraft.when, \RuleDraft.unless] {
      for (at, clause) in draft[keyPath: path].enumerated() {
        places.append(
          Place(
            part: clause.id, says: clause.says, expression: clause.that, isClause: true,
            rewrite: { $0[keyPath: path][at].that = $1 }, names: all, hasMember: member))
      }
    }
    add("opens_when", \.opensWhen, names: all, hasMember: member)
    add("opens_by", \.opensBy, names: all, hasMember: member)
    add("review_when", \.reviewWhen, names: all, hasMember: member)
    for (at, referral) in draft.refer.enumerated() {
      guard let condition = referral.when else { continue }
      places.append(
        Place(
          part: "refer \(at + 1)", says: "", expression: condition, isClause: false,
          rewrite: { $0.refer[at].when = $1 }, names: all, hasMember: member))
    }
    if let ahead = draft.looksAhead {
      places.append(
        Place(
          part: "looks_ahead", says: "", expression: ahead.to, isClause: false,
          rewrite: { $0.looksAhead?.to = $1 }, names: all, hasMember: member))
    }
    return places
  }
}
