import Testing

@testable import Simulation
@testable import Streaming

@Suite struct KeyedValuesTests {
  @Test func agreesWithADictionaryInTheOrderOfFirstWriting() {
    var random = SeededGenerator(seed: 7)
    let values = KeyedValues<Int>()
    var expected: [[UInt8]: Int] = [:]
    var order: [[UInt8]] = []
    for round in 0..<5000 {
      // Few enough bytes that keys come again, and long enough to cross a word.
      let key = (0..<Int.random(in: 0...10, using: &random)).map { _ in
        UInt8.random(in: 0...2, using: &random)
      }
      if expected[key] == nil { order.append(key) }
      expected[key] = round
      values.set(key, round)
      #expect(values[key] == round)
    }
    #expect(values.map { Array($0.key) } == order)
    #expect(values.allSatisfy { key, value in expected[Array(key)] == value })
    #expect(values[[9]] == nil)
  }

  @Test func keysOfZerosAreTold() {
    let values = KeyedValues<Int>()
    for count in 0..<40 { values.set(Array(repeating: 0, count: count), count) }
    #expect((0..<40).allSatisfy { values[Array(repeating: 0, count: $0)] == $0 })
    #expect(values.count == 40)
  }

  @Test func isEmptyAfterwards() {
    let values = KeyedValues<Int>()
    for number in UInt8.min ... .max { values.set([number], Int(number)) }
    values.removeAll()
    #expect(values.isEmpty && values[[1]] == nil)
    values.set([1], 5)
    #expect(values[[1]] == 5 && values.count == 1)
  }
}

@Suite struct ByteSlabTests {
  @Test func whatIsLaidDownStaysUntilAllIsForgotten() {
    let slab = ByteSlab()
    for round in 0..<3 {
      var laid: [(UnsafeRawBufferPointer, [UInt8])] = []
      for count in 0..<3000 {
        // Now and then more than a block holds, or more than was said.
        let size = count % 500 == 499 ? 700_000 : count
        let bytes = (0..<size).map { UInt8(truncatingIfNeeded: $0 &* count &+ round) }
        let place =
          count % 2 == 0
          ? bytes.withUnsafeBytes { slab.copy($0) }
          : slab.write(reserving: size / (count % 3 + 1)) { $0.raw(bytes) }
        laid.append((place, bytes))
      }
      #expect(laid.allSatisfy { $0.elementsEqual($1) })
      slab.removeAll()
    }
  }
}

@Suite struct ByteWriterTests {
  private func write(to writer: inout ByteWriter) {
    writer.u8(1)
    writer.u16(0x0203)
    writer.sortable(-1)
    writer.varint(300)
    writer.string("户")
    writer.blob([7, 8])
    writer.section { $0.raw(Array(repeating: 9, count: 200)) }
  }

  @Test func writesTheSameIntoAnyMemory() {
    let expected: [UInt8] =
      [1, 3, 2, 0x7F, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xAC, 2, 3]
      + Array("户".utf8) + [2, 7, 8, 0xC8, 1] + Array(repeating: 9, count: 200)
    for capacity in [0, 1, 16, 17, 200, 219, 220, 4096] {
      #expect([UInt8](reserving: capacity) { write(to: &$0) } == expected)
      var writer = ByteWriter(reserving: capacity)
      writer.u8(0)
      writer.removeAll()
      write(to: &writer)
      #expect(writer.bytes == expected && writer.count == expected.count)
    }
  }
}
