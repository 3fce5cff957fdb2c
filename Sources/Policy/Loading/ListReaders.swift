import Vocabulary

/// Reads `services.yaml`: a list `services` of items.
enum ServiceReader {
  static let maximumItems = 2000
  static let lines = ["mca", "ps", "hrss", "hsa", "nhc", "housing", "grain", "union", "dpf"]

  static func read(_ root: PositionedYAML) -> ServiceCatalogue {
    guard let file = root.mapping else { return ServiceCatalogue(items: []) }
    var items: [ServiceItem] = []
    var codes: Set<String> = []
    var names: Set<String> = []
    for element in file.required("services")?.sequence ?? [] {
      guard items.count < maximumItems, let item = item(element) else { continue }
      if !codes.insert(item.code).inserted {
        element.report("duplicate-service", "code '\(item.code)' is used twice")
      }
      if !names.insert((item.line ?? "*") + "/" + item.item).inserted {
        element.report("duplicate-service", "'\(item.item)' is listed twice in its line")
      }
      items.append(item)
    }
    file.finish()
    return ServiceCatalogue(items: items)
  }

  private static func item(_ yaml: PositionedYAML) -> ServiceItem? {
    guard let entry = yaml.mapping else { return nil }
    let line = entry.required("line")?.word(lines + ["any"], what: "a line of business")
    let item = ServiceItem(
      code: entry.string("code") ?? "", line: line == "any" ? nil : line,
      item: entry.string("item") ?? "",
      kind: entry.required("kind")?.word(["A", "R", "C", "Q", "B"], what: "a kind of item") ?? "",
      weight: entry.integer("weight", in: 0...100) ?? 0, signal: entry.string("signal") ?? "",
      group: entry.string("group") ?? "",
      source: entry.required("source")?.word(["P", "V", "K"], what: "a source mark") ?? "")
    entry.finish()
    return item.code.isEmpty || item.item.isEmpty ? nil : item
  }
}

/// Reads `audiences.yaml`: mappings `audiences` and `channels`, each with a `clearance`.
enum AudienceReader {
  static let names = [
    "advisor", "subdistrict", "district", "resource", "child-desk", "police", "operator",
  ]
  static let channels = [
    "referrals.advisor", "referrals.resource", "alerts.district", "alerts.restricted", "decisions",
  ]

  static func read(_ root: PositionedYAML, labels: LabelTable) -> AudienceCatalogue {
    guard let file = root.mapping else { return AudienceCatalogue(audiences: [], channels: []) }
    var audiences: [Audience] = []
    for (key, value) in file.required("audiences")?.mapping?.entries ?? [] {
      guard let name = key.word(names, what: "an audience"), let entry = value.mapping else {
        continue
      }
      audiences.append(
        Audience(
          name: name, title: entry.string("title") ?? name,
          clearance: clearance(entry.required("clearance"), labels),
          officerClearance: clearance(entry.optional("named_officers"), labels),
          cite: entry.optionalString("cite") ?? ""))
      entry.finish()
    }
    var channels: [OutputChannel] = []
    for (key, value) in file.required("channels")?.mapping?.entries ?? [] {
      guard let name = key.word(self.channels, what: "an output channel"),
        let entry = value.mapping
      else { continue }
      let clearance = clearance(entry.required("clearance"), labels)
      let choice = entry.optional("choice").map { self.clearance($0, labels) }
      let owns: LabelSet =
        name == "alerts.restricted" ? self.clearance(entry.optional("owns"), labels) : []
      channels.append(
        OutputChannel(
          name: name, clearance: clearance, choice: choice ?? clearance, owns: owns))
      entry.finish()
    }
    for name in names where !audiences.contains(where: { $0.name == name }) {
      root.report("missing-audience", "audience '\(name)' has no clearance")
    }
    for name in self.channels where !channels.contains(where: { $0.name == name }) {
      root.report("missing-audience", "channel '\(name)' has no clearance")
    }
    file.finish()
    return AudienceCatalogue(audiences: audiences, channels: channels)
  }

  /// A list of labels, or the word `all`.
  private static func clearance(_ yaml: PositionedYAML?, _ labels: LabelTable) -> LabelSet {
    guard let yaml else { return [] }
    if yaml.isScalar {
      return yaml.word(["all", "none"], what: "'all', 'none' or a list of labels") == "all"
        ? labels.all : []
    }
    var set: LabelSet = []
    for element in yaml.sequence ?? [] {
      guard let name = element.word(labels.labels.map(\.name), what: "a declared label"),
        let label = labels.label(name)
      else { continue }
      set.formUnion(label)
    }
    return set
  }
}

/// Reads `calendar/*.yaml`: `year`, `cite`, `holidays` (days or `from..to` ranges off work) and
/// `workdays` (weekend days worked).
struct CalendarReader {
  private(set) var calendar = WorkCalendar()
  /// The years covered, earliest first.
  private(set) var years: [Int] = []

  mutating func read(_ root: PositionedYAML) {
    guard let file = root.mapping else { return }
    let year = file.integer("year", in: 1990...2199)
    _ = file.string("cite")
    var count = 0
    for element in file.required("holidays")?.sequence ?? [] {
      guard let entry = element.mapping else { continue }
      _ = entry.string("name")
      let from = readDate(entry.required("from"))
      let to = readDate(entry.required("to"))
      entry.finish()
      guard let from, let to, let year else { continue }
      guard from <= to, to.dayNumber - from.dayNumber < 31 else {
        element.report("bad-date", "\(from) to \(to) is not a holiday of at most a month")
        continue
      }
      // A New Year's holiday may begin in the year before.
      guard from.year == year || from.year == year - 1, to.year == year else {
        element.report("wrong-year", "the holiday is not of the year \(year)")
        continue
      }
      var day = from
      while day <= to {
        calendar.holidays.insert(day)
        day = day.adding(days: 1)
        count += 1
      }
    }
    for element in file.sequence("workdays") {
      guard let day = readDate(element) else { continue }
      if day.weekday < 6 {
        element.report("not-a-weekend", "\(day) is a weekday and worked anyway")
      }
      if calendar.holidays.contains(day) {
        element.report("contradictory-days", "\(day) is a holiday as well")
      }
      calendar.shiftedWorkdays.insert(day)
    }
    file.finish()
    if let year {
      if years.contains(year) {
        root.report("duplicate-year", "the year \(year) has two calendars")
      }
      years = (years + [year]).sorted()
    }
  }
}
