/// The bytes of an owned text or bytes value, in one allocation.
final class ByteBox: ManagedBuffer<Int, UInt8> {

  static func make(_ count: Int, _ fill: (UnsafeMutableBufferPointer<UInt8>) -> Void) -> ByteBox {
    let box = unsafeDowncast(
      ByteBox.create(minimumCapacity: max(1, count)) { _ in count }, to: ByteBox.self)
    box.withUnsafeMutablePointerToElements {
      fill(UnsafeMutableBufferPointer(start: $0, count: count))
    }
    return box
  }

  static func make(copying bytes: UnsafeBufferPointer<UInt8>) -> ByteBox {
    make(bytes.count) { target in
      if bytes.count > 0 { _ = target.update(fromContentsOf: bytes) }
    }
  }

  @inline(__always)
  var bytes: UnsafeBufferPointer<UInt8> {
    withUnsafeMutablePointers { UnsafeBufferPointer(start: $1, count: $0.pointee) }
  }
}

/// UTF-8 text (or plain bytes): owned, or borrowed from the host for the length of one evaluation.
///
/// Equality and order are those of the bytes, which for UTF-8 is the order of code points; nothing
/// is ever normalised.
public enum Text: @unchecked Sendable {
  // Unchecked because of the borrowed pointer: a borrowed text never leaves the evaluation that
  // made it (`Program.evaluate` callers copy what they keep with `owned`).

  /// An immutable buffer of its own.
  case owned(OwnedText)
  /// `count` bytes of valid UTF-8 at an address that stays valid for this evaluation.
  case borrowed(UnsafePointer<UInt8>, UInt32)

  /// A copy of a Swift string.
  public init(_ string: String) {
    var copy = string
    self = copy.withUTF8 { Text(copying: $0) }
  }

  /// A copy of bytes that are valid UTF-8 (or of plain bytes for a bytes value).
  public init(copying bytes: UnsafeBufferPointer<UInt8>) {
    self = .owned(OwnedText(box: ByteBox.make(copying: bytes)))
  }

  /// Bytes of the host that outlive the evaluation; no copy.
  public init(borrowing bytes: UnsafeRawBufferPointer) {
    let typed = bytes.bindMemory(to: UInt8.self)
    if let base = typed.baseAddress, let count = UInt32(exactly: bytes.count) {
      self = .borrowed(base, count)
    } else {
      self = .borrowed(Text.emptyBase, 0)
    }
  }

  /// Where the empty text lies: never read, never freed.
  nonisolated(unsafe) private static let emptyBase: UnsafePointer<UInt8> = {
    let base = UnsafeMutablePointer<UInt8>.allocate(capacity: 1)
    base.initialize(to: 0)
    return UnsafePointer(base)
  }()

  init(count: Int, _ fill: (UnsafeMutableBufferPointer<UInt8>) -> Void) {
    self = .owned(OwnedText(box: ByteBox.make(count, fill)))
  }

  init(_ bytes: [UInt8]) { self = bytes.withUnsafeBufferPointer { Text(copying: $0) } }

  /// Number of bytes.
  public var count: Int {
    switch self {
    case .owned(let text): text.box.bytes.count
    case .borrowed(_, let count): Int(count)
    }
  }

  /// Reads the bytes; the pointer is valid only inside `body`.
  @inline(__always)
  public func withBytes<R>(_ body: (UnsafeBufferPointer<UInt8>) -> R) -> R {
    switch self {
    case .owned(let text): withExtendedLifetime(text.box) { body(text.box.bytes) }
    case .borrowed(let base, let count): body(UnsafeBufferPointer(start: base, count: Int(count)))
    }
  }

  /// The same text in memory of its own, to keep beyond the evaluation.
  public var owned: Text {
    if case .owned = self { return self }
    return withBytes { Text(copying: $0) }
  }

  /// A copy as a Swift string.
  public var string: String { withBytes { String(decoding: $0, as: UTF8.self) } }
  var array: [UInt8] { withBytes { Array($0) } }

  /// Number of code points.
  var codePointCount: Int {
    withBytes { bytes in
      var count = 0
      for byte in bytes where byte & 0xC0 != 0x80 { count += 1 }
      return count
    }
  }

  var isASCII: Bool { withBytes { $0.allSatisfy { $0 < 0x80 } } }
}

/// Opaque storage of an owned text.
public struct OwnedText: @unchecked Sendable {
  // Unchecked: the contents are written only while `ByteBox.make` runs and never change afterwards.
  let box: ByteBox
}

extension Text: Equatable {
  @inline(__always)
  public static func == (a: Text, b: Text) -> Bool {
    a.withBytes { x in b.withBytes { y in sameBytes(x, y) } }
  }
}

extension Text: Comparable {
  public static func < (a: Text, b: Text) -> Bool { a.compare(b) < 0 }

  /// Negative, zero or positive, by bytes.
  func compare(_ other: Text) -> Int {
    withBytes { x in
      other.withBytes { y in
        let common = min(x.count, y.count)
        for i in 0..<common where x[i] != y[i] { return x[i] < y[i] ? -1 : 1 }
        return x.count - y.count
      }
    }
  }
}

extension Text: Hashable {
  public func hash(into hasher: inout Hasher) {
    withBytes { hasher.combine(bytes: UnsafeRawBufferPointer($0)) }
  }
}

extension Text: ExpressibleByStringLiteral, CustomStringConvertible {
  public init(stringLiteral value: String) { self.init(value) }
  public var description: String { string }
}

@inline(__always)
func sameBytes(_ a: UnsafeBufferPointer<UInt8>, _ b: UnsafeBufferPointer<UInt8>) -> Bool {
  guard a.count == b.count else { return false }
  var i = 0
  while i < a.count {
    if a[i] != b[i] { return false }
    i += 1
  }
  return true
}
