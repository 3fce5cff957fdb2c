public import Streaming
public import Vocabulary

/// A record on the channel `households`, keyed by the household key and read by Households.
public enum HouseholdMessage: Equatable, Sendable {
  /// An accepted event about the household itself; `members` for compositions.
  case event(EventEntry, supersedes: EventKey?, members: [CompositionMember]?)
  /// An event was taken back.
  case revoke(Revocation)
  /// The current record of a person this household is interested in. `changed` lists the facts
  /// that changed, nil where all may have; `cause` is the event behind it.
  case person(changed: [FactID]?, cause: EventKey?, record: [UInt8])
  /// What an advisor or a resource did with a referral of this household.
  case feedback(EventEntry, referral: String)
  /// From the provisional household of a person who now lives here: its open referrals (opaque to
  /// this module), and the epoch that the person's record counts.
  /// `person` is nil where it comes from an address whose household was not known.
  case handover(person: CitizenID?, epoch: UInt32, referrals: [UInt8])
  /// From Register: who can take a referral, best first, and whether the household's committee has
  /// enough households to be named. The first of them has a place reserved.
  case matched(referral: String, candidates: [String], committeeIsLarge: Bool)
  /// From Register: the committee reached or lost the number of households that it must have to be
  /// named.
  case committeeSize(committee: String, isLarge: Bool)
  /// From Register, to an address about which reports came before its household was known: the
  /// household that lives there.
  case addressKnown(household: HouseholdKey)

  /// Stands for `person` in an encoded message.
  public static let personTag: UInt8 = 2

  public static func partitionKey(_ household: HouseholdKey) -> [UInt8] {
    Array(household.text.utf8)
  }

  /// The most bytes of a `person` message, as below.
  public static func size(
    _ record: UnsafeRawBufferPointer, after event: EventEntryView,
    for household: UnsafeRawBufferPointer
  ) -> Int {
    48 + household.count + (event.fields.count + 1) * MemoryLayout<UInt32>.size + record.count
  }

  /// Writes a `person` message, after an event, to a household given by the bytes of its key.
  public static func write(
    _ record: UnsafeRawBufferPointer, after event: EventEntryView,
    for household: UnsafeRawBufferPointer, to writer: inout ByteWriter
  ) {
    writer.blob(household)
    writer.u8(HouseholdMessage.personTag)
    writer.u8(1)
    writer.changes(of: event)
    writer.u8(1)
    writer.eventKey(event.key)
    writer.raw(record)
  }

  public func encoded(for household: HouseholdKey) -> [UInt8] {
    [UInt8](reserving: 512) { writer in
      writer.string(household.text)
      switch self {
      case .event(let entry, let supersedes, let members):
        writer.u8(0)
        writer.eventEntry(entry)
        writer.optional(supersedes) { $0.eventKey($1) }
        writer.optional(members) { $0.list($1) { $0.member($1) } }
      case .revoke(let revocation):
        writer.u8(1)
        writer.revocation(revocation)
      case .person(let changed, let cause, let record):
        writer.person(changed: changed, cause: cause, record: record)
      case .feedback(let entry, let referral):
        writer.u8(3)
        writer.eventEntry(entry)
        writer.string(referral)
      case .handover(let person, let epoch, let referrals):
        writer.u8(4)
        writer.optional(person) { $0.citizen($1) }
        writer.u32(epoch)
        writer.blob(referrals)
      case .matched(let referral, let candidates, let isLarge):
        writer.u8(5)
        writer.string(referral)
        writer.list(candidates) { $0.string($1) }
        writer.bool(isLarge)
      case .committeeSize(let committee, let isLarge):
        writer.u8(6)
        writer.string(committee)
        writer.bool(isLarge)
      case .addressKnown(let home):
        writer.u8(7)
        writer.string(home.text)
      }
    }
  }

  public static func decode(
    _ bytes: UnsafeRawBufferPointer
  ) throws(DecodingFailure) -> (household: HouseholdKey, message: HouseholdMessage) {
    var reader = ByteReader(bytes)
    let household = HouseholdKey(text: try reader.string())
    switch try reader.u8() {
    case 0:
      return (
        household,
        .event(
          try reader.eventEntry(),
          supersedes: try reader.optional { r throws(DecodingFailure) in try r.eventKey() },
          members: try reader.optional { r throws(DecodingFailure) in
            try r.list { r throws(DecodingFailure) in try r.member() }
          })
      )
    case 1: return (household, .revoke(try reader.revocation()))
    case HouseholdMessage.personTag:
      let changed = try reader.optional { r throws(DecodingFailure) in
        try r.list { r throws(DecodingFailure) in FactID(rawValue: try r.u32()) }
      }
      let cause = try reader.optional { r throws(DecodingFailure) in try r.eventKey() }
      return (
        household,
        .person(
          changed: changed, cause: cause, record: Array(try reader.raw(reader.remaining)))
      )
    case 3: return (household, .feedback(try reader.eventEntry(), referral: try reader.string()))
    case 4:
      return (
        household,
        .handover(
          person: try reader.optional { r throws(DecodingFailure) in try r.citizen() },
          epoch: try reader.u32(),
          referrals: Array(try reader.blob()))
      )
    case 5:
      return (
        household,
        .matched(
          referral: try reader.string(),
          candidates: try reader.list { r throws(DecodingFailure) in try r.string() },
          committeeIsLarge: try reader.bool())
      )
    case 6:
      return (
        household, .committeeSize(committee: try reader.string(), isLarge: try reader.bool())
      )
    case 7: return (household, .addressKnown(household: HouseholdKey(text: try reader.string())))
    default: throw DecodingFailure("household message")
    }
  }
}

/// A list of facts as it is encoded.
public struct FactIDs: Sequence, IteratorProtocol {
  private var reader: ByteReader

  fileprivate init(_ bytes: UnsafeRawBufferPointer) { reader = ByteReader(bytes) }

  public mutating func next() -> FactID? { (try? reader.u32()).map { FactID(rawValue: $0) } }
}

extension ByteReader {
  /// A list of facts, read in place.
  public mutating func factIDs() throws(DecodingFailure) -> FactIDs {
    FactIDs(try raw(try count() * MemoryLayout<UInt32>.size))
  }
}

extension ByteWriter {
  fileprivate mutating func person(changed: [FactID]?, cause: EventKey?, record: [UInt8]) {
    u8(HouseholdMessage.personTag)
    optional(changed) { $0.list($1) { $0.u32($1.rawValue) } }
    optional(cause) { $0.eventKey($1) }
    raw(record)
  }
}
