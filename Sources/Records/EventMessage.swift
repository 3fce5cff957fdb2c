public import Streaming
public import Vocabulary

/// Whom an event is about.
public enum EventTarget: Hashable, Sendable {
  case person(CitizenID)
  /// The household's own id in the registry.
  case household(String)
  case referral(String)
  /// A normalised address; Register knows which household lives there.
  case address(String)
}

/// A member as a composition lists it.
public struct CompositionMember: Equatable, Sendable {
  public var id: CitizenID
  /// GB/T 4761 code of two digits.
  public var relation: String
  public var name: String?
  /// Nil where the composition does not say.
  public var guardians: [CitizenID]?
  /// Six-digit code of registration.
  public var hukou: String?
  /// `full`, `partial` or `none`.
  public var selfCare: String?

  public init(
    id: CitizenID, relation: String, name: String?, guardians: [CitizenID]?, hukou: String?,
    selfCare: String?
  ) {
    self.id = id
    self.relation = relation
    self.name = name
    self.guardians = guardians
    self.hukou = hukou
    self.selfCare = selfCare
  }
}

/// The facts that an event states about one target.
public struct TargetedFacts: Equatable, Sendable {
  public var target: EventTarget
  public var fields: [FactField]
  public init(target: EventTarget, fields: [FactField]) {
    self.target = target
    self.fields = fields
  }
}

/// A record as it came, kept where a later stage may still have to reject it.
public struct OriginalRecord: Equatable, Sendable {
  public var topic: String
  public var partition: Int32
  public var offset: Int64
  public var timestamp: Int64
  public var key: [UInt8]?
  public var value: [UInt8]?
  public var headers: [Header]

  public init(
    topic: String, partition: Int32, offset: Int64, timestamp: Int64, key: [UInt8]?,
    value: [UInt8]?, headers: [Header]
  ) {
    self.topic = topic
    self.partition = partition
    self.offset = offset
    self.timestamp = timestamp
    self.key = key
    self.value = value
    self.headers = headers
  }
}

/// A decoded and validated event on its way from Intake to Register.
public struct EventMessage: Equatable, Sendable {
  /// Identity, times and persons; its fields are those that belong to the event as a whole.
  public var event: EventEntry
  /// The event of the same source that this one replaces.
  public var supersedes: EventKey?
  /// The event of the same source that this `notice.retracted` takes back.
  public var retracts: EventKey?
  public var targets: [TargetedFacts]
  /// The member list of a composition, nil for all other types.
  public var members: [CompositionMember]?
  /// Present for events whose target may turn out to be unknown.
  public var original: OriginalRecord?

  public init(
    event: EventEntry, supersedes: EventKey?, retracts: EventKey?, targets: [TargetedFacts],
    members: [CompositionMember]?, original: OriginalRecord?
  ) {
    self.event = event
    self.supersedes = supersedes
    self.retracts = retracts
    self.targets = targets
    self.members = members
    self.original = original
  }

  /// The entry that `facts.target` keeps: the event's own fields and its facts about the target.
  public func entry(for facts: TargetedFacts) -> EventEntry {
    var entry = event
    entry.fields += facts.fields
    return entry
  }
}

extension ByteWriter {
  public mutating func eventTarget(_ target: EventTarget) {
    switch target {
    case .person(let id):
      u8(0)
      citizen(id)
    case .household(let id):
      u8(1)
      string(id)
    case .referral(let id):
      u8(2)
      string(id)
    case .address(let text):
      u8(3)
      string(text)
    }
  }

  mutating func member(_ member: CompositionMember) {
    citizen(member.id)
    string(member.relation)
    optional(member.name) { $0.string($1) }
    optional(member.guardians) { $0.list($1) { $0.citizen($1) } }
    optional(member.hukou) { $0.string($1) }
    optional(member.selfCare) { $0.string($1) }
  }

  mutating func header(_ header: Header) {
    string(header.name)
    blob(header.value)
  }

  mutating func original(_ record: OriginalRecord) {
    string(record.topic)
    u32(UInt32(bitPattern: record.partition))
    i64(record.offset)
    i64(record.timestamp)
    optional(record.key) { $0.blob($1) }
    optional(record.value) { $0.blob($1) }
    list(record.headers) { $0.header($1) }
  }

  public mutating func eventMessage(_ message: EventMessage) {
    eventEntry(message.event)
    optional(message.supersedes) { $0.eventKey($1) }
    optional(message.retracts) { $0.eventKey($1) }
    list(message.targets) {
      $0.eventTarget($1.target)
      $0.list($1.fields) { $0.factField($1) }
    }
    optional(message.members) { $0.list($1) { $0.member($1) } }
    optional(message.original) { $0.original($1) }
  }
}

extension ByteReader {
  public mutating func eventTarget() throws(DecodingFailure) -> EventTarget {
    switch try u8() {
    case 0: return .person(try citizen())
    case 1: return .household(try string())
    case 2: return .referral(try string())
    case 3: return .address(try string())
    default: throw DecodingFailure("event target")
    }
  }

  mutating func member() throws(DecodingFailure) -> CompositionMember {
    CompositionMember(
      id: try citizen(), relation: try string(), name: try optionalString(),
      guardians: try optional { r throws(DecodingFailure) in
        try r.list { r throws(DecodingFailure) in try r.citizen() }
      }, hukou: try optionalString(), selfCare: try optionalString())
  }

  public mutating func optionalString() throws(DecodingFailure) -> String? {
    try optional { r throws(DecodingFailure) in try r.string() }
  }

  mutating func optionalBytes() throws(DecodingFailure) -> [UInt8]? {
    try optional { r throws(DecodingFailure) in Array(try r.blob()) }
  }

  mutating func original() throws(DecodingFailure) -> OriginalRecord {
    OriginalRecord(
      topic: try string(), partition: Int32(bitPattern: try u32()), offset: try i64(),
      timestamp: try i64(), key: try optionalBytes(), value: try optionalBytes(),
      headers: try list { r throws(DecodingFailure) in
        Header(try r.string(), Array(try r.blob()))
      })
  }

  public mutating func eventMessage() throws(DecodingFailure) -> EventMessage {
    EventMessage(
      event: try eventEntry(),
      supersedes: try optional { r throws(DecodingFailure) in try r.eventKey() },
      retracts: try optional { r throws(DecodingFailure) in try r.eventKey() },
      targets: try list { r throws(DecodingFailure) in
        TargetedFacts(
          target: try r.eventTarget(),
          fields: try r.list { r throws(DecodingFailure) in try r.factField() })
      },
      members: try optional { r throws(DecodingFailure) in
        try r.list { r throws(DecodingFailure) in try r.member() }
      },
      original: try optional { r throws(DecodingFailure) in try r.original() })
  }
}
