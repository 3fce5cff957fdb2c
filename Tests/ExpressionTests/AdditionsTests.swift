import Expression
import Testing
import Vocabulary

/// Dates, ages, working days, terms, money and the extra list functions.
@Suite struct AdditionsTests {
  /// Qingming 2026: 4 to 6 April off. Labour Day: 1 to 5 May off, 9 May worked.
  static let calendar: WorkCalendar = {
    let off = ["2026-04-06", "2026-05-01", "2026-05-04", "2026-05-05"].compactMap { CivilDate($0) }
    let on = ["2026-05-09"].compactMap { CivilDate($0) }
    return WorkCalendar(holidays: Set(off), shiftedWorkdays: Set(on))
  }()

  @Test(arguments: [
    ("date('2024-01-31')", "2024-01-31"),
    ("date(2024, 2, 29)", "2024-02-29"),
    ("date(2023, 2, 29)", "cel/range"),
    ("date('2024-03-01') - date('2024-02-01')", "29"),
    ("date('2024-01-31').addDays(1)", "2024-02-01"),
    ("date('2024-01-31').addDays(9223372036854775807)", "cel/range"),
    ("date('2024-01-31').addMonths(1)", "2024-02-29"),
    ("date('2024-02-29').addYears(1)", "2025-02-28"),
    ("date('2024-02-29').addYears(100000)", "cel/range"),
    ("date('2024-01-31') < date('2024-02-01')", "true"),
    ("date('2024-02-29').year()", "2024"),
    ("date('2024-02-29').month()", "2"),
    ("date('2024-02-29').day()", "29"),
    ("date('2026-05-20').weekday()", "3"),
    ("string(date('2024-02-29'))", "2024-02-29"),
    // 17:00 in London is already the next day in Shanghai.
    ("date(timestamp('2024-02-28T17:00:00Z'))", "2024-02-29"),
    ("date(timestamp('2024-02-28T15:59:59Z'))", "2024-02-28"),
    ("string(date('2024-02-29').at_start())", "2024-02-28T16:00:00Z"),
    ("string(date('2024-02-29').at_end())", "2024-02-29T15:59:59Z"),
    ("age(date('2008-02-29'), date('2026-02-28'))", "17"),
    ("age(date('2008-02-29'), date('2026-03-01'))", "18"),
    ("age(date('2008-05-20'), today)", "18"),
    ("months(date('2026-01-31'), date('2026-02-28'))", "1"),
    ("months(date('2026-01-15'), date('2026-03-14'))", "1"),
    ("months(date('2026-03-14'), date('2026-01-15'))", "-1"),
    ("yuan(151000)", "1510"),
    ("yuan(1250)", "12.50"),
    ("yuan(-305)", "-3.05"),
    ("date('2026-04-30').addWorkdays(3)", "2026-05-08"),
    ("date('2026-05-11').addWorkdays(-1)", "2026-05-09"),
    ("date('2026-04-03').plus('1wd')", "2026-04-07"),
    ("date('2026-05-31').plus('1mo')", "2026-06-30"),
    ("date('2026-05-31').minus('90d')", "2026-03-02"),
    ("date('2026-05-31').plus('30m')", "2026-05-31"),
    ("workdays(date('2026-04-30'), date('2026-05-11'))", "5"),
    ("workdays(date('2026-05-11'), date('2026-04-30'))", "-5"),
    ("date('2026-05-09').isWorkday()", "true"),
    ("date('2026-05-04').isWorkday()", "false"),
    ("[1, 2, 3].sum()", "6"),
    ("[9223372036854775807, 1].sum()", "cel/overflow"),
    ("[1, 2, 3].map(x, x * 2).sum()", "12"),
    ("[1, 2, 3].map(x, x > 1, x * 2).sum()", "10"),
    ("size([1, 2, 3].filter(x, x > 1))", "2"),
    ("['b', 'c', 'a'].sort()", "[a, b, c]"),
    ("[3, 1, 2].sortBy(x, -x)", "[3, 2, 1]"),
    ("['bb', 'a'].sortBy(x, size(x))", "[a, bb]"),
    ("[1, 2, 1, 3].distinct()", "[1, 2, 3]"),
    ("[[1], [2, 3]].flatten()", "[1, 2, 3]"),
    ("[[1, [2]], [3]].flatten(2)", "[1, 2, 3]"),
    ("[1, 2, 3].slice(1, 3)", "[2, 3]"),
    ("[1, 2, 3].slice(2, 9)", "cel/index"),
    ("lists.range(3)", "[0, 1, 2]"),
    ("[1, 2].first().value() + [1, 2].last().value()", "3"),
    ("[1, 2].reverse()", "[2, 1]"),
    ("math.sqrt(9.0)", "3.0"),
  ])
  func value(_ text: String, _ expected: String) throws {
    #expect(show(try evaluate(text, calendar: Self.calendar)) == expected)
  }

  @Test(arguments: [
    ("size('张三丰')", "3"), ("'张三丰'.charAt(1)", "三"), ("'张三丰'.substring(1)", "三丰"),
    ("'é' == 'e\\u0301'", "false"), ("size('e\\u0301')", "2"),
    ("'👨‍👩‍👧'.size()", "5"), ("'a' < '张'", "true"), ("'\\uFFFD' < '\\U00010000'", "true"),
    ("'张三丰'.indexOf('丰')", "2"), ("'abcabc'.lastIndexOf('b')", "4"),
    ("'ab'.replace('', '-')", "-a-b-"), ("'ab'.split('')", "[a, b]"),
    ("''.split(',')", "[]"), ("'张三'.reverse()", "三张"),
    ("'%d 元 %s'.format([3, '整'])", "3 元 整"),
    ("string(1e21)", "1e+21"), ("string(1234567.0)", "1234567"), ("string(0.000001)", "0.000001"),
  ])
  func codePoints(_ text: String, _ expected: String) throws {
    #expect(show(try evaluate(text)) == expected)
  }

  @Test(arguments: [
    "9223372036854775807 + 1", "-9223372036854775807 - 2", "9223372036854775807 * 2",
    "1 / 0", "1 % 0", "-(-9223372036854775808)", "[1][1]", "[1][-1]", "{'a': 1}['b']",
    "int('x')", "int(1e300)", "uint(-1)", "'a'.charAt(2)", "'a'.substring(0, 5)",
    "timestamp(253402300800)", "duration('1h') + duration('2562047h')", "lists.range(-1)",
    "math.abs(-9223372036854775808)", "-9223372036854775808 / -1", "-9223372036854775808 % -1",
    "'%s'.format([1].slice(1, 1))", "math.greatest([])", "string(b'\\xff')",
    "optional.none().value()",
    "math.bitShiftLeft(1, -1)",
  ])
  func failsWithoutTrap(_ text: String) throws {
    guard case .error = try evaluate(text) else {
      Issue.record("\(text) should be an error")
      return
    }
  }

  /// Without type checks, calls with too few or too many arguments are errors as well.
  @Test(arguments: [
    "known()", "known(1, 2)", "size()", "age(today)", "'a'.matches()", "'%s'.format()",
    "math.greatest()", "optional.none(1)", "[1].sum(2)", "date()", "'a'.or()", "today.plus()",
  ])
  func wrongArgumentCounts(_ text: String) throws {
    var environment = TestHost.environment()
    #expect(throws: CompileFailure.self) { try environment.compile(text) }
    environment.isLenient = true
    let value = try environment.compile(text).evaluate(TestHost().context(environment))
    guard case .error = value else {
      Issue.record("\(text) gives \(show(value))")
      return
    }
  }
}
