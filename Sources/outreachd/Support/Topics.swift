import KafkaIO
import Logging
import Operations
import Runtime
import Streaming

/// The topics that the daemon itself needs, as a cluster has them.
struct ClusterTopics {
  /// What producers send to, after the prefix.
  static let inTopics = [
    "window.transactions", "department.notices", "household.registry", "assistance.decisions",
    "field.reports", "referral.feedback",
  ]
  static let advisors = "directory.advisors"
  static let resources = "directory.resources"
  static let directory = [advisors, resources]
  static let internalTopics = Channel.allCases.flatMap { [$0.inputTopic, $0.changelogTopic] }

  let prefix: String
  /// Partitions of each topic of the prefix, by the name after it.
  private(set) var partitions: [String: Int] = [:]

  /// `known`: partitions by full name.
  init(prefix: String, known: [String: Int]) {
    self.prefix = prefix
    for (name, count) in known where name.hasPrefix(prefix + ".") {
      partitions[String(name.dropFirst(prefix.utf8.count + 1))] = count
    }
  }

  /// Asks the cluster.
  init(
    _ configuration: DaemonConfiguration.Kafka, logger: Logger
  ) throws(CommandFailure) {
    let limit = configuration.requestTimeout
    let known: [String: KafkaTopicDescription]
    do {
      let admin = try KafkaAdmin(configuration: configuration.client(), logger: logger)
      known = try admin.topics(limit: limit)
    } catch let failure as KafkaFailure {
      throw CommandFailure(
        .brokerUnavailable,
        "no answer from \(configuration.brokers.joined(separator: ",")): \(failure)")
    } catch let failure as KafkaConfigurationError {
      throw CommandFailure(failure)
    } catch {
      throw CommandFailure(.internalError, "asking the cluster: \(error)")
    }
    self.init(prefix: configuration.prefix, known: known.mapValues(\.partitions))
  }

  /// What is missing or does not fit; empty where a daemon can run.
  var problems: [String] {
    var problems: [String] = []
    let needed =
      ClusterTopics.inTopics + ClusterTopics.directory + ClusterTopics.internalTopics
    for topic in needed where partitions[topic] == nil {
      problems.append("topic \(prefix).\(topic) does not exist")
    }
    let counts = ClusterTopics.internalTopics.compactMap { partitions[$0] }
    if let first = counts.first, counts.contains(where: { $0 != first }) {
      problems.append("the topics \(prefix).internal.* have different numbers of partitions")
    }
    return problems
  }

  /// Names and sizes for the workers.
  var layout: TopicLayout {
    TopicLayout(
      prefix: prefix, inTopics: ClusterTopics.inTopics,
      partitions: Int32(clamping: partitions[Channel.events.inputTopic] ?? 1))
  }
}
