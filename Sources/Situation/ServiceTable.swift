import Expression
import Policy

/// A service of the pack as rules see it.
final class Service {
  let code: Value
  let weight: Int

  init(code: Value, weight: Int) {
    self.code = code
    self.weight = weight
  }
}

/// The services that window transactions are about, in a hash table by what the transactions say of
/// them. Services are kept as long as the table.
final class ServiceTable {
  private let catalogue: ServiceCatalogue
  private let keeper: FactKeeper
  /// By code; the one without a code stands for what the pack does not list.
  private var services: [String: Service] = [:]
  private let names: UnsafeMutablePointer<Name?>
  private var nameCount = 0
  private static let capacity = 8192

  /// What transactions say of a service: its line, item and code, one after the other.
  private struct Name {
    let hash: UInt64
    let bytes: UnsafeMutableRawBufferPointer
    let lineCount: Int
    let itemCount: Int
    let service: Unmanaged<Service>
  }

  init(_ catalogue: ServiceCatalogue, _ keeper: FactKeeper) {
    self.catalogue = catalogue
    self.keeper = keeper
    names = .allocate(capacity: ServiceTable.capacity)
    names.initialize(repeating: nil, count: ServiceTable.capacity)
  }

  deinit {
    for at in 0..<ServiceTable.capacity { names[at]?.bytes.deallocate() }
    names.deallocate()
  }

  /// The service of a window transaction, of weight 0 where the pack does not list it.
  func service(
    line: UnsafeRawBufferPointer, item: UnsafeRawBufferPointer, code: UnsafeRawBufferPointer
  ) -> Unmanaged<Service> {
    let hash = line.mixed(into: item.mixed(into: code.mixed(into: 0)))
    let mask = ServiceTable.capacity - 1
    var at = Int(truncatingIfNeeded: hash >> 32) & mask
    // Half of the slots are free at least.
    while let known = names[at] {
      if known.hash == hash, ServiceTable.says(known, line, item, code) { return known.service }
      at = (at + 1) & mask
    }
    let service = find(line, item, code)
    if nameCount < ServiceTable.capacity / 2 {
      let bytes = UnsafeMutableRawBufferPointer.allocate(
        byteCount: line.count + item.count + code.count, alignment: 1)
      bytes.copyBytes(from: line)
      UnsafeMutableRawBufferPointer(rebasing: bytes[line.count...]).copyBytes(from: item)
      UnsafeMutableRawBufferPointer(rebasing: bytes[(line.count + item.count)...])
        .copyBytes(from: code)
      names[at] = Name(
        hash: hash, bytes: bytes, lineCount: line.count, itemCount: item.count, service: service)
      nameCount += 1
    }
    return service
  }

  private static func says(
    _ name: Name, _ line: UnsafeRawBufferPointer, _ item: UnsafeRawBufferPointer,
    _ code: UnsafeRawBufferPointer
  ) -> Bool {
    let bytes = UnsafeRawBufferPointer(name.bytes)
    let codeStart = name.lineCount + name.itemCount
    return UnsafeRawBufferPointer(rebasing: bytes[name.lineCount..<codeStart]).isEqual(to: item)
      && UnsafeRawBufferPointer(rebasing: bytes[codeStart...]).isEqual(to: code)
      && UnsafeRawBufferPointer(rebasing: bytes[..<name.lineCount]).isEqual(to: line)
  }

  @inline(never)
  private func find(
    _ line: UnsafeRawBufferPointer, _ item: UnsafeRawBufferPointer,
    _ code: UnsafeRawBufferPointer
  ) -> Unmanaged<Service> {
    let found = catalogue.item(
      code: code.isEmpty ? nil : String(decoding: code, as: UTF8.self),
      line: String(decoding: line, as: UTF8.self), name: String(decoding: item, as: UTF8.self))
    let code = found?.code ?? ""
    let service = services[code] ?? Service(code: keeper.text(code), weight: found?.weight ?? 0)
    services[code] = service
    return .passUnretained(service)
  }
}
