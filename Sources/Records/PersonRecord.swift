public import Streaming
public import Vocabulary

/// One statement of a household's registry about whether a person lives there.
public struct HomeClaim: Equatable, Sendable {
  /// From when: the composition's `asOf`, or the date of a birth.
  public var asOf: Instant
  public var time: Instant
  public var recorded: Instant
  public var source: String
  public var id: String
  /// False: an earlier composition named the person, this one leaves them out.
  public var named: Bool
  /// Position of the parent whose household claims a newborn; the first known parent wins.
  public var rank: UInt8

  public init(
    asOf: Instant, time: Instant, recorded: Instant, source: String, id: String, named: Bool,
    rank: UInt8
  ) {
    self.asOf = asOf
    self.time = time
    self.recorded = recorded
    self.source = source
    self.id = id
    self.named = named
    self.rank = rank
  }

  func precedes(_ other: HomeClaim) -> Bool {
    if asOf != other.asOf { return asOf < other.asOf }
    if time != other.time { return time < other.time }
    if recorded != other.recorded { return recorded < other.recorded }
    if source != other.source { return source.utf8.lexicographicallyPrecedes(other.source.utf8) }
    if id != other.id { return id.utf8.lexicographicallyPrecedes(other.id.utf8) }
    return rank > other.rank
  }
}

/// A household's standing interest in a person: it gets the person's record on every change.
public struct HouseholdInterest: Equatable, Sendable {
  public var household: HouseholdKey
  /// Counts this household's statements about this person; the person's record echoes it.
  public var sequence: UInt32
  /// What its registry says; empty for a relative who never lived there.
  public var claims: [HomeClaim]

  public init(household: HouseholdKey, sequence: UInt32, claims: [HomeClaim]) {
    self.household = household
    self.sequence = sequence
    self.claims = claims
  }
}

/// Where a person lives from an instant on; nil: no household is known.
public struct HomeSegment: Equatable, Sendable {
  public var from: Instant
  public var household: HouseholdKey?
}

/// All that is known of a person. Persons owns it; households hold the latest copy they were sent.
public struct PersonRecord: Equatable, Sendable {
  public var id: CitizenID
  /// Counts changes.
  public var version: UInt64
  /// Counts the times the person came to be without a known household and had a record there.
  public var provisionalEpoch: UInt32
  public var interests: [HouseholdInterest]
  /// Where the person lives, from all claims of all households.
  public private(set) var homes: [HomeSegment]
  public var revocations: [Revocation]
  public var log: EventLog

  public init(id: CitizenID) {
    self.id = id
    version = 0
    provisionalEpoch = 0
    interests = []
    homes = []
    revocations = []
    log = EventLog()
  }

  /// The household at an instant, nil where none is known.
  public func home(at instant: Instant) -> HouseholdKey? {
    homes.last { $0.from <= instant }?.household
  }

  /// Recomputes `homes`: the latest claim that names the person wins; a later claim of the same
  /// household that leaves them out ends it (semantics 5).
  public mutating func settleHomes() {
    var claims: [(HomeClaim, HouseholdKey)] = []
    for interest in interests {
      for claim in interest.claims { claims.append((claim, interest.household)) }
    }
    claims.sort {
      if $0.0.precedes($1.0) { return true }
      if $1.0.precedes($0.0) { return false }
      return $0.1 < $1.1
    }
    homes = []
    var current: HouseholdKey?
    for (claim, household) in claims {
      if claim.named {
        current = household
      } else if current == household {
        current = nil
      }
      if let last = homes.last, last.from == claim.asOf { homes.removeLast() }
      if homes.last?.household != current || homes.isEmpty {
        homes.append(HomeSegment(from: claim.asOf, household: current))
      }
    }
  }

  static let format: UInt8 = 2
  /// Behind the format and the id.
  static let versionOffset = 9

  /// Fixed head, then homes, interests and revocations, each with its length, then the event log in
  /// place.
  public func encoded() -> [UInt8] {
    [UInt8](reserving: 512) { writer in
      writer.u8(PersonRecord.format)
      writer.citizen(id)
      writer.u64(version)
      writer.u32(provisionalEpoch)
      writer.section {
        $0.list(homes) {
          $0.instant($1.from)
          $0.optional($1.household) { $0.string($1.text) }
        }
      }
      writer.section { $0.list(interests) { $0.interest($1) } }
      writer.section { $0.list(revocations) { $0.revocation($1) } }
      writer.raw(log.bytes)
    }
  }

  public init(_ view: PersonView) throws(DecodingFailure) {
    id = view.id
    version = view.version
    provisionalEpoch = view.provisionalEpoch
    homes = view.homes
    interests = try view.interests()
    revocations = try view.revocations()
    log = EventLog(view.log)
  }
}

/// A person's record with its event log read in place.
public struct PersonView {
  public let id: CitizenID
  public let version: UInt64
  public let provisionalEpoch: UInt32
  private let homeBytes: UnsafeRawBufferPointer
  private let interestBytes: UnsafeRawBufferPointer
  private let revocationBytes: UnsafeRawBufferPointer
  private let bytes: UnsafeRawBufferPointer
  public let log: EventLogView

  /// `bytes` must stay valid while the view is used.
  public init(_ bytes: UnsafeRawBufferPointer) throws(DecodingFailure) {
    var reader = ByteReader(bytes)
    guard try reader.u8() == PersonRecord.format else { throw DecodingFailure("person format") }
    id = try reader.citizen()
    version = try reader.u64()
    provisionalEpoch = try reader.u32()
    self.bytes = bytes
    homeBytes = try reader.blob()
    try PersonView.eachHome(in: homeBytes) { _, _ in }
    interestBytes = try reader.blob()
    revocationBytes = try reader.blob()
    log = try EventLogView(try reader.raw(reader.remaining))
  }

  /// The households interested in the person, decoded.
  public func interests() throws(DecodingFailure) -> [HouseholdInterest] {
    var reader = ByteReader(interestBytes)
    return try reader.list { r throws(DecodingFailure) in try r.interest() }
  }

  /// Whether any event of the person was taken back.
  public var hasRevocations: Bool { revocationBytes.first.map { $0 != 0 } ?? false }

  /// The events of the person that were taken back, decoded.
  public func revocations() throws(DecodingFailure) -> [Revocation] {
    guard hasRevocations else { return [] }
    var reader = ByteReader(revocationBytes)
    return try reader.list { r throws(DecodingFailure) in try r.revocation() }
  }

  /// Where the person lives over time, decoded.
  public var homes: [HomeSegment] {
    var homes: [HomeSegment] = []
    try? PersonView.eachHome(in: homeBytes) { from, household in
      homes.append(
        HomeSegment(
          from: from,
          household: household.map { HouseholdKey(text: String(decoding: $0, as: UTF8.self)) }))
    }
    return homes
  }

  /// Where the person lives over time, read in place: from when on, and the key of the household.
  public func eachHome(_ body: (Instant, UnsafeRawBufferPointer?) -> Void) {
    try? PersonView.eachHome(in: homeBytes, body)
  }

  /// The household at an instant, nil where none is known.
  public func home(at instant: Instant) -> HouseholdKey? {
    homeKey(at: instant).map { HouseholdKey(text: String(decoding: $0, as: UTF8.self)) }
  }

  /// When the person's home changes next, as announced.
  public func nextMove(after now: Instant) -> Instant? {
    var next: Instant?
    try? PersonView.eachHome(in: homeBytes) { from, _ in
      if from > now, next == nil { next = from }
    }
    return next
  }

  /// Whether any household is known at an instant.
  public func hasHome(at instant: Instant) -> Bool { homeKey(at: instant) != nil }

  /// Whether the person's household at an instant is this one.
  public func lives(in household: HouseholdKey, at instant: Instant) -> Bool {
    homeKey(at: instant).map { household.text.utf8.elementsEqual($0) } ?? false
  }

  /// The key of the household at an instant, read in place.
  private func homeKey(at instant: Instant) -> UnsafeRawBufferPointer? {
    var key: UnsafeRawBufferPointer?
    try? PersonView.eachHome(in: homeBytes) { from, household in
      if from <= instant { key = household }
    }
    return key
  }

  private static func eachHome(
    in bytes: UnsafeRawBufferPointer, _ body: (Instant, UnsafeRawBufferPointer?) -> Void
  ) throws(DecodingFailure) {
    var reader = ByteReader(bytes)
    for _ in 0..<(try reader.count()) {
      let from = try reader.instant()
      body(from, try reader.bool() ? try reader.blob() : nil)
    }
  }

  /// The households interested in the person, as they are encoded.
  public func eachInterested(
    _ body: (UnsafeRawBufferPointer) -> Void
  ) throws(DecodingFailure) {
    var reader = ByteReader(interestBytes)
    for _ in 0..<(try reader.count()) {
      body(try reader.blob())
      _ = try reader.u32()
      try reader.skipHomeClaims()
    }
  }

  /// The record of the next version with one event more; nil where the log has it.
  public func appending(_ entry: EventEntryView) -> GrownPerson? {
    log.index(of: entry.key) == nil ? GrownPerson(bytes, version, log, entry) : nil
  }

  /// The sequence of the last statement of `household` that this record has taken in.
  public func acknowledged(_ household: HouseholdKey) throws(DecodingFailure) -> UInt32? {
    var reader = ByteReader(interestBytes)
    for _ in 0..<(try reader.count()) {
      let isTheirs = household.text.utf8.elementsEqual(try reader.blob())
      let sequence = try reader.u32()
      if isTheirs { return sequence }
      try reader.skipHomeClaims()
    }
    return nil
  }
}

/// A person's record with one event more, not yet written.
public struct GrownPerson {
  private let bytes: UnsafeRawBufferPointer
  private let version: UInt64
  private let head: Int
  private let splice: EventLogSplice
  /// How many bytes it has.
  public let size: Int

  fileprivate init(
    _ bytes: UnsafeRawBufferPointer, _ version: UInt64, _ log: EventLogView,
    _ entry: EventEntryView
  ) {
    self.bytes = bytes
    self.version = version
    head = bytes.count - log.size
    splice = EventLogSplice(log, adding: entry)
    size = bytes.count + splice.addedBytes
  }

  public func write(to writer: inout ByteWriter) {
    writer.raw(UnsafeRawBufferPointer(rebasing: bytes[..<PersonRecord.versionOffset]))
    writer.u64(version + 1)
    writer.raw(UnsafeRawBufferPointer(rebasing: bytes[(PersonRecord.versionOffset + 8)..<head]))
    splice.write(to: &writer)
  }
}

extension ByteWriter {
  mutating func interest(_ value: HouseholdInterest) {
    string(value.household.text)
    u32(value.sequence)
    list(value.claims) { $0.homeClaim($1) }
  }

  public mutating func homeClaim(_ claim: HomeClaim) {
    instant(claim.asOf)
    instant(claim.time)
    instant(claim.recorded)
    string(claim.source)
    string(claim.id)
    bool(claim.named)
    u8(claim.rank)
  }
}

extension ByteReader {
  mutating func interest() throws(DecodingFailure) -> HouseholdInterest {
    HouseholdInterest(
      household: HouseholdKey(text: try string()), sequence: try u32(),
      claims: try list { r throws(DecodingFailure) in try r.homeClaim() })
  }

  /// Reads over a list of claims.
  mutating func skipHomeClaims() throws(DecodingFailure) {
    for _ in 0..<(try count()) {
      _ = try raw(24)
      _ = try blob()
      _ = try blob()
      _ = try raw(2)
    }
  }

  public mutating func homeClaim() throws(DecodingFailure) -> HomeClaim {
    HomeClaim(
      asOf: try instant(), time: try instant(), recorded: try instant(), source: try string(),
      id: try string(), named: try bool(), rank: try u8())
  }
}
