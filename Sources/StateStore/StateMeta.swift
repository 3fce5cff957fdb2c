public import Streaming
public import Vocabulary

/// Where a partition's state stands. Written with every batch: to the changelog in the Kafka
/// transaction, and to the local store together with the state it describes.
public struct StateMeta: Equatable, Sendable {
  /// The version of the layout of the store and of the changelog.
  public static let formatVersion: UInt8 = 1

  /// The changelog offset to go on reading from: everything before it is in the store. May lag
  /// behind the truth, never lead it: applying a record again does no harm.
  public var changelogNext: Int64
  /// The greatest `now` the partition has seen.
  public var clock: Instant
  /// The next offset of the stage's input topic; nil before the first record.
  public var inputNext: Int64?
  /// Counts the batches.
  public var sequence: UInt64
  /// The wall clock when the local copy was written. Not in the changelog.
  public var savedAt: Instant

  public init(
    changelogNext: Int64 = 0, clock: Instant = .distantPast, inputNext: Int64? = nil,
    sequence: UInt64 = 0, savedAt: Instant = .distantPast
  ) {
    self.changelogNext = changelogNext
    self.clock = clock
    self.inputNext = inputNext
    self.sequence = sequence
    self.savedAt = savedAt
  }

  /// The value of the changelog's meta record.
  public var changelogValue: [UInt8] {
    [UInt8](reserving: 32) { writer in
      writer.u8(StateMeta.formatVersion)
      writer.i64(clock.microseconds)
      writer.u64(sequence)
      writer.optional(inputNext) { $0.i64($1) }
    }
  }

  /// Takes over what a meta record of the changelog says; position and `savedAt` stay.
  public mutating func adopt(
    changelogValue bytes: UnsafeRawBufferPointer
  ) throws(DecodingFailure) {
    var reader = ByteReader(bytes)
    guard try reader.u8() == StateMeta.formatVersion else { throw DecodingFailure("meta version") }
    clock = Instant(microseconds: try reader.i64())
    sequence = try reader.u64()
    inputNext = try reader.optional { (reader) throws(DecodingFailure) in try reader.i64() }
  }

  /// As the local store keeps it.
  var storedValue: [UInt8] {
    [UInt8](reserving: 64) { writer in
      writer.raw(changelogValue)
      writer.i64(changelogNext)
      writer.i64(savedAt.microseconds)
    }
  }

  init(storedValue bytes: UnsafeRawBufferPointer) throws(DecodingFailure) {
    self.init()
    guard bytes.count > 16 else { throw DecodingFailure("meta") }
    let split = bytes.count - 16
    try adopt(changelogValue: UnsafeRawBufferPointer(rebasing: bytes[..<split]))
    var reader = ByteReader(bytes, offset: split)
    changelogNext = try reader.i64()
    savedAt = Instant(microseconds: try reader.i64())
  }
}

/// The keys of changelog records: a tag and the state's key.
public enum ChangelogKey {
  static let metaTag: UInt8 = 0
  static let stateTag: UInt8 = 1

  /// The key of the partition's meta record.
  public static let meta: [UInt8] = [metaTag]

  /// The changelog key of a state key, written over `buffer` so that no batch allocates for it.
  public static func write(_ key: some Collection<UInt8>, to buffer: inout [UInt8]) {
    buffer.removeAll(keepingCapacity: true)
    buffer.append(stateTag)
    buffer.append(contentsOf: key)
  }

  /// What a changelog key names.
  public enum Meaning: Equatable {
    case meta
    case state([UInt8])
  }

  /// Nil where the key is of no known kind.
  public static func meaning(of bytes: UnsafeRawBufferPointer) -> Meaning? {
    switch bytes.first {
    case metaTag where bytes.count == 1: .meta
    case stateTag: .state(Array(bytes.dropFirst()))
    default: nil
    }
  }
}
