public import Streaming
public import Vocabulary

/// The value of a fact, or of a field of an event.
public enum FactValue: Hashable, Sendable {
  /// Known to be nothing: the register says that there is none.
  case none
  case bool(Bool)
  case int(Int64)
  case money(Fen)
  case date(CivilDate)
  case instant(Instant)
  case string(String)
  case person(CitizenID)
  case persons([CitizenID])
  case strings([String])
}

/// One fact that an event states.
public struct FactField: Hashable, Sendable {
  public var fact: FactID
  public var value: FactValue
  public init(_ fact: FactID, _ value: FactValue) {
    self.fact = fact
    self.value = value
  }
}

extension ByteWriter {
  public mutating func citizen(_ id: CitizenID) { u64(id.digits) }

  public mutating func factValue(_ value: FactValue) {
    switch value {
    case .none: u8(0)
    case .bool(let v):
      u8(1)
      bool(v)
    case .int(let v):
      u8(2)
      signedVarint(v)
    case .money(let v):
      u8(3)
      signedVarint(v.amount)
    case .date(let v):
      u8(4)
      signedVarint(Int64(v.dayNumber))
    case .instant(let v):
      u8(5)
      i64(v.microseconds)
    case .string(let v):
      u8(6)
      string(v)
    case .person(let v):
      u8(7)
      citizen(v)
    case .persons(let v):
      u8(8)
      list(v) { $0.citizen($1) }
    case .strings(let v):
      u8(9)
      list(v) { $0.string($1) }
    }
  }

  public mutating func factField(_ field: FactField) {
    u32(field.fact.rawValue)
    factValue(field.value)
  }

  public mutating func eventKey(_ key: EventKey) {
    u64(key.high)
    u64(key.low)
  }

  /// Big-endian, so that encoded keys sort as the keys do.
  public mutating func sortableEventKey(_ key: EventKey) {
    u64(key.high.byteSwapped)
    u64(key.low.byteSwapped)
  }

  public mutating func instant(_ value: Instant) { i64(value.microseconds) }
}

extension ByteReader {
  public mutating func citizen() throws(DecodingFailure) -> CitizenID {
    CitizenID(validatedDigits: try u64())
  }

  public mutating func factValue() throws(DecodingFailure) -> FactValue {
    switch try u8() {
    case 0: return .none
    case 1: return .bool(try bool())
    case 2: return .int(try signedVarint())
    case 3: return .money(Fen(try signedVarint()))
    case 4: return .date(try date())
    case 5: return .instant(try instant())
    case 6: return .string(try string())
    case 7: return .person(try citizen())
    case 8: return .persons(try list { r throws(DecodingFailure) in try r.citizen() })
    case 9: return .strings(try list { r throws(DecodingFailure) in try r.string() })
    default: throw DecodingFailure("fact value")
    }
  }

  /// Goes through the texts of a list that `factValue` decodes.
  mutating func eachText(_ body: (UnsafeRawBufferPointer) -> Void) throws(DecodingFailure) {
    for _ in 0..<(try textCount()) { body(try blob()) }
  }

  /// How many texts follow.
  mutating func textCount() throws(DecodingFailure) -> Int {
    guard try u8() == 9 else { throw DecodingFailure("fact value") }
    return try count()
  }

  /// Reads over what `factValue` decodes.
  mutating func skipFactValue() throws(DecodingFailure) {
    switch try u8() {
    case 0: break
    case 1: _ = try u8()
    case 2, 3, 4: _ = try varint()
    case 5, 7: _ = try raw(MemoryLayout<UInt64>.size)
    case 6: _ = try blob()
    case 8: _ = try raw(try count() * MemoryLayout<UInt64>.size)
    case 9: for _ in 0..<(try count()) { _ = try blob() }
    default: throw DecodingFailure("fact value")
    }
  }

  public mutating func factField() throws(DecodingFailure) -> FactField {
    FactField(FactID(rawValue: try u32()), try factValue())
  }

  public mutating func eventKey() throws(DecodingFailure) -> EventKey {
    EventKey(high: try u64(), low: try u64())
  }

  public mutating func instant() throws(DecodingFailure) -> Instant {
    Instant(microseconds: try i64())
  }

  mutating func date() throws(DecodingFailure) -> CivilDate {
    guard let day = Int32(exactly: try signedVarint()) else { throw DecodingFailure("date") }
    return CivilDate(dayNumber: day)
  }
}
