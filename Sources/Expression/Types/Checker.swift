/// A field that an expression may read.
public struct FieldRead: Hashable, Sendable {
  /// The object type's name and number.
  public let object: String
  /// `ObjectRef.type` of its objects.
  public let typeID: UInt16
  /// Name of the field.
  public let field: String
  /// What the host is asked for.
  public let slot: UInt16
}

/// What an expression may read; definitions of variables are counted in.
public struct Dependencies: Sendable {
  /// Fields of host objects.
  public var fields: Set<FieldRead> = []
  /// Names of variables, including lazily defined ones.
  public var variables: Set<String> = []
  /// Reads `today` or `now`, or something computed from them.
  public var dependsOnTime = false

  mutating func formUnion(_ other: Dependencies) {
    fields.formUnion(other.fields)
    variables.formUnion(other.variables)
    dependsOnTime = dependsOnTime || other.dependsOnTime
  }
}

/// What a name, field or call of the tree stands for.
enum Reference: Sendable {
  case variable(VariableDeclaration)
  case local
  case today
  case now
  case type(TypeValue)
  case field(typeID: UInt16, FieldDeclaration)
  /// The overloads that may apply; `isInstance` false where the target was a name space.
  case function(name: String, [FunctionOverload], isInstance: Bool)
}

/// A tree whose every node has a type.
public struct CheckedTree: Sendable {
  /// The tree without types.
  public let syntax: SyntaxTree
  /// By node id.
  let types: [CELType]
  let references: [Reference?]
  /// All it may read.
  public let dependencies: Dependencies
  /// Type problems were left to the run.
  public let isLenient: Bool

  /// Type of the whole.
  public var type: CELType { types[syntax.root.id] }

  func type(_ expr: Expr) -> CELType { types[expr.id] }
  func reference(_ expr: Expr) -> Reference? { references[expr.id] }
}

/// Assigns types and meanings to the nodes of a tree and finds all that do not fit.
struct Checker {
  let environment: TypeEnvironment
  let source: SourceText
  var substitution = Substitution()
  var types: [CELType]
  var references: [Reference?]
  var dependencies = Dependencies()
  var diagnostics: [Diagnostic] = []
  /// Innermost last.
  var locals: [(name: String, type: CELType)] = []

  /// Checks a tree; `expected` is the type its place asks for.
  static func check(
    _ tree: SyntaxTree, _ environment: TypeEnvironment, expecting expected: CELType? = nil
  ) -> (CheckedTree, [Diagnostic]) {
    var checker = Checker(tree, environment)
    let type = checker.visit(tree.root)
    if let expected { checker.checkResult(tree.root, type, expected) }
    let final = checker.types.map { checker.substitution.apply($0, final: true) }
    let checked = CheckedTree(
      syntax: tree, types: final, references: checker.references,
      dependencies: checker.dependencies, isLenient: environment.isLenient)
    return (checked, checker.diagnostics)
  }

  private init(_ tree: SyntaxTree, _ environment: TypeEnvironment) {
    self.environment = environment
    self.source = tree.source
    types = Array(repeating: .error, count: tree.nodeCount)
    references = Array(repeating: nil, count: tree.nodeCount)
  }

  private mutating func checkResult(_ root: Expr, _ type: CELType, _ expected: CELType) {
    if substitution.assign(type, to: expected) { return }
    let shown = substitution.apply(type, final: true)
    report(
      .resultType, "this place takes \(expected), but the expression is \(shown)", root.span,
      hint: expected == .string ? "convert with string(...)" : nil)
  }

  mutating func report(
    _ code: DiagnosticCode, _ message: String, _ span: Span, hint: String? = nil
  ) {
    if environment.isLenient { return }
    diagnostics.append(source.diagnostic(code, message, span, hint: hint))
  }

  /// The type for a node with a problem.
  var failure: CELType { environment.isLenient ? .dyn : .error }

  func shown(_ type: CELType) -> String { substitution.apply(type, final: true).description }

  @discardableResult
  mutating func visit(_ expr: Expr) -> CELType {
    let type = infer(expr)
    types[expr.id] = type
    return type
  }

  private mutating func infer(_ expr: Expr) -> CELType {
    switch expr.kind {
    case .literal(let literal): return Checker.type(of: literal)
    case .ident(let name, let absolute): return identifier(expr, name, absolute)
    case .select(let operand, let field, let optional, let test):
      return select(expr, operand, field, optional: optional, test: test)
    case .index(let operand, let index, let optional):
      return self.index(expr, operand, index, optional: optional)
    case .call(let name, let target, let arguments):
      return call(expr, name, target, arguments)
    case .logic(let and, let terms):
      for term in terms { requireBool(term, "an operand of '\(and ? "&&" : "||")'") }
      return .bool
    case .conditional(let condition, let yes, let no):
      requireBool(condition, "the condition before '?'")
      return conditional(expr, yes, no)
    case .list(let elements): return list(elements)
    case .map(let entries): return map(entries)
    case .message(let name, _, let fields):
      for field in fields { visit(field.value) }
      report(
        .undeclared, "there is no message type '\(name)' to make", expr.focus,
        hint: "expressions cannot build objects; use a map {'a': 1}")
      return failure
    case .comprehension(let parts): return comprehension(expr, parts)
    case .bind(let name, let value, let body):
      let type = visit(value)
      return scoped([(name, type)]) { $0.visit(body) }
    case .optionalMap(let target, let name, let body, let flat):
      return optionalMap(target, name, body, flat: flat)
    case .invalid: return .error
    }
  }

  private static func type(of literal: Literal) -> CELType {
    switch literal {
    case .null: .null
    case .bool: .bool
    case .int: .int
    case .uint: .uint
    case .double: .double
    case .string: .string
    case .bytes: .bytes
    }
  }

  mutating func scoped(
    _ names: [(String, CELType)], _ body: (inout Checker) -> CELType
  ) -> CELType {
    for (name, type) in names { locals.append((name, type)) }
    let result = body(&self)
    locals.removeLast(names.count)
    return result
  }

  mutating func requireBool(_ expr: Expr, _ place: String) {
    let type = visit(expr)
    if !substitution.assign(type, to: .bool) {
      report(
        .type, "\(place) must be bool, not \(shown(type))", expr.span,
        hint: substitution.apply(type) == .int ? "compare it, as in x > 0" : nil)
    }
  }

  // MARK: Names

  /// The meaning of a qualified name, or nil.
  private mutating func resolve(_ name: String, absolute: Bool) -> (CELType, Reference)? {
    for candidate in environment.candidates(name, absolute: absolute) {
      if let variable = environment.variables[candidate] {
        dependencies.variables.insert(candidate)
        if let definition = variable.definition {
          dependencies.formUnion(definition.dependencies)
        }
        return (variable.type, .variable(variable))
      }
      if let type = TypeEnvironment.typeNames[candidate] {
        return (.type(type.type), .type(type.value))
      }
      if candidate == "today" || candidate == "now" {
        dependencies.dependsOnTime = true
        return candidate == "today" ? (.date, .today) : (.timestamp, .now)
      }
    }
    return nil
  }

  private mutating func identifier(_ expr: Expr, _ name: String, _ absolute: Bool) -> CELType {
    if !absolute, let local = locals.last(where: { $0.name == name }) {
      references[expr.id] = .local
      return local.type
    }
    if let (type, reference) = resolve(name, absolute: absolute) {
      references[expr.id] = reference
      return type
    }
    let known =
      locals.map(\.name) + Array(environment.variables.keys) + ["today", "now"]
    report(
      .undeclared, "'\(name)' is not declared", expr.focus,
      hint: suggestion(name, known) ?? wordHint(name) ?? inventory(known))
    return failure
  }

  /// What may be named here, where that is a list to be read at a glance.
  private func inventory(_ known: [String]) -> String? {
    known.count > 12 ? nil : "known here: " + known.sorted().joined(separator: " ")
  }

  private func wordHint(_ name: String) -> String? {
    switch name {
    case "True", "TRUE": "write true"
    case "False", "FALSE": "write false"
    case "nil", "None", "NULL": "write null"
    default: nil
    }
  }

  func isLocal(rootOf expr: Expr) -> Bool {
    switch expr.kind {
    case .ident(let name, let absolute):
      !absolute && locals.contains { $0.name == name }
    case .select(let operand, _, _, _): isLocal(rootOf: operand)
    default: false
    }
  }

  private mutating func select(
    _ expr: Expr, _ operand: Expr, _ field: String, optional: Bool, test: Bool
  ) -> CELType {
    if !test, !optional, !isLocal(rootOf: expr),
      let (name, absolute) = Parser.qualifiedName(expr),
      let (type, reference) = resolve(name, absolute: absolute)
    {
      references[expr.id] = reference
      return type
    }
    let operandType = substitution.apply(visit(operand))
    var result = fieldType(expr, operandType, field)
    if optional, case .optional = result {} else if optional { result = .optional(result) }
    return test ? .bool : result
  }

  private mutating func fieldType(_ expr: Expr, _ type: CELType, _ field: String) -> CELType {
    switch type {
    case .optional(let inner):
      let result = fieldType(expr, substitution.apply(inner), field)
      if case .optional = result { return result }
      return .optional(result)
    case .nullable(let inner): return fieldType(expr, inner, field)
    case .map(_, let value): return value
    case .object(let name): return objectField(expr, name, field)
    case .variable:
      _ = substitution.assign(.dyn, to: type)
      return .dyn
    case .dyn: return .dyn
    case .error: return failure
    default:
      report(
        .type, "\(shown(type)) has no fields, so '.\(field)' means nothing", expr.focus,
        hint: hintForMethod(field))
      return failure
    }
  }

  private func hintForMethod(_ field: String) -> String? {
    environment.functions[field]?.contains { $0.isInstance } == true
      ? "to call the function, write .\(field)()" : nil
  }

  private mutating func objectField(_ expr: Expr, _ name: String, _ field: String) -> CELType {
    guard let object = environment.objects[name] else { return .dyn }
    guard let declaration = object.fields[field] else {
      report(
        .undeclaredField, "\(name) has no field '\(field)'", expr.focus,
        hint: suggestion(field, Array(object.fields.keys)))
      return failure
    }
    references[expr.id] = .field(typeID: object.typeID, declaration)
    dependencies.fields.insert(
      FieldRead(object: name, typeID: object.typeID, field: field, slot: declaration.slot))
    if declaration.dependsOnTime { dependencies.dependsOnTime = true }
    return declaration.type
  }
}
