import Records
import Testing
import Vocabulary

@testable import Stages

@Suite struct RoutingTests {
  private func directory(_ lines: [String]) throws -> Directory {
    var directory = Directory()
    for line in lines { try directory.add(line: Array(line.utf8)) }
    return directory
  }

  private let area = Area(district: "310101", subdistrict: "310101002", committee: "310101002001")
  private let household = HouseholdKey(registry: "HH-1")

  private func advisor(
    _ id: String, _ level: String, _ code: String, capacity: Int = 10, absent: String = ""
  ) -> String {
    #"{"advisor":"\#(id)","name":"顾问","level":"\#(level)","covers":["\#(code)"],"#
      + #""capacity":\#(capacity)\#(absent)}"#
  }

  @Test func committeeThenSubdistrictThenDistrictThenNobody() throws {
    let day = try #require(CivilDate("2026-01-05"))
    let lines = [
      advisor("A-1", "committee", "310101002001"), advisor("A-2", "subdistrict", "310101002"),
      advisor("A-3", "district", "310101"),
    ]
    for (count, expected) in [(3, "A-1 0"), (2, "A-2 1"), (1, "A-3 2"), (0, "unassigned 2")] {
      let router = Router(directory: try directory(Array(lines.suffix(count))))
      let found = router.assign(from: .committee, area: area, household: household, on: day)
      #expect("\(found.advisor) \(found.escalation)" == expected)
    }
  }

  @Test func absenceIncludesBothEnds() throws {
    let absent = #","absentFrom":"2026-01-05","absentUntil":"2026-01-07""#
    let router = Router(
      directory: try directory([
        advisor("A-1", "committee", "310101002001", absent: absent),
        advisor("A-2", "subdistrict", "310101002"),
      ]))
    for (day, expected) in [
      ("2026-01-04", "A-1"), ("2026-01-05", "A-2"), ("2026-01-07", "A-2"), ("2026-01-08", "A-1"),
    ] {
      let found = router.assign(
        from: .committee, area: area, household: household, on: try #require(CivilDate(day)))
      #expect(found.advisor == expected, "\(day)")
    }
  }

  @Test func householdsKeepTheirAdvisorAndFollowCapacity() throws {
    let day = try #require(CivilDate("2026-01-05"))
    let lines = [
      advisor("A-1", "committee", "310101002001", capacity: 30),
      advisor("A-2", "committee", "310101002001", capacity: 10),
    ]
    let two = Router(directory: try directory(lines))
    let three = Router(
      directory: try directory(lines + [advisor("A-3", "committee", "310101002001", capacity: 10)]))
    var first = 0
    for number in 0..<4000 {
      let key = HouseholdKey(registry: "HH-\(number)")
      let before = two.assign(from: .committee, area: area, household: key, on: day).advisor
      let after = three.assign(from: .committee, area: area, household: key, on: day).advisor
      if before == "A-1" { first += 1 }
      // A new advisor only takes over households, it never shuffles the others.
      #expect(after == before || after == "A-3")
    }
    #expect((2800...3200).contains(first))
  }

  @Test func unusableValuesAreErrors() {
    var directory = Directory()
    for bad in [#"{"name":"x"}"#, "[]", "{", #"{"advisor":"a","level":"street","covers":[]}"#] {
      #expect(throws: (any Error).self) { try directory.add(line: Array(bad.utf8)) }
    }
  }
}
