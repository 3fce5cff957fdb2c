public import Vocabulary

/// Who answers a referral.
public enum FeedbackReceiver: Sendable, Equatable {
  case advisor(String)
  case resource(String)

  var id: String {
    switch self {
    case .advisor(let id), .resource(let id): id
    }
  }
}

/// Plausible feedback on a referral, whose identifier only the daemon knows.
///
/// The answer follows from the seed and the referral alone. Of advisors, 86 in 100 accept, start,
/// visit and mostly complete; 6 decline; 8 hand on to `colleague` or do not answer. Of resources,
/// 70 accept and complete, 20 decline, 10 do not answer. One completed visit in eight gives
/// consent, one in forty withdraws it. Written for topic `referral.feedback`.
public struct FeedbackWriter: Sendable {
  private let seed: UInt64
  private let mode: ContentMode

  public init(seed: UInt64, mode: ContentMode = .structured) {
    self.seed = seed
    self.mode = mode
  }

  /// The events that answer a referral opened at `openedAt`, in order, each with the instant at
  /// which it arrives. `pace` shortens the hours and days between them: 1 is life, 0.001 a demo.
  public func answers(
    to referral: String, by receiver: FeedbackReceiver, openedAt: Instant, pace: Double = 1,
    colleague: String? = nil
  ) -> [CityEvent] {
    var hash = seed
    for byte in (referral + receiver.id).utf8 { hash = SeededRandom.mix(hash ^ UInt64(byte)) }
    var random = SeededRandom(seed: hash)
    var clock = openedAt
    var events: [CityEvent] = []
    func wait(_ hours: ClosedRange<Int>) {
      let seconds = Double(random.within(hours.lowerBound * 3600...hours.upperBound * 3600))
      clock = clock.adding(seconds: Int64(max(1, seconds * max(0, min(pace, 100)))))
    }
    func say(_ type: CityEventType, _ more: String = "") {
      let number = events.count + 1
      events.append(
        event(type, id: "\(referral)-\(hash % 9973)-\(number)", referral, receiver.id, more, clock))
    }
    let isAdvisor = if case .advisor = receiver { true } else { false }
    let luck = random.below(100)
    wait(isAdvisor ? 0...20 : 4...60)
    if luck < (isAdvisor ? 86 : 70) {
      say(.accepted)
      wait(1...24)
      say(.started)
      wait(2...72)
      if isAdvisor { say(.visited, consent(&random)) }
      wait(4...120)
      guard random.below(10) < 8 else { return events }
      let stable = random.below(3) > 0
      say(.completed, #","outcome":"已跟进","stableIncome":\#(stable)"#)
    } else if luck < (isAdvisor ? 92 : 90) {
      say(.declined, isAdvisor ? #","reason":"不在本辖区""# : #","reason":"名额已满""#)
    } else if isAdvisor, let colleague, random.below(2) == 0 {
      say(.reassigned, #","to":"\#(colleague)""#)
    }
    return events
  }

  private func consent(_ random: inout SeededRandom) -> String {
    switch random.below(40) {
    case 0..<5: #","consent":true"#
    case 5: #","consent":false"#
    default: ""
    }
  }

  private func event(
    _ type: CityEventType, id: String, _ referral: String, _ by: String, _ more: String,
    _ time: Instant
  ) -> CityEvent {
    let source = "urn:sim:sh:advisors"
    let data = #"{"referral":"\#(referral)","by":"\#(by)","date":"\#(time.date)"\#(more)}"#
    var headers: [(name: String, value: [UInt8])] = []
    var value = data
    let attributes = [
      ("specversion", "1.0"), ("id", id), ("source", source),
      ("type", "cn.gov.sh.assist." + type.name), ("time", time.description),
    ]
    switch mode {
    case .structured:
      let envelope = attributes.map { #""\#($0.0)":"\#($0.1)""# }.joined(separator: ",")
      value = "{" + envelope + #","datacontenttype":"application/json","data":"# + data + "}"
      headers.append(("content-type", Array("application/cloudevents+json".utf8)))
    case .binary:
      for (name, text) in attributes { headers.append(("ce_" + name, Array(text.utf8))) }
      headers.append(("content-type", Array("application/json".utf8)))
    }
    return CityEvent(
      type: type, topic: .referralFeedback, key: Array(referral.utf8), value: Array(value.utf8),
      headers: headers, instant: time, defect: .none, note: .none)
  }
}
