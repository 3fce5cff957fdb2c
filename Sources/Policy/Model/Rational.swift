/// An exact fraction; every operation reports overflow instead of trapping.
struct Rational: Hashable, Sendable {
  /// Lowest terms, denominator above 0.
  let numerator: Int64
  let denominator: Int64

  init(_ whole: Int64) {
    numerator = whole
    denominator = 1
  }

  /// Nil for a zero denominator or on overflow.
  init?(_ numerator: Int64, _ denominator: Int64) {
    guard denominator != 0, numerator != .min, denominator != .min else { return nil }
    let divisor = Rational.gcd(numerator.magnitude, denominator.magnitude)
    let sign: Int64 = denominator < 0 ? -1 : 1
    guard let d = Int64(exactly: denominator.magnitude / divisor),
      let n = Int64(exactly: numerator.magnitude / divisor)
    else { return nil }
    self.numerator = numerator < 0 ? -n * sign : n * sign
    self.denominator = d
  }

  /// Parses a plain decimal such as `2` or `1.5`, of at most 15 digits.
  init?(decimal text: some StringProtocol) {
    var digits: Int64 = 0
    var scale: Int64 = 1
    var count = 0
    var afterPoint = false
    for byte in text.utf8 {
      if byte == 0x2E, !afterPoint, count > 0 {
        afterPoint = true
        continue
      }
      guard byte &- 0x30 <= 9, count < 15 else { return nil }
      digits = digits * 10 + Int64(byte &- 0x30)
      if afterPoint { scale *= 10 }
      count += 1
    }
    guard count > 0, !(afterPoint && scale == 1) else { return nil }
    self.init(digits, scale)
  }

  func adding(_ other: Rational) -> Rational? {
    guard let a = multiply(numerator, other.denominator),
      let b = multiply(other.numerator, denominator),
      let d = multiply(denominator, other.denominator)
    else { return nil }
    let (sum, overflow) = a.addingReportingOverflow(b)
    return overflow ? nil : Rational(sum, d)
  }

  func subtracting(_ other: Rational) -> Rational? {
    Rational(-other.numerator, other.denominator).flatMap(adding)
  }

  func multiplied(by other: Rational) -> Rational? {
    guard let a = Rational(numerator, other.denominator),
      let b = Rational(other.numerator, denominator),
      let n = multiply(a.numerator, b.numerator), let d = multiply(a.denominator, b.denominator)
    else { return nil }
    return Rational(n, d)
  }

  func divided(by other: Rational) -> Rational? {
    guard let inverse = Rational(other.denominator, other.numerator) else { return nil }
    return multiplied(by: inverse)
  }

  /// The nearest multiple of `unit`; halves go away from zero.
  func rounded(to unit: Int64) -> Int64? {
    guard let scaled = divided(by: Rational(unit)) else { return nil }
    let whole = scaled.numerator.magnitude / UInt64(scaled.denominator)
    let rest = scaled.numerator.magnitude % UInt64(scaled.denominator)
    let up = rest >= UInt64(scaled.denominator) - rest ? whole + 1 : whole
    guard let magnitude = Int64(exactly: up), let result = multiply(magnitude, unit) else {
      return nil
    }
    return scaled.numerator < 0 ? -result : result
  }

  private func multiply(_ a: Int64, _ b: Int64) -> Int64? {
    let (product, overflow) = a.multipliedReportingOverflow(by: b)
    return overflow || product == .min ? nil : product
  }

  private static func gcd(_ a: UInt64, _ b: UInt64) -> UInt64 {
    var (x, y) = (a, b)
    while y != 0 { (x, y) = (y, x % y) }
    return max(1, x)
  }
}

/// A formula of a derived parameter: sums, differences, products and quotients of numbers and
/// other parameters, with parentheses, evaluated exactly.
struct Formula: Sendable {
  indirect enum Node: Sendable {
    case number(Rational)
    case parameter(Int)
    case binary(Character, Node, Node)
  }
  let node: Node
  /// Indexes of the parameters it reads.
  let reads: [Int]

  /// What is wrong with a formula, at a code point offset.
  struct Problem: Error {
    let message: String
    let offset: Int
    let name: String?
  }

  static let maximumDepth = 16

  /// Parses; `index` resolves the name of a parameter.
  static func parse(_ text: String, index: @escaping (String) -> Int?) -> Result<Formula, Problem> {
    var parser = FormulaParser(text: Array(text.unicodeScalars), index: index)
    do throws(Problem) { return .success(try parser.formula()) } catch { return .failure(error) }
  }

  /// The value, or nil on overflow, division by zero or a missing parameter.
  func evaluate(_ value: (Int) -> Int64?) -> Rational? { Formula.evaluate(node, value) }

  private static func evaluate(_ node: Node, _ value: (Int) -> Int64?) -> Rational? {
    switch node {
    case .number(let number): return number
    case .parameter(let index): return value(index).map { Rational($0) }
    case .binary(let op, let left, let right):
      guard let a = evaluate(left, value), let b = evaluate(right, value) else { return nil }
      return switch op {
      case "+": a.adding(b)
      case "-": a.subtracting(b)
      case "*": a.multiplied(by: b)
      default: a.divided(by: b)
      }
    }
  }
}

private struct FormulaParser {
  let text: [Unicode.Scalar]
  let index: (String) -> Int?
  var at = 0
  var depth = 0
  var reads: [Int] = []

  mutating func formula() throws(Formula.Problem) -> Formula {
    let node = try sum()
    skipBlanks()
    guard at == text.count else { throw problem("expected an operator") }
    return Formula(node: node, reads: reads)
  }

  private func problem(_ message: String, name: String? = nil) -> Formula.Problem {
    Formula.Problem(message: message, offset: at, name: name)
  }

  private mutating func skipBlanks() { while at < text.count, text[at] == " " { at += 1 } }

  private mutating func take(_ operators: [Unicode.Scalar]) -> Character? {
    skipBlanks()
    guard at < text.count, operators.contains(text[at]) else { return nil }
    at += 1
    return Character(text[at - 1])
  }

  private mutating func sum() throws(Formula.Problem) -> Formula.Node {
    var node = try product()
    while let op = take(["+", "-"]) { node = .binary(op, node, try product()) }
    return node
  }

  private mutating func product() throws(Formula.Problem) -> Formula.Node {
    var node = try operand()
    while let op = take(["*", "/"]) { node = .binary(op, node, try operand()) }
    return node
  }

  private mutating func operand() throws(Formula.Problem) -> Formula.Node {
    if take(["("]) != nil {
      depth += 1
      guard depth <= Formula.maximumDepth else { throw problem("nested too deeply") }
      let node = try sum()
      guard take([")"]) != nil else { throw problem("expected ')'") }
      depth -= 1
      return node
    }
    skipBlanks()
    let start = at
    while at < text.count, isWordScalar(text[at]) { at += 1 }
    let word = String(String.UnicodeScalarView(text[start..<at]))
    guard let first = word.utf8.first else { throw problem("expected a number or a parameter") }
    if first &- 0x30 <= 9 {
      guard let number = Rational(decimal: word) else {
        at = start
        throw problem("'\(word)' is not a number")
      }
      return .number(number)
    }
    guard let parameter = index(word) else {
      at = start
      throw problem("there is no parameter '\(word)'", name: word)
    }
    reads.append(parameter)
    return .parameter(parameter)
  }

  private func isWordScalar(_ scalar: Unicode.Scalar) -> Bool {
    scalar == "_" || scalar == "." || scalar.isASCII && scalar.properties.isAlphabetic
      || ("0"..."9").contains(scalar)
  }
}
