import ArgumentParser
import Logging
import Operations
import Policy

/// `outreachd topics`: the cluster's topics beside their declarations.
struct TopicsCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "topics",
    abstract: "Compare and create topics.",
    discussion: """
      The declarations are the files of the directory `topics.directory` of the configuration.

      EXAMPLES
        outreachd topics plan --config config/outreachd.yaml
        outreachd topics apply --config config/outreachd.yaml
      """,
    subcommands: [Plan.self, Apply.self])

  struct Plan: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Show what `apply` would create, and what differs.",
      discussion: """
        Exits with 1 where there is anything to show. Changes nothing.

        EXAMPLES
          outreachd topics plan --config config/outreachd.yaml
          outreachd topics plan --config config/outreachd.yaml --json
        """)

    @OptionGroup var file: ConfigurationOption
    @Flag(help: "One JSON object on standard output.")
    var json = false

    func run() throws {
      let (comparison, _) = try TopicsCommand.compare(file)
      TopicsCommand.report(comparison, created: [], json: json)
      if !comparison.missing.isEmpty || !comparison.differences.isEmpty {
        throw ExitCode(ExitStatus.findings.rawValue)
      }
    }
  }

  struct Apply: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Create the topics that are missing.",
      discussion: """
        Topics that exist are left as they are; what differs is shown, and makes the exit code 1. \
        Partitions and settings of a topic in use are changed with the cluster's own tools, after \
        thought: keys move when partitions are added.

        EXAMPLES
          outreachd topics apply --config config/outreachd.yaml
          OUTREACH_KAFKA_BROKERS=127.0.0.1:9092 outreachd topics apply \\
            --config config/outreachd.yaml --json
        """)

    @OptionGroup var file: ConfigurationOption
    @Flag(help: "One JSON object on standard output.")
    var json = false

    func run() throws {
      let (comparison, cluster) = try TopicsCommand.compare(file)
      let failed = try cluster.create(comparison.missing)
      let names = Set(failed.map(\.name))
      let created = comparison.missing.map(\.name).filter { !names.contains($0) }
      TopicsCommand.report(comparison, created: created, json: json)
      for (name, reason) in failed { StandardError.write("outreachd: \(name): \(reason)\n") }
      if !failed.isEmpty || !comparison.differences.isEmpty {
        throw ExitCode(ExitStatus.findings.rawValue)
      }
    }
  }

  private static func compare(
    _ file: ConfigurationOption
  ) throws -> (TopicComparison, Cluster) {
    let configuration = try file.load()
    let catalog: TopicCatalog
    switch TopicFiles.load(configuration.topicsDirectory) {
    case .success(let loaded): catalog = loaded
    case .failure(let problems):
      throw CommandFailure(.configuration, rendered: problems.description)
    }
    let cluster = try Cluster(configuration.kafka, logger: configuration.logging.logger("topics"))
    let comparison = TopicComparison(
      catalog: catalog, prefix: configuration.kafka.prefix, districts: configuration.districts,
      cluster: cluster, maximumRecordBytes: configuration.kafka.maximumRecordBytes)
    return (comparison, cluster)
  }

  private static func report(_ comparison: TopicComparison, created: [String], json: Bool) {
    let isCreated = Set(created)
    guard !json else {
      let missing = comparison.missing.map(\.name).filter { !isCreated.contains($0) }
      let differences = comparison.differences.map { difference in
        JSONText.object([
          ("topic", JSONText.string(difference.topic)),
          ("property", JSONText.string(difference.property)),
          ("declared", JSONText.string(difference.declared)),
          ("found", JSONText.string(difference.found)),
        ])
      }
      print(
        JSONText.object([
          ("created", JSONText.list(created.map(JSONText.string))),
          ("missing", JSONText.list(missing.map(JSONText.string))),
          ("differences", JSONText.list(differences)),
        ]))
      return
    }
    for plan in comparison.missing {
      let partitions = plan.partitions ?? TopicCatalog.defaultPartitions
      let verb = isCreated.contains(plan.name) ? "created" : "missing"
      let cleanup = plan.declaration.cleanup.rawValue
      print("\(verb)  \(plan.name)  \(partitions) partition(s), \(cleanup)")
    }
    for difference in comparison.differences {
      print(
        "differs  \(difference.topic)  \(difference.property) is \(difference.found), declared as "
          + difference.declared)
    }
    if comparison.missing.isEmpty, comparison.differences.isEmpty {
      print("every topic is as declared")
    }
  }
}
