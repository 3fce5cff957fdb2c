/// A citizen identification number (GB 11643): 17 digits and an ISO 7064 MOD 11-2 check character.
///
/// The check character follows from the digits, so the value is one integer: comparing, hashing and
/// storing it costs nothing. Abolished region codes stay valid; prefixes 81, 82, 83 (residence
/// permits of Hong Kong, Macao and Taiwan residents) and 9 (foreign permanent residents) share the
/// layout.
public struct CitizenID: Hashable, Comparable, Sendable {
  /// The 17 digits before the check character, as a number.
  public let digits: UInt64

  /// Why a text is not a citizen ID.
  public enum Rejection: Error, Equatable, Sendable {
    /// Fifteen digits: a first-generation number, which the sender has to map.
    case fifteenDigits
    /// Any other length or character, an impossible birth date, or a wrong check character.
    case malformed
  }

  /// Restores a number validated before, for example from a state record.
  public init(validatedDigits digits: UInt64) { self.digits = digits }

  /// Validates a text; `x` is folded to `X`.
  public init(_ text: some StringProtocol) throws(Rejection) {
    let utf8 = Array(text.utf8)
    let result: Result<CitizenID, Rejection> = utf8.withUnsafeBytes { bytes in
      do throws(Rejection) { return .success(try CitizenID(ascii: bytes)) } catch {
        return .failure(error)
      }
    }
    self = try result.get()
  }

  /// Validates ASCII bytes without allocation.
  public init(ascii bytes: UnsafeRawBufferPointer) throws(Rejection) {
    if bytes.count == 15, bytes.allSatisfy({ $0 &- 0x30 <= 9 }) { throw .fifteenDigits }
    guard bytes.count == 18 else { throw .malformed }
    var number: UInt64 = 0
    var sum = 0
    for i in 0..<17 {
      let digit = bytes[i] &- 0x30
      guard digit <= 9 else { throw .malformed }
      number = number * 10 + UInt64(digit)
      sum += Int(digit) * CitizenID.weights[i]
    }
    guard CitizenID.checkCharacters[sum % 11] == (bytes[17] == 0x78 ? 0x58 : bytes[17]) else {
      throw .malformed
    }
    let id = CitizenID(validatedDigits: number)
    guard CivilDate(year: id.birthYear, month: id.birthMonth, day: id.birthDay) != nil,
      bytes[0] != 0x30
    else { throw .malformed }
    self = id
  }

  /// The date of birth in digits 7 to 14.
  public var birthDate: CivilDate {
    CivilDate(year: birthYear, month: birthMonth, day: birthDay) ?? .earliest
  }

  /// True where the sequence number is odd (GB 11643: male).
  public var isMale: Bool { digits % 2 == 1 }

  /// The six-digit region code of first registration (not the place of residence).
  public var region: Int { Int(digits / 100_000_000_000) }

  /// The check character, `0` to `9` or `X`, as ASCII.
  public var checkCharacter: UInt8 {
    var rest = digits
    var sum = 0
    for i in stride(from: 16, through: 0, by: -1) {
      sum += Int(rest % 10) * CitizenID.weights[i]
      rest /= 10
    }
    return CitizenID.checkCharacters[sum % 11]
  }

  /// The 18 characters. Personal data: never in a log, metric or error text.
  public var text: String {
    let body = String(digits)
    return String(repeating: "0", count: max(0, 17 - body.count)) + body
      + String(UnicodeScalar(checkCharacter))
  }

  public static func < (a: CitizenID, b: CitizenID) -> Bool { a.digits < b.digits }

  private var birthYear: Int { Int(digits / 10_000_000 % 10_000) }
  private var birthMonth: Int { Int(digits / 100_000 % 100) }
  private var birthDay: Int { Int(digits / 1000 % 100) }

  private static let weights = [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2]
  private static let checkCharacters: [UInt8] = Array("10X98765432".utf8)
}

/// No text form: string interpolation into a log or an error must not leak the number.
extension CitizenID: CustomStringConvertible {
  public var description: String { "<citizen>" }
}
