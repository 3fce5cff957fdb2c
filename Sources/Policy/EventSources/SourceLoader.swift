import Vocabulary

/// Reads `sources/*.yaml`. Every problem goes to the collector with its place; an event type with
/// a problem is left out.
///
///     events:
///       notice.custody:
///         title: 拘留、服刑、社区矫正、释放
///         topic: department.notices
///         data:
///           person: citizen
///           state: {type: word, words: [detained, imprisoned, released]}
///           date: {type: date, future: {state: [released]}}
///           expectedRelease?: {type: date, future: true}
///         effective: date
///         facts: {state: state}
///         about:
///           - person: person
///             facts:
///               custody: {from: state, map: {released: {value: nothing}}}
///
/// Several names before the colon share one declaration.
public struct SourceLoader {
  /// Event types of one pack, and facts that one type may state in all.
  static let maximumEvents = 1000
  static let maximumFacts = 100
  /// The topics that events come on, without the configured prefix.
  static let topics = [
    "window.transactions", "department.notices", "household.registry", "assistance.decisions",
    "field.reports", "referral.feedback", "any",
  ]

  let facts: [String: FactSignature.Kind]?
  let labels: SourceLabels?

  /// `facts`: the facts that `facts.yaml` declares for events to state, by qualified name such as
  /// `person.custody`; nil where names and kinds are not to be checked.
  public init(facts: [String: FactSignature.Kind]?) {
    self.facts = facts
    labels = nil
  }

  /// For the facts of a pack, with what they must not tell. `common`: what anybody who gets a
  /// referral may know.
  init(_ catalogue: FactCatalogue, labels: LabelTable, common: LabelSet) {
    facts = catalogue.signatures
    self.labels = SourceLabels(catalogue, labels, common: common)
  }

  /// Reads all files of the folder.
  public func load(_ files: [YAMLSource], into collector: DiagnosticCollector) -> SourceCatalog {
    var events: [EventSource] = []
    for file in files.sorted(by: { $0.file < $1.file }) {
      guard let mapping = PositionedYAML.parse(file, into: collector)?.mapping else { continue }
      let list = mapping.required("events")?.mapping
      for (key, value) in list?.entries ?? [] {
        guard let names = key.string?.split(separator: " ").map(String.init) else { continue }
        for name in names where isNew(name, key, events) {
          if let event = event(named: name, value) { events.append(event) }
        }
      }
      mapping.finish()
    }
    return SourceCatalog(events: events)
  }

  private func isNew(_ name: String, _ key: PositionedYAML, _ events: [EventSource]) -> Bool {
    if events.count >= SourceLoader.maximumEvents {
      key.report("too-many-events", "more than \(SourceLoader.maximumEvents) event types")
    } else if events.contains(where: { $0.name == name }) {
      key.report("duplicate-event", "event type '\(name)' is declared twice")
    } else if !SourceLoader.isEventName(name) {
      key.report(
        "bad-event-name", "'\(name)' is not the name of an event type",
        hint: "lower-case words joined by dots and hyphens, without the type prefix")
    } else {
      return true
    }
    return false
  }

  static func isEventName(_ name: String) -> Bool {
    guard (1...128).contains(name.utf8.count), let first = name.utf8.first, first &- 0x61 < 26
    else { return false }
    return name.utf8.allSatisfy { $0 &- 0x61 < 26 || $0 &- 0x30 <= 9 || $0 == 0x2D || $0 == 0x2E }
  }

  private func event(named name: String, _ yaml: PositionedYAML) -> EventSource? {
    guard let mapping = yaml.mapping else { return nil }
    let title = mapping.optionalString("title") ?? ""
    let topic = mapping.required("topic")?.word(
      SourceLoader.topics, what: "an in-topic that the daemon reads")
    guard let data = ShapeReader.object(mapping.required("data")) else { return nil }
    var reader = MappingReader(data: data, facts: facts)
    let stated = reader.facts(mapping.optional("facts"), owner: .event, element: nil)
    reader.labels = labels.map { SourceLabels.OfEvent($0, name, stated) }
    let event = EventSource(
      name: name, title: title, topic: topic == "any" ? nil : topic, data: data,
      effective: reader.effective(mapping.required("effective")),
      facts: stated,
      targets: mapping.sequence("about").compactMap { reader.target($0) },
      members: mapping.optional("members").flatMap { reader.members($0) },
      retracts: mapping.optional("retracts").flatMap { reader.text($0) })
    mapping.finish()
    let count = event.facts.count + event.targets.reduce(0) { $0 + $1.facts.count }
    if count > SourceLoader.maximumFacts {
      yaml.report("too-many-facts", "states more than \(SourceLoader.maximumFacts) facts")
    }
    if event.targets.isEmpty, event.retracts == nil {
      yaml.report("missing-key", "'about' or 'retracts' is missing: the event is about nobody")
    }
    return event
  }
}
