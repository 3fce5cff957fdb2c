public import Vocabulary

/// A compiled expression: immutable, shared between threads, evaluated with a context per thread.
public final class Program: Sendable {
  /// The expression as written.
  public let source: String
  /// Type of its value.
  public let type: CELType
  /// All it may read.
  public let dependencies: Dependencies
  /// Static worst-case cost in steps: a read, a comparison or a call of a plain function is one;
  /// loops multiply by the declared length of what they run over.
  public let cost: Int
  let root: Node
  /// Locals it needs.
  let frameSize: Int
  /// Highest variable slot it reads, plus one.
  let variableCount: Int

  init(
    source: String, type: CELType, dependencies: Dependencies, cost: Int, root: Node,
    frameSize: Int, variableCount: Int
  ) {
    self.source = source
    self.type = type
    self.dependencies = dependencies
    self.cost = cost
    self.root = root
    self.frameSize = frameSize
    self.variableCount = variableCount
  }

  /// The value where it depends on nothing.
  public var constant: Value? { root.constant }

  /// Evaluates. The result may borrow from the host; keep `value.owned`.
  public func evaluate(_ context: EvaluationContext) -> Value {
    guard variableCount <= context.variableCapacity, let previous = context.enter(frameSize) else {
      return .failure(.host, "expressions are nested too deep")
    }
    let result = root.value(context)
    context.leave(frameSize, previous)
    return result
  }

  /// Evaluates to an int; nil where the result is something else.
  public func int(_ context: EvaluationContext) -> Int64? {
    guard variableCount <= context.variableCapacity, let previous = context.enter(frameSize) else {
      return nil
    }
    let result = root.int(context)
    context.leave(frameSize, previous)
    return result
  }

  /// Evaluates a condition.
  public func decide(_ context: EvaluationContext) -> Decision {
    guard variableCount <= context.variableCapacity, let previous = context.enter(frameSize) else {
      return .failed(EvaluationError(.host, "expressions are nested too deep"))
    }
    let result = root.bool(context)
    context.leave(frameSize, previous)
    if let result { return result ? .holds : .fails }
    switch context.takeAbrupt() {
    case .unknown(let set): return .unknown(set)
    case .error(let error): return .failed(error)
    default: return .failed(.noSuchOverload)
    }
  }
}

/// Programs that are decided one after another.
public typealias ProgramRow = ObjectRow<Program>

extension ObjectRow<Program> {
  /// Evaluates the condition at a place in `0..<count`.
  @inlinable @inline(__always)
  public func decide(_ place: Int, _ context: EvaluationContext) -> Decision {
    at(place) { $0.decide(context) }
  }
}

/// The outcome of a condition.
public enum Decision: Sendable {
  case holds
  case fails
  /// Depends on missing facts: knowing some of them would settle it.
  case unknown(UnknownSet)
  case failed(EvaluationError)
}

/// All problems of an expression.
public struct CompileFailure: Error, Sendable, CustomStringConvertible {
  /// The text that did not compile.
  public let source: SourceText
  /// At least one, in order of position.
  public let diagnostics: [Diagnostic]
  /// Every problem with its source line and a caret.
  public var description: String {
    diagnostics.map { source.render($0) }.joined(separator: "\n")
  }
}

extension TypeEnvironment {
  /// Parses, checks and plans an expression; `expected` is the type its place asks for.
  public func compile(
    _ text: String, expecting expected: CELType? = nil
  ) throws(CompileFailure) -> Program {
    let (tree, problems) = Parser.parse(text, limits: limits)
    guard problems.isEmpty else { throw failure(tree, problems, expected) }
    let (checked, found) = Checker.check(tree, self, expecting: expected)
    guard found.isEmpty else {
      throw CompileFailure(source: tree.source, diagnostics: Diagnostic.inOrder(found))
    }
    let (program, planned) = Planner.plan(checked, self, source: text)
    guard planned.isEmpty else {
      throw CompileFailure(source: tree.source, diagnostics: Diagnostic.inOrder(planned))
    }
    return program
  }

  /// After a syntax error the readable parts are still checked, to tell all problems in one run.
  private func failure(
    _ tree: SyntaxTree, _ problems: [Diagnostic], _ expected: CELType?
  ) -> CompileFailure {
    let fatal: Set<DiagnosticCode> = [.tooDeep, .tooLong]
    guard !problems.contains(where: { fatal.contains($0.code) }) else {
      return CompileFailure(source: tree.source, diagnostics: problems)
    }
    let (_, found) = Checker.check(tree, self)
    return CompileFailure(
      source: tree.source, diagnostics: Diagnostic.inOrder(problems + found))
  }

  /// Parses and checks only: the tree for tools, and all problems.
  public func check(
    _ text: String, expecting expected: CELType? = nil
  ) -> (tree: CheckedTree, diagnostics: [Diagnostic]) {
    let (tree, problems) = Parser.parse(text, limits: limits)
    let (checked, found) = Checker.check(tree, self, expecting: expected)
    return (checked, Diagnostic.inOrder(problems + found))
  }
}

extension Diagnostic {
  static func inOrder(_ diagnostics: [Diagnostic]) -> [Diagnostic] {
    diagnostics.sorted { ($0.span.start, $0.span.end) < ($1.span.start, $1.span.end) }
  }
}
