internal import CSimdJSON

/// Memory of a compiled plan: written while it is compiled, only read afterwards, freed with the
/// plan. Plain pointers keep bounds checks and reference counts out of the path of every event.
final class PlanArena {
  private var blocks: [UnsafeMutableRawPointer] = []

  deinit {
    for block in blocks { block.deallocate() }
  }

  /// A copy of `elements`; a valid pointer also where there are none.
  func copy<T: BitwiseCopyable>(_ elements: [T]) -> UnsafePointer<T> {
    let size = max(1, elements.count) * MemoryLayout<T>.stride
    let block = UnsafeMutableRawPointer.allocate(
      byteCount: size, alignment: MemoryLayout<T>.alignment)
    blocks.append(block)
    let typed = block.bindMemory(to: T.self, capacity: max(1, elements.count))
    for (index, element) in elements.enumerated() { typed[index] = element }
    return UnsafePointer(typed)
  }

  func copy(_ text: String) -> PlanText {
    let bytes = Array(text.utf8)
    return PlanText(start: copy(bytes), length: bytes.count)
  }
}

/// UTF-8 bytes owned by an arena or borrowed from an event.
struct PlanText: BitwiseCopyable {
  var start: UnsafePointer<UInt8>
  var length: Int

  static var empty: PlanText {
    let nothing: StaticString = ""
    return PlanText(start: nothing.utf8Start, length: 0)
  }

  init(start: UnsafePointer<UInt8>, length: Int) {
    self.start = start
    self.length = length
  }

  /// A node's text.
  @inline(__always)
  init(_ node: csj_node) {
    start = node.text
    length = Int(node.length)
  }

  @inline(__always)
  var bytes: UnsafeRawBufferPointer { UnsafeRawBufferPointer(start: start, count: length) }

  var string: String { String(decoding: bytes, as: UTF8.self) }

  @inline(__always)
  func equals(_ other: PlanText) -> Bool {
    length == other.length && memoryEqual(start, other.start, length)
  }

  /// Whether the bytes are those of an ASCII literal.
  @inline(__always)
  func equals(_ literal: StaticString) -> Bool {
    length == literal.utf8CodeUnitCount && memoryEqual(start, literal.utf8Start, length)
  }

  @inline(__always)
  func hasPrefix(_ literal: StaticString) -> Bool {
    length >= literal.utf8CodeUnitCount
      && memoryEqual(start, literal.utf8Start, literal.utf8CodeUnitCount)
  }

  @inline(__always)
  func dropFirst(_ count: Int) -> PlanText {
    PlanText(start: start + count, length: length - count)
  }
}

@inline(__always)
func memoryEqual(_ a: UnsafePointer<UInt8>, _ b: UnsafePointer<UInt8>, _ count: Int) -> Bool {
  var at = 0
  let x = UnsafeRawPointer(a)
  let y = UnsafeRawPointer(b)
  while at + 8 <= count {
    if x.loadUnaligned(fromByteOffset: at, as: UInt64.self)
      != y.loadUnaligned(fromByteOffset: at, as: UInt64.self)
    {
      return false
    }
    at += 8
  }
  while at < count {
    if a[at] != b[at] { return false }
    at += 1
  }
  return true
}

/// Finds the index of a name among those it was made of.
struct NameTable: BitwiseCopyable {
  struct Cell: BitwiseCopyable {
    var hash: UInt32
    /// -1: the cell is empty.
    var index: Int32
    var name: PlanText
  }
  private let mask: UInt32
  private let cells: UnsafePointer<Cell>

  /// `names` must be different from each other.
  init(_ names: [String], arena: PlanArena) {
    var size = 4
    while size < names.count * 2 { size *= 2 }
    var table = [Cell](repeating: Cell(hash: 0, index: -1, name: .empty), count: size)
    for (index, name) in names.enumerated() {
      let text = arena.copy(name)
      let hash = csj_hash(text.start, text.length)
      var at = Int(hash) & (size - 1)
      while table[at].index >= 0 { at = (at + 1) & (size - 1) }
      table[at] = Cell(hash: hash, index: Int32(index), name: text)
    }
    mask = UInt32(size - 1)
    cells = arena.copy(table)
  }

  /// The index of `name`, whose `csj_hash` is `hash`, or -1.
  @inline(__always)
  func find(_ name: PlanText, hash: UInt32) -> Int {
    var at = hash & mask
    while true {
      let cell = cells + Int(at)
      if cell.pointee.index < 0 { return -1 }
      if cell.pointee.hash == hash, cell.pointee.name.equals(name) {
        return Int(cell.pointee.index)
      }
      at = (at + 1) & mask
    }
  }

  @inline(__always)
  func find(_ name: PlanText) -> Int { find(name, hash: csj_hash(name.start, name.length)) }
}
