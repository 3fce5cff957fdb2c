import Vocabulary

/// The speed of expressions, for the `bench` command.
public enum ExpressionBenchmark {
  /// One measured expression.
  public struct Measurement: Sendable {
    /// What is measured, in a few words.
    public let name: String
    /// The expression measured.
    public let expression: String
    /// Of the fastest of several rounds.
    public let nanoseconds: Double
    /// What it should not exceed, where there is a goal.
    public let goal: Double?
  }

  /// A household of four members, the last of which is old and poor.
  private final class Household: FactHost {
    private let ages: [Int64] = [41, 38, 12, 67]
    private let incomes: [Int64] = [620_000, 480_000, 0, 90_000]
    private let births = [
      CivilDate(year: 1985, month: 3, day: 4), CivilDate(year: 1988, month: 11, day: 30),
      CivilDate(year: 2014, month: 2, day: 28), CivilDate(year: 1959, month: 7, day: 15),
    ]
    private let name = Text("member")

    override func read(_ object: ObjectRef, field: UInt16) -> Value {
      let index = Int(object.index)
      switch (object.type, field) {
      case (1, 0): return .hostList(HostList(kind: 0))
      case (2, 0): return .int(ages[index])
      case (2, 1): return .int(incomes[index])
      case (2, 2): return .bool(true)
      case (2, 3): return .string(name)
      case (2, 4): return births[index].map(Value.date) ?? .null
      case (2, 5): return .missing(object, field: field)
      case (3, 0): return .int(151_000)
      case (3, 1): return .int(16)
      default: return .error(EvaluationError(.host, "no such field"))
      }
    }
    override func count(_ list: HostList) -> Int { 4 }
    override func element(_ list: HostList, at index: Int) -> Value {
      .object(ObjectRef(type: 2, index: UInt32(truncatingIfNeeded: index)))
    }
  }

  private static let cases: [(name: String, expression: String, goal: Double?)] = [
    (
      "four members, last matches",
      "household.members.exists(m, m.age >= 60 && m.income < params.line)", 300
    ),
    (
      "first term false", "member.age < params.child && household.members.exists(m, m.age > 18)", 60
    ),
    ("one comparison", "member.income < params.line", nil),
    ("text equality", "member.relation == 'householder'", nil),
    ("text in constants", "member.relation in ['spouse', 'child', 'member', 'parent']", nil),
    ("age on a day, with validity", "age(member.birth, today) >= 60", nil),
    ("filter and size", "size(household.members.filter(m, m.age >= 18 && m.present)) == 0", nil),
    ("sum of incomes", "household.members.map(m, m.income).sum() < params.line * 4", nil),
    ("unknown fact", "household.members.exists(m, m.employed && m.age > 60)", nil),
  ]

  private static func environment() -> (TypeEnvironment, household: Int, member: Int, params: Int) {
    var environment = TypeEnvironment()
    environment.declareObject(
      "Household", typeID: 1,
      fields: [FieldDeclaration("members", slot: 0, .list(.object("Person")))])
    environment.declareObject(
      "Person", typeID: 2,
      fields: [
        FieldDeclaration("age", slot: 0, .int), FieldDeclaration("income", slot: 1, .int),
        FieldDeclaration("present", slot: 2, .bool), FieldDeclaration("relation", slot: 3, .string),
        FieldDeclaration("birth", slot: 4, .date), FieldDeclaration("employed", slot: 5, .bool),
      ])
    environment.declareObject(
      "Params", typeID: 3,
      fields: [FieldDeclaration("line", slot: 0, .int), FieldDeclaration("child", slot: 1, .int)])
    let household = environment.declareVariable("household", .object("Household"))
    let member = environment.declareVariable("member", .object("Person"))
    let params = environment.declareVariable("params", .object("Params"))
    return (environment, household, member, params)
  }

  /// Compiles and measures a few typical expressions, each for about `milliseconds`.
  ///
  /// - Parameter clock: nanoseconds from any beginning, of the thread's CPU for example.
  public static func run(
    milliseconds: Int = 100, clock: () -> Double
  ) throws -> [Measurement] {
    let (environment, household, member, params) = environment()
    let today = CivilDate(year: 2026, month: 5, day: 20) ?? .earliest
    let context = EvaluationContext(host: Household())
    context.begin(today: today, now: Instant(startOf: today), budget: .max)
    context.set(variable: household, .object(ObjectRef(type: 1, index: 0)))
    context.set(variable: member, .object(ObjectRef(type: 2, index: 0)))
    context.set(variable: params, .object(ObjectRef(type: 3, index: 0)))
    var result: [Measurement] = []
    for entry in cases {
      let program = try environment.compile(entry.expression, expecting: .bool)
      result.append(
        Measurement(
          name: entry.name, expression: entry.expression,
          nanoseconds: measure(milliseconds, clock) { decide(program, context) }, goal: entry.goal))
    }
    let compile = measure(milliseconds, clock) {
      (try? environment.compile(cases[0].expression)) != nil ? 1 : 0
    }
    result.append(
      Measurement(
        name: "compile", expression: cases[0].expression, nanoseconds: compile, goal: nil))
    return result
  }

  @inline(never)
  private static func decide(_ program: Program, _ context: EvaluationContext) -> Int {
    if case .holds = program.decide(context) { return 1 }
    return 0
  }

  /// Nanoseconds of one call: the fastest of ten rounds.
  private static func measure(
    _ milliseconds: Int, _ clock: () -> Double, _ body: () -> Int
  ) -> Double {
    var count = 1
    var best = Double.infinity
    var sink = 0
    let target = Double(max(1, milliseconds / 10)) * 1e6
    for _ in 0..<10 {
      while true {
        let start = clock()
        for _ in 0..<count { sink &+= body() }
        let nanoseconds = clock() - start
        if nanoseconds >= target || count >= 1 << 30 {
          best = min(best, nanoseconds / Double(count))
          break
        }
        count *= 2
      }
    }
    return sink == .min ? 0 : best
  }
}
