/// Reads the `data` section of an event type.
struct ShapeReader {
  /// Objects and lists in each other, at most.
  static let maximumDepth = 6
  static let maximumFields = 64
  static let maximumWords = 256
  /// Elements of a list where the mapping gives no number, and the highest number it may give.
  static let defaultCount = 64
  static let maximumCount = 1000
  static let defaultText = 256
  static let maximumText = 20_000

  static let types = [
    "citizen", "date", "month", "timestamp", "money", "bool", "int", "text", "code", "word",
    "list", "object",
  ]

  /// The fields of an object: a mapping of names, those with `?` at the end optional.
  static func object(_ yaml: PositionedYAML?, depth: Int = 0) -> ObjectShape? {
    guard let mapping = yaml?.mapping else { return nil }
    guard mapping.entries.count <= maximumFields else {
      mapping.owner.report("too-many-fields", "more than \(maximumFields) fields")
      return nil
    }
    var fields: [DataField] = []
    for (key, value) in mapping.entries {
      guard let raw = key.string else { continue }
      let isOptional = raw.hasSuffix("?")
      let name = isOptional ? String(raw.dropLast()) : raw
      guard isFieldName(name) else {
        key.report("bad-field-name", "'\(raw)' is not a field name", hint: "letters and digits")
        continue
      }
      guard !fields.contains(where: { $0.name == name }) else {
        key.report("duplicate-key", "field '\(name)' is declared twice")
        continue
      }
      guard let (shape, title) = self.shape(value, isOptional: isOptional, depth: depth) else {
        continue
      }
      fields.append(DataField(name: name, title: title, isOptional: isOptional, shape: shape))
    }
    let shape = ObjectShape(fields: fields)
    checkFutureConditions(shape, mapping)
    return shape
  }

  static func isFieldName(_ name: String) -> Bool {
    guard let first = name.utf8.first, name.utf8.count <= 64 else { return false }
    let isLetter = (first | 0x20) &- 0x61 < 26
    return isLetter && name.utf8.allSatisfy { ($0 | 0x20) &- 0x61 < 26 || $0 &- 0x30 <= 9 }
  }

  /// A type's name, or a mapping with `type` and its limits.
  static func shape(
    _ yaml: PositionedYAML, isOptional: Bool, depth: Int
  ) -> (shape: DataShape, title: String)? {
    if yaml.isScalar {
      guard let type = yaml.word(types, what: "a type of value") else { return nil }
      guard let shape = plain(type, isOptional: isOptional) else {
        yaml.report("missing-key", "'\(type)' needs a mapping with its details")
        return nil
      }
      return (shape, "")
    }
    guard let mapping = yaml.mapping,
      let type = mapping.required("type")?.word(types, what: "a type of value")
    else { return nil }
    let title = mapping.optionalString("title") ?? ""
    let shape = detailed(type, mapping, isOptional: isOptional, depth: depth)
    if shape != nil { mapping.finish() }
    return shape.map { ($0, title) }
  }

  private static func plain(_ type: String, isOptional: Bool) -> DataShape? {
    switch type {
    case "citizen": .citizen
    case "date": .date(.never)
    case "month": .month
    case "timestamp": .timestamp
    case "money": .money
    case "bool": .bool
    case "int": .int(0...1_000_000_000, asText: false)
    case "text": .text((isOptional ? 0 : 1)...defaultText)
    default: nil
    }
  }

  private static func detailed(
    _ type: String, _ mapping: YAMLMapping, isOptional: Bool, depth: Int
  ) -> DataShape? {
    switch type {
    case "int":
      let limits = -1_000_000_000_000...1_000_000_000_000
      let low = mapping.optionalInteger("min", in: limits) ?? 0
      let high = mapping.optionalInteger("max", in: limits) ?? 1_000_000_000
      let asText = mapping.boolean("as_text", default: false)
      return range(low, high, mapping).map { .int($0, asText: asText) }
    case "text":
      let low = mapping.optionalInteger("min", in: 0...maximumText) ?? (isOptional ? 0 : 1)
      let high = mapping.optionalInteger("max", in: 1...maximumText) ?? defaultText
      return range(low, high, mapping).map { .text($0) }
    case "date":
      return mapping.optional("future").map { futureDates($0).map { .date($0) } }
        ?? .date(.never)
    case "code": return code(mapping)
    case "word": return words(mapping)
    case "list": return list(mapping, depth: depth)
    case "object":
      guard depth < maximumDepth else {
        tooDeep(mapping)
        return nil
      }
      guard var shape = object(mapping.required("fields"), depth: depth + 1) else { return nil }
      shape.anyOf = mapping.strings("any_of")
      for name in shape.anyOf where shape.index(of: name) == nil {
        mapping.optional("any_of")?.report("unknown-field", "there is no field '\(name)'")
      }
      return .object(shape)
    default: return plain(type, isOptional: isOptional)
    }
  }

  private static func tooDeep(_ mapping: YAMLMapping) {
    mapping.owner.report("too-deep", "more than \(maximumDepth) objects and lists in each other")
  }

  private static func range(_ low: Int, _ high: Int, _ mapping: YAMLMapping) -> ClosedRange<Int>? {
    guard low <= high else {
      mapping.owner.report("empty-range", "min \(low) is more than max \(high)")
      return nil
    }
    return low...high
  }

  private static func code(_ mapping: YAMLMapping) -> DataShape? {
    guard let numbers = mapping.required("digits")?.sequenceOrScalar else { return nil }
    let digits = numbers.compactMap { $0.integer(in: 1...32) }
    guard digits.count == numbers.count, !digits.isEmpty else { return nil }
    return .code(digits: digits.sorted())
  }

  private static func words(_ mapping: YAMLMapping) -> DataShape? {
    guard let list = mapping.required("words"), let words = list.strings else { return nil }
    guard !words.isEmpty, words.count <= maximumWords, Set(words).count == words.count,
      words.allSatisfy({ !$0.isEmpty && $0.utf8.count <= 64 })
    else {
      list.report("bad-words", "1 to \(maximumWords) different words of 1 to 64 bytes")
      return nil
    }
    return .word(words)
  }

  private static func list(_ mapping: YAMLMapping, depth: Int) -> DataShape? {
    guard depth < maximumDepth else {
      tooDeep(mapping)
      return nil
    }
    let low = mapping.optionalInteger("min", in: 0...maximumCount) ?? 0
    let high = mapping.optionalInteger("max", in: 1...maximumCount) ?? defaultCount
    guard let of = mapping.required("of"),
      let element = shape(of, isOptional: false, depth: depth + 1)?.shape,
      let count = range(low, high, mapping)
    else { return nil }
    if case .date(.when) = element {
      of.report("bad-future", "a date in a list has no field beside it")
      return nil
    }
    var unique = ListShape.Uniqueness.none
    if let yaml = mapping.optional("unique"), let text = yaml.string {
      switch (text, element) {
      case ("false", _): unique = .none
      case ("true", .object), ("true", .list):
        yaml.report("bad-unique", "name the field that must differ")
      case ("true", _): unique = .elements
      case (_, .object(let object)) where object.index(of: text) != nil: unique = .field(text)
      default: yaml.report("unknown-field", "the elements have no field '\(text)'")
      }
    }
    return .list(ListShape(element: element, count: count, unique: unique))
  }

  /// `true`, `false`, or a field with the words under which the date may lie ahead.
  private static func futureDates(_ yaml: PositionedYAML) -> FutureDates? {
    if yaml.isScalar { return yaml.boolean.map { $0 ? .always : .never } }
    guard let mapping = yaml.mapping, let entry = mapping.entries.first,
      mapping.entries.count == 1, let field = entry.key.string,
      let words = entry.value.strings
    else {
      yaml.report("bad-future", "expected true, false, or one field with its words")
      return nil
    }
    return .when(field: field, words: words)
  }

  /// The field of a conditional future date must be a word of the same object.
  private static func checkFutureConditions(_ shape: ObjectShape, _ mapping: YAMLMapping) {
    for field in shape.fields {
      guard case .date(.when(let other, let words)) = field.shape else { continue }
      let place = mapping.key(field.isOptional ? field.name + "?" : field.name) ?? mapping.owner
      guard let index = shape.index(of: other), case .word(let known) = shape.fields[index].shape
      else {
        place.report("unknown-field", "'\(other)' is not a field of words beside this date")
        continue
      }
      for word in words where !known.contains(word) {
        place.report("unknown-word", "'\(word)' is not a word of '\(other)'")
      }
    }
  }
}
