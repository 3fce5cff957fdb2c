import City
import Foundation
import KafkaIO
import Logging
import Runtime
import Synchronization
import Vocabulary

/// Sends the city's events to the broker on a thread of its own: the directory and what is known
/// of everybody at once, then life at the wanted rate, with the advisors' answers among it.
final class CityPlayer: Sendable {
  private struct Shared {
    var sent = 0
    var feedbackSent = 0
    var cityTime: Instant?
    /// When each event was sent, by the number in its trace.
    var sendTimes: [Double] = []
    /// Answers to come, soonest last.
    var answers: [CityEvent] = []
    var problem: String?
  }

  private let city: DemoCity
  private let kafka: KafkaConfiguration
  private let logger: Logger
  private let shared = Mutex(Shared())
  private let stopSignal = StopSignal()
  private let done = DispatchSemaphore(value: 0)
  private let isJoined = Atomic(false)
  private let feedback: FeedbackWriter

  init(_ city: DemoCity, kafka: KafkaConfiguration, logger: Logger) {
    self.city = city
    self.kafka = kafka
    self.logger = logger
    feedback = FeedbackWriter(seed: city.options.seed, mode: .binary)
  }

  /// Events sent so far, answers included.
  var sent: Int { shared.withLock { $0.sent } }
  var feedbackSent: Int { shared.withLock { $0.feedbackSent } }
  /// The newest event's time.
  var cityTime: Instant? { shared.withLock { $0.cityTime } }
  var problem: String? { shared.withLock { $0.problem } }

  /// When the event with this trace was sent, in seconds of `DemoClock`.
  func sendTime(of trace: Int?) -> Double? {
    guard let trace else { return nil }
    return shared.withLock { $0.sendTimes.indices.contains(trace) ? $0.sendTimes[trace] : nil }
  }

  func start() {
    let thread = Thread { [self] in
      do {
        try play()
      } catch {
        shared.withLock { $0.problem = "\(error)" }
      }
      done.signal()
    }
    thread.name = "city"
    thread.start()
  }

  func stop() {
    stopSignal.set()
    guard !isJoined.exchange(true, ordering: .acquiringAndReleasing) else { return }
    _ = done.wait(timeout: .now() + 5)
  }

  /// Lets the receiver of a new referral answer, soon in the city's time.
  func answer(_ referral: AnswerableReferral) {
    let receiver: FeedbackReceiver =
      referral.isResource ? .resource(referral.receiver) : .advisor(referral.receiver)
    let events = feedback.answers(
      to: referral.id, by: receiver, openedAt: referral.openedAt, pace: 0.25)
    shared.withLock {
      $0.answers += events
      $0.answers.sort { $0.instant > $1.instant }
    }
  }

  private func play() throws {
    let producer = try KafkaProducer(transactionalID: nil, configuration: kafka, logger: logger)
    for entry in city.directory {
      try send(
        producer, entry.topic, key: Array(entry.key.utf8), value: Array(entry.value.utf8), [])
    }
    try producer.flush(limit: .seconds(10))
    let stream = CityStream(city.options, mode: .binary)
    for _ in 0..<stream.loadRecords {
      guard !stopSignal.isRaised, let event = stream.next() else { break }
      try send(producer, event)
    }
    try live(stream, producer)
    try producer.flush(limit: .seconds(5))
  }

  /// One event after the other at the wanted rate; answers that are due go first.
  private func live(_ stream: CityStream, _ producer: KafkaProducer) throws {
    let began = DemoClock.now
    var count = 0
    while !stopSignal.isRaised {
      let due = Int((DemoClock.now - began) * Double(city.rate))
      while count < due, let event = stream.next() {
        while let answer = nextAnswer(through: event.instant) {
          try send(producer, answer)
          shared.withLock { $0.feedbackSent += 1 }
        }
        try send(producer, event)
        count += 1
      }
      producer.poll(wait: .milliseconds(5))
    }
  }

  private func nextAnswer(through instant: Instant) -> CityEvent? {
    shared.withLock {
      guard let last = $0.answers.last, last.instant <= instant else { return nil }
      return $0.answers.popLast()
    }
  }

  /// Sends an event with a trace that its outputs will carry.
  private func send(_ producer: KafkaProducer, _ event: CityEvent) throws {
    let number = shared.withLock { shared in
      shared.sent += 1
      shared.cityTime = max(event.instant, shared.cityTime ?? event.instant)
      shared.sendTimes.append(DemoClock.now)
      return shared.sendTimes.count - 1
    }
    var headers = event.headers.map { KafkaHeader($0.name, $0.value) }
    headers.append(KafkaHeader("ce_traceparent", Array(DemoTrace.text(number).utf8)))
    try send(producer, event.topic, key: event.key, value: event.value, headers)
  }

  private func send(
    _ producer: KafkaProducer, _ topic: CityTopic, key: [UInt8], value: [UInt8]?,
    _ headers: [KafkaHeader]
  ) throws {
    let target = try producer.topic("\(city.prefix).\(topic.suffix)")
    try key.withUnsafeBytes { key in
      guard let value else {
        return try producer.produce(target, key: key, value: nil, headers: headers)
      }
      try value.withUnsafeBytes {
        try producer.produce(target, key: key, value: $0, headers: headers)
      }
    }
  }
}

/// Traces of the demo: W3C trace contexts that count.
enum DemoTrace {
  private static let head = "00-0000000000000000"

  static func text(_ number: Int) -> String {
    let hex = String(number + 1, radix: 16)
    return head + String(repeating: "0", count: 16 - hex.count) + hex + "-00000000000000d1-01"
  }

  /// The number of a trace of the demo, nil for others.
  static func number(_ text: String) -> Int? {
    guard text.hasPrefix(head), text.utf8.count == 55 else { return nil }
    return Int(text.dropFirst(head.utf8.count).prefix(16), radix: 16).map { $0 - 1 }
  }
}
