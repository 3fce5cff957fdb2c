import Policy
import Records
import Situation
import Streaming
import Vocabulary

/// Turns referrals and alerts into records of the output topics (contract, section 4).
extension Desk {
  private var builder: OutputBuilder { OutputBuilder(source: settings.source) }

  mutating func publish(_ referral: Referral, _ rule: CompiledRule, _ opening: Opening) {
    let subject = opening.subject.flatMap(file.index)
    if referral.receiver == .resource {
      publishToResource(referral, subject)
    } else {
      let record = advisorRecord(referral, rule, opening, subject)
      outbox.publish(record)
    }
  }

  private func advisorRecord(
    _ referral: Referral, _ rule: CompiledRule, _ opening: Opening, _ subject: Int?
  ) -> OutputRecord {
    // Of an entry that the rule no longer has nothing is known: it is not named.
    let isDisguised =
      !rule.referrals.indices.contains(Int(referral.entry))
      || rule.referrals[Int(referral.entry)].isDisguised
    let home = area
    let routed = Area(code: referral.area) ?? home
    // Readers of another district are not told where a household that left them lives now, neither
    // by the value nor by the headers.
    let hasLeft = referral.reason == .superseded && routed.district != home.district
    let place = hasLeft ? routed : home
    let envelope = OutputBuilder.Envelope(
      topic: "referrals.advisor.\(routed.district)", key: referral.id,
      revision: Int(referral.revision), type: "referral", time: now,
      grade: ("urgency", referral.urgency.description), area: place,
      traceparent: traceparent(of: opening))
    return builder.record(
      envelope, advisorValue(referral, rule, subject, place, !hasLeft, isDisguised))
  }

  private func advisorValue(
    _ referral: Referral, _ rule: CompiledRule, _ subject: Int?, _ place: Area,
    _ showsAddress: Bool, _ isDisguised: Bool
  ) -> [UInt8] {
    var json = JSONWriter()
    json.beginObject()
    writeHead(referral, &json)
    json.field("bundle", referral.bundle)
    json.field("rule", isDisguised ? "need" : rule.id)
    if !isDisguised { json.field("ruleVersion", rule.version) }
    json.field("policy", pack.digest)
    json.field("groups", isDisguised ? [] : rule.groups)
    if !isDisguised { json.field("clauses", rule.clauses) }
    writeTimes(referral, &json)
    json.field("to", referral.receiver.description)
    writeHousehold(place, showsAddress: showsAddress, &json)
    writeSubject(subject, &json)
    json.beginObject("assignee")
    json.field("advisor", referral.assignee)
    json.field("level", referral.assigneeLevel)
    json.endObject()
    json.field("category", referral.category)
    json.field("programmes", isDisguised ? [] : referral.programmes)
    json.field("task", referral.task)
    if referral.review {
      json.field("review", true)
      json.field("missing", isDisguised ? [] : referral.missing)
    }
    if !isDisguised {
      let entry = rule.referrals[Int(referral.entry)]
      writeEvidence(referral.evidence, namesOrigins: entry.namesOrigins, &json)
    }
    json.array("history", referral.history) {
      $0.field("at", $1.at)
      $0.field("what", $1.what)
      $0.field("by", $1.by)
    }
    json.endObject()
    return json.bytes
  }

  private mutating func publishToResource(_ referral: Referral, _ subject: Int?) {
    // The area it was made for: what is taken back after a move is told where it was told before.
    var home = Area(code: referral.area) ?? area
    if home.committee != shownCommittee { home.committee = "" }
    let envelope = OutputBuilder.Envelope(
      topic: "referrals.resource.\(home.district)", key: referral.id,
      revision: Int(referral.revision), type: "referral.resource", time: now,
      grade: ("urgency", referral.urgency.description), area: home, traceparent: nil)
    var json = JSONWriter()
    json.beginObject()
    writeHead(referral, &json)
    json.field("category", referral.category)
    json.field("needs", referral.needs)
    json.field("district", home.district)
    writeArea(home, &json)
    json.field("ageBand", ageBand(subject))
    json.field("dueAt", referral.dueAt)
    json.field("contactThrough", referral.contactThrough ?? Assignment.unassigned.advisor)
    json.field("candidates", referral.candidates)
    json.endObject()
    outbox.publish(builder.record(envelope, json.bytes))
  }

  private func writeHead(_ referral: Referral, _ json: inout JSONWriter) {
    json.field("referral", referral.id)
    json.field("revision", Int(referral.revision))
    json.field("state", referral.state.description)
    json.field("reason", referral.reason?.description)
  }

  private func writeTimes(_ referral: Referral, _ json: inout JSONWriter) {
    json.field("urgency", referral.urgency.description)
    json.field("openedAt", referral.openedAt)
    json.field("dueAt", referral.dueAt)
    json.field("escalation", Int(referral.escalation))
  }

  private func writeHousehold(_ area: Area, showsAddress: Bool, _ json: inout JSONWriter) {
    json.beginObject("household")
    json.field("id", household.key.registryID ?? pseudonym)
    json.field("district", area.district)
    writeArea(area, &json)
    json.field("address", showsAddress ? household.currentAddress : nil)
    json.endObject()
  }

  /// Codes that are not known are left out.
  private func writeArea(_ area: Area, _ json: inout JSONWriter) {
    if !area.subdistrict.isEmpty { json.field("subdistrict", area.subdistrict) }
    if !area.committee.isEmpty { json.field("committee", area.committee) }
  }

  /// The subject as an advisor sees it; a child under 14 without number and phone (semantics 15).
  private func writeSubject(_ subject: Int?, _ json: inout JSONWriter) {
    guard let subject else { return }
    let person = file.persons[subject].id
    let age = person.birthDate.age(on: now.date)
    json.beginObject("subject")
    if age >= 14 { json.field("id", person.text) }
    json.field("name", situation.name(of: subject))
    json.field("age", age)
    if age >= 14 { json.field("phone", situation.phone(of: subject)) }
    json.endObject()
  }

  /// - Parameter namesOrigins: with the event behind each and who sent it.
  private func writeEvidence(
    _ evidence: [Evidence], namesOrigins: Bool, _ json: inout JSONWriter
  ) {
    json.array("evidence", evidence) {
      $0.field("fact", $1.fact)
      $0.field("value", $1.value)
      $0.field("event", namesOrigins ? $1.event : nil)
      $0.field("source", namesOrigins ? $1.source : nil)
      if let at = $1.at { $0.field("at", at) }
    }
  }

  var pseudonym: String { pseudonyms.household(household.key.text) }

  /// Age bands of resource referrals (semantics 25); none for a household as a whole.
  private func ageBand(_ subject: Int?) -> String? {
    guard let subject else { return nil }
    switch file.persons[subject].id.birthDate.age(on: now.date) {
    case ...5: return "0-5"
    case ...13: return "6-13"
    case ...17: return "14-17"
    case ...59: return "18-59"
    case ...69: return "60-69"
    case ...79: return "70-79"
    default: return "80+"
    }
  }

  // MARK: Alerts

  mutating func publish(_ alert: Alert, _ rule: CompiledRule, _ opening: Opening) {
    let entry =
      rule.alerts.indices.contains(Int(alert.entry)) ? rule.alerts[Int(alert.entry)] : nil
    publish(
      alert, rule: rule.id, severity: (entry?.severity ?? .info).rawValue,
      audience: entry?.audiences ?? [], subject: opening.subject.flatMap(file.index),
      namesOrigins: entry?.namesOrigins ?? false)
  }

  mutating func publish(
    _ alert: Alert, rule: String, severity: String, audience: [String], subject: Int?,
    namesOrigins: Bool
  ) {
    let record = record(
      of: alert, rule: rule, severity: severity, audience: audience, subject: subject,
      namesOrigins: namesOrigins)
    outbox.publish(record)
  }

  private func record(
    of alert: Alert, rule: String, severity: String, audience: [String], subject: Int?,
    namesOrigins: Bool
  ) -> OutputRecord {
    // An alert stays on its topic: a district that the household left is not told its new place.
    let home = area
    let isTold = alert.topic == "alerts.restricted" || alert.topic == "alerts.\(home.district)"
    let envelope = OutputBuilder.Envelope(
      topic: alert.topic, key: alert.id, revision: Int(alert.revision), type: "alert", time: now,
      grade: ("severity", severity), area: isTold ? home : nil, traceparent: alert.traceparent)
    var json = JSONWriter()
    json.beginObject()
    json.field("alert", alert.id)
    json.field("rule", rule)
    json.field("severity", severity)
    json.field("audience", audience)
    json.field("household", pseudonym)
    json.field("maskedSubject", masked(subject))
    json.field("message", alert.message)
    json.field("state", alert.firing ? "firing" : "resolved")
    json.field("openedAt", alert.openedAt)
    writeEvidence(alert.evidence, namesOrigins: namesOrigins, &json)
    json.endObject()
    return builder.record(envelope, json.bytes)
  }

  /// The family name and `*`; `*` alone for children and where no name is known (semantics 25).
  private func masked(_ subject: Int?) -> String {
    guard let subject, !isChild(subject), let name = situation.name(of: subject) else { return "*" }
    return FamilyName.of(name) + "*"
  }

  /// The alert that one level is told of a referral nobody took or finished (F02), or the operator
  /// of one that nobody can be given to.
  mutating func publishEngineAlert(
    _ rule: CompiledRule, _ position: Int, _ name: String, audience: [String]?,
    _ referral: Referral, _ opening: Opening
  ) {
    guard !rule.alerts.isEmpty else { return }
    let entry = rule.alerts[min(position, rule.alerts.count - 1)]
    let subject = opening.subject.flatMap(file.index)
    let isRestricted =
      isChild(subject) || opening.alerts.contains { $0.topic == "alerts.restricted" }
    let alert = Alert(
      id: settings.identifiers.identifier("A-", [rule.id, name, referral.id]), entry: 0,
      revision: 1, firing: true, openedAt: now, message: message(of: entry),
      evidence: [
        Evidence(
          fact: "referral", value: referral.id, event: nil, source: nil, at: referral.openedAt)
      ], topic: isRestricted ? "alerts.restricted" : "alerts.\(area.district)",
      traceparent: traceparent(of: opening))
    publish(
      alert, rule: rule.id, severity: entry.severity.rawValue,
      audience: audience ?? entry.audiences, subject: subject, namesOrigins: true)
  }

  /// The text of an alert that the engine sends; it reads nothing of the household.
  private func message(of entry: CompiledAlert) -> String {
    switch entry.message.template.render(situation.context, unknown: { _ in "" }) {
    case .text(let text): text
    case .unknown, .failed: ""
    }
  }

  /// Tells the receivers of an opening that a notice behind it was retracted (F03).
  mutating func publishCorrection(
    _ entry: CompiledAlert, _ position: Int, _ correction: CompiledRule, opening: Opening,
    of rule: CompiledRule, _ revocation: Revocation, to receivers: [String]
  ) {
    let subject = opening.subject.flatMap(file.index)
    let isRestricted =
      isChild(subject) || opening.alerts.contains { $0.topic == "alerts.restricted" }
    // The sender of the notice can tell what it was about.
    let namesOrigins = pack.audiences.alertClearance(
      audiences: receivers, isRestricted: isRestricted
    ).isSuperset(of: rule.originLabels)
    let alert = Alert(
      id: settings.identifiers.identifier(
        "A-",
        [
          correction.id, rule.id, household.key.text, opening.subject?.text ?? "",
          String(opening.ordinal), "\(revocation.key.high)/\(revocation.key.low)",
        ]), entry: UInt8(clamping: position), revision: 1, firing: true, openedAt: now,
      message: message(of: entry),
      evidence: correctionEvidence(opening, revocation, namesOrigins: namesOrigins),
      topic: isRestricted ? "alerts.restricted" : "alerts.\(area.district)",
      traceparent: traceparent(of: opening))
    publish(
      alert, rule: correction.id, severity: entry.severity.rawValue, audience: receivers,
      subject: subject, namesOrigins: namesOrigins)
  }

  /// The notice that took back, and the one taken back, with its hash, where the opening showed it
  /// as evidence. The hash would answer a guess at its sender, so it goes only where that is named.
  private func correctionEvidence(
    _ opening: Opening, _ revocation: Revocation, namesOrigins: Bool
  ) -> [Evidence] {
    let retraction = Evidence(
      fact: "retraction", value: revocation.reason == .retracted ? "retracted" : "superseded",
      event: revocation.byID, source: revocation.bySource, at: revocation.at)
    let shown = opening.referrals.flatMap(\.evidence) + opening.alerts.flatMap(\.evidence)
    guard namesOrigins, let former = shown.first(where: { $0.eventKey == revocation.key }) else {
      return [retraction]
    }
    let hash = [revocation.key.high, revocation.key.low].map { half in
      let digits = String(half, radix: 16)
      return String(repeating: "0", count: 16 - digits.count) + digits
    }
    let notice = Evidence(
      fact: "notice", value: hash.joined(), event: former.event, source: former.source,
      at: former.at)
    return [retraction, notice]
  }

  /// The trace of the event that opened it.
  func traceparent(of opening: Opening) -> String? {
    guard let trigger = opening.triggers.first else { return nil }
    for person in file.persons {
      if let index = person.view.log.index(of: trigger) {
        return (try? person.view.log.event(index).texts())?.traceparent
      }
    }
    return file.log.index(of: trigger).flatMap { (try? file.log.event($0).texts())?.traceparent }
  }
}
