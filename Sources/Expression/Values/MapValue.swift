/// An immutable map in order of insertion; numbers that are equal are one key, whatever their type.
public final class MapValue: Sendable {
  /// In order of insertion.
  public let keys: [Value]
  /// By the position of their keys.
  public let values: [Value]
  /// Positions by key, for maps too large to scan.
  private let index: [MapKey: Int]?

  private static let scanLimit = 8

  /// Fails on a repeated key or a key that is no bool, int, uint or string.
  public static func make(_ keys: [Value], _ values: [Value]) -> Result<MapValue, EvaluationError> {
    var seen: Set<MapKey> = []
    for key in keys {
      guard let mapKey = MapKey(key), mapKey.isStorable(key) else { return .failure(.keyType) }
      guard seen.insert(mapKey).inserted else { return .failure(.duplicateKey) }
    }
    return .success(MapValue(unchecked: keys, values))
  }

  init(unchecked keys: [Value], _ values: [Value]) {
    self.keys = keys
    self.values = values
    if keys.count > MapValue.scanLimit {
      var index: [MapKey: Int] = [:]
      for (i, key) in keys.enumerated() { if let mapKey = MapKey(key) { index[mapKey] = i } }
      self.index = index
    } else {
      self.index = nil
    }
  }

  static let empty = MapValue(unchecked: [], [])

  /// The value of a key, or nil.
  public func find(_ key: Value) -> Value? {
    if let index { return MapKey(key).flatMap { index[$0] }.map { values[$0] } }
    guard let wanted = MapKey(key) else { return nil }
    for i in keys.indices where MapKey(keys[i]) == wanted { return values[i] }
    return nil
  }

  func find(_ key: Text) -> Value? { find(.string(key)) }
}

/// A key in canonical form.
enum MapKey: Hashable {
  case bool(Bool)
  case int(Int64)
  /// Only above the range of int.
  case uint(UInt64)
  case string(Text)

  /// Nil where no map can have such a key.
  init?(_ value: Value) {
    switch value {
    case .bool(let key): self = .bool(key)
    case .int(let key): self = .int(key)
    case .uint(let key): self = Int64(exactly: key).map(MapKey.int) ?? .uint(key)
    case .double(let key):
      if let int = Int64(exactly: key) {
        self = .int(int)
      } else if let uint = UInt64(exactly: key) {
        self = .uint(uint)
      } else {
        return nil
      }
    case .string(let key): self = .string(key)
    default: return nil
    }
  }

  /// Doubles find keys but are none.
  func isStorable(_ value: Value) -> Bool { if case .double = value { false } else { true } }
}
