internal import Expression
import Records
import Vocabulary

/// Where a household lives, as codes; empty where unknown. An object, so that handing it on copies
/// no texts.
public final class Locality: Sendable {
  static let subdistrict = FactID("event.subdistrict")
  static let committee = FactID("event.committee")
  private static let centre = FactID("event.centre")

  /// Six digits, `000000` where unknown.
  public let district: String
  /// Nine digits.
  public let subdistrict: String
  /// Twelve digits.
  public let committee: String

  static let unknown = Locality(subdistrict: "", committee: "")

  /// The three as values.
  let texts: (district: Value, subdistrict: Value, committee: Value)

  /// The words that told of it; nil where there were none.
  private let stated: (subdistrict: [UInt8], committee: [UInt8])?

  init(
    subdistrict: String, committee: String,
    stated: (subdistrict: [UInt8], committee: [UInt8])? = nil
  ) {
    self.stated = stated
    self.subdistrict = subdistrict
    self.committee = committee
    let district = subdistrict.utf8.count >= 6 ? String(subdistrict.prefix(6)) : "000000"
    self.district = district
    texts = (.text(district), .text(subdistrict), .text(committee))
  }

  /// The same parameters are in force at both: those of the sub-district.
  func hasParameters(of other: Locality) -> Bool {
    self === other || subdistrict == other.subdistrict
  }

  /// Whether these words tell of it.
  private func isStated(
    by subdistrict: UnsafeRawBufferPointer, _ committee: UnsafeRawBufferPointer
  ) -> Bool {
    guard let stated else { return false }
    return subdistrict.says(stated.subdistrict) && committee.says(stated.committee)
  }

  /// By the latest composition, or where the household's only person is known to live or does
  /// business (semantics 9).
  static func of(_ situation: Situation) -> Locality {
    guard let file = situation.file else { return .unknown }
    let instant = situation.view.instant
    if let known = latest(in: file.log, at: instant, situation) { return known }
    guard file.key.registryID == nil || file.compositions.isEmpty else { return .unknown }
    for index in file.persons.indices where situation.livesHere(index) {
      let log = file.persons[index].view.log
      if let known = latest(in: log, at: instant, situation) { return known }
      if let centre = log.latestText(centre, at: instant) {
        return Locality(subdistrict: centre, committee: "")
      }
    }
    return .unknown
  }

  private static func latest(
    in log: EventLogView, at instant: Instant, _ situation: Situation
  ) -> Locality? {
    guard let subdistrict = word(Locality.subdistrict, in: log, at: instant) else { return nil }
    let committee = word(Locality.committee, in: log, at: instant) ?? .empty
    let last = situation.lastLocality
    if last.isStated(by: subdistrict, committee) { return last }
    let area = String(decoding: subdistrict, as: UTF8.self)
    let code = String(decoding: committee, as: UTF8.self)
    let found = Locality(
      subdistrict: area, committee: code.hasPrefix(area) ? code : "",
      stated: (Array(subdistrict), Array(committee)))
    situation.lastLocality = found
    return found
  }

  private static func word(
    _ fact: FactID, in log: EventLogView, at instant: Instant
  ) -> UnsafeRawBufferPointer? {
    guard let field = log.latest(fact, at: instant), field.tag == .string else { return nil }
    return field.stringBytes
  }
}

extension Situation {
  /// Where the household lives at the viewpoint.
  public var locality: Locality {
    let known = current._withUnsafeGuaranteedRef { $0.locality } ?? findLocality()
    rest(on: known.standing)
    return known.found
  }

  @inline(never)
  private func findLocality() -> Found<Locality> {
    let found = kin(\.locality) ?? Found(Locality.of(self), localityStanding())
    memory.locality = found
    return found
  }

  /// When the place stands: it mostly is that of the last composition.
  private func localityStanding() -> Standing {
    guard let log = file?.log, log.latest(Locality.subdistrict, at: view.instant)?.tag == .string
    else { return .nowhereElse }
    return standing(of: {
      rest(on: Locality.subdistrict, in: log)
      rest(on: Locality.committee, in: log)
    }).standing
  }

  /// Six digits, `000000` where unknown.
  public var district: String { locality.district }
}

extension EventLogView {
  /// The last text that an event states of a fact at an instant.
  func latestText(_ fact: FactID, at instant: Instant) -> String? {
    guard let field = latest(fact, at: instant), field.tag == .string else { return nil }
    return String(decoding: field.stringBytes, as: UTF8.self)
  }
}
