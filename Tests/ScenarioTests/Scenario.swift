import Foundation
import Intake
import Policy
import Runtime
import Records
@testable import Stages
import Streaming
import Testing
import Vocabulary

/// A story told to the real stages on a virtual clock: events in, outputs out.
final class Scenario {
  static let packDirectory = URL(filePath: #filePath).deletingLastPathComponent()
    .deletingLastPathComponent().deletingLastPathComponent().appending(path: "config/policy")

  static let pack: Result<PolicyPack, PolicyProblems> = PolicyPack.load(
    directory: packDirectory, digest: policyDigest)

  let pipeline: InlinePipeline
  private var settings: StageSettings
  private(set) var outputs: [OutputRecord] = []
  private var count = 0

  /// One advisor at each level of one sub-district, and one resource, unless others are given.
  init(directory lines: [String] = Scenario.advisors) throws {
    let pack = try Scenario.pack.get()
    var directory = Directory()
    for line in lines { try directory.add(line: Array(line.utf8)) }
    settings = StageSettings(pack: pack, directory: directory, identifiers: .development)
    pipeline = InlinePipeline(stages: try Scenario.stages(settings))
  }

  private static func stages(_ settings: StageSettings) throws -> StageSet {
    StageSet(
      intake: try EventIntake(catalog: settings.pack.sources),
      stages: [RegisterStage(), PersonsStage(), HouseholdsStage(settings: settings)])
  }

  /// The directory changes: lines are set, identifiers of `removed` advisors and resources go.
  @discardableResult
  func changeDirectory(_ lines: [String] = [], removed: [String] = []) throws -> [OutputRecord] {
    for id in removed {
      try settings.directory.setAdvisor(id, nil)
      try settings.directory.setResource(id, nil)
    }
    for line in lines { try settings.directory.add(line: Array(line.utf8)) }
    return try goOn()
  }

  /// The policy changes.
  @discardableResult
  func change(policy pack: PolicyPack) throws -> [OutputRecord] {
    settings.pack = pack
    return try goOn()
  }

  private func goOn() throws -> [OutputRecord] {
    let published = try pipeline.replace(try Scenario.stages(settings))
    outputs += published
    return published
  }

  /// The default pack with the texts of some files changed.
  static func pack(changing edits: [(file: String, from: String, to: String)]) throws -> PolicyPack {
    let copy = FileManager.default.temporaryDirectory.appending(
      path: "outreachd-pack-\(UUID().uuidString)")
    try FileManager.default.copyItem(at: packDirectory, to: copy)
    defer { try? FileManager.default.removeItem(at: copy) }
    for edit in edits {
      let url = copy.appending(path: edit.file)
      let text = try String(contentsOf: url, encoding: .utf8)
      try #require(text.contains(edit.from), "\(edit.file) does not contain \(edit.from)")
      try text.replacing(edit.from, with: edit.to).write(to: url, atomically: true, encoding: .utf8)
    }
    return try PolicyPack.load(directory: copy, digest: policyDigest).get()
  }

  /// The default pack without some files.
  static func pack(without files: [String]) throws -> PolicyPack {
    let copy = FileManager.default.temporaryDirectory.appending(
      path: "outreachd-pack-\(UUID().uuidString)")
    try FileManager.default.copyItem(at: packDirectory, to: copy)
    defer { try? FileManager.default.removeItem(at: copy) }
    for file in files { try FileManager.default.removeItem(at: copy.appending(path: file)) }
    return try PolicyPack.load(directory: copy, digest: policyDigest).get()
  }

  static let advisors = [
    #"{"advisor":"C-1","name":"顾问甲","level":"committee","covers":["310101002001"],"capacity":40}"#,
    #"{"advisor":"S-1","name":"街道甲","level":"subdistrict","covers":["310101002"],"capacity":40}"#,
    #"{"advisor":"D-1","name":"区甲","level":"district","covers":["310101"],"capacity":40}"#,
    #"{"resource":"W-1","name":"社工甲","kind":"social-work","category":"service","needs":["care","elder","child"],"covers":["310101"],"capacity":9,"agreement":"Y-1"}"#,
  ]

  /// Feeds one structured CloudEvent; `data` is JSON. Answers what it published.
  @discardableResult
  func event(
    _ type: String, _ time: String, _ data: String, id: String? = nil, source: String = "urn:test",
    extra: String = "", topic: String? = nil
  ) throws -> [OutputRecord] {
    count += 1
    let json =
      #"{"specversion":"1.0","id":"\#(id ?? "e-\(count)")","source":"\#(source)","#
      + #""type":"cn.gov.sh.assist.\#(type)","time":"\#(time)"\#(extra),"data":\#(data)}"#
    return try feed(Array(json.utf8), topic: topic ?? Scenario.topic(type))
  }

  func feed(_ bytes: [UInt8], topic: String) throws -> [OutputRecord] {
    let published = try bytes.withUnsafeBytes { value in
      try pipeline.feed(
        InboundRecord(
          topic: "assist." + topic, topicSuffix: topic, partition: 0, offset: Int64(count),
          timestamp: 0, key: nil, value: value,
          headers: UnsafeBufferPointer(start: nil, count: 0)))
    }
    outputs += published
    return published
  }

  /// Leaves out what was published so far.
  func forgetOutputs() { outputs.removeAll() }

  /// Lets time pass.
  @discardableResult
  func advance(to time: String) throws -> [OutputRecord] {
    let published = try pipeline.advance(until: try #require(Instant(time)))
    outputs += published
    return published
  }

  /// Households that have asked for records and not got them: none when everything has been
  /// processed.
  func waitingHouseholds() throws -> [String] {
    var waiting: [String] = []
    for entry in pipeline.entries(.households) where entry.key.first == UInt8(ascii: "h") {
      let key = HouseholdKey(text: String(decoding: entry.key.dropFirst(), as: UTF8.self))
      let state = try entry.value.withUnsafeBytes { try HouseholdState(key: key, $0) }
      let unanswered = state.links.filter { $0.acknowledged < $0.sequence }.count
      if unanswered > 0 || state.needsDecision {
        waiting.append("\(key.text.prefix(6)): \(unanswered) of \(state.links.count) unanswered, pending \(state.pendingChanges?.count ?? -1) seqs \(state.links.map { ($0.sequence, $0.acknowledged, $0.handedOver) })")
      }
    }
    return waiting
  }

  /// When a registered household decides by itself; nil: never.
  func nextDecision(of household: String) throws -> Instant? {
    let key = HouseholdKey(registry: household)
    let entry = pipeline.entries(.households).first { $0.key == HouseholdState.stateKey(key) }
    return try entry.flatMap { entry in
      try entry.value.withUnsafeBytes { try HouseholdState(key: key, $0) }.nextDecision
    }
  }

  private static func topic(_ type: String) -> String {
    switch type.split(separator: ".").first {
    case "window": "window.transactions"
    case "notice": "department.notices"
    case "household": "household.registry"
    case "assistance": "assistance.decisions"
    case "report": "field.reports"
    default: "referral.feedback"
    }
  }
}

/// An output as a short line and as JSON.
extension OutputRecord {
  var json: [String: Any] {
    guard let value,
      let object = try? JSONSerialization.jsonObject(with: Data(value)) as? [String: Any]
    else { return [:] }
    return object
  }

  func header(_ name: String) -> String? {
    headers.first { $0.name == name }.map { String(decoding: $0.value, as: UTF8.self) }
  }

  func text(_ key: String) -> String { json[key] as? String ?? "" }

  /// `A05 advisor requested/1 P0 C-1`, `alert A05 firing critical`, `deadletter id`.
  var line: String? {
    if topic.hasPrefix("referrals.") {
      let receiver = topic.hasPrefix("referrals.resource") ? "resource" : text("to")
      let reason = json["reason"].map { " (\($0))" } ?? ""
      let review = json["review"] == nil ? "" : " review"
      let rule = text("rule").isEmpty ? "-" : text("rule")
      return "\(rule) \(receiver) \(text("state"))\(reason)\(review)/\(json["revision"] ?? "?") "
        + "\(header("urgency") ?? "?")"
    }
    if topic.hasPrefix("alerts.") {
      return "alert \(text("rule")) \(text("state")) \(topic.dropFirst("alerts.".count))"
    }
    if topic == "deadletters" { return "deadletter \(header("assist_error_code") ?? "?")" }
    return nil
  }
}

extension [OutputRecord] {
  /// The lines of all referrals, alerts and dead letters, in order.
  var lines: [String] { compactMap(\.line) }
}
