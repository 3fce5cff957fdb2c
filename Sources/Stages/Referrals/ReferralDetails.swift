import Streaming
import Vocabulary

/// What is said of a referral to those who read it, and how it came that far: decisions and
/// deadlines seldom ask for it.
struct ReferralDetails: Equatable {
  var assignee: String
  var assigneeLevel = ""
  var category = ""
  var programmes: [String] = []
  var needs: [String] = []
  var task = ""
  var evidence: [Evidence] = []
  var history: [HistoryItem] = []
  var candidates: [String] = []
  var contactThrough: String?
  var review = false
  var missing: [String] = []
  /// Earlier identifiers of this referral, where it moved (semantics 31), each with a slash and the
  /// last revision published under it.
  var formerly: [String] = []
}

/// The details of a referral as a household keeps them: what comes from its state stays bytes until
/// it is asked for, and goes back as the same bytes where nothing changed it.
struct KeptDetails: Equatable {
  private var place: Place
  /// Nobody of any level is there to take the referral.
  private(set) var isUnassigned: Bool
  /// When something last happened to the referral.
  private(set) var lastChange: Instant?

  /// Where the details lie. They are read when they are first asked for: a household is dealt with
  /// by one thread.
  private final class Place {
    /// As they are encoded; none where they were changed.
    let bytes: [UInt8]
    private var isRead: Bool
    private var known: ReferralDetails

    init(_ bytes: [UInt8]) {
      self.bytes = bytes
      isRead = false
      known = ReferralDetails(assignee: "")
    }

    init(_ details: ReferralDetails) {
      bytes = []
      isRead = true
      known = details
    }

    /// In place: there is much that is not to be copied. Changed only where there are no bytes.
    var details: ReferralDetails {
      _read {
        if !isRead { read() }
        yield known
      }
      _modify { yield &known }
    }

    private func read() {
      isRead = true
      bytes.withUnsafeBytes { bytes in
        var reader = ByteReader(bytes)
        // They were gone over when they were taken from the state.
        if let details = try? reader.details() { known = details }
      }
    }
  }

  init(_ details: ReferralDetails) {
    place = Place(details)
    isUnassigned = false
    note()
  }

  fileprivate init(_ bytes: UnsafeRawBufferPointer, isUnassigned: Bool, lastChange: Instant?) {
    place = Place(Array(bytes))
    self.isUnassigned = isUnassigned
    self.lastChange = lastChange
  }

  var value: ReferralDetails {
    _read { yield place.details }
    _modify {
      if !place.bytes.isEmpty || !isKnownUniquelyReferenced(&place) {
        place = Place(place.details)
      }
      defer { note() }
      yield &place.details
    }
  }

  /// Takes up what decisions ask for.
  private mutating func note() {
    isUnassigned = place.details.assignee == Assignment.unassigned.advisor
    lastChange = place.details.history.last?.at
  }

  static func == (a: KeptDetails, b: KeptDetails) -> Bool {
    a.place === b.place || a.place.details == b.place.details
  }

  fileprivate func encode(into writer: inout ByteWriter) {
    if place.bytes.isEmpty { writer.details(place.details) } else { writer.raw(place.bytes) }
  }
}

extension ByteWriter {
  mutating func details(_ value: KeptDetails) { value.encode(into: &self) }

  fileprivate mutating func details(_ value: ReferralDetails) {
    string(value.assignee)
    string(value.assigneeLevel)
    string(value.category)
    strings(value.programmes)
    strings(value.needs)
    string(value.task)
    list(value.evidence) { $0.evidence($1) }
    list(value.history) {
      $0.instant($1.at)
      $0.string($1.what)
      $0.string($1.by)
    }
    strings(value.candidates)
    optional(value.contactThrough) { $0.string($1) }
    bool(value.review)
    strings(value.missing)
    strings(value.formerly)
  }
}

extension ByteReader {
  /// Reads over the details, and what is asked of them more often.
  mutating func keptDetails() throws(DecodingFailure) -> KeptDetails {
    var isUnassigned = false
    var lastChange: Instant?
    let bytes = try passed { r throws(DecodingFailure) in
      isUnassigned = try r.blob().elementsEqual(Assignment.unassigned.advisor.utf8)
      for _ in 0..<2 { try r.skipString() }
      for _ in 0..<2 { try r.skipStrings() }
      try r.skipString()
      for _ in 0..<(try r.count()) { try r.skipEvidence() }
      for _ in 0..<(try r.count()) {
        lastChange = try r.instant()
        try r.skipString()
        try r.skipString()
      }
      try r.skipStrings()
      if try r.bool() { try r.skipString() }
      _ = try r.bool()
      try r.skipStrings()
      try r.skipStrings()
    }
    return KeptDetails(bytes, isUnassigned: isUnassigned, lastChange: lastChange)
  }

  fileprivate mutating func details() throws(DecodingFailure) -> ReferralDetails {
    ReferralDetails(
      assignee: try string(), assigneeLevel: try string(), category: try string(),
      programmes: try strings(), needs: try strings(), task: try string(),
      evidence: try list { r throws(DecodingFailure) in try r.evidence() },
      history: try list { r throws(DecodingFailure) in
        HistoryItem(at: try r.instant(), what: try r.string(), by: try r.string())
      }, candidates: try strings(), contactThrough: try optionalString(), review: try bool(),
      missing: try strings(), formerly: try strings())
  }

  private mutating func skipString() throws(DecodingFailure) { _ = try blob() }

  private mutating func skipStrings() throws(DecodingFailure) {
    for _ in 0..<(try count()) { try skipString() }
  }

  private mutating func skipEvidence() throws(DecodingFailure) {
    try skipString()
    try skipString()
    if try bool() { try skipString() }
    if try bool() { try skipString() }
    if try bool() { _ = try instant() }
  }
}
