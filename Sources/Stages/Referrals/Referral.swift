import Records
import Streaming
import Vocabulary

/// States of a referral, named as FHIR Task names them.
enum ReferralState: UInt8, Sendable, CustomStringConvertible {
  /// Waits for someone to claim it.
  case requested = 0
  /// Claimed. Goes to in-progress, completed, declined or back to requested.
  case accepted
  case inProgress
  /// Done; never changes again, except that consent or a retraction is told to its receivers.
  case completed
  /// Nobody is left who could take it.
  case declined
  /// What it rested on no longer stands.
  case withdrawn
  case failed

  var description: String {
    switch self {
    case .requested: "requested"
    case .accepted: "accepted"
    case .inProgress: "in-progress"
    case .completed: "completed"
    case .declined: "declined"
    case .withdrawn: "withdrawn"
    case .failed: "failed"
    }
  }

  /// Still somebody's task.
  var isOpen: Bool { self == .requested || self == .accepted || self == .inProgress }

  /// Closed by its receiver; the dedup window counts from then (semantics 29).
  var isAnswered: Bool { self == .completed || self == .declined }
}

/// Why a referral was withdrawn (contract, section 4).
enum WithdrawalReason: UInt8, Sendable, CustomStringConvertible {
  case retracted = 0
  case noLongerHolds
  case policyChanged
  case superseded
  case deceased
  case consentWithdrawn

  var description: String {
    switch self {
    case .retracted: "retracted"
    case .noLongerHolds: "no-longer-holds"
    case .policyChanged: "policy-changed"
    case .superseded: "superseded"
    case .deceased: "deceased"
    case .consentWithdrawn: "consent-withdrawn"
    }
  }
}

/// Who receives a referral.
enum Receiver: UInt8, Sendable, CustomStringConvertible {
  case advisor = 0
  case subdistrict
  case district
  case resource

  var description: String {
    switch self {
    case .advisor: "advisor"
    case .subdistrict: "subdistrict"
    case .district: "district"
    case .resource: "resource"
    }
  }
}

/// A fact that a decision rested on, as the receiver may see it.
struct Evidence: Equatable, Sendable {
  var fact: String
  var value: String
  /// `id` and `source` of the event that states it; nil for derived facts.
  var event: String?
  var source: String?
  var at: Instant?
}

/// One step in the life of a referral.
struct HistoryItem: Equatable, Sendable {
  var at: Instant
  var what: String
  var by: String
}

/// A referral: one task for one receiver, published whole with every revision.
@dynamicMemberLookup
struct Referral: Equatable {
  var id: String
  var revision: UInt32
  var state: ReferralState
  var reason: WithdrawalReason?
  var bundle: String
  var receiver: Receiver
  /// Position among the rule's `refer` entries, so that its texts can be found again.
  var entry: UInt8
  /// Area code that is part of the identity: committee, sub-district or district.
  var area: String
  var urgency: Urgency
  var openedAt: Instant
  var dueAt: Instant
  /// Start of the present claim time: opening, confirmation, reassignment or escalation.
  var claimFrom: Instant
  /// Unclaimed and unfinished escalations so far: 0 none, 1 sub-district, 2 district.
  var escalation: UInt8
  /// The next instant at which the deadline ladder acts; nil when it has run out.
  var overdueAt: Instant?
  /// What is seldom asked for.
  var details: KeptDetails

  /// Its details read as its own.
  @inline(__always)
  subscript<T>(dynamicMember path: WritableKeyPath<ReferralDetails, T>) -> T {
    _read { yield details.value[keyPath: path] }
    _modify { yield &details.value[keyPath: path] }
  }

  /// Gives it another deadline, which is watched where it lies ahead.
  mutating func move(dueAt new: Instant, now: Instant) {
    guard new != dueAt else { return }
    dueAt = new
    if overdueAt != nil || new > now { overdueAt = new }
  }

  /// Nobody of any level is there to take it.
  var isUnassigned: Bool { details.isUnassigned }

  /// When something last happened to it.
  var lastChange: Instant? { details.lastChange }

  /// Who declined it: they are not asked again.
  var decliners: Set<String> {
    Set(self.history.lazy.filter { $0.what == "declined" }.map(\.by))
  }

  /// The last revision published under an earlier identifier; nil where it was never its own.
  func lastRevision(under id: String) -> UInt32? {
    for name in self.formerly.reversed() {
      let parts = name.split(separator: "/")
      if parts.first.map({ $0 == id }) ?? false { return parts.last.flatMap { UInt32($0) } }
    }
    return nil
  }
}

/// An alert and whether it still fires.
struct Alert: Equatable, Sendable {
  var id: String
  /// Position among the rule's alerts.
  var entry: UInt8
  var revision: UInt32
  var firing: Bool
  var openedAt: Instant
  var message: String
  var evidence: [Evidence]
  /// `alerts.restricted` or `alerts.<district>`: one alert stays on one topic.
  var topic: String
  var traceparent: String?
}

extension ByteWriter {
  mutating func evidence(_ value: Evidence) {
    string(value.fact)
    string(value.value)
    optional(value.event) { $0.string($1) }
    optional(value.source) { $0.string($1) }
    optional(value.at) { $0.instant($1) }
  }

  mutating func strings(_ values: [String]) { list(values) { $0.string($1) } }

  mutating func referral(_ r: Referral) {
    string(r.id)
    u32(r.revision)
    u8(r.state.rawValue)
    optional(r.reason) { $0.u8($1.rawValue) }
    string(r.bundle)
    u8(r.receiver.rawValue)
    u8(r.entry)
    string(r.area)
    u8(UInt8(r.urgency.rawValue))
    instant(r.openedAt)
    instant(r.dueAt)
    instant(r.claimFrom)
    u8(r.escalation)
    optional(r.overdueAt) { $0.instant($1) }
    details(r.details)
  }

  mutating func alert(_ a: Alert) {
    string(a.id)
    u8(a.entry)
    u32(a.revision)
    bool(a.firing)
    instant(a.openedAt)
    string(a.message)
    list(a.evidence) { $0.evidence($1) }
    string(a.topic)
    optional(a.traceparent) { $0.string($1) }
  }
}

extension ByteReader {
  mutating func optionalInstant() throws(DecodingFailure) -> Instant? {
    try optional { r throws(DecodingFailure) in try r.instant() }
  }

  mutating func strings() throws(DecodingFailure) -> [String] {
    try list { r throws(DecodingFailure) in try r.string() }
  }

  mutating func enumeration<T: RawRepresentable<UInt8>>(
    _ type: T.Type
  ) throws(DecodingFailure) -> T {
    guard let value = T(rawValue: try u8()) else { throw DecodingFailure("\(type)") }
    return value
  }

  mutating func evidence() throws(DecodingFailure) -> Evidence {
    Evidence(
      fact: try string(), value: try string(), event: try optionalString(),
      source: try optionalString(), at: try optionalInstant())
  }

  mutating func referral() throws(DecodingFailure) -> Referral {
    Referral(
      id: try string(), revision: try u32(), state: try enumeration(ReferralState.self),
      reason: try optional { r throws(DecodingFailure) in
        try r.enumeration(WithdrawalReason.self)
      }, bundle: try string(), receiver: try enumeration(Receiver.self), entry: try u8(),
      area: try string(), urgency: Urgency(rawValue: Int(try u8())) ?? .p4,
      openedAt: try instant(), dueAt: try instant(), claimFrom: try instant(),
      escalation: try u8(), overdueAt: try optionalInstant(), details: try keptDetails())
  }

  mutating func alert() throws(DecodingFailure) -> Alert {
    Alert(
      id: try string(), entry: try u8(), revision: try u32(), firing: try bool(), openedAt: try instant(),
      message: try string(),
      evidence: try list { r throws(DecodingFailure) in try r.evidence() },
      topic: try string(), traceparent: try optionalString())
  }
}
