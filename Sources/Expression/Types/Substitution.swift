/// What is known about inferred type variables; the assignability rules of cel-go.
struct Substitution {
  private var bindings: [Int: CELType] = [:]
  private var next = 0

  mutating func fresh() -> CELType {
    next += 1
    return .variable(next - 1)
  }

  /// Makes a declared type its own copy with fresh variables for its parameters.
  mutating func instantiate(_ types: [CELType]) -> [CELType] {
    let names = types.reduce(into: Set<String>()) { $0.formUnion($1.parameterNames) }
    if names.isEmpty { return types }
    var parameters: [String: CELType] = [:]
    for name in names.sorted() { parameters[name] = fresh() }
    return types.map { $0.replacing(parameters) }
  }

  /// Applies what is known; with `final`, variables that stayed free become dyn.
  func apply(_ type: CELType, final: Bool = false) -> CELType {
    switch type {
    case .variable(let id):
      if let bound = bindings[id] { return apply(bound, final: final) }
      return final ? .dyn : type
    case .list(let e): return .list(apply(e, final: final))
    case .map(let k, let v): return .map(apply(k, final: final), apply(v, final: final))
    case .optional(let e): return .optional(apply(e, final: final))
    case .type(let e): return .type(apply(e, final: final))
    case .nullable(let e): return .nullable(apply(e, final: final))
    case .opaque(let name, let inner):
      return .opaque(name, inner.map { apply($0, final: final) })
    default: return type
    }
  }

  /// True where all types of one list may stand for those of the other; binds variables only then.
  mutating func assign(_ from: [CELType], to target: [CELType]) -> Bool {
    guard from.count == target.count else { return false }
    var trial = self
    for (a, b) in zip(from, target) where !trial.isAssignable(a, b) { return false }
    self = trial
    return true
  }

  mutating func assign(_ from: CELType, to target: CELType) -> Bool { assign([from], to: [target]) }

  private mutating func isAssignable(_ a: CELType, _ b: CELType) -> Bool {
    if case .variable = b {
      switch substitute(a, for: b) {
      case .valid: return true
      case .conflict: return false
      case .impossible: break
      }
    }
    if case .variable = a { return substitute(b, for: a) == .valid }
    if a.isDynOrError || b.isDynOrError { return true }
    if a == .null { return Substitution.acceptsNull(b) }
    if b == .null { return Substitution.acceptsNull(a) }
    switch (a, b) {
    case (.nullable(let x), .nullable(let y)): return isAssignable(x, y)
    case (.nullable(let x), _): return isAssignable(x, b)
    case (_, .nullable(let y)): return isAssignable(a, y)
    case (.list(let x), .list(let y)), (.optional(let x), .optional(let y)):
      return isAssignable(x, y)
    case (.map(let k1, let v1), .map(let k2, let v2)):
      return isAssignable(k1, k2) && isAssignable(v1, v2)
    case (.type, .type): return true
    case (.opaque(let n1, let p1), .opaque(let n2, let p2)):
      guard n1 == n2, p1.count == p2.count else { return false }
      for (x, y) in zip(p1, p2) where !isAssignable(x, y) { return false }
      return true
    default: return a == b
    }
  }

  private enum Substituted { case valid, conflict, impossible }

  private mutating func substitute(_ type: CELType, for variable: CELType) -> Substituted {
    if type == variable { return .valid }
    guard case .variable(let id) = variable else { return .impossible }
    if let known = bindings[id] {
      if type == known { return .valid }
      guard isAssignable(type, known) else { return .conflict }
      let general = Substitution.mostGeneral(type, known)
      if !refers(general, to: id) { bindings[id] = general }
      return .valid
    }
    guard !refers(type, to: id) else { return .impossible }
    bindings[id] = type
    return .valid
  }

  private func refers(_ type: CELType, to id: Int) -> Bool {
    switch type {
    case .variable(let other):
      if other == id { return true }
      return bindings[other].map { refers($0, to: id) } ?? false
    case .list(let e), .optional(let e), .type(let e), .nullable(let e): return refers(e, to: id)
    case .map(let k, let v): return refers(k, to: id) || refers(v, to: id)
    case .opaque(_, let inner): return inner.contains { refers($0, to: id) }
    default: return false
    }
  }

  private static func acceptsNull(_ type: CELType) -> Bool {
    switch type {
    case .null, .nullable, .object, .timestamp, .duration, .date, .optional, .opaque, .dyn, .error:
      true
    default: false
    }
  }

  static func mostGeneral(_ a: CELType, _ b: CELType) -> CELType {
    isEqualOrLessSpecific(a, b) ? a : b
  }

  private static func isEqualOrLessSpecific(_ a: CELType, _ b: CELType) -> Bool {
    switch (a, b) {
    case (.dyn, _), (.variable, _): return true
    case (_, .dyn), (_, .variable): return false
    case (.list(let x), .list(let y)), (.optional(let x), .optional(let y)):
      return isEqualOrLessSpecific(x, y)
    case (.map(let k1, let v1), .map(let k2, let v2)):
      return isEqualOrLessSpecific(k1, k2) && isEqualOrLessSpecific(v1, v2)
    case (.opaque(let n1, let p1), .opaque(let n2, let p2)):
      return n1 == n2 && p1.count == p2.count
        && zip(p1, p2).allSatisfy { isEqualOrLessSpecific($0, $1) }
    case (.type, .type): return true
    case (.nullable(let x), .nullable(let y)): return isEqualOrLessSpecific(x, y)
    case (.nullable(let x), _): return x == b || b == .null
    case (_, .null): return acceptsNull(a)
    default: return a == b
    }
  }

  /// The type of a collection's elements so far, joined with one more.
  mutating func join(_ previous: CELType?, _ current: CELType) -> CELType {
    guard let previous else { return current }
    let a = apply(previous)
    let b = apply(current)
    return assign(a, to: b) ? Substitution.mostGeneral(a, b) : .dyn
  }
}
