/// Where a path of a mapping leads.
public struct ResolvedPath: Equatable, Sendable {
  /// The shape of the value; behind a list, that of the collected elements.
  public var shape: DataShape
  /// The path goes through a list: its value is a list, one for each element.
  public var crossesList: Bool

  /// The kind of fact the value gives, nil for objects and lists that are no fact.
  public var factKind: FactSignature.Kind? {
    guard let kind = ResolvedPath.kind(of: shape) else { return nil }
    guard crossesList else { return kind }
    return kind == .person ? .persons : kind == .text ? .texts : nil
  }

  private static func kind(of shape: DataShape) -> FactSignature.Kind? {
    switch shape {
    case .bool: .bool
    case .int: .int
    case .money: .money
    case .date, .month: .date
    case .timestamp: .instant
    case .citizen: .person
    case .text, .code, .word: .text
    case .list(let list):
      switch kind(of: list.element) {
      case .person: .persons
      case .text: .texts
      default: nil
      }
    case .object: nil
    }
  }
}

extension EventSource {
  /// The shape of the elements of the list at `each`.
  public static func element(of each: FieldPath, in data: ObjectShape) -> DataShape? {
    guard !each.isRelative, case .list(let list) = resolve(each, data: data, element: nil)?.shape
    else { return nil }
    return list.element
  }

  /// Follows a path through the declared shapes; nil where a field does not exist. A list may be
  /// crossed once.
  public static func resolve(
    _ path: FieldPath, data: ObjectShape, element: DataShape?
  ) -> ResolvedPath? {
    var shape: DataShape
    if path.isRelative {
      guard let element else { return nil }
      shape = element
    } else {
      shape = .object(data)
    }
    var crossed = false
    for name in path.names {
      if case .list(let list) = shape, !crossed {
        crossed = true
        shape = list.element
      }
      guard case .object(let object) = shape, let index = object.index(of: name) else { return nil }
      shape = object.fields[index].shape
    }
    return ResolvedPath(shape: shape, crossesList: crossed)
  }
}
