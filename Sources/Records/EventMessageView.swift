public import Streaming
public import Vocabulary

/// An encoded `EventMessage` about people only, read in place: no member list, nothing taken back,
/// no original kept. Most events are such, and Register passes their bytes on.
public struct EventMessageView {
  /// What the event states about one person.
  public struct Target {
    public let person: CitizenID
    fileprivate let count: Int
    fileprivate let fields: UnsafeRawBufferPointer
  }

  public let key: EventKey
  public private(set) var targets: [Target] = []
  /// The event up to the time of its acceptance, and behind it up to the fields.
  private let head: UnsafeRawBufferPointer
  private let tail: UnsafeRawBufferPointer
  private let count: Int
  private let fields: UnsafeRawBufferPointer

  /// `bytes` begin behind the tag of the message and must stay valid while the view is used. Nil
  /// for an event that is not of this simple kind.
  public init?(_ bytes: UnsafeRawBufferPointer) throws(DecodingFailure) {
    var reader = ByteReader(bytes)
    key = try reader.eventKey()
    _ = try reader.u32()
    _ = try reader.blob()
    _ = try reader.blob()
    _ = try reader.raw(3 * MemoryLayout<Int64>.size)
    head = UnsafeRawBufferPointer(rebasing: bytes[..<reader.offset])
    _ = try reader.i64()
    let behind = reader.offset
    if try reader.bool() { _ = try reader.blob() }
    _ = try reader.raw(try reader.count() * MemoryLayout<UInt64>.size)
    tail = UnsafeRawBufferPointer(rebasing: bytes[behind..<reader.offset])
    (count, fields) = try reader.skipFactFields(of: bytes)
    // It supersedes, or retracts.
    if try reader.bool() { return nil }
    if try reader.bool() { return nil }
    for _ in 0..<(try reader.count()) {
      guard case .person(let person) = try reader.eventTarget() else { return nil }
      let (count, fields) = try reader.skipFactFields(of: bytes)
      targets.append(Target(person: person, count: count, fields: fields))
    }
    // It lists members, or keeps its original.
    if try reader.bool() { return nil }
    if try reader.bool() { return nil }
  }

  /// The most bytes of a message for a target.
  public func size(for target: Target) -> Int {
    32 + head.count + tail.count + fields.count + target.fields.count
  }

  /// Writes `PersonMessage.event` for a target, accepted at an instant.
  public func write(for target: Target, accepted: Instant, to writer: inout ByteWriter) {
    writer.citizen(target.person)
    writer.u8(PersonMessage.eventTag)
    writer.raw(head)
    writer.instant(accepted)
    writer.raw(tail)
    writer.varint(UInt64(count + target.count))
    writer.raw(fields)
    writer.raw(target.fields)
    // Nothing is superseded.
    writer.u8(0)
  }
}

extension ByteReader {
  /// Reads over a list of fields; answers their number and bytes.
  fileprivate mutating func skipFactFields(
    of bytes: UnsafeRawBufferPointer
  ) throws(DecodingFailure) -> (count: Int, bytes: UnsafeRawBufferPointer) {
    let count = try count()
    let start = offset
    for _ in 0..<count {
      _ = try u32()
      try skipFactValue()
    }
    return (count, UnsafeRawBufferPointer(rebasing: bytes[start..<offset]))
  }
}
