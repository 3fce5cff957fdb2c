import Records
import Streaming
import Vocabulary

/// The head of a household's state, read in place: enough to see of most messages that they can
/// change nothing but the household's copy of a person's record.
struct HouseholdBrief: Equatable, Sendable {
  /// The household's wake-up; nil where nothing waits for time to pass.
  var nextDue: Instant?
  /// A known household that waits for nobody and has nothing to decide.
  var isAtRest = false
  /// What the last decision found.
  var outlook = Outlook()

  /// How the rules stand to a household, as sets of bits of a `Rulebook`.
  struct Outlook: Equatable, Sendable {
    /// The pack whose rules these are.
    var policy: UInt64 = 0
    /// Event rules with an event on file that they may yet answer for otherwise.
    var sensitive: UInt64 = 0
    /// Event rules with an event on file whose day has answered: only what took effect no later
    /// than the last of these days can change that.
    var settled: UInt64 = 0
    var settledThrough = CivilDate.earliest
    /// Event rules that cannot fire, since nothing they need has been stated of anybody on file.
    var unable: UInt64 = 0
    /// Event rules that fail for every event, since less is on file than they ask for.
    var short: UInt64 = 0
    /// Clauses by which situation rules fail: a rule with any of them fails by them for everybody
    /// it is about.
    var standing: UInt64 = 0
  }

  static let size = 1 + 8 + 1 + 6 * 8 + 4

  func encode(into writer: inout ByteWriter) {
    writer.i64(nextDue?.microseconds ?? .max)
    writer.bool(isAtRest)
    writer.u64(outlook.policy)
    writer.u64(outlook.sensitive)
    writer.u64(outlook.settled)
    writer.u32(UInt32(bitPattern: outlook.settledThrough.dayNumber))
    writer.u64(outlook.unable)
    writer.u64(outlook.short)
    writer.u64(outlook.standing)
  }

  init() {}

  /// - Parameter tellsShort: whether the format of the household does.
  init(_ reader: inout ByteReader, tellsShort: Bool) throws(DecodingFailure) {
    let due = try reader.i64()
    nextDue = due == .max ? nil : Instant(microseconds: due)
    isAtRest = try reader.bool()
    outlook = Outlook(
      policy: try reader.u64(), sensitive: try reader.u64(), settled: try reader.u64(),
      settledThrough: CivilDate(dayNumber: Int32(bitPattern: try reader.u32())),
      unable: try reader.u64(), short: tellsShort ? try reader.u64() : 0,
      standing: try reader.u64())
  }

  /// From the beginning of an encoded household; nil where the format is another.
  init?(_ bytes: UnsafeRawBufferPointer) {
    guard bytes.count >= HouseholdBrief.size, bytes.first == HouseholdState.format else {
      return nil
    }
    var reader = ByteReader(bytes, offset: 1)
    guard let brief = try? HouseholdBrief(&reader, tellsShort: true) else { return nil }
    self = brief
  }
}

/// A record of a person as it comes to a household, read in place.
struct PersonNews {
  let household: UnsafeRawBufferPointer
  let cause: EventKey
  let changed: FactIDs
  let record: UnsafeRawBufferPointer

  /// Nil for any other message, and where anything may have changed.
  init?(_ payload: UnsafeRawBufferPointer) throws(DecodingFailure) {
    var reader = ByteReader(payload)
    household = try reader.blob()
    guard try reader.u8() == HouseholdMessage.personTag, try reader.bool() else { return nil }
    changed = try reader.factIDs()
    guard try reader.bool() else { return nil }
    cause = try reader.eventKey()
    record = try reader.raw(reader.remaining)
  }
}
