import Vocabulary

/// The common part of all loops: the range and the loop variables.
class LoopNode: Node, @unchecked Sendable {
  let range: Node
  /// The only variable, or the second of two.
  let slot: Int
  /// Index or key, where there are two variables; else -1.
  let keySlot: Int
  /// Where values are kept that are the same in every round.
  let invariants: [Int]

  init(_ range: Node, slot: Int, keySlot: Int, invariants: [Int]) {
    self.range = range
    self.slot = slot
    self.keySlot = keySlot
    self.invariants = invariants
  }

  /// Forgets what an earlier run of the loop kept.
  @inline(__always)
  final func begin(_ c: EvaluationContext) {
    for slot in invariants { c.state.pointee.frame[slot] = LoopInvariantNode.pending }
  }

  /// Number of rounds, or nil where the value is no list or map.
  @inline(__always)
  final func count(_ c: EvaluationContext, _ range: Value) -> Int? {
    switch range {
    case .hostList(let list): c.count(list)
    case .list(let list): list.count
    case .map(let map): map.keys.count
    default: nil
    }
  }

  /// Sets the loop variables of one round.
  @inline(__always)
  final func bind(_ c: EvaluationContext, _ range: Value, _ i: Int) {
    let frame = c.state.pointee.frame
    switch range {
    case .hostList(let list):
      if let object = c.object(list, at: i) {
        c.bind(object, in: slot)
      } else {
        frame[slot] = c.element(list, at: i)
      }
    case .list(let list): frame[slot] = list.elements[i]
    case .map(let map):
      frame[slot] = keySlot < 0 ? map.keys[i] : map.values[i]
      if keySlot >= 0 { frame[keySlot] = map.keys[i] }
      return
    default: return
    }
    if keySlot >= 0 { frame[keySlot] = .int(Int64(i)) }
  }

  /// How one round ended.
  enum Round {
    case done
    /// Unknown or an error: so is the whole, but the other rounds still count (an unknown wins).
    case failed(Value)
    /// The loop ends at once.
    case stopped(Value)
  }

  /// Runs the rounds that pass the condition, all of them: an unknown or an error anywhere is the
  /// result. Nil where every round was done.
  @inline(__always)
  final func forEach(
    _ c: EvaluationContext, in range: Value, where condition: Node?, _ round: () -> Round
  ) -> Value? {
    guard let count = count(c, range) else {
      c.failUnless(range)
      return c.takeAbrupt()
    }
    begin(c)
    var abrupt: Value?
    var i = 0
    while i < count {
      guard c.spend() else { return .error(.budget) }
      bind(c, range, i)
      i += 1
      if let condition {
        guard let passes = condition.bool(c) else {
          abrupt = merged(abrupt, c.takeAbrupt())
          continue
        }
        if !passes { continue }
      }
      switch round() {
      case .done: continue
      case .failed(let value): abrupt = merged(abrupt, value)
      case .stopped(let value): return value
      }
    }
    return abrupt
  }
}

/// A part of a loop's body that reads none of the loop's variables: evaluated in the first round
/// that needs it.
final class LoopInvariantNode: Node, @unchecked Sendable {
  let slot: Int
  let inner: Node
  init(_ slot: Int, _ inner: Node) {
    self.slot = slot
    self.inner = inner
  }

  /// Stands for a value that is not known yet; no host has such a list.
  static var pending: Value { .hostList(HostList(kind: .max, field: .max, index: .max)) }

  @inline(__always)
  static func isPending(_ value: Value) -> Bool {
    if case .hostList(let list) = value { return list.kind == .max && list.field == .max }
    return false
  }

  override func value(_ c: EvaluationContext) -> Value {
    // A probe runs at another time than now: it must neither use nor leave a value.
    if c.state.pointee.isProbing { return inner.value(c) }
    let known = c.state.pointee.frame[slot]
    if !LoopInvariantNode.isPending(known) { return known }
    let value = inner.value(c)
    c.state.pointee.frame[slot] = value
    return value
  }

  override func int(_ c: EvaluationContext) -> Int64? {
    if c.state.pointee.isProbing { return inner.int(c) }
    if case .int(let known) = c.state.pointee.frame[slot] { return known }
    guard LoopInvariantNode.isPending(c.state.pointee.frame[slot]) else { return super.int(c) }
    guard let int = inner.int(c) else { return super.int(c) }
    c.state.pointee.frame[slot] = .int(int)
    return int
  }

  override func day(_ c: EvaluationContext) -> Int32? {
    if c.state.pointee.isProbing { return inner.day(c) }
    if case .date(let known) = c.state.pointee.frame[slot] { return known.dayNumber }
    guard LoopInvariantNode.isPending(c.state.pointee.frame[slot]) else { return super.day(c) }
    guard let day = inner.day(c) else { return super.day(c) }
    c.state.pointee.frame[slot] = .date(CivilDate(dayNumber: day))
    return day
  }
}

@inline(never)
private func merged(_ a: Value?, _ b: Value) -> Value { a.map { .merge($0, b) } ?? b }

/// `exists` and `all`: the first decisive round ends the loop, whatever others are.
final class QuantifierNode: LoopNode, @unchecked Sendable {
  private let body: Node
  /// The answer that ends the loop: true for `exists`, false for `all`.
  private let decisive: Bool

  init(
    _ range: Node, slot: Int, keySlot: Int, invariants: [Int], body: Node, decisive: Bool
  ) {
    self.body = body
    self.decisive = decisive
    super.init(range, slot: slot, keySlot: keySlot, invariants: invariants)
  }

  override func value(_ c: EvaluationContext) -> Value {
    if let result = bool(c) { return .bool(result) }
    return c.takeAbrupt()
  }

  override func bool(_ c: EvaluationContext) -> Bool? {
    let range = self.range.value(c)
    guard let count = count(c, range) else {
      c.failUnless(range)
      return nil
    }
    begin(c)
    var i = 0
    while i < count {
      guard c.spend() else {
        c.fail(.error(.budget))
        return nil
      }
      bind(c, range, i)
      guard let value = body.bool(c) else { return undecided(c, range, from: i + 1, count) }
      if value == decisive { return decisive }
      i += 1
    }
    return !decisive
  }

  @inline(never)
  private func undecided(
    _ c: EvaluationContext, _ range: Value, from start: Int, _ count: Int
  ) -> Bool? {
    var abrupt = c.takeAbrupt()
    var i = start
    while i < count {
      guard c.spend() else {
        c.fail(.error(.budget))
        return nil
      }
      bind(c, range, i)
      if let value = body.bool(c) {
        if value == decisive { return decisive }
      } else {
        abrupt = .merge(abrupt, c.takeAbrupt())
      }
      i += 1
    }
    c.fail(abrupt)
    return nil
  }
}

/// `exists_one`: every round counts, so an unknown or error anywhere is the result.
final class ExistsOneNode: LoopNode, @unchecked Sendable {
  private let body: Node
  init(_ range: Node, slot: Int, keySlot: Int, invariants: [Int], body: Node) {
    self.body = body
    super.init(range, slot: slot, keySlot: keySlot, invariants: invariants)
  }
  override func value(_ c: EvaluationContext) -> Value {
    var found = 0
    let abrupt = forEach(c, in: range.value(c), where: nil) {
      guard let value = body.bool(c) else { return .failed(c.takeAbrupt()) }
      if value { found += 1 }
      return .done
    }
    return abrupt ?? .bool(found == 1)
  }
}

/// `filter`, `map` and `transformList`: a list of the results of the rounds that pass.
final class CollectNode: LoopNode, @unchecked Sendable {
  let condition: Node?
  /// The condition, or one that always holds: there is no optional to unwrap in each round.
  private let test: Node
  /// The condition, where there is none or it can be decided for many elements at once.
  let columns: ColumnCondition
  let hasColumns: Bool
  /// For `filter` the element itself.
  let body: Node
  let isFilter: Bool

  init(
    _ range: Node, slot: Int, keySlot: Int, invariants: [Int], condition: Node?, body: Node?
  ) {
    self.condition = condition
    test = condition ?? BoolConstantNode(true)
    let columns = condition.flatMap { ColumnCondition.make($0, of: slot) }
    hasColumns = keySlot < 0 && (condition == nil || columns != nil)
    self.columns = columns ?? ColumnCondition()
    self.body = body ?? LocalNode(slot)
    isFilter = body == nil
    super.init(range, slot: slot, keySlot: keySlot, invariants: invariants)
  }

  override func value(_ c: EvaluationContext) -> Value {
    let range = self.range.value(c)
    guard let count = count(c, range) else {
      c.failUnless(range)
      return c.takeAbrupt()
    }
    if count == 0 {
      if case .list = range { return range }
      return .list(.empty)
    }
    begin(c)
    if isFilter {
      if hasColumns, let passed = picked(c, range, count) { return passed }
      if case .hostList(let list) = range { return filtered(c, list, count) }
    }
    var abrupt: Value?
    var result: [Value] = []
    for i in 0..<count {
      guard c.spend() else { return .error(.budget) }
      bind(c, range, i)
      guard let passes = test.bool(c) else {
        abrupt = merged(abrupt, c.takeAbrupt())
        continue
      }
      if !passes { continue }
      let element = body.value(c)
      if element.isAbrupt {
        abrupt = merged(abrupt, element)
      } else {
        // Of many filters nothing passes.
        if result.isEmpty { result.reserveCapacity(count &- i) }
        result.append(element)
      }
    }
    return abrupt ?? .list(result.isEmpty ? .empty : ListValue(result))
  }

  /// The elements of a host's list that pass: another list of the host, which needs no memory to be
  /// counted.
  private func filtered(_ c: EvaluationContext, _ list: HostList, _ count: Int) -> Value {
    withUnsafeTemporaryAllocation(of: UInt32.self, capacity: count) { places in
      var found = 0
      var abrupt: Value?
      for i in 0..<count {
        guard c.spend() else { return .error(.budget) }
        bind(c, .hostList(list), i)
        guard let passes = test.bool(c) else {
          abrupt = merged(abrupt, c.takeAbrupt())
          continue
        }
        if passes {
          places[found] = UInt32(truncatingIfNeeded: i)
          found += 1
        }
      }
      if let abrupt { return abrupt }
      return part(c, .hostList(list), UnsafeBufferPointer(rebasing: places[..<found]))
    }
  }

  /// The elements that pass, found many at once; nil where they have to be gone through.
  private func picked(_ c: EvaluationContext, _ range: Value, _ count: Int) -> Value? {
    withUnsafeTemporaryAllocation(of: UInt32.self, capacity: count) { places in
      var found = 0
      let isDone = eachPassing(columns, c, range, count) { rows, passing in
        for row in Bits(passing) {
          places[found] = UInt32(truncatingIfNeeded: rows.start &+ row)
          found += 1
        }
        return true
      }
      guard isDone, c.spend(count) else { return nil }
      return part(c, range, UnsafeBufferPointer(rebasing: places[..<found]))
    }
  }

  /// The elements at some places of a list.
  private func part(
    _ c: EvaluationContext, _ range: Value, _ places: UnsafeBufferPointer<UInt32>
  ) -> Value {
    if places.isEmpty { return .list(.empty) }
    if case .list(let list) = range {
      return .list(ListValue(places.map { list.elements[Int($0)] }))
    }
    guard case .hostList(let list) = range else { return .noSuchOverload }
    if let part = c.list(of: places, in: list) { return .hostList(part) }
    let elements = places.map { c.element(list, at: Int($0)) }
    return elements.first { $0.isAbrupt } ?? .list(ListValue(elements))
  }
}

/// `transformMap` and `transformMapEntry`.
final class TransformMapNode: LoopNode, @unchecked Sendable {
  private let condition: Node?
  private let body: Node
  /// The body gives maps whose entries are collected.
  private let entries: Bool

  init(
    _ range: Node, slot: Int, keySlot: Int, invariants: [Int], condition: Node?, body: Node,
    entries: Bool
  ) {
    self.condition = condition
    self.body = body
    self.entries = entries
    super.init(range, slot: slot, keySlot: keySlot, invariants: invariants)
  }

  override func value(_ c: EvaluationContext) -> Value {
    var keys: [Value] = []
    var values: [Value] = []
    let abrupt = forEach(c, in: range.value(c), where: condition) {
      let key = c.state.pointee.frame[keySlot]
      let result = body.value(c)
      if result.isAbrupt { return .failed(result) }
      if !entries {
        keys.append(key)
        values.append(result)
      } else if case .map(let map) = result {
        keys += map.keys
        values += map.values
      } else {
        return .stopped(.noSuchOverload)
      }
      return keys.count <= Arithmetic.maxElements ? .done : .stopped(.error(.size))
    }
    if let abrupt { return abrupt }
    switch MapValue.make(keys, values) {
    case .success(let map): return .map(map)
    case .failure(let error): return .error(error)
    }
  }
}

/// `cel.bind(name, value, body)`; the value is computed once, before the body.
final class BindNode: Node, @unchecked Sendable {
  private let slot: Int
  private let bound: Node
  private let body: Node
  init(_ slot: Int, _ bound: Node, _ body: Node) {
    self.slot = slot
    self.bound = bound
    self.body = body
  }
  override func value(_ c: EvaluationContext) -> Value {
    c.state.pointee.frame[slot] = bound.value(c)
    return body.value(c)
  }
  override func bool(_ c: EvaluationContext) -> Bool? {
    c.state.pointee.frame[slot] = bound.value(c)
    return body.bool(c)
  }
}

/// `optional.optMap(name, body)` and `optFlatMap`.
final class OptionalMapNode: Node, @unchecked Sendable {
  private let target: Node
  private let slot: Int
  private let body: Node
  private let flat: Bool
  init(_ target: Node, _ slot: Int, _ body: Node, flat: Bool) {
    self.target = target
    self.slot = slot
    self.body = body
    self.flat = flat
  }
  override func value(_ c: EvaluationContext) -> Value {
    let value = target.value(c)
    guard case .optional(let optional) = value else {
      return value.isAbrupt ? value : .noSuchOverload
    }
    guard let wrapped = optional.wrapped else { return value }
    c.state.pointee.frame[slot] = wrapped
    let result = body.value(c)
    if result.isAbrupt { return result }
    guard flat else { return .optional(OptionalValue(result)) }
    if case .optional = result { return result }
    return .noSuchOverload
  }
}
