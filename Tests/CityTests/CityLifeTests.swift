import City
import Foundation
import Testing
import Vocabulary

@Suite struct CityLifeTests {
  private func options(_ people: Int, days: Int, seed: UInt64 = 3) -> CityOptions {
    var options = CityOptions()
    options.people = people
    options.days = days
    options.seed = seed
    return options
  }

  @Test func nobodyActsAfterDeath() throws {
    var deaths: [String: String] = [:]
    var untrue = Set<String>()
    var noticeOf: [String: String] = [:]
    var acts: [(person: String, day: String)] = []
    var clashes = 0
    for event in CityStream(options(3000, days: 20)).events where event.defect == .none {
      let parsed = try #require(Parsed(event))
      if event.type == .retracted { untrue.insert(parsed.field("retracts")) }
      if let earlier = parsed.attributes["supersedes"] as? String { untrue.insert(earlier) }
      if event.type == .death {
        noticeOf[parsed.text("id")] = parsed.field("person")
        deaths[parsed.text("id")] = parsed.field("date")
      }
      guard event.type == .window, event.note != .duplicate,
        parsed.field("stage") == "submitted"
      else { continue }
      if event.note == .clash {
        clashes += 1
        continue
      }
      let applicant = try #require(parsed.data["applicant"] as? [String: Any])
      let day = String(parsed.text("time").prefix(10))
      acts.append((try #require(applicant["id"] as? String), day))
      if let agent = parsed.data["agent"] as? [String: Any], let id = agent["id"] as? String {
        acts.append((id, day))
      }
    }
    var died: [String: String] = [:]
    for (notice, person) in noticeOf where !untrue.contains(notice) {
      died[person] = min(died[person] ?? "9999", deaths[notice] ?? "9999")
    }
    #expect(died.count > 50)
    #expect(clashes > 0)
    for act in acts {
      #expect(died[act.person].map { act.day <= $0 } ?? true, "acts on \(act.day)")
    }
  }

  @Test func noticesAreDatedOnOrBeforeTheirTime() throws {
    for event in CityStream(options(2500, days: 10)).events where event.defect == .none {
      let parsed = try #require(Parsed(event))
      let effective = parsed.field("date") + parsed.field("asOf")
      let isRelease = event.type == .custody && parsed.field("state") == "released"
      if !effective.isEmpty, !isRelease {
        #expect(effective <= parsed.text("time").prefix(10), "\(event.type.name)")
      }
    }
  }

  @Test func naturalRatesAreNearTheFigures() {
    var natural = options(300_000, days: 14)
    natural.storyRate = 0
    natural.duplicates = 0
    let stream = CityStream(natural)
    var buffer = EventBuffer()
    var transactions = 0
    while stream.next(into: &buffer) {
      guard buffer.type == .window, buffer.defect == .none, buffer.note == .none else { continue }
      let text = String(decoding: buffer.value.array, as: UTF8.self)
      if text.contains(#""stage":"submitted""#) { transactions += 1 }
    }
    // Per person and year: 10.46 m transactions, 139,000 deaths, 116,000 births of 24.9 m people.
    let personYears = 300_000.0 * 14 / 365
    func rate(_ count: Int) -> Double { Double(count) / personYears }
    #expect((0.39...0.45).contains(rate(transactions)))
    // One death in four is told by two offices.
    #expect((0.0045...0.0095).contains(rate(stream.counts.count(.death))))
    #expect((0.0030...0.0065).contains(rate(stream.counts.count(.birth))))
    #expect((0.0018...0.0042).contains(rate(stream.counts.count(.marriage))))
    let aided = Double(stream.aidedPeople) / 300_000
    #expect((0.010...0.015).contains(aided))
    let size = Double(stream.people) / Double(stream.households)
    #expect((2.1...2.7).contains(size))
  }

  @Test func agesMakeAPyramid() throws {
    var ages: [Int] = []
    let today = CivilDate(dayNumber: 20_454)
    for event in CityStream(options(20_000, days: 1)).events where event.type == .composition {
      let parsed = try #require(Parsed(event))
      for member in try #require(parsed.data["members"] as? [[String: Any]]) {
        let text = try #require(member["id"] as? String)
        let id = try CitizenID(text)
        ages.append(id.birthDate.age(on: today))
      }
    }
    func share(_ range: ClosedRange<Int>) -> Double {
      Double(ages.filter { range.contains($0) }.count) / Double(ages.count)
    }
    #expect((0.25...0.37).contains(share(60...120)))
    #expect((0.02...0.06).contains(share(80...120)))
    #expect((0.10...0.20).contains(share(0...17)))
  }

  @Test func windowsOpenInOpeningHours() {
    var natural = options(100_000, days: 7)
    natural.storyRate = 0
    natural.bad = 0
    var weekend = 0
    var total = 0
    for event in CityStream(natural).events where event.type == .window && event.note == .none {
      guard let parsed = Parsed(event), parsed.field("stage") == "submitted",
        let time = Instant(parsed.text("time"))
      else { continue }
      let ofDay = time.seconds - Instant(startOf: time.date).seconds
      let closing: Int64 = time.date.weekday <= 5 ? 59_400 : 41_400
      #expect((30_600..<closing).contains(ofDay))
      total += 1
      if time.date.weekday > 5 { weekend += 1 }
    }
    #expect(total > 500)
    #expect(weekend > 0 && weekend * 5 < total)
  }

  @Test func initialLoadTellsOfEachHouseholdOnce() throws {
    let city = options(2000, days: 1)
    let stream = CityStream(city)
    let households = stream.households
    var told = Set<String>()
    for event in stream.events.prefix(stream.loadRecords) {
      #expect(event.instant < Instant(startOf: city.start))
      guard event.type == .composition else { continue }
      told.insert(try #require(Parsed(event)).field("household"))
    }
    #expect(told.count == households)
    #expect(stream.today == nil)
  }

  @Test func extremesDoNotTrap() {
    for people in [-5, 0, 1, 2, 7] {
      for days in [-1, 1, 3] {
        var small = options(people, days: days)
        small.storyRate = 1000
        small.bad = 1
        small.duplicates = .nan
        small.late = 1
        small.start = .latest
        #expect(CityStream(small).events.reduce(0) { count, _ in count + 1 } >= 1)
      }
    }
    var over = options(50, days: 2)
    over.ending(at: Instant(startOf: over.start.adding(days: -30)))
    over.end = Instant(startOf: over.start).adding(seconds: -1)
    #expect(CityStream(over).events.allSatisfy { $0.instant < Instant(startOf: over.start) })
  }
}
