import Records
import Stages
import Streaming
import Vocabulary

/// What is known of a person in the end, whatever the order in which it came.
struct SettledPerson: Equatable {
  let person: CitizenID
  let homes: [String]
  /// The events that count, with all they say.
  let events: [EventEntry]

  init(_ value: [UInt8]) throws(DecodingFailure) {
    let read: Result<PersonRecord, DecodingFailure> = value.withUnsafeBytes { bytes in
      do throws(DecodingFailure) { return .success(try PersonRecord(try PersonView(bytes))) } catch {
        return .failure(error)
      }
    }
    let record = try read.get()
    person = record.id
    homes = record.homes.map { "\($0.from) \($0.household?.text ?? "-")" }
    events = try record.log.entries().map { entry in
      var entry = entry
      // When it was accepted is a matter of the order.
      entry.accepted = Instant(seconds: 0)
      return entry
    }
  }

  var text: String {
    "\(person.text) at \(homes), events \(events.map(\.id))"
  }
}

/// The final state of a run.
struct Settled {
  var households: [SettledHousehold] = []
  var people: [SettledPerson] = []
  /// Receivers whose area their rule names.
  var namedAreas: Set<String> = []

  /// An open referral: identified as semantics 26 does, and as published.
  struct Open {
    /// Household, rule, subject, receiver, and whether it is a review.
    let slot: String
    let task: SettledHousehold.Task
  }

  /// The open referrals, sorted.
  ///
  /// A receiver includes an area (semantics 32) where the rule names one. Elsewhere it is the
  /// household's own, which counts as its district: only a new district moves an open referral
  /// (semantics 9), so its sub-district and committee stay those of its opening.
  var open: [Open] {
    households.flatMap { household in
      household.tasks.map { task in
        let area = namedAreas.contains("\(task.rule) \(task.receiver)") ? task.area : String(task.area.prefix(6))
        return Open(
          slot: "\(household.household) \(task.rule) \(task.subject?.text ?? "-") "
            + "\(task.receiver) \(area)\(task.isReview ? " review" : "")", task: task)
      }
    }.sorted { ($0.slot, $0.task.referral) < ($1.slot, $1.task.referral) }
  }

  /// Alerts that fire, sorted. One stays on the topic that the event which opened it asked for, and
  /// that of the district then known, so the topic does not count.
  private var alarms: [String] {
    households.flatMap { household in
      household.alerts.map { alarm in
        "\(household.household) \(alarm.rule) \(alarm.subject?.text ?? "-")"
      }
    }.sorted()
  }

  /// What is known of registered households, those that were only asked for left out.
  private var facts: [String] {
    households.filter { $0.isRegistered && !$0.events.isEmpty }.map {
      "\($0.household) compositions \($0.compositions) events \($0.events)"
    }.sorted()
  }

  private var known: [CitizenID: SettledPerson] {
    Dictionary(
      people.filter { !$0.events.isEmpty || !$0.homes.isEmpty }.map { ($0.person, $0) },
      uniquingKeysWith: { a, _ in a })
  }

  /// Something that two orders ended in differently.
  struct Difference {
    /// Nil where it is not about a rule in a household.
    var household: String?
    var rule: String?
    let text: String
  }

  /// What differs from another order's state; empty where nothing does.
  func differences(from other: Settled) -> [Difference] {
    var found = Settled.compare(open.map(\.slot), other.open.map(\.slot), "open referral")
    found += Settled.compare(alarms, other.alarms, "firing alert")
    for difference in Settled.compare(facts, other.facts, "facts of a household") {
      found.append(Difference(text: difference.text))
    }
    let (mine, theirs) = (known, other.known)
    for person in Set(mine.keys).union(theirs.keys).sorted() where mine[person] != theirs[person] {
      found.append(
        Difference(
          text: "facts of a person: straight \(mine[person]?.text ?? "unknown"), "
            + "reordered \(theirs[person]?.text ?? "unknown")"))
    }
    for settled in [self, other] {
      for household in settled.households where household.unanswered > 0 {
        found.append(
          Difference(text: "\(household.household) waits for \(household.unanswered) people"))
      }
    }
    return found
  }

  /// Lines that begin with a household and a rule.
  private static func compare(_ a: [String], _ b: [String], _ what: String) -> [Difference] {
    guard a != b else { return [] }
    return a.difference(from: b).map { change in
      let (side, line) =
        switch change {
        case .insert(_, let line, _): ("straight", line)
        case .remove(_, let line, _): ("reordered", line)
        }
      let words = line.split(separator: " ").map(String.init)
      return Difference(
        household: words[0], rule: words[1], text: "only \(side): \(what) \(line)")
    }
  }
}
