import Policy
import Testing

@testable import Situation

/// What window transactions say of a service leads to the service of the pack, however many other
/// things they say.
@Suite struct ServiceTableTests {
  private static func find(
    _ table: ServiceTable, _ line: String, _ item: String, _ code: String = ""
  ) -> Service {
    Array(line.utf8).withUnsafeBytes { line in
      Array(item.utf8).withUnsafeBytes { item in
        Array(code.utf8).withUnsafeBytes { code in
          table.service(line: line, item: item, code: code).takeUnretainedValue()
        }
      }
    }
  }

  @Test func everyServiceIsFoundByNameAndByCode() throws {
    let pack = try Scenario.pack.get()
    let table = SituationSchema(pack: pack).services
    let heavy = try #require(pack.services.items.first { $0.weight > 0 && $0.line != nil })
    // More names than there is room for, some of them with the letters of others.
    for number in 0..<6000 {
      #expect(Self.find(table, "mca", "其他事项\(number)").weight == 0)
    }
    for item in pack.services.items {
      let line = item.line ?? "mca"
      #expect(Self.find(table, line, item.item).weight == item.weight, "\(item.code)")
      #expect(Self.find(table, "x", "y", item.code).weight == item.weight, "\(item.code)")
    }
    let line = try #require(heavy.line)
    let shifted = Self.find(
      table, line + String(heavy.item.prefix(1)), String(heavy.item.dropFirst()))
    #expect(shifted.weight == 0)
    #expect(Self.find(table, "other", heavy.item).weight == 0)
    #expect(Self.find(table, line, heavy.item) === Self.find(table, "x", "y", heavy.code))
  }
}
