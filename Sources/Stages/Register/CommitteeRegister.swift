import Records
import Streaming
import Vocabulary

/// How many known households live in a residents' committee (居委), for the k-anonymity of what
/// social resources see (semantics 25 and 33).
///
/// Only households with a referral to a resource are told, and only when the committee crosses the
/// number that they asked about.
struct CommitteeRegister {
  let state: StateOverlay

  /// A household that wants to know, and what it was told last.
  struct Watcher: Equatable {
    var household: HouseholdKey
    var smallest: UInt32
    var isLarge: Bool
  }

  struct Entry: Equatable {
    static let format: UInt8 = 1
    var households: UInt32 = 0
    var watchers: [Watcher] = []
  }

  func take(_ message: RegisterMessage, _ outbox: inout Outbox) throws(DecodingFailure) {
    switch message {
    case .resident(let committee, let joins):
      var entry = try load(committee)
      entry.households = joins ? entry.households + 1 : entry.households - min(1, entry.households)
      tellChanges(&entry, committee, &outbox)
      save(entry, committee)
    case .watch(let committee, let household, let smallest, let believes):
      let isLarge = try watch(committee, household, smallest)
      if isLarge != believes {
        outbox.send(household, .committeeSize(committee: committee, isLarge: isLarge))
      }
    case .unwatch(let committee, let household):
      var entry = try load(committee)
      entry.watchers.removeAll { $0.household == household }
      save(entry, committee)
    case .match(let request):
      let isLarge =
        request.committee.isEmpty
        ? false : try watch(request.committee, request.household, request.smallest)
      outbox.send(.events, RegisterMessage.place(request, committeeIsLarge: isLarge))
    default: break
    }
  }

  /// Notes who watches; answers whether the committee is large enough.
  private func watch(
    _ committee: String, _ household: HouseholdKey, _ smallest: UInt32
  ) throws(DecodingFailure) -> Bool {
    var entry = try load(committee)
    let watcher = Watcher(
      household: household, smallest: smallest, isLarge: entry.households >= smallest)
    entry.watchers.removeAll { $0.household == household }
    entry.watchers.append(watcher)
    save(entry, committee)
    return watcher.isLarge
  }

  private func tellChanges(_ entry: inout Entry, _ committee: String, _ outbox: inout Outbox) {
    for index in entry.watchers.indices {
      let isLarge = entry.households >= entry.watchers[index].smallest
      guard isLarge != entry.watchers[index].isLarge else { continue }
      entry.watchers[index].isLarge = isLarge
      outbox.send(
        entry.watchers[index].household, .committeeSize(committee: committee, isLarge: isLarge))
    }
  }

  private func load(_ committee: String) throws(DecodingFailure) -> Entry {
    try state.withValue(RegisterKey.committee(committee)) { (bytes) throws(DecodingFailure) in
      guard let bytes else { return Entry() }
      return try Entry(bytes)
    }
  }

  private func save(_ entry: Entry, _ committee: String) {
    let key = RegisterKey.committee(committee)
    if entry == Entry() { state.delete(key) } else { state.put(key, entry.encoded()) }
  }
}

extension CommitteeRegister.Entry {
  func encoded() -> [UInt8] {
    [UInt8](reserving: 16) { writer in
      writer.u8(CommitteeRegister.Entry.format)
      writer.u32(households)
      writer.list(watchers) {
        $0.string($1.household.text)
        $0.u32($1.smallest)
        $0.bool($1.isLarge)
      }
    }
  }

  init(_ bytes: UnsafeRawBufferPointer) throws(DecodingFailure) {
    var reader = ByteReader(bytes)
    guard try reader.u8() == CommitteeRegister.Entry.format else {
      throw DecodingFailure("committee format")
    }
    households = try reader.u32()
    watchers = try reader.list { r throws(DecodingFailure) in
      CommitteeRegister.Watcher(
        household: HouseholdKey(text: try r.string()), smallest: try r.u32(),
        isLarge: try r.bool())
    }
  }
}
