public import Streaming
public import Vocabulary

/// A record on the channel `events`, read by Register.
public enum RegisterMessage: Equatable, Sendable {
  /// From Intake, keyed by the event key.
  case event(EventMessage)
  /// From Register, keyed by the event key that `revocation` takes back.
  case revoke(Revocation)
  /// From Register, keyed by the referral id: feedback that passed the check for duplicates.
  case feedback(EventMessage, referral: String)
  /// From Register, keyed by the address: a report that names only where.
  case report(EventMessage, address: String)
  /// From Households, keyed by the referral id: where feedback to it belongs.
  case referralOpened(referral: String, household: HouseholdKey)
  /// From Households, keyed by the address: who lives there, nil where nobody known.
  case addressOf(address: String, household: HouseholdKey?)
  /// From Register, keyed by the event key: the event became a dead letter after all, so its pair
  /// was never accepted and may come again (semantics 24 and 39).
  case rejected(EventKey)
  /// From Households, keyed by the committee: a known household begins or ceases to live there.
  case resident(committee: String, joins: Bool)
  /// From Households, keyed by the committee: tell this household when the committee reaches or
  /// loses `smallest` households; `believes` is what it takes for true now.
  case watch(committee: String, household: HouseholdKey, smallest: UInt32, believes: Bool)
  /// From Households, keyed by the committee: the household need not be told any more.
  case unwatch(committee: String, household: HouseholdKey)
  /// From Households, keyed by the committee: who can take a referral? Also a `watch`.
  case match(MatchRequest)
  /// From Register, for the keeper of resources: the same, with what the committee's answer was.
  case place(MatchRequest, committeeIsLarge: Bool)
  /// From Households, for the keeper of resources: an open referral is with `to` now and no more
  /// with `from`; empty where with nobody.
  case placed(referral: String, from: String, to: String)

  /// What all resources have taken on is kept in one place, so that an answer rests on all of it:
  /// a city has a few hundred such referrals a day.
  private static let keeperOfResources = Array("resources".utf8)

  /// An encoded `event` that is about people only, read in place; nil for any other message.
  public static func personalEvent(
    _ bytes: UnsafeRawBufferPointer
  ) throws(DecodingFailure) -> EventMessageView? {
    guard bytes.first == eventTag else { return nil }
    return try EventMessageView(UnsafeRawBufferPointer(rebasing: bytes[1...]))
  }

  private static let eventTag: UInt8 = 0

  /// The key that decides the partition.
  public var partitionKey: [UInt8] {
    switch self {
    case .event(let message): message.event.key.bytes
    case .revoke(let revocation): revocation.key.bytes
    case .rejected(let key): key.bytes
    case .resident(let committee, _), .watch(let committee, _, _, _), .unwatch(let committee, _):
      Array(committee.utf8)
    case .match(let request): Array(request.committee.utf8)
    case .place, .placed: RegisterMessage.keeperOfResources
    case .feedback(_, let referral), .referralOpened(let referral, _): Array(referral.utf8)
    case .report(_, let address), .addressOf(let address, _): Array(address.utf8)
    }
  }

  public func encoded() -> [UInt8] {
    [UInt8](reserving: 256) { writer in
      switch self {
      case .event(let message):
        writer.u8(RegisterMessage.eventTag)
        writer.eventMessage(message)
      case .revoke(let revocation):
        writer.u8(1)
        writer.revocation(revocation)
      case .feedback(let message, let referral):
        writer.u8(2)
        writer.eventMessage(message)
        writer.string(referral)
      case .report(let message, let address):
        writer.u8(3)
        writer.eventMessage(message)
        writer.string(address)
      case .referralOpened(let referral, let household):
        writer.u8(4)
        writer.string(referral)
        writer.string(household.text)
      case .addressOf(let address, let household):
        writer.u8(5)
        writer.string(address)
        writer.optional(household) { $0.string($1.text) }
      case .rejected(let key):
        writer.u8(6)
        writer.eventKey(key)
      case .resident(let committee, let joins):
        writer.u8(7)
        writer.string(committee)
        writer.bool(joins)
      case .watch(let committee, let household, let smallest, let believes):
        writer.u8(8)
        writer.string(committee)
        writer.string(household.text)
        writer.u32(smallest)
        writer.bool(believes)
      case .unwatch(let committee, let household):
        writer.u8(9)
        writer.string(committee)
        writer.string(household.text)
      case .match(let request):
        writer.u8(10)
        writer.matchRequest(request)
      case .place(let request, let isLarge):
        writer.u8(11)
        writer.matchRequest(request)
        writer.bool(isLarge)
      case .placed(let referral, let from, let to):
        writer.u8(12)
        writer.string(referral)
        writer.string(from)
        writer.string(to)
      }
    }
  }

  public init(_ bytes: UnsafeRawBufferPointer) throws(DecodingFailure) {
    var reader = ByteReader(bytes)
    switch try reader.u8() {
    case RegisterMessage.eventTag: self = .event(try reader.eventMessage())
    case 1: self = .revoke(try reader.revocation())
    case 2: self = .feedback(try reader.eventMessage(), referral: try reader.string())
    case 3: self = .report(try reader.eventMessage(), address: try reader.string())
    case 4:
      self = .referralOpened(
        referral: try reader.string(), household: HouseholdKey(text: try reader.string()))
    case 5:
      self = .addressOf(
        address: try reader.string(),
        household: try reader.optionalString().map { HouseholdKey(text: $0) })
    case 6: self = .rejected(try reader.eventKey())
    case 7: self = .resident(committee: try reader.string(), joins: try reader.bool())
    case 8:
      self = .watch(
        committee: try reader.string(), household: HouseholdKey(text: try reader.string()),
        smallest: try reader.u32(), believes: try reader.bool())
    case 9:
      self = .unwatch(
        committee: try reader.string(), household: HouseholdKey(text: try reader.string()))
    case 10: self = .match(try reader.matchRequest())
    case 11: self = .place(try reader.matchRequest(), committeeIsLarge: try reader.bool())
    case 12:
      self = .placed(
        referral: try reader.string(), from: try reader.string(), to: try reader.string())
    default: throw DecodingFailure("register message")
    }
  }
}

/// The key of a household in state: the registry's id, or the provisional household of one person
/// whose household is not known (semantics 9).
///
/// A provisional key contains the person's number: it is never printed; outputs show a pseudonym.
public struct HouseholdKey: Hashable, Comparable, Sendable, CustomStringConvertible {
  public let text: String
  public init(text: String) { self.text = text }
  /// From a state key: a letter for the kind, then the household's key.
  public init(owner key: [UInt8]) { text = String(decoding: key.dropFirst(), as: UTF8.self) }
  public init(registry id: String) { text = "=" + id }
  public init(provisional person: CitizenID) { text = "~" + String(person.digits) }

  /// An address where nobody known lives, reported by a neighbour or a hotline.
  public init(address: String) { self.text = "@" + address }

  /// The only person of a provisional household, nil for one of the registry.
  public var provisionalPerson: CitizenID? {
    guard text.utf8.first == UInt8(ascii: "~"), let digits = UInt64(text.dropFirst()) else {
      return nil
    }
    return CitizenID(validatedDigits: digits)
  }

  /// Whether a registry knows the household.
  public var isRegistered: Bool { text.utf8.first == UInt8(ascii: "=") }

  /// The registry's id, nil for a provisional household.
  public var registryID: String? { isRegistered ? String(text.dropFirst()) : nil }

  public static func < (a: HouseholdKey, b: HouseholdKey) -> Bool {
    a.text.utf8.lexicographicallyPrecedes(b.text.utf8)
  }
  public var description: String { "<household>" }
}
