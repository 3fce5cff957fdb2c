/// A place where an expression goes through a list that is a field of a variable, and asks
/// something of each element alone, as in
/// `household.visits.filter(v, v.weight > 0 && v.date <= event.date)`.
public struct ListUse: Sendable {
  /// The variable whose field the list is.
  public let variable: String
  /// The field.
  public let field: String
  /// Conditions that name nothing but the element, which they call as the caller does: the
  /// expression goes on as if an element that fails one of them were not in the list.
  public let conditions: [String]
}

/// A condition that a list has so many elements, or that a number of each adds up to so much:
/// `size(list.filter(x, ...)) >= limit`, or `list.filter(x, ...).map(y, y.number).sum() >= limit`.
public struct ListThreshold: Sendable {
  /// Which elements count at most.
  public let use: ListUse
  /// What is added up; nil where elements are counted.
  public let number: String?
  /// What must be reached, as written.
  public let limit: String
}

extension ListUse {
  /// The places where an expression reads a field of that name; nil where one of them may go by
  /// elements of which it asks nothing.
  ///
  /// - Parameter element: what conditions call an element.
  public static func all(
    of field: String, in text: String, calling element: String
  ) -> [ListUse]? {
    let tree = Parser.parse(text).tree
    var uses: [ListUse] = []
    return collect(field, tree.root, tree.source, element, &uses) ? uses : nil
  }

  /// False where the field is read in another way.
  private static func collect(
    _ field: String, _ expr: Expr, _ source: SourceText, _ element: String,
    _ uses: inout [ListUse]
  ) -> Bool {
    switch expr.kind {
    case .select(_, field, _, _):
      return false
    case .comprehension(let loop):
      guard let use = ListUse(loop, source, element), use.field == field else { break }
      if use.conditions.isEmpty { return false }
      uses.append(use)
      return collect(field, loop.body, source, element, &uses)
    default: break
    }
    return expr.parts.allSatisfy { collect(field, $0, source, element, &uses) }
  }

  /// Nil for other loops.
  fileprivate init?(_ loop: Comprehension, _ source: SourceText, _ element: String) {
    guard loop.kind == .filter || loop.kind == .exists, loop.variables.count == 1,
      case .select(let operand, let field, optional: false, test: false) = loop.range.kind,
      case .ident(let variable, absolute: false) = operand.kind
    else { return nil }
    var terms = [loop.body]
    if case .logic(and: true, let parts) = loop.body.kind { terms = parts }
    self.variable = variable
    self.field = field
    conditions = terms.compactMap { $0.text(in: source, calling: loop.variables[0], element) }
  }
}

extension ListThreshold {
  /// - Parameters:
  ///   - element: what conditions and number call an element.
  ///   - definitions: the texts of names that the condition may use.
  public init?(_ condition: String, calling element: String, definitions: [String: String]) {
    let tree = Parser.parse(condition).tree
    guard case .call(let name, nil, let sides) = tree.root.kind, sides.count == 2,
      name == "_>=_" || name == "_>_"
    else { return nil }
    let reader = Reader(definitions: definitions)
    var measured = reader.resolve((sides[0], tree.source))
    var number: String?
    if let added = Reader.argument(of: "sum", measured.expr) {
      measured = reader.resolve((added, measured.source))
      guard case .comprehension(let loop) = measured.expr.kind, loop.kind == .map,
        loop.variables.count == 1, loop.condition == nil,
        let text = loop.body.text(in: measured.source, calling: loop.variables[0], element)
      else { return nil }
      number = text
      measured.expr = loop.range
    } else {
      guard let counted = Reader.argument(of: "size", measured.expr) else { return nil }
      measured.expr = counted
    }
    measured = reader.resolve(measured)
    guard case .comprehension(let loop) = measured.expr.kind, loop.kind == .filter,
      let use = ListUse(loop, measured.source, element)
    else { return nil }
    self.use = use
    self.number = number
    limit = tree.source.text(sides[1].span)
  }

  /// Finds what names stand for.
  private struct Reader {
    let definitions: [String: String]

    typealias Place = (expr: Expr, source: SourceText)

    func resolve(_ place: Place) -> Place {
      var place = place
      // A name is defined by those before it.
      for _ in 0...definitions.count {
        guard case .ident(let name, absolute: false) = place.expr.kind,
          let text = definitions[name]
        else { break }
        let tree = Parser.parse(text).tree
        place = (tree.root, tree.source)
      }
      return place
    }

    /// What `name(x)` or `x.name()` is about.
    static func argument(of name: String, _ expr: Expr) -> Expr? {
      guard case .call(name, let target, let arguments) = expr.kind else { return nil }
      return target == nil && arguments.count == 1
        ? arguments[0] : arguments.isEmpty ? target : nil
    }
  }
}

extension Expr {
  /// What is written, with another name in the place of the only one that it mentions; nil where it
  /// mentions others.
  fileprivate func text(
    in source: SourceText, calling name: String, _ other: String
  ) -> String? {
    let names = names
    guard names.allSatisfy({ $0.name == name }) else { return nil }
    var text = ""
    var written = span.start
    for place in names.map(\.span).sorted(by: { $0.start < $1.start }) {
      text += source.text(from: written, to: place.start) + other
      written = place.end
    }
    return text + source.text(from: written, to: span.end)
  }

  /// All names that it mentions, also those that it binds.
  private var names: [(name: String, span: Span)] {
    if case .ident(let name, _) = kind { return [(name, focus)] }
    return parts.flatMap(\.names)
  }
}
