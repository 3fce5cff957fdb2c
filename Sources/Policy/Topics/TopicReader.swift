extension TopicCatalog {
  /// Reads all files of the folder; every problem goes to the collector with its place.
  ///
  ///     topics:
  ///       window.transactions:
  ///         title: 窗口业务
  ///         direction: in
  ///         partitions: as-found
  ///         cleanup: delete
  ///         retention: 30d
  ///         key: any
  ///         schema: schemas/window.transactions.json
  ///         read: [outreachd]
  ///         write: [window-gateway]
  ///
  /// `schemas`: the files that exist in the folder, relative to it; nil where that is not checked.
  public static func load(
    _ files: [YAMLSource], schemas: Set<String>? = nil, into collector: DiagnosticCollector
  ) -> TopicCatalog {
    var topics: [TopicDeclaration] = []
    for file in files.sorted(by: { $0.file < $1.file }) {
      guard let mapping = PositionedYAML.parse(file, into: collector)?.mapping else { continue }
      for (key, value) in mapping.required("topics")?.mapping?.entries ?? [] {
        guard let name = key.string else { continue }
        guard isTopicName(name) else {
          key.report(
            "bad-topic-name", "'\(name)' is not a topic name",
            hint: "letters, digits, '.', '-', '_' and {district}, without the prefix")
          continue
        }
        guard !topics.contains(where: { $0.name == name }) else {
          key.report("duplicate-topic", "topic '\(name)' is declared twice")
          continue
        }
        guard let topic = TopicReader.topic(named: name, value) else { continue }
        if let schemas, let schema = topic.schema, !schemas.contains(schema) {
          value.mapping?.optional("schema")?.report(
            "missing-file", "there is no file '\(schema)' beside this one")
        }
        topics.append(topic)
      }
      mapping.finish()
    }
    return TopicCatalog(topics: topics)
  }

  /// Kafka's rule for names, with room for the prefix and the mark of a district.
  static func isTopicName(_ name: String) -> Bool {
    let plain = name.replacing(districtMark, with: unknownDistrict)
    return (1...200).contains(plain.utf8.count)
      && plain.utf8.allSatisfy {
        ($0 | 0x20) &- 0x61 < 26 || $0 &- 0x30 <= 9 || $0 == 0x2E || $0 == 0x2D || $0 == 0x5F
      }
  }
}

/// Reads one topic.
private enum TopicReader {
  static func topic(named name: String, _ yaml: PositionedYAML) -> TopicDeclaration? {
    guard let mapping = yaml.mapping else { return nil }
    let direction = mapping.required("direction")?
      .word(TopicDeclaration.Direction.self, what: "a direction")
    let cleanup = mapping.required("cleanup")?
      .word(TopicDeclaration.Cleanup.self, what: "a cleanup policy")
    let partitions = partitions(mapping.required("partitions"))
    let retention = mapping.optional("retention")
    if cleanup == .delete, retention == nil {
      yaml.report("missing-key", "'retention' is missing", hint: "a time such as 30d, or forever")
    }
    if cleanup == .compact {
      retention?.report("not-used", "a compacted topic keeps the last record of each key")
    }
    let topic = TopicDeclaration(
      name: name, title: mapping.optionalString("title") ?? "", direction: direction ?? .internal,
      partitions: partitions, replication: mapping.optionalInteger("replication", in: 1...16),
      cleanup: cleanup ?? .delete, retention: retention.flatMap { milliseconds($0) },
      maximumMessageBytes: mapping.optional("max_message").flatMap { bytes($0) },
      key: mapping.string("key") ?? "", schema: mapping.optionalString("schema"),
      readers: mapping.strings("read"), writers: mapping.strings("write"),
      properties: properties(mapping.optional("properties")))
    mapping.finish()
    return direction == nil || cleanup == nil ? nil : topic
  }

  /// A number, or `as-found`.
  private static func partitions(_ yaml: PositionedYAML?) -> Int? {
    guard let yaml, yaml.string != "as-found" else { return nil }
    return yaml.integer(in: 1...1024)
  }

  /// Properties that have a key of their own are refused.
  private static func properties(_ yaml: PositionedYAML?) -> [String: String] {
    var result: [String: String] = [:]
    for (key, value) in yaml?.mapping?.entries ?? [] {
      guard let name = key.string, let text = value.string else { continue }
      guard !["cleanup.policy", "retention.ms", "max.message.bytes"].contains(name) else {
        key.report("not-used", "'\(name)' has a key of its own")
        continue
      }
      result[name] = text
    }
    return result
  }

  /// `90s 30m 12h 400d`, or `forever`, which is nil.
  private static func milliseconds(_ yaml: PositionedYAML) -> Int64? {
    guard let text = yaml.string, text != "forever" else { return nil }
    let units: [(String, Int64)] = [
      ("s", 1000), ("m", 60_000), ("h", 3_600_000), ("d", 86_400_000),
    ]
    return number(text, units, 100_000, yaml, "a time such as 12h, 30d or forever")
  }

  /// `512KiB 8MiB`, or a number of bytes.
  private static func bytes(_ yaml: PositionedYAML) -> Int? {
    guard let text = yaml.string else { return nil }
    let units: [(String, Int64)] = [("KiB", 1 << 10), ("MiB", 1 << 20), ("B", 1)]
    return number(text, units, 1 << 30, yaml, "a size such as 512KiB or 8MiB").map { Int($0) }
  }

  private static func number(
    _ text: String, _ units: [(String, Int64)], _ limit: Int64, _ yaml: PositionedYAML,
    _ what: String
  ) -> Int64? {
    for (suffix, factor) in units where text.hasSuffix(suffix) {
      if let count = Int64(text.dropLast(suffix.count)), (1...limit).contains(count) {
        return count * factor
      }
      break
    }
    yaml.report("wrong-type", "'\(text)' is not \(what)")
    return nil
  }
}
