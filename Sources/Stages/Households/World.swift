import Records
import Streaming
import Vocabulary

/// What the households of a partition were last brought in line with: a policy, and the advisors
/// and resources that exist. Kept in the partition's state, so that a change while nobody ran, or
/// while another instance owned the partition, is seen by whoever opens it next.
///
/// Only removals are acted on: a new advisor takes no open referral over, and absence counts at
/// assignment and escalation (semantics 19).
struct World: Equatable {
  static let format: UInt8 = 1
  /// The state key.
  static let key = [UInt8(ascii: "w")]

  /// Digest of the policy.
  var policy = ""
  /// Hashes of the identifiers in the directory, ascending.
  var advisors: [UInt64] = []
  var resources: [UInt64] = []
  /// A sweep under way; nil where all households are in line.
  var sweep: Sweep?

  /// A walk over all households.
  struct Sweep: Equatable {
    var policyChanged = false
    var goneAdvisors: [UInt64] = []
    var goneResources: [UInt64] = []
    /// The state key of the last household that was visited; empty: none was.
    var cursor: [UInt8] = []

    func lost(advisor: String) -> Bool { World.contains(goneAdvisors, advisor) }
    func lost(resource: String) -> Bool { World.contains(goneResources, resource) }
    var isEmpty: Bool { !policyChanged && goneAdvisors.isEmpty && goneResources.isEmpty }
  }

  static func hash(_ id: String) -> UInt64 { EventKey(source: "directory", id: id).high }

  private static func contains(_ sorted: [UInt64], _ id: String) -> Bool {
    guard !sorted.isEmpty else { return false }
    let hash = World.hash(id)
    var low = 0
    var high = sorted.count
    while low < high {
      let middle = (low + high) / 2
      if sorted[middle] < hash { low = middle + 1 } else { high = middle }
    }
    return low < sorted.count && sorted[low] == hash
  }

  /// The world that settings describe.
  init(_ settings: StageSettings) {
    policy = settings.pack.digest
    advisors = settings.directory.advisors.keys.map(World.hash).sorted()
    resources = settings.directory.resources.keys.map(World.hash).sorted()
  }

  init() {}

  /// What has to be swept to get from this world to another: all that changed since the households
  /// were last in line, with what a sweep under way has not finished.
  func becoming(_ next: World) -> World {
    var result = next
    var sweep = self.sweep ?? Sweep()
    sweep.cursor = []
    sweep.policyChanged = sweep.policyChanged || policy != next.policy
    sweep.goneAdvisors = World.gone(sweep.goneAdvisors + advisors, next.advisors)
    sweep.goneResources = World.gone(sweep.goneResources + resources, next.resources)
    result.sweep = sweep.isEmpty ? nil : sweep
    return result
  }

  private static func gone(_ known: [UInt64], _ present: [UInt64]) -> [UInt64] {
    Set(known).subtracting(present).sorted()
  }

  func isInLine(with other: World) -> Bool {
    policy == other.policy && advisors == other.advisors && resources == other.resources
  }
}

extension World {
  static func load(_ state: StateOverlay) throws(DecodingFailure) -> World? {
    try state.withValue(key) { (bytes) throws(DecodingFailure) in
      guard let bytes else { return nil }
      return try World(bytes)
    }
  }

  func save(_ state: StateOverlay) { state.put(World.key, encoded()) }

  func encoded() -> [UInt8] {
    [UInt8](reserving: 64 + 8 * (advisors.count + resources.count)) { writer in
      writer.u8(World.format)
      writer.string(policy)
      writer.list(advisors) { $0.u64($1) }
      writer.list(resources) { $0.u64($1) }
      writer.optional(sweep) {
        $0.bool($1.policyChanged)
        $0.list($1.goneAdvisors) { $0.u64($1) }
        $0.list($1.goneResources) { $0.u64($1) }
        $0.blob($1.cursor)
      }
    }
  }

  init(_ bytes: UnsafeRawBufferPointer) throws(DecodingFailure) {
    var reader = ByteReader(bytes)
    guard try reader.u8() == World.format else { throw DecodingFailure("world format") }
    policy = try reader.string()
    advisors = try reader.list { r throws(DecodingFailure) in try r.u64() }
    resources = try reader.list { r throws(DecodingFailure) in try r.u64() }
    sweep = try reader.optional { r throws(DecodingFailure) in
      Sweep(
        policyChanged: try r.bool(),
        goneAdvisors: try r.list { r throws(DecodingFailure) in try r.u64() },
        goneResources: try r.list { r throws(DecodingFailure) in try r.u64() },
        cursor: Array(try r.blob()))
    }
  }
}
