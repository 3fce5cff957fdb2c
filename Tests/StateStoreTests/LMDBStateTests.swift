import Foundation
import Streaming
import Testing
import Vocabulary

@testable import StateStore

/// A directory that goes away with the test.
final class TemporaryRoot {
  let path: String
  init() {
    path = NSTemporaryDirectory() + "state-\(UUID().uuidString)"
  }
  deinit { try? FileManager.default.removeItem(atPath: path) }

  var dataFile: String { path + "/households/3/data.mdb" }
}

private func bytes(_ text: String) -> [UInt8] { Array(text.utf8) }

private func value(_ state: LMDBState, _ key: String) -> String? {
  state.withValue(bytes(key)) { $0.map { String(decoding: $0, as: UTF8.self) } }
}

private func write(
  _ state: LMDBState, _ values: [String: String?], timers: [String: Int64?] = [:],
  meta: StateMeta = StateMeta(changelogNext: 1)
) throws {
  let overlay = StateOverlay(base: state)
  for (key, value) in values {
    if let value { overlay.put(bytes(key), bytes(value)) } else { overlay.delete(bytes(key)) }
  }
  for (owner, due) in timers {
    overlay.setTimer(bytes(owner), due.map { Instant(seconds: $0) })
  }
  try state.apply(overlay, meta: meta)
}

@Suite struct LMDBStateTests {
  @Test func keysOfAKindComeInPages() throws {
    let root = TemporaryRoot()
    let directory = try StateDirectory(root: root.path, boot: "b1")
    let (state, _) = try directory.open(.households, partition: 3)
    func keys(after: String?, max: Int) -> [String] {
      state.keys(prefix: UInt8(ascii: "h"), after: after.map(bytes), max: max)
        .map { String(decoding: $0, as: UTF8.self) }
    }
    #expect(keys(after: nil, max: 3) == [])
    try write(state, ["g9": "", "h1": "", "h2": "", "h3": "", "h": "", "i1": "", "p1": ""])
    #expect(keys(after: nil, max: 3) == ["h", "h1", "h2"])
    #expect(keys(after: "h2", max: 3) == ["h3"])
    #expect(keys(after: "h3", max: 3) == [])
    #expect(keys(after: "h2x", max: 1) == ["h3"])
    #expect(keys(after: nil, max: 0) == [])
    let memory = MemoryState()
    let overlay = StateOverlay(base: memory)
    for name in ["g9", "h1", "h2", "h3", "h", "i1"] { overlay.put(bytes(name), []) }
    memory.apply(overlay)
    let page = memory.keys(prefix: UInt8(ascii: "h"), after: bytes("h1"), max: 5)
    #expect(page == [bytes("h2"), bytes("h3")])
  }

  @Test func valuesTimersAndMetaComeBack() throws {
    let root = TemporaryRoot()
    let meta = StateMeta(
      changelogNext: 42, clock: Instant(seconds: 7), inputNext: 9, sequence: 3,
      savedAt: Instant(seconds: 8))
    do {
      let directory = try StateDirectory(root: root.path, boot: "b1")
      let (state, wiped) = try directory.open(.households, partition: 3)
      #expect(wiped == nil)
      #expect(state.meta == nil)
      try write(
        state, ["a": "1", "b": "2", "gone": "x"], timers: ["a": 30, "b": 10, "c": -5], meta: meta)
      try write(state, ["gone": nil, "never": nil], timers: ["a": 20, "c": nil], meta: meta)
      state.close(flush: true)
    }
    let directory = try StateDirectory(root: root.path, boot: "b1")
    let (state, _) = try directory.open(.households, partition: 3)
    #expect(state.meta == meta)
    #expect(value(state, "a") == "1")
    #expect(value(state, "gone") == nil)
    let timers = state.timers(after: nil, max: 10)
    #expect(timers.map(\.due.seconds) == [10, 20])
    #expect(timers.map(\.owner) == [bytes("b"), bytes("a")])
    #expect(state.timers(after: timers[0], max: 10) == [timers[1]])
    #expect(state.timers(after: nil, max: 1) == [timers[0]])
    state.close(flush: false)
  }

  @Test func survivesTheEndOfTheProcess() throws {
    let root = TemporaryRoot()
    do {
      let directory = try StateDirectory(root: root.path, boot: "b1")
      let (state, _) = try directory.open(.households, partition: 3)
      try write(state, ["a": "1"], timers: ["a": 5])
      state.close(flush: false)
    }
    let directory = try StateDirectory(root: root.path, boot: "b1")
    let (state, wiped) = try directory.open(.households, partition: 3)
    #expect(wiped == nil)
    #expect(value(state, "a") == "1")
    #expect(state.timers(after: nil, max: 9).count == 1)
    state.close(flush: false)
  }

  @Test func distrustsACopyThatWasInUseWhenTheMachineWentDown() throws {
    let root = TemporaryRoot()
    do {
      let directory = try StateDirectory(root: root.path, boot: "b1")
      let (state, _) = try directory.open(.households, partition: 3)
      try write(state, ["a": "1"])
      state.close(flush: false)
    }
    let directory = try StateDirectory(root: root.path, boot: "b2")
    let (state, wiped) = try directory.open(.households, partition: 3)
    #expect(wiped == .uncleanBoot)
    #expect(state.meta == nil)
    #expect(value(state, "a") == nil)
    state.close(flush: false)
  }

  @Test func trustsACopyThatWasClosedBeforeTheMachineWentDown() throws {
    let root = TemporaryRoot()
    do {
      let directory = try StateDirectory(root: root.path, boot: "b1")
      let (state, _) = try directory.open(.households, partition: 3)
      try write(state, ["a": "1"])
      state.close(flush: true)
    }
    let directory = try StateDirectory(root: root.path, boot: "b2")
    let (state, wiped) = try directory.open(.households, partition: 3)
    #expect(wiped == nil)
    #expect(value(state, "a") == "1")
    state.close(flush: false)
  }

  @Test func growsBeyondItsFirstMap() throws {
    let root = TemporaryRoot()
    let directory = try StateDirectory(root: root.path, boot: "b1")
    let (state, _) = try directory.open(.households, partition: 3)
    let large = String(repeating: "x", count: 1 << 20)
    let values = Dictionary(uniqueKeysWithValues: (0..<100).map { ("k\($0)", Optional(large)) })
    try write(state, values)
    #expect((0..<100).allSatisfy { value(state, "k\($0)")?.count == 1 << 20 })
    state.close(flush: false)
    let (again, wiped) = try directory.open(.households, partition: 3)
    #expect(wiped == nil)
    #expect(value(again, "k99")?.count == 1 << 20)
    try write(again, Dictionary(uniqueKeysWithValues: (100..<150).map { ("k\($0)", large) }))
    #expect(value(again, "k149")?.count == 1 << 20)
    again.close(flush: false)
  }

  @Test(arguments: ["garbage", "cut", "zeros", "empty"])
  func aDamagedFileIsWipedAndNeverFatal(damage: String) throws {
    let root = TemporaryRoot()
    do {
      let directory = try StateDirectory(root: root.path, boot: "b1")
      let (state, _) = try directory.open(.households, partition: 3)
      try write(
        state, Dictionary(uniqueKeysWithValues: (0..<5000).map { ("k\($0)", "value \($0)") }))
      state.close(flush: true)
    }
    let file = try #require(FileHandle(forUpdatingAtPath: root.dataFile))
    switch damage {
    case "garbage": try file.write(contentsOf: Data(repeating: 0xA5, count: 8192))
    case "cut": try file.truncate(atOffset: 20 * 4096)
    case "zeros": try file.write(contentsOf: Data(repeating: 0, count: 8192))
    default: try file.truncate(atOffset: 0)
    }
    try file.close()
    let directory = try StateDirectory(root: root.path, boot: "b1")
    let (state, wiped) = try directory.open(.households, partition: 3)
    #expect(wiped == .corrupt || damage == "empty")
    #expect(state.meta == nil)
    try write(state, ["a": "1"])
    #expect(value(state, "a") == "1")
    state.close(flush: false)
  }

  @Test func refusesAnotherStagesFiles() throws {
    let root = TemporaryRoot()
    let directory = try StateDirectory(root: root.path, boot: "b1")
    let (state, _) = try directory.open(.households, partition: 3)
    try write(state, ["a": "1"])
    state.close(flush: true)
    try FileManager.default.moveItem(
      atPath: root.path + "/households/3", toPath: root.path + "/households/4")
    let (other, wiped) = try directory.open(.households, partition: 4)
    #expect(wiped == .corrupt)
    other.close(flush: false)
  }

  @Test func oneProcessAndOneWorkerAtATime() throws {
    let root = TemporaryRoot()
    let directory = try StateDirectory(root: root.path, boot: "b1")
    #expect(throws: StateFailure(.locked, "another process uses the state directory")) {
      _ = try StateDirectory(root: root.path, boot: "b1")
    }
    let (state, _) = try directory.open(.events, partition: 0)
    #expect(throws: StateFailure.self) { _ = try directory.open(.events, partition: 0) }
    state.close(flush: false)
    let (again, _) = try directory.open(.events, partition: 0)
    again.close(flush: false)
  }

  @Test func anEmptyKeyIsAFailureWithACode() throws {
    let root = TemporaryRoot()
    let directory = try StateDirectory(root: root.path, boot: "b1")
    let (state, _) = try directory.open(.events, partition: 0)
    let failure = #expect(throws: StateFailure.self) { try write(state, ["": "v"]) }
    #expect(failure?.code == .key)
    let long = String(repeating: "k", count: 600)
    try write(state, [long: "v"], timers: [long: 3])
    let overlay = StateOverlay(base: state)
    #expect(overlay.withValue(bytes(long)) { $0.map { Array($0) } } == bytes("v"))
    #expect(overlay.nextTimer(through: .distantFuture) != nil)
    state.close(flush: false)
  }

  @Test func wipeForgetsEverything() throws {
    let root = TemporaryRoot()
    let directory = try StateDirectory(root: root.path, boot: "b1")
    let (state, _) = try directory.open(.events, partition: 0)
    try write(state, ["a": "1"], timers: ["a": 5])
    #expect(value(state, "a") == "1")
    try state.wipe()
    #expect(state.meta == nil)
    #expect(value(state, "a") == nil)
    #expect(state.timers(after: nil, max: 5).isEmpty)
    state.close(flush: false)
  }

  @Test func theInspectorSeesALiveStateAndFindsWhatDoesNotFit() throws {
    let root = TemporaryRoot()
    let directory = try StateDirectory(root: root.path, boot: "b1")
    let (state, _) = try directory.open(.households, partition: 3)
    try write(state, ["a": "5", "b": "x", "c": "9"], timers: ["a": 5, "b": 6])
    let inspector = try StateInspector(root: root.path, .households, partition: 3)
    #expect(try inspector.meta()?.changelogNext == 1)
    #expect(try inspector.statistics().values == 3)
    var keys: [String] = []
    try inspector.forEachValue { key, _ in
      keys.append(String(decoding: key, as: UTF8.self))
      return true
    }
    #expect(keys == ["a", "b", "c"])
    let findings = try inspector.verify { _, value in
      Int64(String(decoding: value, as: UTF8.self)).map { Instant(seconds: $0) }
    }
    #expect(
      findings == [
        .timerExtra(owner: bytes("b"), due: Instant(seconds: 6)),
        .timerMissing(owner: bytes("c"), due: Instant(seconds: 9)),
      ])
    #expect(StateDirectory.partitions(root: root.path).map(\.partition) == [3])
    state.close(flush: false)
  }
}

@Suite struct StateMetaTests {
  @Test func changelogKeysHaveOneMeaning() {
    var buffer: [UInt8] = []
    ChangelogKey.write([7, 8], to: &buffer)
    #expect(buffer.withUnsafeBytes { ChangelogKey.meaning(of: $0) } == .state([7, 8]))
    #expect(ChangelogKey.meta.withUnsafeBytes { ChangelogKey.meaning(of: $0) } == .meta)
    for unknown: [UInt8] in [[], [9], [0, 1]] {
      #expect(unknown.withUnsafeBytes { ChangelogKey.meaning(of: $0) } == nil)
    }
  }

  @Test func aMetaOfAnotherVersionDoesNotDecode() {
    var meta = StateMeta()
    var value = StateMeta(clock: Instant(seconds: 3), inputNext: 4, sequence: 5).changelogValue
    #expect(throws: Never.self) {
      try value.withUnsafeBytes { try meta.adopt(changelogValue: $0) }
    }
    #expect(meta.inputNext == 4 && meta.sequence == 5 && meta.clock == Instant(seconds: 3))
    value[0] = 200
    #expect(throws: DecodingFailure.self) {
      try value.withUnsafeBytes { try meta.adopt(changelogValue: $0) }
    }
  }
}
