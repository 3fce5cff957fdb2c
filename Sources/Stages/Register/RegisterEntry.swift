import Records
import Streaming
import Vocabulary

/// Keys of Register's state: a letter for the kind, then the identity.
enum RegisterKey {
  static func event(_ key: EventKey) -> [UInt8] { withEvent(key) { Array($0) } }

  /// Calls `body` with the key of an event, valid during the call.
  static func withEvent<R, Failure: Error>(
    _ key: EventKey, _ body: (UnsafeRawBufferPointer) throws(Failure) -> R
  ) throws(Failure) -> R {
    // The letter in front of the key's bytes.
    let words = (UInt64(UInt8(ascii: "e")).bigEndian, key.high.bigEndian, key.low.bigEndian)
    return try withUnsafeBytes(of: words) { (bytes) throws(Failure) in
      try body(UnsafeRawBufferPointer(rebasing: bytes[7...]))
    }
  }
  static func referral(_ id: String) -> [UInt8] { [UInt8(ascii: "r")] + Array(id.utf8) }
  static func address(_ text: String) -> [UInt8] { [UInt8(ascii: "a")] + Array(text.utf8) }
  static func committee(_ code: String) -> [UInt8] { [UInt8(ascii: "c")] + Array(code.utf8) }
  /// What a resource has taken on.
  static func resource(_ id: String) -> [UInt8] { [UInt8(ascii: "u")] + Array(id.utf8) }
}

/// What Register remembers of one `(source, id)`.
struct RegisterEntry: Equatable {
  static let format: UInt8 = 1

  /// Nil: not seen yet, only taken back in advance.
  var acceptedAt: Instant?
  var revocation: Revocation?
  /// Whom to tell when the event is taken back.
  var targets: [EventTarget] = []

  /// - Parameter key: of `RegisterKey.event`, as for `save`.
  static func load(
    _ key: [UInt8], _ state: StateOverlay
  ) throws(DecodingFailure) -> RegisterEntry? {
    try state.withValue(key) { (bytes) throws(DecodingFailure) in
      guard let bytes else { return nil }
      return try RegisterEntry(bytes)
    }
  }

  func save(_ key: [UInt8], _ state: StateOverlay) { state.put(key, encoded()) }

  private func encoded() -> [UInt8] {
    [UInt8](reserving: 48) {
      RegisterEntry.write(acceptedAt, revocation, targets, to: &$0)
    }
  }

  /// Writes what is remembered of an event.
  static func write(
    _ acceptedAt: Instant?, _ revocation: Revocation?, _ targets: some Collection<EventTarget>,
    to writer: inout ByteWriter
  ) {
    writer.u8(RegisterEntry.format)
    writer.optional(acceptedAt) { $0.instant($1) }
    writer.optional(revocation) { $0.revocation($1) }
    writer.list(targets) { $0.eventTarget($1) }
  }

  init() {}

  private init(_ bytes: UnsafeRawBufferPointer) throws(DecodingFailure) {
    var reader = ByteReader(bytes)
    guard try reader.u8() == RegisterEntry.format else { throw DecodingFailure("register format") }
    acceptedAt = try reader.optional { r throws(DecodingFailure) in try r.instant() }
    revocation = try reader.optional { r throws(DecodingFailure) in try r.revocation() }
    targets = try reader.list { r throws(DecodingFailure) in try r.eventTarget() }
  }
}
