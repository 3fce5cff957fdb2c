import Records
import Streaming
import Vocabulary

/// A person whose record this household receives: a member now or before, or a relative elsewhere.
struct PersonLink: Equatable, Sendable {
  var person: CitizenID
  /// The last statement sent to the person, and what it said.
  var sequence: UInt32
  var claims: HomeClaims
  /// The last statement that the person's record has taken in.
  var acknowledged: UInt32
  /// The provisional epoch whose referrals were handed over to this household.
  var handedOver: UInt32
}

/// An event that a rule has fired on for a subject: it does not again (semantics 3).
struct Fired: Hashable, Sendable {
  var rule: String
  var event: EventKey
  var subject: CitizenID?
  /// The effective day of the event, after which the memory can be pruned.
  var effective: Instant
}

/// A rule that holds, or held, for a household or one of its people.
struct Opening: Equatable {
  enum Phase: UInt8, Sendable {
    /// The condition holds, the rule's `hold` is not over.
    case holding = 0
    /// Referrals and alert are out.
    case open
    /// All referrals are completed, declined or failed.
    case closed
    /// Taken back; never suppresses a later opening (semantics 29).
    case withdrawn
    /// Only a decision record: a shadow or draft rule.
    case shadow

    var isLive: Bool { self == .holding || self == .open || self == .shadow }
  }
  var rule: String
  var subject: CitizenID?
  /// Counts the openings of (rule, subject) in this household, from 1.
  var ordinal: UInt32
  var phase: Phase
  /// When the present phase began.
  var since: Instant
  /// A situation rule that was answered stays quiet until its condition has ceased once.
  var ceased: Bool
  var openedAt: Instant
  /// Effective time of the event that opened it; the opening itself for a situation rule.
  var openedBy: Instant
  /// Events it rests on; empty for a situation rule.
  var triggers: [EventKey]
  var review: Bool
  var referrals: [Referral]
  var alerts: [Alert]
  /// Tells openings of one event apart, such as the visits missed after one exit.
  var marker: EventKey? = nil
  /// Retracted events whose receivers were told.
  var corrected: [EventKey] = []

  var isLive: Bool { phase.isLive }
}

/// The last ordinal of the openings of a rule for a subject that were handed over.
struct SpentOrdinal: Equatable, Sendable {
  var rule: String
  var subject: CitizenID?
  var ordinal: UInt32
}

/// A household in state: composition notices, people, events about it, and what rests on them.
struct HouseholdState: Equatable {
  static let format: UInt8 = 6
  /// The formats before it, still read: one whose brief does not tell for which rules too little is
  /// on file and whose people come behind the compositions, before that one whose answers do not
  /// tell what held, and one without a brief.
  static let formerFormats: (withHeld: UInt8, withBrief: UInt8, first: UInt8) = (5, 4, 3)

  let key: HouseholdKey
  /// The household's wake-up; nil where nothing waits for time to pass.
  var nextDue: Instant?
  var compositions: [Composition] = []
  var links: [PersonLink] = []
  var revocations: [Revocation] = []
  var openings: [Opening] = []
  var fired: [Fired] = []
  /// Facts that changed while the household waited for records; nil: any may have.
  var pendingChanges: [FactID]? = []
  /// The event behind the changes that wait to be decided.
  var pendingCause: EventKey?
  /// Events that came since the last decision.
  var pendingEvents: [EventKey] = []
  /// Events that were taken back since the last decision.
  var pendingRevocations: [Revocation] = []
  /// When an answer of a rule may change by time alone; nil: never.
  var nextDecision: Instant?
  /// Decisions of this household so far, and the hash of the last one.
  var decisionCount: UInt32 = 0
  var decisionHash: [UInt8] = []
  /// The address last announced to Register.
  var announcedAddress: String?
  /// The area under which the open referrals were routed.
  var routedDistrict: String = ""
  /// Persons who withdrew their consent to disclosure, and those who gave it.
  var consent: [CitizenID: Bool] = [:]
  var householdConsent: Bool?
  /// Visits reported on referrals of the ladder after an exit.
  var visits: [VisitMade] = []
  /// The provisional epoch handed over last, where this household is provisional.
  var handedOverEpoch: UInt32 = 0
  /// Where the person of this provisional household lives now: feedback goes there.
  var forwarding: HouseholdKey?
  /// Openings handed over by provisional households, to be carried on by the next decision.
  var adopted: [Opening] = []
  /// Ordinals that openings handed over had: identifiers made from them are never given again.
  var spent: [SpentOrdinal] = []
  var placements = Placements()
  /// What event rules have answered for good.
  var answers = EventAnswers()
  /// What the last decision found for the messages to come.
  var outlook = HouseholdBrief.Outlook()
  var log = EventLog()
  /// Not stored: the log is another than that loaded.
  var isLogChanged = false

  init(key: HouseholdKey) { self.key = key }

  /// The state key: `h` and the household key.
  static func stateKey(_ key: HouseholdKey) -> [UInt8] {
    [UInt8](reserving: key.text.utf8.count + 1) { writer in
      writer.u8(UInt8(ascii: "h"))
      writer.raw(key.text.utf8)
    }
  }

  /// Calls `body` with the state key, valid during the call.
  static func withStateKey<R, Failure: Error>(
    _ key: UnsafeRawBufferPointer, _ body: (UnsafeRawBufferPointer) throws(Failure) -> R
  ) throws(Failure) -> R {
    try withKey(UInt8(ascii: "h"), key, person: nil, body)
  }

  /// Calls `body` with the state key of the household's copy of a person's record, valid during the
  /// call.
  static func withPersonKey<R, Failure: Error>(
    _ key: UnsafeRawBufferPointer, _ person: CitizenID,
    _ body: (UnsafeRawBufferPointer) throws(Failure) -> R
  ) throws(Failure) -> R {
    try withKey(UInt8(ascii: "p"), key, person: person, body)
  }

  private static func withKey<R, Failure: Error>(
    _ kind: UInt8, _ key: UnsafeRawBufferPointer, person: CitizenID?,
    _ body: (UnsafeRawBufferPointer) throws(Failure) -> R
  ) throws(Failure) -> R {
    let end = key.count + 1
    let size = person == nil ? end : end + 9
    return try withUnsafeTemporaryAllocation(byteCount: size, alignment: 1) {
      (memory) throws(Failure) in
      memory[0] = kind
      UnsafeMutableRawBufferPointer(rebasing: memory[1..<end]).copyMemory(from: key)
      if let person {
        memory[end] = 0
        memory.storeBytes(of: person.digits.bigEndian, toByteOffset: end + 1, as: UInt64.self)
      }
      return try body(UnsafeRawBufferPointer(memory))
    }
  }

  /// Equal but for what the next decision finds out anew.
  func isAlike(_ other: HouseholdState) -> Bool {
    var other = other
    other.outlook = outlook
    return self == other
  }

  /// Whether a sweep has something to do here besides deciding rules.
  func isTouched(by sweep: World.Sweep) -> Bool {
    openings.contains { opening in
      opening.phase == .open && opening.referrals.contains { $0.isTouched(by: sweep) }
    }
  }

  /// The state key of the household's copy of a person's record.
  static func personKey(_ key: HouseholdKey, _ person: CitizenID) -> [UInt8] {
    personKey(key.text.utf8, person)
  }

  static func personKey(_ key: some Collection<UInt8>, _ person: CitizenID) -> [UInt8] {
    [UInt8](reserving: key.count + 10) { writer in
      writer.u8(UInt8(ascii: "p"))
      writer.raw(key)
      writer.u8(0)
      writer.u64(person.digits.byteSwapped)
    }
  }

  /// Makes a key of one person's copy that of another's.
  static func setPerson(_ person: CitizenID, of key: inout [UInt8]) {
    key.withUnsafeMutableBytes { bytes in
      bytes.storeBytes(
        of: person.digits.bigEndian, toByteOffset: bytes.count - MemoryLayout<UInt64>.size,
        as: UInt64.self)
    }
  }

  /// The ordinal of the next opening of a rule for a subject.
  func nextOrdinal(_ rule: String, _ subject: CitizenID?) -> UInt32 {
    let open = openings.reduce(0) { last, opening in
      opening.rule == rule && opening.subject == subject ? max(last, opening.ordinal) : last
    }
    let spent = spent.first { $0.rule == rule && $0.subject == subject }?.ordinal ?? 0
    return max(open, spent) + 1
  }

  /// Remembers the ordinal of an opening that is handed over.
  mutating func spend(_ opening: Opening) {
    let last = nextOrdinal(opening.rule, opening.subject) - 1
    spent.removeAll { $0.rule == opening.rule && $0.subject == opening.subject }
    spent.append(SpentOrdinal(rule: opening.rule, subject: opening.subject, ordinal: last))
  }

  /// Forgets the openings, which were handed over, but for the ordinals they had.
  mutating func retireOpenings() {
    for opening in openings { spend(opening) }
    openings.removeAll()
    adopted.removeAll()
    fired.removeAll()
  }

  /// The household without what was handed over: what it has said stays said.
  func emptied() -> HouseholdState {
    var empty = HouseholdState(key: key)
    empty.spent = spent
    empty.decisionCount = decisionCount
    empty.decisionHash = decisionHash
    return empty
  }

  /// Those whose records the household receives.
  var people: [CitizenID] { links.map(\.person) }

  func link(_ person: CitizenID) -> PersonLink? { links.first { $0.person == person } }

  func encoded() -> [UInt8] {
    [UInt8](reserving: HouseholdState.usualSize) { encode(into: &$0) }
  }

  /// Most households take no more bytes.
  static let usualSize = 2048

  func encode(into writer: inout ByteWriter) {
    writer.u8(HouseholdState.format)
    brief.encode(into: &writer)
    writer.list(links) { $0.link($1) }
    writer.list(compositions) { $0.composition($1) }
    writer.list(revocations) { $0.revocation($1) }
    writer.list(openings) { $0.opening($1) }
    writer.list(fired) { $0.fired($1) }
    writer.optional(pendingChanges) { $0.list($1) { $0.u32($1.rawValue) } }
    writer.optional(pendingCause) { $0.eventKey($1) }
    writer.list(pendingEvents) { $0.eventKey($1) }
    writer.list(pendingRevocations) { $0.revocation($1) }
    writer.optional(nextDecision) { $0.instant($1) }
    writer.u32(decisionCount)
    writer.blob(decisionHash)
    writer.optional(announcedAddress) { $0.string($1) }
    writer.string(routedDistrict)
    writer.list(consent.sorted { $0.key < $1.key }) {
      $0.citizen($1.key)
      $0.bool($1.value)
    }
    writer.optional(householdConsent) { $0.bool($1) }
    writer.list(visits) {
      $0.eventKey($1.event)
      $0.signedVarint(Int64($1.on.dayNumber))
      $0.optional($1.stableIncome) { $0.bool($1) }
    }
    writer.u32(handedOverEpoch)
    writer.optional(forwarding) { $0.string($1.text) }
    writer.list(adopted) { $0.opening($1) }
    writer.list(spent) {
      $0.string($1.rule)
      $0.optional($1.subject) { $0.citizen($1) }
      $0.u32($1.ordinal)
    }
    writer.placements(placements)
    answers.encode(into: &writer)
    writer.raw(log.bytes)
  }

  init(key: HouseholdKey, _ bytes: UnsafeRawBufferPointer) throws(DecodingFailure) {
    self.key = key
    var reader = ByteReader(bytes)
    let former = HouseholdState.formerFormats
    let format = try reader.u8()
    guard former.first <= format, format <= HouseholdState.format else {
      throw DecodingFailure("household format")
    }
    let isCurrent = format == HouseholdState.format
    if format == former.first {
      let due = try reader.i64()
      nextDue = due == .max ? nil : Instant(microseconds: due)
    } else {
      let brief = try HouseholdBrief(&reader, tellsShort: isCurrent)
      nextDue = brief.nextDue
      outlook = brief.outlook
    }
    if isCurrent { links = try reader.list { r throws(DecodingFailure) in try r.link() } }
    compositions = try reader.list { r throws(DecodingFailure) in try r.composition() }
    if !isCurrent { links = try reader.list { r throws(DecodingFailure) in try r.link() } }
    revocations = try reader.list { r throws(DecodingFailure) in try r.revocation() }
    openings = try reader.list { r throws(DecodingFailure) in try r.opening() }
    fired = try reader.list { r throws(DecodingFailure) in try r.fired() }
    pendingChanges = try reader.optional { r throws(DecodingFailure) in
      try r.list { r throws(DecodingFailure) in FactID(rawValue: try r.u32()) }
    }
    pendingCause = try reader.optional { r throws(DecodingFailure) in try r.eventKey() }
    pendingEvents = try reader.list { r throws(DecodingFailure) in try r.eventKey() }
    pendingRevocations = try reader.list { r throws(DecodingFailure) in try r.revocation() }
    nextDecision = try reader.optionalInstant()
    decisionCount = try reader.u32()
    decisionHash = Array(try reader.blob())
    announcedAddress = try reader.optionalString()
    routedDistrict = try reader.string()
    for (person, given) in try reader.list({ r throws(DecodingFailure) in
      (try r.citizen(), try r.bool())
    }) { consent[person] = given }
    householdConsent = try reader.optional { r throws(DecodingFailure) in try r.bool() }
    visits = try reader.list { r throws(DecodingFailure) in
      VisitMade(
        event: try r.eventKey(),
        on: CivilDate(dayNumber: Int32(truncatingIfNeeded: try r.signedVarint())),
        stableIncome: try r.optional { r throws(DecodingFailure) in try r.bool() })
    }
    handedOverEpoch = try reader.u32()
    forwarding = try reader.optionalString().map { HouseholdKey(text: $0) }
    adopted = try reader.list { r throws(DecodingFailure) in try r.opening() }
    if format != former.first {
      spent = try reader.list { r throws(DecodingFailure) in
        SpentOrdinal(
          rule: try r.string(), subject: try r.optionalCitizen(), ordinal: try r.u32())
      }
    }
    placements = try reader.placements()
    if format != former.first {
      answers = try EventAnswers(&reader, tellsHeld: format >= former.withHeld)
    } else {
      try EventAnswers.skipFormer(&reader)
    }
    log = EventLog(try EventLogView(try reader.raw(reader.remaining)))
  }

  /// The head of the encoded state.
  private var brief: HouseholdBrief {
    var brief = HouseholdBrief()
    brief.nextDue = nextDue
    brief.isAtRest =
      key.isRegistered && !compositions.isEmpty && forwarding == nil && adopted.isEmpty
      && !needsDecision && pendingEvents.isEmpty
      && pendingRevocations.isEmpty && links.allSatisfy { $0.acknowledged >= $0.sequence }
    brief.outlook = outlook
    return brief
  }

  /// The people of an encoded state of the present format, read in place.
  static func people(in bytes: UnsafeRawBufferPointer) throws(DecodingFailure) -> [CitizenID] {
    var reader = ByteReader(bytes, offset: HouseholdBrief.size)
    return try reader.list { r throws(DecodingFailure) in try r.link().person }
  }

  /// The wake-up in an encoded state, read in place.
  static func nextDue(in bytes: UnsafeRawBufferPointer) -> Instant? {
    guard bytes.count >= 9 else { return nil }
    let due = Int64(littleEndian: bytes.loadUnaligned(fromByteOffset: 1, as: Int64.self))
    return due == .max ? nil : Instant(microseconds: due)
  }
}

extension ByteWriter {
  mutating func fired(_ value: Fired) {
    string(value.rule)
    eventKey(value.event)
    optional(value.subject) { $0.citizen($1) }
    instant(value.effective)
  }

  mutating func link(_ value: PersonLink) {
    citizen(value.person)
    u32(value.sequence)
    homeClaims(value.claims)
    u32(value.acknowledged)
    u32(value.handedOver)
  }

  mutating func opening(_ value: Opening) {
    string(value.rule)
    optional(value.subject) { $0.citizen($1) }
    u32(value.ordinal)
    u8(value.phase.rawValue)
    instant(value.since)
    bool(value.ceased)
    instant(value.openedAt)
    instant(value.openedBy)
    list(value.triggers) { $0.eventKey($1) }
    bool(value.review)
    list(value.referrals) { $0.referral($1) }
    list(value.alerts) { $0.alert($1) }
    optional(value.marker) { $0.eventKey($1) }
    list(value.corrected) { $0.eventKey($1) }
  }
}

extension ByteReader {
  mutating func optionalCitizen() throws(DecodingFailure) -> CitizenID? {
    try optional { r throws(DecodingFailure) in try r.citizen() }
  }

  mutating func fired() throws(DecodingFailure) -> Fired {
    Fired(
      rule: try string(), event: try eventKey(), subject: try optionalCitizen(),
      effective: try instant())
  }

  mutating func link() throws(DecodingFailure) -> PersonLink {
    PersonLink(
      person: try citizen(), sequence: try u32(),
      claims: try homeClaims(),
      acknowledged: try u32(), handedOver: try u32())
  }

  mutating func opening() throws(DecodingFailure) -> Opening {
    Opening(
      rule: try string(), subject: try optionalCitizen(), ordinal: try u32(),
      phase: try enumeration(Opening.Phase.self), since: try instant(), ceased: try bool(),
      openedAt: try instant(), openedBy: try instant(),
      triggers: try list { r throws(DecodingFailure) in try r.eventKey() }, review: try bool(),
      referrals: try list { r throws(DecodingFailure) in try r.referral() },
      alerts: try list { r throws(DecodingFailure) in try r.alert() },
      marker: try optional { r throws(DecodingFailure) in try r.eventKey() },
      corrected: try list { r throws(DecodingFailure) in try r.eventKey() })
  }
}
