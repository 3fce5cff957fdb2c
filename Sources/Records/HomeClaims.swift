public import Streaming

/// What a household says of a person, as it is encoded: kept and compared, seldom read.
public struct HomeClaims: Equatable, Sendable {
  fileprivate let bytes: [UInt8]

  public static let none = HomeClaims([])

  public init(_ claims: [HomeClaim]) {
    bytes = [UInt8](reserving: 1 + 96 * claims.count) { writer in
      writer.list(claims) { $0.homeClaim($1) }
    }
  }

  fileprivate init(encoded bytes: UnsafeRawBufferPointer) { self.bytes = Array(bytes) }

  public var isEmpty: Bool { bytes.first == 0 }
}

extension ByteWriter {
  public mutating func homeClaims(_ claims: HomeClaims) { raw(claims.bytes) }
}

extension ByteReader {
  public mutating func homeClaims() throws(DecodingFailure) -> HomeClaims {
    HomeClaims(encoded: try passed { r throws(DecodingFailure) in try r.skipHomeClaims() })
  }
}
