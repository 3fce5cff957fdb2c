internal import Runtime

/// A consumer group: members, generations, rebalances that stop the world, and offsets.
///
/// `preparing`: a member came or went; everyone has to give up what it holds and join again, or is
/// thrown out when its session times out. Then the next generation is `stable` with partitions
/// spread by range.
final class SimulatedGroup {
  struct Member {
    /// Which life of the client it is; a new life of the same client replaces the old one.
    let incarnation: Int
    var topics: [String]
    var hasJoined: Bool
    var lastSeen: Int
    var assigned: [TopicPartition]
    /// The generation of which the member knows its assignment.
    var knowsGeneration: Int
  }

  private(set) var generation = 0
  private(set) var members: [String: Member] = [:]
  private(set) var offsets: [TopicPartition: Int64] = [:]
  private var isStable = true

  /// What a member learns when it asks for its place.
  enum Answer: Equatable {
    /// Nothing changed.
    case stay
    /// Give up everything and ask again.
    case giveUp
    /// Thrown out: what was held may have gone already.
    case thrownOut
    /// Wait for the others.
    case wait
    /// The generation's assignment.
    case assigned([TopicPartition])
  }

  /// A client joins or joins again with a new life. A client that was there keeps its partitions
  /// without a rebalance, as static members do.
  func join(_ client: String, incarnation: Int, topics: [String], now: Int) {
    if var member = members[client], isStable {
      member = Member(
        incarnation: incarnation, topics: topics, hasJoined: true, lastSeen: now,
        assigned: member.assigned, knowsGeneration: -1)
      members[client] = member
      return
    }
    members[client] = Member(
      incarnation: incarnation, topics: topics, hasJoined: true, lastSeen: now, assigned: [],
      knowsGeneration: -1)
    rebalance(except: client)
  }

  func leave(_ client: String, incarnation: Int) {
    guard members[client]?.incarnation == incarnation else { return }
    members[client] = nil
    rebalance(except: nil)
  }

  /// A sign of life from a member, and what it has to do.
  func ask(
    _ client: String, incarnation: Int, now: Int, partitions: (String) -> Int32
  ) -> Answer {
    guard var member = members[client], member.incarnation == incarnation else {
      return .thrownOut
    }
    member.lastSeen = now
    members[client] = member
    if !isStable {
      guard member.hasJoined else { return .giveUp }
      guard members.values.allSatisfy(\.hasJoined) else { return .wait }
      assign(partitions)
    }
    guard let place = members[client], place.knowsGeneration != generation else { return .stay }
    members[client]?.knowsGeneration = generation
    return .assigned(place.assigned)
  }

  /// A member has given up its partitions and joins the next generation.
  func joinAgain(_ client: String) { members[client]?.hasJoined = true }

  /// Throws out members that were not seen for `timeout` ticks.
  func expire(now: Int, timeout: Int) {
    let gone = members.filter { now - $0.value.lastSeen > timeout }.map(\.key)
    guard !gone.isEmpty else { return }
    for client in gone { members[client] = nil }
    rebalance(except: nil)
  }

  /// Whether offsets of this life of a client and generation may be committed.
  func accepts(_ client: String, incarnation: Int, generation: Int) -> Bool {
    members[client]?.incarnation == incarnation && self.generation == generation
  }

  func commit(_ committed: [TopicPartition: Int64]) {
    offsets.merge(committed) { $1 }
  }

  /// Forgets a partition's offset, as an operator's tool or the retention of offsets does.
  func setOffset(_ partition: TopicPartition, _ offset: Int64?) { offsets[partition] = offset }

  private func rebalance(except client: String?) {
    isStable = false
    for name in members.keys where name != client {
      if members[name]?.knowsGeneration != -1 { members[name]?.hasJoined = false }
    }
  }

  /// Range assignment: topics of equally many partitions are spread alike.
  private func assign(_ partitions: (String) -> Int32) {
    generation += 1
    isStable = true
    let names = members.keys.sorted()
    for name in names { members[name]?.assigned = [] }
    for topic in Set(members.values.flatMap(\.topics)).sorted() {
      let count = Int(partitions(topic))
      for partition in 0..<count {
        let name = names[partition * names.count / count]
        members[name]?.assigned.append(TopicPartition(topic, Int32(partition)))
      }
    }
  }
}
