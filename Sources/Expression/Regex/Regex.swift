/// A compiled regular expression. Matching walks all states at once over the text (a Thompson NFA),
/// so its time is at most text length times pattern size, for any pattern.
final class Regex: Sendable {
  enum Instruction: Sendable {
    case character(UInt32)
    case set(Int)
    case split(Int, Int)
    case jump(Int)
    case assertion(RegexAssertion)
    case match
  }

  /// A pattern that is no more than a text, perhaps anchored.
  private struct Plain: Sendable {
    let text: Text
    let isAtStart: Bool
    let isAtEnd: Bool
  }

  private let program: [Instruction]
  private let sets: [CodePointSet]
  private let plain: Plain?

  /// Instructions of one pattern, at most.
  static let maxSize = 5000
  static let maxPatternBytes = 2000

  var size: Int { program.count }

  init(_ pattern: Text) throws(RegexProblem) {
    guard pattern.count <= Regex.maxPatternBytes else {
      throw RegexProblem(message: "the pattern is too long", offset: 0)
    }
    let tree = try RegexParser.parse(pattern)
    plain = Regex.plain(tree)
    var compiler = Compiler()
    try compiler.emit(tree)
    compiler.program.append(.match)
    program = compiler.program
    sets = compiler.sets
  }

  private struct Compiler {
    var program: [Instruction] = []
    var sets: [CodePointSet] = []

    mutating func emit(_ tree: RegexTree) throws(RegexProblem) {
      guard program.count < Regex.maxSize else {
        throw RegexProblem(message: "the pattern is too large", offset: 0)
      }
      switch tree {
      case .empty: break
      case .set(let set):
        if let single = set.single {
          program.append(.character(single))
        } else {
          program.append(.set(sets.count))
          sets.append(set)
        }
      case .assertion(let assertion): program.append(.assertion(assertion))
      case .sequence(let items): for item in items { try emit(item) }
      case .alternatives(let branches): try emit(alternatives: branches)
      case .repetition(let inner, let low, let high): try emit(inner, low, high)
      }
    }

    private mutating func emit(alternatives branches: [RegexTree]) throws(RegexProblem) {
      var ends: [Int] = []
      for (i, branch) in branches.enumerated() {
        if i == branches.count - 1 {
          try emit(branch)
          break
        }
        let split = program.count
        program.append(.match)
        try emit(branch)
        ends.append(program.count)
        program.append(.match)
        program[split] = .split(split + 1, program.count)
      }
      for end in ends { program[end] = .jump(program.count) }
    }

    private mutating func emit(
      _ inner: RegexTree, _ low: Int, _ high: Int?
    ) throws(RegexProblem) {
      for _ in 0..<low { try emit(inner) }
      guard let high else {
        let start = program.count
        program.append(.match)
        try emit(inner)
        program.append(.jump(start))
        program[start] = .split(start + 1, program.count)
        return
      }
      var splits: [Int] = []
      for _ in low..<max(low, high) {
        splits.append(program.count)
        program.append(.match)
        try emit(inner)
      }
      for split in splits { program[split] = .split(split + 1, program.count) }
    }
  }

  private static func plain(_ tree: RegexTree) -> Plain? {
    var items: [RegexTree]
    switch tree {
    case .empty: items = []
    case .sequence(let all): items = all
    default: items = [tree]
    }
    var isAtStart = false
    var isAtEnd = false
    if case .assertion(.textStart)? = items.first {
      isAtStart = true
      items.removeFirst()
    }
    if case .assertion(.textEnd)? = items.last {
      isAtEnd = true
      items.removeLast()
    }
    var scalars = String.UnicodeScalarView()
    for item in items {
      guard case .set(let set) = item, let single = set.single,
        let scalar = Unicode.Scalar(single)
      else { return nil }
      scalars.append(scalar)
    }
    return Plain(text: Text(String(scalars)), isAtStart: isAtStart, isAtEnd: isAtEnd)
  }

  // MARK: Matching

  /// True where the pattern matches somewhere in the text.
  func matches(_ text: Text) -> Bool {
    text.withBytes { bytes in
      if let plain { return matches(plain, bytes) }
      var machine = Machine(size: program.count)
      return run(&machine, bytes)
    }
  }

  private func matches(_ plain: Plain, _ bytes: UnsafeBufferPointer<UInt8>) -> Bool {
    plain.text.withBytes { wanted in
      guard wanted.count <= bytes.count else { return false }
      let rest = bytes.count - wanted.count
      switch (plain.isAtStart, plain.isAtEnd) {
      case (true, true): return sameBytes(bytes, wanted)
      case (true, false):
        return sameBytes(UnsafeBufferPointer(rebasing: bytes[..<wanted.count]), wanted)
      case (false, true): return sameBytes(UnsafeBufferPointer(rebasing: bytes[rest...]), wanted)
      case (false, false): return StandardLibrary.contains(bytes, wanted)
      }
    }
  }

  /// The sets of states before and after a code point.
  private struct Machine {
    var current: [Int] = []
    var upcoming: [Int] = []
    /// Step in which a state was last added.
    var mark: [Int]
    var stack: [Int] = []
    init(size: Int) { mark = Array(repeating: -1, count: size) }
  }

  private func run(_ machine: inout Machine, _ bytes: UnsafeBufferPointer<UInt8>) -> Bool {
    var at = 0
    var previous: UInt32?
    var step = 0
    while true {
      let (c, length) = Regex.decode(bytes, at)
      // A match may start at every position.
      if add(&machine, 0, step, previous, c) { return true }
      guard let c else { return false }
      swap(&machine.current, &machine.upcoming)
      machine.upcoming.removeAll(keepingCapacity: true)
      step += 1
      let following = Regex.decode(bytes, at + length).0
      for state in machine.current {
        let passes =
          switch program[state] {
          case .character(let wanted): wanted == c
          case .set(let index): sets[index].contains(c)
          default: false
          }
        if passes, add(&machine, state + 1, step, c, following) { return true }
      }
      machine.current.removeAll(keepingCapacity: true)
      previous = c
      at += length
    }
  }

  /// Adds a state and all it leads to without reading; true at a match.
  private func add(
    _ machine: inout Machine, _ start: Int, _ step: Int, _ previous: UInt32?, _ next: UInt32?
  ) -> Bool {
    machine.stack.append(start)
    while let state = machine.stack.popLast() {
      if machine.mark[state] == step { continue }
      machine.mark[state] = step
      switch program[state] {
      case .match:
        machine.stack.removeAll(keepingCapacity: true)
        return true
      case .jump(let target): machine.stack.append(target)
      case .split(let a, let b):
        machine.stack.append(b)
        machine.stack.append(a)
      case .assertion(let assertion):
        if Regex.holds(assertion, previous, next) { machine.stack.append(state + 1) }
      case .character, .set: machine.upcoming.append(state)
      }
    }
    return false
  }

  private static func holds(
    _ assertion: RegexAssertion, _ previous: UInt32?, _ next: UInt32?
  ) -> Bool {
    switch assertion {
    case .textStart: previous == nil
    case .textEnd: next == nil
    case .lineStart: previous == nil || previous == 0x0A
    case .lineEnd: next == nil || next == 0x0A
    case .wordBoundary: isWord(previous) != isWord(next)
    case .notWordBoundary: isWord(previous) == isWord(next)
    }
  }

  private static func isWord(_ c: UInt32?) -> Bool {
    guard let c else { return false }
    return Lexer.isLetter(c) || Lexer.isDigit(c)
  }

  /// The code point at an offset and its length in bytes; nil at the end.
  @inline(__always)
  private static func decode(
    _ bytes: UnsafeBufferPointer<UInt8>, _ at: Int
  ) -> (UInt32?, Int) {
    guard at < bytes.count else { return (nil, 0) }
    let first = UInt32(bytes[at])
    if first < 0x80 { return (first, 1) }
    let length = first >= 0xF0 ? 4 : (first >= 0xE0 ? 3 : 2)
    guard at + length <= bytes.count else { return (0xFFFD, bytes.count - at) }
    var value = first & (0xFF >> UInt32(length + 1))
    for i in 1..<length { value = value << 6 | UInt32(bytes[at + i] & 0x3F) }
    return (value, length)
  }
}

/// Patterns that are only known when an expression runs.
struct RegexCache {
  private var compiled: [Text: Regex] = [:]
  private static let capacity = 32

  /// The compiled pattern; nil where it does not compile.
  mutating func find(_ pattern: Text) -> Regex? {
    if let known = compiled[pattern] { return known }
    guard let regex = try? Regex(pattern) else { return nil }
    if compiled.count >= RegexCache.capacity { compiled.removeAll(keepingCapacity: true) }
    compiled[pattern.owned] = regex
    return regex
  }
}

extension EvaluationContext {
  func matches(_ text: Text, _ regex: Regex) -> Value {
    guard spend(bytes: text.count, times: 1 + regex.size / 8) else { return .error(.budget) }
    return .bool(regex.matches(text))
  }
}

/// `text.matches('constant')`.
final class MatchesNode: BoolNode, @unchecked Sendable {
  private let operand: Node
  private let regex: Regex
  init(_ operand: Node, _ regex: Regex) {
    self.operand = operand
    self.regex = regex
  }
  override func bool(_ c: EvaluationContext) -> Bool? {
    let value = operand.value(c)
    guard case .string(let text) = value else {
      c.failUnless(value)
      return nil
    }
    let result = c.matches(text, regex)
    if case .bool(let found) = result { return found }
    c.fail(result)
    return nil
  }
}
