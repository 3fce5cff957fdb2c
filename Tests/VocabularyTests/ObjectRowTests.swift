import Testing
import Vocabulary

@Suite struct ObjectRowTests {
  private final class Number {
    let value: Int
    init(_ value: Int) { self.value = value }
  }

  @Test func objectsAreAskedByTheirPlacesAndBits() {
    let row = ObjectRow((0..<70).map(Number.init))
    #expect(row.count == 70 && row.map(\.value) == Array(0..<70))
    #expect(row.at(69) { $0.value } == 69)
    var asked: [Int] = []
    row.each(1 << 63 | 1 << 5 | 1) { asked.append($0.value) }
    #expect(asked == [0, 5, 63])
  }

  @Test func bitsBeyondTheEndStandForNobody() {
    let row = ObjectRow([Number(7), Number(8)])
    var asked: [Int] = []
    row.each(.max) { asked.append($0.value) }
    ObjectRow<Number>([]).each(.max) { asked.append($0.value) }
    #expect(asked == [7, 8])
  }
}
