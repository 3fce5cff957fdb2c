/// Natural rates, a year for each million residents (see `CityOptions` for the figures behind).
enum Rates {
  static let windowTransactions = 420_180.0
  static let deaths = 5_584.0
  static let births = 4_660.0
  static let marriages = 2_894.0
  static let divorces = 1_004.0
  static let detentions = 800.0
  static let compulsoryTreatments = 60.0
  static let communityTreatments = 100.0
  static let findings = 240.0
  static let jobLosses = 24_000.0
  static let jobFinds = 22_000.0
  static let jobOffers = 2_400.0
  static let disabilitiesIssued = 1_600.0
  static let disabilitiesChanged = 900.0
  static let illnesses = 3_200.0
  static let hospitalStays = 12_000.0
  static let expenses = 80_000.0
  static let moves = 32_000.0
  static let permits = 36_000.0
  static let permitLapses = 20_000.0
  static let missing = 120.0
  static let guardianships = 80.0
  static let guardianStatuses = 60.0
  static let emergencies = 800.0
  static let applications = 4_800.0
  static let renewals = 10_000.0
  static let exits = 2_000.0
  static let suspensions = 200.0
  static let visits = 20_000.0
  static let tips = 2_000.0
  static let calls = 8_000.0
  static let registryUpdates = 8_000.0

  /// Stage events of one window transaction, on average.
  static let stages = 3.3
  /// Monthly incomes and payments, records a year for each million residents.
  static let monthly = 36_000.0 * 12 * 0.7 + 4_500.0 * 12

  /// Records expected on a day of a city of this size, without stories.
  static func recordsPerDay(people: Int) -> Double {
    let others = 360_000.0
    return (windowTransactions * stages + monthly + others) * Double(people) / 1e6 / 365
  }
}
