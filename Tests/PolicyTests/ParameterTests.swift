import Testing
import Vocabulary

@testable import Policy

private func day(_ text: String) throws -> CivilDate { try #require(CivilDate(text)) }

@Suite struct ParameterTests {
  private func pack(_ overlay: String? = nil) throws -> PolicyPack {
    var small = SmallPack()
    if let overlay { small = small.adding("districts/310115/overlay.yaml", overlay) }
    return try small.load().get()
  }

  private func value(
    _ pack: PolicyPack, _ name: String, _ date: String, district: String = "310101",
    subdistrict: String = "310101002"
  ) throws -> String? {
    let index = try #require(pack.parameters.index(of: name))
    return pack.parameters.resolve(
      on: try day(date), district: district, subdistrict: subdistrict
    ).values[index]?.text
  }

  @Test(arguments: [
    ("line", "2023-06-30", nil), ("line", "2023-07-01", "1510"), ("line", "2024-06-30", "1510"),
    ("line", "2024-07-01", "1595.50"), ("edge", "2023-07-01", "2265"),
    ("edge", "2024-07-01", "2393.25"), ("edge", "2020-01-01", nil),
    // (1510 + 1) / 3 = 503.666.. fen-exact 50366.66, to the yuan: 504. 100 is fen.
    ("third", "2023-07-01", "504"),
  ])
  func valuesByDateAndExactDerivation(name: String, date: String, expected: String?) throws {
    #expect(try value(pack(), name, date) == expected)
  }

  private static let overlay = """
    district: "310115"
    name: 浦东
    params:
      line:
        - {from: 2023-01-01, value: 1400, cite: 区文件}
        - {from: 2024-01-01, value: 1600, cite: 区文件}
    subdistricts:
      "310115004":
        params:
          line: [{from: 2024-03-01, value: 1700, cite: 镇文件}]

    """

  @Test(arguments: [
    ("2023-08-01", "310115", "310115001", "1510"), ("2024-02-01", "310115", "310115001", "1600"),
    ("2024-08-01", "310115", "310115001", "1600"), ("2024-08-01", "310115", "310115004", "1700"),
    ("2024-02-01", "310115", "310115004", "1600"), ("2024-08-01", "310101", "310101002", "1595.50"),
    ("2023-02-01", "310115", "310115001", "1400"),
  ])
  func theMoreGenerousStandardStands(
    date: String, district: String, subdistrict: String, expected: String
  ) throws {
    let pack = try pack(ParameterTests.overlay)
    #expect(
      try value(pack, "line", date, district: district, subdistrict: subdistrict) == expected)
  }

  @Test func derivedValuesFollowTheLocalOnes() throws {
    let pack = try pack(ParameterTests.overlay)
    #expect(
      try value(pack, "edge", "2024-08-01", district: "310115", subdistrict: "310115004")
        == "2550")
  }

  @Test func aTableIsValidUntilTheNextChange() throws {
    let table = try pack(ParameterTests.overlay).parameters
    let city = table.resolve(on: try day("2024-02-15"), district: "", subdistrict: "")
    #expect(city.validUntil == (try day("2024-07-01")))
    let town = table.resolve(
      on: try day("2024-02-15"), district: "310115", subdistrict: "310115004")
    #expect(town.validUntil == (try day("2024-03-01")))
    let last = table.resolve(on: try day("2030-01-01"), district: "", subdistrict: "")
    #expect(last.validUntil == .latest)
  }

  @Test func placesWithTheSameOverlaysShareAnIndex() throws {
    let table = try pack(ParameterTests.overlay).parameters
    #expect(table.placeIndex(district: "310101", subdistrict: "310101002") == 0)
    let district = table.placeIndex(district: "310115", subdistrict: "310115001")
    #expect(district != 0)
    #expect(table.placeIndex(district: "310115", subdistrict: "310115002") == district)
    #expect(table.placeIndex(district: "310115", subdistrict: "310115004") != district)
  }

  @Test(arguments: [
    (
      "line:", "lin:",
      [
        "districts/310115/overlay.yaml:4 stale-overlay",
        "districts/310115/overlay.yaml:10 stale-overlay",
      ]
    ),
    ("value: 1600", "value: 1500", ["districts/310115/overlay.yaml:4 stale-overlay"]),
    ("value: 1600", "value: 99999", ["districts/310115/overlay.yaml:6 out-of-bounds"]),
    (
      "\"310115\"", "\"310101\"",
      [
        "districts/310115/overlay.yaml:1 bad-district",
        "districts/310115/overlay.yaml:8 bad-district",
      ]
    ),
    ("  line:\n    - {from: 2023", "  adult:\n    - {from: 2023",
      ["districts/310115/overlay.yaml:4 overlay-not-allowed"]),
    ("subdistricts:", "rules: {X01: {base: 1, status: shadow, cite: 文件}}\nsubdistricts:",
      ["districts/310115/overlay.yaml:7 stale-overlay"]),
    ("subdistricts:", "rules: {X01: {base: 2, status: shadow, cite: 文件}}\nsubdistricts:", []),
    ("subdistricts:", "rules: {X10: {base: 2, status: shadow, cite: 文件}}\nsubdistricts:",
      ["districts/310115/overlay.yaml:7 stale-overlay"]),
  ])
  func staleAndIllegalOverlaysDoNotLoad(text: String, other: String, expected: [String]) {
    let overlay = ParameterTests.overlay.replacing(text, with: other)
    #expect(overlay != ParameterTests.overlay)
    #expect(SmallPack().adding("districts/310115/overlay.yaml", overlay).codes == expected)
  }

  @Test func aDistrictCanHoldARuleInShadow() throws {
    let pack = try pack(
      "district: \"310115\"\nname: 浦东\nrules: {X01: {base: 2, status: shadow, cite: 文件}}\n")
    let rule = try #require(pack.rule("X01"))
    #expect(rule.status(in: "310115") == .shadow)
    #expect(rule.status(in: "310101") == .active)
  }

  @Test(arguments: [
    (1, 3, 1, 0), (3, 2, 1, 2), (-3, 2, 1, -2), (7, 2, 5, 5), (15, 2, 5, 10), (0, 9, 100, 0),
  ])
  func halvesAreRoundedAwayFromZero(
    numerator: Int64, denominator: Int64, unit: Int64, expected: Int64
  ) throws {
    let value = try #require(Rational(numerator, denominator))
    #expect(value.rounded(to: unit) == expected)
  }

  @Test func exactArithmeticReportsOverflow() throws {
    let large = Rational(Int64.max)
    #expect(large.adding(Rational(1)) == nil)
    #expect(large.multiplied(by: Rational(2)) == nil)
    #expect(large.divided(by: Rational(0)) == nil)
    #expect(Rational(Int64.min, 1) == nil)
    let half = try #require(Rational(decimal: "0.5"))
    #expect(large.multiplied(by: half) == Rational(Int64.max, 2))
  }
}
