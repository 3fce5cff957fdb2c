import Foundation
public import Vocabulary

/// A community assistance advisor (社区救助顾问) or an officer of a sub-district or district.
public struct Advisor: Equatable, Sendable, Decodable {
  public enum Level: String, Equatable, Sendable, Decodable {
    case committee, subdistrict, district
  }
  public var advisor: String
  public var name: String
  public var level: Level
  /// Area codes of 6, 9 or 12 digits, matched by prefix.
  public var covers: [String]
  /// Relative share of the households of an area, at least 1.
  public var capacity: Int
  /// Both ends of an absence belong to it.
  public var absentFrom: CivilDate?
  public var absentUntil: CivilDate?

  enum CodingKeys: String, CodingKey {
    case advisor, name, level, covers, capacity, absentFrom, absentUntil
  }

  public init(from decoder: any Decoder) throws {
    let values = try decoder.container(keyedBy: CodingKeys.self)
    advisor = try values.decode(String.self, forKey: .advisor)
    name = try values.decodeIfPresent(String.self, forKey: .name) ?? ""
    level = try values.decode(Level.self, forKey: .level)
    covers = try values.decode([String].self, forKey: .covers)
    capacity = try values.decodeIfPresent(Int.self, forKey: .capacity) ?? 1
    absentFrom = try values.civilDate(.absentFrom)
    absentUntil = try values.civilDate(.absentUntil)
  }

  func covers(_ code: String) -> Bool { covers.contains { code.hasPrefix($0) } }

  func isPresent(on date: CivilDate) -> Bool {
    guard absentFrom != nil || absentUntil != nil else { return true }
    return date < (absentFrom ?? .earliest) || date > (absentUntil ?? .latest)
  }
}

/// A social resource (社会力量): a company, society, group of volunteers, fund or social-work agency.
public struct Resource: Equatable, Sendable, Decodable {
  public var resource: String
  public var name: String
  public var category: String
  public var needs: [String]
  public var covers: [String]
  /// How many open referrals it takes at once.
  public var capacity: Int
  public var until: CivilDate?
  /// The contract under which personal data may be disclosed; nil: none may.
  public var agreement: String?

  enum CodingKeys: String, CodingKey {
    case resource, name, category, needs, covers, capacity, until, agreement
  }

  public init(from decoder: any Decoder) throws {
    let values = try decoder.container(keyedBy: CodingKeys.self)
    resource = try values.decode(String.self, forKey: .resource)
    name = try values.decodeIfPresent(String.self, forKey: .name) ?? ""
    category = try values.decode(String.self, forKey: .category)
    needs = try values.decodeIfPresent([String].self, forKey: .needs) ?? []
    covers = try values.decode([String].self, forKey: .covers)
    capacity = try values.decodeIfPresent(Int.self, forKey: .capacity) ?? 1
    until = try values.civilDate(.until)
    agreement = try values.decodeIfPresent(String.self, forKey: .agreement)
  }
}

extension KeyedDecodingContainer {
  fileprivate func civilDate(_ key: Key) throws -> CivilDate? {
    guard let text = try decodeIfPresent(String.self, forKey: key) else { return nil }
    guard let date = CivilDate(text) else {
      throw DecodingError.dataCorruptedError(
        forKey: key, in: self, debugDescription: "not a date YYYY-MM-DD")
    }
    return date
  }
}

/// All advisors and resources at one moment: an immutable snapshot of the two compacted topics.
public struct Directory: Sendable {
  /// By id.
  public private(set) var advisors: [String: Advisor] = [:]
  public private(set) var resources: [String: Resource] = [:]
  private var advisorsByCode: [String: [String]] = [:]

  public init() {}

  /// A value that is neither an advisor nor a resource.
  public struct Unusable: Error, CustomStringConvertible {
    public let reason: String
    public var description: String { "directory value: \(reason)" }
  }

  /// Sets an advisor from the value of `directory.advisors`, or removes it for nil.
  public mutating func setAdvisor(_ id: String, _ json: [UInt8]?) throws {
    if let old = advisors.removeValue(forKey: id) {
      for code in old.covers { advisorsByCode[code]?.removeAll { $0 == id } }
    }
    guard let json else { return }
    let advisor = try JSONDecoder().decode(Advisor.self, from: Data(json))
    guard advisor.advisor == id else { throw Unusable(reason: "key and id differ") }
    advisors[id] = advisor
    for code in advisor.covers { advisorsByCode[code, default: []].append(id) }
  }

  /// Sets a resource from the value of `directory.resources`, or removes it for nil.
  public mutating func setResource(_ id: String, _ json: [UInt8]?) throws {
    resources[id] = nil
    guard let json else { return }
    let resource = try JSONDecoder().decode(Resource.self, from: Data(json))
    guard resource.resource == id else { throw Unusable(reason: "key and id differ") }
    resources[id] = resource
  }

  /// Adds one line of a directory file: an advisor or a resource.
  public mutating func add(line: [UInt8]) throws {
    struct Either: Decodable {
      var advisor: String?
      var resource: String?
    }
    let either = try JSONDecoder().decode(Either.self, from: Data(line))
    if let id = either.advisor {
      try setAdvisor(id, line)
    } else if let id = either.resource {
      try setResource(id, line)
    } else {
      throw Unusable(reason: "neither advisor nor resource")
    }
  }

  /// The advisors of a level whose coverage includes `code`.
  func advisors(level: Advisor.Level, covering code: String) -> [Advisor] {
    var found: [Advisor] = []
    for length in [6, 9, 12] where code.utf8.count >= length {
      for id in advisorsByCode[String(code.prefix(length))] ?? [] {
        if let advisor = advisors[id], advisor.level == level,
          !found.contains(where: { $0.advisor == id })
        {
          found.append(advisor)
        }
      }
    }
    return found
  }
}
