/// A set of sensitivity labels (`identity`, `health`, `justice` ...). What an expression reads is
/// the union of its facts' labels; an audience may see what its clearance contains.
public struct LabelSet: OptionSet, Hashable, Sendable {
  public let rawValue: UInt32
  public init(rawValue: UInt32) { self.rawValue = rawValue }
}

/// One kind of personal data that not everyone may see.
public struct SensitivityLabel: Hashable, Sendable {
  /// Short word used in the pack's files.
  public let name: String
  /// What it covers, in Chinese.
  public let title: String
  /// The law that makes it sensitive.
  public let cite: String
}

/// The labels a pack declares, at most 32.
public struct LabelTable: Hashable, Sendable {
  public let labels: [SensitivityLabel]

  public static let maximum = 32

  public init(labels: [SensitivityLabel]) {
    self.labels = Array(labels.prefix(LabelTable.maximum))
  }

  /// All declared labels.
  public var all: LabelSet { LabelSet(rawValue: UInt32((UInt64(1) << labels.count) - 1)) }

  /// The set with one label; nil for an undeclared name.
  public func label(_ name: String) -> LabelSet? {
    labels.firstIndex { $0.name == name }.map { LabelSet(rawValue: 1 << UInt32($0)) }
  }

  /// The names in a set, in the order of declaration.
  public func names(_ set: LabelSet) -> [String] {
    labels.indices.filter { set.contains(LabelSet(rawValue: 1 << UInt32($0))) }
      .map { labels[$0].name }
  }
}
