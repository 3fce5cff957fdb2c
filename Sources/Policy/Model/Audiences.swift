/// Who reads an output.
public struct Audience: Hashable, Sendable {
  /// `advisor subdistrict district resource child-desk police operator`.
  public let name: String
  public let title: String
  /// The labels this audience may see.
  public let clearance: LabelSet
  public let cite: String
}

/// A topic and the labels that may stand on it.
public struct OutputChannel: Hashable, Sendable {
  /// `referrals.advisor`, `referrals.resource`, `alerts.district`, `alerts.restricted`,
  /// `decisions`.
  public let name: String
  public let clearance: LabelSet
}

/// The audiences and channels of `audiences.yaml`.
public struct AudienceCatalogue: Sendable {
  public let audiences: [Audience]
  public let channels: [OutputChannel]

  public func audience(_ name: String) -> Audience? { audiences.first { $0.name == name } }
  public func channel(_ name: String) -> OutputChannel? { channels.first { $0.name == name } }

  /// What may stand in an alert for these audiences on this channel.
  public func clearance(audiences names: [String], channel: String) -> LabelSet {
    var result = self.channel(channel)?.clearance ?? []
    for name in names { result.formIntersection(audience(name)?.clearance ?? []) }
    return result
  }
}
