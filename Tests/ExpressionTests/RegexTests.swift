import Expression
import Testing

/// `matches`: the syntax of RE2, in linear time.
@Suite struct RegexTests {
  private func matches(_ text: String, _ pattern: String) throws -> String {
    var environment = TypeEnvironment()
    environment.limits = .lifted
    let a = environment.declareVariable("a", .string)
    let b = environment.declareVariable("b", .string)
    let context = EvaluationContext(host: FactHost())
    context.set(variable: a, .text(text))
    context.set(variable: b, .text(pattern))
    let dynamic = show(try environment.compile("a.matches(b)").evaluate(context))
    return dynamic
  }

  @Test(arguments: [
    ("", "", true), ("abc", "b", true), ("abc", "^b", false), ("abc", "^abc$", true),
    ("abc", "c$", true), ("abc\n", "c$", false), ("abc\n", "(?m)c$", true),
    ("a\nb", "(?m)^b", true), ("a\nb", "a.b", false), ("a\nb", "(?s)a.b", true),
    ("ABC", "(?i)abc", true), ("ABC", "(?i:a)bc", false), ("ABC", "(?i)[a-c]+$", true),
    ("aaa", "^a{2,3}$", true), ("aaaa", "^a{2,3}$", false), ("aaaa", "^a{2,}$", true),
    ("a{2", "a{2", true), ("ab", "^(a|b)*$", true), ("abc", "^(?:a|b)*$", false),
    ("x1", "^[a-z]\\d$", true), ("x1", "^\\w\\W$", false), ("a b", "a\\sb", true),
    ("a-b", "[a\\-]-", true), ("]", "[]]", true), ("^", "[\\^]", true), ("b", "[^a]", true),
    ("a", "[^a]", false), ("foo bar", "\\bbar\\b", true), ("foobar", "\\bbar", false),
    ("foobar", "\\Bbar", true), ("张三丰", "^\\p{Han}{3}$", true), ("张三x", "^\\p{Han}+$", false),
    ("É", "\\pL", true), ("1", "\\pL", false), ("é", "\\PL", false), ("É", "(?i)é", true),
    ("a.c", "^a\\.c$", true), ("abc", "^a\\.c$", false), ("a+b", "\\Qa+b\\E", true),
    ("aab", "\\Qa\\E+b", true), ("A", "\\x41", true), ("😀", "\\x{1F600}", true),
    ("a1", "[[:alpha:]][[:digit:]]", true), ("a", "[[:^alpha:]]", false),
    ("abc", "(?P<name>b)", true), ("abc", "(?<name>b)c", true), ("", "a*?", true),
    ("ab", "\\Aab\\z", true), ("xab", "\\Aab", false), ("k", "(?i)\\x{212A}", true),
    ("110101199003074258", "^[1-9]\\d{16}[0-9X]$", true), ("a", "a|", true), ("b", "^(a|)$", false),
    ("", "^(a|)$", true), ("aXb", "(?-i)a(?i)x(?-i)b", true),
  ])
  func match(_ text: String, _ pattern: String, _ expected: Bool) throws {
    #expect(try matches(text, pattern) == String(expected))
  }

  @Test(arguments: [
    "(", ")", "a)", "[a", "a**", "*a", "(?=a)", "(?<!a)", "\\1", "a{3,2}", "a{1001}", "\\", "[b-a]",
    "\\p{Nonsense}", "[[:nonsense:]]", "(?z)", "\\8", "\\k", "(((((a{99}){99}){99}){99}){99})",
  ])
  func rejected(_ pattern: String) throws {
    #expect(try matches("a", pattern) == "cel/regex")
  }

  /// Patterns that ruin a backtracking engine.
  @Test(arguments: ["^(a+)+$", "^(a|a)*$", "^(a?){25}a{25}$", "^(.*)*x$", "(x+x+)+y"])
  func linearTime(_ pattern: String) throws {
    let text = String(repeating: "a", count: 2000) + "!"
    let clock = ContinuousClock()
    let start = clock.now
    #expect(try matches(text, pattern) == "false")
    #expect(clock.now - start < .seconds(5))
  }

  @Test func budgetEndsLongMatches() throws {
    var environment = TypeEnvironment()
    let a = environment.declareVariable("a", .string)
    let context = EvaluationContext(host: FactHost())
    context.begin(today: .earliest, now: .distantPast, budget: 1000)
    context.set(variable: a, .text(String(repeating: "a", count: 100_000)))
    let program = try environment.compile("a.matches('(a|b|c|d|e)*(f|g)')")
    #expect(show(program.evaluate(context)) == "cel/budget")
  }
}
