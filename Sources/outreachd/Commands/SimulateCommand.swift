import ArgumentParser
import City
import Glibc
import KafkaIO
import Logging
import Operations
import Vocabulary

/// `outreachd simulate`: the synthetic city's events as lines on standard output, or into Kafka.
struct SimulateCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "simulate",
    abstract: "A synthetic city's events, as NDJSON or straight to Kafka.",
    discussion: """
      The same options give the same bytes, on any machine. First comes an initial load (each \
      household's composition, decisions in force, what is known about members), then the days: \
      window transactions, notices of the departments, decisions and reports at natural rates, and \
      scripted life stories that together touch every rule family. Part of it comes twice, late, \
      out of order, corrected, retracted or broken.

      Nobody in it is real: region codes of the citizen ids were never assigned, names are a \
      family name with 某, phone numbers begin with 100.

      Lines are structured CloudEvents, one a line, in order of arrival: the input of 'outreachd \
      replay'. A record without a value (a null) is no line and is left out there.

      EXAMPLES
        outreachd simulate --people 20000 --days 30 --seed 7 > events.ndjson
        outreachd simulate --people 5000 --days 2 --end now --directory-out directory.ndjson \\
          | outreachd replay --policy config/policy --directory directory.ndjson
        outreachd simulate --people 500000 --days 30 --events 1000000 \\
          --end 2026-11-23T18:00:00+08:00 --brokers localhost:9092 --counts-out counts.json
        outreachd simulate --people 10000 --days 2 --rate 50 --brokers localhost:9092

      EXIT CODES
        0 done (also when the reader of the lines goes away), 2 usage, 69 broker unavailable,
        70 internal error
      """)

  @Option(help: "Residents, 1 to 25000000.")
  var people = 10_000
  @Option(help: "Civil days after the initial load, 1 to 3660.")
  var days = 30
  @Option(help: "Everything random follows from it; it is part of each event id.")
  var seed: UInt64 = 1
  @Option(help: "Exactly so many records, the initial load included. Otherwise natural rates.")
  var events: Int?
  @Option(help: "First day, as a date or RFC 3339 time. Otherwise 2026-01-01 for lines.")
  var start: String?
  @Option(
    help: "Nothing is recorded from this RFC 3339 time on, or 'now', the default for Kafka.")
  var end: String?

  @OptionGroup(title: "What happens") var mixture: Mixture
  @OptionGroup(title: "Where it goes") var target: Target

  /// Shares of the unusual.
  struct Mixture: ParsableArguments {
    @Option(help: "Life stories begun a day; 0 for natural events only.")
    var stories = CityOptions().storyRate
    @Option(help: "Share of bad records, 0 to 1.")
    var bad = CityOptions().bad
    @Flag(help: "Bad records include messages of two million bytes.")
    var oversized = false
    @Option(help: "Share of records that come twice.")
    var duplicates = CityOptions().duplicates
    @Option(help: "Share of records that come hours to weeks late.")
    var late = CityOptions().late
    @Option(help: "Share of records that come behind later ones.")
    var outOfOrder = CityOptions().outOfOrder
    @Option(help: "Share of notices that a later event supersedes.")
    var corrections = CityOptions().corrections
    @Option(help: "Share of wrong notices that are retracted.")
    var retractions = CityOptions().retractions
    @Option(help: "Factor on custody, drug and guardian cases; 0 leaves them out.")
    var restricted = CityOptions().restricted
  }

  /// Lines or Kafka.
  struct Target: ParsableArguments {
    @Option(help: "Kafka brokers, host:port[,host:port]. Otherwise lines on standard output.")
    var brokers: String?
    @Option(help: "Prefix of the topics.")
    var prefix = "assist"
    @Flag(help: "CloudEvents as whole JSON values, or as headers and data (Kafka only).")
    var mode: Mode = .structured
    @Option(
      help: ArgumentHelp("A librdkafka property (may be repeated).", valueName: "name=value"))
    var property: [String] = []
    @Option(help: "Pass on the initial load alone, the days after it alone, or all.")
    var only: CityPart = .all
    @Option(help: "At most so many records a second, after the initial load.")
    var rate: Double?
    @Option(help: "Write the directory of advisors and resources to this file, as NDJSON.")
    var directoryOut: String?
    @Option(help: "Write what was simulated, in numbers, to this file, as JSON.")
    var countsOut: String?
  }

  /// A part of the stream; the rest is made but not passed on.
  enum CityPart: String, ExpressibleByArgument, CaseIterable {
    case all, load, days

    func includes(_ city: CityStream) -> Bool {
      switch self {
      case .all: true
      case .load: city.counts.records <= city.loadRecords
      case .days: city.counts.records > city.loadRecords
      }
    }
  }

  enum Mode: String, EnumerableFlag {
    case structured, binary
  }

  mutating func validate() throws {
    try require((1...CityOptions.mostPeople).contains(people), "--people is 1 to 25000000")
    try require((1...CityOptions.mostDays).contains(days), "--days is 1 to 3660")
    try require(events.map { $0 > 0 } ?? true, "--events is 1 or more")
    try require(start == nil || end == nil, "--start and --end exclude each other")
    try require(mixture.stories >= 0 && mixture.stories <= 1_000_000, "--stories is 0 to 1000000")
    try require(mixture.restricted >= 0 && mixture.restricted <= 1000, "--restricted is 0 to 1000")
    let shares = [
      ("bad", mixture.bad), ("duplicates", mixture.duplicates), ("late", mixture.late),
      ("out-of-order", mixture.outOfOrder), ("corrections", mixture.corrections),
      ("retractions", mixture.retractions),
    ]
    for (name, share) in shares {
      try require((0...1).contains(share), "--\(name) is a share, 0 to 1")
    }
    try require(target.rate.map { $0 > 0 } ?? true, "--rate is above 0")
    try require(target.mode == .structured || target.brokers != nil, "--binary needs --brokers")
    for property in target.property {
      try require(property.contains("="), "--property is name=value")
    }
    _ = try cityOptions()
  }

  private func require(_ holds: Bool, _ message: String) throws {
    if !holds { throw ValidationError(message) }
  }

  func run() throws {
    let options = try cityOptions()
    if let path = target.directoryOut { try writeDirectory(options, to: path) }
    let simulation = Simulate(options: options, target: target)
    let counts = try simulation.run()
    if let path = target.countsOut {
      let file = try FileOutput.file(path)
      try file.write(counts.json + "\n")
      file.close()
    }
  }

  private func cityOptions() throws -> CityOptions {
    var options = CityOptions()
    options.people = people
    options.days = days
    options.seed = seed
    options.events = events
    options.storyRate = mixture.stories
    options.bad = mixture.bad
    options.oversized = mixture.oversized
    options.duplicates = mixture.duplicates
    options.late = mixture.late
    options.outOfOrder = mixture.outOfOrder
    options.corrections = mixture.corrections
    options.retractions = mixture.retractions
    options.restricted = mixture.restricted
    if let start {
      guard let date = CivilDate(start) ?? Instant(start)?.date else {
        throw ValidationError("--start is a date or an RFC 3339 time")
      }
      options.start = date
    }
    // The daemon opens nothing for events of long ago: what it is sent should end now.
    if let end = end ?? (start == nil && target.brokers != nil ? "now" : nil) {
      guard let instant = end == "now" ? Instant(seconds: Int64(time(nil))) : Instant(end) else {
        throw ValidationError("--end is an RFC 3339 time or 'now'")
      }
      options.ending(at: instant)
    }
    return options
  }

  private func writeDirectory(_ options: CityOptions, to path: String) throws {
    let file = try FileOutput.file(path)
    defer { file.close() }
    try file.write(cityDirectory(options).map { $0.value + "\n" }.joined())
  }
}

/// One run: makes the city and passes its records on at the rate asked for.
private struct Simulate {
  let options: CityOptions
  let target: SimulateCommand.Target

  func run() throws -> CityCounts {
    var progress = ProgressLine(besideOutput: target.brokers == nil)
    progress.show { _ in "making a city of \(grouped(options.people)) people ..." }
    let mode: ContentMode = target.mode == .binary ? .binary : .structured
    let city = CityStream(options, mode: mode, lines: target.brokers == nil)
    if target.brokers == nil {
      try writeLines(city, &progress)
    } else {
      try produce(city, &progress)
    }
    progress.finish(summary(city.counts, progress.elapsed))
    return city.counts
  }

  // MARK: Lines

  private func writeLines(_ city: CityStream, _ progress: inout ProgressLine) throws {
    let output = FileOutput.standard()
    var text = ByteText(reserving: 1 << 19)
    var buffer = EventBuffer()
    var pace = Pace(target.rate)
    // A slow stream shows each record at once.
    let chunk = target.rate == nil && target.only == .all ? 1 << 18 : 1
    var more = true
    while more {
      more = city.appendLines(to: &text, upTo: chunk, &buffer)
      if target.only == .load, !target.only.includes(city) { return }
      if target.only.includes(city), try text.withBytes({ try output.write($0) }) == .closed {
        return
      }
      text.removeAll()
      progress.show { line(city, $0) }
      pace.wait(for: city.counts.records - city.counts.load)
    }
  }

  // MARK: Kafka

  private func produce(_ city: CityStream, _ progress: inout ProgressLine) throws {
    do {
      let producer = try connect()
      if target.only != .days { try publishDirectory(producer) }
      let topics = try CityTopic.allCases.map { try producer.topic(name($0)) }
      let structured = [KafkaHeader("content-type", Array("application/cloudevents+json".utf8))]
      var buffer = EventBuffer()
      var pace = Pace(target.rate)
      while city.next(into: &buffer) {
        if target.only == .load, !target.only.includes(city) { break }
        guard target.only.includes(city) else { continue }
        let topic = topics[Int(buffer.topic.rawValue)]
        let headers = target.mode == .structured ? structured : self.headers(buffer)
        let hasValue = buffer.hasValue
        try buffer.key.withBytes { key in
          try buffer.value.withBytes { value in
            try producer.produce(topic, key: key, value: hasValue ? value : nil, headers: headers)
          }
        }
        if city.counts.records % 1024 == 0 || target.rate != nil {
          progress.show { line(city, $0) }
          pace.wait(for: city.counts.records - city.counts.load) { producer.poll() }
        }
      }
      try producer.flush(limit: .seconds(60))
    } catch let failure as KafkaFailure {
      throw CommandFailure(.brokerUnavailable, "\(failure)")
    } catch let error as KafkaConfigurationError {
      throw CommandFailure(.usage, "\(error)")
    }
  }

  /// Asks the brokers first, so that a wrong address or prefix fails at once.
  private func connect() throws -> KafkaProducer {
    let servers = (target.brokers ?? "").split(separator: ",").map(String.init)
    var configuration = KafkaConfiguration(
      bootstrapServers: servers, clientID: "outreachd-simulate")
    for property in target.property {
      let parts = property.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      configuration.properties[String(parts[0])] = String(parts[1])
    }
    let logger = Logger(label: "simulate") {
      LineLogHandler(label: $0, format: .text, level: .error)
    }
    let admin = try KafkaAdmin(configuration: configuration, logger: logger)
    let known = try admin.topics(limit: .seconds(10))
    let missing = CityTopic.allCases.map(name).filter { known[$0] == nil }
    if !missing.isEmpty {
      throw CommandFailure(
        .brokerUnavailable, "the cluster lacks topics: " + missing.joined(separator: ", "))
    }
    return try KafkaProducer(transactionalID: nil, configuration: configuration, logger: logger)
  }

  private func name(_ topic: CityTopic) -> String { target.prefix + "." + topic.suffix }

  private func publishDirectory(_ producer: KafkaProducer) throws {
    for entry in cityDirectory(options) {
      let topic = try producer.topic(name(entry.topic))
      try Array(entry.key.utf8).withUnsafeBytes { key in
        try Array(entry.value.utf8).withUnsafeBytes { value in
          try producer.produce(topic, key: key, value: value)
        }
      }
    }
  }

  private func headers(_ buffer: borrowing EventBuffer) -> [KafkaHeader] {
    var headers: [KafkaHeader] = []
    buffer.forEachHeader { headers.append(KafkaHeader(String(describing: $0), Array($1))) }
    return headers
  }

  // MARK: Progress

  private func line(_ city: CityStream, _ seconds: Double) -> String {
    let count = city.counts.records
    let day = city.today?.description ?? "initial load"
    return
      "\(day)  \(grouped(count)) records  \(grouped(Int(Double(count) / max(seconds, 0.001))))/s"
  }

  private func summary(_ counts: CityCounts, _ seconds: Double) -> String {
    "\(grouped(counts.records)) records in \(Int(seconds * 10) / 10) s: \(grouped(counts.load)) "
      + "initial load, \(grouped(counts.duplicates)) duplicates, \(grouped(counts.late)) late, "
      + "\(grouped(counts.corrections)) corrections, \(grouped(counts.retractions)) retractions, "
      + "\(grouped(counts.badRecords)) bad"
  }
}

/// Holds a stream to a number of records a second.
private struct Pace {
  private let rate: Double?
  private var began = ContinuousClock.now

  init(_ rate: Double?) { self.rate = rate }

  /// Sleeps until `count` records are due; `serve` is called now and then meanwhile. The clock
  /// starts with the first record that counts.
  mutating func wait(for count: Int, serve: () -> Void = {}) {
    guard let rate else { return }
    if count == 0 { began = .now }
    let due = began + .seconds(Double(count) / rate)
    while true {
      let left = due - ContinuousClock.now
      guard left > .milliseconds(1) else { return }
      serve()
      let (seconds, attoseconds) = min(left, .milliseconds(100)).components
      usleep(UInt32(seconds * 1_000_000 + attoseconds / 1_000_000_000_000))
    }
  }
}

extension CityCounts {
  /// What was written, by kind, for scripts that compare.
  fileprivate var json: String {
    let types = CityEventType.allCases.filter { count($0) > 0 }
      .map { "\"\($0.name)\":\(count($0))" }.joined(separator: ",")
    let defects = Defect.allCases.filter { $0 != .none && count($0) > 0 }
      .map { "\"\($0)\":\(count($0))" }.joined(separator: ",")
    return "{\"records\":\(records),\"load\":\(load),\"duplicates\":\(duplicates),"
      + "\"corrections\":\(corrections),\"retractions\":\(retractions),\"wrong\":\(wrong),"
      + "\"late\":\(late),\"outOfOrder\":\(outOfOrder),\"clashes\":\(clashes),"
      + "\"bad\":\(badRecords),\"types\":{\(types)},\"defects\":{\(defects)}}"
  }
}
