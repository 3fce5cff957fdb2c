import CSimdJSON
import Foundation
@testable import Intake
import Testing

/// The shim against Foundation's parser, over documents written by a seeded generator and damaged
/// at random.
@Suite struct JSONParserTests {
  /// A value read back from the nodes.
  indirect enum Value: Equatable {
    case object([String: Value])
    case array([Value])
    case string(String)
    case number(String)
    case bool(Bool)
    case null
  }

  static func parse(_ bytes: [UInt8], with parser: JSONParser) -> Value? {
    bytes.withUnsafeBytes { buffer in
      parser.parse(buffer).map { nodes in
        var at = 0
        let value = read(nodes, &at)
        #expect(at == Int(nodes[0].next))
        return value
      }
    }
  }

  private static func read(_ nodes: UnsafePointer<csj_node>, _ at: inout Int) -> Value {
    let node = nodes[at]
    at += 1
    switch node.kind {
    case NodeKind.object:
      var members: [String: Value] = [:]
      for _ in 0..<node.detail {
        let key = PlanText(nodes[at]).string
        at += 1
        members[key] = read(nodes, &at)
      }
      return .object(members)
    case NodeKind.array:
      return .array((0..<node.detail).map { _ in read(nodes, &at) })
    case NodeKind.string: return .string(PlanText(node).string)
    case NodeKind.number: return .number(PlanText(node).string)
    case NodeKind.isTrue: return .bool(true)
    case NodeKind.isFalse: return .bool(false)
    default: return .null
    }
  }

  // MARK: Random documents

  struct Writer {
    var random: SeededGenerator

    mutating func value(_ depth: Int) -> (text: String, value: Value) {
      switch Int.random(in: 0..<(depth > 0 ? 9 : 7), using: &random) {
      case 0: return ("null", .null)
      case 1: return ("true", .bool(true))
      case 2: return ("false", .bool(false))
      case 3, 4:
        let number = number()
        return (number, .number(number))
      case 5, 6:
        let (text, plain) = string()
        return (text, .string(plain))
      case 7:
        let elements = (0..<Int.random(in: 0...5, using: &random)).map { _ in value(depth - 1) }
        return (
          space() + "[" + elements.map(\.text).joined(separator: space() + ",") + "]" + space(),
          .array(elements.map(\.value))
        )
      default: return object(depth)
      }
    }

    private mutating func object(_ depth: Int) -> (text: String, value: Value) {
      var members: [String: Value] = [:]
      var parts: [String] = []
      for _ in 0..<Int.random(in: 0...40, using: &random) {
        let (text, key) = string()
        guard members[key] == nil else { continue }
        let value = value(depth - 1)
        members[key] = value.value
        parts.append(space() + text + space() + ":" + space() + value.text)
      }
      return ("{" + parts.joined(separator: ",") + space() + "}", .object(members))
    }

    private mutating func number() -> String {
      let whole = ["0", "7", "-1", "12", "-0", "987654321098765432109876543210", "1510"]
      let rest = ["", "", "", ".5", ".00", "e3", "E+10", ".25e-2"]
      return whole.randomElement(using: &random)! + rest.randomElement(using: &random)!
    }

    private mutating func string() -> (text: String, plain: String) {
      var text = "\""
      var plain = ""
      for _ in 0..<Int.random(in: 0...20, using: &random) {
        let pieces = [
          ("a", "a"), ("Z", "Z"), ("0", "0"), (" ", " "), ("张", "张"), ("😀", "😀"), ("é", "é"),
          ("{", "{"), ("}", "}"), ("[", "["), (":", ":"), (",", ","), ("\\\"", "\""),
          ("\\\\", "\\"), ("\\n", "\n"), ("\\t", "\t"), ("\\/", "/"), ("\\b", "\u{8}"),
          ("\\u0041", "A"), ("\\u4e2d", "中"), ("\\ud83d\\ude00", "😀"), ("\\u0000", "\u{0}"),
        ]
        let piece = pieces.randomElement(using: &random)!
        text += piece.0
        plain += piece.1
      }
      return (text + "\"", plain)
    }

    private mutating func space() -> String {
      ["", "", "", " ", "\n", "\t\r\n  "].randomElement(using: &random)!
    }
  }

  @Test func randomDocumentsReadBackAsWritten() throws {
    let parser = try JSONParser()
    var writer = Writer(random: SeededGenerator(state: 1))
    for _ in 0..<500 {
      let (text, value) = writer.value(4)
      #expect(Self.parse(Array(text.utf8), with: parser) == value)
    }
  }

  /// Foundation's verdict; nil where the two differ by design.
  private func foundation(_ bytes: [UInt8]) -> Bool? {
    // Foundation accepts other encodings and a byte order mark, and drops values out of range.
    guard let text = String(validating: bytes, as: UTF8.self), !text.contains("\u{0}"),
      !text.hasPrefix("\u{FEFF}")
    else { return bytes.contains(0) || bytes.starts(with: [0xEF, 0xBB, 0xBF]) ? nil : false }
    let options: JSONSerialization.ReadingOptions = [.fragmentsAllowed]
    return (try? JSONSerialization.jsonObject(with: Data(bytes), options: options)) != nil
  }

  @Test func damagedDocumentsAreJudgedAsFoundationDoes() throws {
    let parser = try JSONParser()
    var writer = Writer(random: SeededGenerator(state: 2))
    var compared = 0
    var rejected = 0
    let tokens = Array("{}[]\",:0-+.eE \\utrn\u{1}\u{7f}".utf8) + [0x80, 0xC3, 0xFF]
    while compared < 4000 {
      var bytes = Array(writer.value(2).text.utf8)
      for _ in 0..<Int.random(in: 1...3, using: &writer.random) {
        let at = Int.random(in: 0...bytes.count, using: &writer.random)
        let token = tokens.randomElement(using: &writer.random)!
        switch Int.random(in: 0..<3, using: &writer.random) {
        case 0: bytes.insert(token, at: at)
        case 1 where at < bytes.count: bytes[at] = token
        case 2 where at < bytes.count: bytes.remove(at: at)
        default: break
        }
      }
      let accepted = Self.parse(bytes, with: parser) != nil
      let isDuplicate = !accepted && parser.fault.contains("twice")
      guard !isDuplicate, let expected = foundation(bytes) else { continue }
      // Numbers beyond a double: Foundation may refuse what is well-formed.
      let text = String(decoding: bytes, as: UTF8.self)
      if accepted, !expected, text.contains(where: { $0 == "e" || $0 == "E" }) { continue }
      compared += 1
      if !expected { rejected += 1 }
      #expect(accepted == expected, "\(text.debugDescription)")
    }
    #expect(rejected > 1000 && rejected < 3900)
  }

  @Test(arguments: [
    "{\"a\":1,\"a\":2}", "{\"a\":1,\"\\u0061\":2}", "{\"x\":{\"\":1,\"\":2}}",
    "{" + (0..<60).map { "\"k\($0)\":0" }.joined(separator: ",") + ",\"k31\":1}",
  ])
  func duplicateKeysAreRejected(_ text: String) throws {
    let parser = try JSONParser()
    #expect(Self.parse(Array(text.utf8), with: parser) == nil)
    #expect(parser.fault.contains("twice"))
  }

  @Test func manyKeysOfOneHashTakeReasonableTime() throws {
    // Keys of equal first and last eight bytes and equal length have equal hashes.
    let keys = (10_000..<40_000).map { "\"prefix--\($0)--suffix\":0" }
    let text = "{" + keys.joined(separator: ",") + "}"
    let parser = try JSONParser()
    let clock = ContinuousClock()
    var value: Value?
    let time = clock.measure { value = Self.parse(Array(text.utf8), with: parser) }
    guard case .object(let members) = value else {
      Issue.record("not parsed")
      return
    }
    #expect(members.count == keys.count)
    #expect(time < .seconds(20))
  }

  @Test func nestingIsLimited() throws {
    let parser = try JSONParser()
    func nested(_ depth: Int) -> [UInt8] {
      Array((String(repeating: "[", count: depth) + String(repeating: "]", count: depth)).utf8)
    }
    #expect(Self.parse(nested(32), with: parser) != nil)
    #expect(Self.parse(nested(33), with: parser) == nil)
    #expect(Self.parse(nested(100_000), with: parser) == nil)
    #expect(Self.parse(Array("[1]".utf8), with: parser) == .array([.number("1")]))
  }

  @Test func bytesAtTheEndOfAMemoryPageAreNotReadPast() throws {
    // Two pages, the second one unreadable: any byte read past the document would kill the test.
    let page = Int(getpagesize())
    let memory = try #require(
      mmap(nil, page * 2, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0))
    defer { munmap(memory, page * 2) }
    try #require(mprotect(memory + page, page, PROT_NONE) == 0)
    let parser = try JSONParser()
    for text in ["{\"key\":\"value\"}", "12", "true", "\"a\\u0041\"", "[1,{\"a\":[]}]", "\"", "{"] {
      let bytes = Array(text.utf8)
      let start = memory + (page - bytes.count)
      start.copyMemory(from: bytes, byteCount: bytes.count)
      _ = parser.parse(UnsafeRawBufferPointer(start: start, count: bytes.count))
    }
  }
}
