import Records
import Streaming
import Vocabulary

/// What a household keeps on its dealings with social resources, besides the referrals themselves.
struct Placements: Equatable {
  /// A referral about which Register was asked who can take it, and that was not answered yet.
  struct Awaited: Equatable {
    var referral: String
    var rule: String
    var subject: CitizenID?
    var ordinal: UInt32
    /// Position among the rule's `refer` entries.
    var entry: UInt8
    var area: String
    /// Where `due` counts from.
    var at: Instant
    /// The referral that goes on under this identifier, where a provisional household handed it over.
    var former: Referral?

    func belongs(to opening: Opening) -> Bool {
      rule == opening.rule && subject == opening.subject && ordinal == opening.ordinal
    }
  }
  /// A place at a resource that an open referral takes.
  struct Place: Equatable, Sendable {
    var referral: String
    var resource: String
  }

  var awaited: [Awaited] = []
  var places: [Place] = []
  /// The committee in which Register counts this household; empty: in none.
  var residence = ""
  /// The committee whose size this household is told of; empty: of none.
  var watched = ""
  /// How many households the watched committee must have to be named.
  var smallest: UInt32 = 0
  /// Whether the watched committee has as many.
  var isLarge = false

  func awaits(_ opening: Opening) -> Bool { awaited.contains { $0.belongs(to: opening) } }

  mutating func forget(_ opening: Opening) { awaited.removeAll { $0.belongs(to: opening) } }
}

extension ByteWriter {
  mutating func placements(_ value: Placements) {
    list(value.awaited) {
      $0.string($1.referral)
      $0.string($1.rule)
      $0.optional($1.subject) { $0.citizen($1) }
      $0.u32($1.ordinal)
      $0.u8($1.entry)
      $0.string($1.area)
      $0.instant($1.at)
      $0.optional($1.former) { $0.referral($1) }
    }
    list(value.places) {
      $0.string($1.referral)
      $0.string($1.resource)
    }
    string(value.residence)
    string(value.watched)
    u32(value.smallest)
    bool(value.isLarge)
  }
}

extension ByteReader {
  mutating func placements() throws(DecodingFailure) -> Placements {
    Placements(
      awaited: try list { r throws(DecodingFailure) in
        Placements.Awaited(
          referral: try r.string(), rule: try r.string(), subject: try r.optionalCitizen(),
          ordinal: try r.u32(), entry: try r.u8(), area: try r.string(), at: try r.instant(),
          former: try r.optional { r throws(DecodingFailure) in try r.referral() })
      },
      places: try list { r throws(DecodingFailure) in
        Placements.Place(referral: try r.string(), resource: try r.string())
      }, residence: try string(), watched: try string(), smallest: try u32(), isLarge: try bool())
  }
}
