import Crypto
import Streaming
import Vocabulary
import Foundation

/// Keyed identifiers: a pure function of what opened a referral or an alert, which nobody without
/// the key can turn back into a person (semantics 12).
public struct IdentifierKey: Sendable {
  /// The function with the key taken in, from where each identifier goes on.
  private let keyed: HMAC<SHA256>

  /// `secret` should hold 32 random bytes; the configuration names the file.
  public init(secret: [UInt8]) { keyed = HMAC(key: SymmetricKey(data: secret)) }

  /// The documented key of `replay` and tests; never for production.
  public static let development = IdentifierKey(
    secret: Array("outreachd development key, public".utf8))

  /// `prefix` and 26 characters of base32 (RFC 4648, lower case left out) over
  /// HMAC-SHA-256(key, fields); each field is preceded by its length, so that no two lists of
  /// fields collide.
  func identifier(_ prefix: String, _ fields: [String]) -> String {
    let message = [UInt8](reserving: 256) { message in
      for field in [prefix] + fields {
        message.u16(UInt16(truncatingIfNeeded: field.utf8.count).byteSwapped)
        message.raw(field.utf8)
      }
    }
    var digest = keyed
    digest.update(data: message)
    return prefix + digest.finalize().withUnsafeBytes { base32($0, characters: 26) }
  }

  /// `R-...`: rule, receiver with the code of its area, household, subject, ordinal.
  func referral(
    rule: String, receiver: String, area: String, household: String, subject: String, ordinal: Int
  ) -> String {
    identifier("R-", [rule, receiver, area, household, subject, String(ordinal)])
  }

  func alert(rule: String, household: String, subject: String, ordinal: Int) -> String {
    identifier("A-", [rule, "alert", household, subject, String(ordinal)])
  }

  /// The pseudonym of a household.
  func household(_ key: String) -> String { identifier("H-", [key]) }

  /// The group of the referrals that one event opened for one household.
  func bundle(event: String, household: String) -> String { identifier("B-", [event, household]) }
}

func base32(_ bytes: UnsafeRawBufferPointer, characters: Int) -> String {
  let alphabet: StaticString = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
  return String(unsafeUninitializedCapacity: characters) { text in
    var count = 0
    var buffer = 0
    var bits = 0
    for byte in bytes {
      buffer = (buffer << 8) | Int(byte)
      bits += 8
      while bits >= 5 && count < characters {
        bits -= 5
        text[count] = alphabet.utf8Start[(buffer >> bits) & 31]
        count += 1
      }
      buffer &= (1 << bits) - 1
    }
    return count
  }
}

/// The digest that names a policy pack in outputs: SHA-256 in lower-case hexadecimal.
public func policyDigest(_ bytes: [UInt8]) -> String {
  hexadecimal(Array(SHA256.hash(data: bytes)))
}

/// Two lower-case digits a byte.
func hexadecimal(_ bytes: [UInt8]) -> String {
  let digits: StaticString = "0123456789abcdef"
  return String(unsafeUninitializedCapacity: bytes.count * 2) { text in
    for (at, byte) in bytes.enumerated() {
      text[2 * at] = digits.utf8Start[Int(byte >> 4)]
      text[2 * at + 1] = digits.utf8Start[Int(byte & 15)]
    }
    return bytes.count * 2
  }
}

/// Writes the 16 digits of a number, lower case, from a place on.
func writeHexadecimal(_ number: UInt64, to text: UnsafeMutableBufferPointer<UInt8>, at start: Int) {
  let digits: StaticString = "0123456789abcdef"
  for at in 0..<16 {
    text[start + at] = digits.utf8Start[Int(truncatingIfNeeded: number >> UInt64(60 - 4 * at)) & 15]
  }
}

/// The pseudonym that was asked for last: what comes out of a visit names its household several
/// times.
final class Pseudonyms {
  private let identifiers: IdentifierKey
  private var last: (household: String, name: String)?

  init(_ identifiers: IdentifierKey) { self.identifiers = identifiers }

  /// The pseudonym of a household.
  func household(_ key: String) -> String {
    if let last, last.household == key { return last.name }
    let name = identifiers.household(key)
    last = (key, name)
    return name
  }
}
