import Operations
import Policy

/// How a cluster's topics differ from their declarations.
struct TopicComparison {
  /// Topics to be created.
  private(set) var missing: [TopicPlan] = []
  /// A property of a topic that is there, but otherwise.
  struct Difference {
    let topic: String
    let property: String
    let declared: String
    let found: String
    let isOwn: Bool
  }
  private(set) var differences: [Difference] = []
  private let maximumRecordBytes: Int

  /// `districts`: codes for which there are topics of their own.
  init(
    catalog: TopicCatalog, prefix: String, districts: [String], cluster: Cluster,
    maximumRecordBytes: Int
  ) {
    self.maximumRecordBytes = maximumRecordBytes
    for plan in catalog.plan(prefix: prefix, districts: districts) {
      guard let partitions = cluster.partitions[plan.name] else {
        missing.append(plan)
        continue
      }
      compare(plan, partitions: partitions, cluster.settings(plan.name))
    }
  }

  private mutating func compare(
    _ plan: TopicPlan, partitions: Int, _ settings: [String: String]?
  ) {
    func differs(_ property: String, _ declared: String, _ found: String) {
      differences.append(
        Difference(
          topic: plan.name, property: property, declared: declared, found: found,
          isOwn: plan.declaration.direction == .internal))
    }
    if let declared = plan.partitions, declared != partitions {
      differs("partitions", String(declared), String(partitions))
    }
    guard let settings else { return }
    for (name, declared) in plan.configuration.sorted(by: { $0.key < $1.key }) {
      let found = settings[name] ?? "unset"
      if found != declared { differs(name, declared, found) }
    }
    // An event that fits its topic and is rejected must fit into a dead letter.
    if plan.declaration.direction == .inbound, let text = settings["max.message.bytes"],
      let bytes = Int(text), bytes + (64 << 10) > maximumRecordBytes
    {
      differs("max.message.bytes", "64 KiB below kafka.max_record (\(maximumRecordBytes))", text)
    }
  }

  /// For `check`: what keeps the daemon from running rightly is an error.
  var findings: [Finding] {
    missing.map { plan in
      Finding(
        plan.declaration.direction == .internal || plan.declaration.direction == .inbound
          ? .error : .warning, .topics, "missing-topic", "\(plan.name) does not exist",
        hint: "outreachd topics apply")
    }
      + differences.map { difference in
        let decides = difference.property == "cleanup.policy"
        return Finding(
          difference.isOwn && decides ? .error : .warning, .topics, "topic-differs",
          "\(difference.topic): \(difference.property) is \(difference.found), declared as "
            + difference.declared)
      }
  }
}
