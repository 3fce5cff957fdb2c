import City
@testable import Intake
import Records
import Streaming
import Testing
import Vocabulary

/// The synthetic city's records: what it wrote well is accepted, and each of its bad records is a
/// dead letter with the code that the city says.
@Suite struct CityRecordsTests {
  @Test(arguments: [ContentMode.structured, .binary])
  func recordsAreJudgedAsTheCityMeansThem(mode: ContentMode) throws {
    var options = CityOptions()
    options.people = 3000
    options.days = 20
    options.bad = 0.05
    options.oversized = true
    let city = CityStream(options, mode: mode)
    let intake = try EventIntake(catalog: defaultCatalog())
    var clock = Instant(seconds: 0)
    var defects: Set<Defect> = []
    for event in city.events.prefix(12_000) {
      var sent = Sent(event.topic.suffix, value: event.value)
      sent.key = event.key
      sent.headers = event.headers.map { ($0.name, String(decoding: $0.value, as: UTF8.self)) }
      let outcome = try intake.feed(sent, now: clock, wall: event.instant)
      defects.insert(event.defect)
      switch event.defect {
      case .oversized: #expect(outcome.code == "envelope")
      // Found one stage later.
      case .none, .unknownReferral:
        #expect(outcome.event != nil, "\(event.type.name): \(outcome)")
      default: #expect(outcome.code == event.defect.code, "\(event.type.name) \(event.defect)")
      }
      if case .accepted(_, let now) = outcome { clock = now }
    }
    #expect(defects.count > 10)
  }
}
