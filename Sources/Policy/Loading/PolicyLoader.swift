import Expression
public import Foundation
import Vocabulary

extension PolicyPack {
  /// Loads and compiles a pack from a directory. See `load(_:digest:)`.
  public static func load(
    directory: URL, digest: ([UInt8]) -> String
  ) -> Result<PolicyPack, PolicyProblems> {
    PackFiles.read(directory: directory).flatMap { load($0, digest: digest) }
  }

  /// Loads and compiles a pack: either the whole pack, or all that is wrong with it. A pack in use
  /// is never changed; whoever holds one swaps it for the new one as the last step.
  ///
  /// `digest` gives the hexadecimal SHA-256 of bytes (this module has no cryptography).
  public static func load(
    _ files: PackFiles, digest: ([UInt8]) -> String
  ) -> Result<PolicyPack, PolicyProblems> {
    var loader = PolicyLoader(files: files)
    let pack = loader.load(digest: digest)
    guard let pack, !loader.collector.hasErrors else {
      return .failure(PolicyProblems(loader.collector.sorted))
    }
    return .success(pack)
  }
}

/// One run over the files of a pack:
/// 1. what stands alone: head, facts, services, audiences, calendars;
/// 2. parameters, then the overlays of districts;
/// 3. derived facts, then sources, assessment and rules, which read facts and parameters.
struct PolicyLoader {
  let files: PackFiles
  let collector = DiagnosticCollector()
  /// The rules before compilation, after `load`.
  private(set) var workshop: RuleWorkshop?

  static let folders = [
    "params/", "rules/", "sources/", "assessment/", "calendar/", "districts/", "tests/",
  ]
  static let singles = ["pack.yaml", "facts.yaml", "services.yaml", "audiences.yaml"]

  mutating func load(digest: ([UInt8]) -> String) -> PolicyPack? {
    rejectStrayFiles()
    guard let head = head() else { return nil }
    let base = PolicyLoader.singles.dropFirst().map { single($0) }
    guard let factFile = base[0], factFile.isMapping, let serviceFile = base[1],
      let audienceFile = base[2], audienceFile.isMapping
    else {
      // Without these every rule would be a problem: only what stands for itself is told.
      _ = base.compactMap { $0?.mapping }
      for folder in PolicyLoader.folders { _ = roots(folder) }
      return nil
    }
    let facts = FactReader.read(factFile)
    let services = ServiceReader.read(serviceFile)
    let audiences = AudienceReader.read(audienceFile, labels: facts.labels)
    var calendars = CalendarReader()
    for root in roots("calendar/") { calendars.read(root) }

    var parameterReader = ParameterReader()
    for root in roots("params/") { parameterReader.read(root) }
    parameterReader.define()
    var overlays = OverlayReader()
    for root in roots("districts/") { overlays.read(root, &parameterReader) }
    let parameters = parameterReader.finish()

    var derivation = DerivedCompiler(facts, parameters: parameters.definitions)
    derivation.run()
    let settled = derivation.settledFacts
    let eventLabels = facts.eventLabels.mapValues(\.labels)
    let catalogue = FactCatalogue(settled, eventLabels: eventLabels)
    let sources = SourceLoader(
      catalogue, labels: facts.labels, common: audiences.referralClearance(of: "advisor")
    ).load(
      files.sources("sources/"), into: collector)
    checkEventNames(facts, sources)

    let environments = PolicyEnvironment(facts: settled, parameters: parameters.definitions)
    let compiler = derivation.compiler
    let assessment = assessment(compiler, environments, facts.labels, overlays.drafts)
    let rules = rules(
      RuleCompiler(
        compiler: compiler, environments: environments,
        parameterNames: Dictionary(
          uniqueKeysWithValues: parameters.definitions.enumerated().map { ($1.name, $0) }),
        sources: sources, eventLabels: eventLabels, labelTable: facts.labels,
        audiences: audiences), overlays.drafts)
    return PolicyPack(
      name: head.name, version: head.version, title: head.title, authors: head.authors,
      digest: digest(files.canonicalBytes), labels: facts.labels, facts: catalogue,
      derived: derivation.derived.compactMap(\.self), sources: sources, parameters: parameters,
      calendar: calendars.calendar, calendarYears: calendars.years, services: services,
      audiences: audiences, assessment: assessment,
      rules: rules.filter { $0.status != .retired },
      retired: rules.filter { $0.status == .retired },
      warnings: collector.sorted.filter { $0.severity == .warning },
      variableCapacity: VariableSlot.firstLet + RuleCompiler.maximumLets)
  }

  private func rejectStrayFiles() {
    for (path, _) in files.files where !PolicyLoader.singles.contains(path) {
      guard !PolicyLoader.folders.contains(where: { path.hasPrefix($0) }) else { continue }
      let hint = Suggestion.nearest(to: path, among: PolicyLoader.singles)
        .map { "did you mean '\($0)'?" }
      collector.add(
        PolicyDiagnostic(
          code: "unknown-file", file: path, message: "no part of a pack has this name",
          hint: hint))
    }
  }

  private func roots(_ folder: String) -> [PositionedYAML] {
    files.sources(folder).compactMap { PositionedYAML.parse($0, into: collector) }
  }

  private func single(_ name: String) -> PositionedYAML? {
    guard let source = files.sources(name).first else {
      collector.add(
        PolicyDiagnostic(code: "missing-file", file: name, message: "the pack has no \(name)"))
      return nil
    }
    return PositionedYAML.parse(source, into: collector)
  }

  private func head() -> (name: String, version: String, title: String, authors: [String])? {
    guard let file = single("pack.yaml")?.mapping else { return nil }
    let name = file.nonEmptyString("name")
    let version = file.nonEmptyString("version")
    let title = file.optionalString("title") ?? ""
    let authors = file.required("authors")?.strings ?? []
    _ = file.optionalString("note")
    file.finish()
    guard let name, let version else { return nil }
    return (name, version, title, authors)
  }

  /// Series and labels may only name event types that a source declares.
  private func checkEventNames(_ facts: FactDrafts, _ sources: SourceCatalog) {
    let known = Set(sources.names)
    func check(_ name: String, _ place: PositionedYAML) {
      guard !known.contains(name) else { return }
      let hint = Suggestion.nearest(to: name, among: known).map { "did you mean '\($0)'?" }
      place.report("unknown-event", "no source declares the event type '\(name)'", hint: hint)
    }
    for (name, entry) in facts.eventLabels { check(name, entry.key) }
    for fact in facts.facts {
      guard case .series(let events, _, let key) = fact.origin,
        let place = facts.keys[fact.qualifiedName]
      else { continue }
      for event in events { check(event, place) }
      if let key, !facts.facts.contains(where: { $0.object == .event && $0.name == key }) {
        place.report("unknown-fact", "events have no field '\(key)'")
      }
    }
  }

  private func assessment(
    _ compiler: ExpressionCompiler, _ environments: PolicyEnvironment, _ labels: LabelTable,
    _ overlays: OverlayDrafts
  ) -> AssessmentModel {
    let reader = AssessmentReader(
      compiler: compiler, environment: environments.environment(.household), labels: labels)
    var model: AssessmentModel?
    for root in roots("assessment/") {
      if model != nil {
        root.report("duplicate-model", "the pack has more than one assessment model")
        continue
      }
      model = reader.read(root)
    }
    let result = model ?? .empty
    return result.with(localWeights: overlays.localWeights(result))
  }

  private mutating func rules(
    _ compiler: RuleCompiler, _ overlays: OverlayDrafts
  ) -> [CompiledRule] {
    var drafts: [RuleDraft] = []
    for root in roots("rules/") {
      guard let draft = RuleReader.read(root) else { continue }
      if drafts.contains(where: { $0.id == draft.id }) {
        root.report("duplicate-rule", "rule '\(draft.id)' is defined twice")
      }
      drafts.append(draft)
    }
    overlays.checkNames(drafts)
    let names = Set(drafts.map(\.id))
    for draft in drafts {
      for (name, yaml) in draft.closes where !names.contains(name) {
        let hint = Suggestion.nearest(to: name, among: names).map { "did you mean '\($0)'?" }
        yaml.report("unknown-rule", "there is no rule '\(name)'", hint: hint)
      }
    }
    let localStatus = Dictionary(
      drafts.map { ($0.id, overlays.localStatus(of: $0)) }, uniquingKeysWith: { first, _ in first })
    workshop = RuleWorkshop(compiler: compiler, drafts: drafts, localStatus: localStatus)
    let compiled = drafts.compactMap { draft in
      compiler.compile(draft, overlay: localStatus[draft.id] ?? [:]).map { (draft, $0) }
    }
    compiler.checkTogether(compiled)
    return compiled.map(\.1).sorted { $0.id < $1.id }
  }
}
