import Expression
import Policy

/// Finds texts that a fact can never have: `event.state == 'detaind'` compiles and never holds.
///
/// What is known are the words of the fields that a fact is stated from, and the constants of its
/// mappings. A fact that takes any text has no list of words.
struct WordCheck {
  let pack: PolicyPack

  /// A text that a fact never is.
  struct Finding {
    let comparison: TextComparison
    let words: Set<String>

    var message: String {
      let fact = comparison.path.joined(separator: ".")
      return comparison.isMembership
        ? "'\(comparison.text)' never stands in \(fact)" : "\(fact) is never '\(comparison.text)'"
    }

    var hint: String {
      Suggestion.nearest(to: comparison.text, among: words).map { "did you mean '\($0)'?" }
        ?? "one of: \(words.sorted().joined(separator: " "))"
    }
  }

  /// - Parameter eventTypes: what `event` may be; empty for situation rules and derived facts.
  func findings(in source: String, eventTypes: [String]) -> [Finding] {
    TextComparison.all(in: source).compactMap { comparison in
      guard let words = words(of: comparison.path, eventTypes), !words.contains(comparison.text)
      else { return nil }
      return Finding(comparison: comparison, words: words)
    }
  }

  /// What a field may be; nil where that is not known or not limited.
  private func words(of path: [String], _ eventTypes: [String]) -> Set<String>? {
    guard path.count == 2 else { return nil }
    let types = pack.sources.events.filter { eventTypes.contains($0.name) }
    switch (path[0], path[1]) {
    case ("event", "type"): return Set(eventTypes)
    case ("event", let name):
      return union(types.flatMap { type in values(type.facts, "event.\(name)", type.data, nil) })
    case ("household", "needs"):
      return union(
        pack.sources.events.flatMap { values($0.facts, "event.difficulties", $0.data, nil) })
    case (let root, let name):
      guard root == "member" || isOnlyOfPersons(name) else { return nil }
      return personWords(name)
    }
  }

  /// A field that nothing but a person has: then the name of a loop is one of a person.
  private func isOnlyOfPersons(_ name: String) -> Bool {
    ObjectKind.allCases.allSatisfy { kind in
      kind == .person || pack.facts.definition(of: kind, named: name) == nil
    }
  }

  private func personWords(_ name: String) -> Set<String>? {
    guard let fact = pack.facts.definition(of: .person, named: name),
      case .state(let preset) = fact.origin
    else { return nil }
    let stated = pack.sources.events.flatMap { source in
      source.targets.flatMap { target in
        let element = target.each.flatMap { EventSource.element(of: $0, in: source.data) }
        return values(target.facts, "person.\(name)", source.data, element)
      }
    }
    guard let words = union(stated) else { return nil }
    if case .text(let text) = preset { return words.union([text]) }
    return words
  }

  /// All words together; nil where one of them is any text, or nothing states the fact.
  private func union(_ parts: [Set<String>?]) -> Set<String>? {
    var all: Set<String> = []
    for part in parts {
      guard let part else { return nil }
      all.formUnion(part)
    }
    return all.isEmpty ? nil : all
  }

  /// What each mapping of a fact may give; nil for any text.
  private func values(
    _ mappings: [FactMapping], _ fact: String, _ data: ObjectShape, _ element: DataShape?
  ) -> [Set<String>?] {
    mappings.filter { $0.fact == fact }.map { words(of: $0.value, data, element) }
  }

  private func words(
    of value: FactMapping.Value, _ data: ObjectShape, _ element: DataShape?
  ) -> Set<String>? {
    switch value {
    case .others: return nil
    case .constant(let constant): return Self.words(constant)
    case .field(let path, let absent):
      guard let words = fieldWords(path, data, element) else { return nil }
      return words.union(absent.map { Self.words($0) } ?? [])
    case .mapped(let path, let outcomes, let otherwise):
      guard let words = fieldWords(path, data, element) else { return nil }
      return words.reduce(into: Set()) { all, word in
        switch outcomes[word] ?? otherwise {
        case .keep: all.insert(word)
        case .omit: break
        case .constant(let constant): all.formUnion(Self.words(constant))
        }
      }
    }
  }

  private static func words(_ constant: FactConstant) -> Set<String> {
    if case .text(let text) = constant { [text] } else { [] }
  }

  private func fieldWords(
    _ path: FieldPath, _ data: ObjectShape, _ element: DataShape?
  ) -> Set<String>? {
    guard var shape = EventSource.resolve(path, data: data, element: element)?.shape else {
      return nil
    }
    if case .list(let list) = shape { shape = list.element }
    if case .word(let words) = shape { return Set(words) }
    return nil
  }
}
