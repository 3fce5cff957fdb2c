extension TypeEnvironment {
  /// What an expression says that can hardly be meant: conditions that never or always hold, terms
  /// implied by others, loop variables not read. Nothing for one that does not compile.
  public func warnings(of text: String) -> [Diagnostic] {
    let (tree, problems) = check(text)
    guard problems.isEmpty else { return [] }
    var finder = WarningFinder(source: tree.syntax.source)
    finder.visit(tree.syntax.root)
    return Diagnostic.inOrder(finder.found)
  }
}

extension Program {
  /// As `TypeEnvironment.warnings(of:)`, for an expression that has been compiled.
  public var warnings: [Diagnostic] {
    let (tree, problems) = Parser.parse(source, limits: .lifted)
    guard problems.isEmpty else { return [] }
    var finder = WarningFinder(source: tree.source)
    finder.visit(tree.root)
    return Diagnostic.inOrder(finder.found)
  }
}

/// Two conditions that have to do with each other, such as two clauses of one rule, compared as far
/// as comparisons with constants tell.
public struct ConditionPair {
  private let isSame: Bool
  /// The first is a single comparison, no chain of them.
  private let firstIsSingle: Bool
  /// What both together look like.
  private let found: [Diagnostic]
  /// What each looks like alone.
  private let alone: [Diagnostic]
  /// Where the second begins in the joined text.
  private let second: Int

  public init(_ first: Program, _ second: Program) {
    let (left, isSingle) = ConditionPair.term(first.source)
    let (right, _) = ConditionPair.term(second.source)
    isSame = first.source == second.source
    firstIsSingle = isSingle
    self.second = left.unicodeScalars.count + 4
    alone = first.warnings + second.warnings
    let (tree, problems) = Parser.parse(left + " && " + right, limits: .lifted)
    var finder = WarningFinder(source: tree.source)
    if problems.isEmpty { finder.visit(tree.root) }
    found = finder.found
  }

  /// They cannot both hold.
  public var excludeEachOther: Bool {
    found.count { $0.code == .never } > alone.count { $0.code == .never }
  }

  /// Where the second holds the first does.
  public var secondImpliesFirst: Bool {
    isSame
      || firstIsSingle && found.contains { $0.code == .redundant && $0.span.start < second }
  }

  /// The text as a term of a chain of `&&`, and whether it is no chain itself.
  private static func term(_ source: String) -> (text: String, isSingle: Bool) {
    let (tree, problems) = Parser.parse(source, limits: .lifted)
    guard problems.isEmpty else { return ("(\(source))", false) }
    switch tree.root.kind {
    case .logic(and: true, _): return (source, false)
    case .logic, .conditional: return ("(\(source))", false)
    default: return (source, true)
    }
  }
}

/// What one comparison says about the value of one operand.
private struct Claim {
  /// The operand as written, without blanks.
  let subject: String
  let expr: Expr
  var allowed: Allowed

  enum Allowed {
    case ints(ClosedRange<Int64>)
    case texts(Set<String>)
    /// All but one text.
    case notText(String)
    case bool(Bool)
  }
}

/// Walks a tree in search of conditions that are not what they seem.
private struct WarningFinder {
  let source: SourceText
  private(set) var found: [Diagnostic] = []

  init(source: SourceText) { self.source = source }

  private mutating func warn(
    _ code: DiagnosticCode, _ message: String, _ expr: Expr, hint: String? = nil
  ) {
    found.append(source.diagnostic(code, message, expr.span, hint: hint))
  }

  mutating func visit(_ expr: Expr) {
    switch expr.kind {
    case .literal, .ident, .invalid: break
    case .select(let operand, _, _, _): visit(operand)
    case .index(let a, let b, _):
      visit(a)
      visit(b)
    case .call(let name, let target, let arguments):
      comparison(expr, name, arguments)
      for part in (target.map { [$0] } ?? []) + arguments { visit(part) }
    case .logic(let and, let terms):
      combination(terms, and: and)
      for term in terms { visit(term) }
    case .conditional(let a, let b, let c): for part in [a, b, c] { visit(part) }
    case .list(let elements): for (element, _) in elements { visit(element) }
    case .map(let entries):
      for entry in entries {
        visit(entry.key)
        visit(entry.value)
      }
    case .message(_, _, let fields): for field in fields { visit(field.value) }
    case .comprehension(let parts): loop(parts)
    case .bind(_, let value, let body):
      visit(value)
      visit(body)
    case .optionalMap(let target, _, let body, _):
      visit(target)
      visit(body)
    }
  }

  // MARK: Single comparisons

  private mutating func comparison(_ expr: Expr, _ name: String, _ arguments: [Expr]) {
    guard let op = CompareOperator(name), arguments.count == 2 else { return }
    let left = key(arguments[0])
    if left == key(arguments[1]), WarningFinder.isPath(arguments[0]) {
      let holds = op == .equal || op == .lessOrEqual || op == .greaterOrEqual
      warn(holds ? .always : .never, "both sides are the same", expr)
      return
    }
    guard let claim = claim(expr), case .ints(let range) = claim.allowed else { return }
    let domain = WarningFinder.domain(claim)
    if !range.overlaps(domain) {
      warn(.never, "a size is never negative", expr)
    } else if range.lowerBound <= domain.lowerBound, range.upperBound >= domain.upperBound {
      warn(.always, "a size is never negative", expr)
    }
  }

  /// What can be known of a subject beforehand.
  private static func domain(_ claim: Claim) -> ClosedRange<Int64> {
    claim.subject.hasPrefix("size(") || claim.subject.hasSuffix(".size()") ? 0...Int64.max : .full
  }

  private func key(_ expr: Expr) -> String { source.text(expr.span).filter { !$0.isWhitespace } }

  /// A chain of names and fields, or the size of one: the same text has the same value.
  private static func isPath(_ expr: Expr) -> Bool {
    switch expr.kind {
    case .ident: true
    case .select(let operand, _, _, test: false): isPath(operand)
    case .call("size", let target, let arguments):
      ((target.map { [$0] } ?? []) + arguments).allSatisfy(isPath)
    default: false
    }
  }

  private func claim(_ expr: Expr) -> Claim? {
    switch expr.kind {
    case .call("!_", _, let arguments):
      guard arguments.count == 1, WarningFinder.isPath(arguments[0]) else { return nil }
      return Claim(subject: key(arguments[0]), expr: expr, allowed: .bool(false))
    case .call("@in", _, let arguments):
      guard arguments.count == 2, WarningFinder.isPath(arguments[0]),
        case .list(let elements) = arguments[1].kind
      else { return nil }
      var texts: Set<String> = []
      for (element, _) in elements {
        guard case .literal(.string(let text)) = element.kind else { return nil }
        texts.insert(text)
      }
      return Claim(subject: key(arguments[0]), expr: expr, allowed: .texts(texts))
    case .call(let name, _, let arguments):
      guard var op = CompareOperator(name), arguments.count == 2 else { return nil }
      var (path, constant) = (arguments[0], arguments[1])
      if case .literal = path.kind {
        swap(&path, &constant)
        op = op.flipped
      }
      guard WarningFinder.isPath(path), case .literal(let literal) = constant.kind,
        let allowed = WarningFinder.allowed(op, literal)
      else { return nil }
      return Claim(subject: key(path), expr: expr, allowed: allowed)
    case .ident, .select(_, _, _, test: false):
      guard WarningFinder.isPath(expr) else { return nil }
      return Claim(subject: key(expr), expr: expr, allowed: .bool(true))
    default: return nil
    }
  }

  private static func allowed(_ op: CompareOperator, _ literal: Literal) -> Claim.Allowed? {
    switch (op, literal) {
    case (.equal, .string(let text)): .texts([text])
    case (.notEqual, .string(let text)): .notText(text)
    case (.equal, .int(let value)): .ints(value...value)
    case (.lessOrEqual, .int(let value)): .ints(Int64.min...value)
    case (.greaterOrEqual, .int(let value)): .ints(value...Int64.max)
    case (.less, .int(let value)): value == .min ? nil : .ints(Int64.min...(value - 1))
    case (.greater, .int(let value)): value == .max ? nil : .ints((value + 1)...Int64.max)
    default: nil
    }
  }

  // MARK: Terms together

  private mutating func combination(_ terms: [Expr], and: Bool) {
    var seen: Set<String> = []
    for term in terms where !seen.insert(key(term)).inserted {
      warn(.redundant, "this term stands here twice", term)
    }
    var known: [String: Claim] = [:]
    for term in terms {
      // For `||`, a chain always holds where the opposites can never hold together.
      guard let own = claim(term), let claim = and ? own : WarningFinder.opposite(own) else {
        continue
      }
      guard let previous = known[claim.subject] else {
        known[claim.subject] = claim
        continue
      }
      known[claim.subject] = relate(previous, claim, and: and)
    }
  }

  private static func opposite(_ claim: Claim) -> Claim? {
    var result = claim
    switch claim.allowed {
    case .bool(let value): result.allowed = .bool(!value)
    case .notText(let text): result.allowed = .texts([text])
    case .texts(let texts):
      guard texts.count == 1, let only = texts.first else { return nil }
      result.allowed = .notText(only)
    case .ints(let range):
      if range.lowerBound == .min, range.upperBound < .max {
        result.allowed = .ints((range.upperBound + 1)...Int64.max)
      } else if range.upperBound == .max, range.lowerBound > .min {
        result.allowed = .ints(Int64.min...(range.lowerBound - 1))
      } else {
        return nil
      }
    }
    return result
  }

  /// Joins two claims about one subject; tells where they exclude or imply one another.
  private mutating func relate(_ a: Claim, _ b: Claim, and: Bool) -> Claim {
    var joined = b
    var isEmpty = false
    var implied: Claim?
    switch (a.allowed, b.allowed) {
    case (.ints(let x), .ints(let y)):
      if x.overlaps(y) {
        joined.allowed = .ints(x.clamped(to: y))
        implied = x.isInside(y) ? b : (y.isInside(x) ? a : nil)
      } else {
        isEmpty = true
      }
    case (.texts(let x), .texts(let y)):
      joined.allowed = .texts(x.intersection(y))
      isEmpty = x.isDisjoint(with: y)
      implied = x.isSubset(of: y) ? b : (y.isSubset(of: x) ? a : nil)
    case (.texts(let x), .notText(let y)), (.notText(let y), .texts(let x)):
      joined.allowed = .texts(x.subtracting([y]))
      isEmpty = x == [y]
      if !x.contains(y) { implied = if case .notText = a.allowed { a } else { b } }
    case (.bool(let x), .bool(let y)): isEmpty = x != y
    default: return b
    }
    let other = source.text(a.expr.span)
    if isEmpty {
      warn(
        and ? .never : .always,
        and
          ? "this can never hold together with '\(other)'"
          : "with '\(other)', one of the two always holds", b.expr)
    } else if let implied, key(a.expr) != key(b.expr) {
      let stronger = implied.expr.id == b.expr.id ? a : b
      let text = source.text(stronger.expr.span)
      warn(
        .redundant,
        and ? "'\(text)' already implies this" : "this already holds wherever '\(text)' does not",
        implied.expr)
    }
    return joined
  }

  // MARK: Loops

  private mutating func loop(_ parts: Comprehension) {
    visit(parts.range)
    if let condition = parts.condition { visit(condition) }
    visit(parts.body)
    var names: Set<String> = []
    WarningFinder.collectNames(parts.body, &names)
    if let condition = parts.condition { WarningFinder.collectNames(condition, &names) }
    let isPair = parts.variables.count == 2
    if isPair ? names.isDisjoint(with: parts.variables) : !names.contains(parts.variables[0]) {
      found.append(
        source.diagnostic(
          .unusedVariable, "'\(parts.variables[0])' is not used in the loop",
          parts.variableSpans[0]))
    }
  }

  private static func collectNames(_ expr: Expr, _ names: inout Set<String>) {
    switch expr.kind {
    case .literal, .invalid: break
    case .ident(let name, _): names.insert(name)
    case .select(let operand, _, _, _): collectNames(operand, &names)
    case .index(let a, let b, _): for part in [a, b] { collectNames(part, &names) }
    case .call(_, let target, let arguments):
      for part in (target.map { [$0] } ?? []) + arguments { collectNames(part, &names) }
    case .logic(_, let terms): for term in terms { collectNames(term, &names) }
    case .conditional(let a, let b, let c):
      for part in [a, b, c] { collectNames(part, &names) }
    case .list(let elements): for (element, _) in elements { collectNames(element, &names) }
    case .map(let entries):
      for entry in entries { for part in [entry.key, entry.value] { collectNames(part, &names) } }
    case .message(_, _, let fields): for field in fields { collectNames(field.value, &names) }
    case .comprehension(let parts):
      collectNames(parts.range, &names)
      collectNames(parts.body, &names)
      if let condition = parts.condition { collectNames(condition, &names) }
    case .bind(_, let value, let body): for part in [value, body] { collectNames(part, &names) }
    case .optionalMap(let target, _, let body, _):
      for part in [target, body] { collectNames(part, &names) }
    }
  }
}

extension ClosedRange<Int64> {
  fileprivate static let full = Int64.min...Int64.max

  fileprivate func isInside(_ other: ClosedRange<Int64>) -> Bool {
    lowerBound >= other.lowerBound && upperBound <= other.upperBound
  }
}
