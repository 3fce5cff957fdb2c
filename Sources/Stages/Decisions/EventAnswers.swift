import Records
import Streaming

/// Which event rules have said for good that they do not fire for an event: of its own nature, or
/// by the facts of its day. Facts that took effect later cannot change that, so that the next event
/// of a household need not decide all the earlier ones again.
struct EventAnswers: Equatable, Sendable {
  /// Rules have bits; those beyond are always decided.
  static let capacity = 64

  /// The pack under which the answers were given; under another they are void.
  private(set) var policy: UInt64 = 0
  private var answers: [Answer] = []

  /// Sets of rules by bit.
  struct Silence: Equatable, Sendable {
    /// Fail a condition on the event alone: whatever else is known, they never fire for it.
    var gated: UInt64 = 0
    /// Fail by the facts of the event's day.
    var quiet: UInt64 = 0
  }

  private struct Answer: Equatable, Sendable {
    var event: EventKey
    var rules: Silence
  }

  /// The rules that do not fire for an event, nil where none has said so.
  func rules(for event: EventKey, policy: UInt64) -> Silence? {
    guard policy == self.policy else { return nil }
    return answers.first { $0.event == event }?.rules
  }

  /// Replaces everything.
  mutating func replace(policy: UInt64, _ events: some Sequence<(EventKey, Silence)>) {
    self.policy = policy
    answers.removeAll(keepingCapacity: true)
    for (event, rules) in events where rules != Silence() {
      answers.append(Answer(event: event, rules: rules))
    }
    // Without answers it is the same under every pack: a sweep has nothing to write.
    if answers.isEmpty { self.policy = 0 }
  }

  func encode(into writer: inout ByteWriter) {
    writer.u64(policy)
    writer.list(answers) {
      $0.eventKey($1.event)
      $0.u64($1.rules.gated)
      $0.u64($1.rules.quiet)
    }
  }

  init() {}

  init(_ reader: inout ByteReader) throws(DecodingFailure) {
    policy = try reader.u64()
    answers = try reader.list { r throws(DecodingFailure) in
      Answer(
        event: try r.eventKey(), rules: Silence(gated: try r.u64(), quiet: try r.u64()))
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
