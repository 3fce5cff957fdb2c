/// One topic of the bus as `topics/*.yaml` declares it, or a family of topics, one for each
/// district.
public struct TopicDeclaration: Equatable, Sendable {
  public enum Direction: String, CaseIterable, Sendable {
    /// Other systems write, the daemon reads.
    case inbound = "in"
    /// The daemon writes, other systems read.
    case outbound = "out"
    /// Both, such as the policy.
    case both
    /// The daemon's own.
    case `internal`
  }
  public enum Cleanup: String, CaseIterable, Sendable {
    case delete
    /// Only the last record of a key stays.
    case compact
  }

  /// After the configured prefix and its dot; may contain `{district}`.
  public var name: String
  public var title: String
  public var direction: Direction
  /// Nil: whatever the topic has; a missing one gets `TopicCatalog.defaultPartitions`.
  public var partitions: Int?
  /// Copies on brokers; nil: what the cluster does by default.
  public var replication: Int?
  public var cleanup: Cleanup
  /// How long records stay, in milliseconds; nil: for ever.
  public var retention: Int64?
  /// The largest record batch, in bytes; nil: what the cluster does by default.
  public var maximumMessageBytes: Int?
  /// What the key of a record is, for people.
  public var key: String
  /// The JSON Schema of a value, relative to the folder; nil where the value has none.
  public var schema: String?
  /// Roles that may read and write, for access control.
  public var readers: [String]
  public var writers: [String]
  /// Further properties of the topic, by Kafka's names.
  public var properties: [String: String]

  /// Whether there is one such topic for each district.
  public var isPerDistrict: Bool { name.contains(TopicCatalog.districtMark) }

  /// The topic's properties by Kafka's names.
  public var configuration: [String: String] {
    var result = properties
    result["cleanup.policy"] = cleanup.rawValue
    // Retention by time concerns only deletion.
    if cleanup == .delete { result["retention.ms"] = String(retention ?? -1) }
    if let maximumMessageBytes { result["max.message.bytes"] = String(maximumMessageBytes) }
    return result
  }
}

/// A topic to be, with its full name.
public struct TopicPlan: Equatable, Sendable {
  public var name: String
  /// Nil: whatever the topic has.
  public var partitions: Int?
  public var replication: Int?
  public var configuration: [String: String]
  public var declaration: TopicDeclaration
}

/// All topics of the contract.
public struct TopicCatalog: Equatable, Sendable {
  public static let districtMark = "{district}"
  /// The code of outputs whose district is not known.
  public static let unknownDistrict = "000000"
  /// Partitions of a topic that is missing and whose number is left to the cluster.
  public static let defaultPartitions = 8

  /// In the order of the files and their entries.
  public let topics: [TopicDeclaration]

  public init(topics: [TopicDeclaration]) { self.topics = topics }

  public func topic(_ name: String) -> TopicDeclaration? { topics.first { $0.name == name } }

  /// The names of the topics that events come on, after the prefix. The directory and policy
  /// topics, which every instance reads whole, are not among them.
  public var eventTopics: [String] {
    topics.filter { $0.direction == .inbound && $0.cleanup == .delete }.map(\.name)
  }

  /// The one output topic with this full name, where a declaration fits it: of a family, the
  /// district is six digits.
  public func output(_ name: String, prefix: String) -> TopicPlan? {
    let districts = name.split(separator: ".").map(String.init).filter { part in
      part.utf8.count == 6 && part.utf8.allSatisfy { 0x30...0x39 ~= $0 }
    }
    return plan(prefix: prefix, districts: districts).first {
      $0.name == name && $0.declaration.direction == .outbound
    }
  }

  /// Every topic under its full name, families once for each district and once for the unknown
  /// one. `internalPartitions` replaces the number of the internal topics.
  public func plan(
    prefix: String, districts: [String], internalPartitions: Int? = nil
  ) -> [TopicPlan] {
    var codes = districts
    if !codes.contains(TopicCatalog.unknownDistrict) { codes.append(TopicCatalog.unknownDistrict) }
    return topics.flatMap { topic -> [TopicPlan] in
      let names =
        topic.isPerDistrict
        ? codes.map { topic.name.replacing(TopicCatalog.districtMark, with: $0) } : [topic.name]
      let isOwn = topic.direction == .internal
      return names.map { name in
        TopicPlan(
          name: prefix + "." + name,
          partitions: isOwn ? internalPartitions ?? topic.partitions : topic.partitions,
          replication: topic.replication, configuration: topic.configuration, declaration: topic)
      }
    }
  }
}
