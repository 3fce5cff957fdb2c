import Expression
import Testing
import Vocabulary

/// A household whose facts the tests set.
final class TestHost: FactHost {
  struct Person {
    var age: Int64?
    var income: Int64?
    var present = true
    var name = "张三"
    var birth: CivilDate?
    var relation = "householder"
  }
  var people: [Person] = []
  var line: Int64 = 151_000
  /// Facts of several people are read at once.
  var hasColumns = false
  /// Reads so far, to see that nothing is read that is not needed.
  private(set) var reads = 0

  static let household = ObjectRef(type: 1, index: 0)
  static let params = ObjectRef(type: 3, index: 0)
  static func person(_ index: UInt32) -> ObjectRef { ObjectRef(type: 2, index: index) }

  override func read(_ object: ObjectRef, field: UInt16) -> Value {
    reads += 1
    let missing = Value.missing(object, field: field)
    switch (object.type, field) {
    case (1, 0): return .hostList(HostList(kind: 1))
    case (1, 1): return .missing(object, field: 1)
    case (3, 0): return .int(line)
    case (2, let field):
      guard Int(object.index) < people.count else { break }
      let person = people[Int(object.index)]
      switch field {
      case 0: return person.age.map(Value.int) ?? missing
      case 1: return person.income.map(Value.int) ?? missing
      case 2: return .bool(person.present)
      case 3: return .text(person.name)
      case 4: return person.birth.map(Value.date) ?? .null
      case 5: return .text(person.relation)
      default: break
      }
    default: break
    }
    return .error(EvaluationError(.host, "no such field"))
  }

  override func count(_ list: HostList) -> Int { people.count }

  override func element(_ list: HostList, at index: Int) -> Value {
    .object(TestHost.person(UInt32(index)))
  }

  override func numbers(
    of list: HostList, from start: Int, rows: UInt64, field: UInt16, isOfDays: Bool,
    into numbers: UnsafeMutablePointer<Int64>
  ) -> Bool {
    guard hasColumns else { return false }
    for row in 0..<64 where rows & (1 << UInt64(row)) != 0 {
      let person = people[start + row]
      let number =
        switch field {
        case 0: person.age
        case 1: person.income
        case 4: person.birth.map { Int64($0.dayNumber) }
        default: Int64?.none
        }
      guard let number, isOfDays == (field == 4) else { return false }
      numbers[row] = number
    }
    return true
  }

  static func environment() -> TypeEnvironment {
    var environment = TypeEnvironment()
    environment.declareObject(
      "Household", typeID: 1,
      fields: [
        FieldDeclaration("members", slot: 0, .list(.object("Person")), maxCount: 12),
        FieldDeclaration("exited", slot: 1, .bool),
      ])
    environment.declareObject(
      "Person", typeID: 2,
      fields: [
        FieldDeclaration("age", slot: 0, .int, birth: 4),
        FieldDeclaration("income", slot: 1, .int), FieldDeclaration("present", slot: 2, .bool),
        FieldDeclaration("name", slot: 3, .string),
        FieldDeclaration("birth", slot: 4, .date), FieldDeclaration("relation", slot: 5, .string),
      ])
    environment.declareObject(
      "Params", typeID: 3, fields: [FieldDeclaration("line", slot: 0, .int)])
    environment.declareVariable("household", .object("Household"))
    environment.declareVariable("member", .object("Person"))
    environment.declareVariable("params", .object("Params"))
    return environment
  }

  /// A context with the variables set; `member` is the first person.
  func context(
    _ environment: TypeEnvironment, today: String = "2026-05-20", budget: Int = 100_000,
    calendar: WorkCalendar = WorkCalendar(), tracing: Bool = false
  ) -> EvaluationContext {
    let context = EvaluationContext(host: self, calendar: calendar)
    let day = CivilDate(today) ?? .earliest
    context.begin(
      today: day, now: Instant(startOf: day).adding(seconds: 36_000), budget: budget,
      tracing: tracing)
    let objects = [
      "household": TestHost.household, "member": TestHost.person(0), "params": TestHost.params,
    ]
    for (name, object) in objects {
      if let variable = environment.variables[name] {
        context.set(variable: variable.slot, .object(object))
      }
    }
    return context
  }

  /// Compiles and evaluates.
  func evaluate(_ text: String, today: String = "2026-05-20") throws -> Value {
    let environment = TestHost.environment()
    let program = try environment.compile(text)
    return program.evaluate(context(environment, today: today)).owned
  }
}

/// Evaluates an expression without host objects.
func evaluate(
  _ text: String, today: String = "2026-05-20", calendar: WorkCalendar = WorkCalendar()
) throws -> Value {
  let environment = TestHost.environment()
  let program = try environment.compile(text)
  let host = TestHost()
  return program.evaluate(host.context(environment, today: today, calendar: calendar)).owned
}

/// The value as an expression would show it, or its error's code.
func show(_ value: Value) -> String {
  switch value {
  case .error(let error): return error.code.rawValue
  case .unknown(let set):
    return "unknown["
      + set.facts.map { "\($0.object.type).\($0.object.index).\($0.field)" }
      .joined(separator: " ") + "]"
  case .int(let x): return String(x)
  case .bool(let x): return String(x)
  case .string(let x): return x.string
  case .null: return "null"
  case .date(let x): return x.description
  case .double(let x): return String(x)
  case .list(let list): return "[" + list.elements.map(show).joined(separator: ", ") + "]"
  case .optional(let optional): return "optional(\(optional.wrapped.map(show) ?? "none"))"
  default: return "\(value)"
  }
}
