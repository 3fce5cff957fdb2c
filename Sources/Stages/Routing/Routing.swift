import Foundation
import Records
import Vocabulary

/// Where a household lives, as codes; empty where unknown.
struct Area: Equatable, Sendable {
  /// Six digits, `000000` where unknown.
  var district: String
  /// Nine digits.
  var subdistrict: String
  /// Twelve digits.
  var committee: String

  static let unknown = Area(district: "000000", subdistrict: "", committee: "")

  /// The most precise code known.
  var code: String {
    !committee.isEmpty ? committee : !subdistrict.isEmpty ? subdistrict : district
  }
}

/// Who gets a referral.
struct Assignment: Equatable, Sendable {
  var advisor: String
  var level: String
  /// 0 at the level asked for, higher where nobody below was there.
  var escalation: UInt8

  /// Nobody covers the area: the operator is told, the referral is not dropped.
  static let unassigned = Assignment(advisor: "unassigned", level: "district", escalation: 2)
  var isUnassigned: Bool { advisor == Assignment.unassigned.advisor }
}

/// Chooses advisors and resources (contract 4; semantics 16 and 19).
struct Router {
  let directory: Directory

  /// The assignee at or above `level`: committee, sub-district, district, then nobody.
  ///
  /// - Parameter excluding: advisors who declined.
  func assign(
    from level: Advisor.Level, area: Area, household: HouseholdKey, on date: CivilDate,
    excluding: Set<String> = []
  ) -> Assignment {
    let ladder: [(Advisor.Level, UInt8)] = [(.committee, 0), (.subdistrict, 1), (.district, 2)]
    for (step, escalation) in ladder where escalation >= level.rank {
      let present = directory.advisors(level: step, covering: area.code(for: step))
        .filter { $0.isPresent(on: date) && !excluding.contains($0.advisor) }
      if let best = rendezvous(present, household) {
        let above = escalation == level.rank ? 0 : escalation
        return Assignment(advisor: best.advisor, level: step.rawValue, escalation: above)
      }
    }
    return .unassigned
  }

  /// Weighted rendezvous hashing: the same household keeps its advisor while the advisor stays
  /// (score -capacity / ln(hash), the highest wins; Schindelhauer and Schomaker).
  private func rendezvous(_ advisors: [Advisor], _ household: HouseholdKey) -> Advisor? {
    advisors.max { a, b in
      let (x, y) = (score(a, household), score(b, household))
      return x != y ? x < y : a.advisor > b.advisor
    }
  }

  private func score(_ advisor: Advisor, _ household: HouseholdKey) -> Double {
    let hash = EventKey(source: advisor.advisor, id: household.text).high
    let unit = (Double(hash >> 11) + 0.5) / 9_007_199_254_740_992.0
    return -Double(max(1, advisor.capacity)) / log(unit)
  }

  /// Resources that can take a referral: by category, needs, area and validity, the best fit first:
  /// more of the needs, an agreement before none, more capacity, then by id.
  ///
  /// - Parameter consent: whether the person consented, so that resources without an agreement
  ///   count; refused: nobody does; nil: not asked (semantics 16).
  func candidates(
    category: String, needs: [String], area: Area, on date: CivilDate, consent: Bool?
  ) -> [MatchRequest.Candidate] {
    guard consent != false else { return [] }
    let found = directory.resources.values
      .filter { resource in
        resource.category == category
          && (needs.isEmpty || resource.needs.isEmpty
            || needs.contains { resource.needs.contains($0) })
          && resource.covers.contains { area.code.hasPrefix($0) }
          && date <= (resource.until ?? .latest)
          && (resource.agreement != nil || consent == true)
          && resource.capacity > 0
      }
      .map { resource in
        MatchRequest.Candidate(
          resource: resource.resource,
          fit: UInt32(clamping: 2 * matches(resource, needs) + (resource.agreement == nil ? 0 : 1)),
          capacity: UInt32(clamping: resource.capacity))
      }
    return found.sorted { a, b in
      if a.fit != b.fit { return a.fit > b.fit }
      return a.capacity != b.capacity ? a.capacity > b.capacity : a.resource < b.resource
    }
  }

  private func matches(_ resource: Resource, _ needs: [String]) -> Int {
    needs.count { resource.needs.contains($0) }
  }
}

extension Advisor.Level {
  /// 0 committee, 1 sub-district, 2 district.
  var rank: UInt8 {
    switch self {
    case .committee: 0
    case .subdistrict: 1
    case .district: 2
    }
  }
}

extension Area {
  /// The code that an advisor of a level has to cover.
  func code(for level: Advisor.Level) -> String {
    switch level {
    case .committee: code
    case .subdistrict: subdistrict.isEmpty ? district : subdistrict
    case .district: district
    }
  }
}
