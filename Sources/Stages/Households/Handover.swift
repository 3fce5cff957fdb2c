import Records
import Streaming
import Vocabulary

/// What a provisional household hands to the real one when its person's household becomes known:
/// openings with their referrals, what has fired already (semantics 9 and 31), and from an address
/// the reports about it.
struct Handover {
  var openings: [Opening]
  var fired: [Fired]
  var events: [EventEntry]

  func encoded() -> [UInt8] {
    var writer = ByteWriter()
    writer.list(openings) { $0.opening($1) }
    writer.list(fired) { $0.fired($1) }
    writer.list(events) { $0.eventEntry($1) }
    return writer.bytes
  }

  init(openings: [Opening], fired: [Fired], events: [EventEntry] = []) {
    self.openings = openings
    self.fired = fired
    self.events = events
  }

  init(_ bytes: [UInt8]) throws(DecodingFailure) {
    let result: Result<Handover, DecodingFailure> = bytes.withUnsafeBytes { bytes in
      var reader = ByteReader(bytes)
      do throws(DecodingFailure) {
        return .success(
          Handover(
            openings: try reader.list { r throws(DecodingFailure) in try r.opening() },
            fired: try reader.list { r throws(DecodingFailure) in try r.fired() },
            events: try reader.list { r throws(DecodingFailure) in try r.eventEntry() }))
      } catch {
        return .failure(error)
      }
    }
    self = try result.get()
  }
}
