import Vocabulary

/// A value of the directory topics.
public struct DirectoryEntry: Sendable {
  /// `directoryAdvisors` or `directoryResources`.
  public let topic: CityTopic
  /// The advisor's or resource's id, which is the record's key.
  public let key: String
  /// JSON.
  public let value: String
}

/// The community advisors and the social resources of a city: one or more advisors for each
/// committee, two for each sub-district and district, and five resources for each district.
///
/// One committee in forty has no advisor of its own and one advisor in twenty is absent for some
/// days about the city's first, so that fallbacks occur.
public func cityDirectory(_ options: CityOptions) -> [DirectoryEntry] {
  let options = options.bounded
  let places = Places(households: max(1, Int(Double(options.people) / Shape.meanSize)))
  var random = SeededRandom(seed: options.seed ^ 0x4449_5245_4354)
  var entries: [DirectoryEntry] = []
  for street in places.used {
    let code = places.streets[street].code
    for committee in 1...places.committees[street] where random.below(40) > 0 {
      let area = String(code) + padded(committee, 3)
      entries.append(advisor("C\(area)", "committee", area, 40, options, &random))
    }
    for turn in 1...2 {
      entries.append(
        advisor("S\(code)-\(turn)", "subdistrict", String(code), 120, options, &random))
    }
  }
  for district in places.districts {
    for turn in 1...2 {
      entries.append(
        advisor(
          "D\(district.code)-\(turn)", "district", String(district.code), 400, options, &random)
      )
    }
    entries += resources(district.code, district.name, options, &random)
  }
  return entries
}

private func advisor(
  _ place: String, _ level: String, _ area: String, _ capacity: Int, _ options: CityOptions,
  _ random: inout SeededRandom
) -> DirectoryEntry {
  let id = "ADV-" + place
  let name =
    "测试顾问" + (String(bytes: surnames[random.below(surnames.count)]) ?? "")
    + (String(bytes: givenNames[random.below(givenNames.count)]) ?? "")
  var value = #"{"advisor":"\#(id)","name":"\#(name)","level":"\#(level)","covers":["\#(area)"]"#
  value += #","capacity":\#(capacity / 2 + random.below(capacity))"#
  if random.below(20) == 0 {
    let from = options.start.adding(days: random.within(-5...5))
    let until = from.adding(days: random.within(1...14))
    value += #","absentFrom":"\#(from)","absentUntil":"\#(until)""#
  }
  value += #","contact":"\#(id.lowercased())@example.invalid"}"#
  return DirectoryEntry(topic: .directoryAdvisors, key: id, value: value)
}

private func resources(
  _ code: Int, _ district: String, _ options: CityOptions, _ random: inout SeededRandom
) -> [DirectoryEntry] {
  let kinds: [(kind: String, category: String, needs: [String], name: String)] = [
    ("company", "material", ["income", "unemployment", "education"], "爱心企业"),
    ("society", "service", ["care", "elder", "disability", "child"], "助老助残服务社"),
    ("volunteers", "service", ["elder", "care", "housing", "disaster", "other"], "志愿服务队"),
    ("fund", "material", ["income", "illness", "education", "disaster"], "社区基金会"),
    ("social-work", "psychological", ["psychological", "child", "legal", "illness"], "社工事务所"),
  ]
  return kinds.enumerated().map { index, resource in
    let id = "RES-\(code)-\(index + 1)"
    let needs = resource.needs.map { "\"\($0)\"" }.joined(separator: ",")
    let until = options.start.adding(days: random.within(200...900))
    var value = #"{"resource":"\#(id)","name":"测试\#(district)\#(resource.name)""#
    value += #","kind":"\#(resource.kind)","category":"\#(resource.category)","needs":[\#(needs)]"#
    value += #","covers":["\#(code)"],"capacity":\#(random.within(10...200)),"until":"\#(until)""#
    // One in four has no contract under which personal data could be disclosed.
    if random.below(4) > 0 { value += #","agreement":"SIM-AGR-\#(code)-\#(index + 1)""# }
    value += "}"
    return DirectoryEntry(topic: .directoryResources, key: id, value: value)
  }
}

private func padded(_ value: Int, _ width: Int) -> String {
  let text = String(value)
  return String(repeating: "0", count: max(0, width - text.count)) + text
}

extension String {
  fileprivate init?(bytes: [UInt8]) { self.init(validating: bytes, as: UTF8.self) }
}
