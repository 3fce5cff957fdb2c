import Records
import Streaming

/// What event rules have said for good of an event: of its own nature, or by the facts of its day.
/// Facts that took effect later cannot change that, so that the next event of a household need not
/// decide all the earlier ones again.
struct EventAnswers: Equatable, Sendable {
  /// Rules have bits; those beyond are always decided.
  static let capacity = 64

  /// The pack under which the answers were given; under another they are void.
  private(set) var policy: UInt64 = 0
  private var answers: [Answer] = []

  /// Sets of rules by bit.
  struct Said: Equatable, Sendable {
    /// Fail a condition on the event alone: whatever else is known, they never fire for it.
    var gated: UInt64 = 0
    /// Fail by the facts of the event's day.
    var quiet: UInt64 = 0
    /// Hold by the facts of the event's day: what is left is whether they still do.
    var held: UInt64 = 0
  }

  private struct Answer: Equatable, Sendable {
    var event: EventKey
    var said: Said
  }

  /// What rules have said of an event; nil where none has said anything for good.
  func said(of event: EventKey, policy: UInt64) -> Said? {
    guard policy == self.policy else { return nil }
    return answers.first { $0.event == event }?.said
  }

  /// Replaces everything.
  mutating func replace(policy: UInt64, _ events: some Sequence<(EventKey, Said)>) {
    self.policy = policy
    answers.removeAll(keepingCapacity: true)
    for (event, said) in events where said != Said() {
      answers.append(Answer(event: event, said: said))
    }
    // Without answers it is the same under every pack: a sweep has nothing to write.
    if answers.isEmpty { self.policy = 0 }
  }

  func encode(into writer: inout ByteWriter) {
    writer.u64(policy)
    writer.list(answers) {
      $0.eventKey($1.event)
      $0.u64($1.said.gated)
      $0.u64($1.said.quiet)
      $0.varint($1.said.held)
    }
  }

  init() {}

  /// - Parameter tellsHeld: whether the format of the household does.
  init(_ reader: inout ByteReader, tellsHeld: Bool) throws(DecodingFailure) {
    policy = try reader.u64()
    answers = try reader.list { r throws(DecodingFailure) in
      Answer(
        event: try r.eventKey(),
        said: Said(
          gated: try r.u64(), quiet: try r.u64(), held: tellsHeld ? try r.varint() : 0))
    }
  }

  /// Reads over the answers of format 3 of households, which are given anew.
  static func skipFormer(_ reader: inout ByteReader) throws(DecodingFailure) {
    _ = try reader.u64()
    for _ in 0..<(try reader.count()) {
      _ = try reader.eventKey()
      _ = try reader.u64()
    }
  }
}
