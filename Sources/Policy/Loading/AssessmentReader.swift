import Expression
import Vocabulary

/// Reads the model in `assessment/*.yaml`:
///
///     model: city
///     version: 1
///     dimensions: [{id: economy, title: 经济状况, cap: 40}]
///     indicators:
///       - {id: income, title: 收入, dimension: economy, weight: 25, basis: .., bands: [
///           {when: "household.aid", points: 100, says: 在保}]}
///     levels: [{id: high, title: 高, from: 60}]
struct AssessmentReader {
  let compiler: ExpressionCompiler
  let environment: TypeEnvironment
  let labels: LabelTable

  static let maximumIndicators = 100

  func read(_ root: PositionedYAML) -> AssessmentModel? {
    guard let file = root.mapping else { return nil }
    let dimensions = (file.required("dimensions")?.sequence ?? []).compactMap(dimension)
    var reads = ReadSet()
    let names = dimensions.map(\.id)
    var indicators: [AssessmentIndicator] = []
    for yaml in file.required("indicators")?.sequence ?? [] {
      guard indicators.count < AssessmentReader.maximumIndicators,
        let indicator = indicator(yaml, names, &reads)
      else { continue }
      if indicators.contains(where: { $0.id == indicator.id }) {
        yaml.report("duplicate-indicator", "indicator '\(indicator.id)' occurs twice")
      }
      indicators.append(indicator)
    }
    let levels = (file.required("levels")?.sequence ?? []).compactMap(level)
    for (list, key) in [(names, "dimensions"), (levels.map(\.id), "levels")]
    where Set(list).count < list.count {
      file.optional(key)?.report("duplicate-id", "two of the \(key) have the same id")
    }
    for (earlier, later) in zip(levels, levels.dropFirst()) where later.from <= earlier.from {
      file.optional("levels")?.report(
        "levels-out-of-order", "level '\(later.id)' does not begin above '\(earlier.id)'")
    }
    let model = AssessmentModel(
      id: file.string("model") ?? "", version: file.integer("version", in: 1...100_000) ?? 0,
      dimensions: dimensions, indicators: indicators, levels: levels, localWeights: [:],
      reads: reads)
    _ = file.optionalString("basis")
    file.finish()
    return model
  }

  private func dimension(_ yaml: PositionedYAML) -> AssessmentDimension? {
    guard let entry = yaml.mapping else { return nil }
    let dimension = AssessmentDimension(
      id: entry.string("id") ?? "", title: entry.string("title") ?? "",
      cap: entry.integer("cap", in: 1...1000) ?? 1)
    entry.finish()
    return dimension
  }

  private func level(_ yaml: PositionedYAML) -> AssessmentLevel? {
    guard let entry = yaml.mapping else { return nil }
    let level = AssessmentLevel(
      id: entry.string("id") ?? "", title: entry.string("title") ?? "",
      from: entry.integer("from", in: 0...1000) ?? 0)
    entry.finish()
    return level
  }

  private func indicator(
    _ yaml: PositionedYAML, _ dimensions: [String], _ reads: inout ReadSet
  ) -> AssessmentIndicator? {
    guard let entry = yaml.mapping else { return nil }
    let dimension = entry.required("dimension")?.word(dimensions, what: "a dimension")
    var bands: [AssessmentBand] = []
    for element in entry.required("bands")?.sequence ?? [] {
      guard let band = element.mapping else { continue }
      let when = band.required("when")
      let program = when.flatMap { yaml in
        yaml.string.flatMap {
          compiler.compile(
            ExpressionDraft(text: $0, yaml: yaml), environment, expecting: .bool)
        }
      }
      let points = band.integer("points", in: 0...100) ?? 0
      let says = band.string("says") ?? ""
      band.finish()
      guard let program else { continue }
      if let when { checkLabels(program, when) }
      reads.formUnion(compiler.reads(program.dependencies))
      bands.append(AssessmentBand(program: program, points: points, says: says))
    }
    let indicator = AssessmentIndicator(
      id: entry.string("id") ?? "", title: entry.string("title") ?? "",
      dimension: dimension.flatMap { dimensions.firstIndex(of: $0) } ?? 0,
      weight: entry.integer("weight", in: 1...1000) ?? 1, bands: bands,
      basis: entry.optionalString("basis") ?? "")
    entry.finish()
    return dimension == nil ? nil : indicator
  }

  /// The facts that the assessment gives; the value of each is drawn from all bands.
  static let results = ["score", "score_unknown", "score_level", "score_parts"]

  private func isResult(_ fact: FactDefinition) -> Bool {
    fact.object == .household && AssessmentReader.results.contains(fact.name)
  }

  /// Whoever sees the score learns something of what it counts: the score must carry the labels of
  /// its bands or release them. The parts name their bands, so that they tell all.
  private func checkLabels(_ program: Program, _ when: PositionedYAML) {
    let told = compiler.labels(program.dependencies)
    let facts = compiler.facts.filter(isResult)
    for fact in facts {
      let tells = fact.name == "score_parts"
      let excess = told.subtracting(tells ? fact.labels : fact.labels.union(fact.releases))
      guard !excess.isEmpty else { continue }
      let names = labels.names(excess).joined(separator: ", ")
      when.report(
        "disclosure",
        "the score would tell of '\(names)', which \(fact.qualifiedName) does not carry",
        hint: tells
          ? "add it to 'labels' of the fact"
          : "add it to 'labels' of the score, or to 'releases' where the score does not tell it")
    }
    let reads = compiler.reads(program.dependencies).facts
    for fact in facts where reads.contains(FactSlot(fact.object, fact.slot)) {
      when.report("fact-cycle", "the assessment would count its own '\(fact.qualifiedName)'")
    }
  }
}

extension AssessmentModel {
  /// With the weights of districts that have their own.
  func with(localWeights: [String: [Int]]) -> AssessmentModel {
    AssessmentModel(
      id: id, version: version, dimensions: dimensions, indicators: indicators, levels: levels,
      localWeights: localWeights, reads: reads)
  }

  /// A pack without assessment scores nothing.
  static let empty = AssessmentModel(
    id: "", version: 0, dimensions: [], indicators: [], levels: [], localWeights: [:],
    reads: ReadSet())
}
