import Expression
import Testing
import Vocabulary

/// `validUntil`: the answer never changes before it, and for known forms it changes exactly there.
@Suite struct ValidityTests {
  private static func host() -> TestHost {
    let host = TestHost()
    host.people = [TestHost.Person(age: 40, income: 1, birth: CivilDate("2008-02-29"))]
    return host
  }

  /// The answer and its validity on a day, and the first later day with another answer.
  private func scan(
    _ text: String, from start: String, days: Int,
    _ environment: TypeEnvironment = TestHost.environment()
  ) throws {
    let host = Self.host()
    let program = try environment.compile(text)
    let first = try #require(CivilDate(start))
    var changes: [CivilDate] = []
    var answers: [String] = []
    for offset in 0...days {
      let day = first.adding(days: offset)
      let context = host.context(environment, today: day.description)
      answers.append(show(program.evaluate(context)))
      if offset > 0, answers[offset] != answers[offset - 1] { changes.append(day) }
    }
    for offset in 0..<days {
      let day = first.adding(days: offset)
      let context = host.context(environment, today: day.description)
      _ = program.evaluate(context)
      let next = changes.first { $0 > day }
      let end = first.adding(days: days)
      if let next {
        #expect(context.validUntil == Instant(startOf: next), "\(text) on \(day)")
      } else {
        #expect(context.validUntil > Instant(startOf: end), "\(text) on \(day)")
      }
    }
  }

  @Test(arguments: [
    "today > date('2026-05-20')", "today >= date('2026-05-20')", "today < date('2026-05-20')",
    "today <= date('2026-05-20')", "today == date('2026-05-20')", "today != date('2026-05-20')",
    "date('2026-05-20') < today", "date('2026-05-20').plus('3wd') <= today",
    "date('2026-05-20').addDays(7) == today",
    "today.addDays(-30) > date('2026-04-20')", "today.addDays(30) <= date('2026-06-20')",
    "today - date('2026-05-20') >= 7", "today - date('2026-05-20') == 7",
    "date('2026-05-20') - today <= 3", "date('2026-05-20') - today > 3",
    "date('2026-05-20') - today == 3", "date('2026-05-20') - today != 0",
    "today.addMonths(-1) >= date('2026-04-30')", "today.minus('6mo') > date('2025-11-20')",
    "today.minus('1y') == date('2025-05-20')", "today.addWorkdays(3) > date('2026-05-20')",
    "workdays(date('2026-05-20'), today) >= 3", "workdays(date('2026-05-20'), today) == 3",
    "workdays(today, date('2026-05-20')) < 3", "workdays(date('2026-05-01'), today) > 5",
    "months(date('2026-01-31'), today) >= 4", "months(today, date('2026-08-15')) < 3",
    "today.year() == 2026 && today > date('2026-05-20')",
    "today.plus('10wd') >= date('2026-06-01')",
    "date(now) >= date('2026-05-20')",
    "(today - date('2026-05-01')) + 5 > 20",
    "today.at_start() > timestamp('2026-05-20T00:00:00+08:00')",
    // In loops, where the moving side is the same in all rounds.
    "[date('2026-05-20')].exists(d, d < today.addMonths(-1).addDays(20))",
    "[date('2026-05-20'), date('2026-05-20')].all(d, d >= today.minus('3wd'))",
    "[date('2026-05-20')].exists(d, [0, 0].all(n, d.addDays(n) > today.addDays(-5)))",
    "[1, 2].all(n, n > 5 || today.addMonths(-1) >= date('2026-04-30'))",
    // Many elements at once.
    "[date('2026-05-20'), date('2026-05-02')].filter(d, d > today).size()",
    "[date('2026-05-02'), date('2026-05-20')].filter(d, today.addDays(3) >= d).size()",
    "[date('2026-04-10'), date('2026-05-01')].filter(d, d > today.addMonths(-1)).size()",
    "[date('2026-05-20')].filter(d, d == today || d < today.addMonths(-1)).size()",
  ])
  func days(_ text: String) throws { try scan(text, from: "2026-04-25", days: 70) }

  @Test(arguments: [
    "age(member.birth, today) >= 18", "age(member.birth, today) > 17",
    "age(member.birth, today) < 18", "age(member.birth, today) == 18",
    "age(member.birth, today) != 18", "18 <= age(member.birth, today)",
    "age(member.birth, today) <= 17", "17 >= age(member.birth, today)",
    "17 < age(member.birth, today)", "age(member.birth, today) >= -5",
    "age(member.birth, today)", "age(member.birth, today.addDays(1)) >= 18",
    "age(member.birth, today) + 1 >= 18", "age(member.birth, today) in [17, 19]",
  ])
  func ages(_ text: String) throws { try scan(text, from: "2026-01-20", days: 60) }

  /// An age compared by the birthday tells when it changes, and since when it is the same.
  @Test(arguments: [
    "member.age >= 18", "member.age > 17", "18 <= member.age", "member.age < 18",
    "17 >= member.age",
  ])
  func agesByBirthday(_ text: String) throws {
    var environment = TestHost.environment()
    environment.comparesBirthdays = true
    try scan(text, from: "2026-01-20", days: 60, environment)
    let birthday = try #require(CivilDate("2026-03-01"))
    let program = try environment.compile(text)
    let moments = [
      ("2026-02-28", Instant.distantPast), ("2026-03-02", Instant(startOf: birthday)),
    ]
    for (day, since) in moments {
      let context = Self.host().context(environment, today: day)
      _ = program.evaluate(context)
      #expect(context.timeRead == .since(since), "\(text) on \(day)")
    }
    // What is traced is the age itself, which the host says is 40.
    let traced = Self.host().context(environment, tracing: true)
    let isOlder = !text.contains("< 18") && !text.contains("17 >=")
    #expect(show(program.evaluate(traced)) == String(isOlder))
    #expect(traced.trace == [FactRef(object: TestHost.person(0), field: 0)])
  }

  /// Months end on other days: a step of months may lead to the same day from several ones.
  @Test(arguments: [
    "2026-01-31", "2026-02-28", "2026-03-01", "2026-03-30", "2026-03-31", "2026-04-30",
  ])
  func endsOfMonths(_ date: String) throws {
    for op in ["<", "<=", ">=", ">"] {
      for step in ["addMonths(-1)", "addMonths(1)", "addMonths(-2)", "addYears(-1)"] {
        try scan("today.\(step) \(op) date('\(date)')", from: "2025-12-20", days: 140)
      }
    }
  }

  @Test func farAwayNumbersDoNotTrap() throws {
    for number in ["9223372036854775807", "-9223372036854775808", "9223372036854775806", "8000000"]
    {
      for text in [
        "today - date('2026-05-21') <= \(number)", "date('2026-05-21') - today > \(number)",
        "today - date('2026-05-21') == \(number)", "age(date('2000-01-01'), today) < \(number)",
        "months(date('2000-01-01'), today) < \(number)", "today.year() > \(number)",
      ] {
        let value = try Self.host().evaluate(text)
        #expect(value.boolValue != nil, "\(text)")
      }
    }
  }

  @Test func agesAcrossYears() throws {
    try scan("age(member.birth, today) == 18", from: "2025-02-25", days: 1200)
    try scan("age(member.birth, today) < 20", from: "2025-02-25", days: 1200)
  }

  @Test func otherUsesEndAtMidnight() throws {
    let environment = TestHost.environment()
    for text in ["today.day() == 3", "string(today)", "today.weekday() < 6 ? 1 : 2"] {
      let context = Self.host().context(environment, today: "2026-05-20")
      _ = try environment.compile(text).evaluate(context)
      #expect(context.validUntil == CivilDate("2026-05-21").map { Instant(startOf: $0) }, "\(text)")
    }
  }

  @Test func whatIsNotEvaluatedDoesNotCount() throws {
    let environment = TestHost.environment()
    for text in [
      "false && today.day() == 3", "member.age < 3 && today > date('2026-06-01')", "1 < 2",
    ] {
      let context = Self.host().context(environment, today: "2026-05-20")
      _ = try environment.compile(text).evaluate(context)
      #expect(context.validUntil == .distantFuture, "\(text)")
    }
  }

  @Test func momentsToTheMicrosecond() throws {
    let environment = TestHost.environment()
    let start = try #require(Instant("2026-05-20T10:00:00+08:00"))
    let cases: [(String, Int64)] = [
      ("now > timestamp('2026-05-20T10:30:00+08:00')", 1_800_000_001),
      ("now >= timestamp('2026-05-20T10:30:00+08:00')", 1_800_000_000),
      ("now - timestamp('2026-05-20T09:00:00+08:00') >= duration('24h')", 82_800_000_000),
      ("timestamp('2026-05-20T12:00:00+08:00') - now < duration('1h')", 3_600_000_001),
      ("timestamp('2026-05-20T12:00:00+08:00') - now <= duration('1h')", 3_600_000_000),
      ("now + duration('1h') > timestamp('2026-05-20T12:00:00+08:00')", 3_600_000_001),
      ("now == timestamp('2026-05-20T10:00:00+08:00')", 1),
    ]
    for (text, microseconds) in cases {
      let context = Self.host().context(environment)
      context.begin(today: start.date, now: start)
      let program = try environment.compile(text)
      let before = program.evaluate(context).boolValue
      let change = Instant(microseconds: start.microseconds + microseconds)
      #expect(context.validUntil == change, "\(text)")
      context.begin(today: change.date, now: change)
      #expect(program.evaluate(context).boolValue != before, "\(text)")
      let last = Instant(microseconds: change.microseconds - 1)
      context.begin(today: last.date, now: last)
      #expect(program.evaluate(context).boolValue == before, "\(text)")
    }
  }

  @Test func reportsTimeDependence() throws {
    let environment = TestHost.environment()
    #expect(try environment.compile("today > member.birth").dependencies.dependsOnTime)
    #expect(try !environment.compile("member.age > 3").dependencies.dependsOnTime)
  }
}
