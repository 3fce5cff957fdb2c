/// What event types tell and what facts carry: a mapping must not put what a label protects into a
/// fact without it.
struct SourceLabels {
  let table: LabelTable
  /// What a reader learns from knowing that an event of the type happened.
  let events: [String: LabelSet]
  /// By qualified name: the labels of a fact, and those that its value does not tell.
  let facts: [String: (carried: LabelSet, released: LabelSet)]
  /// What anybody who gets a referral may know.
  let common: LabelSet

  init(_ catalogue: FactCatalogue, _ table: LabelTable, common: LabelSet) {
    self.table = table
    self.common = common
    events = catalogue.eventLabels
    var facts: [String: (carried: LabelSet, released: LabelSet)] = [:]
    for object in [ObjectKind.event, .household, .person] {
      for fact in catalogue.facts(of: object) {
        facts[fact.qualifiedName] = (fact.labels, fact.releases)
      }
    }
    self.facts = facts
  }

  /// What is known of one event type while its mappings are read.
  struct OfEvent {
    let labels: SourceLabels
    let name: String
    /// Labels of the fields of its data, by those facts of the event that show them as they are.
    var fields: [String: LabelSet] = [:]

    init(_ labels: SourceLabels, _ name: String, _ facts: [FactMapping]) {
      self.labels = labels
      self.name = name
      for fact in facts {
        guard let path = fact.value.path else { continue }
        fields[path.text, default: []].formUnion(labels.facts[fact.fact]?.carried ?? [])
      }
    }

    /// Reports a fact of a person or household that would tell what its labels do not say.
    func check(_ mapping: FactMapping, _ key: PositionedYAML) {
      guard let fact = labels.facts[mapping.fact] else { return }
      let known = labels.events[name] ?? []
      let unsaid = fact.carried.subtracting(labels.common).subtracting(known)
      if !unsaid.isEmpty {
        key.report(
          "disclosure",
          "an event that states '\(mapping.fact)' tells of '\(names(unsaid))' by happening",
          hint: "list it in facts.yaml: events: {\(name): [\(names(unsaid))]}")
      }
      var told = known
      if let path = mapping.value.path { told.formUnion(fields[path.text] ?? []) }
      let excess = told.subtracting(fact.carried).subtracting(fact.released)
      guard !excess.isEmpty else { return }
      key.report(
        "disclosure", "'\(mapping.fact)' would tell of '\(names(excess))', which it does not carry",
        hint: "add it to 'labels' of the fact, or to 'releases' where the value does not tell it")
    }

    private func names(_ set: LabelSet) -> String {
      labels.table.names(set).joined(separator: ", ")
    }
  }
}

extension FactMapping.Value {
  /// The field that the value is taken from.
  var path: FieldPath? {
    switch self {
    case .field(let path, _), .mapped(let path, _, _), .others(let path): path
    case .constant: nil
    }
  }
}
