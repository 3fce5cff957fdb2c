public import Streaming
public import Vocabulary

/// A record on the channel `persons`, keyed by the citizen ID and read by Persons.
public enum PersonMessage: Equatable, Sendable {
  /// An accepted event with its facts about this person.
  case event(EventEntry, supersedes: EventKey?)
  /// An event was taken back.
  case revoke(Revocation)
  /// A household wants to be told of this person and says what its registry knows.
  case interest(HouseholdInterest)

  /// Stands for `event` in an encoded message.
  static let eventTag: UInt8 = 0

  public static func partitionKey(_ person: CitizenID) -> [UInt8] {
    withPartitionKey(person) { Array($0) }
  }

  /// Calls `body` with the key that decides the partition, valid during the call.
  public static func withPartitionKey<R, Failure: Error>(
    _ person: CitizenID, _ body: (UnsafeRawBufferPointer) throws(Failure) -> R
  ) throws(Failure) -> R {
    let digits = person.digits.bigEndian
    return try withUnsafeBytes(of: digits) { (key) throws(Failure) in try body(key) }
  }

  public func encoded(for person: CitizenID) -> [UInt8] {
    [UInt8](reserving: 512) { writer in
      writer.citizen(person)
      switch self {
      case .event(let entry, let supersedes):
        writer.u8(PersonMessage.eventTag)
        writer.eventEntry(entry)
        writer.optional(supersedes) { $0.eventKey($1) }
      case .revoke(let revocation):
        writer.u8(1)
        writer.revocation(revocation)
      case .interest(let interest):
        writer.u8(2)
        writer.interest(interest)
      }
    }
  }

  /// An event that replaces no other, read in place; nil for any other message.
  public static func plainEvent(
    _ bytes: UnsafeRawBufferPointer
  ) throws(DecodingFailure) -> (person: CitizenID, entry: EventEntryView)? {
    var reader = ByteReader(bytes)
    let person = try reader.citizen()
    guard try reader.u8() == PersonMessage.eventTag else { return nil }
    let entry = try EventEntryView(bytes, at: reader.offset)
    reader.offset = entry.end
    return try reader.bool() ? nil : (person, entry)
  }

  public static func decode(
    _ bytes: UnsafeRawBufferPointer
  ) throws(DecodingFailure) -> (person: CitizenID, message: PersonMessage) {
    var reader = ByteReader(bytes)
    let person = try reader.citizen()
    switch try reader.u8() {
    case PersonMessage.eventTag:
      return (
        person,
        .event(
          try reader.eventEntry(),
          supersedes: try reader.optional { r throws(DecodingFailure) in try r.eventKey() })
      )
    case 1: return (person, .revoke(try reader.revocation()))
    case 2: return (person, .interest(try reader.interest()))
    default: throw DecodingFailure("person message")
    }
  }
}
