import Foundation
import KafkaIO
import Logging
import Vocabulary

/// A record of an output topic, as the demo and operators look at it.
struct SeenOutput {
  enum Kind: String { case referral, resourceReferral, alert, decision, deadLetter }
  let kind: Kind
  let topic: String
  /// The number of the trace that a demo event carried.
  let trace: Int?
  /// `ce_time`.
  let time: Instant?
  /// The value's fields; empty for dead letters.
  let fields: [String: Any]
  /// `assist_error_code` of a dead letter.
  let errorCode: String?

  func text(_ name: String) -> String? { fields[name] as? String }
  func object(_ name: String) -> [String: Any] { fields[name] as? [String: Any] ?? [:] }
  var revision: Int { (fields["revision"] as? Int) ?? 1 }

  /// A referral that somebody has just been given, with the one to answer.
  var answerable: AnswerableReferral? {
    guard text("state") == "requested", revision == 1, let time, let id = text("referral") else {
      return nil
    }
    let isResource = kind == .resourceReferral
    let receiver =
      isResource
      ? (fields["candidates"] as? [String])?.first : object("assignee")["advisor"] as? String
    guard let receiver, receiver != "unassigned" else { return nil }
    return AnswerableReferral(
      id: id, receiver: receiver, isResource: isResource, openedAt: time)
  }
}

/// What an answer needs to know.
struct AnswerableReferral {
  let id: String
  let receiver: String
  let isResource: Bool
  let openedAt: Instant
}

/// Reads output topics from their beginning.
final class OutputFollower {
  private let reader: KafkaReader
  private var lastRecord = DemoClock.now

  init(_ configuration: KafkaConfiguration, topics: [String], logger: Logger) throws {
    var configuration = configuration
    configuration.clientID += "-view"
    configuration.consumer.fetchWait = .milliseconds(20)
    reader = try KafkaReader(configuration: configuration, logger: logger)
    for topic in topics { try reader.start(KafkaPartition(topic, 0), at: .earliest) }
  }

  /// Seconds since the last record.
  var quietSeconds: Double { DemoClock.now - lastRecord }

  /// What came, waiting a little for the first.
  func poll(milliseconds: Int) throws -> [SeenOutput] {
    let batch = try reader.poll(wait: .milliseconds(milliseconds))
    var seen: [SeenOutput] = []
    batch.forEach { record in
      guard let partition = reader.partition(ofSlot: record.slot),
        let output = output(record, topic: partition.topic)
      else { return }
      seen.append(output)
    }
    if !seen.isEmpty { lastRecord = DemoClock.now }
    return seen
  }

  private func output(_ record: KafkaRecord, topic: String) -> SeenOutput? {
    let parts = topic.split(separator: ".")
    let kind: SeenOutput.Kind
    switch parts.dropFirst().first {
    case "referrals": kind = parts.contains("resource") ? .resourceReferral : .referral
    case "alerts": kind = .alert
    case "decisions": kind = .decision
    case "deadletters": kind = .deadLetter
    default: return nil
    }
    var fields: [String: Any] = [:]
    if kind != .deadLetter, kind != .decision, let value = record.value {
      let object = try? JSONSerialization.jsonObject(with: Data(value))
      fields = object as? [String: Any] ?? [:]
    }
    return SeenOutput(
      kind: kind, topic: topic,
      trace: header(record, "traceparent").flatMap(DemoTrace.number),
      time: header(record, "ce_time").flatMap { Instant($0) }, fields: fields,
      errorCode: header(record, "assist_error_code"))
  }

  private func header(_ record: KafkaRecord, _ name: String) -> String? {
    guard let bytes = record.header(name) else { return nil }
    return String(decoding: bytes, as: UTF8.self)
  }
}
