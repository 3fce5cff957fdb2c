public import Streaming

/// The stages of one worker: built from one snapshot of policy and directory.
public struct StageSet {
  public let intake: any IntakeStage
  /// One of each channel.
  public let stages: [any Stage]

  public init(intake: any IntakeStage, stages: [any Stage]) {
    self.intake = intake
    self.stages = stages
  }

  /// The stage that reads `channel`.
  func stage(_ channel: Channel) -> (any Stage)? { stages.first { $0.channel == channel } }
}

/// Where a worker gets its stages from. The worker asks between two batches, so a batch sees one
/// policy and one directory.
public protocol StageSource: AnyObject {
  /// The stages to work with from now on; nil where nothing changed since the last call.
  func refresh() -> StageSet?
}

/// The names and sizes of the topics a worker works on.
public struct TopicLayout: Equatable, Sendable {
  /// The configured prefix, `assist` by default.
  public let prefix: String
  /// The in-topics after the prefix and its dot, in no order of importance.
  public let inTopics: [String]
  /// Partitions of each internal topic and each changelog.
  public let partitions: Int32

  public init(prefix: String, inTopics: [String], partitions: Int32) {
    self.prefix = prefix
    self.inTopics = inTopics
    self.partitions = partitions
  }

  /// A topic's full name.
  public func full(_ suffix: String) -> String { "\(prefix).\(suffix)" }

  /// The topics of the worker's consumer, by full name: the in-topics, then the channels in order
  /// of their number.
  public var subscription: [String] {
    inTopics.map(full) + Channel.allCases.map { full($0.inputTopic) }
  }

  public func input(_ channel: Channel, _ partition: Int32) -> TopicPartition {
    TopicPartition(full(channel.inputTopic), partition)
  }

  public func changelog(_ channel: Channel, _ partition: Int32) -> TopicPartition {
    TopicPartition(full(channel.changelogTopic), partition)
  }

  /// The channel whose input topic has this full name.
  func channel(ofInput topic: String) -> Channel? {
    Channel.allCases.first { full($0.inputTopic) == topic }
  }
}
