import Vocabulary

/// An expression in a file, kept with its place until it is compiled.
struct ExpressionDraft {
  let text: String
  let yaml: PositionedYAML
}

/// A derived fact before compilation.
struct DerivedDraft {
  let object: ObjectKind
  let name: String
  let type: FactType
  let expression: ExpressionDraft
}

/// What `facts.yaml` says.
struct FactDrafts {
  var labels = LabelTable(labels: [])
  var facts: [FactDefinition] = []
  var derived: [DerivedDraft] = []
  var eventLabels: [String: (labels: LabelSet, key: PositionedYAML)] = [:]
  /// Places of the names, for later checks.
  var keys: [String: PositionedYAML] = [:]
}

/// Reads `facts.yaml`:
///
///     labels: {health: {title: 健康状况, cite: 个人信息保护法28}}
///     events: {notice.drug-treatment: [drug]}
///     person:
///       dead: {type: bool, default: false, title: 已死亡}
///       payments: {type: events, events: [notice.payment], keep: 13mo, title: 发放记录}
///       age: {type: int, builtin: true, time: true, title: 周岁}
///       away: {type: bool, derive: "...", releases: [justice], title: 不在家}
struct FactReader {
  private var drafts = FactDrafts()
  private var slots: [ObjectKind: Int] = [:]
  private var identifiers: [FactID: String] = [:]

  static let maximumFacts = 1000
  static let maximumKeep = Term(10, .years)

  static func read(_ root: PositionedYAML) -> FactDrafts {
    var reader = FactReader()
    reader.readFile(root)
    return reader.drafts
  }

  private mutating func readFile(_ root: PositionedYAML) {
    guard let file = root.mapping else { return }
    readLabels(file.optional("labels"))
    readEventLabels(file.optional("events"))
    for object in ObjectKind.allCases where object != .parameters {
      guard let section = file.optional(object.name)?.mapping else { continue }
      for (key, value) in section.entries { readFact(object, key, value) }
    }
    file.finish()
  }

  private mutating func readLabels(_ yaml: PositionedYAML?) {
    guard let mapping = yaml?.mapping else { return }
    var labels: [SensitivityLabel] = []
    for (key, value) in mapping.entries {
      guard let name = key.string, let entry = value.mapping else { continue }
      labels.append(
        SensitivityLabel(
          name: name, title: entry.string("title") ?? "", cite: entry.optionalString("cite") ?? "")
      )
      entry.finish()
    }
    if labels.count > LabelTable.maximum {
      mapping.owner.report("too-many-labels", "more than \(LabelTable.maximum) labels")
    }
    drafts.labels = LabelTable(labels: labels)
  }

  private mutating func readEventLabels(_ yaml: PositionedYAML?) {
    guard let mapping = yaml?.mapping else { return }
    for (key, value) in mapping.entries {
      guard let name = key.string else { continue }
      drafts.eventLabels[name] = (readLabelSet(value), key)
    }
  }

  private func readLabelSet(_ yaml: PositionedYAML?) -> LabelSet {
    guard let elements = yaml?.sequence else { return [] }
    var set: LabelSet = []
    for element in elements {
      guard
        let name = element.word(drafts.labels.labels.map(\.name), what: "a declared label"),
        let label = drafts.labels.label(name)
      else { continue }
      set.formUnion(label)
    }
    return set
  }

  private mutating func readFact(
    _ object: ObjectKind, _ key: PositionedYAML, _ value: PositionedYAML
  ) {
    guard let name = key.string, let entry = value.mapping else { return }
    guard FactReader.isName(name) else {
      key.report(
        "bad-name", "'\(name)' is not a name",
        hint: "lower-case letters, digits and underscores, a letter first")
      return
    }
    let slot = slots[object, default: 0]
    guard slot < FactReader.maximumFacts else {
      key.report("too-many-facts", "more than \(FactReader.maximumFacts) facts")
      return
    }
    let qualified = object.name + "." + name
    let id = FactID(qualified)
    if let other = identifiers[id], other != qualified {
      key.report("fact-hash", "'\(qualified)' and '\(other)' have the same hash; rename one")
    }
    identifiers[id] = qualified
    let type = entry.required("type")?.word(FactType.self, what: "a type of facts")
    let origin = type.flatMap { readOrigin(object, name, $0, entry) }
    let releases = readLabelSet(entry.optional("releases"))
    let definition = FactDefinition(
      object: object, name: name, id: id, slot: UInt16(slot), type: type ?? .text,
      origin: origin ?? .builtin,
      labels: readLabelSet(entry.optional("labels")).union(told(origin).subtracting(releases)),
      releases: releases,
      dependsOnTime: entry.boolean("time", default: false),
      maximumCount: entry.optionalInteger("max", in: 1...10_000) ?? 16,
      title: entry.nonEmptyString("title") ?? name, unit: entry.optionalString("unit") ?? "",
      cite: entry.optionalString("cite") ?? "")
    entry.finish()
    guard type != nil, origin != nil else { return }
    slots[object] = slot + 1
    drafts.facts.append(definition)
    drafts.keys[qualified] = key
  }

  /// What a series tells by having an element: that such an event happened.
  private func told(_ origin: FactOrigin?) -> LabelSet {
    guard case .series(let events, _, _)? = origin else { return [] }
    return events.reduce(into: LabelSet()) {
      $0.formUnion(drafts.eventLabels[$1]?.labels ?? [])
    }
  }

  private mutating func readOrigin(
    _ object: ObjectKind, _ name: String, _ type: FactType, _ entry: YAMLMapping
  ) -> FactOrigin? {
    let builtin = entry.optional("builtin")
    let derive = entry.optional("derive")
    if let builtin {
      guard builtin.boolean == true else { return nil }
      rejectTogether(entry, "builtin", ["derive", "default", "events"])
      return .builtin
    }
    if let derive {
      rejectTogether(entry, "derive", ["default", "events"])
      guard let text = derive.string else { return nil }
      drafts.derived.append(
        DerivedDraft(
          object: object, name: name, type: type,
          expression: ExpressionDraft(text: text, yaml: derive)))
      return .derived(drafts.derived.count - 1)
    }
    if type == .events {
      guard let events = entry.required("events")?.strings,
        let keep = readTerm(entry.required("keep"), atMost: FactReader.maximumKeep)
      else { return nil }
      return .series(events: events, keep: keep, key: entry.optionalString("key"))
    }
    guard type.signatureKind != nil else {
      entry.owner.report(
        "missing-key", "a fact of type \(type.rawValue) is 'builtin: true' or has 'derive'")
      return nil
    }
    return readDefault(type, entry.required("default")).map { .state($0) }
  }

  private func rejectTogether(_ entry: YAMLMapping, _ key: String, _ others: [String]) {
    for other in others {
      entry.optional(other)?.report(
        "contradictory-keys", "'\(other)' and '\(key)' exclude each other")
    }
  }

  private func readDefault(_ type: FactType, _ yaml: PositionedYAML?) -> FactDefault? {
    guard let yaml, let text = yaml.string else { return nil }
    switch (text, type) {
    case ("unknown", _): return .unknown
    case ("none", let type) where type != .text: return FactDefault.none
    case (_, .bool): return yaml.boolean.map { .bool($0) }
    case (_, .int): return yaml.integer(in: -1_000_000_000...1_000_000_000).map { .int($0) }
    case ("none", .text):
      // A word of its own for texts: `default: none` is absence, `default: "none"` the word.
      return yaml.isQuoted ? .text("none") : FactDefault.none
    case (_, .text): return .text(text)
    default:
      yaml.report(
        "wrong-type", "a default of type \(type.rawValue) is 'none' or 'unknown'")
      return nil
    }
  }

  static func isName(_ text: String) -> Bool {
    guard let first = text.utf8.first, first &- 0x61 < 26, text.utf8.count <= 64 else {
      return false
    }
    return text.utf8.allSatisfy { $0 &- 0x61 < 26 || $0 &- 0x30 <= 9 || $0 == 0x5F }
  }
}

/// A term of at most another one's nominal length.
func readTerm(_ yaml: PositionedYAML?, atMost limit: Term = Term(10, .years)) -> Term? {
  guard let yaml, let text = yaml.string else { return nil }
  guard let term = Term(text) else {
    yaml.report(
      "bad-term", "'\(text)' is not a term", hint: "such as 30m 4h 24h 7d 3wd 6mo 1y")
    return nil
  }
  guard term.nominalMinutes <= limit.nominalMinutes else {
    yaml.report("out-of-range", "\(term) is longer than \(limit)")
    return nil
  }
  return term
}

/// A civil date.
func readDate(_ yaml: PositionedYAML?) -> CivilDate? {
  guard let yaml, let text = yaml.string else { return nil }
  guard let date = CivilDate(text) else {
    yaml.report("bad-date", "'\(text)' is not a date", hint: "written as 2023-04-01")
    return nil
  }
  return date
}

extension Term {
  /// Length for comparisons: a month counts 31 days, a working day 2.
  var nominalMinutes: Int {
    switch unit {
    case .minutes: count
    case .hours: count * 60
    case .days: count * 1440
    case .workingDays: count * 2880
    case .months: count * 31 * 1440
    case .years: count * 366 * 1440
    }
  }
}

extension PositionedYAML {
  /// A scalar in quotes.
  var isQuoted: Bool { node.scalar.map { !isPlain($0) } ?? false }
}
