import Records
import Situation
import Streaming
import Vocabulary

/// The household's copies of its people's records, side by side in one buffer for the length of a
/// decision.
struct PersonCopies {
  private var bytes: [UInt8] = []
  private var ranges: [(person: CitizenID, range: Range<Int>)] = []

  /// Room for each person's record, so that the buffer is seldom moved.
  private static let recordBytes = 1024

  init(of key: HouseholdKey, _ links: [PersonLink], _ state: StateOverlay) {
    bytes.reserveCapacity(links.count * PersonCopies.recordBytes)
    ranges.reserveCapacity(links.count)
    for link in links {
      state.withValue(HouseholdState.personKey(key, link.person)) { value in
        guard let value else { return }
        let start = bytes.count
        bytes.append(contentsOf: value)
        ranges.append((link.person, start..<bytes.count))
      }
    }
  }

  /// Calls `body` with the records in the order of the household's links.
  func withViews<R>(
    _ body: ([PersonOnFile]) throws(DecodingFailure) -> R
  ) throws(DecodingFailure) -> R {
    let result: Result<R, DecodingFailure> = bytes.withUnsafeBytes { buffer in
      do throws(DecodingFailure) {
        var persons: [PersonOnFile] = []
        persons.reserveCapacity(ranges.count)
        for (person, range) in ranges {
          let slice = UnsafeRawBufferPointer(rebasing: buffer[range])
          persons.append(PersonOnFile(id: person, view: try PersonView(slice)))
        }
        return .success(try body(persons))
      } catch {
        return .failure(error)
      }
    }
    return try result.get()
  }
}
