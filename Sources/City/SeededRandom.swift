/// A seeded generator (xoshiro256**, seeded by SplitMix64; D. Blackman, S. Vigna).
///
/// Its output depends on the seed alone: integer arithmetic, and of floating point only what
/// IEEE 754 rounds exactly (no libm), so a seed gives the same city on every machine.
struct SeededRandom {
  private var a: UInt64
  private var b: UInt64
  private var c: UInt64
  private var d: UInt64

  init(seed: UInt64) {
    var state = seed
    func word() -> UInt64 {
      state &+= 0x9E37_79B9_7F4A_7C15
      return SeededRandom.mix(state)
    }
    a = word()
    b = word()
    c = word()
    d = word()
  }

  /// The SplitMix64 finaliser: a good hash of one word.
  @inline(__always)
  static func mix(_ value: UInt64) -> UInt64 {
    var z = value
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }

  @inline(__always)
  mutating func next() -> UInt64 {
    let product = b &* 5
    let result = ((product << 7) | (product >> 57)) &* 9
    let t = b << 17
    c ^= a
    d ^= b
    b ^= c
    a ^= d
    c ^= t
    d = (d << 45) | (d >> 19)
    return result
  }

  /// 0 ..< `bound`; 0 for a bound below 1.
  @inline(__always)
  mutating func below(_ bound: Int) -> Int {
    guard bound > 0 else { return 0 }
    return Int(truncatingIfNeeded: next().multipliedFullWidth(by: UInt64(bound)).high)
  }

  /// A number of the range, ends included.
  @inline(__always)
  mutating func within(_ range: ClosedRange<Int>) -> Int {
    range.lowerBound + below(range.upperBound - range.lowerBound + 1)
  }

  /// 0 ..< 1.
  @inline(__always)
  mutating func unit() -> Double { Double(next() >> 11) * 0x1p-53 }

  /// True with a probability of 0 to 1.
  @inline(__always)
  mutating func chance(_ probability: Double) -> Bool { unit() < probability }

  /// The index of a weight, drawn in proportion to it.
  mutating func index(weights: [Int]) -> Int {
    var rest = below(weights.reduce(0, +))
    for (index, weight) in weights.enumerated() {
      if rest < weight { return index }
      rest -= weight
    }
    return 0
  }

  /// A bell-shaped number around 0 with deviation 1 (sum of twelve uniform ones).
  mutating func bell() -> Double {
    var sum = -6.0
    for _ in 0..<12 { sum += unit() }
    return sum
  }

  /// How often something of this mean happens: Poisson, bell-shaped from a mean of 50.
  mutating func poisson(_ mean: Double) -> Int {
    guard mean > 0 else { return 0 }
    if mean >= 50 { return max(0, Int(mean + mean.squareRoot() * bell() + 0.5)) }
    var product = unit()
    let limit = SeededRandom.exponential(-mean)
    var count = 0
    while product > limit, count < 500 {
      product *= unit()
      count += 1
    }
    return count
  }

  /// e to the power of `x`, by series and squaring: exact to a few units in the last place and the
  /// same everywhere.
  static func exponential(_ x: Double) -> Double {
    let small = x / 256
    var term = 1.0
    var sum = 1.0
    for n in 1...12 {
      term *= small / Double(n)
      sum += term
    }
    for _ in 0..<8 { sum *= sum }
    return sum
  }
}
