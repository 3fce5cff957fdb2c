import Records
import Situation
import Streaming
import Vocabulary

/// The household's copies of its people's records, side by side in one buffer for the length of a
/// decision.
struct PersonCopies: ~Copyable {
  private var bytes: ByteWriter
  private var ranges: [(person: CitizenID, range: Range<Int>)] = []

  /// Room for each person's record, so that the buffer is seldom moved.
  private static let recordBytes = 1024

  /// - Parameter key: the household's.
  init(of key: some Collection<UInt8>, _ people: [CitizenID], _ state: StateOverlay) {
    bytes = ByteWriter(reserving: people.count * PersonCopies.recordBytes)
    ranges.reserveCapacity(people.count)
    guard let first = people.first else { return }
    var stateKey = HouseholdState.personKey(key, first)
    for person in people {
      HouseholdState.setPerson(person, of: &stateKey)
      state.withValue(stateKey) { value in
        guard let value else { return }
        let start = bytes.count
        bytes.raw(value)
        ranges.append((person, start..<bytes.count))
      }
    }
  }

  /// Calls `body` with the records in the order in which the people were named.
  func withViews<R>(
    _ body: ([PersonOnFile]) throws(DecodingFailure) -> R
  ) throws(DecodingFailure) -> R {
    try bytes.withBytes { (buffer) throws(DecodingFailure) in
      var persons: [PersonOnFile] = []
      persons.reserveCapacity(ranges.count)
      for (person, range) in ranges {
        let slice = UnsafeRawBufferPointer(rebasing: buffer[range])
        persons.append(PersonOnFile(id: person, view: try PersonView(slice)))
      }
      return try body(persons)
    }
  }
}
