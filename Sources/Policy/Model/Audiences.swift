/// Who reads an output.
public struct Audience: Hashable, Sendable {
  /// `advisor subdistrict district resource child-desk police operator`.
  public let name: String
  public let title: String
  /// The labels this audience may see.
  public let clearance: LabelSet
  /// What its named officers may see besides, who alone read `alerts.restricted`.
  public let officerClearance: LabelSet
  public let cite: String
}

/// A topic and the labels that may stand on it.
public struct OutputChannel: Hashable, Sendable {
  /// `referrals.advisor`, `referrals.resource`, `alerts.district`, `alerts.restricted`,
  /// `decisions`.
  public let name: String
  public let clearance: LabelSet
  /// The labels of facts that may decide whether something is sent here, though no value and no
  /// name of a rule is shown: the form is neutral.
  public let choice: LabelSet
  /// Alerts that rest on an event with one of these labels go here, whatever the rule
  /// (`alerts.restricted`).
  public let owns: LabelSet
}

/// The audiences and channels of `audiences.yaml`.
public struct AudienceCatalogue: Sendable {
  public let audiences: [Audience]
  public let channels: [OutputChannel]

  public func audience(_ name: String) -> Audience? { audiences.first { $0.name == name } }
  public func channel(_ name: String) -> OutputChannel? { channels.first { $0.name == name } }

  /// What may stand in a referral to an audience of the advisor topics.
  public func referralClearance(of name: String) -> LabelSet {
    (audience(name)?.clearance ?? []).intersection(channel("referrals.advisor")?.clearance ?? [])
  }

  /// What may stand in an alert for these audiences.
  public func alertClearance(audiences names: [String], isRestricted: Bool) -> LabelSet {
    var result = channel(isRestricted ? "alerts.restricted" : "alerts.district")?.clearance ?? []
    for name in names {
      guard let audience = audience(name) else { return [] }
      result.formIntersection(
        isRestricted ? audience.clearance.union(audience.officerClearance) : audience.clearance)
    }
    return result
  }
}
