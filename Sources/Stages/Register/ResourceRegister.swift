import Records
import Streaming
import Vocabulary

/// Which open referrals each social resource (社会力量) has, so that what it can take at once is
/// heeded over all households (semantics 16).
///
/// A referral counts against the resource it is with: the one that accepted it, else the first
/// candidate. The place is reserved with the answer, so that two questions never get the same one.
struct ResourceRegister {
  static let format: UInt8 = 1
  let state: StateOverlay

  func take(_ message: RegisterMessage, _ outbox: inout Outbox) throws(DecodingFailure) {
    switch message {
    case .place(let request, let isLarge):
      var inUse: [String: Int] = [:]
      for candidate in request.candidates {
        inUse[candidate.resource] = try load(candidate.resource).count
      }
      let ranked = request.ranked { inUse[$0] ?? 0 }
      if let first = ranked.first { try add(request.referral, to: first) }
      outbox.send(
        request.household,
        .matched(referral: request.referral, candidates: ranked, committeeIsLarge: isLarge))
    case .placed(let referral, let from, let to):
      if !from.isEmpty { try remove(referral, from: from) }
      if !to.isEmpty { try add(referral, to: to) }
    default: break
    }
  }

  private func add(_ referral: String, to resource: String) throws(DecodingFailure) {
    var referrals = try load(resource)
    guard !referrals.contains(referral) else { return }
    referrals.append(referral)
    save(referrals, resource)
  }

  private func remove(_ referral: String, from resource: String) throws(DecodingFailure) {
    let referrals = try load(resource)
    save(referrals.filter { $0 != referral }, resource)
  }

  /// Identifiers of the open referrals that a resource has.
  private func load(_ resource: String) throws(DecodingFailure) -> [String] {
    try state.withValue(RegisterKey.resource(resource)) { (bytes) throws(DecodingFailure) in
      guard let bytes else { return [] }
      var reader = ByteReader(bytes)
      guard try reader.u8() == ResourceRegister.format else {
        throw DecodingFailure("resource format")
      }
      return try reader.list { r throws(DecodingFailure) in try r.string() }
    }
  }

  private func save(_ referrals: [String], _ resource: String) {
    let key = RegisterKey.resource(resource)
    guard !referrals.isEmpty else { return state.delete(key) }
    let value = [UInt8](reserving: 64) { writer in
      writer.u8(ResourceRegister.format)
      writer.list(referrals) { $0.string($1) }
    }
    state.put(key, value)
  }
}
