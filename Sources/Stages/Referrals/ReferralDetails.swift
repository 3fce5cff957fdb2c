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
    private var known: ReferralDetails?

    init(_ bytes: [UInt8]) { self.bytes = bytes }

    init(_ details: ReferralDetails) {
      bytes = []
      known = details
    }

    var details: ReferralDetails {
      if let known { return known }
      let details = bytes.withUnsafeBytes { bytes in
        var reader = ByteReader(bytes)
        // They were gone over when they were taken from the state.
        return (try? reader.details()) ?? ReferralDetails(assignee: "")
      }
      known = details
      return details
    }
  }

  init(_ details: ReferralDetails) {
    place = Place(details)
    isUnassigned = details.assignee == Assignment.unassigned.advisor
    lastChange = details.history.last?.at
  }

  fileprivate init(_ bytes: UnsafeRawBufferPointer, isUnassigned: Bool, lastChange: Instant?) {
    place = Place(Array(bytes))
    self.isUnassigned = isUnassigned
    self.lastChange = lastChange
  }

  var value: ReferralDetails {
    get { place.details }
    _modify {
      var details = place.details
      defer { self = KeptDetails(details) }
      yield &details
    }
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
