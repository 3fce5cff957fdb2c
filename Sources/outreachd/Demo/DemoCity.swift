import City
import KafkaIO
import Streaming
import Vocabulary

/// The demo's city: its options, its directory, and the topics it needs.
struct DemoCity: Sendable {
  let options: CityOptions
  let rate: Int
  let directory: [DirectoryEntry]
  let prefix: String
  private static let inPartitions = 2
  private static let internalPartitions = 2

  init(_ demo: Demo.Options, prefix: String) {
    var options = CityOptions()
    options.people = demo.people
    options.seed = demo.seed
    options.days = demo.days
    // One record in a hundred is bad, so that dead letters are seen.
    options.bad = 0.01
    let load = CityStream(options, mode: .binary).loadRecords
    options.events = load + demo.rate * demo.seconds
    self.options = options
    rate = demo.rate
    directory = cityDirectory(options)
    self.prefix = prefix
  }

  /// Districts with an advisor, and the one of what has no place.
  private var districts: [String] {
    var codes: Set<String> = ["000000"]
    for entry in directory where entry.topic == .directoryAdvisors {
      // Advisors of committees and districts are named after their area.
      let digits = entry.key.drop { !$0.isNumber }.prefix { $0.isNumber }
      if digits.count >= 6 { codes.insert(String(digits.prefix(6))) }
    }
    return codes.sorted { $0 == "000000" ? false : $1 == "000000" ? true : $0 < $1 }
  }

  /// After the prefix; the first is one with referrals.
  var outputTopics: [String] {
    districts.map { "referrals.advisor.\($0)" } + districts.map { "referrals.resource.\($0)" }
      + districts.map { "alerts.\($0)" } + ["alerts.restricted", "decisions", "deadletters"]
  }

  /// Makes all topics in the mock cluster, which no client could.
  func createTopics(_ cluster: MockCluster) throws {
    func create(_ names: [String], _ partitions: Int) throws {
      for name in names { try cluster.createTopic("\(prefix).\(name)", partitions: partitions) }
    }
    try create(ClusterTopics.inTopics, DemoCity.inPartitions)
    try create(ClusterTopics.directory, 1)
    try create(ClusterTopics.internalTopics, DemoCity.internalPartitions)
    try create(outputTopics, 1)
  }
}
