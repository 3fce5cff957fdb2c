import Vocabulary

/// A function with one implementation and one argument.
final class UnaryCallNode: Node, @unchecked Sendable {
  private let function: @Sendable (EvaluationContext, Value) -> Value
  private let argument: Node
  init(_ function: @escaping @Sendable (EvaluationContext, Value) -> Value, _ argument: Node) {
    self.function = function
    self.argument = argument
  }
  override func value(_ c: EvaluationContext) -> Value {
    let a = argument.value(c)
    return a.isAbrupt ? a : function(c, a)
  }
}

/// A function with one implementation and two arguments.
final class BinaryCallNode: Node, @unchecked Sendable {
  private let function: @Sendable (EvaluationContext, Value, Value) -> Value
  private let left: Node
  private let right: Node
  init(
    _ function: @escaping @Sendable (EvaluationContext, Value, Value) -> Value, _ left: Node,
    _ right: Node
  ) {
    self.function = function
    self.left = left
    self.right = right
  }
  override func value(_ c: EvaluationContext) -> Value {
    let a = left.value(c)
    let b = right.value(c)
    if a.isAbrupt || b.isAbrupt { return strictFailure(a, b) }
    return function(c, a, b)
  }
}

/// A function with any number of arguments; which overload, their kinds decide when it runs.
final class CallNode: Node, @unchecked Sendable {
  private let overloads: [FunctionOverload]
  private let arguments: [Node]
  /// Called when no overload takes the values.
  private let missing: EvaluationError
  init(_ overloads: [FunctionOverload], _ arguments: [Node], missing: EvaluationError) {
    self.overloads = overloads
    self.arguments = arguments
    self.missing = missing
  }
  override func value(_ c: EvaluationContext) -> Value {
    var values: [Value] = []
    values.reserveCapacity(arguments.count)
    var abrupt: Value?
    for argument in arguments {
      let value = argument.value(c)
      if value.isAbrupt { abrupt = abrupt.map { .merge($0, value) } ?? value }
      values.append(value)
    }
    if let abrupt { return abrupt }
    for overload in overloads where overload.accepts(values) { return overload.call(c, values) }
    return .error(missing)
  }
}

/// A function that depends on the time: its result is good until midnight at the latest.
final class TimeBoundNode: Node, @unchecked Sendable {
  private let inner: Node
  init(_ inner: Node) { self.inner = inner }
  override func value(_ c: EvaluationContext) -> Value {
    c.noteNow()
    c.limitValidityToMidnight()
    return inner.value(c)
  }
}

/// `+`, `-`, `*` and `/` of ints.
final class IntArithmeticNode: IntNode, @unchecked Sendable {
  enum Operation: Sendable { case add, subtract, multiply, divide }
  private let operation: Operation
  private let left: Node
  private let right: Node
  init(_ operation: Operation, _ left: Node, _ right: Node) {
    self.operation = operation
    self.left = left
    self.right = right
  }
  override func int(_ c: EvaluationContext) -> Int64? {
    guard let a = left.int(c) else {
      let abrupt = c.takeAbrupt()
      c.fail(right.int(c) == nil ? .merge(abrupt, c.takeAbrupt()) : abrupt)
      return nil
    }
    guard let b = right.int(c) else { return nil }
    if operation == .divide, b == 0 {
      c.fail(.error(.divideByZero))
      return nil
    }
    let (result, overflow) =
      switch operation {
      case .add: a.addingReportingOverflow(b)
      case .subtract: a.subtractingReportingOverflow(b)
      case .multiply: a.multipliedReportingOverflow(by: b)
      case .divide: a.dividedReportingOverflow(by: b)
      }
    if !overflow { return result }
    c.fail(.error(.overflow))
    return nil
  }
}

/// `date - date` in days.
final class DateDifferenceNode: IntNode, @unchecked Sendable {
  private let left: Node
  private let right: Node
  init(_ left: Node, _ right: Node) {
    self.left = left
    self.right = right
  }
  override func int(_ c: EvaluationContext) -> Int64? {
    guard let a = left.day(c) else {
      let abrupt = c.takeAbrupt()
      c.fail(right.day(c) == nil ? .merge(abrupt, c.takeAbrupt()) : abrupt)
      return nil
    }
    guard let b = right.day(c) else { return nil }
    return Int64(a) - Int64(b)
  }
}

/// `date.addDays(n)`, `addMonths` and `addYears`.
final class DateStepNode: Node, @unchecked Sendable {
  let date: Node
  private let count: Node
  /// Months of a step; 0: steps are days.
  private let months: Int

  /// Nil for other functions.
  init?(_ function: String, _ date: Node, _ count: Node) {
    switch function {
    case "addDays": months = 0
    case "addMonths": months = 1
    case "addYears": months = 12
    default: return nil
    }
    self.date = date
    self.count = count
  }

  override func value(_ c: EvaluationContext) -> Value {
    if let day = day(c) { return .date(CivilDate(dayNumber: day)) }
    return c.takeAbrupt()
  }

  override func day(_ c: EvaluationContext) -> Int32? {
    guard let day = date.day(c) else {
      let abrupt = c.takeAbrupt()
      c.fail(count.int(c) == nil ? .merge(abrupt, c.takeAbrupt()) : abrupt)
      return nil
    }
    guard let steps = count.int(c) else { return nil }
    let start = CivilDate(dayNumber: day)
    if let end = months == 0 ? start.after(days: steps) : start.after(steps, of: months) {
      return end.dayNumber
    }
    c.fail(.error(.dateRange))
    return nil
  }

  /// Steps are of months or years.
  var isOfMonths: Bool { months > 0 }

  /// The first date after another one from which the steps, as many as there are, lead to a goal or
  /// beyond it; nil where that cannot be told.
  ///
  /// A step back from the goal comes within a day or two of it, since months end on other days.
  func first(after start: CivilDate, reaching goal: CivilDate, _ c: EvaluationContext) -> CivilDate?
  {
    guard isOfMonths, let steps = count.int(c), let near = goal.after(-steps, of: months)
    else { return nil }
    // Steps of months keep a day that every month has.
    if goal.components.day <= 28 { return max(start.adding(days: 1), near) }
    var date = max(start.adding(days: 1), near.adding(days: -1))
    for _ in 0..<4 {
      guard let reached = date.after(steps, of: months) else { return nil }
      if reached >= goal { return date }
      date = date.adding(days: 1)
    }
    return nil
  }
}

/// `size(list)`.
final class ListSizeNode: IntNode, @unchecked Sendable {
  private let operand: Node
  init(_ operand: Node) { self.operand = operand }
  override func int(_ c: EvaluationContext) -> Int64? { operand.size(c) }
}

/// Constant texts in one stretch of memory, so that looking for one counts no references.
private final class TextTable: @unchecked Sendable {
  // Unchecked: the memory is written in `init` only.
  private let bytes: UnsafeMutablePointer<UInt8>
  /// End of each text.
  private let ends: UnsafeMutablePointer<Int>
  private let count: Int

  init(_ texts: [Text]) {
    let all = texts.flatMap(\.array)
    bytes = .allocate(capacity: max(1, all.count))
    bytes.initialize(repeating: 0, count: max(1, all.count))
    for (i, byte) in all.enumerated() { bytes[i] = byte }
    ends = .allocate(capacity: max(1, texts.count))
    ends.initialize(repeating: 0, count: max(1, texts.count))
    count = texts.count
    var end = 0
    for (i, text) in texts.enumerated() {
      end += text.count
      ends[i] = end
    }
  }

  deinit {
    bytes.deallocate()
    ends.deallocate()
  }

  func contains(_ text: Text) -> Bool {
    text.withBytes { wanted in
      var start = 0
      for i in 0..<count {
        let end = ends[i]
        if sameBytes(UnsafeBufferPointer(start: bytes + start, count: end - start), wanted) {
          return true
        }
        start = end
      }
      return false
    }
  }
}

/// `x in [constants]`, with texts or ints as constants.
final class InConstantsNode: BoolNode, @unchecked Sendable {
  private let operand: Node
  private let ints: Set<Int64>
  private let hasTexts: Bool
  private let table: TextTable
  /// For more texts than it is quick to compare one by one.
  private let textSet: Set<Text>?
  private let all: Value

  /// Nil where the constants are of another kind or mixed.
  init?(_ operand: Node, _ constants: [Value]) {
    var ints: Set<Int64> = []
    var texts: [Text] = []
    for constant in constants {
      switch constant {
      case .int(let value): ints.insert(value)
      case .string(let value): texts.append(value)
      default: return nil
      }
    }
    guard ints.isEmpty || texts.isEmpty else { return nil }
    self.operand = operand
    self.ints = ints
    hasTexts = !texts.isEmpty
    table = TextTable(texts)
    textSet = texts.count > 16 ? Set(texts) : nil
    all = .array(constants)
  }

  override func bool(_ c: EvaluationContext) -> Bool? {
    let value = operand.value(c)
    switch value {
    case .int(let int) where !hasTexts: return ints.contains(int)
    case .string(let text): return textSet?.contains(text) ?? table.contains(text)
    default: return other(c, value)
    }
  }

  @inline(never)
  private func other(_ c: EvaluationContext, _ value: Value) -> Bool? {
    let result = value.isAbrupt ? value : Arithmetic.contains(c, value, all)
    if case .bool(let found) = result { return found }
    c.fail(result)
    return nil
  }
}

/// `operand.field` of a map, an optional or a value of unknown type.
final class SelectNode: Node, @unchecked Sendable {
  private let operand: Node
  private let key: Text
  private let optional: Bool
  private let test: Bool
  init(_ operand: Node, _ key: String, optional: Bool, test: Bool) {
    self.operand = operand
    self.key = Text(key)
    self.optional = optional
    self.test = test
  }

  override func value(_ c: EvaluationContext) -> Value {
    let value = operand.value(c)
    switch value {
    case .map(let map):
      let found = map.find(key)
      if test {
        guard optional, let found else { return .bool(found != nil) }
        if case .optional(let inner) = found { return .bool(inner.wrapped != nil) }
        return .bool(true)
      }
      if optional { return .optional(found.map { OptionalValue($0) } ?? .none) }
      return found ?? .error(.noSuchKey)
    case .optional(let wrapper):
      guard let wrapped = wrapper.wrapped else {
        return test ? .bool(false) : .optional(.none)
      }
      return inside(wrapped)
    case .unknown, .error: return value
    default: return .error(.noSuchField)
    }
  }

  private func inside(_ wrapped: Value) -> Value {
    guard case .map(let map) = wrapped else {
      if case .optional(let inner) = wrapped {
        guard let value = inner.wrapped else { return test ? .bool(false) : .optional(.none) }
        return inside(value)
      }
      return .error(.noSuchKey)
    }
    let found = map.find(key)
    if test { return .bool(found != nil) }
    return .optional(found.map { OptionalValue($0) } ?? .none)
  }
}

/// `operand[index]` and `operand[?index]`.
final class IndexNode: Node, @unchecked Sendable {
  private let operand: Node
  private let index: Node
  private let optional: Bool
  init(_ operand: Node, _ index: Node, optional: Bool) {
    self.operand = operand
    self.index = index
    self.optional = optional
  }
  override func value(_ c: EvaluationContext) -> Value {
    let container = operand.value(c)
    if !optional, case .hostList(let list) = container, let place = index.int(c), place >= 0,
      place < Int64(c.count(list))
    {
      return c.element(list, at: Int(place))
    }
    let key = index.value(c)
    if container.isAbrupt || key.isAbrupt { return strictFailure(container, key) }
    if case .optional(let wrapper) = container {
      guard let wrapped = wrapper.wrapped else { return container }
      return Arithmetic.optionalIndex(c, wrapped, key)
    }
    return optional
      ? Arithmetic.optionalIndex(c, container, key) : Arithmetic.index(c, container, key)
  }
}

final class ListNode: Node, @unchecked Sendable {
  private let elements: [(node: Node, optional: Bool)]
  init(_ elements: [(node: Node, optional: Bool)]) { self.elements = elements }
  override func value(_ c: EvaluationContext) -> Value {
    var result: [Value] = []
    result.reserveCapacity(elements.count)
    var abrupt: Value?
    for (node, optional) in elements {
      let value = node.value(c)
      if value.isAbrupt {
        abrupt = abrupt.map { .merge($0, value) } ?? value
      } else if !optional {
        result.append(value)
      } else if case .optional(let wrapper) = value {
        if let wrapped = wrapper.wrapped { result.append(wrapped) }
      } else {
        return .noSuchOverload
      }
    }
    return abrupt ?? .list(ListValue(result))
  }
}

final class MapNode: Node, @unchecked Sendable {
  private let entries: [(key: Node, value: Node, optional: Bool)]
  init(_ entries: [(key: Node, value: Node, optional: Bool)]) { self.entries = entries }
  override func value(_ c: EvaluationContext) -> Value {
    var keys: [Value] = []
    var values: [Value] = []
    var abrupt: Value?
    for entry in entries {
      let key = entry.key.value(c)
      let value = entry.value.value(c)
      if key.isAbrupt || value.isAbrupt {
        let failed = strictFailure(key, value)
        abrupt = abrupt.map { .merge($0, failed) } ?? failed
      } else if !entry.optional {
        keys.append(key)
        values.append(value)
      } else if case .optional(let wrapper) = value {
        guard let wrapped = wrapper.wrapped else { continue }
        keys.append(key)
        values.append(wrapped)
      } else {
        return .noSuchOverload
      }
    }
    if let abrupt { return abrupt }
    switch MapValue.make(keys, values) {
    case .success(let map): return .map(map)
    case .failure(let error): return .error(error)
    }
  }
}
