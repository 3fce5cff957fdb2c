public import Policy
internal import Records
public import Streaming
public import Vocabulary

/// The first stage: bytes of an in-topic to a message for Register, or a dead letter.
///
/// The order of checks, so that a record with several faults always gets the same code:
/// 1. a value, within the size limit (`envelope`);
/// 2. the content mode (`envelope`);
/// 3. JSON (`json`);
/// 4. the attributes specversion, id, source, type, time, recordedtime, supersedes (`envelope`);
/// 5. the type is known and belongs to the topic (`type`);
/// 6. `time` is not ahead (`time-in-future`);
/// 7. the fields of `data` in the order of the mapping file, depth first (`schema`, `enum`, `id`,
///    `id-15`, `date`, `money`).
///
/// One object serves one thread. It holds no state but scratch memory and counters.
public final class EventIntake: IntakeStage {
  /// Largest value accepted by default, in bytes.
  public static let defaultMaximumBytes = 1 << 20
  /// How far `time` may lie ahead of `recordedtime` or the clock.
  static let maximumLead: Int64 = 86_400

  private let plan: SourcePlan
  private let parser: JSONParser
  private let data: DataReader
  private let encoder: EventEncoder
  private var envelopes: EnvelopeReader
  private let maximumBytes: Int
  private var keyText: [UInt8] = []

  /// Events accepted so far.
  public private(set) var acceptedCount: UInt64 = 0
  /// Dead letters so far, by code.
  public private(set) var rejectedCounts: [String: UInt64] = [:]

  /// `maximumBytes`: the largest value accepted.
  public init(
    catalog: SourceCatalog, maximumBytes: Int = EventIntake.defaultMaximumBytes
  ) throws(IntakeFailure) {
    plan = SourcePlan(catalog)
    parser = try JSONParser()
    data = DataReader(plan: plan, parser: parser)
    encoder = EventEncoder(data: data)
    envelopes = EnvelopeReader(arena: plan.arena, prefix: SourceCatalog.typePrefix)
    self.maximumBytes = maximumBytes
    keyText.reserveCapacity(EnvelopeLimits.id + EnvelopeLimits.source + 1)
  }

  public func process(
    _ record: InboundRecord, now: Instant, wall: Instant?, outbox: inout Outbox
  ) -> Instant {
    do throws(DeadLetter) {
      let clock = try accept(record, now: now, wall: wall, outbox: &outbox)
      acceptedCount += 1
      return clock
    } catch {
      outbox.publish(error.record(of: OriginalRecord(copying: record), now: now))
      rejectedCounts[error.code.rawValue, default: 0] += 1
      return now
    }
  }

  private func accept(
    _ record: InboundRecord, now: Instant, wall: Instant?, outbox: inout Outbox
  ) throws(DeadLetter) -> Instant {
    guard let value = record.value else {
      throw DeadLetter(.envelope, path: "", message: "the record has no value")
    }
    guard value.count <= maximumBytes else {
      throw DeadLetter(
        .envelope, path: "", message: "the value is larger than \(maximumBytes) bytes")
    }
    let mode = try envelopes.mode(record.headers)
    guard let nodes = parser.parse(value) else {
      throw DeadLetter(.json, path: "", message: parser.fault)
    }
    var envelope =
      mode == .binary
      ? try envelopes.binary(record.headers)
      : try envelopes.structured(nodes, isGuess: mode == .guessed)
    if envelope.traceparent == nil {
      envelope.traceparent = EnvelopeReader.traceparent(record.headers)
    }
    let event = try self.event(envelope, topic: record.topicSuffix)
    try checkTime(envelope, wall: wall)
    if let failure = data.read(
      object: event.data, node: envelope.data, of: nodes, source: value, time: envelope.time)
    {
      throw failure
    }
    let clock = max(now, envelope.recorded ?? envelope.time)
    let identity = try self.identity(event, envelope, accepted: clock)
    let payload = encoder.encode(
      event, envelope, identity, original: event.keepsOriginal ? record : nil)
    identity.key.withBytes { outbox.send(.events, key: $0, payload: payload) }
    return clock
  }

  private func event(
    _ envelope: Envelope, topic: String
  ) throws(DeadLetter) -> EventPlan {
    let index = plan.names.find(envelope.type)
    guard index >= 0 else {
      throw DeadLetter(.type, path: "/type", message: "is not an event type of the policy pack")
    }
    let event = plan.events[index]
    if let expected = event.topic, expected != topic {
      throw DeadLetter(.type, path: "/type", message: "belongs to the topic \(expected)")
    }
    return event
  }

  /// A `recordedtime` ahead of the wall clock would drive the clock of the stages ahead with it.
  private func checkTime(_ envelope: Envelope, wall: Instant?) throws(DeadLetter) {
    if let wall, let recorded = envelope.recorded,
      recorded > wall.adding(seconds: EventIntake.maximumLead)
    {
      throw DeadLetter(
        .timeInFuture, path: "/recordedtime", message: "is more than a day ahead of the clock")
    }
    guard let limit = envelope.recorded ?? wall,
      envelope.time > limit.adding(seconds: EventIntake.maximumLead)
    else { return }
    let reference = envelope.recorded == nil ? "the clock" : "recordedtime"
    throw DeadLetter(
      .timeInFuture, path: "/time", message: "is more than a day ahead of " + reference)
  }

  private func identity(
    _ event: EventPlan, _ envelope: Envelope, accepted: Instant
  ) throws(DeadLetter) -> EventEncoder.Identity {
    var identity = EventEncoder.Identity(
      key: key(envelope.source, envelope.id),
      supersedes: envelope.supersedes.map { key(envelope.source, $0) }, retracts: nil,
      effective: envelope.time, accepted: accepted)
    if let path = event.effective {
      let at = encoder.slot(path, element: -1)
      if at >= 0 { identity.effective = EventIntake.effective(data.slots[at]) }
    }
    if let path = event.retracts {
      let at = encoder.slot(path, element: -1)
      let target = at >= 0 ? data.slots[at].text : .empty
      guard target.length > 0, !target.equals(envelope.id) else {
        throw DeadLetter(.schema, path: "/data/retracts", message: "must name another event")
      }
      identity.retracts = key(envelope.source, target)
    }
    return identity
  }

  /// The start of a civil day, or an instant.
  private static func effective(_ slot: Slot) -> Instant {
    guard slot.kind == .date else { return Instant(microseconds: slot.number) }
    return Instant(startOf: CivilDate(dayNumber: Int32(truncatingIfNeeded: slot.number)))
  }

  private func key(_ source: PlanText, _ id: PlanText) -> EventKey {
    keyText.removeAll(keepingCapacity: true)
    keyText.append(contentsOf: source.bytes)
    keyText.append(0)
    keyText.append(contentsOf: id.bytes)
    return keyText.withUnsafeBytes { EventKey(hashing: $0) }
  }
}
