import Foundation
import Policy
import Testing

/// The declared topics and their schemas in `topics/`.
@Suite struct SchemaTests {
  static let folder = repository.appendingPathComponent("topics")

  private let isRecording = ProcessInfo.processInfo.environment["OUTREACH_RECORD"] != nil

  private func topics() throws -> TopicCatalog {
    let names = try FileManager.default.contentsOfDirectory(atPath: Self.folder.path)
    let files = try names.filter { $0.hasSuffix(".yaml") }.map { name in
      YAMLSource(
        file: "topics/" + name,
        text: try String(
          contentsOf: Self.folder.appendingPathComponent(name), encoding: .utf8))
    }
    let schemas = try FileManager.default.contentsOfDirectory(
      atPath: Self.folder.appendingPathComponent("schemas").path)
    let collector = DiagnosticCollector()
    let catalog = TopicCatalog.load(
      files, schemas: isRecording ? nil : Set(schemas.map { "schemas/" + $0 }), into: collector)
    try #require(collector.diagnostics.isEmpty, "\(collector.sorted.map(\.rendered))")
    return catalog
  }

  @Test func anOutputTopicIsFoundByItsName() throws {
    let catalog = try topics()
    let plan = try #require(catalog.output("p.referrals.advisor.320500", prefix: "p"))
    #expect(plan.declaration.name == "referrals.advisor.{district}")
    #expect(catalog.output("p.alerts.000000", prefix: "p")?.name == "p.alerts.000000")
    #expect(catalog.output("p.deadletters", prefix: "p")?.name == "p.deadletters")
    // No district, none of ours, no output.
    for name in ["p.alerts.31010", "p.alerts.x", "q.deadletters", "p.internal.events", "p.a"] {
      #expect(catalog.output(name, prefix: "p") == nil)
    }
  }

  @Test func everyTopicOfTheContractIsDeclared() throws {
    let catalog = try topics()
    #expect(
      Set(catalog.topics.map(\.name)) == [
        "window.transactions", "department.notices", "household.registry",
        "assistance.decisions", "field.reports", "referral.feedback", "directory.advisors",
        "directory.resources", "policy", "referrals.advisor.{district}",
        "referrals.resource.{district}", "alerts.{district}", "alerts.restricted", "decisions",
        "deadletters", "internal.events", "internal.persons", "internal.households",
        "internal.changelog.events", "internal.changelog.persons",
        "internal.changelog.households",
      ])
    let letters = try #require(catalog.topic("deadletters"))
    #expect(letters.maximumMessageBytes ?? 0 >= 8 << 20)
    #expect(letters.cleanup == .delete)
    #expect(catalog.topic("directory.advisors")?.configuration["cleanup.policy"] == "compact")
    #expect(catalog.topic("decisions")?.configuration["retention.ms"] == "94608000000")
    #expect(
      Set(catalog.eventTopics) == Set(try defaultCatalog().events.compactMap(\.topic)))
    // Whoever reads a district's topic reads no other's.
    for topic in catalog.topics where topic.direction == .outbound {
      #expect(topic.writers == ["outreachd"])
      #expect(!topic.readers.isEmpty)
    }
  }

  @Test func familiesBecomeOneTopicForEachDistrict() throws {
    let plan = try topics().plan(
      prefix: "assist", districts: ["310101", "310104"], internalPartitions: 3)
    let names = plan.map(\.name)
    #expect(names.count == Set(names).count)
    for code in ["310101", "310104", "000000"] {
      #expect(names.contains("assist.referrals.advisor.\(code)"))
      #expect(names.contains("assist.alerts.\(code)"))
    }
    #expect(names.filter { $0.hasPrefix("assist.alerts.") }.count == 4)
    let own = plan.filter { $0.declaration.direction == .internal }
    #expect(own.count == 6)
    #expect(own.allSatisfy { $0.partitions == 3 })
    #expect(plan.first { $0.name == "assist.window.transactions" }?.partitions == nil)
  }

  /// The schemas of in-topics are made from the sources. `OUTREACH_RECORD=1 swift test --filter
  /// SchemaTests` writes them anew.
  @Test func schemasFollowTheSources() throws {
    let sources = try defaultCatalog()
    for topic in try topics().topics where topic.direction == .inbound && topic.cleanup == .delete {
      let name = try #require(topic.schema)
      let file = Self.folder.appendingPathComponent(name)
      let text = EventSchema.text(topic: topic.name, of: sources)
      if isRecording { try text.write(to: file, atomically: true, encoding: .utf8) }
      #expect(try String(contentsOf: file, encoding: .utf8) == text, "\(name) is out of date")
    }
  }

  @Test func everySchemaIsJSONWithADialect() throws {
    for topic in try topics().topics {
      guard let name = topic.schema else {
        #expect(topic.name == "deadletters" || topic.direction == .internal)
        continue
      }
      let data = try Data(contentsOf: Self.folder.appendingPathComponent(name))
      let schema = try #require(
        try JSONSerialization.jsonObject(with: data) as? [String: Any], "\(name)")
      #expect(schema["$schema"] as? String == "https://json-schema.org/draft/2020-12/schema")
      #expect((schema["$id"] as? String)?.hasPrefix("urn:outreachd:topic:") == true)
      let required = schema["required"] as? [String] ?? []
      let properties = schema["properties"] as? [String: Any] ?? [:]
      #expect(!required.isEmpty)
      for field in required { #expect(properties[field] != nil, "\(name): \(field)") }
    }
  }

  @Test(arguments: [
    ("direction: in", "direction: inn", "unknown-word"),
    ("partitions: 1", "partitions: 0", "out-of-range"),
    ("retention: 30d", "retention: 30", "wrong-type"),
    ("retention: 30d", "retain: 30d", "unknown-key"),
    ("cleanup: delete", "cleanup: compact", "not-used"),
    ("schema: s.json", "schema: t.json", "missing-file"),
    ("x.y:", "x y:", "bad-topic-name"),
    ("max_message: 8MiB", "max_message: 8GB", "wrong-type"),
    ("properties: {a: b}", "properties: {retention.ms: 1}", "not-used"),
  ])
  func problemsHaveCodes(_ replaced: String, _ by: String, code: String) {
    let good = """
      topics:
        x.y:
          direction: in
          partitions: 1
          cleanup: delete
          retention: 30d
          max_message: 8MiB
          key: any
          schema: s.json
          read: [a]
          write: [b]
          properties: {a: b}
      """
    func codes(_ text: String) -> [String] {
      let collector = DiagnosticCollector()
      _ = TopicCatalog.load(
        [YAMLSource(file: "topics/x.yaml", text: text)], schemas: ["s.json"], into: collector)
      return collector.diagnostics.map(\.code)
    }
    #expect(codes(good) == [])
    #expect(codes(good.replacing(replaced, with: by)).contains(code))
  }
}
