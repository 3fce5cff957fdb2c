import Foundation
import KafkaIO
import Logging
import Operations
import Policy
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

  /// What is missing or does not fit; empty where a daemon can run.
  var problems: [String] {
    var problems: [String] = []
    let needed = ClusterTopics.inTopics + ClusterTopics.directory + ClusterTopics.internalTopics
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

/// A cluster that has answered, for the commands that look at topics. One thread.
final class Cluster {
  /// Partitions by full name.
  private(set) var partitions: [String: Int]
  private let admin: KafkaAdmin
  private let limit: Duration

  /// Connects and lists the topics; 69 where no broker answers.
  init(
    _ configuration: DaemonConfiguration.Kafka, logger: Logger
  ) throws(CommandFailure) {
    limit = configuration.requestTimeout
    do throws(KafkaConfigurationError) {
      admin = try KafkaAdmin(configuration: configuration.client(), logger: logger)
    } catch {
      throw CommandFailure(error)
    }
    do throws(KafkaFailure) {
      partitions = try admin.topics(limit: limit).mapValues(\.partitions)
    } catch {
      let brokers = configuration.brokers.joined(separator: ",")
      throw CommandFailure(.brokerUnavailable, "no answer from \(brokers): \(error)")
    }
  }

  /// A topic's settings by Kafka's names; nil where they cannot be read.
  func settings(_ topic: String) -> [String: String]? {
    (try? admin.settings(ofTopic: topic, limit: limit))?.compactMapValues(\.value)
  }

  /// Creates topics and waits until they are there. Answers what could not be created, and why.
  func create(_ plans: [TopicPlan]) throws(CommandFailure) -> [(name: String, reason: String)] {
    let wanted = plans.map(\.specification)
    do throws(KafkaFailure) {
      let outcomes = try admin.createTopics(wanted, limit: limit)
      var failed: [(String, String)] = []
      var made: [String] = []
      for plan in plans {
        switch outcomes[plan.name] {
        case .failed(let failure): failed.append((plan.name, "\(failure)"))
        case nil: failed.append((plan.name, "no answer"))
        case .done, .alreadySo: made.append(plan.name)
        }
      }
      try admin.waitForTopics(made, limit: limit)
      return failed
    } catch {
      throw CommandFailure(error, "create topics")
    }
  }
}

extension TopicPlan {
  /// For the cluster.
  var specification: KafkaTopicSpecification {
    KafkaTopicSpecification(
      name, partitions: partitions ?? TopicCatalog.defaultPartitions, replication: replication,
      configs: configuration)
  }
}

/// The files of the topics' declarations.
enum TopicFiles {
  static func load(_ directory: String) -> Result<TopicCatalog, PolicyProblems> {
    let collector = DiagnosticCollector()
    let manager = FileManager.default
    guard let names = try? manager.contentsOfDirectory(atPath: directory) else {
      return .failure(
        PolicyProblems([
          PolicyDiagnostic(
            code: "unreadable-directory", file: directory, message: "the directory cannot be read")
        ]))
    }
    let schemas = (try? manager.contentsOfDirectory(atPath: directory + "/schemas")) ?? []
    var sources: [YAMLSource] = []
    for name in names.sorted() where name.hasSuffix(".yaml") {
      guard let text = try? String(contentsOfFile: directory + "/" + name, encoding: .utf8) else {
        collector.add(
          PolicyDiagnostic(
            code: "unreadable-file", file: name, message: "the file cannot be read as UTF-8"))
        continue
      }
      sources.append(YAMLSource(file: name, text: text))
    }
    let catalog = TopicCatalog.load(
      sources, schemas: Set(schemas.map { "schemas/" + $0 }), into: collector)
    return collector.hasErrors
      ? .failure(PolicyProblems(collector.sorted)) : .success(catalog)
  }
}
