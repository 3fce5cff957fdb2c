/// Calls, operators and literals of collections.
extension Checker {
  mutating func call(
    _ expr: Expr, _ name: String, _ target: Expr?, _ arguments: [Expr]
  ) -> CELType {
    if let target, !isLocal(rootOf: target), let (space, absolute) = Parser.qualifiedName(target) {
      for candidate in environment.candidates(space + "." + name, absolute: absolute)
      where environment.functions[candidate] != nil {
        let types = arguments.map { visit($0) }
        return resolve(expr, candidate, types, isInstance: false)
      }
    }
    if let target, case .ident(let space, _) = target.kind, !isLocal(rootOf: target),
      environment.variables[space] == nil, Checker.nameSpaces.contains(space)
    {
      for argument in arguments { visit(argument) }
      return resolve(expr, space + "." + name, [], isInstance: false)
    }
    if let target {
      let types = ([target] + arguments).map { visit($0) }
      return resolve(expr, name, types, isInstance: true)
    }
    let types = arguments.map { visit($0) }
    let absolute = name.hasPrefix(".")
    let plain = absolute ? String(name.dropFirst()) : name
    for candidate in environment.candidates(plain, absolute: absolute)
    where environment.functions[candidate] != nil {
      return resolve(expr, candidate, types, isInstance: false)
    }
    return resolve(expr, plain, types, isInstance: false)
  }

  /// First parts of the names of functions of the standard library.
  private static let nameSpaces: Set<String> = [
    "base64", "cel", "lists", "math", "optional", "strings",
  ]

  private mutating func resolve(
    _ expr: Expr, _ name: String, _ types: [CELType], isInstance: Bool
  ) -> CELType {
    let all = environment.functions[name] ?? []
    guard !all.isEmpty else {
      let known = environment.functions.keys.filter {
        Checker.symbol($0) == nil && !$0.hasPrefix("@")
      }
      references[expr.id] = .function(name: name, [], isInstance: isInstance)
      report(
        .undeclaredFunction, "there is no function '\(name)'", expr.focus,
        hint: suggestion(name, Array(known)))
      return failure
    }
    if name == "math.greatest" || name == "math.least" {
      return extremum(expr, name, all, types)
    }
    if types.contains(.error) {
      references[expr.id] = .function(name: name, all, isInstance: isInstance)
      return commonResult(all.filter { $0.isInstance == isInstance })
    }
    if !types.isEmpty, types.allSatisfy(\.isPlain),
      let exact = all.first(where: { $0.isInstance == isInstance && $0.parameters == types })
    {
      // With plain types on both sides no other overload can match as well.
      references[expr.id] = .function(name: name, [exact], isInstance: isInstance)
      if exact.dependsOnTime { dependencies.dependsOnTime = true }
      return exact.result
    }
    var matching: [FunctionOverload] = []
    var result: CELType?
    for overload in all where overload.isInstance == isInstance {
      let signature = substitution.instantiate(overload.parameters + [overload.result])
      guard substitution.assign(types, to: Array(signature.dropLast())) else { continue }
      matching.append(overload)
      let own = substitution.apply(signature[signature.count - 1])
      if let known = result { result = known == own ? known : .dyn } else { result = own }
    }
    if matching.isEmpty {
      let usable = environment.isLenient ? all.filter { $0.isInstance == isInstance } : []
      references[expr.id] = .function(name: name, usable, isInstance: isInstance)
      reportNoOverload(expr, name, all, types, isInstance: isInstance)
      return failure
    }
    references[expr.id] = .function(name: name, matching, isInstance: isInstance)
    if matching.contains(where: \.dependsOnTime) { dependencies.dependsOnTime = true }
    return result ?? .dyn
  }

  /// With a broken argument, at least say what every overload would give.
  private func commonResult(_ overloads: [FunctionOverload]) -> CELType {
    let results = Set(overloads.map(\.result))
    if results.count == 1, let only = results.first, only.parameterNames.isEmpty { return only }
    return .error
  }

  private mutating func extremum(
    _ expr: Expr, _ name: String, _ all: [FunctionOverload], _ types: [CELType]
  ) -> CELType {
    references[expr.id] = .function(name: name, all, isInstance: false)
    let plain = types.map { substitution.apply($0, final: true) }
    var parts = plain
    if plain.count == 1, case .list(let element) = plain[0] { parts = [element] }
    let numeric: Set<CELType> = [.int, .uint, .double, .dyn, .error]
    guard !parts.isEmpty, parts.allSatisfy(numeric.contains) else {
      reportNoOverload(expr, name, all, types, isInstance: false)
      return failure
    }
    return Set(parts).count == 1 ? parts[0] : .dyn
  }

  private mutating func reportNoOverload(
    _ expr: Expr, _ name: String, _ all: [FunctionOverload], _ types: [CELType], isInstance: Bool
  ) {
    let shownTypes = types.map { shown($0) }
    if let symbol = Checker.symbol(name) {
      let text =
        shownTypes.count == 2
        ? "'\(symbol)' does not take \(shownTypes[0]) and \(shownTypes[1])"
        : "'\(symbol)' does not take \(shownTypes[0])"
      report(.noOverload, text, expr.focus, hint: conversionHint(name, types))
      return
    }
    let fitting = all.filter { $0.isInstance == isInstance }
    let signatures = (fitting.isEmpty ? all : fitting).prefix(3).map {
      Checker.signature(name, $0)
    }
    report(
      .noOverload, "'\(name)' does not take (\(shownTypes.joined(separator: ", ")))", expr.focus,
      hint: signatures.isEmpty ? nil : "it takes " + signatures.joined(separator: " or "))
  }

  private func conversionHint(_ name: String, _ types: [CELType]) -> String? {
    guard types.count == 2 else { return nil }
    let plain = types.map { substitution.apply($0, final: true) }
    let numeric: Set<CELType> = [.int, .uint, .double]
    if numeric.isSuperset(of: plain) { return "convert one side, as in double(x)" }
    if plain.contains(.date), plain.contains(.timestamp) {
      return "take the civil day of the timestamp with date(x)"
    }
    if plain.contains(.date), plain.contains(.string) {
      return "write a date as date('2024-01-31')"
    }
    if name == "_+_", plain.contains(.string) { return "convert with string(x)" }
    if plain == [.date, .int] || plain == [.date, .duration] { return "use d.addDays(n)" }
    return nil
  }

  static func signature(_ name: String, _ overload: FunctionOverload) -> String {
    let types = overload.parameters.map(\.description)
    if overload.isInstance, let receiver = types.first {
      return "\(receiver).\(name)(\(types.dropFirst().joined(separator: ", ")))"
    }
    return "\(name)(\(types.joined(separator: ", ")))"
  }

  static func symbol(_ name: String) -> String? {
    if name == "@in" { return "in" }
    let inner = name.filter { $0 != "_" }
    return name.contains("_") && !inner.isEmpty && !inner.contains(where: \.isLetter)
      ? inner : nil
  }

  mutating func index(
    _ expr: Expr, _ operand: Expr, _ index: Expr, optional: Bool
  ) -> CELType {
    let container = substitution.apply(visit(operand))
    let key = visit(index)
    var inner = container
    var isOptional = optional
    if case .optional(let wrapped) = container {
      inner = substitution.apply(wrapped)
      isOptional = true
    }
    if case .variable = inner {
      _ = substitution.assign(.dyn, to: inner)
      inner = .dyn
    }
    let result: CELType
    switch inner {
    case .dyn, .error: result = inner
    case .list(let element):
      requireKey(key, .int, index)
      result = element
    case .map(let keyType, let value):
      requireKey(key, keyType, index)
      result = value
    default:
      report(.noOverload, "\(shown(container)) has no elements to index", expr.focus)
      return failure
    }
    return isOptional ? .optional(result) : result
  }

  private mutating func requireKey(_ key: CELType, _ expected: CELType, _ expr: Expr) {
    if substitution.assign(key, to: expected) { return }
    report(
      .type, "the index must be \(shown(expected)), not \(shown(key))", expr.span)
  }

  mutating func conditional(_ expr: Expr, _ yes: Expr, _ no: Expr) -> CELType {
    let a = visit(yes)
    let b = visit(no)
    let joined = substitution.assign(a, to: b) || substitution.assign(b, to: a)
    guard joined else {
      report(
        .type, "the two results of '?:' differ: \(shown(a)) and \(shown(b))", expr.focus,
        hint: "wrap one in dyn(...) if that is meant")
      return failure
    }
    return Substitution.mostGeneral(substitution.apply(a), substitution.apply(b))
  }

  mutating func list(_ elements: [(element: Expr, optional: Bool)]) -> CELType {
    var joined: CELType?
    for (element, optional) in elements {
      joined = substitution.join(joined, optionalInner(element, visit(element), optional))
    }
    return .list(joined ?? substitution.fresh())
  }

  mutating func map(_ entries: [(key: Expr, value: Expr, optional: Bool)]) -> CELType {
    var keys: CELType?
    var values: CELType?
    for (key, value, optional) in entries {
      let keyType = visit(key)
      let plain = substitution.apply(keyType, final: true)
      let allowed: Set<CELType> = [.bool, .int, .uint, .string, .dyn, .error]
      if !allowed.contains(plain) {
        report(
          .type, "a map key is bool, int, uint or string, not \(plain)", key.span)
      }
      keys = substitution.join(keys, keyType)
      values = substitution.join(values, optionalInner(value, visit(value), optional))
    }
    return .map(keys ?? substitution.fresh(), values ?? substitution.fresh())
  }

  private mutating func optionalInner(
    _ expr: Expr, _ type: CELType, _ optional: Bool
  ) -> CELType {
    guard optional else { return type }
    let inner = substitution.fresh()
    guard substitution.assign(type, to: .optional(inner)) else {
      report(.type, "after '?' an optional is needed, not \(shown(type))", expr.span)
      return failure
    }
    return substitution.apply(inner)
  }
}
