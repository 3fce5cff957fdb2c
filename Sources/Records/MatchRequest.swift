public import Streaming

/// A household's question who could take a referral to a social resource. Register answers, since
/// it knows of all households how many live in a committee and what each resource has taken on.
public struct MatchRequest: Equatable, Sendable {
  /// A resource that fits by category, needs, area, validity and disclosure.
  public struct Candidate: Equatable, Sendable {
    public var resource: String
    /// How well it fits; more is better.
    public var fit: UInt32
    /// How many open referrals it takes at once.
    public var capacity: UInt32

    public init(resource: String, fit: UInt32, capacity: UInt32) {
      self.resource = resource
      self.fit = fit
      self.capacity = capacity
    }
  }

  /// The identifier that the referral will have.
  public var referral: String
  public var household: HouseholdKey
  /// The household's committee; empty where unknown.
  public var committee: String
  /// How many known households a committee must have to be named (semantics 25).
  public var smallest: UInt32
  public var candidates: [Candidate]

  public init(
    referral: String, household: HouseholdKey, committee: String, smallest: UInt32,
    candidates: [Candidate]
  ) {
    self.referral = referral
    self.household = household
    self.committee = committee
    self.smallest = smallest
    self.candidates = candidates
  }

  /// The candidates in the order in which they are asked, given how many open referrals each
  /// holds: better fit first, then more free capacity, then by id. Those without free capacity are
  /// left out while anyone has some. Where nobody has, all are listed, so that whether there is a
  /// referral does not depend on who came first (semantics 26).
  public func ranked(inUse: (String) -> Int) -> [String] {
    let offers = candidates.map { (candidate: $0, free: Int($0.capacity) - inUse($0.resource)) }
    let free = offers.filter { $0.free > 0 }
    return (free.isEmpty ? offers : free)
      .sorted { a, b in
        if a.candidate.fit != b.candidate.fit { return a.candidate.fit > b.candidate.fit }
        return a.free != b.free ? a.free > b.free : a.candidate.resource < b.candidate.resource
      }
      .map(\.candidate.resource)
  }
}

extension ByteWriter {
  public mutating func matchRequest(_ value: MatchRequest) {
    string(value.referral)
    string(value.household.text)
    string(value.committee)
    u32(value.smallest)
    list(value.candidates) {
      $0.string($1.resource)
      $0.u32($1.fit)
      $0.u32($1.capacity)
    }
  }
}

extension ByteReader {
  public mutating func matchRequest() throws(DecodingFailure) -> MatchRequest {
    MatchRequest(
      referral: try string(), household: HouseholdKey(text: try string()),
      committee: try string(), smallest: try u32(),
      candidates: try list { r throws(DecodingFailure) in
        MatchRequest.Candidate(
          resource: try r.string(), fit: try r.u32(), capacity: try r.u32())
      })
  }
}
