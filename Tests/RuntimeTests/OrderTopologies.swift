import Runtime
import Streaming
import Vocabulary

/// Stages that number what they send to each receiver, and report a number that comes out of order.
///
/// An input record is its id. Register and Persons pass each record on to one of three receivers of
/// the next channel in turn; what a sender has sent to a receiver is counted in the sender's state.
enum Sequence {
  static func stages() -> StageSet {
    StageSet(
      intake: SequenceIntake(),
      stages: [
        SequenceStage(.events, next: .persons), SequenceStage(.persons, next: .households),
        SequenceStage(.households, next: nil),
      ])
  }
}

private final class SequenceIntake: IntakeStage {
  func process(
    _ record: InboundRecord, now: Instant, wall: Instant?, outbox: inout Outbox
  ) -> Instant {
    let id = record.value.map { Array($0) } ?? []
    outbox.send(.events, key: id, payload: Array("intake;".utf8) + id + Array(";0".utf8))
    return now
  }
}

private final class SequenceStage: Stage {
  let channel: Channel
  private let next: Channel?
  private static let receivers = 3

  init(_ channel: Channel, next: Channel?) {
    self.channel = channel
    self.next = next
  }

  func process(
    _ payload: UnsafeRawBufferPointer, now: Instant, state: StateOverlay, outbox: inout Outbox
  ) throws(DecodingFailure) {
    let fields = String(decoding: payload, as: UTF8.self).split(separator: ";").map(String.init)
    guard fields.count == 3, let number = Int(fields[2]) else { throw DecodingFailure("sequence") }
    if fields[0] != "intake" {
      let known = "from \(fields[0]) to \(fields[1])"
      let latest = self.number(known, state)
      if number != latest + 1 { publish("deadletters", "\(known): \(latest), \(number)", &outbox) }
      put(known, number, state)
    }
    guard let next else { return publish("referrals.advisor.0", fields[1], &outbox) }
    // The partition goes by the first receiver it heard of, which no other partition hears of.
    let name = state.withValue(Array("name".utf8)) { bytes in
      bytes.map { String(decoding: $0, as: UTF8.self) }
    }
    if name == nil { state.put(Array("name".utf8), Array(fields[1].utf8)) }
    let sent = self.number("sent", state) + 1
    put("sent", sent, state)
    let receiver = "\(next)\(sent % SequenceStage.receivers)"
    let count = self.number(receiver, state) + 1
    put(receiver, count, state)
    outbox.send(
      next, key: Array(receiver.utf8),
      payload: Array("\(channel)-\(name ?? fields[1]);\(receiver);\(count)".utf8))
  }

  private func number(_ key: String, _ state: StateOverlay) -> Int {
    state.withValue(Array(key.utf8)) { bytes in
      bytes.flatMap { Int(String(decoding: $0, as: UTF8.self)) } ?? 0
    }
  }

  private func put(_ key: String, _ number: Int, _ state: StateOverlay) {
    state.put(Array(key.utf8), Array("\(number)".utf8))
  }

  private func publish(_ topic: String, _ text: String, _ outbox: inout Outbox) {
    outbox.publish(
      OutputRecord(topic: topic, key: nil, value: Array(text.utf8), headers: []))
  }
}

/// Register tells a household of an event at once and by way of a person; the household reports an
/// event that it hears of from the person first.
enum Diamond {
  static func stages() -> StageSet {
    StageSet(
      intake: DiamondIntake(), stages: [.events, .persons, .households].map { DiamondStage($0) })
  }
}

private final class DiamondIntake: IntakeStage {
  func process(
    _ record: InboundRecord, now: Instant, wall: Instant?, outbox: inout Outbox
  ) -> Instant {
    let id = record.value.map { Array($0) } ?? []
    outbox.send(.events, key: id, payload: id)
    return now
  }
}

private final class DiamondStage: Stage {
  let channel: Channel
  private static let cause = "cause "

  init(_ channel: Channel) { self.channel = channel }

  func process(
    _ payload: UnsafeRawBufferPointer, now: Instant, state: StateOverlay, outbox: inout Outbox
  ) throws(DecodingFailure) {
    let text = String(decoding: payload, as: UTF8.self)
    let isCause = text.hasPrefix(DiamondStage.cause)
    let id = isCause ? String(text.dropFirst(DiamondStage.cause.count)) : text
    let household = Array("h\(id)".utf8)
    switch channel {
    case .events:
      outbox.send(.households, key: household, payload: Array((DiamondStage.cause + id).utf8))
      outbox.send(.persons, key: Array("p\(id)".utf8), payload: Array(payload))
    case .persons:
      outbox.send(.households, key: household, payload: Array(payload))
    case .households:
      guard !isCause else { return state.put(Array(id.utf8), [1]) }
      let isKnown = state.withValue(Array(id.utf8)) { $0 != nil }
      outbox.publish(
        OutputRecord(
          topic: isKnown ? "referrals.advisor.0" : "deadletters", key: nil, value: Array(id.utf8),
          headers: []))
    }
  }
}
