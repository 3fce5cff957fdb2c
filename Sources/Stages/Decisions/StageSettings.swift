public import Policy

/// What the Households stage works with; an immutable snapshot, replaced as a whole.
public struct StageSettings: Sendable {
  public var pack: PolicyPack
  public var directory: Directory
  public var identifiers: IdentifierKey
  /// CloudEvents `source` of the outputs, such as `urn:outreachd:shanghai`.
  public var source: String

  public init(
    pack: PolicyPack, directory: Directory, identifiers: IdentifierKey,
    source: String = "urn:outreachd"
  ) {
    self.pack = pack
    self.directory = directory
    self.identifiers = identifiers
    self.source = source
  }
}
