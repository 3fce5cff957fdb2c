import Foundation
import Testing
import Vocabulary

@testable import Policy

/// The directory of the default pack in this checkout.
let defaultPackDirectory = URL(filePath: #filePath).deletingLastPathComponent()
  .deletingLastPathComponent().deletingLastPathComponent().appending(path: "config/policy")

@Suite struct DefaultPackTests {
  @Test func loadsWithoutProblems() throws {
    let result = PolicyPack.load(directory: defaultPackDirectory) { bytes in "\(bytes.count)" }
    if case .failure(let problems) = result {
      Issue.record("\(problems.diagnostics.count) problems:\n\(problems)")
      return
    }
    let pack = try result.get()
    #expect(pack.warnings == [])
    // Those of the table, and the Bridge Plan's.
    #expect(pack.rules.count == 46)
    #expect(pack.rules.filter { $0.id != "E08" }.count == 45)
  }
}

extension DefaultPackTests {
  private static let loaded = PolicyPack.load(directory: defaultPackDirectory) { "\($0.count)" }
  private func pack() throws -> PolicyPack { try DefaultPackTests.loaded.get() }

  /// The statutory calendars of 2023 to 2026: days around each holiday and each shifted day.
  @Test(arguments: [
    ("2022-12-30", true), ("2022-12-31", false), ("2023-01-02", false), ("2023-01-20", true),
    ("2023-01-23", false), ("2023-01-28", true), ("2023-01-29", true), ("2023-04-05", false),
    ("2023-04-23", true), ("2023-05-03", false), ("2023-05-06", true), ("2023-06-22", false),
    ("2023-06-25", true), ("2023-09-29", false), ("2023-10-06", false), ("2023-10-07", true),
    ("2024-02-04", true), ("2024-02-12", false), ("2024-02-18", true), ("2024-04-04", false),
    ("2024-05-11", true), ("2024-06-10", false), ("2024-09-16", false), ("2024-09-29", true),
    ("2024-10-12", true), ("2025-01-26", true), ("2025-02-04", false), ("2025-02-08", true),
    ("2025-06-02", false), ("2025-10-08", false), ("2025-10-11", true), ("2026-01-02", false),
    ("2026-01-04", true), ("2026-02-23", false), ("2026-02-28", true), ("2026-06-19", false),
    ("2026-09-20", true), ("2026-10-07", false), ("2026-10-08", true), ("2026-10-10", true),
    ("2026-10-11", false),
  ])
  func calendarDay(date: String, works: Bool) throws {
    let day = try #require(CivilDate(date))
    #expect(try pack().calendar.isWorkingDay(day) == works)
  }

  @Test func threeWorkingDaysOverTheSpringFestival() throws {
    let calendar = try pack().calendar
    let start = try #require(CivilDate("2026-02-13"))
    #expect(
      Term(3, .workingDays).date(from: start, calendar: calendar).description == "2026-02-25")
  }

  @Test func allServicesAreListed() throws {
    let services = try pack().services
    #expect(services.items.count == 54)
    #expect(services.item(code: nil, line: "ps", name: "死亡户口注销")?.code == "ps-01")
    #expect(services.item(code: nil, line: "mca", name: "死亡户口注销") == nil)
    #expect(services.item(code: "hrss-01", line: "mca", name: "")?.weight == 60)
    let inquiry = services.item(code: nil, line: "dpf", name: "窗口主动询问工具表(规范化表单)")
    #expect(inquiry?.weight == 70)
  }

  /// Who receives what by when, as the table of the 45 rules asks.
  @Test(arguments: [
    ("A01", "subdistrict P1 1wd; district P1 3mo from", ""),
    ("A02", "advisor P1 3wd; resource P1 3wd", "subdistrict"),
    ("A03", "subdistrict P1 1wd; district P1 1wd", ""),
    ("A04", "subdistrict P1 1wd", "police"),
    ("A05", "advisor P0 30m", "child-desk subdistrict police restricted"),
    ("A06", "advisor P1 1wd; district P1 15wd", "child-desk restricted"),
    ("A07", "district P0 0d", "child-desk restricted"),
    ("A08", "subdistrict P2 10wd", "child-desk restricted"),
    ("A09", "subdistrict P2 10wd disguised; advisor P2 5wd disguised", ""),
    ("A10", "subdistrict P2 10wd disguised; advisor P2 5wd disguised", "subdistrict restricted"),
    ("A11", "subdistrict P2 5wd disguised", "subdistrict restricted"),
    ("A12", "subdistrict P2 0d from disguised; advisor P2 3wd from disguised", ""),
    ("A13", "subdistrict P2 3wd from disguised; advisor P2 3wd from disguised",
      "subdistrict restricted"),
    ("A14", "subdistrict P3 20wd", ""), ("A15", "advisor P3 10wd", "subdistrict"),
    ("A16", "advisor P2 5wd", "subdistrict"),
    ("A17", "subdistrict P3 20wd; advisor P3 20wd", ""),
    ("A18", "subdistrict P2 5wd area; subdistrict P2 5wd area", ""),
    ("A19", "advisor P3 10wd; subdistrict P3 10wd area", ""), ("A20", "advisor P3 15wd", ""),
    ("B01", "advisor P2 5wd", "subdistrict"), ("B02", "advisor P2 0d from", ""),
    ("B03", "subdistrict P2 10wd; advisor P2 10wd", ""), ("B04", "subdistrict P3 10wd", ""),
    ("B05", "subdistrict P3 6mo; advisor P3 6mo", ""), ("B06", "advisor P1 2wd", "subdistrict"),
    ("C01", "advisor P2 5wd", "subdistrict"), ("C02", "advisor P2 5wd", "subdistrict"),
    ("C03", "subdistrict P0 24h; advisor P0 24h; resource P0 24h", ""),
    ("C04", "advisor P2 10wd", "subdistrict"), ("C05", "subdistrict P3 20wd", ""),
    ("C06", "advisor P0 0d; resource P0 0d", "subdistrict"),
    ("D01", "advisor P4 0d from", "child-desk restricted"), ("D02", "advisor P4 0d from", ""),
    ("D03", "advisor P1 2wd; resource P1 2wd", ""), ("E01", "advisor P2 5wd; resource P2 5wd", ""),
    ("E02", "advisor P3 1mo from", ""), ("E03", "subdistrict P3 3wd; district P3 3wd", ""),
    ("E04", "advisor P4 0d from", "subdistrict"),
    ("E05", "advisor P3 10wd; resource P3 10wd", ""), ("E06", "advisor P2 5wd", ""),
    ("E07", "advisor P1 2wd", "subdistrict"),
    ("E08", "advisor P3 20wd; resource P3 20wd; resource P3 20wd; resource P3 20wd", ""), ("F01", "advisor P3 1wd", ""),
    ("F02", "", "subdistrict; district; operator"),
    ("F03", "", "advisor subdistrict district child-desk police"),
  ])
  func receivers(id: String, referrals: String, alerts: String) throws {
    let rule = try #require(try pack().rule(id))
    let written = rule.referrals.map { referral in
      var words = [referral.to.rawValue, referral.urgency.description]
      if case .literal(let term) = referral.due { words.append(term.description) }
      if referral.from != nil { words.append("from") }
      if referral.area != nil { words.append("area") }
      if referral.isDisguised { words.append("disguised") }
      return words.joined(separator: " ")
    }
    #expect(written.joined(separator: "; ") == referrals)
    let alerted = rule.alerts.map {
      ($0.audiences + ($0.isRestricted ? ["restricted"] : [])).joined(separator: " ")
    }
    #expect(alerted.joined(separator: "; ") == alerts)
  }

  /// Whole cases that never reach a resource.
  @Test func confidentialRulesAndChildrenReachNoResource() throws {
    for id in ["A01", "A03", "A04", "A05", "A06", "A07", "A08", "A09", "A10", "A11", "A12", "A13"] {
      let rule = try #require(try pack().rule(id))
      #expect(!rule.referrals.contains { $0.to == .resource }, "\(id)")
    }
  }

  @Test func theAssessmentHasSixDimensionsAndTenIndicators() throws {
    let pack = try pack()
    #expect(pack.assessment.dimensions.count == 6)
    #expect(pack.assessment.indicators.count == 10)
    #expect(pack.assessment.indicators.map(\.weight).reduce(0, +) == 100)
    #expect(pack.assessment.localWeights["310101"]?.reduce(0, +) == 106)
    #expect(pack.assessment.level(49)?.id == "raised")
    #expect(pack.assessment.level(50)?.id == "high")
    #expect(pack.assessment.level(19) == nil)
  }
}
