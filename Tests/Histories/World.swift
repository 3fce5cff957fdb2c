import Intake
public import Policy
import Records
import Runtime
public import Stages
public import Streaming
import Vocabulary

/// What stays the same for all histories: a pack and a directory. One is shared by all threads.
public struct World: Sendable {
  public let settings: StageSettings
  /// Receivers whose area their rule names, as `A19 subdistrict`.
  let namedAreas: Set<String>

  /// - Parameter pack: the pack whose rules decide.
  public init(pack: PolicyPack) throws {
    var directory = Directory()
    for line in World.directory { try directory.add(line: Array(line.utf8)) }
    settings = StageSettings(pack: pack, directory: directory, identifiers: .development)
    namedAreas = Set(
      pack.rules.flatMap { rule in
        rule.referrals.filter { $0.area != nil }.map { "\(rule.id) \($0.to)" }
      })
  }

  /// Advisors at every level, one of them away for a while, a sub-district without any, and
  /// resources of every category with room for all.
  private static let directory = [
    #"{"advisor":"C-1","level":"committee","covers":["310101002001"],"capacity":40}"#,
    #"{"advisor":"C-2","level":"committee","covers":["310101002"],"capacity":20,"absentFrom":"2025-06-01","absentUntil":"2025-08-31"}"#,
    #"{"advisor":"C-3","level":"committee","covers":["310104003001"],"capacity":40}"#,
    #"{"advisor":"S-1","level":"subdistrict","covers":["310101002"],"capacity":40}"#,
    #"{"advisor":"S-2","level":"subdistrict","covers":["310104003"],"capacity":40}"#,
    #"{"advisor":"D-1","level":"district","covers":["310101"],"capacity":40}"#,
    #"{"advisor":"D-0","level":"district","covers":["000000"],"capacity":40}"#,
    #"{"advisor":"D-2","level":"district","covers":["310104"],"capacity":40}"#,
    #"{"resource":"W-1","kind":"social-work","category":"service","needs":["care","elder","child","psychological","other"],"covers":["310101","310104"],"capacity":1000000,"agreement":"Y-1"}"#,
    #"{"resource":"W-2","kind":"fund","category":"material","needs":["income","disaster"],"covers":["310101"],"capacity":1000000,"agreement":"Y-2"}"#,
    #"{"resource":"W-3","kind":"society","category":"psychological","needs":["psychological"],"covers":["310101"],"capacity":1000000,"agreement":"Y-3"}"#,
    #"{"resource":"W-4","kind":"company","category":"material","needs":["income"],"covers":["3101"],"capacity":1000000}"#,
  ]
}

/// The stages that run histories one after another, each from an empty state. One thread's.
public final class Bench {
  private let stages: StageSet
  private let namedAreas: Set<String>

  /// - Parameters:
  ///   - persons: replaces the stage Persons, to see that a broken one is found.
  ///   - households: replaces the stage Households.
  public init(
    _ world: World, persons: (any Stage)? = nil, households: HouseholdsStage? = nil
  ) throws {
    namedAreas = world.namedAreas
    stages = StageSet(
      intake: try EventIntake(catalog: world.settings.pack.sources),
      stages: [
        RegisterStage(), persons ?? PersonsStage(),
        households ?? HouseholdsStage(settings: world.settings),
      ])
  }

  func run() -> Run { Run(InlinePipeline(stages: stages), namedAreas) }
}

/// One history on its way through the stages, in one order.
final class Run {
  private let pipeline: InlinePipeline
  private let namedAreas: Set<String>
  private var offset: Int64 = 0
  private(set) var eventCount = 0
  /// By referral: the state that readers see. Read from the outputs, not from state.
  private(set) var published: [String: String] = [:]
  /// What came out, for whoever looks into a difference.
  private(set) var outputs: [OutputRecord] = []

  init(_ pipeline: InlinePipeline, _ namedAreas: Set<String>) {
    self.pipeline = pipeline
    self.namedAreas = namedAreas
  }

  func feed(_ event: HistoryEvent, recorded: Instant) throws {
    offset += 1
    eventCount += 1
    let published = try event.bytes(recorded: recorded).withUnsafeBytes { value in
      try pipeline.feed(
        InboundRecord(
          topic: "assist." + event.topic, topicSuffix: event.topic, partition: 0, offset: offset,
          timestamp: 0, key: nil, value: value,
          headers: UnsafeBufferPointer(start: nil, count: 0)))
    }
    note(published)
  }

  func advance(to instant: Instant) throws { note(try pipeline.advance(until: instant)) }

  private func note(_ records: [OutputRecord]) {
    for record in records where record.topic.hasPrefix("referrals.") {
      if let value = record.value, let id = record.key, let state = value.text(of: "state") {
        published[String(decoding: id, as: UTF8.self)] = state
      }
    }
    outputs += records
  }

  /// What is known and open now.
  func settled() throws -> Settled {
    var settled = Settled(namedAreas: namedAreas)
    for (key, value) in pipeline.entries(.households) {
      guard let household = try SettledHousehold(key: key, value: value) else { continue }
      settled.households.append(household)
    }
    for (key, value) in pipeline.entries(.persons) where key.count == 8 {
      settled.people.append(try SettledPerson(value))
    }
    return settled
  }
}

extension [UInt8] {
  /// The text of the first field of that name in JSON written without spaces.
  func text(of name: String) -> String? {
    let pattern = Array("\"\(name)\":\"".utf8)
    guard let found = firstRange(of: pattern) else { return nil }
    let rest = self[found.upperBound...]
    guard let end = rest.firstIndex(of: UInt8(ascii: "\"")) else { return nil }
    return String(decoding: rest[..<end], as: UTF8.self)
  }
}
