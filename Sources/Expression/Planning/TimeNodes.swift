import Vocabulary

/// How a value computed from `today` or `now` moves as time passes.
struct TimeShape: Sendable {
  enum Unit: Sendable {
    /// Changes at civil midnights only.
    case day
    /// Changes at any moment.
    case instant
  }
  enum Form: Sendable {
    /// One day (or nanosecond) later makes it one larger or smaller.
    case linear
    /// Completed years of life on `today`.
    case age
    /// Never turns back, but moves in steps; its changes are searched for.
    case steps
  }
  let unit: Unit
  let isIncreasing: Bool
  let form: Form
}

/// A comparison of a value that moves with time and one that does not: it knows when its answer
/// will change and limits validity to that moment instead of the next midnight.
final class TimeCompareNode: BoolNode, @unchecked Sendable {
  let op: CompareOperator
  private let moving: Node
  let fixed: Node
  let shape: TimeShape
  /// Where a loop keeps the moving value of now, which is the same in all its rounds; else -1.
  private let slot: Int
  /// Of `age(birth, today)`.
  private let birth: Unmanaged<Node>?
  /// Both sides are dates.
  let isOfDates: Bool
  /// Some months before or after today.
  private let months: Unmanaged<DateStepNode>?

  /// `moving op fixed`.
  init(
    _ op: CompareOperator, _ moving: Node, _ fixed: Node, _ shape: TimeShape, isOfDates: Bool
  ) {
    self.isOfDates = isOfDates
    let invariant = moving as? LoopInvariantNode
    self.op = op
    self.moving = invariant?.inner ?? moving
    self.fixed = fixed
    self.shape = shape
    slot = invariant?.slot ?? -1
    // What these refer to is part of the moving side.
    let age = shape.form == .age ? self.moving as? AgeTodayNode : nil
    birth = age.map { .passUnretained($0.birth) }
    let steps = self.moving as? DateStepNode
    months = steps.flatMap { $0.isOfMonths && $0.date is TodayNode ? .passUnretained($0) : nil }
  }

  /// The moving value of now; it limits no validity.
  private func movingNow(_ c: EvaluationContext) -> Value {
    if c.state.pointee.isProbing { return moving.value(c) }
    if slot >= 0, !LoopInvariantNode.isPending(c.state.pointee.frame[slot]) {
      return c.state.pointee.frame[slot]
    }
    c.state.pointee.isProbing = true
    let value = moving.value(c)
    c.state.pointee.isProbing = false
    if slot >= 0 { c.state.pointee.frame[slot] = value }
    return value
  }

  override func bool(_ c: EvaluationContext) -> Bool? {
    if let birth { return birth._withUnsafeGuaranteedRef { compareAge(c, $0) } }
    if isOfDates, let result = compareDays(c) { return result }
    let wasProbing = c.state.pointee.isProbing
    let a = movingNow(c)
    let b = fixed.value(c)
    if a.isAbrupt || b.isAbrupt {
      // An error may come from the time (a date out of range), an unknown does not.
      if case .error = a { c.limitValidityToMidnight() }
      c.fail(strictFailure(a, b))
      return nil
    }
    guard let order = order(a, b) else {
      c.fail(.noSuchOverload)
      return nil
    }
    if !wasProbing, c.state.pointee.validUntil > .distantPast { limit(c, a, b, order) }
    return op.holds(order)
  }

  /// The comparison of two dates; nil where one of them is none, for which there is the long way.
  private func compareDays(_ c: EvaluationContext) -> Bool? {
    let wasProbing = c.state.pointee.isProbing
    guard let a = movingDay(c), let b = fixed.day(c) else { return nil }
    if !wasProbing { limitValidity(c, a, b) }
    return op.holds(a, b)
  }

  /// Limits validity to the day on which the comparison of a moving date with a fixed one changes.
  func limitValidity(_ c: EvaluationContext, _ a: Int32, _ b: Int32) {
    guard mayEndValidity(c, Int(b) - Int(a)) else { return }
    limit(
      c, .date(CivilDate(dayNumber: a)), .date(CivilDate(dayNumber: b)),
      Numbers.order(Int64(a), Int64(b)))
  }

  /// The moving side is the same in all rounds of the loop around.
  var movesTheSame: Bool { slot >= 0 || moving is TodayNode }

  /// Whether two dates so many days apart may change their order before validity ends anyway: those
  /// that move with the calendar stay within a few weeks of moving a day a day.
  @inline(__always)
  private func mayEndValidity(_ c: EvaluationContext, _ distance: Int) -> Bool {
    let validUntil = c.state.pointee.validUntil
    guard validUntil > .distantPast else { return false }
    let near = c.state.pointee.today.adding(days: max(0, abs(distance) - Self.margin))
    return Instant(startOf: near) < validUntil
  }

  /// `movingNow` of a date.
  func movingDay(_ c: EvaluationContext) -> Int32? {
    if c.state.pointee.isProbing { return moving.day(c) }
    if slot >= 0, case .date(let known) = c.state.pointee.frame[slot] { return known.dayNumber }
    c.state.pointee.isProbing = true
    let day = moving.day(c)
    c.state.pointee.isProbing = false
    if slot >= 0, let day { c.state.pointee.frame[slot] = .date(CivilDate(dayNumber: day)) }
    return day
  }

  private func order(_ a: Value, _ b: Value) -> Numbers.Order? {
    if let order = Numbers.relation(a, b) { return order }
    // Equality takes values of any kinds.
    return op == .equal || op == .notEqual ? Numbers.Order.none : nil
  }

  /// What the moving value must reach, relative to the fixed one, for the answer to change.
  private enum Target {
    case never
    /// At or beyond the fixed value, in the direction of movement.
    case reaches
    /// Beyond the fixed value.
    case passes
  }

  private func target(_ order: Numbers.Order) -> Target {
    let isBefore = order == (shape.isIncreasing ? .less : .greater)
    let isAfter = order == (shape.isIncreasing ? .greater : .less)
    if isAfter || order == .none { return .never }
    switch op {
    case .equal, .notEqual: return isBefore ? .reaches : .passes
    case .less, .greaterOrEqual:
      // The answer turns where the value goes from below to at-or-above.
      if shape.isIncreasing { return isBefore ? .reaches : .never }
      return .passes
    case .lessOrEqual, .greater:
      if shape.isIncreasing { return .passes }
      return isBefore ? .reaches : .never
    }
  }

  private func limit(_ c: EvaluationContext, _ a: Value, _ b: Value, _ order: Numbers.Order) {
    let target = target(order)
    guard target != .never else { return }
    switch (shape.form, shape.unit) {
    case (.linear, .day): limitLinearDay(c, a, b, target)
    case (.linear, .instant): limitLinearInstant(c, a, b, target)
    case (.age, _), (.steps, _):
      if limitMonths(c, b, target) { return }
      var distance: Int64?
      if case .date = a { distance = Self.distance(a, b).map { Int64(clamping: $0.magnitude) } }
      search(c, b, target, distance)
    }
  }

  /// Days between two dates or two numbers of days.
  private static func distance(_ a: Value, _ b: Value) -> Int64? {
    switch (a, b) {
    case (.date(let x), .date(let y)): Int64(y.dayNumber) - Int64(x.dayNumber)
    case (.int(let x), .int(let y)):
      y.subtractingReportingOverflow(x).overflow ? nil : y - x
    default: nil
    }
  }

  private func limitLinearDay(
    _ c: EvaluationContext, _ a: Value, _ b: Value, _ target: Target
  ) {
    guard let distance = Self.distance(a, b) else { return c.limitValidityToMidnight() }
    // No more days than the calendar has.
    let days = Int(min(distance.magnitude, 8_000_000)) + (target == .passes ? 1 : 0)
    let day = c.state.pointee.today.adding(days: max(1, days))
    // A day beyond the calendar never comes.
    if day < .latest { c.limitValidity(to: Instant(startOf: day)) }
  }

  private func limitLinearInstant(
    _ c: EvaluationContext, _ a: Value, _ b: Value, _ target: Target
  ) {
    let nanoseconds: Int64
    switch (a, b) {
    case (.timestamp(let x), .timestamp(let y)):
      let difference = TimeMath.difference(y, x)
      guard case .duration(let value) = difference else { return }
      nanoseconds = value
    case (.duration(let x), .duration(let y)):
      let (value, overflow) = y.subtractingReportingOverflow(x)
      if overflow { return }
      nanoseconds = value
    default: return c.limitValidityToMidnight()
    }
    let whole = Int64(nanoseconds.magnitude / 1000)
    let rest = nanoseconds.magnitude % 1000 == 0 ? Int64(0) : 1
    let wait = max(1, whole + rest + (target == .passes && rest == 0 ? 1 : 0))
    let (moment, overflow) = c.state.pointee.now.microseconds.addingReportingOverflow(wait)
    if !overflow { c.limitValidity(to: Instant(microseconds: moment)) }
  }

  /// `age(birth, today) op years`: the answer changes on a birthday.
  private func compareAge(_ c: EvaluationContext, _ birth: Node) -> Bool? {
    guard let day = birth.day(c) else {
      let abrupt = c.takeAbrupt()
      c.fail(fixed.int(c) == nil ? .merge(abrupt, c.takeAbrupt()) : abrupt)
      return nil
    }
    guard let years = fixed.int(c) else { return nil }
    let born = CivilDate(dayNumber: day)
    let today = c.state.pointee.today
    // Most comparisons ask for one birthday only: whether it has come.
    let step: Int64 = op == .greater || op == .lessOrEqual ? 1 : 0
    if op != .equal, op != .notEqual, years.magnitude < 5000,
      (1...9999).contains(born.year + Int(years + step))
    {
      let birthday = born.birthday(inYear: born.year + Int(years + step))
      let isReached = birthday <= today
      let start = Instant(startOf: birthday)
      if !isReached { c.limitValidity(to: start) }
      c.noteTime(since: isReached ? start : .distantPast)
      return isReached == (op == .greater || op == .greaterOrEqual)
    }
    c.noteToday()
    let order = Numbers.order(Int64(born.age(on: today)), years)
    let target = target(order)
    if target != .never, years.magnitude < 20_000 {
      let year = born.year + Int(years) + (target == .passes ? 1 : 0)
      if year >= 1, year <= 9999 {
        c.limitValidity(to: Instant(startOf: born.birthday(inYear: year)))
      }
    }
    return op.holds(order)
  }

  /// The day on which some months before or after today meet the target is computed.
  private func limitMonths(_ c: EvaluationContext, _ b: Value, _ target: Target) -> Bool {
    guard let months, case .date(let date) = b else { return false }
    let today = c.state.pointee.today
    c.state.pointee.isProbing = true
    let goal = target == .passes ? date.adding(days: 1) : date
    let day = months._withUnsafeGuaranteedRef { $0.first(after: today, reaching: goal, c) }
    c.state.pointee.isProbing = false
    guard let day, Int(day.dayNumber) - Int(today.dayNumber) <= TimeCompareNode.horizon
    else { return false }
    c.limitValidity(to: Instant(startOf: day))
    return true
  }

  /// Searches the first day on which the moving value meets the target, by doubling steps and then
  /// halving: about twice the logarithm of the distance in days.
  private func search(
    _ c: EvaluationContext, _ b: Value, _ target: Target, _ distance: Int64?
  ) {
    let today = c.state.pointee.today
    let now = c.state.pointee.now
    defer {
      c.state.pointee.today = today
      c.state.pointee.now = now
      c.state.pointee.isProbing = false
    }
    c.state.pointee.isProbing = true
    func meets(_ days: Int) -> Bool? {
      let day = today.adding(days: days)
      c.state.pointee.today = day
      c.state.pointee.now = max(now, Instant(startOf: day))
      let value = moving.value(c)
      guard !value.isAbrupt, let order = order(value, b) else { return nil }
      if order == .equal { return target == .reaches }
      return order == (shape.isIncreasing ? .greater : .less)
    }
    var low = 0
    var high = 1
    if let distance {
      // Dates that move with the calendar stay within a few weeks of moving a day a day, and mostly
      // within some days.
      let near = max(0, Int(clamping: distance) - Self.margin)
      if Instant(startOf: today.adding(days: near)) >= c.state.pointee.validUntil { return }
      let likely = max(0, Int(clamping: distance) - Self.likely)
      if likely > 0, meets(likely) == false {
        low = likely
        high = likely + 2 * Self.likely
      } else if near > 0, meets(near) == false {
        low = near
        high = near + 1
      }
    }
    var step = max(1, high - low)
    while high <= TimeCompareNode.horizon {
      guard let met = meets(high) else { break }
      if met { break }
      low = high
      step *= 2
      high = low + step
    }
    if high > TimeCompareNode.horizon {
      high = max(1, low)
    } else {
      while high - low > 1 {
        let middle = (low + high) / 2
        if meets(middle) ?? true { high = middle } else { low = middle }
      }
    }
    c.state.pointee.isProbing = false
    c.limitValidity(to: Instant(startOf: today.adding(days: max(1, high))))
  }

  /// Days by which a date moved by months or working days may run ahead of the calendar.
  private static let margin = 24
  /// The same for months, whose lengths differ little.
  private static let likely = 4
  /// Days looked ahead; a later change is found when validity ends there.
  private static let horizon = 1 << 16
}

/// A comparison of a field that is an age: `object.age op years`.
final class AgeFieldCompareNode: BoolNode, @unchecked Sendable {
  private let timed: TimeCompareNode
  /// The same, by what the field says.
  private let plain: Node

  init(_ op: CompareOperator, _ birth: Node, _ years: Node, _ plain: Node) {
    timed = TimeCompareNode(
      op, AgeTodayNode(birth), years, TimeShape(unit: .day, isIncreasing: true, form: .age),
      isOfDates: false)
    self.plain = plain
  }

  override func bool(_ c: EvaluationContext) -> Bool? {
    // A trace tells of the age.
    c.isTracing ? plain.bool(c) : timed.bool(c)
  }
}

/// `age(birth, today)`: exact until the next birthday.
final class AgeTodayNode: IntNode, @unchecked Sendable {
  let birth: Node
  init(_ birth: Node) { self.birth = birth }
  override func int(_ c: EvaluationContext) -> Int64? {
    guard let day = birth.day(c) else { return nil }
    c.noteToday()
    let birth = CivilDate(dayNumber: day)
    let today = c.state.pointee.today
    let age = birth.age(on: today)
    if !c.state.pointee.isProbing {
      let next = birth.year + age + 1
      if next >= 1, next <= 9999 {
        c.limitValidity(to: Instant(startOf: birth.birthday(inYear: next)))
      }
    }
    return Int64(age)
  }
}
