import Testing
import Vocabulary

@Suite struct TimeTests {
  @Test func civilDatesRoundTripOverFourCenturies() {
    for day in stride(from: Int32(-60_000), through: 90_000, by: 1) {
      let date = CivilDate(dayNumber: day)
      let (y, m, d) = date.components
      #expect(CivilDate(year: y, month: m, day: d) == date)
    }
    #expect(CivilDate("2024-02-29")?.adding(months: 12).description == "2025-02-28")
    #expect(CivilDate("2023-02-29") == nil)
    #expect(CivilDate("1970-01-01")?.weekday == 4)
    #expect(CivilDate(dayNumber: CivilDate.earliest.dayNumber).description == "0001-01-01")
    #expect(CivilDate(dayNumber: CivilDate.latest.dayNumber).description == "9999-12-31")
  }

  @Test func theCalendarHasEveryDayInItsOrder() {
    var (year, month, day) = (1, 1, 1)
    var wrong = 0
    for number in CivilDate.earliest.dayNumber...CivilDate.latest.dayNumber {
      let date = CivilDate(dayNumber: number)
      if date.components != (year, month, day) { wrong += 1 }
      if CivilDate(year: year, month: month, day: day) != date { wrong += 1 }
      day += 1
      if day > CivilDate.daysInMonth(year: year, month: month) { (month, day) = (month + 1, 1) }
      if month > 12 { (year, month) = (year + 1, 1) }
    }
    #expect(wrong == 0)
    #expect(year == 10_000)
  }

  @Test func birthdayOf29FebruaryIsFirstOfMarch() throws {
    let birth = try #require(CivilDate("2008-02-29"))
    #expect(birth.age(on: try #require(CivilDate("2024-02-28"))) == 15)
    #expect(birth.age(on: try #require(CivilDate("2024-02-29"))) == 16)
    #expect(birth.age(on: try #require(CivilDate("2023-02-28"))) == 14)
    #expect(birth.age(on: try #require(CivilDate("2023-03-01"))) == 15)
  }

  @Test func instantsParseAndPrint() throws {
    let a = try #require(Instant("2026-01-31T15:59:59.5Z"))
    #expect(a.description == "2026-01-31T23:59:59+08:00")
    #expect(a == Instant("2026-01-31T23:59:59.500+08:00"))
    #expect(a.date == CivilDate("2026-01-31"))
    #expect(a.adding(seconds: 1).date == CivilDate("2026-02-01"))
    for bad in ["2026-01-31", "2026-01-31T15:59:59", "2026-02-30T00:00:00Z",
      "2026-01-31T24:00:00Z", "2026-01-31T15:59:59.Z", "2026-01-31T15:59:59+0800", ""] {
      #expect(Instant(bad) == nil, "\(bad)")
    }
  }

  @Test func workingDaysAreCountedDayByDayInBothDirections() throws {
    let days = (1...28).compactMap { CivilDate(year: 2026, month: 2, day: $0) }
    // 9 February is in both lists: it is worked.
    let calendar = WorkCalendar(
      holidays: Set(days[7...11] + days[16...22]), shiftedWorkdays: [days[0], days[8], days[13]])
    for start in days {
      for count in -25...25 {
        var day = start
        var left = abs(count)
        while left > 0 {
          day = day.adding(days: count.signum())
          if calendar.isWorkingDay(day) { left -= 1 }
        }
        #expect(calendar.adding(workingDays: count, to: start) == day, "\(start) \(count)")
      }
    }
    #expect(calendar.isWorkingDay(days[0]) && calendar.isWorkingDay(days[8]))
    #expect(!calendar.isWorkingDay(days[9]) && !calendar.isWorkingDay(days[14]))
    var other = calendar
    other.holidays.remove(days[9])
    #expect(other.isWorkingDay(days[9]) && !calendar.isWorkingDay(days[9]) && other != calendar)
  }

  @Test func termsEndAtTheEndOfTheDay() throws {
    let calendar = WorkCalendar(
      holidays: [try #require(CivilDate("2026-01-01")), try #require(CivilDate("2026-01-02"))],
      shiftedWorkdays: [try #require(CivilDate("2026-01-04"))])
    let start = try #require(Instant("2025-12-31T10:00:00+08:00"))
    let expected = [
      "30m": "2025-12-31T10:30:00+08:00", "24h": "2026-01-01T10:00:00+08:00",
      "0d": "2025-12-31T23:59:59+08:00", "1wd": "2026-01-04T23:59:59+08:00",
      "2wd": "2026-01-05T23:59:59+08:00", "2mo": "2026-02-28T23:59:59+08:00",
      "1y": "2026-12-31T23:59:59+08:00",
    ]
    for (term, end) in expected {
      #expect(try #require(Term(term)).deadline(from: start, calendar: calendar).description == end)
    }
    #expect(Term("3") == nil && Term("wd") == nil && Term("-3d") == nil && Term("3x") == nil)
  }
}

@Suite struct IdentityTests {
  @Test(arguments: [
    "310101190001010011", "310108190003150020", "310230190012310033", "310119190006300003",
    "31010119000101002X", "31010119000101002x", "830000190001010011", "931840190001010010",
  ])
  func validCitizenIDs(text: String) throws {
    #expect(try CitizenID(text).text == text.uppercased())
  }

  @Test(arguments: ["310101190002290019", "310101190001010010", "", "３10101190001010011"])
  func invalidCitizenIDs(text: String) {
    #expect(throws: CitizenID.Rejection.malformed) { try CitizenID(text) }
  }

  @Test func firstGenerationNumbersAreNamed() {
    #expect(throws: CitizenID.Rejection.fifteenDigits) { try CitizenID("310101000101001") }
  }

  @Test func citizenIDsDoNotPrint() throws {
    #expect("\(try CitizenID("310101190001010011"))" == "<citizen>")
  }

  @Test func moneyIsExact() {
    let good = ["0": 0, "1510": 151_000, "12.5": 1250, "12.05": 1205, "9999999999999.99": 999_999_999_999_999]
    for (text, fen) in good { #expect(Fen(yuan: text)?.amount == Int64(fen)) }
    for bad in ["", ".5", "1.", "1.234", "-1", "+1", "1e3", "1,000", "99999999999999"] {
      #expect(Fen(yuan: bad) == nil, "\(bad)")
    }
    #expect(Fen(1205).yuan == "12.05" && Fen(151_000).yuan == "1510" && Fen(-305).yuan == "-3.05")
  }
}
