public import Vocabulary

/// What city to make and what to let happen in it.
///
/// Two runs with equal options give equal bytes, on any machine.
///
/// Natural rates follow published figures for 24.9 m residents (own assumptions where marked *):
///
/// | what | a year in the whole city |
/// |---|---|
/// | window transactions | 10.46 m, in 46 opening hours a week, 3.3 stage events each |
/// | deaths | 139,000 |
/// | births | 116,000 |
/// | marriages, divorces | 72,048 and 24,991 couples |
/// | people in dibao households, in any aid programme | 150,000 and 300,000 |
/// | disability certificates in force | 600,000 |
/// | people on watch (incomes reported monthly) | 0.9 m |
/// | job losses* , hospital stays reported* , medical expenses* | 0.6 m, 0.3 m, 2 m |
/// | detentions*, compulsory drug treatment* , emergencies* | 20,000, 1,500, 20,000 |
/// | visits*, tips*, hotline calls* | 0.5 m, 50,000, 0.2 m |
public struct CityOptions: Sendable {
  /// Residents, 1 to 25,000,000. A person takes about 27 bytes.
  public var people = 10_000
  /// Civil days of life after the initial load, 1 to 3,660.
  public var days = 30
  /// Everything random follows from it. It is part of every event id, not of the citizen ids.
  public var seed: UInt64 = 1
  /// First civil day of life; the initial load is recorded in the six hours before.
  public var start = CivilDate(dayNumber: 20_454)
  /// Nothing is recorded from this instant on; nil: the end of the last day. `ending` sets both.
  public var end: Instant?
  /// Exactly so many records, the initial load included (fewer only if one natural day already
  /// holds more than all): rates are scaled, and window transactions fill up. nil: natural rates.
  public var events: Int?
  /// Scripted life stories begun a day, taken in turn from 38 kinds that together touch every
  /// rule family. The default shows each kind once a day.
  public var storyRate = 38.0

  /// Shares of events, 0 to 1: sent twice with the same bytes.
  public var duplicates = 0.01
  /// Recorded hours to weeks after they should have been.
  public var late = 0.02
  /// Delivered up to ten minutes after their recorded time, behind others recorded later.
  public var outOfOrder = 0.03
  /// Notices corrected by a later event that supersedes them.
  public var corrections = 0.004
  /// Notices that were wrong and are retracted.
  public var retractions = 0.002
  /// Additional records that cannot be used, evenly of all `Defect` kinds.
  public var bad = 0.001
  /// Factor on the natural rates of detention, drug treatment, findings and guardian status; 0
  /// leaves these kinds out, also from stories.
  public var restricted = 1.0
  /// True: bad records include messages of two million bytes.
  public var oversized = false

  public init() {}

  /// The largest city.
  public static let mostPeople = 25_000_000
  /// The longest life of a city, in days.
  public static let mostDays = 3_660

  /// Places the days so that the last event is recorded just before `instant`.
  public mutating func ending(at instant: Instant) {
    end = instant
    let last = Instant(microseconds: instant.microseconds - 1).date
    start = last.adding(days: 1 - min(max(1, days), CityOptions.mostDays))
  }

  /// The options with every value in its range.
  var bounded: CityOptions {
    var result = self
    result.people = min(max(1, people), CityOptions.mostPeople)
    result.days = min(max(1, days), CityOptions.mostDays)
    result.storyRate = storyRate.isFinite ? min(max(0, storyRate), 1_000_000) : 0
    result.restricted = restricted.isFinite ? min(max(0, restricted), 1000) : 1
    func share(_ value: Double) -> Double { value.isFinite ? min(max(0, value), 1) : 0 }
    result.duplicates = share(duplicates)
    result.late = share(late)
    result.outOfOrder = share(outOfOrder)
    result.corrections = share(corrections)
    result.retractions = share(retractions)
    result.bad = share(bad)
    let low = Int32(-25_000)
    let high = Int32(40_000)
    result.start = CivilDate(dayNumber: min(max(low, start.dayNumber), high))
    return result
  }
}
