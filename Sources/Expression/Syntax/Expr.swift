/// A literal constant of the source.
public enum Literal: Hashable, Sendable {
  case null
  case bool(Bool)
  case int(Int64)
  case uint(UInt64)
  case double(Double)
  case string(String)
  case bytes([UInt8])
}

/// The loops of the language, kept as such instead of being expanded into folds: they are easier to
/// type-check, to explain and to run fast.
public enum ComprehensionKind: String, Sendable {
  case all, exists, existsOne, filter, map, transformList, transformMap, transformMapEntry
}

/// `range.kind(variable, [second,] [condition,] body)`.
public struct Comprehension: Sendable {
  /// Which loop.
  public let kind: ComprehensionKind
  /// What it runs over.
  public let range: Expr
  /// One name, or two in the two-variable forms (index or key first).
  public let variables: [String]
  /// Where the variables are named.
  public let variableSpans: [Span]
  /// The filter of three-argument `map` and of the transforms.
  public let condition: Expr?
  /// What each round computes.
  public let body: Expr
}

/// A node of the syntax tree.
public struct Expr: Sendable {
  /// What a node is.
  public indirect enum Kind: Sendable {
    case literal(Literal)
    /// A name; `absolute` where written with a leading dot.
    case ident(String, absolute: Bool)
    /// `operand.field`, `operand.?field`, or `has(operand.field)`.
    case select(Expr, field: String, optional: Bool, test: Bool)
    case index(Expr, Expr, optional: Bool)
    /// Operators have the names of cel-spec (`_+_`, `!_`); `target` is the receiver.
    case call(String, target: Expr?, arguments: [Expr])
    /// `a && b && c` (or `||`), flat.
    case logic(and: Bool, [Expr])
    case conditional(Expr, Expr, Expr)
    case list([(element: Expr, optional: Bool)])
    case map([(key: Expr, value: Expr, optional: Bool)])
    case message(String, absolute: Bool, [(field: String, value: Expr, optional: Bool)])
    case comprehension(Comprehension)
    /// `cel.bind(name, value, body)`.
    case bind(String, Expr, Expr)
    /// `target.optMap(name, body)` and `optFlatMap`.
    case optionalMap(Expr, String, Expr, flat: Bool)
    /// Stands for a part that did not parse.
    case invalid
  }
  /// Index of this node; nodes of one expression are numbered from 0.
  public let id: Int
  /// All of the node, with its parentheses.
  public let span: Span
  /// What it is, with its parts.
  public let kind: Kind
  /// Height of the tree below and including this node.
  let depth: Int
  /// Comprehensions inside one another, at most.
  let loops: Int

  /// Where to point at for this node: the operator, the function's or the field's name.
  let focus: Span
}

extension Expr {
  /// The nodes right below this one, as written.
  var parts: [Expr] {
    switch kind {
    case .literal, .ident, .invalid: []
    case .select(let operand, _, _, _): [operand]
    case .index(let a, let b, _): [a, b]
    case .call(_, let target, let arguments): (target.map { [$0] } ?? []) + arguments
    case .logic(_, let terms): terms
    case .conditional(let a, let b, let c): [a, b, c]
    case .list(let elements): elements.map(\.element)
    case .map(let entries): entries.flatMap { [$0.key, $0.value] }
    case .message(_, _, let fields): fields.map(\.value)
    case .comprehension(let loop):
      [loop.range] + (loop.condition.map { [$0] } ?? []) + [loop.body]
    case .bind(_, let value, let body): [value, body]
    case .optionalMap(let target, _, let body, _): [target, body]
    }
  }
}

/// A parsed expression.
public struct SyntaxTree: Sendable {
  /// The text it was read from.
  public let source: SourceText
  /// The whole expression.
  public let root: Expr
  /// Number of nodes; ids are below it.
  public let nodeCount: Int
}
