/// JSON Schemas (draft 2020-12) of the in-topics, made from the same declarations that Intake
/// checks events against. A record that a schema refuses is a dead letter; what JSON Schema cannot
/// say (check characters, dates that exist, dates ahead) is checked by the daemon alone.
public enum EventSchema {
  /// The schema of a topic's values in structured content mode, as text with a line break at the
  /// end. In binary content mode the value is `data` alone.
  public static func text(topic: String, of catalog: SourceCatalog) -> String {
    let events = catalog.events.filter { $0.topic == nil || $0.topic == topic }
    let types = events.map { SchemaNode.string(SourceCatalog.typePrefix + $0.name) }
    let schema = SchemaNode.object([
      ("$schema", .string("https://json-schema.org/draft/2020-12/schema")),
      ("$id", .string("urn:outreachd:topic:" + topic)),
      ("title", .string(topic)),
      (
        "description",
        .string(
          "A CloudEvent 1.0 in structured content mode; in binary content mode the value is "
            + "'data' alone. Fields that are not listed are ignored; null counts as absent.")
      ),
      ("type", .string("object")),
      ("required", .array(required.map { .string($0) })),
      ("properties", envelope(types)),
      ("allOf", .array(events.map { branch($0) })),
      ("$defs", .object(events.map { ($0.name, data($0)) })),
    ])
    return schema.text + "\n"
  }

  private static let required = ["specversion", "id", "source", "type", "time", "data"]

  private static func envelope(_ types: [SchemaNode]) -> SchemaNode {
    func text(_ limit: Int) -> SchemaNode {
      .object([("type", .string("string")), ("minLength", .int(1)), ("maxLength", .int(limit))])
    }
    let time = SchemaNode.object([("type", .string("string")), ("format", .string("date-time"))])
    return .object([
      ("specversion", .object([("const", .string("1.0"))])),
      ("id", text(256)),
      ("source", text(512)),
      ("type", .object([("enum", .array(types))])),
      ("time", time),
      ("recordedtime", time),
      ("supersedes", text(256)),
      ("traceparent", .object([("type", .string("string"))])),
      ("dataclassification", .object([("type", .string("string"))])),
      ("datacontenttype", .object([("const", .string("application/json"))])),
      ("data", .object([("type", .string("object"))])),
    ])
  }

  private static func branch(_ event: EventSource) -> SchemaNode {
    let type = SchemaNode.object([("const", .string(SourceCatalog.typePrefix + event.name))])
    let reference = SchemaNode.object([("$ref", .string("#/$defs/" + event.name))])
    return .object([
      ("if", .object([("properties", .object([("type", type)]))])),
      ("then", .object([("properties", .object([("data", reference)]))])),
    ])
  }

  private static func data(_ event: EventSource) -> SchemaNode {
    guard case .object(let members) = object(event.data) else { return .object([]) }
    return .object(event.title.isEmpty ? members : [("title", .string(event.title))] + members)
  }

  private static func object(_ shape: ObjectShape) -> SchemaNode {
    var members: [(String, SchemaNode)] = [("type", .string("object"))]
    let required = shape.fields.filter { !$0.isOptional }.map { SchemaNode.string($0.name) }
    if !required.isEmpty { members.append(("required", .array(required))) }
    if !shape.anyOf.isEmpty {
      let choices = shape.anyOf.map {
        SchemaNode.object([("required", .array([.string($0)]))])
      }
      members.append(("anyOf", .array(choices)))
    }
    let properties = shape.fields.map { field -> (String, SchemaNode) in
      guard !field.title.isEmpty, case .object(let inner) = node(field.shape) else {
        return (field.name, node(field.shape))
      }
      return (field.name, .object([("title", .string(field.title))] + inner))
    }
    members.append(("properties", .object(properties)))
    return .object(members)
  }

  private static func node(_ shape: DataShape) -> SchemaNode {
    switch shape {
    case .bool: .object([("type", .string("boolean"))])
    case .int(let range, let asText): integer(range, asText: asText)
    case .money:
      .object([
        (
          "anyOf",
          .array([
            .object([("type", .string("number")), ("minimum", .int(0))]),
            pattern("^[0-9]{1,13}(\\.[0-9]{1,2})?$"),
          ])
        )
      ])
    case .date: .object([("type", .string("string")), ("format", .string("date"))])
    case .month: pattern("^[0-9]{4}-(0[1-9]|1[0-2])$")
    case .timestamp: .object([("type", .string("string")), ("format", .string("date-time"))])
    case .citizen: pattern("^[1-9][0-9]{16}[0-9Xx]$")
    case .text(let range):
      .object([
        ("type", .string("string")), ("minLength", .int(range.lowerBound)),
        ("maxLength", .int(range.upperBound)),
      ])
    case .code(let digits):
      pattern("^(" + digits.map { "[0-9]{\($0)}" }.joined(separator: "|") + ")$")
    case .word(let words): .object([("enum", .array(words.map { .string($0) }))])
    case .list(let list): self.list(list)
    case .object(let shape): object(shape)
    }
  }

  private static func pattern(_ text: String) -> SchemaNode {
    .object([("type", .string("string")), ("pattern", .string(text))])
  }

  private static func integer(_ range: ClosedRange<Int>, asText: Bool) -> SchemaNode {
    let number = SchemaNode.object([
      ("type", .string("integer")), ("minimum", .int(range.lowerBound)),
      ("maximum", .int(range.upperBound)),
    ])
    return asText ? .object([("anyOf", .array([number, pattern("^[0-9]{1,18}$")]))]) : number
  }

  private static func list(_ list: ListShape) -> SchemaNode {
    var members: [(String, SchemaNode)] = [
      ("type", .string("array")), ("minItems", .int(list.count.lowerBound)),
      ("maxItems", .int(list.count.upperBound)),
    ]
    if list.unique == .elements { members.append(("uniqueItems", .bool(true))) }
    members.append(("items", node(list.element)))
    return .object(members)
  }
}

/// A JSON value whose members keep their order.
private indirect enum SchemaNode {
  case object([(String, SchemaNode)])
  case array([SchemaNode])
  case string(String)
  case int(Int)
  case bool(Bool)

  var text: String { text(indent: 0) }

  private var isScalar: Bool {
    switch self {
    case .object, .array: false
    default: true
    }
  }

  private func text(indent: Int) -> String {
    let inner = String(repeating: " ", count: indent + 2)
    let outer = String(repeating: " ", count: indent)
    switch self {
    case .string(let text): return jsonString(text)
    case .int(let value): return String(value)
    case .bool(let value): return value ? "true" : "false"
    case .array(let elements):
      if elements.allSatisfy(\.isScalar) {
        return "[" + elements.map { $0.text(indent: 0) }.joined(separator: ", ") + "]"
      }
      return "[\n" + elements.map { inner + $0.text(indent: indent + 2) }
        .joined(separator: ",\n") + "\n" + outer + "]"
    case .object(let members):
      let isFlat = members.count <= 3 && members.allSatisfy(\.1.isScalar)
      if isFlat {
        return "{" + members.map { jsonString($0.0) + ": " + $0.1.text(indent: 0) }
          .joined(separator: ", ") + "}"
      }
      return "{\n" + members.map { inner + jsonString($0.0) + ": " + $0.1.text(indent: indent + 2) }
        .joined(separator: ",\n") + "\n" + outer + "}"
    }
  }
}
