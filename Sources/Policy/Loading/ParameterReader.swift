import Vocabulary

/// Reads `params/*.yaml` and the `params` of overlays:
///
///     params:
///       dibao_line:
///         title: 最低生活保障标准
///         type: money
///         unit: 元/人·月
///         combine: max
///         bounds: {min: 500, max: 5000}
///         values:
///           - {from: 2023-07-01, value: 1510, cite: 沪民规〔2023〕.., verified: false}
///       edge_line: {title: .., type: money, derive: 2 * dibao_line, round: 1}
struct ParameterReader {
  private struct Draft {
    var name: String
    var key: PositionedYAML
    var entry: YAMLMapping
  }

  private var drafts: [Draft] = []
  private var names: [String: Int] = [:]
  private var definitions: [ParameterDefinition] = []
  /// Values by area and parameter index: a district may have several files.
  private var overlays: [String: [Int: [DatedValue]]] = [:]

  static let maximumParameters = 500

  /// Reads the city's files. Must be called for all of them before `finish`.
  mutating func read(_ root: PositionedYAML) {
    guard let file = root.mapping else { return }
    for (key, value) in file.required("params")?.mapping?.entries ?? [] {
      guard let name = key.string, let entry = value.mapping else { continue }
      guard FactReader.isName(name) else {
        key.report("bad-name", "'\(name)' is not a name")
        continue
      }
      guard names[name] == nil else {
        key.report("duplicate-parameter", "parameter '\(name)' is declared twice")
        continue
      }
      guard drafts.count < ParameterReader.maximumParameters else {
        key.report("too-many-parameters", "more than \(ParameterReader.maximumParameters)")
        return
      }
      names[name] = drafts.count
      drafts.append(Draft(name: name, key: key, entry: entry))
    }
    file.finish()
  }

  /// Reads the definitions once all names are known.
  mutating func define() {
    for draft in drafts { definitions.append(definition(draft)) }
  }

  private func definition(_ draft: Draft) -> ParameterDefinition {
    let entry = draft.entry
    let type = entry.required("type")?.word(ParameterType.self, what: "a type of parameters")
    let kind = type ?? .int
    let combination =
      entry.optional("combine")?.word(
        ParameterCombination.self, what: "a way to combine values") ?? .fixed
    let bounds = entry.optional("bounds")?.mapping
    var minimum = bounds?.optional("min").flatMap { value($0, kind) }
    var maximum = bounds?.optional("max").flatMap { value($0, kind) }
    bounds?.finish()
    if let low = minimum.flatMap(ParameterReader.size),
      let high = maximum.flatMap(ParameterReader.size), high < low
    {
      bounds?.owner.report("bad-bounds", "the upper bound is below the lower bound")
      (minimum, maximum) = (nil, nil)
    }
    var values: [DatedValue] = []
    var formula: Formula?
    if let derive = entry.optional("derive") {
      formula = parse(derive)
      if ![.int, .money, .percent].contains(kind) {
        derive.report("wrong-type", "only numbers can be derived")
      }
      entry.optional("values")?.report(
        "contradictory-keys", "'values' and 'derive' exclude each other")
    } else {
      values = datedValues(entry.required("values"), kind, minimum, maximum)
    }
    if combination == .max || combination == .min, ![.int, .money, .percent].contains(kind) {
      entry.optional("combine")?.report(
        "wrong-type", "'\(combination.rawValue)' needs a number",
        hint: "replace or fixed")
    }
    let definition = ParameterDefinition(
      name: draft.name, title: entry.string("title") ?? draft.name, type: kind,
      unit: entry.optionalString("unit") ?? "", combination: combination, minimum: minimum,
      maximum: maximum, values: values, file: draft.key.source.file, line: draft.key.line,
      derivation: entry.optionalString("derive"), formula: formula,
      roundingUnit: Int64(entry.optionalInteger("round", in: 1...1_000_000) ?? 1))
    entry.finish()
    return definition
  }

  private func parse(_ yaml: PositionedYAML) -> Formula? {
    guard let text = yaml.string else { return nil }
    switch Formula.parse(text, index: { names[$0] }) {
    case .success(let formula): return formula
    case .failure(let problem):
      let hint = problem.name.flatMap { Suggestion.nearest(to: $0, among: names.keys) }
        .map { "did you mean '\($0)'?" }
      yaml.report(
        "bad-formula", problem.message, offset: problem.offset,
        length: problem.name?.count ?? 1, hint: hint)
      return nil
    }
  }

  private func datedValues(
    _ yaml: PositionedYAML?, _ type: ParameterType, _ minimum: ParameterValue?,
    _ maximum: ParameterValue?
  ) -> [DatedValue] {
    var values: [DatedValue] = []
    for element in yaml?.sequence ?? [] {
      guard let entry = element.mapping else { continue }
      let from = readDate(entry.required("from"))
      let written = entry.required("value")
      let value = written.flatMap { self.value($0, type) }
      let cite = entry.string("cite") ?? ""
      let verified = entry.boolean("verified", default: true)
      entry.finish()
      guard let from, let value, let written else { continue }
      if let last = values.last, last.from >= from {
        element.report(
          "values-out-of-order", "\(from) does not come after \(last.from)",
          hint: "write values in the order of their dates")
        continue
      }
      checkBounds(value, written, minimum, maximum)
      values.append(DatedValue(from: from, value: value, cite: cite, isVerified: verified))
    }
    if values.isEmpty { yaml?.report("missing-value", "no value is given") }
    return values
  }

  /// What bounds compare: a number, or the nominal length of a term.
  private static func size(_ value: ParameterValue) -> Int64? {
    value.number ?? value.term.map { Int64($0.nominalMinutes) }
  }

  private func checkBounds(
    _ value: ParameterValue, _ yaml: PositionedYAML, _ minimum: ParameterValue?,
    _ maximum: ParameterValue?
  ) {
    guard let number = ParameterReader.size(value) else { return }
    if let minimum, let low = ParameterReader.size(minimum), number < low {
      yaml.report("out-of-bounds", "\(value.text) is below the lower bound \(minimum.text)")
    }
    if let maximum, let high = ParameterReader.size(maximum), number > high {
      yaml.report("out-of-bounds", "\(value.text) is above the upper bound \(maximum.text)")
    }
  }

  private func value(_ yaml: PositionedYAML, _ type: ParameterType) -> ParameterValue? {
    switch type {
    case .int: return yaml.integer(in: -1_000_000_000...1_000_000_000).map { .int(Int64($0)) }
    case .bool: return yaml.boolean.map { .bool($0) }
    case .text: return yaml.string.map { .text($0) }
    case .texts: return yaml.strings.map { .texts($0) }
    case .term: return readTerm(yaml).map { .term($0) }
    case .money:
      guard let text = yaml.string else { return nil }
      guard let fen = Fen(yuan: text) else {
        yaml.report(
          "bad-money", "'\(text)' is not an amount of yuan", hint: "such as 1510 or 12.50")
        return nil
      }
      return .money(fen)
    case .percent:
      guard let text = yaml.string else { return nil }
      guard text.hasSuffix("%"), let value = Int64(text.dropLast()), (0...10_000).contains(value)
      else {
        yaml.report("bad-percent", "'\(text)' is not a share", hint: "whole hundredths, as 30%")
        return nil
      }
      return .percent(value)
    }
  }

  /// Reads the `params` mapping of an overlay for a district or sub-district.
  mutating func readOverlay(_ yaml: PositionedYAML, area: String) {
    guard let mapping = yaml.mapping else { return }
    for (key, value) in mapping.entries {
      guard let name = key.string else { continue }
      guard let at = names[name] else {
        let hint = Suggestion.nearest(to: name, among: names.keys).map { "did you mean '\($0)'?" }
        key.report("stale-overlay", "the city has no parameter '\(name)'", hint: hint)
        continue
      }
      let definition = definitions[at]
      guard definition.combination != .fixed else {
        key.report(
          "overlay-not-allowed", "'\(name)' is the same in the whole city",
          hint: "its definition has no 'combine'")
        continue
      }
      let dated = datedValues(value, definition.type, definition.minimum, definition.maximum)
      guard overlays[area]?[at] == nil else {
        key.report("duplicate-parameter", "'\(name)' already has local values for \(area)")
        continue
      }
      checkEffect(dated, definition, key)
      overlays[area, default: [:]][at] = dated
    }
  }

  /// A local value that never differs from the city's has been overtaken.
  private func checkEffect(
    _ dated: [DatedValue], _ definition: ParameterDefinition, _ key: PositionedYAML
  ) {
    guard definition.formula == nil, let last = dated.last,
      let latest = definition.values.last?.value
    else { return }
    if definition.combination.combine(latest, last.value) == latest {
      key.report(
        "stale-overlay",
        "the latest local value \(last.value.text) has no effect beside the city's \(latest.text)",
        hint: "remove it or set a new value")
    }
  }

  /// The table; checks that derived values do not go round in circles.
  mutating func finish() -> ParameterTable {
    var order: [Int] = []
    var state = Array(repeating: 0, count: definitions.count)
    func visit(_ at: Int) {
      guard state[at] == 0 else {
        if state[at] == 1 {
          drafts[at].key.report(
            "parameter-cycle", "'\(definitions[at].name)' is derived from itself")
        }
        return
      }
      state[at] = 1
      for next in definitions[at].formula?.reads ?? [] { visit(next) }
      state[at] = 2
      if definitions[at].formula != nil { order.append(at) }
    }
    for at in definitions.indices { visit(at) }
    let overlays = overlays.map { ParameterOverlay(area: $0.key, values: $0.value) }
    let table = ParameterTable(
      definitions: definitions, overlays: overlays, derivationOrder: order)
    if !order.isEmpty { checkDerived(table, order) }
    return table
  }

  /// A derived parameter must have a value within its bounds wherever and whenever what it is
  /// derived from has values: it is computed once for every area and every day on which one of
  /// these changes.
  private func checkDerived(_ table: ParameterTable, _ order: [Int]) {
    var reported: Set<Int> = []
    let dates = Set(
      (definitions.flatMap(\.values) + overlays.values.flatMap { $0.values.flatMap(\.self) })
        .map(\.from)
    ).sorted()
    for area in [""] + overlays.keys.sorted() {
      for date in dates {
        let values = table.resolve(
          on: date, district: String(area.prefix(6)), subdistrict: area
        ).values
        for at in order where !reported.contains(at) {
          guard let problem = derivationProblem(definitions[at], at, values) else { continue }
          reported.insert(at)
          let place = area.isEmpty ? "" : " in \(area)"
          (drafts[at].entry.optional("derive") ?? drafts[at].key).report(
            problem.code, "on \(date)\(place) \(problem.message)")
        }
      }
    }
  }

  private func derivationProblem(
    _ definition: ParameterDefinition, _ at: Int, _ values: [ParameterValue?]
  ) -> (code: String, message: String)? {
    guard let formula = definition.formula,
      formula.reads.allSatisfy({ values[$0]?.number != nil })
    else { return nil }
    let derived = formula.evaluate { values[$0]?.number }
    guard derived?.rounded(to: definition.roundingUnit) != nil, let value = values[at],
      let number = value.number
    else { return ("bad-formula", "it has no value: a division by zero, or too large") }
    if let low = definition.minimum, let bound = low.number, number < bound {
      return ("out-of-bounds", "it is \(value.text), below the lower bound \(low.text)")
    }
    if let high = definition.maximum, let bound = high.number, number > bound {
      return ("out-of-bounds", "it is \(value.text), above the upper bound \(high.text)")
    }
    return nil
  }
}
