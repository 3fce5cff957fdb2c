import Policy
import Vocabulary

/// Builds the CloudEvents of a test: values take the JSON type that the source declares.
struct EventBuilder {
  let sources: SourceCatalog
  let people: [String: String]
  private var count = 0
  /// The referral that the event under way names.
  private var referral: ReferralReference?

  init(sources: SourceCatalog, people: [String: String]) {
    self.sources = sources
    self.people = people
  }

  mutating func event(_ yaml: PositionedYAML) -> TestEvent? {
    guard let entry = yaml.mapping else { return nil }
    count += 1
    referral = nil
    guard let type = entry.required("type")?.word(sources.names, what: "an event type"),
      let source = sources.event(type), let time = entry.required("time").flatMap({ readTime($0) })
    else { return nil }
    let id = entry.optionalString("id") ?? "e\(count)"
    var fields = [
      ("specversion", "\"1.0\""), ("id", quoted(id)),
      ("source", quoted(entry.optionalString("source") ?? "urn:test")),
      ("type", quoted(SourceCatalog.typePrefix + type)), ("time", quoted(time.description)),
    ]
    let recorded = entry.optional("recordedtime").flatMap({ readTime($0) })
    if let recorded {
      fields.append(("recordedtime", quoted(recorded.description)))
    }
    if let supersedes = entry.optionalString("supersedes") {
      fields.append(("supersedes", quoted(supersedes)))
    }
    let topic = entry.optionalString("topic") ?? source.topic ?? "department.notices"
    var data: [(String, String)] = []
    if let mapping = entry.required("data")?.mapping {
      data = object(mapping.entries, source.data)
    }
    entry.finish()
    fill(&data, source.data, type: type, day: time.date, id: id)
    fields.append(("data", json(data)))
    return TestEvent(
      type: type, topic: topic, json: Array(json(fields).utf8), clock: recorded ?? time,
      referral: referral, line: yaml.line)
  }

  /// What a test need not write.
  private func fill(
    _ data: inout [(String, String)], _ shape: ObjectShape, type: String, day: CivilDate,
    id: String
  ) {
    func add(_ name: String, _ value: String) {
      guard shape.index(of: name) != nil, !data.contains(where: { $0.0 == name }) else { return }
      data.append((name, value))
    }
    add("date", quoted(day.description))
    add("asOf", quoted(day.description))
    add("transactionId", quoted(id))
    add("centre", quoted("310105001"))
    add("by", quoted("C-1"))
    if type == "household.composition" {
      add("subdistrict", quoted("310105001"))
      if !data.contains(where: { $0.0 == "subdistrict" && $0.1 != quoted("310105001") }) {
        add("committee", quoted("310105001001"))
      }
    }
  }

  private mutating func object(
    _ entries: [(key: PositionedYAML, value: PositionedYAML)], _ shape: ObjectShape
  ) -> [(String, String)] {
    var fields: [(String, String)] = []
    var alias: String?
    for (key, value) in entries {
      guard let name = key.string else { continue }
      let field = shape.index(of: name).map { shape.fields[$0] }
      if field == nil {
        let hint = Suggestion.nearest(to: name, among: shape.fields.map(\.name))
          .map { "did you mean '\($0)'?" }
        key.report("unknown-key", "the event has no field '\(name)'", hint: hint)
      }
      if name == "id", value.isScalar { alias = value.string }
      fields.append((name, text(value, field?.shape)))
    }
    // A member of a household is called as the test calls it.
    if let alias, people[alias] != nil, shape.index(of: "relation") != nil,
      !fields.contains(where: { $0.0 == "name" })
    {
      fields.append(("name", quoted(alias)))
    }
    return fields
  }

  /// The JSON of a value.
  private mutating func text(_ yaml: PositionedYAML, _ shape: DataShape?) -> String {
    if yaml.isMapping {
      if case .text = shape { return reference(yaml) }
      guard let mapping = yaml.mapping else { return "null" }
      if case .object(let inner) = shape { return json(object(mapping.entries, inner)) }
      var fields: [(String, String)] = []
      for (key, value) in mapping.entries {
        if let name = key.string { fields.append((name, text(value, nil))) }
      }
      return json(fields)
    }
    if yaml.isSequence {
      var element: DataShape?
      if case .list(let list) = shape { element = list.element }
      var texts: [String] = []
      for value in yaml.sequence ?? [] { texts.append(text(value, element)) }
      return "[" + texts.joined(separator: ",") + "]"
    }
    guard let value = yaml.isNull ? nil : yaml.string else { return "null" }
    switch shape {
    case .bool where value == "true" || value == "false": return value
    case .int where Int(value) != nil: return value
    case .citizen: return quoted(people[value] ?? value)
    default: return quoted(value)
    }
  }

  /// A referral named by what it says.
  private mutating func reference(_ yaml: PositionedYAML) -> String {
    guard let entry = yaml.mapping else { return "null" }
    let receivers = ReferralReceiver.allCases.map(\.rawValue)
    let rule = entry.string("rule") ?? ""
    let to = entry.optional("to")?.word(receivers, what: "a receiver") ?? "advisor"
    let subject = entry.optional("for")
    if let subject, let name = subject.string { checkPerson(name, at: subject) }
    referral = ReferralReference(
      rule: rule, to: to, subject: subject?.string, line: yaml.line)
    entry.finish()
    return quoted(ReferralReference.placeholder)
  }

  /// Reports a name that is no person of the test.
  func checkPerson(_ name: String, at yaml: PositionedYAML) {
    guard name != "household", people[name] == nil else { return }
    let hint = Suggestion.nearest(to: name, among: people.keys).map { "did you mean '\($0)'?" }
    yaml.report("unknown-person", "the test has no person '\(name)'", hint: hint)
  }

  private func json(_ fields: [(String, String)]) -> String {
    "{" + fields.map { quoted($0.0) + ":" + $0.1 }.joined(separator: ",") + "}"
  }

  private func quoted(_ text: String) -> String {
    var out = "\""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\"": out += "\\\""
      case "\\": out += "\\\\"
      case _ where scalar.value < 0x20:
        let hex = String(scalar.value, radix: 16)
        out += "\\u" + String(repeating: "0", count: 4 - hex.count) + hex
      default: out.unicodeScalars.append(scalar)
      }
    }
    return out + "\""
  }
}
