public import Vocabulary

/// The type of a parameter.
public enum ParameterType: String, CaseIterable, Sendable {
  case int
  /// Written in yuan, kept in fen.
  case money
  /// A share in hundredths, written `30%`; an int (30) in expressions.
  case percent
  /// A length of time; a text in expressions.
  case term
  case bool
  case text
  case texts
}

/// A value of a parameter.
public enum ParameterValue: Hashable, Sendable {
  case int(Int64)
  case money(Fen)
  case percent(Int64)
  case term(Term)
  case bool(Bool)
  case text(String)
  case texts([String])

  /// The number of an int, money or percent value.
  public var number: Int64? {
    switch self {
    case .int(let value), .percent(let value): value
    case .money(let fen): fen.amount
    default: nil
    }
  }

  public var term: Term? { if case .term(let term) = self { term } else { nil } }

  /// As a policy text writes it.
  public var text: String {
    switch self {
    case .int(let value): String(value)
    case .money(let fen): fen.yuan
    case .percent(let value): "\(value)%"
    case .term(let term): term.description
    case .bool(let value): String(value)
    case .text(let value): value
    case .texts(let values): values.joined(separator: " ")
    }
  }
}

/// How a district's or sub-district's value meets the wider area's.
public enum ParameterCombination: String, CaseIterable, Sendable {
  /// The greater of both: the more generous standard stands.
  case max
  case min
  /// The narrower area's value stands.
  case replace
  /// Not to be changed by an overlay.
  case fixed
}

/// A value in force from a day on.
public struct DatedValue: Hashable, Sendable {
  public let from: CivilDate
  public let value: ParameterValue
  /// The document that sets it.
  public let cite: String
  /// False: still to be verified by the bureau.
  public let isVerified: Bool
}

/// One parameter.
public struct ParameterDefinition: Sendable {
  public let name: String
  public let title: String
  public let type: ParameterType
  /// For people, such as 元/人·月; empty where there is none.
  public let unit: String
  public let combination: ParameterCombination
  public let minimum: ParameterValue?
  public let maximum: ParameterValue?
  /// Values by day, earliest first; empty for a derived parameter.
  public let values: [DatedValue]
  /// Where it stands: file and line.
  public let file: String
  public let line: Int
  /// The formula of a derived parameter as written, and the unit it is rounded to (in fen for
  /// money).
  public let derivation: String?
  let formula: Formula?
  let roundingUnit: Int64

  /// The value in force on a day; nil before the first.
  func dated(on date: CivilDate) -> DatedValue? { values.last { $0.from <= date } }
}

/// Values of an area that stand beside the city's.
public struct ParameterOverlay: Sendable {
  /// Six digits for a district, nine for a sub-district.
  public let area: String
  /// Values by parameter index, earliest first.
  public let values: [Int: [DatedValue]]
}

/// All parameters of a pack with their overlays.
public struct ParameterTable: Sendable {
  public let definitions: [ParameterDefinition]
  /// Ordered by area.
  public let overlays: [ParameterOverlay]
  private let byName: [String: Int]
  /// Derived parameters in an order in which each comes after those it reads.
  private let derivationOrder: [Int]

  init(
    definitions: [ParameterDefinition], overlays: [ParameterOverlay], derivationOrder: [Int]
  ) {
    self.definitions = definitions
    self.overlays = overlays.sorted { $0.area < $1.area }
    self.derivationOrder = derivationOrder
    var byName: [String: Int] = [:]
    for (at, definition) in definitions.enumerated() { byName[definition.name] = at }
    self.byName = byName
  }

  /// The index of a parameter, which is also its slot in the object `params`.
  public func index(of name: String) -> Int? { byName[name] }

  /// The least number that a parameter may have, at any time and place; nil where it is not known.
  public func least(_ index: Int) -> Int64? {
    guard definitions.indices.contains(index), definitions[index].formula == nil else { return nil }
    let values = definitions[index].values + overlays.flatMap { $0.values[index] ?? [] }
    let numbers = values.compactMap(\.value.number)
    return numbers.count == values.count ? numbers.min() : nil
  }

  /// A number that is the same for all places with the same overlays: a key for caches of
  /// resolved values. 0: no overlay.
  public func placeIndex(district: String, subdistrict: String) -> Int {
    let inDistrict = overlays.firstIndex { $0.area == district }.map { $0 + 1 } ?? 0
    let inSubdistrict = overlays.firstIndex { $0.area == subdistrict }.map { $0 + 1 } ?? 0
    return inDistrict * (overlays.count + 1) + inSubdistrict
  }

  /// The values in force on a day in a place. A parameter without a value on that day is nil.
  public func resolve(on date: CivilDate, district: String, subdistrict: String)
    -> ResolvedParameters
  {
    let layers = [district, subdistrict].compactMap { area in
      overlays.first { $0.area == area }
    }
    var values: [ParameterValue?] = Array(repeating: nil, count: definitions.count)
    var until = CivilDate.latest
    for (at, definition) in definitions.enumerated() where definition.formula == nil {
      values[at] = definition.dated(on: date)?.value
      if let next = definition.values.first(where: { $0.from > date }) {
        until = min(until, next.from)
      }
      apply(layers, at, definition, date, &values, &until)
    }
    for at in derivationOrder {
      let definition = definitions[at]
      if let result = definition.formula?.evaluate({ values[$0]?.number }),
        let number = result.rounded(to: definition.roundingUnit)
      {
        values[at] = definition.type.value(number)
      }
      apply(layers, at, definition, date, &values, &until)
    }
    return ResolvedParameters(values: values, validUntil: until)
  }

  private func apply(
    _ layers: [ParameterOverlay], _ at: Int, _ definition: ParameterDefinition,
    _ date: CivilDate, _ values: inout [ParameterValue?], _ until: inout CivilDate
  ) {
    for layer in layers {
      guard let dated = layer.values[at] else { continue }
      if let next = dated.first(where: { $0.from > date }) { until = min(until, next.from) }
      guard let local = dated.last(where: { $0.from <= date })?.value else { continue }
      values[at] = definition.combination.combine(values[at], local)
    }
  }
}

extension ParameterCombination {
  func combine(_ wider: ParameterValue?, _ narrower: ParameterValue) -> ParameterValue {
    guard let wider else { return narrower }
    guard let a = wider.number, let b = narrower.number else {
      return self == .fixed ? wider : narrower
    }
    return switch self {
    case .max: a >= b ? wider : narrower
    case .min: a <= b ? wider : narrower
    case .replace: narrower
    case .fixed: wider
    }
  }
}

extension ParameterType {
  /// A number as a value of this type.
  func value(_ number: Int64) -> ParameterValue {
    switch self {
    case .money: .money(Fen(number))
    case .percent: .percent(number)
    default: .int(number)
    }
  }
}

/// The values of all parameters on one day in one place.
public struct ResolvedParameters: Sendable {
  /// By parameter index; nil where no value is in force.
  public let values: [ParameterValue?]
  /// The first day on which some value may be another; `CivilDate.latest` for never.
  public let validUntil: CivilDate

  public func term(_ index: Int) -> Term? {
    index < values.count ? values[index]?.term : nil
  }
  public func number(_ index: Int) -> Int64? {
    index < values.count ? values[index]?.number : nil
  }
}
