import Simulation
import Streaming
import Testing
import Vocabulary

@testable import Streaming

@Suite struct StreamingTests {
  /// Known answers of Kafka's `Utils.murmur2`.
  @Test(arguments: [
    ("21", -973_932_308), ("foobar", -790_332_482), ("a-little-bit-long-string", -985_981_536),
    ("a-little-bit-longer-string", -1_486_304_829),
    ("lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58_897_971), ("abc", 479_470_107),
  ])
  func partitionsAsJavaClientsDo(key: String, hash: Int32) {
    let found = Array(key.utf8).withUnsafeBytes { Partitioner.murmur2($0) }
    #expect(Int32(bitPattern: found) == hash)
    let partition = Partitioner.partition(of: Array(key.utf8), count: 8)
    #expect(partition == (hash & 0x7FFF_FFFF) % 8)
  }

  @Test func framesKeepOrderAndClocks() throws {
    let clocks: [Int64] = [5, 5, 3, .max, .min, 0]
    let writer = FrameWriter()
    for (index, clock) in clocks.enumerated() {
      writer.append([UInt8(index)], clock: Instant(microseconds: clock))
    }
    var copy: [UInt8] = []
    writer.flush { copy = Array($0) }
    #expect(writer.recordCount == 0 && writer.byteCount == 0)
    try copy.withUnsafeBytes { bytes in
      var reader = try FrameReader(bytes)
      for (index, clock) in clocks.enumerated() {
        let payload = try reader.next()
        #expect(payload.map { Array($0) } == [UInt8(index)])
        #expect(reader.clock.microseconds == clock)
      }
      #expect(try reader.next() == nil)
    }
  }

  @Test func aFullFrameIsFollowedByAnother() throws {
    let writer = FrameWriter()
    let payload = [UInt8](repeating: 7, count: 1000)
    for number in 0..<700 { writer.append(payload, clock: Instant(seconds: Int64(number))) }
    #expect(writer.frameCount == 3)
    var sizes: [Int] = []
    var clocks: [Instant] = []
    try writer.flush { bytes in
      sizes.append(bytes.count)
      var reader = try FrameReader(bytes)
      while let record = try reader.next() {
        #expect(record.elementsEqual(payload))
        clocks.append(reader.clock)
      }
    }
    #expect(clocks == (0..<700).map { Instant(seconds: $0) })
    #expect(sizes.allSatisfy { $0 < FrameWriter.softLimit + 1100 })
    #expect(writer.frameCount == 0 && writer.byteCount == 0)
  }

  @Test func damagedFramesAreFailuresNotCrashes() {
    var generator = SeededGenerator(seed: 5)
    for _ in 0..<5000 {
      let length = Int.random(in: 0..<40, using: &generator)
      var bytes = (0..<length).map { _ in UInt8.random(in: 0...255, using: &generator) }
      if !bytes.isEmpty, generator.oneIn(2) { bytes[0] = 1 }
      bytes.withUnsafeBytes { raw in
        guard var reader = try? FrameReader(raw) else { return }
        var records = 0
        while (try? reader.next()) ?? nil != nil { records += 1 }
        #expect(records <= length)
      }
    }
  }

  /// The overlay answers as a plain sorted list of the same timers would.
  @Test func nextTimerIsTheEarliestOfStoreAndOverlay() {
    var generator = SeededGenerator(seed: 11)
    let base = MemoryState()
    let overlay = StateOverlay(base: base)
    var model: [[UInt8]: Int64] = [:]
    for step in 0..<6000 {
      let owner = [UInt8.random(in: 0..<200, using: &generator)]
      if generator.oneIn(3) {
        overlay.setTimer(owner, nil)
        model[owner] = nil
      } else {
        let due = Int64.random(in: 0..<1000, using: &generator)
        overlay.setTimer(owner, Instant(seconds: due))
        model[owner] = due
      }
      if step % 97 == 0 {
        base.apply(overlay)
        overlay.reset()
      }
      let limit = Int64.random(in: 0..<1000, using: &generator)
      let expected = model.filter { $0.value <= limit }
        .map { Timer(due: Instant(seconds: $0.value), owner: $0.key) }.min()
      #expect(overlay.nextTimer(through: Instant(seconds: limit)) == expected)
    }
    base.apply(overlay)
    let all = model.map { Timer(due: Instant(seconds: $0.value), owner: $0.key) }.sorted()
    #expect(base.timers(after: nil, max: .max) == all)
  }

  @Test func longKeysAreShortenedAndStandForThemselves() {
    let base = MemoryState()
    let overlay = StateOverlay(base: base)
    let long = [UInt8](repeating: 65, count: 100_000)
    let other = long + [66]
    overlay.put(long, [1])
    overlay.put(other, [2])
    overlay.setTimer(long, Instant(seconds: 1))
    base.apply(overlay)
    overlay.reset()
    #expect(overlay.withValue(long) { $0.map { Array($0) } } == [1])
    #expect(overlay.withValue(other) { $0.map { Array($0) } } == [2])
    let owner = overlay.nextTimer(through: .distantFuture)?.owner ?? []
    #expect(owner.count == StateOverlay.keyLimit)
    #expect(overlay.withValue(owner) { $0.map { Array($0) } } == [1])
    overlay.setTimer(long, nil)
    #expect(overlay.nextTimer(through: .distantFuture) == nil)
  }

  @Test func overlayReadsItsOwnWrites() {
    let base = MemoryState()
    let overlay = StateOverlay(base: base)
    overlay.put([1], [10])
    overlay.put([2], [20])
    base.apply(overlay)
    overlay.reset()
    overlay.put([1], [11])
    overlay.delete([2])
    #expect(overlay.withValue([1]) { $0.map { Array($0) } } == [11])
    #expect(overlay.withValue([2]) { $0 == nil })
    overlay.reset()
    #expect(overlay.withValue([2]) { $0.map { Array($0) } } == [20])
  }
}
