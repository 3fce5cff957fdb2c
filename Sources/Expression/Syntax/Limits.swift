/// What an expression may cost before it runs. The defaults are those of policy packs.
public struct Limits: Sendable {
  /// Source length in UTF-8 bytes.
  public var sourceBytes = 4096
  /// Depth of the syntax tree; chains of `&&` or `||` count as one level.
  public var depth = 64
  /// Comprehensions inside one another.
  public var comprehensionNesting = 2
  /// Static worst-case cost (see `Program.cost`); nil for none.
  public var cost: Int?

  /// The limits of policy packs.
  public init() {}

  /// For tests of the language itself.
  public static var lifted: Limits {
    var limits = Limits()
    limits.sourceBytes = 1 << 20
    limits.depth = 250
    limits.comprehensionNesting = 16
    return limits
  }
}
