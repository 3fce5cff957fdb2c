/// Reads the mappings of one event type and checks their paths against its data.
struct MappingReader {
  let data: ObjectShape
  let facts: [String: FactSignature.Kind]?
  /// Nil while the event's own facts are read, and where labels are not to be checked.
  var labels: SourceLabels.OfEvent?

  // MARK: Paths

  /// Splits `a.b`, `.a`, `.`; nil and a report where it is none of these.
  func path(_ yaml: PositionedYAML) -> FieldPath? {
    guard let text = yaml.string else { return nil }
    let isRelative = text.hasPrefix(".")
    let names = text.drop { $0 == "." }.split(separator: ".", omittingEmptySubsequences: false)
      .map(String.init)
    let isElement = text == "."
    guard isElement || (!text.hasPrefix("..") && names.allSatisfy(ShapeReader.isFieldName)) else {
      yaml.report("bad-path", "'\(text)' is not a path", hint: "such as person, .id or a.b")
      return nil
    }
    return FieldPath(isRelative: isRelative, names: isElement ? [] : names)
  }

  /// A path and where it leads; reports `unknown-field`.
  func resolved(
    _ yaml: PositionedYAML, element: DataShape? = nil
  ) -> (path: FieldPath, end: ResolvedPath)? {
    guard let path = path(yaml) else { return nil }
    guard let end = EventSource.resolve(path, data: data, element: element) else {
      let known = data.fields.map(\.name)
      let hint =
        path.isRelative && element == nil
        ? "a path that begins with a dot needs 'each'"
        : path.names.first.flatMap { Suggestion.nearest(to: $0, among: known) }
          .map { "did you mean '\($0)'?" }
      yaml.report("unknown-field", "there is no field '\(path.text)'", hint: hint)
      return nil
    }
    return (path, end)
  }

  /// The path of a single text.
  func text(_ yaml: PositionedYAML, element: DataShape? = nil) -> FieldPath? {
    path(yaml, of: [.text], "a text", element: element)
  }

  private func path(
    _ yaml: PositionedYAML?, of kinds: [FactSignature.Kind], _ what: String, element: DataShape?
  ) -> FieldPath? {
    guard let yaml, let (path, end) = resolved(yaml, element: element) else { return nil }
    guard let kind = end.factKind, kinds.contains(kind) else {
      yaml.report("wrong-type", "field '\(path.text)' is not \(what)")
      return nil
    }
    return path
  }

  // MARK: Time

  func effective(_ yaml: PositionedYAML?) -> EffectiveTime {
    guard let yaml, yaml.string != "time" else { return .time }
    guard let path = path(yaml, of: [.date, .instant], "a date, month or timestamp", element: nil)
    else { return .time }
    return .field(path)
  }

  // MARK: Targets

  func target(_ yaml: PositionedYAML) -> TargetMapping? {
    guard let mapping = yaml.mapping else { return nil }
    var each: FieldPath?
    var element: DataShape?
    if let list = mapping.optional("each") {
      guard let path = path(list) else { return nil }
      guard let shape = EventSource.element(of: path, in: data) else {
        list.report("wrong-type", "'\(path.text)' is not a list")
        return nil
      }
      each = path
      element = shape
    }
    var choices = choices(mapping, element: element)
    if let first = mapping.optional("first")?.sequence {
      for option in first {
        guard let choice = option.mapping else { continue }
        choices += self.choices(choice, element: element)
        choice.finish()
      }
    }
    if choices.isEmpty {
      yaml.report("missing-key", "a target needs person, household, referral, address or first")
    }
    let target = TargetMapping(
      each: each, choices: choices,
      conditions: conditions(mapping.optional("when"), element: element),
      facts: facts(about: choices, mapping.optional("facts"), element: element))
    mapping.finish()
    return target
  }

  private func facts(
    about choices: [TargetMapping.Choice], _ yaml: PositionedYAML?, element: DataShape?
  ) -> [FactMapping] {
    guard let yaml else { return [] }
    let owners = Set(choices.map { $0.kind == .person ? FactSignature.Owner.person : .household })
    guard owners.count == 1, let owner = owners.first,
      !choices.contains(where: { $0.kind == .referral })
    else {
      yaml.report(
        "wrong-owner", "facts need a target that is always a person or always a household",
        hint: "state them in 'facts' of the event")
      return []
    }
    return facts(yaml, owner: owner, element: element)
  }

  private func choices(_ mapping: YAMLMapping, element: DataShape?) -> [TargetMapping.Choice] {
    TargetMapping.Kind.allCases.compactMap { kind in
      let wanted: [FactSignature.Kind] = kind == .person ? [.person, .persons] : [.text]
      let what = kind == .person ? "a citizen ID" : "a text"
      guard let yaml = mapping.optional(kind.rawValue),
        let path = path(yaml, of: wanted, what, element: element)
      else { return nil }
      return TargetMapping.Choice(kind: kind, field: path)
    }
  }

  func members(_ yaml: PositionedYAML) -> MemberMapping? {
    guard let mapping = yaml.mapping, let list = mapping.required("each"),
      let each = path(list)
    else { return nil }
    guard let element = EventSource.element(of: each, in: data) else {
      list.report("wrong-type", "'\(each.text)' is not a list")
      return nil
    }
    let id = path(mapping.required("id"), of: [.person], "a citizen ID", element: element)
    let relation = path(mapping.required("relation"), of: [.text], "a text", element: element)
    func optional(_ name: String, _ kind: FactSignature.Kind, _ what: String) -> FieldPath? {
      path(mapping.optional(name), of: [kind], what, element: element)
    }
    let name = optional("name", .text, "a text")
    let guardians = optional("guardians", .persons, "a list of citizen IDs")
    let hukou = optional("hukou", .text, "a text")
    let selfCare = optional("self_care", .text, "a text")
    mapping.finish()
    guard let id, let relation else { return nil }
    return MemberMapping(
      each: each, id: id, relation: relation, name: name, guardians: guardians, hukou: hukou,
      selfCare: selfCare)
  }

  // MARK: Conditions

  func conditions(_ yaml: PositionedYAML?, element: DataShape?) -> [FieldCondition] {
    guard let mapping = yaml?.mapping else { return [] }
    return mapping.entries.compactMap { key, value in
      guard let (path, end) = resolved(key, element: element) else { return nil }
      return test(value, end).map { FieldCondition(field: path, test: $0) }
    }
  }

  private func test(_ yaml: PositionedYAML, _ end: ResolvedPath) -> FieldCondition.Test? {
    if case .word(let words) = end.shape, !end.crossesList, yaml.isSequence {
      guard let list = yaml.strings, !list.isEmpty else { return nil }
      for word in list where !words.contains(word) {
        yaml.report(
          "unknown-word", "'\(word)' is not a word of this field",
          hint: "one of: " + words.joined(separator: " "))
      }
      return .oneOf(list)
    }
    switch (yaml.string, end.shape) {
    case ("present", _): return .present
    case ("absent", _): return .absent
    case ("true", .bool): return .isTrue
    case ("false", .bool): return .isFalse
    default:
      yaml.report(
        "bad-condition", "expected present, absent, a list of words, or true or false for a bool")
      return nil
    }
  }
}

// MARK: Facts

extension MappingReader {
  func facts(
    _ yaml: PositionedYAML?, owner: FactSignature.Owner, element: DataShape?
  ) -> [FactMapping] {
    guard let mapping = yaml?.mapping else { return [] }
    var result: [FactMapping] = []
    for (key, value) in mapping.entries {
      guard let short = key.string else { continue }
      let name = owner.rawValue + "." + short
      let kind = facts?[name]
      if let facts, kind == nil {
        let nearest = Suggestion.nearest(to: name, among: facts.keys)
        key.report(
          "unknown-fact", "fact '\(name)' is not declared in facts.yaml as one that events state",
          hint: nearest.map { "did you mean '\($0)'?" })
        continue
      }
      // Of several, the first that states something counts.
      for alternative in value.isSequence ? value.sequence ?? [] : [value] {
        guard let fact = fact(name, alternative, kind, element) else { continue }
        labels?.check(fact, key)
        result.append(fact)
      }
    }
    return result
  }

  private func fact(
    _ name: String, _ yaml: PositionedYAML, _ kind: FactSignature.Kind?, _ element: DataShape?
  ) -> FactMapping? {
    if yaml.isScalar {
      guard let (path, end) = resolved(yaml, element: element),
        check(end.factKind, kind, yaml, path)
      else { return nil }
      return FactMapping(fact: name, value: .field(path, absent: nil), conditions: [])
    }
    guard let mapping = yaml.mapping else { return nil }
    let conditions = conditions(mapping.optional("when"), element: element)
    let value = value(mapping, kind, element)
    mapping.finish()
    return value.map { FactMapping(fact: name, value: $0, conditions: conditions) }
  }

  private func value(
    _ mapping: YAMLMapping, _ kind: FactSignature.Kind?, _ element: DataShape?
  ) -> FactMapping.Value? {
    if let constant = mapping.optional("value") {
      return self.constant(constant, kind).map { .constant($0) }
    }
    if let list = mapping.optional("others") {
      guard let (path, end) = resolved(list, element: element) else { return nil }
      guard case .list(let shape) = end.shape, case .citizen = shape.element, !end.crossesList,
        element == .citizen
      else {
        list.report("wrong-type", "'others' needs 'each' over the same list of citizen IDs")
        return nil
      }
      let given: FactSignature.Kind = shape.count.upperBound == 2 ? .person : .persons
      return check(given, kind, list, path) ? .others(path) : nil
    }
    guard let from = mapping.required("from"),
      let (path, end) = resolved(from, element: element)
    else { return nil }
    guard let map = mapping.optional("map") else {
      let absent = mapping.optional("absent").flatMap { constant($0, kind) }
      return check(end.factKind, kind, from, path) ? .field(path, absent: absent) : nil
    }
    guard case .word(let words) = end.shape, !end.crossesList else {
      from.report("wrong-type", "a 'map' needs a field of words")
      return nil
    }
    return mapped(map, mapping, path, words, kind)
  }

  private func mapped(
    _ map: PositionedYAML, _ mapping: YAMLMapping, _ path: FieldPath, _ words: [String],
    _ kind: FactSignature.Kind?
  ) -> FactMapping.Value? {
    var outcomes: [String: FactMapping.Outcome] = [:]
    for (key, value) in map.mapping?.entries ?? [] {
      guard let word = key.word(words, what: "a word of this field") else { continue }
      outcomes[word] = outcome(value, kind, key)
    }
    let otherwise = mapping.optional("else").flatMap { outcome($0, kind, $0) } ?? .keep
    if otherwise == .keep, outcomes.count < words.count {
      _ = check(.text, kind, map, path)
    }
    return .mapped(path, outcomes, otherwise: otherwise)
  }

  /// `keep`, `omit`, or `{value: ...}`.
  private func outcome(
    _ yaml: PositionedYAML, _ kind: FactSignature.Kind?, _ place: PositionedYAML
  ) -> FactMapping.Outcome? {
    if yaml.isMapping {
      guard let mapping = yaml.mapping, let value = mapping.required("value") else { return nil }
      mapping.finish()
      return constant(value, kind).map { .constant($0) }
    }
    switch yaml.word(["keep", "omit"], what: "keep, omit or {value: ...}") {
    case "keep": return .keep
    case "omit": return .omit
    default: return nil
    }
  }

  /// `nothing`, or a constant of the fact's kind; without a declaration, what it looks like.
  private func constant(_ yaml: PositionedYAML, _ kind: FactSignature.Kind?) -> FactConstant? {
    guard let text = yaml.string else { return nil }
    if text == "nothing" { return .nothing }
    switch kind {
    case .bool: return yaml.boolean.map { .bool($0) }
    case .int: return yaml.integer(in: -1_000_000_000_000...1_000_000_000_000).map { .int($0) }
    case .text: return .text(text)
    case nil:
      if text == "true" || text == "false" { return .bool(text == "true") }
      return Int(text).map { .int($0) } ?? .text(text)
    default:
      yaml.report(
        "wrong-type", "a fact of kind \(kind?.rawValue ?? "") has no constant but 'nothing'")
      return nil
    }
  }

  private func check(
    _ given: FactSignature.Kind?, _ wanted: FactSignature.Kind?, _ yaml: PositionedYAML,
    _ path: FieldPath
  ) -> Bool {
    guard let given else {
      yaml.report("wrong-type", "field '\(path.text)' is an object or list that is no fact")
      return false
    }
    guard let wanted, wanted != given else { return true }
    yaml.report(
      "wrong-type", "field '\(path.text)' gives \(given.rawValue), the fact is \(wanted.rawValue)")
    return false
  }
}
