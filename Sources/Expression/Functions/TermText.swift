import Vocabulary

/// Reads terms such as `3wd` from bytes, without allocation.
enum TermText {
  static func parse(_ text: Text) -> Term? {
    text.withBytes { bytes in
      var count = 0
      var at = 0
      while at < bytes.count, at < 5, bytes[at] &- 0x30 <= 9 {
        count = count * 10 + Int(bytes[at] &- 0x30)
        at += 1
      }
      guard (1...4).contains(at) else { return nil }
      switch (bytes.count - at, at < bytes.count ? bytes[at] : 0) {
      case (1, 0x6D): return Term(count, .minutes)
      case (1, 0x68): return Term(count, .hours)
      case (1, 0x64): return Term(count, .days)
      case (1, 0x79): return Term(count, .years)
      case (2, 0x77) where bytes[at + 1] == 0x64: return Term(count, .workingDays)
      case (2, 0x6D) where bytes[at + 1] == 0x6F: return Term(count, .months)
      default: return nil
      }
    }
  }
}
