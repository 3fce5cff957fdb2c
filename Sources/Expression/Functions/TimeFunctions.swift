import Vocabulary

extension StandardLibrary {
  /// Fields of timestamps and durations.
  static func addTime(_ l: inout LibraryBuilder) {
    addField(&l, "getFullYear") { Int64($0.date.year) }
    addField(&l, "getMonth") { Int64($0.date.month - 1) }
    addField(&l, "getDate") { Int64($0.date.day) }
    addField(&l, "getDayOfMonth") { Int64($0.date.day - 1) }
    addField(&l, "getDayOfWeek") { Int64($0.date.weekday % 7) }
    addField(&l, "getDayOfYear") { fields in
      let first = CivilDate(year: fields.date.year, month: 1, day: 1) ?? fields.date
      return Int64(fields.date.dayNumber) - Int64(first.dayNumber)
    }
    addField(&l, "getHours") { Int64($0.hour) }
    addField(&l, "getMinutes") { Int64($0.minute) }
    addField(&l, "getSeconds") { Int64($0.second) }
    l.method(
      "getMilliseconds", "timestamp_milliseconds", [.timestamp], .int,
      .unary { _, x in
        guard case .timestamp(let time) = x else { return .noSuchOverload }
        return .int(Int64(time.nanoseconds / 1_000_000))
      })
    l.method(
      "getMilliseconds", "timestamp_milliseconds_zone", [.timestamp, .string], .int,
      .binary { _, x, zone in
        guard case .timestamp(let time) = x, case .string(let name) = zone else {
          return .noSuchOverload
        }
        guard TimeZones.offset(name, at: time) != nil else { return unknownZone }
        return .int(Int64(time.nanoseconds / 1_000_000))
      })
    let units: [(String, Int64)] = [
      ("getHours", 3_600_000_000_000), ("getMinutes", 60_000_000_000),
      ("getSeconds", 1_000_000_000),
    ]
    for (name, unit) in units {
      l.method(
        name, "duration_\(name)", [.duration], .int,
        .unary { _, x in
          guard case .duration(let value) = x else { return .noSuchOverload }
          return .int(value / unit)
        })
    }
    // The part below the second, as the specification's tests have it.
    l.method(
      "getMilliseconds", "duration_getMilliseconds", [.duration], .int,
      .unary { _, x in
        guard case .duration(let value) = x else { return .noSuchOverload }
        return .int(value / 1_000_000 % 1000)
      })
  }

  private static let unknownZone = Value.failure(.argument, "unknown time zone")

  private static func addField(
    _ l: inout LibraryBuilder, _ name: String, _ field: @escaping @Sendable (CivilTime) -> Int64
  ) {
    l.method(
      name, "timestamp_\(name)", [.timestamp], .int,
      .unary { _, x in
        guard case .timestamp(let time) = x else { return .noSuchOverload }
        return .int(field(CivilTime(time, offset: 0)))
      })
    l.method(
      name, "timestamp_\(name)_zone", [.timestamp, .string], .int, cost: 4,
      .binary { _, x, zone in
        guard case .timestamp(let time) = x, case .string(let name) = zone else {
          return .noSuchOverload
        }
        guard let offset = TimeZones.offset(name, at: time) else { return unknownZone }
        return .int(field(CivilTime(time, offset: offset)))
      })
  }
}
