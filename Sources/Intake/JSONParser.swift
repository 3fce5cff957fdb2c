internal import CSimdJSON

/// Parses borrowed bytes; the nodes are valid until the next parse and as long as the bytes are.
final class JSONParser {
  /// Objects and arrays in each other, at most.
  static let maximumDepth: UInt32 = 32

  private let parser: OpaquePointer

  init() throws(IntakeFailure) {
    guard let parser = csj_parser_new(JSONParser.maximumDepth) else { throw IntakeFailure.noMemory }
    self.parser = parser
  }

  deinit { csj_parser_free(parser) }

  /// The node buffer; meaningless before the first successful parse.
  var nodes: UnsafePointer<csj_node> { csj_nodes(parser) }

  /// The nodes, or nil with `fault` set.
  func parse(_ bytes: UnsafeRawBufferPointer) -> UnsafePointer<csj_node>? {
    let start = bytes.baseAddress?.assumingMemoryBound(to: UInt8.self)
    error = csj_parse(parser, start, bytes.count)
    return error == 0 ? csj_nodes(parser) : nil
  }

  private var error: Int32 = 0

  /// Why the last parse failed: what and where, never the bytes.
  var fault: String {
    let offset = csj_error_offset(parser)
    let place = offset > 0 ? " at byte \(offset)" : ""
    switch csj_error(UInt32(bitPattern: error)) {
    case CSJ_EMPTY: return "there is no JSON value"
    case CSJ_INVALID_UTF8: return "the bytes are not UTF-8"
    case CSJ_UNCLOSED_STRING: return "a string is not closed" + place
    case CSJ_CONTROL_CHARACTER: return "a string contains a control character"
    case CSJ_BAD_ESCAPE: return "a string has a wrong escape" + place
    case CSJ_BAD_NUMBER: return "a number is malformed" + place
    case CSJ_TOO_DEEP: return "nested deeper than \(JSONParser.maximumDepth)" + place
    case CSJ_DUPLICATE_KEY: return "a key occurs twice in the object that ends" + place
    case CSJ_NO_MEMORY: return "too large to parse"
    default: return "not valid JSON" + place
    }
  }
}

/// Why Intake cannot be set up.
public enum IntakeFailure: Error, Equatable, Sendable {
  case noMemory
}

/// Node kinds as numbers.
enum NodeKind {
  static let object = CSJ_OBJECT.rawValue
  static let array = CSJ_ARRAY.rawValue
  static let string = CSJ_STRING.rawValue
  static let number = CSJ_NUMBER.rawValue
  static let isTrue = CSJ_TRUE.rawValue
  static let isFalse = CSJ_FALSE.rawValue
  static let null = CSJ_NULL.rawValue
}
