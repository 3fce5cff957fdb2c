import Runtime
import Streaming
import Vocabulary

/// Three small stages whose outputs and final state do not depend on the order in which partitions
/// are read, so that any run can be compared with any other.
enum Toy {
  static let start = Instant(seconds: 1_700_000_000)

  /// An event of a person of a household, `seconds` after the start.
  static func event(_ id: Int, person: Int, household: Int, seconds: Int) -> [UInt8] {
    Array("\(id);p\(person);h\(household);\(seconds)".utf8)
  }

  /// With a `world`, households say once that they have come to it.
  static func stages(world: Int64? = nil) -> StageSet {
    StageSet(
      intake: ToyIntake(), stages: [ToyRegister(), ToyPersons(), ToyHouseholds(world: world)])
  }

  static func fields(_ bytes: UnsafeRawBufferPointer) throws(DecodingFailure) -> [String] {
    let fields = String(decoding: bytes, as: UTF8.self).split(separator: ";").map(String.init)
    guard fields.count == 4 else { throw DecodingFailure("toy record") }
    return fields
  }
}

/// Passes events on, moves the clock to their time, and refuses what is not four fields.
final class ToyIntake: IntakeStage {
  func process(
    _ record: InboundRecord, now: Instant, wall: Instant?, outbox: inout Outbox
  ) -> Instant {
    let bytes = record.value.map { Array($0) }
    guard let value = record.value, let fields = try? Toy.fields(value),
      let seconds = Int64(fields[3])
    else {
      let origin = "\(record.topicSuffix)/\(record.partition)/\(record.offset)"
      outbox.publish(
        OutputRecord(
          topic: "deadletters", key: Array(origin.utf8), value: bytes,
          headers: [Header("assist_error_code", "schema")]))
      return now
    }
    outbox.send(.events, key: Array(fields[0].utf8), payload: bytes ?? [])
    return max(now, Toy.start.adding(seconds: seconds))
  }
}

/// Drops events seen before.
final class ToyRegister: Stage {
  var channel: Channel { .events }
  func process(
    _ payload: UnsafeRawBufferPointer, now: Instant, state: StateOverlay, outbox: inout Outbox
  ) throws(DecodingFailure) {
    let fields = try Toy.fields(payload)
    let key = Array("seen:\(fields[0])".utf8)
    if state.withValue(key, { $0 != nil }) { return }
    state.put(key, [1])
    outbox.send(.persons, key: Array(fields[1].utf8), payload: Array(payload))
  }
}

/// Counts each person's events, and the households that asked for the person.
final class ToyPersons: Stage {
  var channel: Channel { .persons }
  func process(
    _ payload: UnsafeRawBufferPointer, now: Instant, state: StateOverlay, outbox: inout Outbox
  ) throws(DecodingFailure) {
    let fields = try Toy.fields(payload)
    let kind = fields[0] == "interest" ? "interest" : "count"
    let key = Array("\(kind):\(fields[1])".utf8)
    let count = state.withValue(key) { $0?.first ?? 0 }
    if count == 255 { throw DecodingFailure("toy person") }
    state.put(key, [count + 1])
    if kind == "count" {
      outbox.send(.households, key: Array(fields[2].utf8), payload: Array(payload))
    }
  }
}

/// Counts each household's events with a revision for each, and wakes up three times.
final class ToyHouseholds: Stage {
  static let firings: Int64 = 3
  var channel: Channel { .households }
  let world: Int64?
  var isSwept: Bool { world != nil }
  private static let worldKey = Array("~world".utf8)

  init(world: Int64? = nil) { self.world = world }

  /// Every household stored says in which world it is now.
  func sweep(
    _ limit: Int, now: Instant, state: StateOverlay, outbox: inout Outbox
  ) throws(DecodingFailure) -> SweepProgress {
    guard let world else { return SweepProgress(visited: 0, isDone: true) }
    var known: (world: Int64, cursor: [UInt8]?) = (0, nil)
    state.withValue(ToyHouseholds.worldKey) { bytes in
      guard let bytes else { return }
      var reader = ByteReader(bytes)
      known.world = (try? reader.i64()) ?? 0
      known.cursor = (try? reader.optional { r throws(DecodingFailure) in try r.blob() })
        .flatMap { $0.map { Array($0) } }
    }
    if known.world == world, known.cursor == nil { return SweepProgress(visited: 0, isDone: true) }
    let after = known.world == world ? known.cursor : nil
    let keys = state.committedKeys(prefix: UInt8(ascii: "h"), after: after, max: limit)
    for key in keys {
      let name = String(decoding: key, as: UTF8.self)
      publish("alerts.x", name, "\(name) in world \(world)", &outbox)
    }
    let isDone = keys.count < limit
    let value = [UInt8](reserving: 64) { writer in
      writer.i64(world)
      writer.optional(isDone ? nil : keys.last) { $0.blob($1) }
    }
    state.put(ToyHouseholds.worldKey, value)
    return SweepProgress(visited: keys.count, isDone: isDone)
  }

  struct Record {
    var count: Int64 = 0
    var fired: Int64 = 0
    var due: Int64 = 0

    init() {}
    init(_ bytes: UnsafeRawBufferPointer) throws(DecodingFailure) {
      var reader = ByteReader(bytes)
      count = try reader.i64()
      fired = try reader.i64()
      due = try reader.i64()
    }
    var bytes: [UInt8] {
      [UInt8](reserving: 256) { writer in
        writer.i64(count)
        writer.i64(fired)
        writer.i64(due)
      }
    }
    var timer: Instant? { due > 0 ? Instant(seconds: due) : nil }
  }

  func process(
    _ payload: UnsafeRawBufferPointer, now: Instant, state: StateOverlay, outbox: inout Outbox
  ) throws(DecodingFailure) {
    let fields = try Toy.fields(payload)
    let name = fields[2]
    let key = Array(name.utf8)
    var record = try read(key, state)
    record.count += 1
    if record.count == 1 {
      record.due = Toy.start.seconds + Int64(name.utf8.reduce(0) { $0 * 31 + Int($1) } % 1000)
      outbox.send(.persons, key: Array(name.utf8), payload: Array("interest;\(name);0;0".utf8))
    }
    let topic = "referrals.advisor.\(name.suffix(1))"
    publish(topic, name, "\(name) revision \(record.count)", &outbox)
    write(key, record, state)
  }

  func fire(
    owner: [UInt8], due: Instant, state: StateOverlay, outbox: inout Outbox
  ) throws(DecodingFailure) {
    var record = try read(owner, state)
    record.fired += 1
    let name = String(decoding: owner, as: UTF8.self)
    publish("alerts.x", name, "\(name) woke \(record.fired) at \(due)", &outbox)
    record.due = record.fired < ToyHouseholds.firings ? due.adding(seconds: 500).seconds : 0
    write(owner, record, state)
  }

  func timer(key: UnsafeRawBufferPointer, value: UnsafeRawBufferPointer) -> Instant? {
    key.first == UInt8(ascii: "h") ? (try? Record(value))?.timer : nil
  }

  private func read(_ key: [UInt8], _ state: StateOverlay) throws(DecodingFailure) -> Record {
    var result: Result<Record, DecodingFailure> = .success(Record())
    state.withValue(key) { bytes in
      guard let bytes else { return }
      do throws(DecodingFailure) {
        result = .success(try Record(bytes))
      } catch {
        result = .failure(error)
      }
    }
    return try result.get()
  }

  private func write(_ key: [UInt8], _ record: Record, _ state: StateOverlay) {
    state.put(key, record.bytes)
    state.setTimer(key, record.timer)
  }

  private func publish(_ topic: String, _ key: String, _ value: String, _ outbox: inout Outbox) {
    outbox.publish(
      OutputRecord(topic: topic, key: Array(key.utf8), value: Array(value.utf8), headers: []))
  }
}
