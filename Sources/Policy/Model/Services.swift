/// One item of business at a community affairs service centre and what it signals.
public struct ServiceItem: Hashable, Sendable {
  /// Stable code of the pack, used by `itemCode` of a transaction and by rules.
  public let code: String
  /// The line of business as transactions carry it: `mca ps hrss hsa nhc housing grain union dpf`;
  /// nil for items of all lines.
  public let line: String?
  /// Exact Chinese name of the item.
  public let item: String
  /// `A` application, `R` registration, `C` certificate, `Q` query, `B` bank matter.
  public let kind: String
  /// 0 to 100: how strongly it hints at hardship.
  public let weight: Int
  /// What it may mean, for advisors.
  public let signal: String
  /// Group of the plan (`1.1` ...) or clause (`3.4`).
  public let group: String
  /// `P` published, `V` seen in a notice, `K` own knowledge to be verified.
  public let source: String
}

/// The items of `services.yaml`.
public struct ServiceCatalogue: Sendable {
  public let items: [ServiceItem]
  private let byCode: [String: Int]
  private let byName: [String: [Int]]

  init(items: [ServiceItem]) {
    self.items = items
    var byCode: [String: Int] = [:]
    var byName: [String: [Int]] = [:]
    for (at, item) in items.enumerated() {
      byCode[item.code] = at
      byName[item.item, default: []].append(at)
    }
    self.byCode = byCode
    self.byName = byName
  }

  public func item(code: String) -> ServiceItem? { byCode[code].map { items[$0] } }

  /// The item of a transaction: by its code, else by its exact name within its line. Nil where
  /// the pack does not list it (it then weighs nothing).
  public func item(code: String?, line: String, name: String) -> ServiceItem? {
    if let code, let found = item(code: code) { return found }
    return byName[name]?.map { items[$0] }.first { $0.line == nil || $0.line == line }
  }
}
