import Expression
import Foundation
import Testing
import Vocabulary

/// Whatever the text: no crash, no hang, and the budget is kept. Runs a second or two each; longer
/// with OUTREACH_FUZZ_SECONDS, other inputs with OUTREACH_FUZZ_SEED.
@Suite struct FuzzTests {
  private static let seconds =
    ProcessInfo.processInfo.environment["OUTREACH_FUZZ_SECONDS"].flatMap { Double($0) } ?? 1
  private static let seed =
    ProcessInfo.processInfo.environment["OUTREACH_FUZZ_SEED"].flatMap { UInt64($0) } ?? 20_260_520

  /// SplitMix64.
  struct Generator: RandomNumberGenerator {
    var state: UInt64
    mutating func next() -> UInt64 {
      state &+= 0x9E37_79B9_7F4A_7C15
      var z = state
      z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
      z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
      return z ^ (z >> 31)
    }
    mutating func pick<T>(_ options: [T]) -> T {
      options[Int.random(in: 0..<options.count, using: &self)]
    }
    mutating func chance(_ percent: Int) -> Bool { Int.random(in: 0..<100, using: &self) < percent }
  }

  private static let tokens = [
    "member", "household", "params", ".", ".", "age", "income", "members", "name", "birth", "(",
    ")",
    "[", "]", "{", "}", ",", ":", "?", "&&", "||", "!", "-", "+", "*", "/", "%", "==", "!=", "<",
    "<=",
    ">", ">=", "in", "1", "0", "-1", "9223372036854775807", "9223372036854775808", "1u", "1.5",
    "1e308",
    "'a'", "\"张\"", "b'\\xff'", "r'\\d+'", "'''x'''", "true", "false", "null", "x", "y", "today",
    "now",
    ".exists(x,", ".all(x,", ".map(x,", ".filter(x,", "cel.bind(x,", ".optMap(x,", "has(", "size(",
    "optional.of(", ".?age", "[?0]", "'%s %d'.format(", ".matches(", "date(", "age(", "\n", " ",
    "//", "`a`",
    "`", "'", "\"", "\\", "\u{0}", "😀", "lists.range(", ".sortBy(x,", ".sum()", ".plus('3wd')",
    "known(",
    "math.greatest(", "string(", "int(", "type(", "dyn(", "timestamp(", "duration('1h')", "=", "&",
    "@",
  ]

  /// Evaluates what compiles, strictly and leniently.
  private func exercise(_ text: String, _ host: TestHost) {
    var environment = TestHost.environment()
    let clock = ContinuousClock()
    let start = clock.now
    for isLenient in [false, true] {
      environment.isLenient = isLenient
      let (tree, problems) = environment.check(text)
      for problem in problems { _ = tree.syntax.source.render(problem) }
      guard let program = try? environment.compile(text) else { continue }
      let context = host.context(environment, budget: 10_000, tracing: true)
      let result = program.evaluate(context).owned
      _ = show(result)
      #expect(context.budget >= -1, "\(text)")
      _ = program.decide(host.context(environment, budget: 50))
    }
    if let template = try? environment.compileTemplate(text + "${" + text + "}") {
      _ = template.render(host.context(environment, budget: 1000), unknown: { _ in "?" })
    }
    #expect(clock.now - start < .seconds(3), "\(text)")
  }

  private func run(_ salt: UInt64, _ make: (inout Generator) -> String) {
    var random = Generator(state: Self.seed &+ salt)
    let host = UnknownTests.host()
    host.people[2].birth = CivilDate("1956-02-29")
    let clock = ContinuousClock()
    let end = clock.now + .milliseconds(Int64(Self.seconds * 1000))
    while clock.now < end {
      for _ in 0..<20 { exercise(make(&random), host) }
    }
  }

  @Test func tokenSoup() {
    run(1) { random in
      (0..<Int.random(in: 0...30, using: &random)).map { _ in random.pick(Self.tokens) }
        .joined(separator: random.chance(50) ? " " : "")
    }
  }

  @Test func characterSoup() {
    run(2) { random in
      var text = String.UnicodeScalarView()
      for _ in 0..<Int.random(in: 0...60, using: &random) {
        let value =
          random.chance(80)
          ? UInt32.random(in: 0..<0x80, using: &random)
          : UInt32.random(in: 0..<0x11_0000, using: &random)
        if let scalar = Unicode.Scalar(value) { text.append(scalar) }
      }
      return String(text)
    }
  }

  @Test func grownExpressions() {
    run(3) { random in Self.expression(&random, depth: 5) }
  }

  @Test func mutatedExpressions() {
    run(4) { random in
      var scalars = Array(Self.expression(&random, depth: 4).unicodeScalars)
      for _ in 0..<Int.random(in: 1...3, using: &random) where !scalars.isEmpty {
        let at = Int.random(in: 0..<scalars.count, using: &random)
        switch Int.random(in: 0..<3, using: &random) {
        case 0: scalars.remove(at: at)
        case 1: scalars.insert(contentsOf: random.pick(Self.tokens).unicodeScalars, at: at)
        default: scalars.swapAt(at, Int.random(in: 0..<scalars.count, using: &random))
        }
      }
      var text = String.UnicodeScalarView()
      text.append(contentsOf: scalars)
      return String(text)
    }
  }

  @Test func patterns() {
    let parts = [
      "a", "b", ".", "*", "+", "?", "(", ")", "[", "]", "^", "$", "|", "{2,3}", "{1000}", "\\d",
      "\\b", "\\pL",
      "\\p{Han}", "张", "(?i)", "(?:", "\\Q", "\\E", "[^a]", "[[:alpha:]]", "\\x41", "-", "\\",
      "\\1",
    ]
    var environment = TypeEnvironment()
    let a = environment.declareVariable("a", .string)
    let b = environment.declareVariable("b", .string)
    guard let program = try? environment.compile("a.matches(b)") else {
      Issue.record("does not compile")
      return
    }
    let context = EvaluationContext(host: FactHost())
    context.set(variable: a, .text(String(repeating: "ab张", count: 200)))
    run(5) { random in
      let pattern = (0..<Int.random(in: 1...12, using: &random)).map { _ in random.pick(parts) }
        .joined()
      context.begin(today: .earliest, now: .distantPast, budget: 20_000)
      context.set(variable: b, .text(pattern))
      _ = program.evaluate(context)
      return "1"
    }
  }

  /// Expressions that double a value again and again must run out of budget, not of memory.
  @Test func doubling() throws {
    let environment = TestHost.environment()
    for seed in ["'abcdefgh'", "[1, 2]", "{'a': 1}"] {
      for double in [
        "x + x", "[x, x]", "x.map(y, x)", "[x, x].flatten(1)", "string(x) + string(x)",
      ] {
        var text = "string([x]).size() > 0 || [x] == [x] || '%s'.format([x]) == ''"
        for _ in 0..<40 { text = "cel.bind(x, \(double), \(text))" }
        var lenient = environment
        lenient.isLenient = true
        lenient.limits.depth = 200
        guard let program = try? lenient.compile("cel.bind(x, \(seed), \(text))") else { continue }
        let context = TestHost().context(lenient, budget: 100_000)
        _ = program.evaluate(context).owned
        #expect(context.budget >= -1)
      }
    }
  }

  private static func expression(_ random: inout Generator, depth: Int) -> String {
    guard depth > 0 else {
      return random.pick([
        "1", "0", "-9223372036854775808", "1.5", "2u", "'a'", "'张三'", "true", "false", "null", "[]",
        "{}", "x", "today",
        "now", "member", "member.age", "member.income", "member.name", "member.birth",
        "member.present",
        "household.members", "household.exited", "params.line", "[1, 2, 3]", "['a']", "{'a': 1}",
        "b'a'",
        "date('2026-02-28')", "duration('36h')", "timestamp('2026-02-28T12:00:00Z')",
        "optional.none()",
      ])
    }
    func sub() -> String { expression(&random, depth: depth - 1 - (random.chance(30) ? 1 : 0)) }
    switch Int.random(in: 0..<12, using: &random) {
    case 0...3:
      let op = random.pick([
        "+", "-", "*", "/", "%", "==", "!=", "<", "<=", ">", ">=", "in", "&&", "||",
      ])
      return "(\(sub()) \(op) \(sub()))"
    case 4: return "(\(sub()) ? \(sub()) : \(sub()))"
    case 5:
      let macro = random.pick(["exists", "all", "map", "filter", "exists_one", "sortBy", "optMap"])
      return "\(sub()).\(macro)(x, \(sub()))"
    case 6: return "[\(sub()), \(sub())]"
    case 7: return "cel.bind(x, \(sub()), \(sub()))"
    case 8:
      let name = random.pick([
        "size", "string", "int", "double", "dyn", "type", "yuan", "date", "known", "math.abs",
        "lists.range",
        "optional.of", "bytes", "strings.quote", "math.greatest", "timestamp", "duration", "bool",
        "uint",
      ])
      return "\(name)(\(sub()))"
    case 9:
      let name = random.pick([
        "startsWith", "matches", "contains", "split", "join", "addDays", "addMonths", "plus",
        "minus", "addWorkdays",
        "indexOf", "charAt", "or", "orValue", "format", "flatten", "getHours",
      ])
      return "\(sub()).\(name)(\(sub()))"
    case 10: return "\(random.pick(["age", "workdays", "months"]))(\(sub()), \(sub()))"
    default:
      let suffix = random.pick([
        "", "[0]", "[?0]", ".?a", ".age", ".size()", ".sum()", ".distinct()",
      ])
      return "\(random.pick(["!", "-"]))(\(sub()))\(suffix)"
    }
  }
}
