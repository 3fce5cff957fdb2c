internal import CSimdJSON
internal import Records
internal import Streaming
internal import Vocabulary

/// The CloudEvents attributes that matter here, borrowed from the record.
struct Envelope {
  var id: PlanText = .empty
  var source: PlanText = .empty
  /// Without the prefix that all types have.
  var type: PlanText = .empty
  var time = Instant.distantPast
  var recorded: Instant?
  var supersedes: PlanText?
  var traceparent: PlanText?
  /// The node of `data`.
  var data = 0
}

/// Limits of attributes, in bytes. CloudEvents sets none but asks consumers to accept 64 KiB of
/// event; these bound what an event can make the state remember.
enum EnvelopeLimits {
  static let id = 256
  static let source = 512
  static let type = 192
}

/// Reads the attributes in both content modes of the CloudEvents Kafka binding.
///
/// The mode: a `content-type` of `application/cloudevents+json` is structured. Any other with
/// `ce_` headers is binary, and its content type must be JSON where it is given. A record with
/// neither is structured if it is an object with `specversion`: tools that cannot set headers send
/// such records.
struct EnvelopeReader {
  enum Mode { case structured, binary, guessed }

  enum Attribute: Int, CaseIterable {
    case specversion, id, source, type, time, recordedtime, supersedes, traceparent,
      datacontenttype, data, data_base64
  }

  private let names: NameTable
  /// By attribute, of the record at hand.
  private var values: [PlanText?]
  private let prefix: PlanText

  init(arena: PlanArena, prefix: String) {
    names = NameTable(Attribute.allCases.map { "\($0)" }, arena: arena)
    values = Array(repeating: nil, count: Attribute.allCases.count)
    self.prefix = arena.copy(prefix)
  }

  // MARK: Content mode

  func mode(_ headers: UnsafeBufferPointer<BorrowedHeader>) throws(DeadLetter) -> Mode {
    var contentType: PlanText?
    var hasAttributes = false
    for header in headers {
      let name = PlanText(borrowed: header.name)
      if name.hasPrefix("ce_") {
        hasAttributes = true
      } else if name.equalsIgnoringCase("content-type") {
        guard contentType == nil else {
          throw DeadLetter(.envelope, path: "", message: "content-type occurs twice")
        }
        contentType = PlanText(borrowed: header.value)
      }
    }
    if let contentType {
      let media = contentType.mediaType
      if media.equalsIgnoringCase("application/cloudevents+json") { return .structured }
      guard media.isJSON, !media.hasPrefixIgnoringCase("application/cloudevents") else {
        throw DeadLetter(.envelope, path: "", message: "content-type is not JSON")
      }
    }
    return hasAttributes ? .binary : .guessed
  }

  // MARK: Attributes

  /// The attributes of a record in binary mode; its value is `data`.
  mutating func binary(
    _ headers: UnsafeBufferPointer<BorrowedHeader>
  ) throws(DeadLetter) -> Envelope {
    clear()
    for header in headers {
      let name = PlanText(borrowed: header.name)
      guard name.hasPrefix("ce_") else { continue }
      let found = names.find(name.dropFirst(3))
      guard found >= 0, found != Attribute.data.rawValue else { continue }
      guard values[found] == nil else {
        throw EnvelopeReader.failure(found, "occurs twice")
      }
      let value = PlanText(borrowed: header.value)
      guard value.isUTF8 else { throw EnvelopeReader.failure(found, "is not UTF-8") }
      values[found] = value
    }
    return try checked()
  }

  /// The trace that a client of the broker states, as tracing libraries do: a header of its own.
  static func traceparent(_ headers: UnsafeBufferPointer<BorrowedHeader>) -> PlanText? {
    for header in headers where header.name.count == 11 {
      guard PlanText(borrowed: header.name).equalsIgnoringCase("traceparent") else { continue }
      let value = PlanText(borrowed: header.value)
      return value.isTraceParent ? value : nil
    }
    return nil
  }

  /// The attributes of a JSON event.
  mutating func structured(
    _ nodes: UnsafePointer<csj_node>, isGuess: Bool
  ) throws(DeadLetter) -> Envelope {
    clear()
    guard nodes[0].kind == NodeKind.object else {
      throw DeadLetter(.envelope, path: "", message: "the event is not a JSON object")
    }
    var data = 0
    var key = 1
    for _ in 0..<nodes[0].detail {
      let value = nodes[key + 1]
      let found = names.find(PlanText(nodes[key]), hash: nodes[key].detail)
      if found == Attribute.data.rawValue {
        data = key + 1
      } else if found >= 0, value.kind != NodeKind.null {
        if value.kind == NodeKind.string {
          values[found] = PlanText(value)
        } else if found != Attribute.traceparent.rawValue {
          throw EnvelopeReader.failure(found, "must be a string")
        }
      }
      key = Int(value.next)
    }
    if isGuess, values[Attribute.specversion.rawValue] == nil {
      throw DeadLetter(
        .envelope, path: "/specversion",
        message: "no CloudEvents headers, and the value is no structured CloudEvent")
    }
    if let type = values[Attribute.datacontenttype.rawValue], !type.mediaType.isJSON {
      throw EnvelopeReader.failure(Attribute.datacontenttype.rawValue, "is not JSON")
    }
    guard values[Attribute.data_base64.rawValue] == nil else {
      throw EnvelopeReader.failure(Attribute.data_base64.rawValue, "is not accepted: send JSON")
    }
    var envelope = try checked()
    guard data > 0 else { throw DeadLetter(.schema, path: "/data", message: "is missing") }
    envelope.data = data
    return envelope
  }

  private mutating func clear() {
    for index in values.indices { values[index] = nil }
  }

  private static func failure(_ attribute: Int, _ message: String) -> DeadLetter {
    let name = Attribute(rawValue: attribute).map { "\($0)" } ?? ""
    return DeadLetter(.envelope, path: "/" + name, message: message)
  }

  /// Checks in the order: specversion, id, source, type, time, recordedtime, supersedes.
  private func checked() throws(DeadLetter) -> Envelope {
    var envelope = Envelope()
    guard try required(.specversion).equals("1.0") else {
      throw EnvelopeReader.failure(Attribute.specversion.rawValue, "is not 1.0")
    }
    envelope.id = try identifier(.id, limit: EnvelopeLimits.id)
    envelope.source = try identifier(.source, limit: EnvelopeLimits.source)
    let type = try identifier(.type, limit: EnvelopeLimits.type)
    guard type.length > prefix.length,
      PlanText(start: type.start, length: prefix.length).equals(prefix)
    else { throw DeadLetter(.type, path: "/type", message: "is not an event type of this bus") }
    envelope.type = type.dropFirst(prefix.length)
    envelope.time = try instant(try required(.time), .time)
    if let recorded = values[Attribute.recordedtime.rawValue] {
      envelope.recorded = try instant(recorded, .recordedtime)
    }
    if values[Attribute.supersedes.rawValue] != nil {
      let superseded = try identifier(.supersedes, limit: EnvelopeLimits.id)
      guard !superseded.equals(envelope.id) else {
        throw EnvelopeReader.failure(Attribute.supersedes.rawValue, "names the event itself")
      }
      envelope.supersedes = superseded
    }
    // A broken trace must not cost an event.
    if let trace = values[Attribute.traceparent.rawValue], trace.isTraceParent {
      envelope.traceparent = trace
    }
    return envelope
  }

  private func required(_ attribute: Attribute) throws(DeadLetter) -> PlanText {
    guard let value = values[attribute.rawValue] else {
      throw EnvelopeReader.failure(attribute.rawValue, "is missing")
    }
    return value
  }

  private func identifier(_ attribute: Attribute, limit: Int) throws(DeadLetter) -> PlanText {
    let value = try required(attribute)
    guard value.length > 0 else {
      throw EnvelopeReader.failure(attribute.rawValue, "is empty")
    }
    guard value.length <= limit else {
      throw EnvelopeReader.failure(attribute.rawValue, "is longer than \(limit) bytes")
    }
    guard !value.hasAnyControl else {
      throw EnvelopeReader.failure(attribute.rawValue, "contains a control character")
    }
    return value
  }

  private func instant(
    _ text: PlanText, _ attribute: Attribute
  ) throws(DeadLetter) -> Instant {
    guard let instant = Instant(ascii: text.bytes) else {
      throw EnvelopeReader.failure(attribute.rawValue, "is not an RFC 3339 date-time")
    }
    return instant
  }
}

extension PlanText {
  init(borrowed bytes: UnsafeRawBufferPointer) {
    if let start = bytes.baseAddress {
      self.init(start: start.assumingMemoryBound(to: UInt8.self), length: bytes.count)
    } else {
      self = .empty
    }
  }

  func equalsIgnoringCase(_ literal: StaticString) -> Bool {
    // Mostly the case is the same.
    equals(literal) || length == literal.utf8CodeUnitCount && hasPrefixIgnoringCase(literal)
  }

  /// `literal` must be lower case.
  func hasPrefixIgnoringCase(_ literal: StaticString) -> Bool {
    guard length >= literal.utf8CodeUnitCount else { return false }
    for at in 0..<literal.utf8CodeUnitCount {
      let byte = start[at]
      let lower = byte &- 0x41 < 26 ? byte | 0x20 : byte
      if lower != literal.utf8Start[at] { return false }
    }
    return true
  }

  /// The part before parameters, without white space around it.
  var mediaType: PlanText {
    var end = 0
    while end < length, start[end] != 0x3B { end += 1 }
    while end > 0, start[end - 1] == 0x20 { end -= 1 }
    var first = 0
    while first < end, start[first] == 0x20 { first += 1 }
    return PlanText(start: start + first, length: end - first)
  }

  /// `application/json`, or a type with the suffix `+json`.
  var isJSON: Bool {
    if equalsIgnoringCase("application/json") || equalsIgnoringCase("text/json") { return true }
    return length > 5 && dropFirst(length - 5).equalsIgnoringCase("+json")
  }

  var hasAnyControl: Bool {
    for at in 0..<length where start[at] < 0x20 || start[at] == 0x7F { return true }
    return false
  }

  var isUTF8: Bool {
    for at in 0..<length where start[at] >= 0x80 {
      return String(validating: UnsafeBufferPointer(start: start, count: length), as: UTF8.self)
        != nil
    }
    return true
  }

  /// Version 00 of W3C Trace Context, with identifiers that are not all zero.
  var isTraceParent: Bool {
    guard length == 55, start[0] == 0x30, start[1] == 0x30 else { return false }
    var isTraceSet = false
    var isSpanSet = false
    for at in 2..<55 {
      let byte = start[at]
      if at == 2 || at == 35 || at == 52 {
        if byte != 0x2D { return false }
        continue
      }
      guard byte &- 0x30 <= 9 || byte &- 0x61 < 6 else { return false }
      if byte != 0x30, at < 35 { isTraceSet = true }
      if byte != 0x30, at > 35, at < 52 { isSpanSet = true }
    }
    return isTraceSet && isSpanSet
  }
}
